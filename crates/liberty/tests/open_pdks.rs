//! Three open platforms, where they are on the machine: what is known of them by other means.
#![allow(clippy::print_stderr)]

mod common;

use std::sync::Arc;
use std::time::Instant;

use common::{cache, shared, shared_libraries};
use noodle2_liberty::{IndexOptions, Library, LibraryIndex, PinDirection, ScanRole};

fn names(list: &[&str]) -> Vec<String> {
    list.iter().map(|name| (*name).to_owned()).collect()
}

fn load(folder: &str) -> Option<Vec<Arc<Library>>> {
    let (_guard, cache) = cache();
    let paths = shared_libraries(folder)?;
    Some(
        paths
            .iter()
            .map(|path| cache.library(path).unwrap())
            .collect(),
    )
}

#[test]
fn nangate45() {
    let Some(libraries) = load("pdk/nangate45") else {
        return;
    };
    // Fast, slow and typical describe the same cells.
    let index = LibraryIndex::build(&libraries, &IndexOptions::default());
    assert_eq!(index.cells().count(), 134);
    assert!(index.conflicts().is_empty(), "{:?}", index.conflicts());

    let typical = &libraries[2];
    assert_eq!(typical.capacitance_unit_f, Some(1e-15));
    assert_eq!(typical.wire_loads.len(), 9);
    assert!(typical.default_wire_load.is_some());
    assert_eq!(typical.cells["FA_X1"].area, Some(4.256));
    assert_eq!(typical.cells["SDFFRS_X1"].pins.len(), 8);
    assert!(typical.cells["CLKGATE_X1"].is_sequential());
    assert!(typical.cells["FILLCELL_X1"].dont_use);

    let inverters = ["INV_X1", "INV_X2", "INV_X4", "INV_X8", "INV_X16", "INV_X32"];
    assert_eq!(index.family("INV_X4"), inverters);
    assert_eq!(index.inverters(), inverters);
    let buffers = ["BUF_X1", "BUF_X2", "BUF_X4", "BUF_X8", "BUF_X16", "BUF_X32"];
    assert_eq!(index.buffers(), buffers);
    assert_eq!(
        index.clock_buffers(),
        ["CLKBUF_X1", "CLKBUF_X2", "CLKBUF_X3"]
    );
    assert_eq!(index.family("CLKBUF_X1"), index.clock_buffers());
    assert_eq!(index.family("SDFFRS_X1"), ["SDFFRS_X1", "SDFFRS_X2"]);
    let roles = |cell: &str| -> Vec<(&str, ScanRole)> {
        let pins = index.cell(cell).unwrap().pins.iter();
        pins.filter_map(|(name, pin)| Some((name.as_str(), pin.scan?)))
            .collect()
    };
    let scanned = [("SE", ScanRole::Enable), ("SI", ScanRole::Input)];
    assert_eq!(roles("SDFFRS_X1"), scanned);
    assert_eq!(roles("DFFRS_X1"), []);
    assert_eq!(index.family("CLKGATE_X1").len(), 4);
    assert!(!index.same_function("CLKGATE_X1", "CLKGATETST_X1"));
    assert!(!index.same_function("DLH_X1", "DLL_X1"));
    assert!(!index.same_function("FILLCELL_X1", "FILLCELL_X2"));
    assert_eq!(index.equivalent_pins("AOI222_X1").len(), 3);
    let ties: Vec<&str> = index
        .tie_cells()
        .iter()
        .map(|tie| tie.cell.as_str())
        .collect();
    assert_eq!(ties, ["LOGIC0_X1", "LOGIC1_X1"]);
}

#[test]
fn sky130hd() {
    let Some(path) = shared("pdk/sky130hd/sky130hd_tt.lib.gz") else {
        return;
    };
    let (_guard, cache) = cache();
    let bytes = std::fs::read(cache.plain(&path).unwrap()).unwrap();
    let start = Instant::now();
    let library = Arc::new(Library::parse(&bytes, &path).unwrap());
    let elapsed = start.elapsed();
    eprintln!("{} bytes of Liberty in {elapsed:?}", bytes.len());
    assert!(elapsed.as_secs_f64() < 1.0, "{elapsed:?}");

    assert_eq!(library.cells.len(), 428);
    assert_eq!(library.default_max_transition_ps, Some(1500.0));
    let prefixed = |name: &str| format!("sky130_fd_sc_hd__{name}");
    let scan = &library.cells[&prefixed("sdfxtp_1")];
    // The scan cell itself, not the plain flip-flop that its `test_cell` describes.
    assert!(scan.storage[0].attributes["next_state"].contains("SCE"));
    assert_eq!(scan.pins.len(), 5);
    assert_eq!(scan.pins["SCD"].scan, Some(ScanRole::Input));
    assert_eq!(scan.pins["SCE"].scan, Some(ScanRole::Enable));
    // It is the output of the register as well.
    assert_eq!(scan.pins["Q"].scan, None);
    assert_eq!(scan.supplies.len(), 4);

    let options = IndexOptions {
        delay_patterns: names(&["*__dlygate*", "*__dlymetal*", "*__clkdlybuf*"]),
        dont_use_patterns: names(&["*__probe*"]),
        ..IndexOptions::default()
    };
    let index = LibraryIndex::build(&[library], &options);
    let family = |name: &str| {
        let members = index.family(&prefixed(name)).iter();
        let stems: Vec<&str> = members
            .map(|cell| cell.trim_start_matches("sky130_fd_sc_hd__"))
            .collect();
        stems.join(" ")
    };
    assert_eq!(family("nand2_2"), "nand2_1 nand2_2 nand2_4 nand2_8");
    assert_eq!(
        family("clkbuf_1"),
        "clkbuf_1 clkbuf_2 clkbuf_4 clkbuf_8 clkbuf_16"
    );
    assert_eq!(family("dfrtp_1"), "dfrtp_1 dfrtp_2 dfrtp_4");
    assert_eq!(index.delay_cells().len(), 14);
    assert_eq!(index.clock_buffers().len(), 5);
    // A buffer on a supply of its own does what a buffer does, and cannot stand in for one.
    let kept_alive = prefixed("lpflow_clkbufkapwr_1");
    assert!(index.same_function(&kept_alive, &prefixed("clkbuf_1")));
    assert!(!family("clkbuf_1").contains("kapwr"));
    for list in [index.buffers(), index.inverters(), index.clock_buffers()] {
        assert!(
            list.iter()
                .all(|name| !name.contains("lpflow") && !name.contains("probe"))
        );
    }
    assert_eq!(index.tie_cells()[0].cell, prefixed("conb_1"));
}

#[test]
fn asap7() {
    let Some(libraries) = load("pdk/asap7") else {
        return;
    };
    let options = IndexOptions {
        threshold_suffixes: names(&[
            "_ASAP7_75t_R",
            "_ASAP7_75t_L",
            "_ASAP7_75t_SL",
            "_ASAP7_75t_SRAM",
        ]),
        delay_patterns: names(&["HB*"]),
        ..IndexOptions::default()
    };
    let index = LibraryIndex::build(&libraries, &options);
    assert!(
        libraries
            .iter()
            .all(|library| library.time_unit_ps == Some(1.0))
    );
    // The greatest load of NAND2x1p5 is rounded down to that of the weakest gate; its tables tell better.
    assert_eq!(
        index.family("NAND2x1_ASAP7_75t_R"),
        [
            "NAND2xp33",
            "NAND2xp5",
            "NAND2xp67",
            "NAND2x1",
            "NAND2x1p5",
            "NAND2x2"
        ]
        .map(|stem| format!("{stem}_ASAP7_75t_R"))
    );
    for family in index.families() {
        let flavour = |name: &str| name.rsplit('_').next().map(str::to_owned);
        let first = flavour(&family[0]);
        assert!(
            family.iter().all(|cell| flavour(cell) == first),
            "{family:?}"
        );
    }
    let twins = index.twins("BUFx2_ASAP7_75t_R").unwrap();
    assert_eq!(twins.len(), 1);
    assert_eq!(twins["_ASAP7_75t_L"], "BUFx2_ASAP7_75t_L");
    // Only the regular flavour of these cells is there.
    assert!(index.twins("AO21x1_ASAP7_75t_R").unwrap().is_empty());
    let twinless = index
        .cells()
        .filter(|cell| index.twins(cell).unwrap().is_empty());
    assert!(
        twinless
            .into_iter()
            .all(|cell| cell.starts_with('A') && cell.ends_with("_R"))
    );
    assert_eq!(index.delay_cells().len(), 8);
    assert!(index.buffers().iter().all(|cell| cell.starts_with("BUF")));
    assert!(index.inverters().iter().all(|cell| cell.starts_with("INV")));
}

#[test]
fn every_driver_of_every_platform_states_a_resistance() {
    for folder in ["pdk/nangate45", "pdk/sky130hd", "pdk/asap7"] {
        let Some(libraries) = load(folder) else {
            return;
        };
        for library in libraries {
            for (name, cell) in &library.cells {
                let has_inputs = cell.pins_of(PinDirection::Input).next().is_some();
                for (pin, data) in cell.pins_of(PinDirection::Output).filter(|_| has_inputs) {
                    let ohms = data.drive_resistance_ohm;
                    let is_plausible = ohms.is_some_and(|ohms| (10.0..1e6).contains(&ohms));
                    assert!(is_plausible, "{name}/{pin}: {ohms:?}");
                }
            }
        }
    }
}
