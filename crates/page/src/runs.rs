//! The list of runs that a server shows.

use maud::{Markup, html};
use noodle2_model::Metric;
use noodle2_view::{Summary, seconds_text};

use crate::Place;
use crate::frame::served;
use crate::run::state;
use crate::text::{gain, run_badge, value};

/// One run of the list.
#[derive(Debug, Clone, Copy)]
pub struct RunEntry<'a> {
    /// Its name on the server.
    pub name: &'a str,
    /// Who owns its folder; absent where that cannot be told.
    pub owner: Option<&'a str>,
    /// The run in numbers with the metric that matters most to it, or what is wrong with it.
    pub summary: Result<(&'a Summary, Option<Metric>), &'a str>,
}

impl RunEntry<'_> {
    /// Whether its name, its study or its state has this in it.
    pub fn has(&self, wanted: &str) -> bool {
        let wanted = wanted.to_lowercase();
        let state = match self.summary {
            Ok((summary, _)) => format!("{} {}", summary.study, state(summary)),
            Err(trouble) => trouble.to_owned(),
        };
        format!("{} {state}", self.name)
            .to_lowercase()
            .contains(&wanted)
    }
}

/// What the list shows.
#[derive(Debug, Clone, Copy)]
pub struct RunsPage<'a> {
    /// The folder whose runs they are, as the person wrote it.
    pub folder: &'a str,
    /// The runs that match, the latest first.
    pub runs: &'a [RunEntry<'a>],
    /// How many there are in all.
    pub total: usize,
    /// What the names and states of those shown have in them.
    pub wanted: &'a str,
}

impl RunsPage<'_> {
    /// The page.
    pub fn html(&self) -> String {
        let body = html! {
            h1 { "Runs in " (self.folder) }
            form class="filter" method="get" role="search" {
                label { "Name, study or state" input name="find" type="search" value=(self.wanted); }
                button { "Find" }
            }
            div id="runs" data-live {
                p role="status" { (self.runs.len()) " of " (self.total) " runs" }
                @if self.total == 0 { p { "No run is here yet. Begin one with:" } (crate::text::command("noodle2 run study.yaml --out RUN")) }
                @else { (self.table()) }
            }
        };
        served(
            "Runs",
            &[("runs", String::new())],
            Some(("/events", 0)),
            &body,
        )
    }

    fn table(&self) -> Markup {
        html! {
            div class="scroll" tabindex="0" role="group" aria-label="Runs" { table {
                thead { tr { th { "run" } th { "study" } th { "state" } th { "progress" } th { "objective" } th class="number" { "base" } th class="number" { "best" }
                    th class="number" { "gain" } th class="number" { "failed" } th { "owner" } th class="number" { "time" } th class="number" { "processor time" } th { "began" } } }
                tbody { @for run in self.runs { (row(run)) } }
            } }
        }
    }
}

fn row(run: &RunEntry<'_>) -> Markup {
    let place = Place::Served(run.name);
    html! {
        tr { th scope="row" { a href=(place.run()) { (run.name) } }
            @match run.summary {
                Err(trouble) => { td colspan="12" class="gain worse" { (trouble) } }
                Ok((summary, metric)) => {
                    td { (summary.study) } td { (run_badge(summary.status)) }
                    td { progress max=(summary.trials_total.max(1)) value=(summary.trials_run) aria-label={ "Trials of " (run.name) } {} " " (summary.trials_run) "/" (summary.trials_total) }
                    @let of = |case: Option<&noodle2_view::CaseSummary>| case?.metrics.get(metric?);
                    @let (base, best) = (of(summary.base.as_ref()), of(summary.best.as_ref()));
                    @match metric {
                        Some(metric) => { td { (metric) } td class="number" { (value(metric, base)) } td class="number" { (value(metric, best)) } td class="number" { (gain(metric, base, best)) } }
                        None => { td colspan="4" {} }
                    }
                    td class="number" { (summary.failures.iter().map(|failure| failure.count).sum::<usize>()) }
                    td { (run.owner.unwrap_or("—")) } td class="number" { (seconds_text(summary.makespan_s)) } td class="number" { (seconds_text(summary.cpu_s)) }
                    td { @if let Some(at) = summary.started_at { time datetime=(at) { (at.strftime("%Y-%m-%d %H:%M")) } } }
                }
            }
        }
    }
}
