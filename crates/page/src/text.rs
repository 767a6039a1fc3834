//! Small parts that every page uses: text with links, badges, numbers, figures.

use maud::{Markup, PreEscaped, html};
use noodle2_model::{CaseName, Metric};
use noodle2_view::chart::Figure;
use noodle2_view::{StageStatus, SummaryStatus, gain_text, metric_text};

use crate::{MapPicture, Place, encoded};

/// A text in which each name of a case leads to its page, and what stands between backticks is set as code. `design` is the
/// part that the names of all cases of the run begin with.
pub(crate) fn linked(place: Place<'_>, design: &str, text: &str) -> Markup {
    let parts: Vec<&str> = text.split('`').collect();
    // One that is not closed is no mark.
    if parts.len().is_multiple_of(2) {
        return with_cases(place, design, text);
    }
    html! { @for (position, part) in parts.iter().enumerate() {
        @if position % 2 == 1 { code { (part) } } @else { (with_cases(place, design, part)) }
    } }
}

fn with_cases(place: Place<'_>, design: &str, text: &str) -> Markup {
    let mut parts = Vec::new();
    let mut rest = text;
    let is_inside = |character: char| character.is_alphanumeric() || "_.-/".contains(character);
    while let Some(at) = rest.find(design) {
        let word = &rest[at..];
        let tail = &word[design.len()..];
        let digits = tail.find(|found: char| found != '_' && !found.is_ascii_digit());
        let name = &word[..design.len() + digits.unwrap_or(tail.len())];
        let name = name.trim_end_matches('_');
        let begins = !rest[..at].ends_with(is_inside);
        let case: Option<CaseName> = name.parse().ok();
        match case.filter(|case| begins && case.design() == design) {
            Some(case) => {
                parts.push(html! { (rest[..at]) a href=(place.case(&case)) { (name) } });
                rest = &word[name.len()..];
            }
            None => {
                let end = at + design.len();
                parts.push(html! { (rest[..end]) });
                rest = &rest[end..];
            }
        }
    }
    html! { @for part in parts { (part) } (rest) }
}

/// A link to a case.
pub(crate) fn case_link(place: Place<'_>, case: &CaseName) -> Markup {
    html! { a href=(place.case(case)) { (case) } }
}

/// How a run stands. Its state is told by a sign and a word, never by its colour alone.
pub(crate) fn run_badge(status: SummaryStatus) -> Markup {
    let (kind, sign, word) = match status {
        SummaryStatus::Running => ("live", "▶", "running"),
        SummaryStatus::Completed => ("good", "✓", "completed"),
        SummaryStatus::Blocked => ("bad", "■", "blocked"),
        SummaryStatus::Stopped => ("bad", "■", "stopped"),
        SummaryStatus::Waiting => ("ask", "?", "waits for approval"),
        SummaryStatus::Interrupted => ("ask", "‖", "interrupted"),
    };
    badge(kind, sign, word)
}

/// How a stage stands.
pub(crate) fn stage_badge(status: StageStatus) -> Markup {
    let (kind, sign) = match status {
        StageStatus::Running => ("live", "▶"),
        StageStatus::Completed => ("good", "✓"),
        StageStatus::Failed | StageStatus::Stopped => ("bad", "✗"),
        StageStatus::AwaitingApproval => ("ask", "?"),
        StageStatus::Interrupted => ("ask", "‖"),
        StageStatus::Waiting | StageStatus::Skipped | StageStatus::NotStarted => ("idle", "·"),
    };
    badge(kind, sign, &status.to_string())
}

fn badge(kind: &str, sign: &str, word: &str) -> Markup {
    html! { span class={ "badge " (kind) } { span aria-hidden="true" { (sign) } " " (word) } }
}

/// What a value gained, marked by a sign for better and worse; a dash where one of both is missing.
pub(crate) fn gain(metric: Metric, from: Option<f64>, to: Option<f64>) -> Markup {
    let kind = match from.zip(to).map(|(from, to)| metric.gain(from, to)) {
        Some(gain) if gain > 0.0 => "better",
        Some(gain) if gain < 0.0 => "worse",
        _ => "same",
    };
    html! { span class={ "gain " (kind) } { (gain_text(metric, from, to)) } }
}

/// A value with its unit.
pub(crate) fn value(metric: Metric, value: Option<f64>) -> Markup {
    html! { (metric_text(metric, value)) }
}

/// A figure with its words below it.
pub(crate) fn figure(figure: &Figure) -> Markup {
    html! {
        figure {
            div class="scroll" tabindex="0" role="group" aria-label=(figure.title()) { (PreEscaped(figure.inline())) }
            figcaption { (figure.description()) }
        }
    }
}

/// Maps over the die, as images: their own style is not that of the page.
pub(crate) fn pictures_of(maps: &[MapPicture]) -> Option<Markup> {
    (!maps.is_empty()).then(|| {
        html! { @for map in maps {
            figure {
                div class="scroll" tabindex="0" role="group" aria-label=(map.title) {
                    img src={ "data:image/svg+xml," (encoded(&map.svg)) } alt=(map.title);
                }
                figcaption { (map.title) }
            }
        } }
    })
}

/// A command that somebody may want to copy.
pub(crate) fn command(text: &str) -> Markup {
    html! { div class="command" { code { (text) } button type="button" data-copy=(text) class="script" { "Copy" } } }
}

/// A part of a page that can be gone to. It is brought up to date while the run goes on.
#[derive(Debug)]
pub(crate) struct Part {
    pub id: &'static str,
    pub title: &'static str,
    pub body: Markup,
}

impl Part {
    /// A part, where it has something to show.
    pub fn of(id: &'static str, title: &'static str, body: Option<Markup>) -> Option<Self> {
        body.map(|body| Self { id, title, body })
    }

    /// The part with its title.
    pub fn html(&self) -> Markup {
        html! { section id=(self.id) data-live { h2 { (self.title) } (self.body) } }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(text: &str) -> String {
        linked(Place::Report, "mac", text).into_string()
    }

    #[test]
    fn names_of_cases_become_links_and_nothing_else_does() {
        assert_eq!(
            of("passes on mac_0_1, mac_12_3; <b>"),
            "passes on <a href=\"#trial-0_1\">mac_0_1</a>, <a href=\"#trial-12_3\">mac_12_3</a>; &lt;b&gt;"
        );
        assert_eq!(
            of("`<pin_swap>` on `mac_0_1` to mac_0_1"),
            "<code>&lt;pin_swap&gt;</code> on <code>mac_0_1</code> to <a href=\"#trial-0_1\">mac_0_1</a>"
        );
        assert_eq!(of("a ` alone"), "a ` alone");
        for text in [
            "mac",
            "mac_",
            "mac_1",
            "smac_0_1",
            "runs/mac_0_1",
            "mac_x_1",
            "macmac",
        ] {
            assert_eq!(of(text), text);
        }
        assert_eq!(
            of("mac mac_0_1_"),
            "mac <a href=\"#trial-0_1\">mac_0_1</a>_"
        );
    }
}
