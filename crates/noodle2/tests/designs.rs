//! Studies on real designs of three platforms: base metrics equal to what `sta` prints by hand.

mod support;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;
use support::{run, shared, summary, text};

/// A design with its platform, corners, and how many ps the engine's unit of time is.
struct Design {
    folder: &'static str,
    platform: &'static str,
    corners: &'static [&'static str],
    unit_ps: f64,
}

const DESIGNS: [Design; 4] = [
    Design {
        folder: "gcd.nangate45",
        platform: "nangate45",
        corners: &["typical"],
        unit_ps: 1000.0,
    },
    Design {
        folder: "uart_buffered.nangate45",
        platform: "nangate45",
        corners: &["slow", "fast"],
        unit_ps: 1000.0,
    },
    Design {
        folder: "gcd.sky130hd",
        platform: "sky130hd",
        corners: &["typical"],
        unit_ps: 1000.0,
    },
    Design {
        folder: "uart.asap7",
        platform: "asap7",
        corners: &["typical"],
        unit_ps: 1.0,
    },
];

fn top(design: &Path) -> String {
    let facts = fs::read_to_string(design.join("design.txt")).unwrap();
    let line = facts.lines().find_map(|line| line.strip_prefix("top: "));
    line.unwrap().trim().to_owned()
}

fn write_study(design: &Design, folder: &Path, root: &Path) -> PathBuf {
    let source = root.join("designs").join(design.folder);
    let scenes: Vec<String> = design
        .corners
        .iter()
        .map(|corner| {
            format!(
                "  - {{name: {corner}, sdc: [{}], liberty: [\"platform:{corner}\"]}}\n",
                text(&source.join("constraints.sdc"))
            )
        })
        .collect();
    let study = folder.join(format!("{}.yaml", design.folder));
    fs::write(
        &study,
        format!(
            "name: {name}\nseed: 1\ndesign:\n  case_name: {name}\n  top: {top}\n  netlists: [{netlist}]\n  \
             platform: {platform}\n  platform_root: {pdk}\nscenes:\n{scenes}engine: {{kind: opensta}}\n\
             objective: {{rank: [setup_wns_ps, setup_tns_ps]}}\nstages:\n  - name: only\n    trials: 4\n    ecos:\n      \
             - noop\n      - name: upsize_critical\n        parameters: {{max_cells: [5, 20, 60]}}\n",
            name = design.folder.replace('.', "_"),
            top = top(&source),
            netlist = text(&source.join("netlist.v")),
            platform = design.platform,
            pdk = text(&root.join("pdk").join(design.platform)),
            scenes = scenes.concat(),
        ),
    )
    .unwrap();
    study
}

/// What a plain script prints, corner by corner in a process of its own: setup WNS and TNS, hold worst
/// slack, in the engine's unit of time, and power in W.
fn by_hand(design: &Design, corner: &str, folder: &Path, root: &Path) -> [f64; 4] {
    let source = root.join("designs").join(design.folder);
    let pdk = root.join("pdk").join(design.platform);
    let mut libraries: Vec<PathBuf> = fs::read_dir(&pdk)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| text(path).ends_with(".lib.gz"))
        .filter(|path| match design.platform {
            "nangate45" => text(path).contains(&corner[..3].replace("fas", "fast")),
            _ => true,
        })
        .collect();
    libraries.sort();
    let mut script = String::new();
    for library in libraries {
        let plain = folder.join(library.file_stem().unwrap());
        let unpacked = Command::new("gzip")
            .args(["-dc", text(&library)])
            .output()
            .unwrap();
        fs::write(&plain, unpacked.stdout).unwrap();
        script += &format!("read_liberty {}\n", text(&plain));
    }
    script += &format!(
        "read_verilog {}\nlink_design {}\nread_sdc {}\nreport_wns -digits 9\nreport_tns -digits 9\n\
         puts \"hold [worst_slack -min]\"\nreport_power -digits 9\n",
        text(&source.join("netlist.v")),
        top(&source),
        text(&source.join("constraints.sdc"))
    );
    let file = folder.join("hand.tcl");
    fs::write(&file, script).unwrap();
    let output = Command::new("sta")
        .args(["-no_init", "-no_splash", "-exit", text(&file)])
        .output()
        .unwrap();
    let printed = String::from_utf8(output.stdout).unwrap();
    let value = |name: &str, column: usize| -> f64 {
        let line = printed.lines().find(|line| line.starts_with(name));
        let line = line.unwrap_or_else(|| panic!("no `{name}` in {printed}"));
        line.split_whitespace()
            .nth(column)
            .unwrap()
            .parse()
            .unwrap()
    };
    [
        value("wns", 1),
        value("tns", 1),
        value("hold", 1),
        value("Total", 4),
    ]
}

fn close(left: &Value, right: f64, tolerance: f64, what: &str) {
    let left = left.as_f64().unwrap_or_else(|| panic!("{what} is missing"));
    assert!(
        (left - right).abs() <= tolerance.max(right.abs() * 1e-6),
        "{what}: {left} against {right} by hand"
    );
}

#[test]
fn base_metrics_are_what_the_engine_prints_by_hand() {
    let Some(root) = shared() else {
        return;
    };
    for design in &DESIGNS {
        let folder = tempfile::tempdir().unwrap();
        let study = write_study(design, folder.path(), &root);
        let out = folder.path().join("run");
        let (status, _, stderr) = run(&["run", text(&study), "--out", text(&out)]);
        assert_eq!(status, 0, "{}: {stderr}", design.folder);
        let base = &summary(&out)["base"];
        let mut worst = f64::INFINITY;
        for corner in design.corners {
            let [wns, tns, hold, power] = by_hand(design, corner, folder.path(), &root);
            let scene = &base["scenes"][corner];
            let name = format!("{} {corner}", design.folder);
            close(&scene["setup_wns_ps"], wns * design.unit_ps, 0.001, &name);
            // The engine adds it up in single precision, in the order of addresses.
            let sum = tns * design.unit_ps;
            close(&scene["setup_tns_ps"], sum, sum.abs() * 1e-5, &name);
            close(&scene["hold_ws_ps"], hold * design.unit_ps, 0.001, &name);
            // Six significant digits are kept.
            close(&scene["power_w"], power, power * 6e-6, &name);
            assert!(
                wns < 0.0,
                "{name} meets its clock: the comparison says nothing"
            );
            worst = worst.min(wns * design.unit_ps);
        }
        close(
            &base["metrics"]["setup_wns_ps"],
            worst,
            0.001,
            design.folder,
        );
        assert!(base["metrics"]["area_um2"].as_f64().unwrap() > 0.0);
        assert_eq!(summary(&out)["stages"][0]["no_effect"], 1, "noop");
    }
}
