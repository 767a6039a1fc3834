//! What several tests need: made-up samples, and what a real tool wrote where it is on this machine.
#![allow(dead_code, clippy::print_stderr)]

use std::path::{Path, PathBuf};

use noodle2_layout::{Def, Lef};

pub const TINY_LEF: &str = include_str!("../samples/tiny.lef");
pub const TINY_DEF: &str = include_str!("../samples/tiny.def");

pub fn tiny_lef() -> Lef {
    Lef::read(TINY_LEF.as_bytes()).unwrap()
}

pub fn tiny_def() -> Def {
    Def::read(TINY_DEF.as_bytes()).unwrap()
}

/// A path beside the project that only some machines have; says so where it is absent.
pub fn shared(path: &str) -> Option<PathBuf> {
    let full = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared")).join(path);
    if !full.exists() {
        eprintln!("SKIPPED: ../shared/{path} is not on this machine");
        return None;
    }
    Some(full)
}

pub fn shared_bytes(path: &str) -> Option<Vec<u8>> {
    Some(std::fs::read(shared(path)?).unwrap())
}

/// The LEF files of a platform, joined.
pub fn platform(name: &str) -> Option<Lef> {
    let files: &[&str] = match name {
        "nangate45" => &["Nangate45_tech.lef", "Nangate45_stdcell.lef"],
        "sky130hd" => &["sky130hd.tlef", "sky130_fd_sc_hd_merged.lef"],
        "asap7" => &[
            "asap7_tech_1x_201209.lef",
            "asap7sc7p5t_28_R_1x_220121a.lef",
            "asap7sc7p5t_28_L_1x_220121a.lef",
        ],
        _ => panic!("no platform {name}"),
    };
    let mut parts = Vec::new();
    for file in files {
        let bytes = shared_bytes(&format!("pdk/{name}/{file}"))?;
        parts.push(Lef::read(&bytes).unwrap_or_else(|error| panic!("{file}: {error}")));
    }
    Some(Lef::join(parts).unwrap())
}

/// Every recorded design with a DEF: its folder and its platform.
pub const RECORDED: [(&str, &str); 4] = [
    ("gcd_nangate45", "nangate45"),
    ("gcd_sky130hd", "sky130hd"),
    ("gcd_asap7", "asap7"),
    ("aes_nangate45", "nangate45"),
];

/// A recorded design with the LEF of its platform.
pub fn recorded(folder: &str, name: &str) -> Option<(Def, Lef)> {
    let bytes = shared_bytes(&format!("openroad/{folder}/placed.def"))?;
    Some((Def::read(&bytes).unwrap(), platform(name)?))
}
