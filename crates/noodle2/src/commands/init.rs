//! `noodle2 init`: a small study that runs as it stands, with a design of its own.

use std::fs;
use std::io::Write;
use std::path::Path;

use crate::cli::Template;
use crate::exit::{CommandFailure, Exit};
use crate::print;
use crate::shell;

const NETLIST: &str = include_str!("../../../../examples/templates/counter.v");
const CONSTRAINTS: &str = include_str!("../../../../examples/templates/constraints.sdc");
const SEQUENTIAL: &str = include_str!("../../../../examples/templates/sequential.yaml");
const BRANCHING: &str = include_str!("../../../../examples/templates/branching.yaml");
const UNEVEN: &str = include_str!("../../../../examples/templates/uneven.yaml");

/// `noodle2 init`.
pub(crate) fn init(folder: &Path, template: Template) -> Result<Exit, CommandFailure> {
    write_template(folder, template)?;
    let study = folder.join("study.yaml");
    print::talk(&format!(
        "wrote {}, its netlist and its constraints",
        study.display()
    ));
    print::talk(&format!(
        "next: noodle2 run {} --out {}",
        shell::word(&study),
        shell::word(&folder.join("runs/first"))
    ));
    Ok(Exit::Done)
}

/// Writes a template's study, its netlist and its constraints. Overwrites nothing.
pub(crate) fn write_template(folder: &Path, template: Template) -> Result<(), CommandFailure> {
    let study = match template {
        Template::Sequential => SEQUENTIAL,
        Template::Branching => BRANCHING,
        Template::Uneven => UNEVEN,
    };
    let files = [
        ("study.yaml", study),
        ("counter.v", NETLIST),
        ("constraints.sdc", CONSTRAINTS),
    ];
    let present: Vec<&str> = files
        .iter()
        .map(|(name, _)| *name)
        .filter(|name| folder.join(name).exists())
        .collect();
    if !present.is_empty() {
        return Err(CommandFailure::new(
            Exit::Usage,
            "N2-INIT-001",
            format!(
                "`{}` holds {} already; nothing was written",
                folder.display(),
                present.join(", ")
            ),
            "name another folder, or move these files away".to_owned(),
        ));
    }
    let refused = |error: std::io::Error, path: &Path| {
        CommandFailure::new(
            Exit::Usage,
            "N2-INIT-002",
            format!("cannot write `{}`: {error}", path.display()),
            None,
        )
    };
    fs::create_dir_all(folder).map_err(|error| refused(error, folder))?;
    for (name, content) in files {
        let path = folder.join(name);
        fs::File::create_new(&path)
            .and_then(|mut file| file.write_all(content.as_bytes()))
            .map_err(|error| refused(error, &path))?;
    }
    Ok(())
}
