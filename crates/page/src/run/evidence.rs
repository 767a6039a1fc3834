//! What tells of ECOs, failures, rules and budgets, as tables beside the figures.

use maud::{Markup, html};
use noodle2_control::Verdict;
use noodle2_model::TrialId;
use noodle2_view::chart::eco_standings;
use noodle2_view::{
    History, Spent, Summary, count_text, kept_out_lines, metric_text, seconds_text,
};

use crate::Place;
use crate::text::{case_link, linked};

/// Tries, effects, failures and gains of each ECO.
pub(crate) fn eco_table(place: Place<'_>, history: &History) -> Option<Markup> {
    let standings = eco_standings(history);
    let metric = history
        .controller()
        .program()
        .study()
        .objective
        .rank
        .first()
        .copied()?;
    (!standings.is_empty()).then(|| html! {
        details open[place == Place::Report] { summary { "ECOs in numbers" }
        div class="scroll" tabindex="0" role="group" aria-label="ECOs" { table {
            thead { tr { th { "ECO" } th class="number" { "tries" } th class="number" { "effects" } th class="number" { "failed" }
                th class="number" { "mean gain in " (metric) } th class="number" { "spread" } } }
            tbody { @for eco in &standings {
                tr { th scope="row" { (eco.eco) } td class="number" { (eco.tries) } td class="number" { (eco.effects) } td class="number" { (eco.failures) }
                    td class="number" { (metric_text(metric, eco.gain.map(|gain| gain.mean))) } td class="number" { (metric_text(metric, eco.gain.and_then(|gain| gain.deviation))) } }
            } }
        } } }
    })
}

/// Trials without effect that are named.
const IDLE: usize = 20;

/// Failures by class, with the first of each, and the trials that changed nothing; said also where there are none.
pub(crate) fn failure_table(
    place: Place<'_>,
    history: &History,
    summary: &Summary,
) -> Option<Markup> {
    if summary.trials_run == 0 {
        return None;
    }
    let controller = history.controller();
    let design = &controller.program().study().design.case_name;
    let idle: Vec<TrialId> = controller
        .trials()
        .filter(|trial| matches!(trial.verdict(), Some(Verdict::NoEffect)))
        .map(|trial| trial.id)
        .collect();
    let table = classes(place, summary);
    Some(html! {
        @match table { Some(table) => { (table) } None => { p { "No trial failed." } } }
        @if !idle.is_empty() { p { (count_text(idle.len(), "trial")) " changed nothing: "
            @for (position, trial) in idle.iter().take(IDLE).enumerate() {
                @if position > 0 { ", " } a href=(place.trial(*trial)) { (trial.case(design)) } }
            @if idle.len() > IDLE { ", and " (idle.len() - IDLE) " more" } "." } }
    })
}

fn classes(place: Place<'_>, summary: &Summary) -> Option<Markup> {
    (!summary.failures.is_empty()).then(|| html! {
        div class="scroll" tabindex="0" role="group" aria-label="Failures by class" { table {
            thead { tr { th { "class" } th class="number" { "trials" } th { "first" } th { "what happened there" } } }
            tbody { @for failure in &summary.failures {
                tr { th scope="row" { (failure.class) } td class="number" { (failure.count) } td { (case_link(place, &failure.first)) } td { (failure.message) } }
            } }
        } }
    })
}

/// What rules kept from being tried and from surviving.
pub(crate) fn kept_out(place: Place<'_>, history: &History, summary: &Summary) -> Option<Markup> {
    let lines = kept_out_lines(summary);
    let design = &history.controller().program().study().design.case_name;
    (!lines.is_empty())
        .then(|| html! { ul { @for line in &lines { li { (linked(place, design, line)) } } } })
}

/// What was spent of what.
pub(crate) fn spent_table(summary: &Summary) -> Option<Markup> {
    let limit = |limit: Option<f64>| {
        limit.map_or_else(String::new, |limit| format!(" of {}", seconds_text(limit)))
    };
    let row = |spent: &Spent| {
        html! {
            tr { th scope="row" { (spent.owner.of) " " (spent.owner.names.join(" → ")) }
                td class="number" { (spent.trials) @if let Some(limit) = spent.trials_limit { " of " (limit) } }
                td class="number" { (seconds_text(spent.cpu_s)) (limit(spent.cpu_limit_s)) }
                td class="number" { (spent.wall_s.map_or_else(|| "—".to_owned(), seconds_text)) (limit(spent.wall_limit_s)) } }
        }
    };
    (!summary.spending.is_empty()).then(|| html! {
        div class="scroll" tabindex="0" role="group" aria-label="Budgets" { table {
            thead { tr { th { "whose" } th class="number" { "trials" } th class="number" { "processor time" } th class="number" { "time" } } }
            tbody { @for spent in &summary.spending { (row(spent)) } }
        } }
    })
}
