//! Study files: the text of a study to a typed [`Study`], or every problem in it with its place.
//!
//! Owns the spelling of study files: which YAML is accepted, the shorthands, the checks that a study
//! must pass before anything is planned, the codes of their problems, and the JSON Schema by which
//! editors complete and check study files.
//!
//! The text goes through four steps, each of which goes on after a problem, so that all problems come
//! out in one go:
//!
//! 1. `tree`: YAML to a tree of nodes that know their place;
//! 2. `lower`: the tree to a [`Study`], with placeholders where a value is missing or of the wrong type;
//! 3. `check`: what holds between values, and what a study refers to (files, ECOs, platforms);
//! 4. [`legality`]: whether a valid study keeps to its safety domain and budget.
//!
//! Never touches a file, the environment or the terminal: what a study refers to is asked of
//! [`References`], and whoever prints decides about colours.

mod check;
mod codes;
mod hash;
mod legality;
mod locations;
mod lower;
mod problem;
mod report;
mod schema;
mod source;
mod suggest;
mod tree;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use noodle2_model::{EcoManifest, Study};

pub use hash::study_hash;
pub use legality::legality;
pub use locations::{Location, Locations};
pub use noodle2_codes::Code;
pub use problem::{Problem, RenderStyle, StudyProblems};
pub use schema::json_schema;
pub use source::Span;

/// What a study file refers to. All paths handed over are already joined with the study file's folder.
pub trait References {
    /// The ECO of this name, searched in `eco_path` first and the built-in catalogue last; `None` when
    /// there is none or its manifest cannot be read.
    fn eco(&self, name: &str, eco_path: &[PathBuf]) -> Option<EcoManifest>;

    /// The names of all ECOs in `eco_path` and the built-in catalogue, readable or not.
    fn eco_names(&self, eco_path: &[PathBuf]) -> Vec<String>;

    /// The names of the built-in platforms.
    fn platform_names(&self) -> Vec<String>;

    /// The corners of a platform (a built-in name, or the path of a platform file), or `None` when they
    /// cannot be told.
    fn platform_corners(&self, platform: &str, root: Option<&Path>) -> Option<Vec<String>>;

    /// Whether a file or folder exists.
    fn file_exists(&self, path: &Path) -> bool;
}

/// What came of reading a study file.
#[derive(Debug)]
pub struct Reading {
    /// The study; only when there is no problem.
    pub study: Option<Study>,
    /// Every problem, in the order of the file.
    pub problems: Vec<Problem>,
    /// Where each field stands in the file.
    pub locations: Locations,
}

/// Reads the study file `source`, which stands at `path`, and checks all that it says and refers to.
///
/// Paths stay as written; numbers that stand for real parameters become real, so that `1` and `1.0`
/// are one study.
pub fn read_study(source: &[u8], path: &Path, references: &dyn References) -> Reading {
    read(source, path, Some(references))
}

/// Reads a study file and checks only what it says by itself: files, ECOs, their parameters and
/// platforms are believed.
pub fn read_structure(source: &[u8], path: &Path) -> Reading {
    read(source, path, None)
}

fn read(bytes: &[u8], path: &Path, references: Option<&dyn References>) -> Reading {
    let (source, flaw) = source::Source::read(bytes, path);
    let mut report = report::Report::new(Arc::new(source));
    let tree = match flaw {
        Some(flaw) => {
            report.add(flaw.code, flaw.span, flaw.message, flaw.help);
            None
        }
        None => tree::parse(&mut report),
    };
    let study = tree.map(|root| {
        let mut study = lower::study(&mut report, &root);
        check::check(&mut study, &mut report, references);
        study
    });
    let (problems, locations) = report.finish();
    Reading {
        study: study.filter(|_| problems.is_empty()),
        problems,
        locations,
    }
}
