//! Workers that run jobs side by side and lose none.

use std::any::Any;
use std::collections::VecDeque;
use std::fmt;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use crate::cancel::CancelToken;

/// Workers that run jobs side by side, each job named by an `Id`.
///
/// Every submitted job comes back exactly once, cancelled or not, from [`recv_timeout`](Self::recv_timeout): a job
/// that is cancelled before it starts is still called, with a cancelled token. Jobs start in the order in which they were submitted.
///
/// Dropping the pool cancels every job without grace and waits for the workers.
pub struct Pool<Id, T> {
    shared: Arc<Shared<Id, T>>,
    events: Receiver<PoolEvent<Id, T>>,
    waker: Waker,
    workers: Vec<JoinHandle<()>>,
}

/// What a pool reports.
#[derive(Debug)]
pub enum PoolEvent<Id, T> {
    /// A job came to its end.
    Finished {
        /// The job.
        id: Id,
        /// What it returned, unless it panicked.
        result: Result<T, JobPanicked>,
        /// The number of the worker that ran it, from 0.
        worker: usize,
    },
    /// Somebody used a [`Waker`].
    Woken,
}

/// A job panicked.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("N2-EXEC-001: the job panicked: {message}")]
pub struct JobPanicked {
    /// What the panic said.
    pub message: String,
}

/// A job was not accepted.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum SubmitError<Id> {
    /// A job of this name is queued or running.
    #[error("N2-EXEC-002: job {0} is in the pool already")]
    Duplicate(Id),
}

/// Wakes whoever waits for a pool's events.
#[derive(Clone)]
pub struct Waker {
    send: Arc<dyn Fn() + Send + Sync>,
}

impl Waker {
    /// Makes the pool report [`PoolEvent::Woken`].
    pub fn wake(&self) {
        (self.send)();
    }
}

impl fmt::Debug for Waker {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Waker")
    }
}

type Work<T> = Box<dyn FnOnce(&CancelToken) -> T + Send>;

struct Job<Id, T> {
    id: Id,
    token: CancelToken,
    work: Work<T>,
}

struct Shared<Id, T> {
    state: Mutex<State<Id, T>>,
    changed: Condvar,
}

struct State<Id, T> {
    queued: VecDeque<Job<Id, T>>,
    running: Vec<(Id, CancelToken)>,
    closing: bool,
}

impl<Id, T> Shared<Id, T> {
    fn state(&self) -> MutexGuard<'_, State<Id, T>> {
        // No job runs under this lock and each change under it is whole, so there is nothing that a panic could spoil.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<Id, T> Pool<Id, T>
where
    Id: Clone + PartialEq + Send + 'static,
    T: Send + 'static,
{
    /// A pool of this many workers, at least one.
    ///
    /// # Errors
    /// When the system has no thread left.
    pub fn new(workers: usize) -> io::Result<Self> {
        let shared = Arc::new(Shared {
            state: Mutex::new(State {
                queued: VecDeque::new(),
                running: Vec::new(),
                closing: false,
            }),
            changed: Condvar::new(),
        });
        let (sender, events) = channel();
        let for_waker = sender.clone();
        let mut pool = Self {
            shared,
            events,
            waker: Waker {
                // Nobody listens any more: then nobody needs waking.
                send: Arc::new(move || drop(for_waker.send(PoolEvent::Woken))),
            },
            workers: Vec::new(),
        };
        for number in 0..workers.max(1) {
            let shared = Arc::clone(&pool.shared);
            let sender = sender.clone();
            let worker = std::thread::Builder::new()
                .name(format!("worker-{number}"))
                .spawn(move || work(&shared, &sender, number))?;
            pool.workers.push(worker);
        }
        Ok(pool)
    }

    /// Queues a job.
    ///
    /// # Errors
    /// [`SubmitError::Duplicate`] when a job of this name is queued or running.
    pub fn submit(
        &self,
        id: Id,
        work: impl FnOnce(&CancelToken) -> T + Send + 'static,
    ) -> Result<(), SubmitError<Id>> {
        let mut state = self.shared.state();
        let known = state.running.iter().any(|(running, _)| *running == id)
            || state.queued.iter().any(|job| job.id == id);
        if known {
            return Err(SubmitError::Duplicate(id));
        }
        state.queued.push_back(Job {
            id,
            token: CancelToken::new(),
            work: Box::new(work),
        });
        self.shared.changed.notify_one();
        Ok(())
    }

    /// The next event, waiting for it at most this long.
    pub fn recv_timeout(&self, timeout: Duration) -> Option<PoolEvent<Id, T>> {
        // The channel cannot close: the pool holds a sender itself, in its waker.
        self.events.recv_timeout(timeout).ok()
    }

    /// A handle that wakes [`recv_timeout`](Self::recv_timeout) from elsewhere.
    pub fn waker(&self) -> Waker {
        self.waker.clone()
    }

    /// Asks a job to stop, with grace. Returns whether it is in the pool.
    pub fn cancel(&self, id: &Id) -> bool {
        let token = self.token(id);
        token.inspect(CancelToken::cancel).is_some()
    }

    /// Asks every job to stop, with grace.
    pub fn cancel_all(&self) {
        self.shared.state().tokens().for_each(CancelToken::cancel);
    }

    /// Asks every job to stop at once, without grace.
    pub fn kill_all(&self) {
        self.shared.state().tokens().for_each(CancelToken::kill);
    }

    /// The jobs that have started and not ended.
    pub fn running(&self) -> Vec<Id> {
        let state = self.shared.state();
        state.running.iter().map(|(id, _)| id.clone()).collect()
    }

    /// The number of jobs that wait for a worker.
    pub fn queued(&self) -> usize {
        self.shared.state().queued.len()
    }

    /// The number of workers.
    pub fn workers(&self) -> usize {
        self.workers.len()
    }

    fn token(&self, wanted: &Id) -> Option<CancelToken> {
        let state = self.shared.state();
        let running = state.running.iter().map(|(id, token)| (id, token));
        let queued = state.queued.iter().map(|job| (&job.id, &job.token));
        running
            .chain(queued)
            .find(|(id, _)| *id == wanted)
            .map(|(_, token)| token.clone())
    }
}

impl<Id, T> State<Id, T> {
    fn tokens(&self) -> impl Iterator<Item = &CancelToken> {
        let queued = self.queued.iter().map(|job| &job.token);
        self.running.iter().map(|(_, token)| token).chain(queued)
    }
}

impl<Id, T> Drop for Pool<Id, T> {
    fn drop(&mut self) {
        {
            let mut state = self.shared.state();
            state.closing = true;
            state.tokens().for_each(CancelToken::kill);
        }
        self.shared.changed.notify_all();
        for worker in self.workers.drain(..) {
            // A worker catches its jobs' panics and has none of its own.
            let _ = worker.join();
        }
    }
}

impl<Id: fmt::Debug, T> fmt::Debug for Pool<Id, T> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Pool")
            .field("workers", &self.workers.len())
            .finish_non_exhaustive()
    }
}

fn work<Id, T>(shared: &Shared<Id, T>, events: &Sender<PoolEvent<Id, T>>, worker: usize)
where
    Id: Clone + PartialEq,
{
    while let Some(job) = next_job(shared) {
        let Job { id, token, work } = job;
        // What a job shares with others it shares through locks of its own; the pool keeps nothing of it.
        let result =
            catch_unwind(AssertUnwindSafe(|| work(&token))).map_err(|payload| JobPanicked {
                message: message_of(payload),
            });
        shared.state().running.retain(|(running, _)| *running != id);
        // Fails only while the pool is being dropped, when nobody wants the result.
        let _ = events.send(PoolEvent::Finished { id, result, worker });
    }
}

/// Waits for a job; `None` when the pool closes and all are done.
fn next_job<Id: Clone, T>(shared: &Shared<Id, T>) -> Option<Job<Id, T>> {
    let mut state = shared.state();
    loop {
        if let Some(job) = state.queued.pop_front() {
            state.running.push((job.id.clone(), job.token.clone()));
            return Some(job);
        }
        if state.closing {
            return None;
        }
        state = shared
            .changed
            .wait(state)
            .unwrap_or_else(PoisonError::into_inner);
    }
}

fn message_of(payload: Box<dyn Any + Send>) -> String {
    match payload.downcast::<String>() {
        Ok(message) => *message,
        Err(payload) => match payload.downcast::<&'static str>() {
            Ok(message) => (*message).to_owned(),
            Err(_) => "without a message".to_owned(),
        },
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::sync_channel;

    use super::*;

    const LONG: Duration = Duration::from_secs(60);

    fn finished<
        Id: fmt::Debug + Clone + PartialEq + Send + 'static,
        T: fmt::Debug + Send + 'static,
    >(
        pool: &Pool<Id, T>,
    ) -> (Id, Result<T, JobPanicked>) {
        match pool.recv_timeout(LONG) {
            Some(PoolEvent::Finished { id, result, .. }) => (id, result),
            other => panic!("no job finished: {other:?}"),
        }
    }

    /// Waits for a stop, and says so when it has begun to.
    fn obedient(token: &CancelToken, begun: impl FnOnce()) -> bool {
        let listener = token.listen().unwrap();
        begun();
        let mut descriptors = [rustix::event::PollFd::new(
            &listener,
            rustix::event::PollFlags::IN,
        )];
        rustix::event::poll(&mut descriptors, None).unwrap();
        token.is_cancelled()
    }

    #[test]
    fn every_job_comes_back_once() {
        let pool = Pool::new(4).unwrap();
        for id in 0..1000_u32 {
            pool.submit(id, move |_| id * 2).unwrap();
        }
        let mut seen: Vec<_> = (0..1000).map(|_| finished(&pool)).collect();
        seen.sort_by_key(|(id, _)| *id);
        let expected: Vec<_> = (0..1000).map(|id| (id, Ok(id * 2))).collect();
        assert_eq!(seen, expected);
        assert!(pool.recv_timeout(Duration::ZERO).is_none());
        assert!(pool.running().is_empty());
    }

    #[test]
    fn a_panic_is_reported_and_costs_no_worker() {
        let pool: Pool<u32, u32> = Pool::new(1).unwrap();
        pool.submit(1, |_| panic!("oh {}", "no")).unwrap();
        pool.submit(2, |_| std::panic::panic_any(17_u8)).unwrap();
        pool.submit(3, |_| 33).unwrap();
        let message = |text: &str| {
            Err(JobPanicked {
                message: text.to_owned(),
            })
        };
        assert_eq!(finished(&pool), (1, message("oh no")));
        assert_eq!(finished(&pool), (2, message("without a message")));
        assert_eq!(finished(&pool), (3, Ok(33)));
    }

    #[test]
    fn jobs_that_run_at_once_are_of_different_workers() {
        let pool = Pool::new(2).unwrap();
        let (begun, started) = sync_channel(2);
        for id in 0..2 {
            let begun = begun.clone();
            pool.submit(id, move |token| obedient(token, || begun.send(()).unwrap()))
                .unwrap();
        }
        for _ in 0..2 {
            started.recv_timeout(LONG).unwrap();
        }
        pool.cancel_all();
        let mut workers: Vec<usize> = (0..2)
            .map(|_| match pool.recv_timeout(LONG) {
                Some(PoolEvent::Finished { worker, .. }) => worker,
                other => panic!("no job finished: {other:?}"),
            })
            .collect();
        workers.sort_unstable();
        assert_eq!(workers, [0, 1]);
    }

    #[test]
    fn cancelled_jobs_come_back_whether_they_had_started_or_not() {
        let pool = Pool::new(1).unwrap();
        let (begun, started) = sync_channel(1);
        pool.submit(1, move |token| obedient(token, || begun.send(()).unwrap()))
            .unwrap();
        pool.submit(2, CancelToken::is_cancelled).unwrap();
        started.recv_timeout(LONG).unwrap();
        assert_eq!((pool.running(), pool.queued()), (vec![1], 1));
        assert!(pool.cancel(&2) && pool.cancel(&1) && !pool.cancel(&3));
        assert_eq!(finished(&pool), (1, Ok(true)));
        assert_eq!(finished(&pool), (2, Ok(true)));
    }

    #[test]
    fn a_name_is_free_again_once_its_job_has_ended() {
        let pool = Pool::new(1).unwrap();
        pool.submit("a", |token| obedient(token, || {})).unwrap();
        assert_eq!(pool.submit("a", |_| true), Err(SubmitError::Duplicate("a")));
        pool.cancel_all();
        assert_eq!(finished(&pool), ("a", Ok(true)));
        pool.submit("a", |_| true).unwrap();
        assert_eq!(finished(&pool), ("a", Ok(true)));
    }

    #[test]
    fn dropping_the_pool_ends_its_jobs() {
        let (ended, endings) = sync_channel(3);
        let (begun, started) = sync_channel(1);
        let pool = Pool::new(1).unwrap();
        for id in 0..3 {
            let (ended, begun) = (ended.clone(), begun.clone());
            pool.submit(id, move |token| {
                obedient(token, || {
                    // Only the first of them is waited for.
                    let _ = begun.try_send(());
                });
                ended.send(token.level()).unwrap();
            })
            .unwrap();
        }
        started.recv_timeout(LONG).unwrap();
        drop(pool);
        let levels: Vec<_> = endings.try_iter().collect();
        assert_eq!(levels, [crate::CancelLevel::Kill; 3]);
    }

    #[test]
    fn a_waker_interrupts_the_wait() {
        let pool: Pool<u32, ()> = Pool::new(1).unwrap();
        let waker = pool.waker();
        let thread = std::thread::spawn(move || waker.wake());
        assert!(matches!(pool.recv_timeout(LONG), Some(PoolEvent::Woken)));
        thread.join().unwrap();
    }
}
