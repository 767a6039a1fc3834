//! The report of a run as one file: nothing in it is fetched from anywhere, and it prints.

use maud::html;
use noodle2_view::{History, Summary};

use crate::Place;
use crate::frame::alone;
use crate::run::{overview, pictures};
use crate::text::{command, run_badge};
use crate::trials::table;

/// How a run can be repeated and checked.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Reproduction {
    /// The study file as the run holds it.
    pub study: String,
    /// Commands that check and repeat it.
    pub commands: Vec<String>,
}

/// The report as HTML.
pub fn report(history: &History, summary: &Summary, reproduction: &Reproduction) -> String {
    let place = Place::Report;
    let identity = history.controller().program().identity();
    let mut parts = vec![overview(place, history, summary)];
    parts.extend(pictures(place, history, summary));
    let contents = parts.iter().map(|part| (part.id, part.title)).chain(ALWAYS);
    let body = html! {
        h1 { (summary.study) }
        p { (run_badge(summary.status)) @if let Some(label) = summary.label { " " span class="badge ask" { (label) } } }
        nav aria-label="Parts of this report" { ul class="contents" {
            @for (id, title) in contents { li { a href={ "#" (id) } { (title) } } }
        } }
        @for part in &parts { (part.html()) }
        section id="trials" { h2 { "All trials" }
            div id={ "trial-" (history.controller().base_name().trial()) } { p { "The base case is " (history.controller().base_name()) "; the numbers above are its." } }
            (table(place, history, history.controller().trials()))
        }
        section id="environment" { h2 { "Environment and versions" }
            div class="scroll" tabindex="0" role="group" aria-label="Tools" { table {
                thead { tr { th { "tool" } th { "version" } th { "content" } } }
                tbody {
                    tr { th scope="row" { "Noodle 2" } td { (identity.noodle2_version) } td {} }
                    @for tool in &identity.tools { tr { th scope="row" { (tool.name) } td { (tool.version) } td { code { (tool.content) } } } }
                }
            } }
            details { summary { "Inputs" } div class="scroll" tabindex="0" role="group" aria-label="Inputs" { table {
                thead { tr { th { "input" } th { "file" } th { "content" } } }
                tbody { @for input in &identity.inputs { tr { th scope="row" { (input.role) } td { (input.path.display()) } td { code { (input.content) } } } } }
            } } }
            p { "Seed " (identity.study.seed) ", study " code { (identity.study_hash) } }
        }
        section id="reproduce" { h2 { "How to reproduce it" }
            @match summary.digest {
                Some(digest) => { p { "Digest " code { (digest) } @if !summary.digest_promised { ": a clock decided of this run, so that another need not have the same" } } }
                None => { p { "The run has no digest, since it has not ended." } }
            }
            @for text in &reproduction.commands { (command(text)) }
            details { summary { "The study" } pre tabindex="0" { (reproduction.study) } }
        }
    };
    alone(&format!("{}: report", summary.study), &body)
}

/// The parts that every report ends with.
const ALWAYS: [(&str, &str); 3] = [
    ("trials", "All trials"),
    ("environment", "Environment and versions"),
    ("reproduce", "How to reproduce it"),
];
