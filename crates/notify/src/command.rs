//! Telling a program, which gets the message on its standard input.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom, Write};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process_group};
use serde_json::Value;

use crate::TryFailed;

/// How often a running program is looked at.
const GLANCE: Duration = Duration::from_millis(20);
/// Bytes of the end of a program's standard error that its last line is taken from.
const LAST_WORDS: u64 = 2048;

/// A program with its arguments.
pub(crate) struct Program {
    program: PathBuf,
    arguments: Vec<String>,
    folder: PathBuf,
    timeout: Duration,
}

impl Program {
    pub(crate) fn new(
        command: &[String],
        folder: &Path,
        timeout: Duration,
    ) -> Result<Self, String> {
        let (program, arguments) = command.split_first().ok_or("no program is named")?;
        let program = match program.contains('/') {
            true => std::path::absolute(folder.join(program)).map_err(|error| error.to_string())?,
            false => PathBuf::from(program),
        };
        Ok(Self {
            program,
            arguments: arguments.to_vec(),
            folder: folder.to_owned(),
            timeout,
        })
    }

    pub(crate) fn deliver(&self, message: &Value) -> Result<(), TryFailed> {
        let failed = |reason: String, is_transient| TryFailed {
            reason,
            is_transient,
        };
        let mut words = tempfile::tempfile().map_err(|error| failed(error.to_string(), true))?;
        let mut child = self
            .start(message, &words)
            .map_err(|error| failed(format!("it could not be started: {error}"), true))?;
        let status = self
            .wait(&mut child)
            .map_err(|error| failed(error.to_string(), true))?;
        let reason = match status {
            Some(status) if status.success() => return Ok(()),
            Some(status) => status.to_string(),
            None => format!("it did not end within {} s", self.timeout.as_secs()),
        };
        let last = last_line(&mut words).map(|line| format!(": {line}"));
        Err(failed(
            format!("{reason}{}", last.unwrap_or_default()),
            true,
        ))
    }

    /// The message goes into a file first, so that a program that does not read cannot hold anything up.
    fn start(&self, message: &Value, words: &File) -> std::io::Result<Child> {
        let mut input = tempfile::tempfile()?;
        writeln!(input, "{message}")?;
        input.seek(SeekFrom::Start(0))?;
        Command::new(&self.program)
            .args(&self.arguments)
            .current_dir(&self.folder)
            .stdin(Stdio::from(input))
            .stdout(Stdio::null())
            .stderr(Stdio::from(words.try_clone()?))
            .process_group(0)
            .spawn()
    }

    /// How it ended; `None` when it did not in time, and was killed with all of its group.
    fn wait(&self, child: &mut Child) -> std::io::Result<Option<ExitStatus>> {
        let deadline = Instant::now() + self.timeout;
        loop {
            if let Some(status) = child.try_wait()? {
                return Ok(Some(status));
            }
            if Instant::now() >= deadline {
                if let Some(group) = Pid::from_raw(child.id().cast_signed()) {
                    // It may have ended in between.
                    let _ = kill_process_group(group, Signal::KILL);
                }
                child.wait()?;
                return Ok(None);
            }
            std::thread::sleep(GLANCE);
        }
    }
}

fn last_line(words: &mut File) -> Option<String> {
    let length = words.metadata().ok()?.len();
    words
        .seek(SeekFrom::Start(length.saturating_sub(LAST_WORDS)))
        .ok()?;
    let mut text = Vec::new();
    words.take(LAST_WORDS).read_to_end(&mut text).ok()?;
    let text = String::from_utf8_lossy(&text);
    let line = text.lines().rfind(|line| !line.trim().is_empty())?;
    Some(line.trim().to_owned())
}
