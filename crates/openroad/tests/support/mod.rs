//! Recorded runs of OpenROAD, which lie beside the project.

#![allow(dead_code, clippy::print_stderr)]

use std::path::{Path, PathBuf};

/// The folder of recorded runs; none, said out loud, where it is missing.
pub fn recorded() -> Option<PathBuf> {
    let folder = Path::new(concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../../../shared/openroad"
    ));
    match folder.is_dir() {
        true => Some(folder.canonicalize().unwrap()),
        false => {
            eprintln!("SKIPPED: no recorded runs of OpenROAD beside the project");
            None
        }
    }
}

/// The text of a recorded file.
pub fn text(name: &str) -> Option<String> {
    let path = recorded()?.join(name);
    let text = std::fs::read_to_string(&path);
    Some(text.unwrap_or_else(|error| panic!("{}: {error}", path.display())))
}
