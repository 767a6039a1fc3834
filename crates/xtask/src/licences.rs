//! The licence and the source of every dependency, checked against the lists in `deny.toml`: what
//! `cargo deny check licenses sources` checks, for machines without cargo-deny.

use std::fmt;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde::Deserialize;
use spdx::{Expression, LicenseReq, Licensee, ParseMode};

/// What was found.
#[derive(Debug)]
pub struct Report {
    /// How many packages from outside the workspace were looked at.
    pub dependencies: usize,
    /// What is not allowed, in the order of the packages.
    pub problems: Vec<Problem>,
}

/// A package that is not allowed.
#[derive(Debug, PartialEq, Eq)]
pub struct Problem {
    /// Name and version.
    package: String,
    /// What is wrong with it.
    fault: Fault,
}

#[derive(Debug, PartialEq, Eq)]
enum Fault {
    /// The manifest states no licence expression.
    Unstated,
    /// The manifest's licence is not an SPDX expression.
    Unreadable { licence: String, why: String },
    /// No choice that the expression leaves is on the list.
    Refused { licence: String },
    /// The package comes from somewhere else than the allowed registries.
    Source { source: String },
}

impl fmt::Display for Problem {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { package, fault } = self;
        match fault {
            Fault::Unstated => write!(formatter, "{package} states no licence"),
            Fault::Unreadable { licence, why } => write!(
                formatter,
                "{package} states `{licence}`, which is no SPDX expression: {why}"
            ),
            Fault::Refused { licence } => write!(
                formatter,
                "{package} is under `{licence}`, which `licenses.allow` of deny.toml does not allow"
            ),
            Fault::Source { source } => write!(
                formatter,
                "{package} comes from `{source}`, which `sources.allow-registry` of deny.toml does not name"
            ),
        }
    }
}

/// Why the check could not be made.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("cannot read {path}: {source}")]
    Read {
        path: PathBuf,
        source: std::io::Error,
    },
    #[error("cannot run cargo: {0}")]
    Start(std::io::Error),
    #[error("`cargo metadata` failed (`cargo fetch --locked` brings what it needs):\n{0}")]
    Cargo(String),
    #[error("cannot understand the output of `cargo metadata`: {0}")]
    Metadata(#[from] serde_json::Error),
    #[error("deny.toml: {0}")]
    Rules(Box<toml::de::Error>),
    #[error("deny.toml: `{entry}` in `licenses.allow` is no licence: {why}")]
    Allowed { entry: String, why: String },
}

/// Checks all dependencies of the workspace in `root`, those of every feature and target included. It
/// uses what cargo has on this machine and never the network.
///
/// # Errors
///
/// When `deny.toml` cannot be read, or cargo cannot say what the dependencies are.
pub fn check_workspace(root: &Path) -> Result<Report, Error> {
    let path = root.join("deny.toml");
    let text = std::fs::read_to_string(&path).map_err(|source| Error::Read { path, source })?;
    let rules = Rules::parse(&text)?;

    // Cargo names itself when it runs a program of the workspace.
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let output = Command::new(cargo)
        .args(["metadata", "--format-version", "1"])
        .args(["--all-features", "--locked", "--offline"])
        .current_dir(root)
        .output()
        .map_err(Error::Start)?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr).trim().to_owned();
        return Err(Error::Cargo(said));
    }
    rules.check(&output.stdout)
}

/// The part of `cargo metadata` that is read.
#[derive(Deserialize)]
struct Metadata {
    packages: Vec<Package>,
}

#[derive(Deserialize)]
struct Package {
    name: String,
    version: String,
    license: Option<String>,
    /// Absent for packages of the workspace and other folders.
    source: Option<String>,
}

/// The part of `deny.toml` that is read.
#[derive(Deserialize)]
struct DenyFile {
    licenses: DenyLicenses,
    sources: DenySources,
}

#[derive(Deserialize)]
struct DenyLicenses {
    allow: Vec<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
struct DenySources {
    allow_registry: Vec<String>,
}

/// What is allowed.
struct Rules {
    licences: Vec<Licensee>,
    registries: Vec<String>,
}

impl Rules {
    fn parse(text: &str) -> Result<Self, Error> {
        let file: DenyFile = toml::from_str(text).map_err(|error| Error::Rules(Box::new(error)))?;
        let licences = file
            .licenses
            .allow
            .into_iter()
            .map(|entry| {
                Licensee::parse(&entry).map_err(|error| Error::Allowed {
                    why: error.reason.to_string(),
                    entry,
                })
            })
            .collect::<Result<_, _>>()?;
        Ok(Self {
            licences,
            registries: file.sources.allow_registry,
        })
    }

    /// Checks every package in the output of `cargo metadata`; the workspace's own are held to the same
    /// licences but have no source.
    fn check(&self, metadata: &[u8]) -> Result<Report, Error> {
        let Metadata { packages } = serde_json::from_slice(metadata)?;
        let dependencies = packages
            .iter()
            .filter(|package| package.source.is_some())
            .count();
        let problems = packages
            .iter()
            .flat_map(|package| {
                [self.licence_fault(package), self.source_fault(package)]
                    .into_iter()
                    .flatten()
                    .map(|fault| Problem {
                        package: format!("{} {}", package.name, package.version),
                        fault,
                    })
            })
            .collect();
        Ok(Report {
            dependencies,
            problems,
        })
    }

    fn licence_fault(&self, package: &Package) -> Option<Fault> {
        let Some(licence) = package.license.clone() else {
            return Some(Fault::Unstated);
        };
        // Old manifests write `MIT/Apache-2.0` for a choice; cargo has always read it so.
        let mode = ParseMode {
            allow_slash_as_or_operator: true,
            ..ParseMode::STRICT
        };
        match Expression::parse_mode(&licence, mode) {
            Ok(expression) if expression.evaluate(|requirement| self.allows(requirement)) => None,
            Ok(_) => Some(Fault::Refused { licence }),
            Err(error) => Some(Fault::Unreadable {
                why: error.reason.to_string(),
                licence,
            }),
        }
    }

    /// A licence with an exception is a licence of its own and must be listed as such.
    fn allows(&self, requirement: &LicenseReq) -> bool {
        self.licences
            .iter()
            .any(|licence| licence.satisfies(requirement))
    }

    fn source_fault(&self, package: &Package) -> Option<Fault> {
        let source = package.source.as_deref()?;
        let allowed = source
            .strip_prefix("registry+")
            .is_some_and(|registry| self.registries.iter().any(|allowed| allowed == registry));
        (!allowed).then(|| Fault::Source {
            source: source.to_owned(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CRATES_IO: &str = "registry+https://github.com/rust-lang/crates.io-index";

    fn rules() -> Rules {
        Rules::parse(include_str!("../../../deny.toml")).expect("the project's deny.toml is valid")
    }

    fn faults(licence: Option<&str>, source: Option<&str>) -> Vec<Fault> {
        let metadata = serde_json::json!({
            "packages": [{"name": "sample", "version": "1.2.3", "license": licence, "source": source}],
            "workspace_root": "ignored",
        });
        rules()
            .check(metadata.to_string().as_bytes())
            .expect("the metadata is well formed")
            .problems
            .into_iter()
            .map(|problem| problem.fault)
            .collect()
    }

    fn allowed(licence: &str) -> bool {
        faults(Some(licence), Some(CRATES_IO)).is_empty()
    }

    #[test]
    fn permissive_licences_and_choices_that_include_one_are_allowed() {
        for licence in [
            "MIT",
            "MIT OR Apache-2.0",
            "MIT/Apache-2.0",
            "MIT OR GPL-3.0-only",
            "LGPL-2.1-or-later OR MIT",
            "(MIT OR Apache-2.0) AND Unicode-3.0",
            "Apache-2.0 WITH LLVM-exception OR Apache-2.0 OR MIT",
            "Unlicense OR MIT",
            "0BSD OR MIT OR Apache-2.0",
        ] {
            assert!(allowed(licence), "{licence}");
        }
    }

    #[test]
    fn copyleft_is_refused_wherever_it_cannot_be_avoided() {
        for licence in [
            "GPL-3.0-only",
            "GPL-2.0-or-later",
            "AGPL-3.0-or-later",
            "LGPL-2.1-only",
            "MPL-2.0",
            "MIT AND GPL-3.0-only",
            "(MIT OR Apache-2.0) AND AGPL-3.0-only",
            "GPL-3.0-only OR AGPL-3.0-only",
            "GPL-2.0-only WITH Classpath-exception-2.0",
            "LicenseRef-Proprietary",
        ] {
            assert_eq!(
                faults(Some(licence), Some(CRATES_IO)),
                [Fault::Refused {
                    licence: licence.to_owned()
                }],
            );
        }
    }

    #[test]
    fn what_cannot_be_judged_is_refused() {
        assert_eq!(faults(None, Some(CRATES_IO)), [Fault::Unstated]);
        for licence in ["", "BSD", "MIT OR", "see LICENSE"] {
            assert!(
                matches!(
                    faults(Some(licence), Some(CRATES_IO)).as_slice(),
                    [Fault::Unreadable { .. }]
                ),
                "{licence:?}"
            );
        }
    }

    #[test]
    fn the_workspace_is_held_to_the_same_licences() {
        assert!(faults(Some("MIT OR Apache-2.0"), None).is_empty());
        assert_eq!(faults(None, None), [Fault::Unstated]);
    }

    #[test]
    fn only_named_registries_are_sources() {
        for source in [
            "git+https://example.org/sample#0123456789",
            "registry+https://registry.example.org/index",
            "https://github.com/rust-lang/crates.io-index",
        ] {
            assert_eq!(
                faults(Some("MIT"), Some(source)),
                [Fault::Source {
                    source: source.to_owned()
                }],
            );
        }
    }

    #[test]
    fn a_misspelt_licence_in_the_rules_is_an_error() {
        let rules = Rules::parse(
            "[licenses]\nallow = [\"MIT\", \"Apache 2\"]\n[sources]\nallow-registry = []\n",
        );
        assert!(matches!(rules, Err(Error::Allowed { entry, .. }) if entry == "Apache 2"));
    }
}
