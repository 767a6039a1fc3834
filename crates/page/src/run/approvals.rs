//! What people were asked, with the evidence beside the button.

use maud::{Markup, html};
use noodle2_view::{ApprovalStanding, ApprovalSummary, History, Summary, metric_text};

use super::case_list;
use crate::Place;
use crate::text::{case_link, command, gain};

/// The approvals of a run; nothing where none was asked for.
pub(crate) fn body(place: Place<'_>, history: &History, summary: &Summary) -> Option<Markup> {
    let ask = |approval: &ApprovalSummary| match approval.standing {
        ApprovalStanding::Waiting => question(place, history, approval),
        _ => html! { p { (approval.line()) ", from " (case_list(place, &approval.inputs)) } },
    };
    (!summary.approvals.is_empty())
        .then(|| html! { @for approval in &summary.approvals { (ask(approval)) } })
}

/// A question that is open: what would be started from, what that gained, and the two answers.
fn question(place: Place<'_>, history: &History, approval: &ApprovalSummary) -> Markup {
    let controller = history.controller();
    let objective = controller.program().objective(approval.stage);
    let base = controller.base_case();
    let id = |part: &str| format!("{part}-{}", approval.stage);
    html! {
        div class="ask-box" {
            h3 { "Stage " (approval.name) " waits for approval" }
            p { (approval.line()) }
            div class="scroll" tabindex="0" role="group" aria-label="Evidence" { table {
                thead { tr { th { "would start from" } @for metric in &objective.rank { th class="number" { (metric) } th class="number" { "over the base" } } } }
                tbody { @for name in &approval.inputs {
                    @let case = controller.cases().get(name);
                    tr { th scope="row" { (case_link(place, name)) }
                        @for metric in &objective.rank {
                            @let value = |case: &noodle2_control::Case| case.measurement.overall.get(*metric);
                            td class="number" { (metric_text(*metric, case.and_then(value))) }
                            td class="number" { (gain(*metric, base.and_then(value), case.and_then(value))) }
                        } }
                } }
            } }
            p class="muted" { "Evidence " code { (approval.evidence.short()) } ": what you answer counts for these very inputs." }
            @if let Place::Served(_) = place {
                form method="post" action=(place.below("approve")) {
                    input type="hidden" name="stage" value=(approval.name);
                    input type="hidden" name="evidence" value=(approval.evidence);
                    label for=(id("by")) { "Your name" input id=(id("by")) name="by" required autocomplete="name"; }
                    " " label for=(id("note")) { "What you say of it" input id=(id("note")) name="note" size="40"; }
                    " " label for=(id("token")) { "Token, as the server printed it" input id=(id("token")) name="token" type="password" required autocomplete="off"; }
                    p { button name="answer" value="approve" { "Approve" } " " button name="answer" value="refuse" class="grave" { "Refuse" } }
                }
            }
            (command(&approval.command(history.called())))
        }
    }
}
