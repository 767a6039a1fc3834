//! The command line of Noodle 2.
//!
//! Owns the terminal, the environment, exit statuses, and the wiring of the rooms: study files to the
//! controller, the controller to journal and workers, the journal to what people see. stdout is data, stderr
//! is talk.
//!
//! Never decides what a study does: that is the controller's; never times a design: that is the engine's.

mod catalogue;
mod cli;
mod commands;
mod exit;
mod left;
mod picture;
mod print;
mod priors;
mod record;
mod reference;
mod run;
mod serve;
mod shell;
mod study;
mod terminal;
mod tools;

use std::process::ExitCode;

use clap::{CommandFactory, Parser};
use clap_complete::CompleteEnv;

use cli::{COMPLETE, Cli, Command, EcoCommand};
use commands::{Resources, Stores};
use exit::{CommandFailure, Exit};

fn main() -> ExitCode {
    noodle2_exec::supervisor_main();
    CompleteEnv::with_factory(Cli::command)
        .var(COMPLETE)
        .complete();
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
        Command::Status { run, watch, format } => match watch {
            true => commands::follow(&run, format),
            false => commands::status(&run, format),
        },
        Command::Show { run, item, format } => commands::show(&run, &item, format.format),
        Command::Diagnose { run, case, format } => commands::diagnose(&run, &case, format.format),
        Command::Report(option) => commands::report(&option),
        Command::Serve(option) => serve::serve(&option),
        Command::Compare(option) => commands::compare(&option),
        Command::Export(option) => commands::export(&option),
        Command::Gc(option) => commands::gc(&option),
        Command::List(option) => commands::list(&option),
        Command::Tag(option) => commands::tag(&option),
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
        Command::Ci(option) => commands::ci(*option),
        Command::Debug(option) => commands::debug(&option),
        Command::Rebuild(option) => commands::rebuild(&option),
        Command::Replay(option) => commands::replay(&option),
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
        Command::Traces(option) => commands::traces(&option),
        Command::Completions { shell } => commands::completions(shell),
        Command::Man(option) => commands::man(&option),
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
