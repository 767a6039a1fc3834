//! Where attempts are carried out: on the workers of this machine, or elsewhere.
//!
//! An executor carries out what it is told, says when it has ended, and never decides what runs.

use std::sync::Arc;
use std::time::Duration;

use noodle2_exec::{CancelToken, Pool, PoolEvent, Waker};
use noodle2_model::{AttemptId, ClusterPlace};

use super::attempt::{AttemptResult, Before, Keeper};
use super::carrier::{Carrier, Place};
use super::order::AttemptOrder;

/// What an executor reports.
pub(crate) enum ExecutorEvent {
    /// An attempt came to its end; each that was ordered does, once.
    Finished(AttemptId, Box<AttemptResult>),
    /// Something else changed: what is offered, or somebody used the waker.
    Woken,
}

/// An attempt was ordered that is being carried out already.
#[derive(Debug)]
pub(crate) struct Duplicate;

/// Carries attempts out, several at once.
pub(crate) trait Executor {
    /// How many attempts it takes at once, those that it has included.
    fn offers(&self) -> usize;

    /// How many of them run at once; at most what it offers.
    fn workers(&self) -> usize;

    /// The cluster that it is, where it is one.
    fn place(&self) -> Option<ClusterPlace> {
        None
    }

    /// Takes an attempt.
    fn submit(&mut self, order: AttemptOrder) -> Result<(), Duplicate>;

    /// Asks an attempt to stop, with grace.
    fn cancel(&mut self, attempt: &AttemptId);

    /// Asks every attempt to stop, with grace.
    fn cancel_all(&mut self);

    /// Asks every attempt to stop at once.
    fn kill_all(&mut self);

    /// The next event, waiting for it at most this long.
    fn next(&mut self, timeout: Duration) -> Option<ExecutorEvent>;

    /// A handle that wakes [`Self::next`] from elsewhere.
    fn waker(&self) -> Waker;

    /// What people should hear of it, since this was asked last.
    fn news(&mut self) -> Vec<String> {
        Vec::new()
    }

    /// Whether it cannot carry anything out any more, and nobody waits for that to change.
    fn is_lost(&self) -> bool {
        false
    }
}

/// Carries attempts out on the workers of this machine.
pub(crate) struct LocalExecutor {
    pool: Pool<AttemptId, AttemptResult>,
    worker: Arc<LocalWorker>,
    workers: usize,
}

/// What each worker of this machine does.
pub(crate) struct LocalWorker {
    pub keeper: Keeper,
    pub carrier: Carrier,
}

impl LocalExecutor {
    /// An executor of so many workers.
    ///
    /// # Errors
    /// When the system has no thread left.
    pub fn new(worker: LocalWorker, workers: usize) -> std::io::Result<Self> {
        Ok(Self {
            pool: Pool::new(workers)?,
            worker: Arc::new(worker),
            workers,
        })
    }
}

impl Executor for LocalExecutor {
    fn offers(&self) -> usize {
        self.workers
    }

    fn workers(&self) -> usize {
        self.workers
    }

    fn submit(&mut self, order: AttemptOrder) -> Result<(), Duplicate> {
        let worker = Arc::clone(&self.worker);
        let submitted = self
            .pool
            .submit(order.attempt, move |cancel| worker.run(&order, cancel));
        submitted.map_err(|_| Duplicate)
    }

    fn cancel(&mut self, attempt: &AttemptId) {
        self.pool.cancel(attempt);
    }

    fn cancel_all(&mut self) {
        self.pool.cancel_all();
    }

    fn kill_all(&mut self) {
        self.pool.kill_all();
    }

    fn next(&mut self, timeout: Duration) -> Option<ExecutorEvent> {
        match self.pool.recv_timeout(timeout)? {
            PoolEvent::Finished { id, result, worker } => {
                let mut result = result.unwrap_or_else(|panic| AttemptResult::panicked(&panic));
                result.usage.worker = u32::try_from(worker).ok();
                Some(ExecutorEvent::Finished(id, Box::new(result)))
            }
            PoolEvent::Woken => Some(ExecutorEvent::Woken),
        }
    }

    fn waker(&self) -> Waker {
        self.pool.waker()
    }
}

impl LocalWorker {
    /// Carries one attempt out and keeps what it leaves. Everything that goes wrong is part of the outcome.
    fn run(&self, order: &AttemptOrder, cancel: &CancelToken) -> AttemptResult {
        if cancel.wait(order.backoff) {
            return AttemptResult::unbegun();
        }
        match self.attempt(order, cancel) {
            Ok(result) => result,
            Err(error) if cancel.is_cancelled() => {
                AttemptResult::failed(noodle2_model::FailureClass::Interrupted, error.to_string())
            }
            Err(error) => AttemptResult::not_kept(&error),
        }
    }

    fn attempt(
        &self,
        order: &AttemptOrder,
        cancel: &CancelToken,
    ) -> Result<AttemptResult, noodle2_store::StoreError> {
        let folder = self.keeper.begin(order)?;
        let place = Place {
            folder: &folder,
            netlist_of: &|parent| self.keeper.netlist_of(parent),
        };
        if let Some(text) = self.carrier.fault(order, &place)? {
            let class = noodle2_model::FailureClass::ConfigurationError;
            return Ok(AttemptResult::failed(class, text));
        }
        match self.keeper.ask(order, &folder)? {
            Before::Known(result) => Ok(result),
            Before::Unknown(wanted) => {
                let carried = self.carrier.carry(order, &place, cancel)?;
                self.keeper.keep(order, &folder, wanted, carried)
            }
        }
    }
}
