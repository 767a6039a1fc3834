//! All trials of a run, a page at a time: filtered and cut by the server, so that a hundred thousand are no burden.

use std::collections::BTreeSet;

use maud::{Markup, html};
use noodle2_control::{Controller, Trial};
use noodle2_model::{CaseName, Metric, StageIndex};
use noodle2_view::{History, Summary, eco_text, trial_text};

use crate::frame::served;
use crate::text::{case_link, gain, value};
use crate::{Place, encoded};

/// Trials on a page.
const PER_PAGE: usize = 100;

/// Which trials are shown.
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Deserialize)]
#[serde(default)]
pub struct TrialFilter {
    /// Of the stage of this index.
    pub stage: String,
    /// Whose ECO has this in its name.
    pub eco: String,
    /// Whose result has this in its words.
    pub result: String,
    /// What they are sorted by: `gain` for the objective's best first; else the order in which they were proposed.
    pub sort: String,
    /// The page, from 1.
    pub page: usize,
}

/// What the page of trials shows.
#[derive(Debug, Clone, Copy)]
pub struct TrialsPage<'a> {
    /// The run's name on the server.
    pub name: &'a str,
    /// The run.
    pub history: &'a History,
    /// The same in numbers.
    pub summary: &'a Summary,
    /// Which trials.
    pub filter: &'a TrialFilter,
}

impl TrialsPage<'_> {
    /// The page.
    pub fn html(&self) -> String {
        let Self {
            history,
            summary,
            filter,
            ..
        } = self;
        let place = Place::Served(self.name);
        let found = self.found();
        let pages = found.len().div_ceil(PER_PAGE).max(1);
        let page = filter.page.clamp(1, pages);
        let shown = found.iter().skip((page - 1) * PER_PAGE).take(PER_PAGE);
        let body = html! {
            h1 { "Trials of " (summary.study) }
            form class="filter" method="get" {
                label { "Stage" select name="stage" {
                    option value="" { "all" }
                    @for stage in &summary.stages {
                        @let index = stage.index.to_string();
                        option value=(index) selected[filter.stage == index] { (stage.name) }
                    }
                } }
                label { "ECO has in its name" input name="eco" value=(filter.eco); }
                label { "Result has in its words" input name="result" value=(filter.result) list="results"; }
                datalist id="results" { @for word in ["measured", "no effect", "cancelled", "discarded", "contained", "refused", "running", "waiting"] { option value=(word) {} } }
                label { "Order" select name="sort" {
                    option value="" { "as proposed" } option value="gain" selected[filter.sort == "gain"] { "best first" }
                } }
                button { "Show" }
            }
            p role="status" { (found.len()) " of " (summary.trials_total) " trials" @if pages > 1 { ", page " (page) " of " (pages) } }
            (table(place, history, shown.copied()))
            nav class="pages" aria-label="Pages" {
                @if page > 1 { a rel="prev" href=(self.address(page - 1)) { "Before" } }
                @if page < pages { a rel="next" href=(self.address(page + 1)) { "After" } }
            }
        };
        let crumbs = [(self.name, place.run()), ("trials", String::new())];
        served(
            &format!("Trials of {}", summary.study),
            &crumbs,
            None,
            &body,
        )
    }

    fn address(&self, page: usize) -> String {
        let TrialFilter {
            stage,
            eco,
            result,
            sort,
            ..
        } = self.filter;
        let [stage, eco, result, sort] = [stage, eco, result, sort].map(|text| encoded(text));
        format!("?stage={stage}&eco={eco}&result={result}&sort={sort}&page={page}")
    }

    fn found(&self) -> Vec<&Trial> {
        let controller = self.history.controller();
        let status = self.history.status();
        let filter = self.filter;
        let stage: Option<u32> = filter.stage.parse().ok();
        let matches = |trial: &&Trial| {
            stage.is_none_or(|stage| trial.id.stage == StageIndex(stage))
                && (filter.eco.is_empty() || trial.eco.name.contains(&filter.eco))
                && (filter.result.is_empty()
                    || trial_text(controller, status, trial).contains(&filter.result))
        };
        let mut found: Vec<&Trial> = controller.trials().filter(matches).collect();
        let metric = objective(controller);
        if let (true, Some(metric)) = (filter.sort == "gain", metric) {
            let value = |trial: &Trial| {
                let name = trial
                    .id
                    .case(&controller.program().study().design.case_name);
                controller
                    .cases()
                    .get(&name)?
                    .measurement
                    .overall
                    .get(metric)
            };
            // What was not measured comes last.
            found.sort_by(|left, right| match (value(left), value(right)) {
                (Some(left), Some(right)) => metric.compare(right, left),
                (left, right) => right.is_some().cmp(&left.is_some()),
            });
        }
        found
    }
}

fn objective(controller: &Controller) -> Option<Metric> {
    controller.program().study().objective.rank.first().copied()
}

/// Trials as a table, each with an anchor of its own, below the base case. Survivors are marked, and the best case.
pub(crate) fn table<'a>(
    place: Place<'_>,
    history: &'a History,
    trials: impl Iterator<Item = &'a Trial>,
) -> Markup {
    let controller = history.controller();
    let status = history.status();
    let design = &controller.program().study().design.case_name;
    let ranked = &controller.program().study().objective.rank;
    let of = |name: &CaseName, metric: Metric| -> Option<f64> {
        controller
            .cases()
            .get(name)?
            .measurement
            .overall
            .get(metric)
    };
    let base = controller.base_name();
    let best = controller.best_case();
    let survivors: BTreeSet<&CaseName> = controller
        .stages()
        .iter()
        .flat_map(|stage| stage.survivors())
        .collect();
    let mark = |name: &CaseName| match (Some(name) == best, survivors.contains(name)) {
        (true, _) => "best case",
        (false, true) => "survivor",
        (false, false) => "",
    };
    let numbers = |name: &CaseName, parent: Option<&CaseName>| {
        html! {
            @for (position, metric) in ranked.iter().enumerate() {
                td class="number" { (value(*metric, of(name, *metric))) }
                @if position == 0 {
                    td class="number" { @if let Some(parent) = parent { (gain(*metric, of(parent, *metric), of(name, *metric))) } }
                    td class="number" { @if parent.is_some() { (gain(*metric, of(&base, *metric), of(name, *metric))) } }
                }
            }
        }
    };
    html! {
        div class="scroll" tabindex="0" role="group" aria-label="Trials" { table class="trials" {
            thead { tr { th { "trial" } th { "stage" } th { "ECO" } th { "on" } th { "result" } th { "" }
                @for (position, metric) in ranked.iter().enumerate() {
                    th class="number" { (metric) }
                    @if position == 0 { th class="number" { "over its parent" } th class="number" { "over the base" } }
                } } }
            tbody {
                @if controller.base_case().is_some() {
                    tr id={ "trial-" (base.trial()) } {
                        th scope="row" { @match place { Place::Served(_) => { a href=(place.trial(base.trial())) { (base) } } Place::Report => (base) } }
                        td {} td { "the base case" } td {} td { "measured" } td { (mark(&base)) } (numbers(&base, None))
                    }
                }
                @for trial in trials {
                    @let name = trial.id.case(design);
                    tr id={ "trial-" (trial.id) } class=[(Some(&name) == best).then_some("best")] {
                        th scope="row" { @match place { Place::Served(_) => { a href=(place.trial(trial.id)) { (name) } } Place::Report => (name) } }
                        td { (controller.program().stage(trial.id.stage).name) }
                        td class="eco" { (eco_text(&trial.eco)) }
                        td { (case_link(place, &trial.parent)) }
                        td { (trial_text(controller, status, trial)) @if let Some(failure) = trial.failure() { ": " (failure.message) } }
                        td { (mark(&name)) }
                        (numbers(&name, Some(&trial.parent)))
                    }
                }
            }
        } }
    }
}
