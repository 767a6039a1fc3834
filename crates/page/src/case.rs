//! The page of a case: its numbers against parent and base, how it came about, its worst paths, where it can be had.

use std::collections::BTreeSet;

use maud::{Markup, html};
use noodle2_control::{Case, Controller};
use noodle2_model::{CaseName, Check, Metric, MetricSet, PathProfile};
use noodle2_view::chart::slack_histogram;
use noodle2_view::{History, Summary, eco_text, metric_text};

use crate::Place;
use crate::frame::served;
use crate::text::{case_link, command, figure, gain, linked, pictures_of, value};
use crate::trial::{AttemptFiles, file_list, pairs};

/// Paths that are listed.
const PATHS: usize = 20;

/// A map over the die as a picture.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MapPicture {
    /// What it shows.
    pub title: String,
    /// The picture, as SVG that the room of views drew.
    pub svg: String,
}

/// Setup slacks of endpoints in ps, one for each, of a case and of its parent.
#[derive(Debug, Clone, PartialEq)]
pub struct SlackSpread {
    /// The scenes that they are the worst over.
    pub scenes: Vec<String>,
    /// Those of the parent.
    pub parent: Vec<f64>,
    /// Those of the case.
    pub case: Vec<f64>,
}

/// What the page of a case shows.
#[derive(Debug, Clone, Copy)]
pub struct CasePage<'a> {
    /// The run's name on the server.
    pub name: &'a str,
    /// The run.
    pub history: &'a History,
    /// The same in numbers.
    pub summary: &'a Summary,
    /// The case.
    pub case: &'a Case,
    /// What the attempt that measured it left.
    pub files: Option<&'a AttemptFiles>,
    /// Maps of it, and how they differ from its parent's.
    pub maps: &'a [MapPicture],
    /// How slacks of its endpoints are spread; `None` where either attempt left none.
    pub slacks: Option<&'a SlackSpread>,
}

impl CasePage<'_> {
    /// The page.
    pub fn html(&self) -> String {
        let place = Place::Served(self.name);
        let Self { history, case, .. } = self;
        let controller = history.controller();
        let run = history.called();
        let parent = case
            .parents
            .first()
            .and_then(|name| controller.cases().get(name));
        let measured = &case.measurement;
        let is_winning = self
            .summary
            .best
            .as_ref()
            .is_some_and(|best| best.case == case.name);
        let body = html! {
            h1 { "Case " (case.name) }
            p { @if is_winning { span class="badge good" { "✓ best case" } " " }
                @if let Some(label) = self.summary.label { span class="badge ask" { (label) } " " }
                "measured by trial " a href=(place.trial(case.name.trial())) { (case.name.trial()) } }
            section id="chain" { h2 { "How it came about" } (chain(place, controller, case)) }
            section id="metrics" { h2 { "Metrics" } (metrics(place, controller, case, parent)) }
            @if measured.scenes.len() > 1 { section id="scenes" { h2 { "By scene" } (scenes(controller, case)) } }
            @if !measured.edits.is_empty() || measured.blast_radius.is_some() {
                section id="reach" { h2 { "What was changed" } (reach(case)) }
            }
            @if !measured.paths.is_empty() { section id="paths" { h2 { "Worst paths" }
                (paths(&measured.paths)) } }
            @if let Some(slacks) = self.slacks { (spread(slacks)) }
            @if let Some(maps) = pictures_of(self.maps) { section id="maps" { h2 { "Maps" } (maps) } }
            @if !measured.findings.is_empty() { section id="findings" { h2 { "What the engine remarked" }
                ul { @for finding in &measured.findings { li { (finding.detail) @if !finding.scene.is_empty() { " (" (finding.scene) ")" } } } } } }
            @if let Some(files) = self.files {
                section id="files" { h2 { "Files" } (file_list(place, files))
                    @if !files.provenance.is_empty() { details { summary { "Provenance" } (pairs(&files.provenance)) } } }
            }
            section id="commands" { h2 { "With this case" }
                p { "Measure it again, and compare:" } (command(&format!("noodle2 replay {run} {}", case.name)))
                p { "Get it, with a script that makes it again:" } (command(&format!("noodle2 rebuild {run} {0} --out {0}", case.name)))
                p { "Take its edits to another tool:" } (command(&format!("noodle2 handover {run} {} --for opensta", case.name)))
                p { a href={ (place.below("compare")) "?left=" (controller.base_name()) "&right=" (case.name) } { "Compare it with the base" } }
            }
        };
        let name = case.name.to_string();
        let crumbs = [(self.name, place.run()), (name.as_str(), String::new())];
        served(
            &format!("Case {} of {}", case.name, self.summary.study),
            &crumbs,
            None,
            &body,
        )
    }
}

/// How setup slacks of all endpoints are spread, against the parent's.
fn spread(slacks: &SlackSpread) -> Markup {
    let picture = slack_histogram(("parent", &slacks.parent), ("case", &slacks.case));
    html! {
        @if let Some(picture) = picture { section id="slacks" { h2 { "Setup slacks of endpoints" }
            p class="muted" { @match slacks.scenes.as_slice() {
                [only] => { "In scene " (only) "." }
                scenes => { "Of each endpoint the worst over scenes " (scenes.join(", ")) "." }
            } }
            (figure(&picture)) } }
    }
}

/// Every step from the base to a case, with what it gained.
fn chain(place: Place<'_>, controller: &Controller, case: &Case) -> Markup {
    let design = &controller.program().study().design.case_name;
    let metric = controller.program().study().objective.rank.first().copied();
    let mut steps = Vec::new();
    let mut met: BTreeSet<&CaseName> = BTreeSet::new();
    let mut next = Some(case);
    while let Some(case) = next.filter(|case| met.insert(&case.name)) {
        steps.push(case);
        next = case
            .parents
            .first()
            .and_then(|parent| controller.cases().get(parent));
    }
    html! {
        ol class="chain" { @for step in steps.iter().rev() {
            li { (case_link(place, &step.name)) ": "
                @match &step.eco {
                    None => "the base case",
                    Some(eco) => {
                        (linked(place, design, &eco_text(eco))) " in stage " (controller.program().stage(step.name.trial().stage).name)
                        @for other in step.parents.iter().skip(1) { ", together with " (case_link(place, other)) }
                        @if let Some(metric) = metric {
                            @let from = step.parents.first().and_then(|parent| controller.cases().get(parent)?.measurement.overall.get(metric));
                            ": " (metric) " " (gain(metric, from, step.measurement.overall.get(metric)))
                        }
                    }
                }
            }
        } }
    }
}

fn metrics(
    place: Place<'_>,
    controller: &Controller,
    case: &Case,
    parent: Option<&Case>,
) -> Markup {
    let base = controller.base_case();
    let of = |case: Option<&Case>, metric: Metric| {
        case.and_then(|case| case.measurement.overall.get(metric))
    };
    html! {
        div class="scroll" tabindex="0" role="group" aria-label="Metrics" { table {
            thead { tr { th { "metric" } th class="number" { "value" }
                th class="number" { "over its parent" @if let Some(parent) = parent { " " (case_link(place, &parent.name)) } }
                th class="number" { "over the base" } } }
            tbody { @for (metric, found) in case.measurement.overall.iter() {
                tr { th scope="row" { (metric) } td class="number" { (value(metric, Some(found))) }
                    td class="number" { (gain(metric, of(parent, metric), Some(found))) }
                    td class="number" { (gain(metric, of(base, metric), Some(found))) } }
            } }
        } }
    }
}

fn scenes(controller: &Controller, case: &Case) -> Markup {
    let base = controller.base_case();
    let scenes = &case.measurement.scenes;
    let of_base = |scene: &str, metric: Metric| base?.measurement.scenes.get(scene)?.get(metric);
    let shown: Vec<Metric> = Metric::ALL
        .iter()
        .copied()
        .filter(|metric| {
            scenes
                .values()
                .any(|values: &MetricSet| values.get(*metric).is_some())
        })
        .collect();
    html! {
        div class="scroll" tabindex="0" role="group" aria-label="Metrics by scene" { table {
            thead { tr { th { "metric" } @for scene in scenes.keys() { th class="number" { (scene) } th class="number" { "over the base" } } } }
            tbody { @for metric in shown {
                tr { th scope="row" { (metric) } @for (scene, values) in scenes {
                    td class="number" { (metric_text(metric, values.get(metric))) }
                    td class="number" { (gain(metric, of_base(scene, metric), values.get(metric))) }
                } }
            } }
        } }
    }
}

fn reach(case: &Case) -> Markup {
    let measured = &case.measurement;
    let edits: Vec<String> = measured
        .edits
        .iter()
        .map(|(kind, count)| format!("{count} {kind}"))
        .collect();
    html! {
        @if !edits.is_empty() { p { (edits.join(", ")) } }
        @if let Some(radius) = &measured.blast_radius {
            p { (radius.cells_touched) " cells and " (radius.nets_touched) " nets touched: class " (radius.class())
                @if let Some(area) = radius.area_touched_um2 { ", " (metric_text(Metric::Area, Some(area.abs()))) " exchanged or made" } }
        }
        @if let Some(proof) = &measured.equivalence {
            p { (proof.points) " points compared with its parent's: " (proof.by_structure) " equal by structure, " (proof.by_proof) " by proof" }
        }
    }
}

fn paths(paths: &[PathProfile]) -> Markup {
    let ps = |value: f64| metric_text(Metric::SetupWs, Some(value));
    html! {
        div class="scroll" tabindex="0" role="group" aria-label="Worst paths" { table {
            thead { tr { th { "check" } th { "scene" } th { "from" } th { "to" } th class="number" { "slack" } th class="number" { "cells" }
                th class="number" { "in cells" } th class="number" { "in wires" } th { "slowest cell" } } }
            tbody { @for path in paths.iter().take(PATHS) {
                tr { td { @match path.check { Check::Setup => "setup", Check::Hold => "hold" } } td { (path.scene) } td { (path.start) } td { (path.end) } td class="number" { (ps(path.slack_ps)) }
                    td class="number" { (path.stages) } td class="number" { (ps(path.cell_delay_ps)) }
                    td class="number" { (path.wire_delay_ps.map_or_else(|| "—".to_owned(), ps)) }
                    td { @if let Some(slowest) = &path.slowest_cell { (slowest.at) " (" (slowest.cell) ", " (ps(slowest.value)) ")" } } }
            } }
        } }
        @if paths.len() > PATHS { p class="muted" { (paths.len() - PATHS) " more are in the record" } }
    }
}
