//! The queue of one receiver and the thread that works it off.

use std::collections::VecDeque;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use noodle2_model::{Notification, Occasion};
use serde_json::Value;

use crate::target::Target;
use crate::{Delivery, OnUndelivered, Undelivered};

/// Messages that wait for one receiver at most.
const MAX_WAITING: usize = 100;
/// The pause before the first retry; each further one is twice as long.
const FIRST_PAUSE: Duration = Duration::from_millis(500);
/// The longest pause.
const LONGEST_PAUSE: Duration = Duration::from_secs(30);

/// One receiver.
pub(crate) struct Receiver {
    on: Vec<Occasion>,
    shared: Arc<Shared>,
}

struct Shared {
    target: Target,
    retries: u32,
    on_undelivered: Arc<OnUndelivered>,
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    /// The first is being delivered.
    waiting: VecDeque<Value>,
    delivery: Delivery,
    /// When nobody waits for it any more, once that is settled.
    deadline: Option<Instant>,
    /// Nobody waits for it any more: what it still does counts for nothing.
    is_abandoned: bool,
    has_ended: bool,
}

impl Receiver {
    pub(crate) fn start(
        notification: &Notification,
        target: Target,
        on_undelivered: Arc<OnUndelivered>,
    ) -> Self {
        let shared = Arc::new(Shared {
            target,
            retries: notification.retries,
            on_undelivered,
            state: Mutex::default(),
            changed: Condvar::new(),
        });
        let worker = Arc::clone(&shared);
        let started = std::thread::Builder::new()
            .name("notification".to_owned())
            .spawn(move || worker.work());
        if started.is_err() {
            // Messages are then left over at the end, and told as such.
            shared.lock().has_ended = true;
        }
        Self {
            on: notification.on.clone(),
            shared,
        }
    }

    /// Why nothing can be delivered, if so.
    pub(crate) fn problem(&self) -> Option<String> {
        let target = &self.shared.target;
        let problem = target.problem()?;
        Some(format!("{}: {problem}", target.name))
    }

    /// The first of these that it wants to hear of.
    pub(crate) fn wants(&self, occasions: &[Occasion]) -> Option<Occasion> {
        let mut occasions = occasions.iter().copied();
        occasions.find(|occasion| self.on.contains(occasion))
    }

    /// Puts a message into the queue; one that has no place there is undelivered.
    pub(crate) fn put(&self, message: Value) {
        let mut state = self.shared.lock();
        if state.waiting.len() < MAX_WAITING {
            state.waiting.push_back(message);
            drop(state);
            self.shared.changed.notify_all();
        } else {
            state.delivery.undelivered += 1;
            drop(state);
            let reason = format!("{MAX_WAITING} messages were waiting already");
            self.shared.give_up(message, 0, reason);
        }
    }

    /// No message follows; what is not delivered at `deadline` is not tried again.
    pub(crate) fn close(&self, deadline: Instant) {
        self.shared.lock().deadline = Some(deadline);
        self.shared.changed.notify_all();
    }

    /// Waits until all is delivered, or for the deadline.
    pub(crate) fn wait(self, deadline: Instant) -> Delivery {
        let mut state = self.shared.lock();
        while !state.has_ended {
            let Some(left) = deadline.checked_duration_since(Instant::now()) else {
                break;
            };
            state = self.shared.wait(state, left);
        }
        state.is_abandoned = true;
        let left: Vec<Value> = state.waiting.drain(..).collect();
        state.delivery.undelivered += left.len();
        let delivery = state.delivery;
        drop(state);
        for message in left {
            let reason = "the run did not wait for it any longer".to_owned();
            self.shared.give_up(message, 0, reason);
        }
        delivery
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        // Whoever panicked with it left nothing half done.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn wait<'a>(&self, state: MutexGuard<'a, State>, at_most: Duration) -> MutexGuard<'a, State> {
        let waited = self.changed.wait_timeout(state, at_most);
        waited.unwrap_or_else(PoisonError::into_inner).0
    }

    fn work(&self) {
        loop {
            let mut state = self.lock();
            while state.waiting.is_empty() && state.deadline.is_none() && !state.is_abandoned {
                state = self.wait(state, LONGEST_PAUSE);
            }
            let Some(message) = state.waiting.front().cloned() else {
                state.has_ended = true;
                drop(state);
                self.changed.notify_all();
                return;
            };
            drop(state);
            let outcome = self.deliver(&message);
            let mut state = self.lock();
            if state.is_abandoned {
                return;
            }
            state.waiting.pop_front();
            match outcome {
                Ok(()) => state.delivery.delivered += 1,
                Err((tries, reason)) => {
                    state.delivery.undelivered += 1;
                    drop(state);
                    self.give_up(message, tries, reason);
                }
            }
        }
    }

    /// Tries until it is delivered, or not worth another try.
    fn deliver(&self, message: &Value) -> Result<(), (u32, String)> {
        let mut pause = FIRST_PAUSE;
        let mut tries = 0;
        loop {
            tries += 1;
            let Err(failed) = self.target.deliver(message) else {
                return Ok(());
            };
            if !failed.is_transient || tries > self.retries || !self.pause(pause) {
                return Err((tries, failed.reason));
            }
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
    }

    /// Waits before another try; returns whether there is time for one.
    fn pause(&self, pause: Duration) -> bool {
        let until = Instant::now() + pause;
        let mut state = self.lock();
        loop {
            if state.is_abandoned || state.deadline.is_some_and(|deadline| deadline <= until) {
                return false;
            }
            match until.checked_duration_since(Instant::now()) {
                Some(left) if !left.is_zero() => state = self.wait(state, left),
                _ => return true,
            }
        }
    }

    fn give_up(&self, message: Value, tries: u32, reason: String) {
        (self.on_undelivered)(&Undelivered {
            target: self.target.name.clone(),
            tries,
            reason,
            message,
        });
    }
}
