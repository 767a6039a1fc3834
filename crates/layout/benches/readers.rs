//! How fast the reader of DEF is, in bytes a second, on a design of 100,000 cells made up here.

use std::fmt::Write as _;
use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use noodle2_layout::Def;

/// A chain of inverters in rows.
fn made_up(cells: usize) -> String {
    let mut text = String::from(
        "VERSION 5.8 ;\nDIVIDERCHAR \"/\" ;\nBUSBITCHARS \"[]\" ;\nDESIGN chain ;\nUNITS DISTANCE MICRONS 1000 ;\n\
         DIEAREA ( 0 0 ) ( 1000000 1000000 ) ;\n",
    );
    let _ = writeln!(text, "COMPONENTS {cells} ;");
    for cell in 0..cells {
        let (x, y) = (cell % 1000 * 760, cell / 1000 * 1400);
        let _ = writeln!(text, "    - _{cell:06}_ INV_X1 + PLACED ( {x} {y} ) N ;");
    }
    let _ = writeln!(text, "END COMPONENTS\nNETS {cells} ;");
    for cell in 0..cells {
        let next = (cell + 1) % cells;
        let _ = writeln!(
            text,
            "    - net\\[{cell}\\] ( _{cell:06}_ ZN ) ( _{next:06}_ A ) + USE SIGNAL ;"
        );
    }
    text.push_str("END NETS\nEND DESIGN\n");
    text
}

fn def(criterion: &mut Criterion) {
    let text = made_up(100_000);
    let mut group = criterion.benchmark_group("def");
    group
        .throughput(Throughput::Bytes(text.len() as u64))
        .sample_size(10);
    group.bench_function("read", |bencher| {
        bencher.iter(|| Def::read(black_box(text.as_bytes())).expect("a design"));
    });
    group.finish();
}

criterion_group!(benches, def);
criterion_main!(benches);
