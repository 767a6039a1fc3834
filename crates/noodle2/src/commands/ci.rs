//! `noodle2 ci`: a regression check for pipelines. Runs a locked study and holds what it found against a baseline.

mod baseline;
mod check;
mod junit;

use std::path::Path;

use noodle2_model::SafetyDomain;
use noodle2_store::{RunFolder, write_atomic};
use noodle2_view::count_text;

use crate::cli::{CacheOption, CiOption, Format, PeopleOption, TracesOption};
use crate::commands::executors::Resources;
use crate::commands::inspect::history_of;
use crate::commands::run::{Stores, run_untold};
use crate::exit::{CommandFailure, Exit};
use crate::print;
use crate::study;
use baseline::{Baseline, Found};
use check::{Check, Verdict, check};

/// The study may change more than a regression check permits.
const NOT_LOCKED: &str = "N2-CI-001";

/// `noodle2 ci`.
pub(crate) fn ci(option: CiOption) -> Result<Exit, CommandFailure> {
    let loaded = study::load(&option.study)?;
    let study = loaded.study;
    refuse_unlocked(&study)?;
    let baseline = match option.write_baseline && !option.baseline.exists() {
        true => None,
        false => Some(Baseline::read(&option.baseline, &study.name)?),
    };
    let scratch = tempfile::tempdir().map_err(CommandFailure::internal)?;
    let out = option
        .out
        .clone()
        .unwrap_or_else(|| scratch.path().join("run"));
    let ended = run_untold(
        &option.study,
        &out,
        &Resources {
            workers: option.workers,
            cluster: option.cluster,
        },
        &PeopleOption {
            exit_when_waiting: true,
            notify: Vec::new(),
            traces: TracesOption { traces: None },
        },
        // What is checked is what the tools do now.
        &Stores {
            priors: Default::default(),
            cache: CacheOption {
                cache: None,
                no_cache: true,
            },
        },
    )?;
    if matches!(ended, Exit::Interrupted | Exit::Waiting) {
        return Ok(ended);
    }
    let history = history_of(&RunFolder::open(&out)?)?;
    let found = Found::of(&history);
    if option.write_baseline {
        if ended != Exit::Done {
            print::talk("the run did not complete, so no baseline was written");
            return Ok(ended);
        }
        let tolerances = baseline.map(|former| former.tolerances).unwrap_or_default();
        return write(
            &option.baseline,
            &Baseline::new(&study.name, found, tolerances),
        );
    }
    let Some(baseline) = baseline else {
        return Err(CommandFailure::internal("there is no baseline"));
    };
    let checks = check(&baseline, &found, &study.objective.rank);
    if let Some(path) = &option.junit {
        write_atomic(path, junit::junit(&study.name, &checks)?)?;
    }
    if option.out.is_some() {
        print::talk(&format!("everything lies in {}", out.display()));
    }
    let regressed = checks
        .iter()
        .any(|check| check.verdict == Verdict::Regressed);
    match option.format.format {
        Format::Json => print::json(&serde_json::json!({
            "schema_version": 1,
            "study": study.name,
            "ok": !regressed && ended == Exit::Done,
            "status": history.status(),
            "digest": found.digest,
            "checks": checks,
        }))?,
        Format::Text => print::data(&text(&checks)),
    }
    Ok(match ended {
        Exit::Done if regressed => Exit::Findings,
        other => other,
    })
}

fn write(path: &Path, baseline: &Baseline) -> Result<Exit, CommandFailure> {
    let text = serde_json::to_string_pretty(baseline).map_err(CommandFailure::internal)?;
    write_atomic(path, text + "\n")?;
    print::talk(&format!("wrote {}", path.display()));
    Ok(Exit::Done)
}

/// A regression check compares like with like: a study that may change connections at will is none.
fn refuse_unlocked(study: &noodle2_model::Study) -> Result<(), CommandFailure> {
    let is_locked = |domain: SafetyDomain| domain == SafetyDomain::Locked;
    let mut open: Vec<String> = Vec::new();
    if !is_locked(study.safety_domain) {
        open.push(format!("the study is `{}`", study.safety_domain));
    }
    let stages = study
        .stages
        .iter()
        .filter(|stage| !is_locked(study.domain_of(stage)));
    open.extend(
        stages.map(|stage| format!("the stage `{}` is `{}`", stage.name, study.domain_of(stage))),
    );
    if open.is_empty() {
        return Ok(());
    }
    Err(CommandFailure::new(
        Exit::IllegalStudy,
        NOT_LOCKED,
        format!(
            "a regression check is for studies of the safety domain `locked`: {}",
            open.join(", ")
        ),
        "write `safety_domain: locked`, and check by `noodle2 check` what it then may not try"
            .to_owned(),
    ))
}

fn text(checks: &[Check]) -> String {
    let count = |wanted| {
        checks
            .iter()
            .filter(|check| check.verdict == wanted)
            .count()
    };
    let mut text = String::new();
    for check in checks
        .iter()
        .filter(|check| !check.message.is_empty() || check.verdict == Verdict::Regressed)
    {
        let verdict = match check.verdict {
            Verdict::Held => "held",
            Verdict::Better => "better",
            Verdict::Skipped => "skipped",
            Verdict::Regressed => "REGRESSED",
        };
        text += &format!(
            "{verdict:9} {} {}: {}\n",
            check.suite, check.name, check.message
        );
    }
    text + &format!(
        "{}: {} held, {} better, {} skipped, {} regressed\n",
        count_text(checks.len(), "check"),
        count(Verdict::Held),
        count(Verdict::Better),
        count(Verdict::Skipped),
        count(Verdict::Regressed)
    )
}
