//! Carries a command's output into its log, up to a limit, and never makes the command wait.

use std::fs::File;
use std::io::{self, Read, Write};
use std::path::Path;

/// Reads that one call may make, so that a command that never stops writing cannot keep its watcher from watching.
const READS_PER_TURN: usize = 16;
const BUFFER_BYTES: usize = 64 << 10;

/// Carries a command's output into its log.
#[derive(Debug)]
pub(crate) struct Pump {
    source: Option<io::PipeReader>,
    log: File,
    buffer: Vec<u8>,
    room: u64,
    kept: u64,
    dropped: u64,
    /// The first failure to write the log, after which everything is dropped.
    failure: Option<io::Error>,
}

impl Pump {
    /// Creates the log and the pipe whose returned end is the command's output.
    ///
    /// # Errors
    /// When the log cannot be created or the system has no pipe left.
    pub(crate) fn new(log: &Path, limit_bytes: u64) -> io::Result<(Self, io::PipeWriter)> {
        let log = File::create(log)?;
        let (source, sink) = io::pipe()?;
        rustix::io::ioctl_fionbio(&source, true)?;
        let pump = Self {
            source: Some(source),
            log,
            buffer: vec![0; BUFFER_BYTES],
            room: limit_bytes,
            kept: 0,
            dropped: 0,
            failure: None,
        };
        Ok((pump, sink))
    }

    /// The pipe to wait for; none once every writer has closed it.
    pub(crate) fn source(&self) -> Option<&io::PipeReader> {
        self.source.as_ref()
    }

    /// Moves what is there, but not forever. Returns whether there may be more.
    pub(crate) fn turn(&mut self) -> bool {
        for _ in 0..READS_PER_TURN {
            let Some(source) = &mut self.source else {
                return false;
            };
            match source.read(&mut self.buffer) {
                Ok(0) => self.source = None,
                Ok(count) => self.keep(count),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return false,
                Err(_) => self.source = None,
            }
        }
        true
    }

    fn keep(&mut self, count: usize) {
        let keep = usize::try_from(self.room).unwrap_or(usize::MAX).min(count);
        if keep > 0 && self.failure.is_none() {
            match self.log.write_all(&self.buffer[..keep]) {
                Ok(()) => {
                    self.room -= keep as u64;
                    self.kept += keep as u64;
                    self.dropped += (count - keep) as u64;
                    return;
                }
                Err(error) => self.failure = Some(error),
            }
        }
        self.dropped += count as u64;
    }

    /// Ends the log, with a note if it is not whole, and returns whether anything was dropped.
    pub(crate) fn finish(mut self) -> bool {
        if self.dropped == 0 {
            return false;
        }
        let cause = match &self.failure {
            None => "the limit was reached".to_owned(),
            Some(error) => error.to_string(),
        };
        // On a full disk the note is lost too; the report still says that the log is cut.
        let _ = writeln!(
            self.log,
            "\n[noodle2] output cut here: {} bytes kept, {} bytes dropped: {cause}",
            self.kept, self.dropped
        );
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pumped(limit: u64, output: &[u8]) -> (bool, String) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("log");
        let (mut pump, mut sink) = Pump::new(&path, limit).unwrap();
        sink.write_all(output).unwrap();
        drop(sink);
        while pump.turn() {}
        assert!(pump.source().is_none());
        (pump.finish(), std::fs::read_to_string(&path).unwrap())
    }

    #[test]
    fn output_up_to_the_limit_is_kept_as_it_is() {
        assert_eq!(pumped(5, b"hello"), (false, "hello".to_owned()));
        assert_eq!(pumped(0, b""), (false, String::new()));
    }

    #[test]
    fn output_beyond_the_limit_is_dropped_and_the_log_says_so() {
        let (cut, log) = pumped(4, b"hello");
        assert!(cut);
        assert_eq!(
            log,
            "hell\n[noodle2] output cut here: 4 bytes kept, 1 bytes dropped: the limit was reached\n"
        );
    }

    #[test]
    fn a_log_that_cannot_be_written_counts_as_cut() {
        let (mut pump, mut sink) = Pump::new(Path::new("/dev/full"), 100).unwrap();
        sink.write_all(b"hello").unwrap();
        drop(sink);
        while pump.turn() {}
        assert_eq!((pump.kept, pump.dropped), (0, 5));
        assert!(pump.finish());
    }
}
