//! Renders the scripts that engines run.
//!
//! A script is short: it loads the prelude that all trials of a group share, and is then one command
//! whose words are this trial's own.

use std::path::{Path, PathBuf};

use noodle2_model::{Check, ParameterValue, Parameters, ProtectedObjects};

use super::context::{Purpose, SceneGroup};
use super::protect::Withheld;
use crate::engine::Engine;
use crate::openroad::{self, LayoutJob};
use crate::opensta;
use crate::platform::PlatformFile;
use crate::tcl::{TclScript, TclWord, is_plain_text};

const HOST: &str = include_str!("../../tcl/host.tcl");
pub(crate) const SUPPORT: &str = include_str!("../../tcl/support.tcl");

/// What one process of a trial does.
pub(crate) struct Job<'a> {
    /// What the script is for, in a line.
    pub title: String,
    pub group: &'a SceneGroup,
    pub engine: &'a Engine,
    /// How a placed design is read, and what else is done to it; only of an engine that places.
    pub layout: Option<LayoutJob<'a>>,
    pub top: &'a str,
    pub netlists: &'a [PathBuf],
    /// Whether other trials begin with these netlists too, so that a process that has loaded them is worth keeping.
    pub begins_others: bool,
    pub eco: Option<EcoJob<'a>>,
    /// The netlist that is written, within the folder of the attempt.
    pub output: Option<&'a str>,
    /// The result file, within the folder of the attempt.
    pub result: &'a str,
    pub prefix: String,
    pub seed: u64,
    /// What the period of every clock is multiplied by, in a measurement that is perturbed.
    pub period_scale: Option<f64>,
}

/// An ECO that a process applies.
pub(crate) struct EcoJob<'a> {
    pub parameters: &'a Parameters,
    /// What it may not touch, by patterns.
    pub protect: &'a ProtectedObjects,
    /// What else it may not touch.
    pub withheld: Withheld,
    /// Its Tcl file, relative to the folder of the attempt.
    pub path: String,
}

/// A script, and the links that it needs in the folder of its attempt: `name → target`.
pub(crate) struct Rendered {
    pub text: String,
    pub links: Vec<(String, PathBuf)>,
    /// How the same comes of a fork; absent where it cannot.
    pub fork: Option<RenderedFork>,
}

/// The scripts of the processes that lead to a fork, and the fork's own.
pub(crate) struct RenderedFork {
    pub hosts: Vec<String>,
    pub text: String,
}

/// Renders a job. `None` when a path is not UTF-8.
pub(crate) fn render(job: &Job<'_>) -> Option<Rendered> {
    let mut links = Links::default();
    let parts = match &job.layout {
        None => opensta::parts(job, &mut links)?,
        Some(layout) => openroad::parts(job, layout, &mut links)?,
    };
    let mut script = TclScript::new();
    script.comment(&job.title);
    load_prelude(&mut script, &job.group.prelude)?;
    let mut body = TclScript::new();
    for part in [&parts.libraries, &parts.design, &parts.trial] {
        body.append_script(part);
    }
    main(&mut script, job.result, &body);
    // A link lies in the folder of one attempt, where no host looks.
    let may_fork = job.engine.forks() && links.0.is_empty();
    Some(Rendered {
        text: script.into_text(),
        links: links.0,
        fork: may_fork.then(|| fork(job, &parts)).flatten(),
    })
}

/// The parts of a script, in their order.
pub(crate) struct Parts {
    /// Reads libraries: the same for all trials of the group.
    pub libraries: TclScript,
    /// Reads the design and times it: the same for all trials of the case.
    pub design: TclScript,
    /// Changes and measures it.
    pub trial: TclScript,
    /// The same in a fork, which edits in a fork of its own where edits spoil what the engine answers.
    pub apart: TclScript,
}

/// Reads the libraries of a group, one corner for each scene.
pub(crate) fn read_libraries(group: &SceneGroup, links: &mut Links) -> Option<TclScript> {
    let mut libraries = TclScript::new();
    let names = group.scenes.iter().map(|scene| &scene.name);
    let mut files = Vec::new();
    for scene in &group.scenes {
        for library in &scene.libraries {
            files.extend([TclWord::text(&scene.name), links.word(library)?]);
        }
    }
    libraries.command(
        "::n2::read_libraries",
        [TclWord::texts(names), TclWord::list(files)],
    );
    for (variable, check) in [
        ("set ::n2::setup_corners", Check::Setup),
        ("set ::n2::hold_corners", Check::Hold),
    ] {
        let scenes = group.scenes.iter().filter(|scene| scene.has(check));
        libraries.command(variable, [TclWord::texts(scenes.map(|scene| &scene.name))]);
    }
    Some(libraries)
}

/// The libraries are one host; the design of a case from which several trials begin is another.
fn fork(job: &Job<'_>, parts: &Parts) -> Option<RenderedFork> {
    let mut root = TclScript::new();
    // What loading it prints means nothing; it also looks into the folder where it runs.
    root.append("catch {load libtclx8.4.so Tclx}\ncatch {load libtclx8.4.so.0 Tclx}\ncatch {package require Tclx}\n");
    root.append(HOST);
    load_prelude(&mut root, &job.group.prelude)?;
    root.append(
        "::n2::open_channels $::env(NOODLE2_REQUESTS) $::env(NOODLE2_REPLIES)\n\
         unset ::env(NOODLE2_REQUESTS) ::env(NOODLE2_REPLIES)\n",
    );
    let mut libraries = parts.libraries.clone();
    libraries.command("::n2::compile_procedures", []);
    root.command("::n2::host", [TclWord::block(&libraries)]);
    let mut hosts = vec![root.into_text()];
    let mut body = TclScript::new();
    if job.begins_others {
        let mut host = TclScript::new();
        let mut body = parts.design.clone();
        let counts = job.layout.is_none() && !job.group.is_annotated();
        if counts && job.group.purpose == Purpose::Timing {
            body.command("::n2::keep_counts", []);
        }
        host.command("::n2::host", [TclWord::block(&body)]);
        hosts.push(host.into_text());
    } else {
        body.append_script(&parts.design);
    }
    body.append_script(&parts.apart);
    let mut script = TclScript::new();
    script.comment(&job.title);
    main(&mut script, job.result, &body);
    Some(RenderedFork {
        hosts,
        text: script.into_text(),
    })
}

pub(crate) fn load_prelude(script: &mut TclScript, prelude: &Path) -> Option<()> {
    // File names, constraints and results are UTF-8, whatever the locale.
    script.append("encoding system utf-8\n");
    // The engine's own `source` takes a file apart line by line, which is slow for large tables.
    script.command(
        "set n2_prelude",
        [TclWord::command("open", [TclWord::path(prelude)?])],
    );
    script.append(
        "fconfigure $n2_prelude -encoding utf-8\neval [read $n2_prelude]\nclose $n2_prelude\n",
    );
    Some(())
}

pub(crate) fn main(script: &mut TclScript, result: &str, body: &TclScript) {
    script.command("::n2::main", [TclWord::text(result), TclWord::block(body)]);
}

/// Tells a prelude what cells there are: their tables, those of the platform that buffer and invert, and those that no ECO
/// may put in.
pub(crate) fn describe_cells(script: &mut TclScript, group: &SceneGroup, platform: &PlatformFile) {
    let index = &group.eco_scene().index;
    script.append_tables(index);
    for (name, cells) in [
        ("set ::n2::buffers", &platform.buffers),
        ("set ::n2::inverters", &platform.inverters),
    ] {
        if !cells.is_empty() {
            script.command(name, [TclWord::texts(cells)]);
        }
    }
    let unusable = index.cells().filter(|cell| !index.is_usable(cell));
    script.command("set ::n2::dont_use", [TclWord::texts(unusable)]);
}

/// Tells an ECO what it is to know.
pub(crate) fn set_eco(body: &mut TclScript, job: &Job<'_>, eco: &EcoJob<'_>) -> Option<()> {
    let mut values = Vec::new();
    for (name, value) in eco.parameters {
        values.push((TclWord::text(name), parameter(value)?));
    }
    body.array("::n2::parameter", values);
    body.command("set ::n2::prefix", [TclWord::text(&job.prefix)]);
    // Tcl's integers have no limit; only its quoting needs text.
    body.command("set ::n2::seed", [TclWord::text(&job.seed.to_string())]);
    for (variable, patterns) in [
        ("set ::n2::protected_instances", &eco.protect.instances),
        ("set ::n2::protected_nets", &eco.protect.nets),
        ("set ::n2::protected_cells", &eco.protect.cells),
    ] {
        if !patterns.is_empty() {
            let patterns: Vec<String> = patterns
                .iter()
                .map(|pattern| tcl_pattern(pattern))
                .collect();
            body.command(variable, [TclWord::texts(&patterns)]);
        }
    }
    if job.layout.is_some() {
        return openroad::withhold(body, eco);
    }
    for (command, names) in [
        ("::n2::withhold marked_instances", &eco.withheld.instances),
        ("::n2::withhold marked_nets", &eco.withheld.nets),
        ("::n2::withhold marked_cells", &eco.withheld.cells),
        ("::n2::withhold scan_pins", &eco.withheld.scan_pins),
    ] {
        if !names.is_empty() {
            body.command(command, [TclWord::texts(names)]);
        }
    }
    for pattern in &eco.withheld.unusable {
        let pattern = tcl_pattern(pattern);
        body.command("lappend ::n2::dont_use", [TclWord::text(&pattern)]);
    }
    Some(())
}

/// A name pattern as `string match` reads it, to which brackets and backslashes mean something.
pub(crate) fn tcl_pattern(pattern: &str) -> String {
    let mut text = String::new();
    for character in pattern.chars() {
        if matches!(character, '[' | ']' | '\\') {
            text.push('\\');
        }
        text.push(character);
    }
    text
}

fn parameter(value: &ParameterValue) -> Option<TclWord> {
    Some(match value {
        ParameterValue::Boolean(value) => TclWord::boolean(*value),
        ParameterValue::Integer(value) => TclWord::integer(*value),
        ParameterValue::Real(value) => TclWord::real(*value)?,
        ParameterValue::Text(value) => TclWord::text(value),
    })
}

/// Some of the engine's commands take a file name for a list, so a path with a space or a brace is given
/// to it under a plain name, as a link in the folder of the attempt.
#[derive(Default)]
pub(crate) struct Links(Vec<(String, PathBuf)>);

impl Links {
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub fn word(&mut self, path: &Path) -> Option<TclWord> {
        let text = path.to_str()?;
        if is_plain_text(text) {
            return Some(TclWord::text(text));
        }
        let known = self.0.iter().find(|(_, target)| target == path);
        let name = match known {
            Some((name, _)) => name.clone(),
            None => {
                let name = format!("input-{}", self.0.len() + 1);
                self.0.push((name.clone(), path.to_owned()));
                name
            }
        };
        Some(TclWord::text(&name))
    }

    pub fn words(&mut self, paths: &[PathBuf]) -> Option<TclWord> {
        let words: Option<Vec<TclWord>> = paths.iter().map(|path| self.word(path)).collect();
        words.map(TclWord::list)
    }
}
