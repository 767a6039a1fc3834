//! ECOs that a program of their own carries out: it reads a netlist and writes another.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use noodle2_model::{CommandSpec, CommandStreams, EcoProposal, Failure, FailureClass};

use super::attempt::{ECO_FOLDER, REWRITTEN, Run, TrialRequest, failure, read_log};
use super::context::StudyContext;
use super::log::LogRemarks;
use crate::classify::{Evidence, classify_command};
use crate::engine::find_program;
use crate::opensta::environment;

impl StudyContext {
    pub(super) fn run_command_eco(
        &self,
        request: &TrialRequest<'_>,
        proposal: &EcoProposal,
        prefix: &str,
        words: &[String],
        run: Run<'_>,
    ) -> Result<(), Failure> {
        let folder = &request.folder;
        let mut values: BTreeMap<&str, String> = proposal
            .parameters
            .iter()
            .map(|(name, value)| (name, value.to_string()))
            .collect();
        let libraries = self.groups[0].scenes[0].libraries.iter();
        let output = folder.join(REWRITTEN);
        for (name, value) in [
            ("netlist", joined(&request.netlists)),
            ("liberty", joined(libraries)),
            ("output", output.display().to_string()),
            ("top", self.top.clone()),
            ("prefix", prefix.to_owned()),
            ("folder", folder.join(ECO_FOLDER).display().to_string()),
        ] {
            values.insert(name, value);
        }
        let mut words = words.iter().map(|word| fill(word, &values));
        let name = words.next().unwrap_or_default();
        let program = find_program(&name).ok_or_else(|| {
            let message = format!(
                "ECO `{}` needs `{name}`, which is not installed",
                proposal.name
            );
            failure(FailureClass::ToolMissing, message)
        })?;
        let spec = CommandSpec {
            streams: CommandStreams::default(),
            fork: None,
            program,
            arguments: words.collect(),
            environment: command_environment(folder),
            folder: folder.clone(),
            log: folder.join("eco.log"),
            limits: self.limits,
            farewell: None,
        };
        let report = run(&spec);
        let log = read_log(&spec.log);
        let evidence = Evidence {
            tool: &name,
            report: &report,
            log: &log,
        };
        if let Some(failure) = classify_command(evidence) {
            return Err(failure);
        }
        match output.is_file() {
            true => Ok(()),
            false => Err(Failure {
                excerpt: LogRemarks::excerpt(&log),
                ..failure(
                    FailureClass::MissingOutput,
                    format!("ECO `{}` ended without writing its netlist", proposal.name),
                )
            }),
        }
    }
}

/// A command ECO starts tools of its own, which must be found where this program finds them.
fn command_environment(folder: &Path) -> BTreeMap<String, String> {
    let mut environment = environment(folder);
    if let Ok(path) = std::env::var("PATH") {
        environment.insert("PATH".to_owned(), path);
    }
    environment
}

/// Several files as one argument, separated by `:`.
fn joined<'p>(paths: impl IntoIterator<Item = &'p PathBuf>) -> String {
    let paths: Vec<String> = paths
        .into_iter()
        .map(|path| path.display().to_string())
        .collect();
    paths.join(":")
}

/// Replaces `{name}` by its value, once: what a value holds is not looked at again.
fn fill(word: &str, values: &BTreeMap<&str, String>) -> String {
    let mut filled = String::new();
    let mut rest = word;
    while let Some(open) = rest.find('{') {
        let after = &rest[open + 1..];
        let value = after
            .find('}')
            .and_then(|close| Some((values.get(&after[..close])?, close)));
        match value {
            Some((value, close)) => {
                filled.push_str(&rest[..open]);
                filled.push_str(value);
                rest = &after[close + 1..];
            }
            None => {
                filled.push_str(&rest[..=open]);
                rest = after;
            }
        }
    }
    filled + rest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn braces_of_commands_are_filled_once() {
        let values = BTreeMap::from([("a", "{b}".to_owned()), ("b", "x".to_owned())]);
        assert_eq!(fill("-{a}-{b}-{c}-{", &values), "-{b}-x-{c}-{");
    }
}
