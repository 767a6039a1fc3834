//! Approvals and notifications.

use std::collections::BTreeMap;

use noodle2_model::{Approval, Notification, Occasion, OnTimeout, TimeSpan};

use super::fields::fields;
use super::study::{inner, texts};
use super::value::{Scalar, filled, list, refuse, resolve, text, whole, word, wrong_type};
use super::{Lowered, Place, Reported};
use crate::codes;
use crate::report::Report;
use crate::suggest::quoted;
use crate::tree::Kind;

pub(super) fn approval(report: &mut Report, place: &Place<'_>) -> Lowered<Approval> {
    let fields = fields(
        report,
        place,
        "the approval",
        "{approvers: 1}",
        &["approvers", "from", "timeout", "on_timeout", "note"],
    )?;
    let default = Approval::default();
    let on_timeout = |report: &mut Report, place: &Place<'_>| {
        let words = [
            ("refuse", OnTimeout::Refuse),
            ("approve", OnTimeout::Approve),
        ];
        word(report, place, "end of the time limit", &words)
    };
    Ok(Approval {
        approvers: fields.optional(report, "approvers", default.approvers, whole),
        from: fields.optional(report, "from", default.from, texts),
        timeout: fields.option(report, "timeout", time_span),
        on_timeout: fields.optional(report, "on_timeout", default.on_timeout, on_timeout),
        note: fields.optional(report, "note", default.note, text),
    })
}

pub(super) fn notifications(report: &mut Report, place: &Place<'_>) -> Lowered<Vec<Notification>> {
    list(report, place, &Notification::default(), notification)
}

fn notification(report: &mut Report, place: &Place<'_>) -> Lowered<Notification> {
    let fields = fields(
        report,
        place,
        "a notification",
        "{command: [...], on: [approval_needed, end]}",
        &["command", "webhook", "headers", "on", "timeout", "retries"],
    )?;
    let default = Notification::default();
    let command =
        |report: &mut Report, place: &Place<'_>| list(report, place, &String::new(), text);
    Ok(Notification {
        command: fields.option(report, "command", command),
        webhook: fields.option(report, "webhook", filled),
        headers: fields.optional(report, "headers", default.headers, headers),
        on: fields.optional(report, "on", default.on, occasions),
        timeout: fields.optional(report, "timeout", default.timeout, time_span),
        retries: fields.optional(report, "retries", default.retries, whole),
    })
}

fn headers(report: &mut Report, place: &Place<'_>) -> Lowered<BTreeMap<String, String>> {
    let Kind::Mapping(entries) = &place.node.kind else {
        let help = Some("write each as `Name: value`".to_owned());
        return Err(wrong_type(report, place, "a mapping", help));
    };
    let mut headers = BTreeMap::new();
    for entry in entries {
        let value = inner(report, place, entry);
        let header = filled(report, &value).unwrap_or_else(|Reported| {
            report.mark_broken(&value.field);
            String::new()
        });
        headers.insert(entry.key.clone(), header);
    }
    Ok(headers)
}

fn occasions(report: &mut Report, place: &Place<'_>) -> Lowered<Vec<Occasion>> {
    let words = Occasion::ALL.map(|occasion| (occasion.name(), occasion));
    list(
        report,
        place,
        &Occasion::End,
        |report: &mut Report, place: &Place<'_>| word(report, place, "occasion", &words),
    )
}

/// A whole number with a unit.
fn time_span(report: &mut Report, place: &Place<'_>) -> Lowered<TimeSpan> {
    const WANTED: &str = "a length of time such as `90m` or `2d`";
    let Kind::Scalar { text, plain } = &place.node.kind else {
        return Err(wrong_type(report, place, WANTED, None));
    };
    match resolve(text, *plain) {
        Scalar::Text(text) => text.parse().map_err(|_| {
            let message = format!("{} is no length of time", quoted(text));
            let help = "write a whole number and `s`, `m`, `h` or `d`, as in `90m` or `2d`";
            refuse(
                report,
                place,
                codes::WRONG_TYPE,
                message,
                Some(help.to_owned()),
            )
        }),
        Scalar::Integer(number) => {
            let help = Some(format!(
                "add the unit: `{number}s`, `{number}m`, `{number}h` or `{number}d`"
            ));
            Err(wrong_type(report, place, WANTED, help))
        }
        _ => Err(wrong_type(report, place, WANTED, None)),
    }
}
