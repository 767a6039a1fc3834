//! What can be told of an ECO for OpenROAD without running it: commands that no known version has, parameters that no
//! script reads, and Tcl that the engine does not believe.

use std::collections::{BTreeMap, BTreeSet};

use noodle2_model::{CommandNeed, EcoImplementation, EngineKind};

use crate::{Eco, MANIFEST_FILE};

/// Commands and their options, by version. Its first lines say where they were seen.
const KNOWN: &str = include_str!("known.tsv");

/// Commands with their options.
type Commands = BTreeMap<&'static str, BTreeSet<&'static str>>;

/// What the table holds of each version.
fn known_versions() -> BTreeMap<&'static str, Commands> {
    let mut versions: BTreeMap<&str, Commands> = BTreeMap::new();
    for line in KNOWN.lines().filter(|line| !line.starts_with('#')) {
        let mut fields = line.split('\t');
        let (Some(version), Some(command)) = (fields.next(), fields.next()) else {
            continue;
        };
        let commands = versions.entry(version).or_default();
        commands.entry(command).or_default().extend(fields);
    }
    versions
}

fn has(commands: &Commands, need: &CommandNeed) -> bool {
    let options = commands.get(need.command.as_str());
    options.is_some_and(|options| {
        let mut needed = need.options.iter();
        needed.all(|option| options.contains(option.as_str()))
    })
}

/// What an ECO needs and no known version has, or not the one that it names.
fn needs_of(eco: &Eco) -> Vec<String> {
    let versions = known_versions();
    let names: Vec<&str> = versions.keys().copied().collect();
    let found = eco.manifest.needs.iter().filter_map(|need| {
        let mut words = vec![need.command.clone()];
        words.extend(need.options.iter().cloned());
        let words = words.join(" ");
        if !versions.values().any(|commands| has(commands, need)) {
            return Some(format!(
                "needs `{words}`, which no version has that is known here ({}): its spelling may be wrong",
                names.join(", ")
            ));
        }
        let named = versions.get(need.known_in.as_str())?;
        (!has(named, need)).then(|| {
            format!("needs `{words}`, which {} does not have: `known_in` is wrong", need.known_in)
        })
    });
    found.collect()
}

/// Whether `text` holds `word` with nothing before or after it that could belong to a name.
fn has_word(text: &str, word: &str) -> bool {
    let is_part = |character: char| character.is_ascii_alphanumeric() || character == '_';
    text.match_indices(word).any(|(at, _)| {
        let before = text[..at].chars().next_back();
        let after = text[at + word.len()..].chars().next();
        !before.is_some_and(is_part) && !after.is_some_and(is_part)
    })
}

/// The lines of a Tcl script that are no comments, with their numbers.
fn code(script: &str) -> impl Iterator<Item = (usize, &str)> {
    let lines = script.lines().enumerate();
    lines.filter_map(|(at, line)| (!line.trim_start().starts_with('#')).then_some((at + 1, line)))
}

impl Eco {
    /// What is wrong with it as can be told without running it; empty of one that is in order as far as that goes.
    pub fn findings(&self) -> Vec<String> {
        let mut findings = needs_of(self);
        let files = self.files.iter().filter(|(name, _)| *name != MANIFEST_FILE);
        let mut read: String = files
            .flat_map(|(_, content)| {
                let text = String::from_utf8_lossy(content).into_owned();
                code(&text)
                    .map(|(_, line)| format!("{line}\n"))
                    .collect::<Vec<_>>()
            })
            .collect();
        if let EcoImplementation::Command(words) = &self.manifest.implementation {
            read.push_str(&words.join(" "));
        }
        let parameters = self.manifest.parameters.keys();
        findings.extend(
            parameters
                .filter(|name| !has_word(&read, name))
                .map(|name| {
                    format!(
                        "parameter `{name}` is read by no script of it, so that it changes nothing"
                    )
                }),
        );
        if !self.manifest.engines.contains(&EngineKind::Openroad) {
            return findings;
        }
        if let EcoImplementation::Tcl(file) = self.manifest.implementation_in(EngineKind::Openroad)
        {
            let text = self
                .files
                .get(&file)
                .map(|content| String::from_utf8_lossy(content));
            for (line, words) in code(text.as_deref().unwrap_or_default()) {
                if words.contains("sta::") {
                    findings.push(format!(
                        "`{file}`, line {line}: calls what is internal to the timing of OpenROAD, which differs between \
                         versions: use commands, or what `::n2` offers"
                    ));
                }
                if has_word(words, "catch") {
                    findings.push(format!(
                        "`{file}`, line {line}: catches errors, but one that OpenROAD printed fails the trial all the \
                         same, and has dropped timing: ask first whether a command can be given"
                    ));
                }
            }
        }
        findings
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Catalogue, EcoOrigin};

    fn findings(manifest: &str, tcl: &str) -> Vec<String> {
        let manifest = format!(
            "name: x\nversion: 1\nclass: placement_local\nengines: [openroad]\ndescription: d\n\
             changes_connectivity: false\nimplementation: {{tcl: eco.tcl}}\n{manifest}"
        );
        let files = BTreeMap::from([
            (MANIFEST_FILE.to_owned(), manifest.into_bytes()),
            ("eco.tcl".to_owned(), tcl.as_bytes().to_vec()),
        ]);
        Eco::new("x", files, EcoOrigin::BuiltIn).unwrap().findings()
    }

    #[test]
    fn nothing_is_found_of_the_built_in_ecos() {
        let catalogue = Catalogue::load(&[]).unwrap();
        for (name, eco) in catalogue.iter() {
            assert_eq!(eco.findings(), Vec::<String>::new(), "{name}");
        }
    }

    #[test]
    fn what_no_known_version_has_is_told() {
        let needs = |need: &str| findings(&format!("needs: [{need}]\n"), "");
        let found =
            needs("{command: repair_timing, options: [-setpu], known_in: v2.0-20250301-d4884860}");
        assert!(
            found.len() == 1 && found[0].contains("`repair_timing -setpu`"),
            "{found:?}"
        );
        let found = needs("{command: repair_timings, known_in: v9}");
        assert!(
            found.len() == 1 && found[0].contains("`repair_timings`"),
            "{found:?}"
        );
        let found = needs(
            "{command: repair_timing, options: [-sequence], known_in: v2.0-20250301-d4884860}",
        );
        assert!(
            found.len() == 1 && found[0].contains("`known_in` is wrong"),
            "{found:?}"
        );
        assert!(
            needs("{command: repair_timing, options: [-sequence], known_in: 24Q3-8690}").is_empty()
        );
        // Of a version that the table does not hold nothing is said.
        assert!(needs("{command: repair_timing, options: [-hold], known_in: v9}").is_empty());
    }

    #[test]
    fn parameters_that_no_script_reads_are_told() {
        let parameters =
            "parameters:\n  cells: {description: d, type: integer, min: 1, max: 9, default: 1}\n";
        for (tcl, is_read) in [
            ("note n $parameter(cells)\n", true),
            ("foreach name {cells} { note n $parameter($name) }\n", true),
            ("note n $parameter(max_cells)\n", false),
            ("# cells\n", false),
        ] {
            assert_eq!(findings(parameters, tcl).is_empty(), is_read, "{tcl}");
        }
    }

    #[test]
    fn tcl_that_the_engine_does_not_believe_is_told_with_its_line() {
        let found = findings(
            "",
            "# ::sta::network\nset x [::sta::worst_slack_cmd max]\ncatch { repair_design }\n",
        );
        assert_eq!(found.len(), 2, "{found:?}");
        assert!(
            found[0].starts_with("`eco.tcl`, line 2: calls"),
            "{found:?}"
        );
        assert!(
            found[1].starts_with("`eco.tcl`, line 3: catches"),
            "{found:?}"
        );
        assert!(findings("", "note catches 1\n").is_empty());
    }
}
