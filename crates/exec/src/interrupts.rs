//! Counts the requests of a person or the system to stop this program.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread::JoinHandle;

use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::iterator::{Handle, Signals};

/// Counts SIGINT and SIGTERM. By convention the first asks to finish what runs, the second to stop it now.
///
/// From installation to the end of the program these signals no longer end it by themselves, even after this is dropped.
#[derive(Debug)]
pub struct Interrupts {
    count: Arc<AtomicUsize>,
    handle: Handle,
    listener: Option<JoinHandle<()>>,
}

/// The signals could not be caught.
#[derive(Debug, thiserror::Error)]
#[error("N2-EXEC-005: interrupts cannot be caught: {0}")]
pub struct InstallError(#[from] io::Error);

impl Interrupts {
    /// Starts to count, and calls `wake` with the count after each signal, from a thread of its own.
    ///
    /// # Errors
    /// When the system refuses the signal handlers or the thread.
    pub fn install(wake: impl Fn(usize) + Send + 'static) -> Result<Self, InstallError> {
        let mut signals = Signals::new([SIGINT, SIGTERM])?;
        let handle = signals.handle();
        let count = Arc::new(AtomicUsize::new(0));
        let counted = Arc::clone(&count);
        let listener = std::thread::Builder::new()
            .name("interrupts".to_owned())
            .spawn(move || {
                for _ in signals.forever() {
                    wake(counted.fetch_add(1, Ordering::SeqCst) + 1);
                }
            })?;
        Ok(Self {
            count,
            handle,
            listener: Some(listener),
        })
    }

    /// How many such signals have come.
    pub fn count(&self) -> usize {
        self.count.load(Ordering::SeqCst)
    }
}

impl Drop for Interrupts {
    fn drop(&mut self) {
        self.handle.close();
        if let Some(listener) = self.listener.take() {
            // It can only have panicked in the caller's own callback, which has been reported.
            let _ = listener.join();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::channel;
    use std::time::Duration;

    use rustix::process::{Signal, getpid, kill_process};

    use super::*;

    #[test]
    fn each_signal_counts_and_wakes() {
        let (sender, woken) = channel();
        let interrupts = Interrupts::install(move |count| sender.send(count).unwrap()).unwrap();
        for (expected, signal) in [(1, Signal::INT), (2, Signal::TERM)] {
            kill_process(getpid(), signal).unwrap();
            assert_eq!(woken.recv_timeout(Duration::from_secs(60)), Ok(expected));
        }
        assert_eq!(interrupts.count(), 2);
    }
}
