//! The stages as a table.

use maud::{Markup, html};
use noodle2_view::{Summary, seconds_text};

use super::case_list;
use crate::Place;
use crate::text::stage_badge;

/// What each stage had, did and passed on.
pub(crate) fn stage_table(place: Place<'_>, summary: &Summary) -> Markup {
    html! {
        div class="scroll" tabindex="0" role="group" aria-label="Stages" { table {
            thead { tr { th class="number" { "#" } th { "stage" } th { "state" } th class="number" { "trials" } th class="number" { "ended" }
                th class="number" { "known" } th class="number" { "no effect" } th class="number" { "failed" } th class="number" { "discarded" }
                th class="number" { "time" } th { "from" } th { "survivors, best first" } } }
            tbody { @for stage in &summary.stages {
                @let seconds = stage.started_at.zip(stage.ended_at).map(|(start, end)| end.duration_since(start).as_secs_f64());
                tr id={ "stage-" (stage.index) } {
                    td class="number" { (stage.index) }
                    th scope="row" { @match place {
                        Place::Served(_) => { a href={ (place.below("trials")) "?stage=" (stage.index) } { (stage.name) } }
                        Place::Report => (stage.name)
                    } }
                    td { (stage_badge(stage.status)) @if let Some(cause) = &stage.cause { " " (cause) } }
                    td class="number" { (stage.trials) } td class="number" { (stage.run) } td class="number" { (stage.cached) }
                    td class="number" { (stage.no_effect) } td class="number" { (stage.failures) } td class="number" { (stage.discarded) }
                    td class="number" { (seconds.map_or_else(|| "—".to_owned(), seconds_text)) }
                    td { (case_list(place, &stage.inputs)) } td { (case_list(place, &stage.survivors)) }
                }
            } }
        } }
    }
}
