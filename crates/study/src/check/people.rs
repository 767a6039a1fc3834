//! Approvals that can be given, notifications that can be sent, and secrets that stay out of the file.

use noodle2_model::{Approval, Notification, OnTimeout, Study, placeholders};

use super::{distinct, not_empty, out_of_range};
use crate::codes;
use crate::report::Report;
use crate::suggest::quoted;

/// Characters of a person's name at most.
const MAX_NAME: usize = 64;
/// Retries at most: what fails longer is not mended by trying.
const MAX_RETRIES: u32 = 10;
/// One try takes at most this long: the end of a run waits for it.
const MAX_TIMEOUT_S: u64 = 60;

/// Parts of the names of headers whose values are secrets.
const SECRET_HEADERS: [&str; 7] = [
    "auth",
    "cookie",
    "token",
    "secret",
    "password",
    "key",
    "signature",
];

pub(super) fn check(study: &Study, report: &mut Report) {
    for (index, stage) in study.stages.iter().enumerate() {
        if let Some(approval) = &stage.approval {
            check_approval(report, &format!("stages[{index}].approval"), approval);
        }
    }
    for (index, notification) in study.notify.iter().enumerate() {
        check_notification(report, &format!("notify[{index}]"), notification);
    }
}

fn check_approval(report: &mut Report, field: &str, approval: &Approval) {
    let (approvers, from) = (format!("{field}.approvers"), format!("{field}.from"));
    if approval.approvers == 0 {
        out_of_range(report, &approvers, "must be at least 1");
    }
    distinct(report, &from, &approval.from);
    for (index, name) in approval.from.iter().enumerate() {
        let is_shown = !name.contains(|character: char| character.is_control());
        if !is_shown || name.chars().count() > MAX_NAME {
            let message = format!("{} cannot be the name of a person", quoted(name));
            let help = format!("at most {MAX_NAME} characters, none of them a control character");
            report.at(codes::BAD_NAME, &format!("{from}[{index}]"), message, help);
        }
    }
    let names = approval.from.len();
    if names > 0 && approval.approvers as usize > names && report.is_sound(&from) {
        let message = format!(
            "{} people must approve, and `from` names {names}",
            approval.approvers
        );
        let help = "name more people, or ask for fewer".to_owned();
        report.at(codes::APPROVAL, &approvers, message, help);
    }
    let timeout = format!("{field}.timeout");
    match approval.timeout {
        Some(limit) if limit.seconds() == 0 => {
            out_of_range(report, &timeout, "must be above 0 seconds");
        }
        None if approval.on_timeout != OnTimeout::default() && report.is_sound(&timeout) => {
            let help = "add `timeout: 2d`, say, or remove `on_timeout`".to_owned();
            let message = "`on_timeout` without a `timeout`";
            report.at(
                codes::APPROVAL,
                &format!("{field}.on_timeout"),
                message,
                help,
            );
        }
        _ => {}
    }
}

fn check_notification(report: &mut Report, field: &str, notification: &Notification) {
    let (command, webhook) = (format!("{field}.command"), format!("{field}.webhook"));
    let is_sound = report.is_sound(&command) && report.is_sound(&webhook);
    if notification.command.is_some() == notification.webhook.is_some() && is_sound {
        let message = "a notification has either a `command` or a `webhook`";
        let help = "write two notifications to use both".to_owned();
        report.at(codes::NOTIFICATION, field, message, help);
    }
    if let Some(arguments) = &notification.command {
        not_empty(report, &command, arguments.len(), "the program");
        if arguments.first().is_some_and(String::is_empty) {
            let message = "the name of the program is empty";
            report.at(codes::BAD_NAME, &format!("{command}[0]"), message, None);
        }
        for (index, argument) in arguments.iter().enumerate() {
            if argument.contains('\0') {
                let message = "an argument cannot hold the character NUL";
                report.at(
                    codes::NOTIFICATION,
                    &format!("{command}[{index}]"),
                    message,
                    None,
                );
            }
        }
        if !notification.headers.is_empty() {
            let message = "`headers` are for a `webhook` alone";
            report.at(
                codes::NOTIFICATION,
                &format!("{field}.headers"),
                message,
                None,
            );
        }
    }
    if let Some(address) = &notification.webhook {
        check_address(report, &webhook, address);
    }
    for (name, value) in &notification.headers {
        check_header(report, &format!("{field}.headers.{name}"), name, value);
    }
    not_empty(
        report,
        &format!("{field}.on"),
        notification.on.len(),
        "one occasion",
    );
    distinct(report, &format!("{field}.on"), &notification.on);
    if !(1..=MAX_TIMEOUT_S).contains(&notification.timeout.seconds()) {
        out_of_range(
            report,
            &format!("{field}.timeout"),
            "must be from 1s to 60s",
        );
    }
    if notification.retries > MAX_RETRIES {
        out_of_range(report, &format!("{field}.retries"), "must be at most 10");
    }
}

fn check_address(report: &mut Report, field: &str, address: &str) {
    let rest = ["https://", "http://"]
        .iter()
        .find_map(|scheme| address.strip_prefix(scheme));
    let is_whole_secret = address.starts_with("${") && rest.is_none();
    let shown = !address.contains(|character: char| character.is_control() || character == ' ');
    if (rest.is_none_or(str::is_empty) && !is_whole_secret) || !shown {
        let message = format!("{} is no address of the web", quoted(address));
        let help =
            "write `https://HOST/PATH`, or `${NAME}` for the value of an environment variable";
        report.at(codes::NOTIFICATION, field, message, help.to_owned());
        return;
    }
    placeholders_of(report, field, address);
    let host = rest.and_then(|rest| rest.split(['/', '?', '#']).next());
    let user = host.and_then(|host| host.rsplit_once('@'));
    if user.is_some_and(|(user, _)| !user.contains("${")) {
        secret_in_file(report, field, "the address holds a user or password");
    }
}

fn check_header(report: &mut Report, field: &str, name: &str, value: &str) {
    let is_token = !name.is_empty()
        && name
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte));
    let is_value = value
        .bytes()
        .all(|byte| byte == b'\t' || (b' '..=b'~').contains(&byte));
    if !is_token || !is_value {
        let message = format!("{} cannot be a header of HTTP", quoted(name));
        let help = "letters, digits and dashes in its name, ASCII in its value".to_owned();
        report.at(codes::NOTIFICATION, field, message, help);
        return;
    }
    placeholders_of(report, field, value);
    let lower = name.to_ascii_lowercase();
    let is_secret = SECRET_HEADERS.iter().any(|part| lower.contains(part));
    if is_secret && !value.contains("${") {
        let message = format!("the header {} holds its value in the open", quoted(name));
        secret_in_file(report, field, &message);
    }
}

fn secret_in_file(report: &mut Report, field: &str, message: &str) {
    let help = "put it into an environment variable and write `${NAME}`: the study is kept in the run folder";
    report.at(codes::SECRET, field, message, help.to_owned());
}

fn placeholders_of(report: &mut Report, field: &str, text: &str) {
    if let Err(broken) = placeholders(text) {
        let message = format!("{} names no environment variable", quoted(broken));
        let help = "write `${NAME}` with letters, digits and underscores".to_owned();
        report.at(codes::NOTIFICATION, field, message, help);
    }
}
