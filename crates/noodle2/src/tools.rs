//! The programs that a study needs: the engine, and what its ECOs start.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use noodle2_engine::{Eco, Engine, find_program};
use noodle2_exec::{CancelToken, Guard, run_command};
use noodle2_model::{EcoImplementation, EngineKind, EngineSpec, Study, ToolIdentity};

use crate::exit::{CommandFailure, Exit};
use crate::study::several;

/// Finds and probes the engine of a study whose file lies in `folder`.
pub(crate) fn engine_of(study: &Study, folder: &Path) -> Result<Engine, CommandFailure> {
    let spec = &study.engine;
    let Some(path) = &spec.path else {
        return probe_engine(spec, None);
    };
    // A bare name is looked for on the PATH, anything with a folder in it beside the study; a container has its own.
    if spec.container.is_some() || (path.components().count() == 1 && !path.is_absolute()) {
        return probe_engine(spec, Some(path));
    }
    let path = folder.join(path);
    if let Some(fault) = fault_of_executable(&path) {
        return Err(CommandFailure::new(
            Exit::InvalidStudy,
            "N2-RUN-010",
            format!("`engine.path` names `{}`, {fault}", path.display()),
            match spec.kind {
                EngineKind::Opensta => {
                    "name the executable of OpenSTA itself, or leave `engine.path` out to use the `sta` on the PATH"
                }
                EngineKind::Openroad => {
                    "name the executable of OpenROAD itself, or leave `engine.path` out to use the `openroad` on the PATH"
                }
            }
            .to_owned(),
        ));
    }
    probe_engine(spec, Some(&path))
}

/// Why what lies at `path` cannot be started, if that can be seen from outside.
fn fault_of_executable(path: &Path) -> Option<String> {
    match fs::metadata(path) {
        Err(error) => Some(format!("which cannot be used: {error}")),
        Ok(found) if found.is_dir() => Some("which is a folder".to_owned()),
        Ok(found) if !found.is_file() => Some("which is no file".to_owned()),
        Ok(found) if found.permissions().mode() & 0o111 == 0 => {
            Some("which is not executable".to_owned())
        }
        Ok(_) => None,
    }
}

/// Asks an engine what it is and can do: the one at `path`, or the one on the PATH.
pub(crate) fn probe_engine(
    spec: &EngineSpec,
    path: Option<&Path>,
) -> Result<Engine, CommandFailure> {
    let scratch = tempfile::tempdir().map_err(|error| {
        let text = format!("no temporary folder can be made: {error}");
        several([("N2-RUN-006", text)])
    })?;
    let guard = Guard::new("probe", std::process::id());
    let never = CancelToken::new();
    Engine::probe(spec, path, scratch.path(), &mut |command| {
        run_command(command, &guard, &never)
    })
    .map_err(|error| several([(error.code(), error.to_string())]))
}

/// The programs that command ECOs start, by their content.
pub(crate) fn programs_of<'a>(
    ecos: impl Iterator<Item = &'a Eco>,
) -> Result<Vec<ToolIdentity>, CommandFailure> {
    let mut tools: Vec<ToolIdentity> = Vec::new();
    for eco in ecos {
        let EcoImplementation::Command(words) = &eco.manifest.implementation else {
            continue;
        };
        let Some(name) = words.first().filter(|name| !name.contains('{')) else {
            continue;
        };
        let path = find_program(name).ok_or_else(|| {
            let text = format!("the ECO `{}` needs the program `{name}`", eco.manifest.name);
            several([("N2-RUN-007", text)])
        })?;
        if tools.iter().any(|tool| tool.path == path) {
            continue;
        }
        let content = noodle2_store::hash_file(&path)?;
        tools.push(ToolIdentity {
            // Without its folder: the digest is blind to where things lie.
            name: path
                .file_name()
                .unwrap_or_default()
                .to_string_lossy()
                .into_owned(),
            path,
            // Its content says more than any version that it would print.
            version: String::new(),
            content,
            engine: None,
        });
    }
    // Neither does the order depend on how the ECOs that start them are called.
    tools.sort_by(|left, right| (&left.name, left.content).cmp(&(&right.name, right.content)));
    Ok(tools)
}

#[cfg(test)]
mod tests {
    use super::*;
    use noodle2_engine::EcoOrigin;
    use std::collections::BTreeMap;

    fn eco(name: &str, program: &Path) -> Eco {
        let manifest = format!(
            "name: {name}\nversion: 1\nclass: topology_neutral\nengines: [opensta]\ndescription: d\n\
             changes_connectivity: false\nimplementation:\n  command: [\"{}\", \"{{netlist}}\"]\n",
            program.display()
        );
        let files = BTreeMap::from([("eco.yaml".to_owned(), manifest.into_bytes())]);
        Eco::new(name, files, EcoOrigin::BuiltIn).unwrap_or_else(|problems| panic!("{problems:#?}"))
    }

    #[test]
    fn a_program_is_known_by_its_name_and_content_wherever_it_lies() {
        let folder = tempfile::tempdir().unwrap();
        let identities: Vec<_> = ["here", "there"]
            .into_iter()
            .map(|place| {
                let program = folder.path().join(place).join("rewrite.sh");
                fs::create_dir(folder.path().join(place)).unwrap();
                fs::write(&program, "#!/bin/sh\n").unwrap();
                // Two ECOs that start one program name one tool.
                let ecos = [eco("one", &program), eco("two", &program)];
                let tools = programs_of(ecos.iter()).unwrap();
                assert_eq!(tools.len(), 1);
                assert_eq!(tools[0].path, program);
                (tools[0].name.clone(), tools[0].content)
            })
            .collect();
        assert_eq!(identities[0], identities[1]);
        assert_eq!(identities[0].0, "rewrite.sh");
    }
}
