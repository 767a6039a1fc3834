//! The page of commands: every one with its options, as clap knows them.

use std::fmt::Write as _;

use clap::{Arg, Command, CommandFactory};

use super::{head, plain, row};
use crate::cli::Cli;

pub(super) fn page() -> String {
    let mut command = Cli::command();
    command.build();
    let mut body = String::new();
    let _ = writeln!(
        body,
        "```text\n{}\n```\n",
        command.render_usage().to_string().trim()
    );
    after(&mut body, &command);
    for child in command.get_subcommands_mut() {
        describe(&mut body, child);
    }
    let about = "Every command with its arguments and options. Data goes to stdout, talk to stderr; `--format json` prints \
                 what scripts read.";
    super::page("Commands", about, &body)
}

fn describe(body: &mut String, command: &mut Command) {
    if command.is_hide_set() || command.get_name() == "help" {
        return;
    }
    let name = command
        .get_bin_name()
        .unwrap_or(command.get_name())
        .to_owned();
    let about = command.get_long_about().or(command.get_about());
    let about = about.map(ToString::to_string).unwrap_or_default();
    let _ = writeln!(body, "## {name}\n\n{}\n", plain(about.trim()));
    let usage = command.render_usage().to_string();
    let _ = writeln!(body, "```text\n{}\n```\n", usage.trim());
    let arguments = command.get_arguments();
    let told = |argument: &&Arg| !argument.is_hide_set() && argument.get_id() != "help";
    let rows: String = arguments.filter(told).map(describe_argument).collect();
    if !rows.is_empty() {
        let _ = writeln!(body, "{}{rows}", head(&["argument", "meaning", "default"]));
    }
    after(body, command);
    for child in command.get_subcommands_mut() {
        describe(body, child);
    }
}

fn after(body: &mut String, command: &Command) {
    if let Some(text) = command.get_after_long_help().or(command.get_after_help()) {
        let _ = writeln!(body, "```text\n{}\n```\n", text.to_string().trim());
    }
}

fn describe_argument(argument: &Arg) -> String {
    let values: Vec<String> = (argument.get_value_names().unwrap_or_default().iter())
        .map(|name| match argument.is_positional() {
            true => name.to_string(),
            false => format!("<{name}>"),
        })
        .collect();
    let values = match argument.get_action().takes_values() {
        true => values.join(" "),
        false => String::new(),
    };
    let mut names: Vec<String> = Vec::new();
    names.extend(argument.get_short().map(|short| format!("-{short}")));
    names.extend(argument.get_long().map(|long| format!("--{long}")));
    let name = match names.is_empty() {
        true => values,
        false => format!("{} {values}", names.join(", ")),
    };
    let meaning = argument.get_long_help().or(argument.get_help());
    let mut meaning = meaning.map(ToString::to_string).unwrap_or_default();
    let choices: Vec<String> = (argument.get_possible_values().iter())
        .filter(|choice| !choice.is_hide_set() && argument.get_action().takes_values())
        .map(|choice| match choice.get_help() {
            Some(help) => {
                let help = help.to_string();
                format!("`{}`: {}", choice.get_name(), help.trim_end_matches('.'))
            }
            None => format!("`{}`", choice.get_name()),
        })
        .collect();
    if !choices.is_empty() {
        // clap leaves out the point of a last sentence.
        if !meaning.ends_with('.') {
            meaning.push('.');
        }
        let _ = write!(meaning, " One of {}.", choices.join("; "));
    }
    if let Some(variable) = argument.get_env() {
        let _ = write!(
            meaning,
            " Also by the variable `{}`.",
            variable.to_string_lossy()
        );
    }
    let default: Vec<String> = match argument.get_action().takes_values() {
        true => (argument.get_default_values().iter())
            .map(|value| format!("`{}`", value.to_string_lossy()))
            .collect(),
        false => Vec::new(),
    };
    let required = if argument.is_required_set() {
        "required"
    } else {
        ""
    };
    let default = match default.is_empty() {
        true => required.to_owned(),
        false => default.join(" "),
    };
    row(&[&format!("`{}`", name.trim()), &meaning, &default])
}
