//! Where messages go, and one try to bring one there.

use std::path::Path;
use std::time::Duration;

use noodle2_model::Notification;
use serde_json::Value;

use crate::TryFailed;
use crate::command::Program;
use crate::secret::Secrets;
use crate::webhook::Webhook;

/// Characters of a reason that are kept.
const MAX_REASON: usize = 300;

/// Where messages go.
pub(crate) struct Target {
    /// How it is called in records: without secrets, and of an address only the host.
    pub name: String,
    secrets: Secrets,
    way: Result<Way, String>,
}

enum Way {
    Command(Program),
    Webhook(Box<Webhook>),
}

impl Target {
    pub(crate) fn new(
        notification: &Notification,
        folder: &Path,
        environment: &dyn Fn(&str) -> Option<String>,
    ) -> Self {
        let mut secrets = Secrets::default();
        let timeout = Duration::from(notification.timeout);
        let (name, way) = match (&notification.command, &notification.webhook) {
            (Some(arguments), _) => {
                let program = Program::new(arguments, folder, timeout);
                (arguments.join(" "), program.map(Way::Command))
            }
            (None, Some(address)) => {
                let webhook = Webhook::new(
                    address,
                    &notification.headers,
                    timeout,
                    &mut secrets,
                    environment,
                );
                let way = webhook.map(|webhook| Way::Webhook(Box::new(webhook)));
                (host_of(address), way)
            }
            (None, None) => {
                let nothing = "neither a command nor a webhook is given".to_owned();
                ("nobody".to_owned(), Err(nothing))
            }
        };
        Self { name, secrets, way }
    }

    /// Why nothing can be delivered there at all, if so.
    pub(crate) fn problem(&self) -> Option<&str> {
        self.way.as_ref().err().map(String::as_str)
    }

    /// Brings a message there, or says why not.
    pub(crate) fn deliver(&self, message: &Value) -> Result<(), TryFailed> {
        let tried = match &self.way {
            Err(problem) => Err(TryFailed {
                reason: problem.clone(),
                is_transient: false,
            }),
            Ok(Way::Command(program)) => program.deliver(message),
            Ok(Way::Webhook(webhook)) => webhook.deliver(message),
        };
        tried.map_err(|failed| TryFailed {
            reason: shown(&self.secrets.hide(&failed.reason)),
            ..failed
        })
    }
}

/// An address without its path, which is often a secret by itself.
pub(crate) fn host_of(address: &str) -> String {
    let Some((scheme, rest)) = address.split_once("://") else {
        return address.to_owned();
    };
    let (host, path) = rest.split_at(rest.find(['/', '?', '#']).unwrap_or(rest.len()));
    let more = if path.len() > 1 { "/…" } else { path };
    format!("{scheme}://{host}{more}")
}

/// A reason on one line, of bounded length.
pub(crate) fn shown(reason: &str) -> String {
    let plain: String = reason
        .chars()
        .map(|character| match character.is_control() {
            true => ' ',
            false => character,
        })
        .collect();
    let plain = plain.trim();
    match plain.char_indices().nth(MAX_REASON) {
        Some((end, _)) => format!("{}…", &plain[..end]),
        None => plain.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_told_without_their_paths() {
        for (address, told) in [
            (
                "https://hooks.example.org/T0/B0/x",
                "https://hooks.example.org/…",
            ),
            ("https://example.org", "https://example.org"),
            ("http://example.org/?token=1", "http://example.org/…"),
            ("${HOOK}", "${HOOK}"),
        ] {
            assert_eq!(host_of(address), told);
        }
    }

    #[test]
    fn reasons_are_short_and_harmless() {
        assert_eq!(shown("a\u{1b}[2J\nb "), "a [2J b");
        assert_eq!(shown(&"x".repeat(1000)).chars().count(), MAX_REASON + 1);
    }
}
