//! Two cases, stages, branches or runs side by side.

use maud::{Markup, html};
use noodle2_control::Controller;
use noodle2_model::Metric;
use noodle2_view::{
    Better, Comparison, History, LineageStep, MetricComparison, Side, count_text, eco_text,
    metric_text, seconds_text,
};

use crate::Place;
use crate::frame::served;
use crate::text::{case_link, command, run_badge};

/// What the page of a comparison shows.
#[derive(Debug, Clone, Copy)]
pub struct ComparePage<'a> {
    /// The name on the server of the run that the left side is of.
    pub name: &'a str,
    /// That run.
    pub history: &'a History,
    /// The name of the run that the right side is of.
    pub other: &'a str,
    /// All runs that may be that.
    pub runs: &'a [String],
    /// What of the left run is meant: a case, `best`, `base`, a stage, `branch:STAGE`, or nothing for all of it.
    pub left: &'a str,
    /// What of the right run is meant.
    pub right: &'a str,
    /// The two side by side, or why they cannot be.
    pub comparison: Result<&'a Comparison, &'a str>,
    /// The metrics that either study ranks by.
    pub ranked: &'a [Metric],
    /// The command that tells the same.
    pub command: &'a str,
}

impl ComparePage<'_> {
    /// The page.
    pub fn html(&self) -> String {
        let place = Place::Served(self.name);
        let body = html! {
            h1 { "Compare" }
            (self.form())
            @match self.comparison {
                Err(trouble) => { p role="alert" class="gain worse" { (trouble) } }
                Ok(comparison) => { (self.both(comparison)) }
            }
        };
        let crumbs = [(self.name, place.run()), ("compare", String::new())];
        served(&format!("Compare in {}", self.name), &crumbs, None, &body)
    }

    fn form(&self) -> Markup {
        html! {
            form class="filter" method="get" {
                label { "Left, of " (self.name) input name="left" value=(self.left) list="items" placeholder="the run"; }
                label { "Right" input name="right" value=(self.right) list="items" placeholder="the run"; }
                label { "of run" select name="other" {
                    @for run in self.runs { option value=(run) selected[run == self.other] { (run) } }
                } }
                button { "Compare" }
            }
            datalist id="items" { @for item in items(self.history.controller()) { option value=(item) {} } }
            p class="muted" { "A case, best, base, a stage, branch:STAGE; nothing is the whole run." }
        }
    }

    fn both(&self, comparison: &Comparison) -> Markup {
        let places = (Place::Served(self.name), Place::Served(self.other));
        html! {
            @if !comparison.fair {
                div class="ask-box" role="alert" { h2 { "The two were measured differently" }
                    p { "What this touches is shown, and not compared." }
                    ul { @for difference in &comparison.unfair { li {
                        (difference.what) @if let Some(scene) = &difference.scene { " in scene " (scene) } ": "
                        (difference.left.as_deref().unwrap_or("—")) " against " (difference.right.as_deref().unwrap_or("—")) } } } }
            }
            section id="sides" { h2 { "The two sides" } (sides(places, comparison)) }
            @if !comparison.metrics.is_empty() { section id="metrics" { h2 { "Metrics over all scenes" } (values(&comparison.metrics)) } }
            @if comparison.scenes.len() > 1 { @for (scene, metrics) in &comparison.scenes {
                section { h2 { "Scene " (scene) } (values(metrics)) } } }
            @if let Some(lineage) = &comparison.lineage {
                section id="lineage" { h2 { "Where they part" }
                    @if lineage.last_common.is_empty() { p { "Not even the base cases are of the same design." } }
                    @else { p { "They part at " @for (position, both) in lineage.last_common.iter().enumerate() {
                        @if position > 0 { " and " } (case_link(places.0, &both.left))
                        @if both.left != both.right { " (there " (case_link(places.1, &both.right)) ")" } } "." } }
                    (self.steps("Left", places.0, &lineage.left))
                    (self.steps("Right", places.1, &lineage.right))
                }
            }
            @if !comparison.ecos.is_empty() { section id="ecos" { h2 { "What was tried" } (ecos(comparison)) } }
            @if !comparison.failures.is_empty() { section id="failures" { h2 { "Failures" } (failures(comparison)) } }
            @if !comparison.settings.is_empty() { section id="settings" { h2 { "What else differs" } (settings(comparison)) } }
            section id="command" { h2 { "The same in a shell" } (command(self.command)) }
        }
    }

    fn steps(&self, title: &str, place: Place<'_>, steps: &[LineageStep]) -> Markup {
        let gained = |step: &LineageStep, metric: &Metric| {
            let gain = step.gains.get(metric)?.gain;
            let sign = if gain > 0.0 { "+" } else { "" };
            Some(format!("{sign}{}", metric_text(*metric, Some(gain))))
        };
        html! {
            h3 { (title) ": what each step gained" }
            @if steps.is_empty() { p { "No step since then." } } @else {
                div class="scroll" tabindex="0" role="group" aria-label={ (title) ", step by step" } { table {
                    thead { tr { th { "case" } th { "stage" } th { "by" } @for metric in self.ranked { th class="number" { (metric) } } } }
                    tbody { @for step in steps { tr {
                        th scope="row" { (case_link(place, &step.case)) } td { (step.stage.as_deref().unwrap_or_default()) }
                        td { @if let Some(eco) = &step.eco { (eco_text(eco)) } }
                        @for metric in self.ranked { td class="number" { (gained(step, metric).unwrap_or_else(|| "—".to_owned())) } }
                    } } }
                } }
            }
        }
    }
}

/// What of a run can be named, the most useful first.
fn items(controller: &Controller) -> Vec<String> {
    let stages = &controller.program().study().stages;
    let mut items = vec!["best".to_owned(), "base".to_owned()];
    items.extend(stages.iter().map(|stage| stage.name.clone()));
    items.extend(stages.iter().map(|stage| format!("branch:{}", stage.name)));
    let survivors = controller
        .stages()
        .iter()
        .flat_map(|stage| stage.survivors());
    items.extend(survivors.map(ToString::to_string));
    items
}

fn sides((left_place, right_place): (Place<'_>, Place<'_>), comparison: &Comparison) -> Markup {
    let both = [
        (left_place, &comparison.left),
        (right_place, &comparison.right),
    ];
    let row = |name: &str, cell: &dyn Fn(Place<'_>, &Side) -> Markup| {
        html! {
            tr { th scope="row" { (name) } @for (place, side) in both { td { (cell(place, side)) } } }
        }
    };
    html! {
        div class="scroll" tabindex="0" role="group" aria-label="The two sides" { table {
            thead { tr { th { "" } th { "left" } th { "right" } } }
            tbody {
                (row("what", &|_, side| html! { (side.kind) " " (side.called) }))
                (row("run", &|place, side| html! { a href=(place.run()) { (side.study) } " " (run_badge(side.status)) }))
                (row("case", &|place, side| html! { @match &side.case { Some(case) => { (case_link(place, case)) } None => "—" } @if side.discarded { " (discarded)" } }))
                (row("chain", &|_, side| html! { (side.chain.join(" → ")) }))
                (row("trials", &|_, side| html! { (side.cost.trials) ", " (side.cost.failed) " failed, " (side.cost.cached) " known before" }))
                (row("processor time", &|_, side| html! { (seconds_text(side.cost.cpu_s)) }))
                (row("time", &|_, side| html! { (side.cost.wall_s.map_or_else(|| "—".to_owned(), seconds_text)) }))
                (row("digest", &|_, side| html! { @match side.digest { Some(digest) => { code title=(digest) { (digest.short()) } } None => "—" } }))
            }
        } }
    }
}

fn values(metrics: &[MetricComparison]) -> Markup {
    let verdict = |found: &MetricComparison| match found.better {
        None => ("same", "not compared"),
        Some(Better::Equal) => ("same", "the same"),
        Some(Better::Indistinguishable) => ("same", "within the noise"),
        Some(Better::Left) => ("worse", "left is better"),
        Some(Better::Right) => ("better", "right is better"),
    };
    html! {
        div class="scroll" tabindex="0" role="group" aria-label="Metrics" { table {
            thead { tr { th { "metric" } th class="number" { "left" } th class="number" { "right" } th class="number" { "right less left" } th { "" } } }
            tbody { @for found in metrics {
                @let (kind, words) = verdict(found);
                tr { th scope="row" { (found.metric) } td class="number" { (metric_text(found.metric, found.left)) }
                    td class="number" { (metric_text(found.metric, found.right)) } td class="number" { (metric_text(found.metric, found.difference)) }
                    td { span class={ "gain " (kind) } { (words) } } }
            } }
        } }
    }
}

fn ecos(comparison: &Comparison) -> Markup {
    html! {
        div class="scroll" tabindex="0" role="group" aria-label="What was tried" { table {
            thead { tr { th { "ECO" } th class="number" { "left tries" } th class="number" { "effects" } th class="number" { "failed" }
                th class="number" { "right tries" } th class="number" { "effects" } th class="number" { "failed" } } }
            tbody { @for eco in &comparison.ecos { tr { th scope="row" { (eco.name) }
                @for tally in [eco.left, eco.right] { td class="number" { (tally.tries) } td class="number" { (tally.effects) } td class="number" { (tally.failures) } } } } }
        } }
    }
}

fn failures(comparison: &Comparison) -> Markup {
    html! {
        div class="scroll" tabindex="0" role="group" aria-label="Failures" { table {
            thead { tr { th { "class" } th class="number" { "left" } th class="number" { "right" } } }
            tbody { @for failure in &comparison.failures { tr { th scope="row" { (failure.class) } td class="number" { (failure.left) } td class="number" { (failure.right) } } } }
        } }
    }
}

/// Settings that are told before the rest is only counted.
const SETTINGS: usize = 50;

fn settings(comparison: &Comparison) -> Markup {
    let text = |value: &Option<serde_json::Value>| {
        value
            .as_ref()
            .map_or_else(|| "—".to_owned(), ToString::to_string)
    };
    let settings = &comparison.settings;
    html! {
        div class="scroll" tabindex="0" role="group" aria-label="What else differs" { table {
            thead { tr { th { "setting" } th { "left" } th { "right" } } }
            tbody { @for setting in settings.iter().take(SETTINGS) {
                tr { th scope="row" { (setting.setting) } td { (text(&setting.left)) } td { (text(&setting.right)) } } } }
        } }
        @if settings.len() > SETTINGS { p { "And " (count_text(settings.len() - SETTINGS, "more setting")) "." } }
    }
}
