//! One receiver of notices: what it wants to hear of, and where that goes.

use std::sync::Arc;
use std::time::Instant;

use noodle2_model::{Notification, Occasion};
use serde_json::Value;

use crate::target::Target;
use crate::{Deliver, Delivery, OnUndelivered, Outbox, OutboxLimits, TryFailed, Undelivered};

/// Messages that wait for one receiver at most.
const MAX_WAITING: usize = 100;

/// One receiver.
pub(crate) struct Receiver {
    on: Vec<Occasion>,
    target: Arc<Target>,
    outbox: Outbox<Value>,
}

/// Brings messages to a target, one by one.
struct Courier {
    target: Arc<Target>,
    on_undelivered: Arc<OnUndelivered>,
}

impl Deliver<Value> for Courier {
    fn deliver(&self, messages: &[Value]) -> Result<(), TryFailed> {
        let mut messages = messages.iter();
        messages.try_for_each(|message| self.target.deliver(message))
    }

    fn give_up(&self, messages: Vec<Value>, tries: u32, reason: &str) {
        for message in messages {
            (self.on_undelivered)(&Undelivered {
                target: self.target.name.clone(),
                tries,
                reason: reason.to_owned(),
                message,
            });
        }
    }
}

impl Receiver {
    pub(crate) fn start(
        notification: &Notification,
        target: Target,
        on_undelivered: Arc<OnUndelivered>,
    ) -> Self {
        let target = Arc::new(target);
        let limits = OutboxLimits {
            waiting: MAX_WAITING,
            at_once: 1,
            retries: notification.retries,
        };
        let courier = Courier {
            target: Arc::clone(&target),
            on_undelivered,
        };
        Self {
            on: notification.on.clone(),
            outbox: Outbox::start("notification", limits, Box::new(courier)),
            target,
        }
    }

    /// Why nothing can be delivered, if so.
    pub(crate) fn problem(&self) -> Option<String> {
        let problem = self.target.problem()?;
        Some(format!("{}: {problem}", self.target.name))
    }

    /// The first of these that it wants to hear of.
    pub(crate) fn wants(&self, occasions: &[Occasion]) -> Option<Occasion> {
        let mut occasions = occasions.iter().copied();
        occasions.find(|occasion| self.on.contains(occasion))
    }

    /// Puts a message into the queue; one that has no place there is undelivered.
    pub(crate) fn put(&self, message: Value) {
        self.outbox.put(message);
    }

    /// No message follows; what is not delivered at `deadline` is not tried again.
    pub(crate) fn close(&self, deadline: Instant) {
        self.outbox.close(deadline);
    }

    /// Waits until all is delivered, or for the deadline.
    pub(crate) fn wait(self, deadline: Instant) -> Delivery {
        self.outbox.wait(deadline)
    }
}
