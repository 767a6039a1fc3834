//! Telling an address of the web by a POST with the message as JSON.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;
use ureq::tls::{Certificate, RootCerts, TlsConfig};
use ureq::{Agent, Body};

use crate::TryFailed;
use crate::secret::Secrets;

/// An address with the headers that go to it.
pub(crate) struct Webhook {
    agent: Agent,
    address: String,
    headers: Vec<(String, String)>,
}

impl Webhook {
    pub(crate) fn new(
        address: &str,
        headers: &BTreeMap<String, String>,
        timeout: Duration,
        secrets: &mut Secrets,
        environment: &dyn Fn(&str) -> Option<String>,
    ) -> Result<Self, String> {
        let address = secrets.fill(address, environment)?;
        let headers = headers
            .iter()
            .map(|(name, value)| Ok((name.clone(), secrets.fill(value, environment)?)))
            .collect::<Result<_, String>>()?;
        let mut config = Agent::config_builder()
            .timeout_global(Some(timeout))
            .http_status_as_error(false)
            // Another host must not get headers that were meant for this one.
            .max_redirects(0)
            .user_agent(concat!("noodle2/", env!("CARGO_PKG_VERSION")));
        if address.starts_with("https://") {
            config = config.tls_config(encryption()?);
        }
        Ok(Self {
            agent: Agent::new_with_config(config.build()),
            address,
            headers,
        })
    }

    pub(crate) fn deliver(&self, message: &Value) -> Result<(), TryFailed> {
        let posted = self.post("application/json", message.to_string().as_bytes());
        posted.map(drop)
    }

    /// Posts this once, and returns what follows the head of the answer, unread.
    pub(crate) fn post(&self, content_type: &str, body: &[u8]) -> Result<Body, TryFailed> {
        let mut request = self
            .agent
            .post(&self.address)
            .header("Content-Type", content_type);
        for (name, value) in &self.headers {
            request = request.header(name, value);
        }
        let failed = |reason: String, is_transient| TryFailed {
            reason,
            is_transient,
        };
        let answer = request
            .send(body)
            .map_err(|error| failed(error.to_string(), true))?;
        match answer.status().as_u16() {
            200..=299 => Ok(answer.into_body()),
            // Too early, too many, and whatever the other side is to blame for.
            status @ (408 | 425 | 429 | 500..) => Err(failed(answered(status), true)),
            status => Err(failed(answered(status), false)),
        }
    }
}

fn answered(status: u16) -> String {
    format!("it answered with status {status}")
}

/// TLS with the certificates that this machine trusts: those of a company are among them.
fn encryption() -> Result<TlsConfig, String> {
    let found = rustls_native_certs::load_native_certs();
    if found.certs.is_empty() {
        let reasons: Vec<String> = found.errors.iter().map(ToString::to_string).collect();
        return Err(format!(
            "this machine has no trusted certificates (package `ca-certificates`): {}",
            reasons.join("; ")
        ));
    }
    let certificates = found
        .certs
        .iter()
        .map(|certificate| Certificate::from_der(certificate).to_owned());
    Ok(TlsConfig::builder()
        .root_certs(RootCerts::Specific(Arc::new(certificates.collect())))
        .unversioned_rustls_crypto_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .build())
}
