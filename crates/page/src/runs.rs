//! The list of runs that a server shows.

use maud::{Markup, html};
use noodle2_view::{RunGlance, seconds_text};

use crate::Place;
use crate::frame::served;
use crate::text::{gain, run_badge, value};

/// One run of the list.
#[derive(Debug, Clone, Copy)]
pub struct RunEntry<'a> {
    /// Its name on the server.
    pub name: &'a str,
    /// Who owns its folder; absent where that cannot be told.
    pub owner: Option<&'a str>,
    /// The tags that people gave it.
    pub tags: &'a [String],
    /// The run at a glance, or what is wrong with it.
    pub glance: Result<&'a RunGlance, &'a str>,
}

impl RunEntry<'_> {
    /// Whether its name, its study or its state has this in it.
    pub fn has(&self, wanted: &str) -> bool {
        let wanted = wanted.to_lowercase();
        let state = match self.glance {
            Ok(glance) => format!("{} {}", glance.study, glance.status),
            Err(trouble) => trouble.to_owned(),
        };
        let tags = self.tags.join(" ");
        format!("{} {tags} {state}", self.name)
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
                label { "Name, tag, study or state" input name="find" type="search" value=(self.wanted); }
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
        tr { th scope="row" { a href=(place.run()) { (run.name) } @for tag in run.tags { " " span class="badge" { (tag) } } }
            @match run.glance {
                Err(trouble) => { td colspan="12" class="gain worse" { (trouble) } }
                Ok(glance) => {
                    td { (glance.study) } td { (run_badge(glance.status)) }
                    td { progress max=(glance.trials_total.max(1)) value=(glance.trials_run) aria-label={ "Trials of " (run.name) } {} " " (glance.trials_run) "/" (glance.trials_total) }
                    @match &glance.objective {
                        Some(objective) => {
                            @let (metric, base, best) = (objective.metric, Some(objective.base), Some(objective.best));
                            td { (metric) } td class="number" { (value(metric, base)) } td class="number" { (value(metric, best)) } td class="number" { (gain(metric, base, best)) }
                        }
                        None => { td colspan="4" { "—" } }
                    }
                    td class="number" { (glance.failures) }
                    td { (run.owner.unwrap_or("—")) } td class="number" { (seconds_text(glance.makespan_s)) } td class="number" { (seconds_text(glance.cpu_s)) }
                    td { @if let Some(at) = glance.started_at { time datetime=(at) { (at.strftime("%Y-%m-%d %H:%M")) } } }
                }
            }
        }
    }
}
