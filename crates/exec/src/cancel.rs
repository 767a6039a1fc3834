//! Requests to stop that reach a waiting command at once.

use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::{Duration, Instant};

use rustix::event::{EventfdFlags, PollFd, PollFlags, Timespec, eventfd, poll};

/// How urgently a command is asked to stop.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
#[repr(u8)]
pub enum CancelLevel {
    /// Not at all.
    None = 0,
    /// It is asked to end (TERM) and killed after its grace.
    Stop = 1,
    /// It is killed now.
    Kill = 2,
}

impl CancelLevel {
    fn from_raw(raw: u8) -> Self {
        match raw {
            0 => Self::None,
            1 => Self::Stop,
            _ => Self::Kill,
        }
    }
}

/// A request to stop, shared by the one who asks and the one who is asked. Clones are the same token.
#[derive(Clone, Debug, Default)]
pub struct CancelToken {
    shared: Arc<Shared>,
}

#[derive(Debug, Default)]
struct Shared {
    level: AtomicU8,
    /// Event counters of those who wait now; each is removed by being dropped.
    listeners: Mutex<Vec<Weak<OwnedFd>>>,
}

impl CancelToken {
    /// A token that nobody has cancelled.
    pub fn new() -> Self {
        Self::default()
    }

    /// Asks to stop, with the command's grace.
    pub fn cancel(&self) {
        self.raise(CancelLevel::Stop);
    }

    /// Asks to stop at once, without grace.
    pub fn kill(&self) {
        self.raise(CancelLevel::Kill);
    }

    /// What has been asked so far.
    pub fn level(&self) -> CancelLevel {
        CancelLevel::from_raw(self.shared.level.load(Ordering::SeqCst))
    }

    /// Whether a stop has been asked for.
    pub fn is_cancelled(&self) -> bool {
        self.level() > CancelLevel::None
    }

    /// Whether this is the same token as another.
    pub(crate) fn is(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.shared, &other.shared)
    }

    /// Waits for so long, or until a stop is asked for; returns whether it was.
    pub fn wait(&self, at_most: Duration) -> bool {
        let until = Instant::now() + at_most;
        let listener = self.listen();
        while !self.is_cancelled() {
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                break;
            }
            match (&listener, Timespec::try_from(left)) {
                (Ok(listener), Ok(left)) => {
                    // Woken early by a signal, it looks at the clock and waits on.
                    let _ = poll(&mut [PollFd::new(listener, PollFlags::IN)], Some(&left));
                }
                _ => std::thread::sleep(left.min(Duration::from_millis(100))),
            }
        }
        self.is_cancelled()
    }

    /// A request is never taken back, so the level only rises.
    fn raise(&self, level: CancelLevel) {
        self.shared.level.fetch_max(level as u8, Ordering::SeqCst);
        let mut listeners = self.listeners();
        listeners.retain(|listener| match listener.upgrade() {
            Some(counter) => {
                wake(&counter);
                true
            }
            None => false,
        });
    }

    /// Starts to listen; a request that was made before is heard too.
    pub(crate) fn listen(&self) -> io::Result<CancelListener> {
        let counter = Arc::new(eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK)?);
        let mut listeners = self.listeners();
        listeners.retain(|listener| listener.strong_count() > 0);
        listeners.push(Arc::downgrade(&counter));
        drop(listeners);
        // The level rises before listeners are told, so one of the two ways reaches this listener.
        if self.is_cancelled() {
            wake(&counter);
        }
        Ok(CancelListener {
            token: self.clone(),
            counter,
        })
    }

    fn listeners(&self) -> std::sync::MutexGuard<'_, Vec<Weak<OwnedFd>>> {
        // The list is whole at every instant, so a panic elsewhere cannot have spoilt it.
        self.shared
            .listeners
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

fn wake(counter: &OwnedFd) {
    // The only possible failure is a counter that is full, and then its reader is awake already.
    let _ = rustix::io::write(counter, &1_u64.to_ne_bytes());
}

/// A descriptor that becomes readable when its token is cancelled.
#[derive(Debug)]
pub(crate) struct CancelListener {
    token: CancelToken,
    counter: Arc<OwnedFd>,
}

impl CancelListener {
    /// What has been asked so far; makes the descriptor unreadable until more is asked.
    pub(crate) fn level(&self) -> CancelLevel {
        let _ = rustix::io::read(&*self.counter, &mut [0; 8]);
        self.token.level()
    }
}

impl AsFd for CancelListener {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.counter.as_fd()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_readable(listener: &CancelListener) -> bool {
        let mut descriptors = [PollFd::new(listener, PollFlags::IN)];
        poll(&mut descriptors, Some(&Timespec::default())).unwrap() == 1
    }

    #[test]
    fn every_listener_wakes_and_the_level_only_rises() {
        let token = CancelToken::new();
        let (first, second) = (token.listen().unwrap(), token.clone().listen().unwrap());
        assert!(!is_readable(&first) && !is_readable(&second));

        token.kill();
        token.cancel();
        assert!(is_readable(&first) && is_readable(&second));
        assert_eq!(first.level(), CancelLevel::Kill);
        assert!(!is_readable(&first), "the request was read");
    }

    #[test]
    fn a_late_listener_hears_of_it_too() {
        let token = CancelToken::new();
        token.cancel();
        assert!(is_readable(&token.listen().unwrap()));
    }

    #[test]
    fn a_wait_ends_with_its_time_or_with_a_request() {
        let token = CancelToken::new();
        assert!(!token.wait(Duration::from_millis(1)));
        let other = token.clone();
        let waiting = std::thread::spawn(move || other.wait(Duration::from_secs(3600)));
        token.cancel();
        assert!(waiting.join().unwrap());
        assert!(token.wait(Duration::from_secs(3600)));
    }

    #[test]
    fn listeners_that_are_gone_are_forgotten() {
        let token = CancelToken::new();
        for _ in 0..10 {
            drop(token.listen().unwrap());
        }
        let _kept = token.listen().unwrap();
        assert_eq!(token.listeners().len(), 1);
    }
}
