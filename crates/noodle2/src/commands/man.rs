//! `noodle2 man`: the manual as pages for `man`, one for each command, made from the command line itself.

use std::fs;
use std::path::Path;

use clap::{Command, CommandFactory};
use clap_mangen::Man;
use clap_mangen::roff::{Inline, Roff, bold, roman};

use crate::cli::{Cli, ManOption};
use crate::exit::{CommandFailure, Exit};
use crate::print;

/// Variables of the environment that more than one command heeds, and what they say.
const ENVIRONMENT: [(&str, &str); 7] = [
    (
        "NOODLE2_PDK_<NAME>",
        "The folder that holds the libraries of the platform of this name, in capital letters.",
    ),
    (
        "NOODLE2_CACHE",
        "The store of known results; `off` for none.",
    ),
    ("NOODLE2_PRIORS", "The store of what runs left as evidence."),
    (
        "NOODLE2_RAY_PYTHON",
        "The Python that holds the connection to Ray.",
    ),
    ("RAY_ADDRESS", "The address of the Ray cluster."),
    (
        "OTEL_EXPORTER_OTLP_ENDPOINT",
        "Where traces are sent; heeded where `--traces env` or `traces RUN --to env` asks for it.",
    ),
    ("NO_COLOR", "Print without colours."),
];

/// Writes the pages.
pub(crate) fn man(option: &ManOption) -> Result<Exit, CommandFailure> {
    let mut command = Cli::command().disable_help_subcommand(true);
    command.build();
    let statuses = statuses(&command);
    let mut pages = Vec::new();
    collect(&command, &statuses, &mut pages).map_err(CommandFailure::internal)?;
    fs::create_dir_all(&option.out).map_err(|error| unwritable(&option.out, &error))?;
    for (name, page) in &pages {
        let path = option.out.join(name);
        fs::write(&path, page).map_err(|error| unwritable(&path, &error))?;
    }
    print::talk(&format!(
        "wrote {} pages; read one with: man -l {}",
        pages.len(),
        crate::shell::word(&option.out.join("noodle2.1"))
    ));
    Ok(Exit::Done)
}

fn unwritable(path: &Path, error: &std::io::Error) -> CommandFailure {
    CommandFailure::new(
        Exit::Usage,
        "N2-MAN-001",
        format!("`{}` cannot be written: {error}", path.display()),
        "name a folder that you may write into with --out".to_owned(),
    )
}

/// The pages of a command and all below it, with their file names.
fn collect(
    command: &Command,
    statuses: &[(String, String)],
    pages: &mut Vec<(String, Vec<u8>)>,
) -> std::io::Result<()> {
    for below in command.get_subcommands().filter(|each| !each.is_hide_set()) {
        collect(below, statuses, pages)?;
    }
    let man = Man::new(command.clone()).manual("Noodle 2");
    let mut page = Vec::new();
    man.render_title(&mut page)?;
    man.render_name_section(&mut page)?;
    man.render_synopsis_section(&mut page)?;
    man.render_description_section(&mut page)?;
    man.render_options_section(&mut page)?;
    if command.has_subcommands() {
        man.render_subcommands_section(&mut page)?;
    }
    let mut rest = Roff::new();
    examples(&mut rest, command);
    rest.control("SH", ["EXIT STATUS"]);
    list(&mut rest, statuses);
    rest.control("SH", ["ENVIRONMENT"]);
    list(&mut rest, &ENVIRONMENT);
    rest.to_writer(&mut page)?;
    pages.push((man.get_filename(), page));
    Ok(())
}

/// What follows the help of a command, as it stands: its examples, line by line, and remarks. Of the first page alone the
/// list of exit statuses, which has a section of its own, is left out.
fn examples(roff: &mut Roff, command: &Command) {
    let after = command.get_after_help().map(ToString::to_string);
    for paragraph in after.iter().flat_map(|text| text.split("\n\n")) {
        let (title, lines) = match paragraph.split_once('\n') {
            Some((title, lines)) if title.ends_with(':') => (title, lines),
            _ => ("Remarks:", paragraph),
        };
        let title = match title {
            "Exit status:" => continue,
            "Example:" | "Examples:" | "Start with:" => "EXAMPLES",
            "Remarks:" => "NOTES",
            other => other.trim_end_matches(':'),
        };
        roff.control("SH", [title.to_uppercase().as_str()]);
        roff.control("nf", []);
        for line in lines.lines() {
            roff.text([roman(line.trim_start())]);
        }
        roff.control("fi", []);
    }
}

fn list(roff: &mut Roff, entries: &[(impl AsRef<str>, impl AsRef<str>)]) {
    for (name, meaning) in entries {
        roff.control("TP", []);
        let name: Inline = bold(name.as_ref());
        roff.text([name]);
        roff.text([roman(meaning.as_ref())]);
    }
}

/// The exit statuses with what they mean, as the help of the whole program lists them.
fn statuses(command: &Command) -> Vec<(String, String)> {
    let help = command.get_after_help().map(ToString::to_string);
    let help = help.unwrap_or_default();
    let listed = help.split("\n\n").next().unwrap_or_default();
    let lines = listed
        .lines()
        .filter_map(|line| line.trim().split_once(' '));
    lines
        .filter(|(number, _)| number.bytes().all(|byte| byte.is_ascii_digit()))
        .map(|(number, meaning)| (number.to_owned(), meaning.to_owned()))
        .collect()
}
