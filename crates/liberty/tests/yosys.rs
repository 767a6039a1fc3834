//! Areas against another reader of Liberty: `yosys stat -liberty` on real netlists.

mod common;

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;

use common::{OSU018, cache, osu018, shared};
use noodle2_liberty::Library;

/// The number of each cell and the total area, as yosys prints them for a flat design.
fn stat(liberty: &Path, netlist: &Path, top: &str) -> (BTreeMap<String, u32>, f64) {
    let script = format!(
        "read_liberty -lib \"{liberty}\"; read_verilog \"{netlist}\"; hierarchy -top {top}; stat -liberty \"{liberty}\"",
        liberty = liberty.display(),
        netlist = netlist.display(),
    );
    let output = Command::new("yosys")
        .args(["-p", &script])
        .output()
        .expect("the Debian package yosys is installed");
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{text}");
    let (_, report) = text.rsplit_once("Number of cells:").unwrap();
    let mut counts = BTreeMap::new();
    let mut area = None;
    for line in report.lines().skip(1) {
        if let Some((_, value)) = line
            .split_once("Chip area for")
            .and_then(|(_, rest)| rest.split_once(": "))
        {
            area = Some(value.trim().parse().unwrap());
        }
        if let [cell, count] = line.split_whitespace().collect::<Vec<_>>()[..]
            && let Ok(count) = count.parse()
        {
            counts.insert(cell.to_owned(), count);
        }
    }
    (counts, area.expect("yosys prints an area"))
}

fn assert_area(library: &Library, counts: &BTreeMap<String, u32>, expected: f64) {
    let sum: f64 = counts
        .iter()
        .map(|(cell, count)| f64::from(*count) * library.cells[cell].area.unwrap())
        .sum();
    assert!(
        (sum - expected).abs() <= 1e-6 * expected,
        "{sum} is not {expected}"
    );
}

#[test]
fn one_of_each_osu018_cell() {
    let library = osu018();
    let folder = tempfile::tempdir().unwrap();
    let netlist = folder.path().join("netlist.v");
    let cells: String = library
        .cells
        .keys()
        .map(|cell| format!("{cell} one_{cell} ();\n"))
        .collect();
    std::fs::write(&netlist, format!("module top;\n{cells}endmodule\n")).unwrap();
    let (counts, area) = stat(Path::new(OSU018), &netlist, "top");
    assert_eq!(counts.len(), library.cells.len());
    assert_area(&library, &counts, area);
}

#[test]
fn real_designs() {
    for (design, library) in [
        ("uart.nangate45", "pdk/nangate45/nangate45_typ.lib.gz"),
        ("gcd.sky130hd", "pdk/sky130hd/sky130hd_tt.lib.gz"),
    ] {
        let Some(folder) = shared(&format!("designs/{design}")) else {
            return;
        };
        let Some(library) = shared(library) else {
            return;
        };
        let (_guard, cache) = cache();
        let liberty = cache.plain(&library).unwrap();
        let netlist = folder.join("netlist.v");
        let text = std::fs::read_to_string(folder.join("design.txt")).unwrap();
        let top = text
            .lines()
            .find_map(|line| line.strip_prefix("top"))
            .map(|rest| {
                rest.trim_start_matches([':', '=', ' ', '\t'])
                    .trim()
                    .to_owned()
            })
            .unwrap_or_else(|| panic!("no top in {text:?}"));
        let (counts, area) = stat(&liberty, &netlist, &top);
        assert!(counts.len() > 10, "{counts:?}");
        assert_area(&cache.library(&library).unwrap(), &counts, area);
    }
}
