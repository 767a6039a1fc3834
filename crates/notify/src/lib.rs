//! Tells people and programs what happens in a run: by a command, or by a POST to an address of the web.
//!
//! Owns the outbox of each receiver, its tries, and what becomes of messages that could not be delivered; whatever else
//! is sent out of a run has an outbox too. A receiver never holds a run up: whoever tells only puts a message into a
//! bounded queue, which a thread of the receiver's own works off, and the end of a run waits for it no longer than it is
//! told to.
//!
//! Never fails a run, never writes a file of a run (what is undelivered is handed back), never decides what is
//! worth telling, and never lets the value of an environment variable into what it hands back.

mod address;
mod command;
mod outbox;
mod receiver;
mod secret;
mod target;
mod webhook;

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use noodle2_model::{Notification, Occasion};
use serde::Serialize;
use serde_json::{Map, Value};

pub use address::Address;
pub use outbox::{Deliver, Outbox, OutboxLimits, TryFailed};
use receiver::Receiver;
use target::Target;

/// The version of the shape of messages; raised when a field changes its meaning or goes away.
pub const MESSAGE_SCHEMA_VERSION: u32 = 1;

/// Something that happened, told to whoever wants to hear of it.
#[derive(Clone, Debug)]
pub struct Notice {
    /// What it counts as, the most telling first: a receiver hears of it once, under the first that it wants.
    pub occasions: Vec<Occasion>,
    /// The message, to which `schema_version` and `event` are added.
    pub fields: Map<String, Value>,
}

/// A message that could not be delivered.
#[derive(Clone, Debug, Serialize)]
pub struct Undelivered {
    /// Who should have heard of it, without secrets.
    pub target: String,
    /// How often it was tried.
    pub tries: u32,
    /// Why it failed the last time.
    pub reason: String,
    /// The message.
    pub message: Value,
}

/// What became of all messages.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Delivery {
    /// How many were delivered.
    pub delivered: usize,
    /// How many were not.
    pub undelivered: usize,
}

/// What takes note of messages that could not be delivered. Called on a thread of its own.
pub type OnUndelivered = dyn Fn(&Undelivered) + Send + Sync;

/// All who are told.
pub struct Notifier {
    receivers: Vec<Receiver>,
}

impl Notifier {
    /// Gets ready to tell those who are named. `folder` is where commands run, and what a program with a `/` is
    /// relative to; `environment` gives the values of variables.
    pub fn new(
        notifications: &[Notification],
        folder: &Path,
        environment: impl Fn(&str) -> Option<String>,
        on_undelivered: Arc<OnUndelivered>,
    ) -> Self {
        let receivers = notifications.iter().map(|notification| {
            let target = Target::new(notification, folder, &environment);
            Receiver::start(notification, target, Arc::clone(&on_undelivered))
        });
        Self {
            receivers: receivers.collect(),
        }
    }

    /// What is wrong with receivers, before anything is told: a variable that is not set, say.
    pub fn problems(&self) -> Vec<String> {
        let receivers = self.receivers.iter();
        receivers.filter_map(Receiver::problem).collect()
    }

    /// Whether nobody is told of anything.
    pub fn is_idle(&self) -> bool {
        self.receivers.is_empty()
    }

    /// Tells everybody who wants to hear of it. Returns at once.
    pub fn tell(&self, notice: &Notice) {
        for receiver in &self.receivers {
            if let Some(occasion) = receiver.wants(&notice.occasions) {
                receiver.put(message(occasion, &notice.fields));
            }
        }
    }

    /// Waits until everything is delivered, but no longer than `patience`; what is left then is undelivered.
    pub fn finish(self, patience: Duration) -> Delivery {
        let deadline = Instant::now() + patience;
        for receiver in &self.receivers {
            receiver.close(deadline);
        }
        let mut all = Delivery::default();
        for receiver in self.receivers {
            let delivery = receiver.wait(deadline);
            all.delivered += delivery.delivered;
            all.undelivered += delivery.undelivered;
        }
        all
    }
}

fn message(occasion: Occasion, fields: &Map<String, Value>) -> Value {
    let mut message = Map::new();
    message.insert("schema_version".to_owned(), MESSAGE_SCHEMA_VERSION.into());
    message.insert("event".to_owned(), occasion.name().into());
    message.extend(fields.clone());
    Value::Object(message)
}
