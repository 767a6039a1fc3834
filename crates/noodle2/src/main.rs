//! The command line of Noodle 2.
//!
//! Owns the terminal, the environment, exit statuses, and the wiring of the rooms: study files to the
//! controller, the controller to journal and workers, the journal to what people see. stdout is data, stderr
//! is talk.
//!
//! Never decides what a study does: that is the controller's; never times a design: that is the engine's.

mod cli;
mod commands;
mod exit;
mod picture;
mod print;
mod priors;
mod record;
mod reference;
mod run;
mod shell;
mod study;
mod tools;

use std::process::ExitCode;

use clap::Parser;

use cli::{Cli, Command, EcoCommand};
use commands::{Resources, Stores};
use exit::{CommandFailure, Exit};

fn main() -> ExitCode {
    noodle2_exec::supervisor_main();
    let cli = Cli::parse();
    let mut exit = dispatch(cli.command).unwrap_or_else(|failure| {
        print::failure(&failure);
        failure.exit
    });
    if let Some(failure) = print::lost() {
        print::failure(&failure);
        // What the command found out is told by its own status, which is no success either.
        if exit == Exit::Done {
            exit = failure.exit;
        }
    }
    exit.into()
}

fn dispatch(command: Command) -> Result<Exit, CommandFailure> {
    match command {
        Command::Init { folder, template } => commands::init(&folder, template),
        Command::Explain { subject, format } => commands::explain(&subject, format.format),
        Command::Check { study, format } => commands::check(&study, format.format),
        Command::Plan {
            study,
            cache,
            format,
        } => commands::plan(&study, &cache, format.format),
        Command::Simulate(option) => commands::simulate(&option),
        Command::Run {
            study,
            out,
            workers,
            cluster,
            people,
            priors,
            cache,
            format,
        } => commands::run(
            &study,
            &out,
            &Resources { workers, cluster },
            &people,
            &Stores { priors, cache },
            format.format,
        ),
        Command::Resume {
            run,
            workers,
            cluster,
            people,
            priors,
            cache,
            format,
        } => commands::resume(
            &run,
            &Resources { workers, cluster },
            &people,
            &Stores { priors, cache },
            format.format,
        ),
        Command::Approve {
            run,
            answer,
            format,
        } => commands::approve(&run, &answer, format.format),
        Command::Status { run, format } => commands::status(&run, format.format),
        Command::Show { run, item, format } => commands::show(&run, &item, format.format),
        Command::Diagnose { run, case, format } => commands::diagnose(&run, &case, format.format),
        Command::Report { run, format } => commands::report(&run, format.format),
        Command::Lineage { run, format, all } => commands::lineage(&run, format, all),
        Command::Verify { run, format } => commands::verify(&run, format.format),
        Command::Handover {
            run,
            case,
            tool,
            out,
            check,
        } => commands::handover(&commands::HandoverOrder {
            run,
            case,
            tool,
            out,
            check,
        }),
        Command::Minimize {
            run,
            case,
            share,
            metric,
            trials,
            out,
            format,
        } => commands::minimize(&commands::MinimizeOrder {
            run,
            case,
            share,
            metric,
            trials: trials as usize,
            out,
            format: format.format,
        }),
        Command::TimingReport {
            file,
            worst,
            time_unit,
            format,
        } => commands::timing_report(&file, worst as usize, time_unit, format.format),
        Command::Heatmap(option) => commands::heatmap(&option),
        Command::OpenroadLog(option) => commands::openroad_log(&option),
        Command::Snapshot { command } => commands::snapshot(&command),
        Command::Platform { command } => commands::platform(&command),
        Command::Doctor { python, format } => commands::doctor(&python, format.format),
        Command::Reference(option) => commands::reference(&option),
        Command::Runner => Ok(run::serve()),
        Command::Cache { command } => commands::cache(command),
        Command::Priors { command } => commands::priors(command),
        Command::Eco { command } => match command {
            EcoCommand::List { path, format } => commands::eco_list(&path, format.format),
            EcoCommand::Show { name, path, format } => {
                commands::eco_show(&name, &path, format.format)
            }
            EcoCommand::Lint {
                names,
                study,
                platform_root,
                path,
                format,
            } => commands::eco_lint(&commands::LintOrder {
                names,
                study,
                platform_root,
                eco_path: path.eco_path,
                format: format.format,
            }),
        },
    }
}
