//! What the sample files refer to. FAKE: no file is opened and no ECO is real.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use noodle2_model::{
    EcoClass, EcoImplementation, EcoManifest, EngineKind, ParameterKind, ParameterSpec, Symptom,
};
use noodle2_study::References;

/// A fake world: every file exists unless its path says `missing` (or is the corner's name alone).
#[allow(dead_code, reason = "not every test binary reads references")]
pub struct FakeWorld;

impl References for FakeWorld {
    fn eco(&self, name: &str, _: &[PathBuf]) -> Option<EcoManifest> {
        let integer = |min, max, default| ParameterKind::Integer { min, max, default };
        let real = |min, max, default| ParameterKind::Real { min, max, default };
        let choice = |choices: &[&str]| ParameterKind::Choice {
            choices: choices.iter().map(|&choice| choice.to_owned()).collect(),
            default: choices[0].to_owned(),
        };
        let sta = &[EngineKind::Opensta][..];
        let (class, engines, parameters, changes_connectivity) = match name {
            "noop" => (EcoClass::TopologyNeutral, sta, vec![], false),
            "upsize_critical" => {
                let parameters = vec![
                    ("paths", integer(1, 500, 20)),
                    ("margin_ps", real(0.0, 1000.0, 0.0)),
                ];
                (EcoClass::TopologyNeutral, sta, parameters, false)
            }
            "buffer_fanout" => {
                let parameters = vec![("max_fanout", integer(2, 64, 8))];
                (EcoClass::PlacementLocal, sta, parameters, true)
            }
            "routing_eco" => (EcoClass::RoutingAffecting, sta, vec![], true),
            "restructure" => {
                let parameters = vec![
                    ("scope", choice(&["cone", "all"])),
                    ("keep_names", ParameterKind::Boolean { default: true }),
                    ("effort", choice(&["1", "2"])),
                ];
                (EcoClass::GlobalDisruptive, sta, parameters, true)
            }
            "buffer_share" => {
                let (min, max, default) = (0.0, 1.0, 0.5);
                let share = ParameterKind::Real { min, max, default };
                (EcoClass::PlacementLocal, sta, vec![("share", share)], false)
            }
            "placed_eco" => (
                EcoClass::PlacementLocal,
                &[EngineKind::Openroad][..],
                vec![],
                true,
            ),
            "repair_hold" => (EcoClass::PlacementLocal, sta, vec![], true),
            "other_engine" => (EcoClass::TopologyNeutral, &[][..], vec![], false),
            _ => return None,
        };
        let spec = |(name, kind): (&str, ParameterKind)| {
            let description = "fake".to_owned();
            (name.to_owned(), ParameterSpec { description, kind })
        };
        Some(EcoManifest {
            remedies: match name {
                "repair_hold" => BTreeMap::from([(Symptom::Hold, Default::default())]),
                _ => BTreeMap::new(),
            },
            name: name.to_owned(),
            version: 1,
            class,
            engines: engines.to_vec(),
            description: "fake".to_owned(),
            parameters: parameters.into_iter().map(spec).collect(),
            expected: BTreeMap::new(),
            changes_connectivity,
            implementation: EcoImplementation::Tcl("fake.tcl".to_owned()),
            scripts: BTreeMap::new(),
            needs: Vec::new(),
        })
    }

    fn eco_names(&self, _: &[PathBuf]) -> Vec<String> {
        [
            "broken_manifest",
            "buffer_fanout",
            "noop",
            "other_engine",
            "repair_hold",
            "restructure",
            "routing_eco",
            "upsize_critical",
        ]
        .map(str::to_owned)
        .to_vec()
    }

    fn platform_names(&self) -> Vec<String> {
        ["nangate45", "osu018"].map(str::to_owned).to_vec()
    }

    fn platform_corners(&self, platform: &str, _: Option<&Path>) -> Option<Vec<String>> {
        let exists = !platform.contains("missing");
        exists.then(|| ["fast", "slow", "typical"].map(str::to_owned).to_vec())
    }

    fn file_exists(&self, path: &Path) -> bool {
        let joined = path.starts_with("folder") || path.is_absolute();
        assert!(
            joined,
            "{} was not joined with the study's folder",
            path.display()
        );
        !path.to_string_lossy().to_lowercase().contains("missing")
    }
}

#[allow(dead_code, reason = "not every test binary reads samples")]
/// The path that samples are said to have.
pub fn sample_path(name: &str) -> PathBuf {
    Path::new("folder").join(format!("{name}.yaml"))
}

#[allow(dead_code, reason = "not every test binary reads samples")]
/// Name and content of every sample of a kind, by name.
pub fn samples(kind: &str) -> Vec<(String, Vec<u8>)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/samples")
        .join(kind);
    let mut samples: Vec<_> = fs::read_dir(&folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .map(|path| {
            let name = path.file_stem().unwrap().to_string_lossy().into_owned();
            (name, fs::read(&path).unwrap())
        })
        .collect();
    samples.sort();
    assert!(!samples.is_empty(), "no samples in {}", folder.display());
    samples
}
