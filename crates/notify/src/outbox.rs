//! What waits to be sent to one receiver, and the thread that sends it.

use std::collections::VecDeque;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crate::Delivery;

/// The pause before the first retry; each further one is twice as long.
const FIRST_PAUSE: Duration = Duration::from_millis(500);
/// The longest pause.
const LONGEST_PAUSE: Duration = Duration::from_secs(30);

/// Brings messages to a receiver.
pub trait Deliver<M>: Send + Sync + 'static {
    /// Tries once to bring these messages there, all or none.
    ///
    /// # Errors
    /// Why it failed.
    fn deliver(&self, messages: &[M]) -> Result<(), TryFailed>;

    /// Takes note of messages that were given up after so many tries, with the reason of the last. Called from a thread
    /// of the outbox, or where a message found no place.
    fn give_up(&self, messages: Vec<M>, tries: u32, reason: &str);
}

/// Why one try failed.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct TryFailed {
    /// What happened.
    pub reason: String,
    /// Whether it may go better another time.
    pub is_transient: bool,
}

/// How much an outbox does for its messages.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct OutboxLimits {
    /// Messages that wait at most; what comes beyond is given up.
    pub waiting: usize,
    /// Messages that are sent with one try at most.
    pub at_once: usize,
    /// Retries after failures that may pass.
    pub retries: u32,
}

/// Messages for one receiver, which never hold up whoever puts them in.
pub struct Outbox<M> {
    shared: Arc<Shared<M>>,
}

struct Shared<M> {
    receiver: Box<dyn Deliver<M>>,
    limits: OutboxLimits,
    state: Mutex<State<M>>,
    changed: Condvar,
}

struct State<M> {
    /// The first are being delivered.
    waiting: VecDeque<M>,
    delivery: Delivery,
    /// When nobody waits for it any more, once that is settled.
    deadline: Option<Instant>,
    /// Nobody waits for it any more: what it still does counts for nothing.
    is_abandoned: bool,
    has_ended: bool,
}

impl<M: Clone + Send + 'static> Outbox<M> {
    /// An outbox with a thread of its own, of this name.
    pub fn start(name: &str, limits: OutboxLimits, receiver: Box<dyn Deliver<M>>) -> Self {
        let shared = Arc::new(Shared {
            receiver,
            limits,
            state: Mutex::new(State {
                waiting: VecDeque::new(),
                delivery: Delivery::default(),
                deadline: None,
                is_abandoned: false,
                has_ended: false,
            }),
            changed: Condvar::new(),
        });
        let worker = Arc::clone(&shared);
        let started = std::thread::Builder::new()
            .name(name.to_owned())
            .spawn(move || worker.work());
        if started.is_err() {
            // Messages are then left over at the end, and told as such.
            shared.lock().has_ended = true;
        }
        Self { shared }
    }

    /// Puts a message in, and returns at once; one that has no place there is given up.
    pub fn put(&self, message: M) {
        let most = self.shared.limits.waiting;
        let mut state = self.shared.lock();
        if state.waiting.len() < most {
            state.waiting.push_back(message);
            drop(state);
            self.shared.changed.notify_all();
        } else {
            state.delivery.undelivered += 1;
            drop(state);
            let reason = format!("{most} messages were waiting already");
            self.shared.receiver.give_up(vec![message], 0, &reason);
        }
    }

    /// No message follows; what is not delivered at `deadline` is not tried again.
    pub fn close(&self, deadline: Instant) {
        self.shared.lock().deadline = Some(deadline);
        self.shared.changed.notify_all();
    }

    /// Waits until all is delivered, or for the deadline.
    pub fn wait(self, deadline: Instant) -> Delivery {
        let mut state = self.shared.lock();
        while !state.has_ended {
            let Some(left) = deadline.checked_duration_since(Instant::now()) else {
                break;
            };
            state = self.shared.wait(state, left);
        }
        state.is_abandoned = true;
        let left: Vec<M> = state.waiting.drain(..).collect();
        state.delivery.undelivered += left.len();
        let delivery = state.delivery;
        drop(state);
        if !left.is_empty() {
            let reason = "the run did not wait for it any longer";
            self.shared.receiver.give_up(left, 0, reason);
        }
        delivery
    }
}

impl<M: Clone + 'static> Shared<M> {
    fn lock(&self) -> MutexGuard<'_, State<M>> {
        // Whoever panicked with it left nothing half done.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn wait<'a>(
        &self,
        state: MutexGuard<'a, State<M>>,
        at_most: Duration,
    ) -> MutexGuard<'a, State<M>> {
        let waited = self.changed.wait_timeout(state, at_most);
        waited.unwrap_or_else(PoisonError::into_inner).0
    }

    fn work(&self) {
        loop {
            let mut state = self.lock();
            while state.waiting.is_empty() && state.deadline.is_none() && !state.is_abandoned {
                state = self.wait(state, LONGEST_PAUSE);
            }
            let first = state.waiting.iter().take(self.limits.at_once);
            let messages: Vec<M> = first.cloned().collect();
            if messages.is_empty() {
                state.has_ended = true;
                drop(state);
                self.changed.notify_all();
                return;
            }
            drop(state);
            let outcome = self.deliver(&messages);
            let mut state = self.lock();
            if state.is_abandoned {
                return;
            }
            state.waiting.drain(..messages.len());
            match outcome {
                Ok(()) => state.delivery.delivered += messages.len(),
                Err((tries, reason)) => {
                    state.delivery.undelivered += messages.len();
                    drop(state);
                    self.receiver.give_up(messages, tries, &reason);
                }
            }
        }
    }

    /// Tries until they are delivered, or not worth another try.
    fn deliver(&self, messages: &[M]) -> Result<(), (u32, String)> {
        let mut pause = FIRST_PAUSE;
        let mut tries = 0;
        loop {
            tries += 1;
            let Err(failed) = self.receiver.deliver(messages) else {
                return Ok(());
            };
            if !failed.is_transient || tries > self.limits.retries || !self.pause(pause) {
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
}
