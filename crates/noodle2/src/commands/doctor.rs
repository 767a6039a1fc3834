//! `noodle2 doctor`: what is installed, what is missing, and the command that brings it.

use std::path::Path;

use noodle2_bridge::PROTOCOL;
use noodle2_engine::{Engine, Platform, find_program};
use noodle2_exec::{Containment, Supervision};
use noodle2_model::{EngineKind, EngineSpec};
use serde::Serialize;

use crate::cli::{Format, PythonOption};
use crate::exit::{CommandFailure, Exit};
use crate::print;
use crate::run::check;
use crate::tools::probe_engine;

/// What was found of one thing that studies need.
#[derive(Debug, Serialize)]
struct Finding {
    name: &'static str,
    needed_for: &'static str,
    found: Option<String>,
    required: bool,
    how_to_get: &'static str,
}

/// Looks at this machine. Findings when something required is missing.
pub(crate) fn doctor(python: &PythonOption, format: Format) -> Result<Exit, CommandFailure> {
    let findings = look(python);
    let missing = is_missing(&findings);
    match format {
        Format::Json => print::json(&as_json(&findings))?,
        Format::Text => print::data(&text(&findings)),
    }
    Ok(if missing { Exit::Findings } else { Exit::Done })
}

/// What is found on this machine, as `doctor --format json` prints it.
pub(super) fn findings_of(python: &PythonOption) -> serde_json::Value {
    as_json(&look(python))
}

fn as_json(findings: &[Finding]) -> serde_json::Value {
    serde_json::json!({"ok": !is_missing(findings), "findings": findings})
}

fn is_missing(findings: &[Finding]) -> bool {
    let mut findings = findings.iter();
    findings.any(|finding| finding.required && finding.found.is_none())
}

fn look(python: &PythonOption) -> Vec<Finding> {
    let probe = |kind| {
        let spec = EngineSpec::of(kind);
        probe_engine(&spec, None).ok()
    };
    let sta = match probe(EngineKind::Opensta) {
        Some(Engine::OpenSta(engine)) => Some(engine),
        _ => None,
    };
    let openroad = match probe(EngineKind::Openroad) {
        Some(Engine::OpenRoad(engine)) => Some(engine),
        _ => None,
    };
    vec![
        Finding {
            name: "sta",
            needed_for: "timing (engine opensta)",
            found: sta
                .as_ref()
                .map(|engine| format!("{} version {}", engine.path.display(), engine.version)),
            required: true,
            how_to_get: "apt-get install opensta",
        },
        Finding {
            name: "tclx",
            needed_for: "forking a timed design instead of loading it again",
            found: sta
                .filter(|engine| engine.abilities.forks)
                .map(|_| "sta can load it, and be forked with it".to_owned()),
            required: false,
            how_to_get: "apt-get install tclx8.4",
        },
        Finding {
            name: "openroad",
            needed_for: "placed designs (engine openroad)",
            found: openroad.map(|engine| {
                let forks = match engine.abilities.forks {
                    true => "can be forked",
                    false => "cannot be forked",
                };
                let maps = match engine.abilities.dumps_heatmaps() {
                    true => "heat maps",
                    false => "no heat maps",
                };
                format!("version {}, {forks}, {maps}", engine.version)
            }),
            required: false,
            how_to_get: "install OpenROAD, or name an image that holds it in the study's `engine.container`",
        },
        program(
            "yosys",
            "the ECO `restructure`",
            false,
            "apt-get install yosys",
        ),
        Finding {
            name: "osu018",
            needed_for: "the demo, and `noodle2 init`",
            found: platform("osu018"),
            required: false,
            how_to_get: "apt-get install qflow-tech-osu018",
        },
        Finding {
            name: "nangate45",
            needed_for: "studies on this platform",
            found: platform("nangate45"),
            required: false,
            how_to_get: "set NOODLE2_PDK_NANGATE45 to the folder with its libraries",
        },
        Finding {
            name: "sky130hd",
            needed_for: "studies on this platform",
            found: platform("sky130hd"),
            required: false,
            how_to_get: "set NOODLE2_PDK_SKY130HD to the folder with its libraries",
        },
        Finding {
            name: "asap7",
            needed_for: "studies on this platform",
            found: platform("asap7"),
            required: false,
            how_to_get: "set NOODLE2_PDK_ASAP7 to the folder with its libraries",
        },
        Finding {
            name: "ray",
            needed_for: "runs on a cluster (--executor ray)",
            found: ray(&python.ray_python),
            required: false,
            how_to_get: "pip install ./python, and name that Python with --ray-python or NOODLE2_RAY_PYTHON",
        },
        Finding {
            name: "limits",
            needed_for: "keeping attempts within memory and time",
            found: Some(Containment::detect().to_string()),
            required: true,
            how_to_get: "",
        },
        Finding {
            name: "clean-up",
            needed_for: "leaving no process behind",
            found: Some(Supervision::detect().to_string()),
            required: true,
            how_to_get: "",
        },
    ]
}

fn text(findings: &[Finding]) -> String {
    findings
        .iter()
        .map(|finding| match &finding.found {
            Some(found) => format!("ok       {:10} {found}\n", finding.name),
            None => format!(
                "{:8} {:10} needed for {}: {}\n",
                if finding.required {
                    "MISSING"
                } else {
                    "absent"
                },
                finding.name,
                finding.needed_for,
                finding.how_to_get
            ),
        })
        .collect()
}

fn program(
    name: &'static str,
    needed_for: &'static str,
    required: bool,
    how_to_get: &'static str,
) -> Finding {
    Finding {
        name,
        needed_for,
        found: find_program(name).map(|path| path.display().to_string()),
        required,
        how_to_get,
    }
}

/// The bridge to Ray that an interpreter has, when it is one that this program can talk to.
fn ray(python: &Path) -> Option<String> {
    let found = check(python).ok()?;
    if found.protocol != PROTOCOL {
        return None;
    }
    Some(format!(
        "{} has Ray {}, noodle2_ray {}, Python {}",
        python.display(),
        found.ray?,
        found.package,
        found.python
    ))
}

/// Where a platform's libraries lie, when all of its default corner are there.
fn platform(name: &str) -> Option<String> {
    let platform = Platform::load(name, None::<&Path>).ok()?;
    platform.libraries(None).ok()?;
    Some(platform.root.display().to_string())
}
