//! The report of a run as one file: nothing in it is fetched from anywhere, and it prints.

use maud::html;
use noodle2_view::{History, Summary};

use crate::frame::alone;
use crate::run::{overview, pictures};
use crate::text::{Part, command, pictures_of, run_badge};
use crate::trials::table;
use crate::{MapPicture, Place};

/// How a run can be repeated and checked.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Reproduction {
    /// The study file as the run holds it.
    pub study: String,
    /// Commands that check and repeat it.
    pub commands: Vec<String>,
}

/// The report as HTML.
pub fn report(
    history: &History,
    summary: &Summary,
    reproduction: &Reproduction,
    maps: &[MapPicture],
) -> String {
    let place = Place::Report;
    let identity = history.controller().program().identity();
    let study = &identity.study;
    let scenes: Vec<&str> = study
        .scenes
        .iter()
        .map(|scene| scene.name.as_str())
        .collect();
    let mut parts = vec![overview(place, history, summary)];
    parts.extend(pictures(place, history, summary));
    parts.extend(Part::of(
        "maps",
        "Maps of the best case and the base",
        pictures_of(maps),
    ));
    let contents = parts.iter().map(|part| (part.id, part.title)).chain(ALWAYS);
    let body = html! {
        h1 { (summary.study) }
        p { (run_badge(summary.status)) @if let Some(label) = summary.label { " " span class="badge ask" { (label) } } }
        p { "Design " code { (study.design.top) } " on " code { (study.design.platform) } ", timed in " (scenes.join(", "))
            @if let Some(at) = summary.started_at { "; begun " (at.strftime("%Y-%m-%d %H:%M UTC")) } "." }
        nav aria-label="Parts of this report" { ul class="contents" {
            @for (id, title) in contents { li { a href={ "#" (id) } { (title) } } }
        } }
        @for part in &parts { (part.html()) }
        section id="trials" { h2 { "All trials" }
            (table(place, history, history.controller().trials()))
        }
        section id="words" { h2 { "Words" } dl { @for (word, meaning) in WORDS { dt { strong { (word) } } dd { (meaning) } } } }
        section id="environment" { h2 { "Environment and versions" }
            div class="scroll" tabindex="0" role="group" aria-label="Tools" { table {
                thead { tr { th { "tool" } th { "version" } th { "content" } } }
                tbody {
                    tr { th scope="row" { "Noodle 2" } td { (identity.noodle2_version) } td {} }
                    @for tool in &identity.tools { tr { th scope="row" { (tool.name) } td { (tool.version) } td { code { (tool.content) } } } }
                }
            } }
            details open { summary { "Inputs" } div class="scroll" tabindex="0" role="group" aria-label="Inputs" { table {
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
            details open { summary { "The study" } pre tabindex="0" { (reproduction.study) } }
        }
    };
    alone(&format!("{}: report", summary.study), &body)
}

/// What somebody may not know who has not run a study.
const WORDS: [(&str, &str); 10] = [
    (
        "ECO",
        "engineering change order: a small change of a design, such as other drive strengths or buffers, with its parameters",
    ),
    (
        "case",
        "one state of the design, named <design>_<stage>_<trial>; the base case, which everything is compared with, ends with _0_0",
    ),
    (
        "trial",
        "one try of an ECO on a case; an attempt is one execution of it, of which there are several where the machine failed",
    ),
    (
        "stage",
        "a phase of the study: which ECOs it may try, how many times, by which metrics it ranks, how many cases it passes on",
    ),
    (
        "survivor",
        "a case that its stage passes on to the next, after every gate",
    ),
    (
        "ended, known",
        "a trial ended when its result is in the record; it was known before where an earlier run had measured the very same, and nothing was run",
    ),
    (
        "no effect",
        "the ECO found nothing to change: the netlist is that of the parent",
    ),
    (
        "discarded",
        "measured, and counted for nothing, since the stage had been ended before it by a rail or by having seen enough",
    ),
    (
        "gain",
        "how much better a value is, over the parent or over the base as the column says; percentages are of the value that it is compared with",
    ),
    (
        "digest",
        "the hash of every decision and result: another run of the same study, seed, tools and inputs ends with the same; `noodle2 verify` recomputes all of it from the record",
    ),
];

/// The parts that every report ends with.
const ALWAYS: [(&str, &str); 4] = [
    ("trials", "All trials"),
    ("words", "Words"),
    ("environment", "Environment and versions"),
    ("reproduce", "How to reproduce it"),
];
