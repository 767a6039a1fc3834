//! The page of a run, and the parts that it shares with the report.

mod approvals;
mod evidence;
mod stages;

use maud::{Markup, html};
use noodle2_model::{CaseName, Metric};
use noodle2_view::chart::{
    Figure, TrajectoryAxis, branch_comparison, budget, eco_leaderboard, failures, pareto, timeline,
    trajectory,
};
use noodle2_view::graph::{case_graph, stage_graph};
use noodle2_view::{EventLine, EventWeight, History, Outline, Summary, bytes_text, seconds_text};

use crate::frame::served;
use crate::text::{Part, case_link, command, figure, gain, linked, run_badge, value};
use crate::{Place, encoded};

pub(crate) use evidence::{eco_table, failure_table, kept_out, spent_table};
pub(crate) use stages::stage_table;

/// What the page of a run shows.
#[derive(Debug, Clone, Copy)]
pub struct RunPage<'a> {
    /// The run's name on the server.
    pub name: &'a str,
    /// The run.
    pub history: &'a History,
    /// The same in numbers.
    pub summary: &'a Summary,
    /// How many records of its journal are folded into it.
    pub seq: u64,
    /// The latest events, the newest first.
    pub events: &'a [EventLine],
    /// What cannot be read of it, in words.
    pub trouble: Option<&'a str>,
}

impl RunPage<'_> {
    /// The page.
    pub fn html(&self) -> String {
        let place = Place::Served(self.name);
        let Self {
            history, summary, ..
        } = self;
        let mut parts = vec![overview(place, history, summary)];
        let approvals = approvals::body(place, history, summary);
        parts.extend(Part::of("approvals", "Approvals", approvals));
        parts.extend(pictures(place, history, summary));
        let body = html! {
            h1 { (summary.study) }
            div id="standing" data-live {
                p { (run_badge(summary.status)) " " span class="muted" { (self.name) } }
                @if let Some(trouble) = self.trouble { p class="gain worse" role="alert" { (trouble) } }
            }
            nav id="contents" data-live aria-label="Parts of this page" { ul class="contents" {
                @for part in &parts { li { a href={ "#" (part.id) } { (part.title) } } }
                li { a href="#log" { "Event log" } }
                li { a href=(place.below("trials")) { "All trials" } }
                li { a href=(place.below("compare")) { "Compare" } }
                li { a href=(place.below("report")) { "Report" } }
            } }
            @for part in &parts { (part.html()) }
            section id="log" { h2 { "Event log" }
                @if self.events.is_empty() { p id="log-empty" { "Nothing was recorded yet." } }
                ol id="log-lines" class="log" reversed tabindex="0" aria-label="Event log, the newest first" {
                    @for line in self.events { (event(place, history, line)) }
                }
            }
        };
        let crumbs = [(self.name, place.run())];
        let events = format!("/runs/{}/events", encoded(self.name));
        let live = (!summary.status.has_ended()).then_some((events.as_str(), self.seq));
        served(
            &format!("{}: {}", summary.study, summary.status),
            &crumbs,
            live,
            &body,
        )
    }
}

/// An event as the log shows it: the same as the script writes for one that is new.
fn event(place: Place<'_>, history: &History, line: &EventLine) -> Markup {
    let design = &history.controller().program().study().design.case_name;
    let class = match line.weight {
        EventWeight::Fine => "fine",
        EventWeight::Step => "step",
        EventWeight::Alert => "alert",
    };
    html! {
        li id={ "event-" (line.seq) } class=(class) {
            time datetime=(line.at) { (line.at.strftime("%H:%M:%S")) }
            @if let Some(stage) = &line.stage { (stage) ": " }
            (linked(place, design, &line.text))
        }
    }
}

/// What happened, why, what to do next, and the numbers that matter most.
pub(crate) fn overview(place: Place<'_>, history: &History, summary: &Summary) -> Part {
    let outline = Outline::new(history, summary);
    let design = &history.controller().program().study().design.case_name;
    let link = |text: &str| linked(place, design, text);
    let body = html! {
        @for line in &outline.happened { p class="lead" { (link(line)) } }
        (tiles(place, summary))
        @if !outline.why.is_empty() {
            h3 { "Why" }
            ul { @for line in &outline.why { li { (link(line)) } } }
        }
        @if !outline.next.is_empty() {
            h3 { "What to do next" }
            @for step in &outline.next { p { (link(&step.text)) ":" } (command(&step.command)) }
        }
        @if let (Some(base), Some(best)) = (&summary.base, &summary.best) {
            h3 { "Base and best" }
            div class="scroll" tabindex="0" role="group" aria-label="Base and best" { table {
                thead { tr { th { "metric" } th class="number" { "base " (case_link(place, &base.case)) }
                    th class="number" { "best " (case_link(place, &best.case)) } th class="number" { "gain" } } }
                tbody { @for metric in Metric::ALL.iter().copied().filter(|metric|
                    base.metrics.get(*metric).or(best.metrics.get(*metric)).is_some()) {
                    tr { th scope="row" { (metric) } td class="number" { (value(metric, base.metrics.get(metric))) }
                        td class="number" { (value(metric, best.metrics.get(metric))) }
                        td class="number" { (gain(metric, base.metrics.get(metric), best.metrics.get(metric))) } }
                } }
            } }
        }
    };
    Part {
        id: "overview",
        title: "What happened",
        body,
    }
}

fn tiles(place: Place<'_>, summary: &Summary) -> Markup {
    let tile = |name: &str, value: Markup| html! { div { dt { (name) } dd { (value) } } };
    let best = summary.best.as_ref().map(|best| &best.case);
    let failures: usize = summary.failures.iter().map(|failure| failure.count).sum();
    html! {
        dl class="tiles" {
            (tile("Best case", html! { @match best { Some(best) => { (case_link(place, best)) } None => "—" } }))
            (tile("Trials ended", html! { (summary.trials_run) " of " (summary.trials_total) }))
            (tile("Known before", html! { (summary.trials_cached) }))
            (tile("Failed", html! { (failures) }))
            (tile("Time", html! { (seconds_text(summary.makespan_s)) }))
            (tile("Processor time", html! { (seconds_text(summary.cpu_s)) }))
            (tile("Workers, at most", html! { (summary.workers) }))
            (tile("Stages at once, at most", html! { (summary.peak_concurrent_stages) }))
            (tile("Disk space", html! { (bytes_text(summary.disk_bytes)) }))
            @if let Some(digest) = summary.digest { (tile("Digest", html! { code title=(digest) { (digest.short()) } })) }
            @if let Some(cluster) = &summary.cluster {
                (tile("Cluster", html! { (cluster.system) @if let Some(address) = &cluster.dashboard { " " a href=(address) { "dashboard" } } }))
            }
        }
    }
}

/// Every picture of a run with the table beside it, as far as there is something to show.
pub(crate) fn pictures(place: Place<'_>, history: &History, summary: &Summary) -> Vec<Part> {
    let drawn = |found: Option<Figure>| found.as_ref().map(figure);
    let both = |picture: Option<Figure>, table: Option<Markup>| {
        let picture = drawn(picture);
        (picture.is_some() || table.is_some()).then(|| {
            html! {
                @if let Some(picture) = picture { (picture) }
                @if let Some(table) = table { (table) }
            }
        })
    };
    let parts = [
        Part::of(
            "stages",
            "Stages",
            both(
                stage_graph(history, &place),
                Some(stage_table(place, summary)),
            ),
        ),
        Part::of(
            "trajectory",
            "Objective over time",
            drawn(trajectory(history, &place, TrajectoryAxis::Seconds)),
        ),
        Part::of("timeline", "Timeline", drawn(timeline(history, &place))),
        Part::of("pareto", "Trade-offs", drawn(pareto(history, &place, None))),
        Part::of(
            "ecos",
            "ECOs",
            both(eco_leaderboard(history, &place), eco_table(place, history)),
        ),
        Part::of(
            "branches",
            "Branch against branch",
            drawn(branch_comparison(history, &place)),
        ),
        Part::of(
            "failures",
            "Failures and trials without effect",
            both(
                failures(history, &place),
                failure_table(place, history, summary),
            ),
        ),
        Part::of(
            "kept-out",
            "Rails and gates",
            kept_out(place, history, summary),
        ),
        Part::of(
            "budget",
            "Budget",
            both(budget(history, &place), spent_table(summary)),
        ),
        Part::of(
            "lineage",
            "Lineage of the cases",
            drawn(case_graph(history, &place)),
        ),
    ];
    parts.into_iter().flatten().collect()
}

/// Names of cases, each a link.
pub(crate) fn case_list(place: Place<'_>, cases: &[CaseName]) -> Markup {
    html! { @for (position, case) in cases.iter().enumerate() { @if position > 0 { ", " } (case_link(place, case)) } }
}
