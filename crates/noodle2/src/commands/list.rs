//! `noodle2 list` and `noodle2 tag`: the runs below a folder, and what people call them.

use std::cmp::Reverse;

use noodle2_store::{RunFolder, Tag};
use noodle2_view::{Table, count_text, gain_text, seconds_text};

use crate::catalogue::{Catalogue, ListedRun};
use crate::cli::{Format, ListOption, SortBy, TagOption};
use crate::exit::{CommandFailure, Exit};
use crate::print;

/// `noodle2 list`.
pub(crate) fn list(option: &ListOption) -> Result<Exit, CommandFailure> {
    let mut runs = Catalogue::default().list(&option.folder, option.depth)?;
    let all = runs.len();
    runs.retain(|run| is_wanted(run, option));
    sort(&mut runs, option.sort);
    match option.format.format {
        Format::Json => print::json(&runs)?,
        Format::Text if runs.is_empty() => print::talk(&format!(
            "no run below `{}` is like that; {} in all",
            option.folder.display(),
            count_text(all, "run")
        )),
        Format::Text => print::data(&text(&runs, option)),
    }
    Ok(Exit::Done)
}

fn is_wanted(run: &ListedRun, option: &ListOption) -> bool {
    let glance = run.glance.as_ref();
    let state = glance.map(|glance| glance.status);
    let of_study = |name: &String| glance.is_some_and(|glance| glance.study == *name);
    let began = |since| glance.is_some_and(|glance| glance.started_at >= Some(since));
    (option.state.is_empty() || option.state.iter().any(|wanted| wanted.admits(state)))
        && option.study.as_ref().is_none_or(of_study)
        && option.tag.iter().all(|tag| run.tags.contains(tag))
        && option.since.is_none_or(began)
}

/// Those that cannot be read come last, by path.
fn sort(runs: &mut [ListedRun], by: SortBy) {
    let started =
        |run: &ListedRun| Reverse(run.glance.as_ref().and_then(|glance| glance.started_at));
    let study = |run: &ListedRun| run.glance.as_ref().map(|glance| glance.study.clone());
    let cpu_s = |run: &ListedRun| run.glance.as_ref().map_or(-1.0, |glance| glance.cpu_s);
    runs.sort_by(|left, right| {
        let damaged = left.glance.is_none().cmp(&right.glance.is_none());
        damaged.then_with(|| match by {
            SortBy::Name => left.path.cmp(&right.path),
            SortBy::Started => started(left).cmp(&started(right)),
            SortBy::Study => (study(left), started(left)).cmp(&(study(right), started(right))),
            SortBy::Cpu => cpu_s(right).total_cmp(&cpu_s(left)),
        })
    });
}

fn text(runs: &[ListedRun], option: &ListOption) -> String {
    let mut table = Table::new(&[
        "run",
        "study",
        "state",
        ">stages",
        ">trials",
        ">failed",
        "objective",
        "best is",
        ">CPU",
        "started",
        "owner",
        "digest",
        "tags",
    ]);
    let mut damaged = String::new();
    for run in runs {
        let below = run.path.strip_prefix(&option.folder).unwrap_or(&run.path);
        let shown = if below.as_os_str().is_empty() {
            &run.path
        } else {
            below
        };
        let name = shown.display().to_string();
        let Some(glance) = &run.glance else {
            let problem = run.problem.as_ref();
            let problem = problem.map(|found| format!("{}: {}", found.code, found.message));
            damaged += &format!("{name}: damaged: {}\n", problem.unwrap_or_default());
            continue;
        };
        let status = serde_json::to_value(glance.status).unwrap_or_default();
        let started = glance.started_at;
        let started = started.map(|at| at.strftime("%Y-%m-%d %H:%M UTC").to_string());
        let tags: Vec<String> = run.tags.iter().map(Tag::to_string).collect();
        table.row([
            name,
            glance.study.clone(),
            status.as_str().unwrap_or_default().to_owned(),
            format!("{}/{}", glance.stages_ended, glance.stages_total),
            format!("{}/{}", glance.trials_run, glance.trials_total),
            glance.failures.to_string(),
            glance
                .objective
                .map_or_else(String::new, |found| found.metric.to_string()),
            glance.objective.map_or_else(
                || "—".to_owned(),
                |found| gain_text(found.metric, Some(found.base), Some(found.best)),
            ),
            seconds_text(glance.cpu_s),
            started.unwrap_or_default(),
            run.owner.clone().unwrap_or_default(),
            glance
                .digest
                .map_or_else(String::new, |digest| digest.short()),
            tags.join(" "),
        ]);
    }
    let has_rows = runs.iter().any(|run| run.glance.is_some());
    match (has_rows, damaged.is_empty()) {
        (true, true) => table.text(),
        (true, false) => format!("{}\n{damaged}", table.text()),
        (false, _) => damaged,
    }
}

/// `noodle2 tag`.
pub(crate) fn tag(option: &TagOption) -> Result<Exit, CommandFailure> {
    let run = RunFolder::open(&option.run)?;
    for tag in &option.tags {
        let changed = match option.remove {
            true => run.remove_tag(tag)?,
            false => run.add_tag(tag)?,
        };
        if !changed {
            let has = if option.remove {
                "has not"
            } else {
                "has already"
            };
            print::talk(&format!("the run {has} the tag `{tag}`"));
        }
    }
    let tags = run.read_tags()?;
    match option.format.format {
        Format::Json => print::json(&tags)?,
        Format::Text => {
            let tags: Vec<String> = tags.iter().map(Tag::to_string).collect();
            print::data(&tags.join(" "));
        }
    }
    Ok(Exit::Done)
}
