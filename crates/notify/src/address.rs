//! An address of the web that takes what is posted to it, whatever that is.

use std::collections::BTreeMap;
use std::io::Read;
use std::time::Duration;

use crate::TryFailed;
use crate::secret::Secrets;
use crate::target::{host_of, shown};
use crate::webhook::Webhook;

/// Bytes of an answer that are read.
const MAX_ANSWER: u64 = 65_536;

/// An address with the headers that go to it. What is told of it holds neither its path nor a header.
pub struct Address {
    name: String,
    secrets: Secrets,
    webhook: Webhook,
}

impl Address {
    /// Gets ready to post to an address. `${NAME}` in it or in a header stands for what `environment` says of the
    /// variable; `timeout` is that of one try.
    ///
    /// # Errors
    /// A variable that is not set, or a machine that trusts no certificate where there is need of one.
    pub fn new(
        address: &str,
        headers: &BTreeMap<String, String>,
        timeout: Duration,
        environment: impl Fn(&str) -> Option<String>,
    ) -> Result<Self, String> {
        let mut secrets = Secrets::default();
        let webhook = Webhook::new(address, headers, timeout, &mut secrets, &environment)?;
        Ok(Self {
            name: host_of(address),
            secrets,
            webhook,
        })
    }

    /// How it is called in messages.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Posts this once, and returns what is answered.
    ///
    /// # Errors
    /// Why it was not taken.
    pub fn post(&self, content_type: &str, body: &[u8]) -> Result<Vec<u8>, TryFailed> {
        let posted = self.webhook.post(content_type, body);
        let answer = posted.map_err(|failed| TryFailed {
            reason: shown(&self.secrets.hide(&failed.reason)),
            ..failed
        })?;
        // It was taken, whatever becomes of the rest of the answer.
        let mut answer = answer.into_with_config().limit(MAX_ANSWER).reader();
        let mut bytes = Vec::new();
        let _ = answer.read_to_end(&mut bytes);
        Ok(bytes)
    }
}
