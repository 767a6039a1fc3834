//! The page of a trial: what was tried, the very script, what the engine said, how it was judged and why.

use maud::{Markup, html};
use noodle2_control::{Attempt, Controller};
use noodle2_model::{AttemptId, Outcome, TrialId};
use noodle2_view::{Explanation, History, Summary, bytes_text, eco_text, seconds_text, trial_text};

use crate::Place;
use crate::frame::served;
use crate::text::{case_link, command, linked};

/// The part of a text file that is shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Excerpt {
    /// The name of the file in its attempt's folder.
    pub name: String,
    /// The text; of a long file its end.
    pub text: String,
    /// How many bytes before it are not shown.
    pub left_out: u64,
}

/// A file of an attempt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileEntry {
    /// Its place in the attempt's folder.
    pub name: String,
    /// Its size in bytes.
    pub bytes: u64,
    /// Whether it is still there: what an ended run does not need may have been collected.
    pub is_there: bool,
}

/// What an attempt left in the run folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AttemptFiles {
    /// The attempt.
    pub attempt: AttemptId,
    /// Every file.
    pub files: Vec<FileEntry>,
    /// Scripts, then logs.
    pub excerpts: Vec<Excerpt>,
    /// Where it ran, on what, with which limits, in lines of a name and a value.
    pub provenance: Vec<(String, String)>,
}

/// What the page of a trial shows.
#[derive(Debug, Clone, Copy)]
pub struct TrialPage<'a> {
    /// The run's name on the server.
    pub name: &'a str,
    /// The run.
    pub history: &'a History,
    /// The same in numbers.
    pub summary: &'a Summary,
    /// The trial; that of the base case is `0_0`.
    pub trial: TrialId,
    /// What each of its attempts left.
    pub attempts: &'a [AttemptFiles],
}

impl TrialPage<'_> {
    /// The page.
    pub fn html(&self) -> String {
        let place = Place::Served(self.name);
        let controller = self.history.controller();
        let design = &controller.program().study().design.case_name;
        let case = self.trial.case(design);
        let trial = controller.trial(self.trial);
        let explanation = Explanation::of(self.history, &case.to_string());
        let limits = &controller.program().study().limits;
        let body = html! {
            h1 { "Trial " (case) }
            @match trial {
                Some(trial) => {
                    p class="lead" { (eco_text(&trial.eco)) " on " (case_link(place, &trial.parent)) ": " (trial_text(controller, self.history.status(), trial)) }
                    @if let Some(reason) = &trial.reason { p { "Why it was proposed: " (reason) } }
                    @if let Some(failure) = trial.failure() {
                        section id="failure" { h2 { "Failure" }
                            p { strong { (failure.class) } @if let Some(code) = &failure.tool_code { " (" code { (code) } ")" } ": " (failure.message) }
                            p class="muted" { (failure.class.meaning().trim()) " What to do: " (failure.class.advice()) }
                            @if !failure.excerpt.is_empty() { pre tabindex="0" { (failure.excerpt) } }
                        }
                    }
                }
                None => { p class="lead" { "The measurement of the base case" } }
            }
            @if controller.cases().contains_key(&case) { p { "What was measured: case " (case_link(place, &case)) } }
            @if let Some(explanation) = explanation {
                section id="rationale" { h2 { "How it was judged" } ul { @for line in &explanation.lines { li { (linked(place, design, line)) } } } }
            }
            section id="limits" { h2 { "Limits of an attempt" } (limits_table(limits)) }
            @for files in self.attempts { (self.attempt(place, files)) }
            section id="replay" { h2 { "Run it again" } (command(&format!("noodle2 replay {} {}", self.history.called(), self.trial))) }
        };
        let called = case.to_string();
        let crumbs = [
            (self.name, place.run()),
            ("trials", place.below("trials")),
            (called.as_str(), String::new()),
        ];
        served(
            &format!("Trial {case} of {}", self.summary.study),
            &crumbs,
            None,
            &body,
        )
    }

    fn attempt(&self, place: Place<'_>, files: &AttemptFiles) -> Markup {
        let id = files.attempt;
        html! {
            section id={ "attempt-" (id.number) } { h2 { "Attempt " (id.number) }
                @if let Some(attempt) = attempt_of(self.history.controller(), id) { (ended(attempt)) }
                @for excerpt in &files.excerpts {
                    h3 { @match place.file(id, &excerpt.name) { Some(address) => { a href=(address) { (excerpt.name) } } None => (excerpt.name) } }
                    @if excerpt.left_out > 0 { p class="muted" { (bytes_text(excerpt.left_out)) " before this are not shown" } }
                    pre tabindex="0" aria-label=(excerpt.name) { (excerpt.text) }
                }
                @if !files.files.is_empty() { h3 { "Files" } (file_list(place, files)) }
                @if !files.provenance.is_empty() { details { summary { "Provenance" } (pairs(&files.provenance)) } }
            }
        }
    }
}

/// What the journal tells of an attempt, whatever it was made for.
fn attempt_of(controller: &Controller, id: AttemptId) -> Option<&Attempt> {
    let trial = controller.trial(id.trial);
    let (attempts, confirmations, repeats) = match trial {
        Some(trial) => (
            &trial.attempts[..],
            &trial.confirmations[..],
            &trial.repeats,
        ),
        None => (
            controller.base_attempts(),
            &[][..],
            controller.base_repeats(),
        ),
    };
    let mut all = attempts
        .iter()
        .chain(confirmations)
        .chain(repeats.values().flatten());
    all.find(|attempt| attempt.number == id.number)
}

/// How an attempt ended, and what it used.
fn ended(attempt: &Attempt) -> Markup {
    let came = match &attempt.outcome {
        None => "not ended".to_owned(),
        Some(Outcome::Measured(_)) => "measured".to_owned(),
        Some(Outcome::NoEffect) => "no effect".to_owned(),
        Some(Outcome::Failed(failure)) => failure.class.to_string(),
    };
    let usage = &attempt.usage;
    html! {
        p { (came)
            @if attempt.hit().is_some() { ", known before: nothing was run" }
            @else if attempt.outcome.is_some() {
                ", " (seconds_text(usage.wall_s)) ", " (seconds_text(usage.cpu_s)) " of processor time"
                @if let Some(memory) = usage.peak_memory_bytes { ", " (bytes_text(memory)) " of memory at most" }
                @if let Some(waited) = usage.waited_s { ", waited " (seconds_text(waited)) " for its worker" }
            }
        }
    }
}

/// Files with their sizes.
pub(crate) fn file_list(place: Place<'_>, files: &AttemptFiles) -> Markup {
    html! { ul { @for file in &files.files {
        li { @match place.file(files.attempt, &file.name).filter(|_| file.is_there) { Some(address) => { a href=(address) { (file.name) } } None => (file.name) }
            " " span class="muted" { (bytes_text(file.bytes)) @if !file.is_there { ", no longer there" } } }
    } } }
}

/// Names with their values.
pub(crate) fn pairs(pairs: &[(String, String)]) -> Markup {
    html! {
        div class="scroll" tabindex="0" role="group" aria-label="Provenance" { table { tbody {
            @for (name, value) in pairs { tr { th scope="row" { (name) } td { (value) } } }
        } } }
    }
}

fn limits_table(limits: &noodle2_model::Limits) -> Markup {
    let rows = [
        ("time", seconds_text(limits.wall_time_s)),
        ("processor time", seconds_text(limits.cpu_time_s)),
        ("memory", bytes_text(limits.memory_mib << 20)),
        ("output kept", bytes_text(limits.output_mib << 20)),
    ];
    html! { dl class="tiles" { @for (name, limit) in rows { div { dt { (name) } dd { (limit) } } } } }
}
