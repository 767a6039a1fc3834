//! A timing report of any length, as OpenSTA lays it out with input pins and nets; every path ends elsewhere.

use std::io::{self, BufWriter, Write};

/// Cells that each path goes through.
const CELLS: u64 = 20;

/// Prints a report of at least `bytes` bytes to stdout.
pub(crate) fn print(bytes: u64) -> io::Result<()> {
    let mut out = BufWriter::with_capacity(1 << 20, io::stdout().lock());
    let mut printed = 0;
    let mut path = Vec::new();
    for number in 0_u64.. {
        if printed >= bytes {
            break;
        }
        path.clear();
        write_path(&mut path, number)?;
        out.write_all(&path)?;
        printed += path.len() as u64;
    }
    out.flush()
}

fn write_path(out: &mut Vec<u8>, number: u64) -> io::Result<()> {
    let (start, end) = (number * 7919 % 100_003, number);
    let rule = "-".repeat(77);
    writeln!(
        out,
        "Startpoint: core/r{start} (rising edge-triggered flip-flop clocked by clk)\n\
         Endpoint: core/q{end} (rising edge-triggered flip-flop clocked by clk)\n\
         Path Group: clk\nPath Type: max\n\n\
         Fanout     Cap    Slew   Delay    Time   Description\n{rule}\n\
         \x20                 0.00    0.00    0.00   clock clk (rise edge)\n\
         \x20                         0.00    0.00   clock network delay (ideal)\n\
         \x20                 0.00    0.00    0.00 ^ core/r{start}/CK (DFF_X1)\n\
         \x20    3    8.70    0.02    0.10    0.10 ^ core/r{start}/Q (DFF_X1)"
    )?;
    let mut time = 0.10;
    for cell in 0..CELLS {
        let net = number.wrapping_mul(31) + cell;
        time += 0.05;
        writeln!(
            out,
            "                                         core/n{net} (net)\n\
             \x20                 0.02    0.00 {time:7.2} ^ core/u{net}/A1 (NAND2_X1)\n\
             \x20    2    3.60    0.01    0.05 {time:7.2} v core/u{net}/ZN (NAND2_X1)"
        )?;
    }
    let slack = 1.0 - time - (number % 100) as f64 / 100.0;
    let status = if slack < 0.0 { "VIOLATED" } else { "MET" };
    writeln!(
        out,
        "                  0.01    0.00 {time:7.2} v core/q{end}/D (DFF_X1)\n\
         \x20                              {time:7.2}   data arrival time\n\n\
         \x20                 0.00    1.00    1.00   clock clk (rise edge)\n\
         \x20                         0.00    1.00   clock network delay (ideal)\n\
         \x20                                 1.00 ^ core/q{end}/CK (DFF_X1)\n\
         \x20                                 1.00   data required time\n{rule}\n\
         \x20                                 1.00   data required time\n\
         \x20                              {:7.2}   data arrival time\n{rule}\n\
         \x20                              {slack:7.2}   slack ({status})\n\n",
        -time
    )
}
