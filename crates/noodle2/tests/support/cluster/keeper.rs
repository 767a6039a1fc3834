//! The process that ends a cluster when its test has ended, by whatever cause.

use std::io::Write;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, ChildStdin, Command, Stdio};

/// Lives as long as the test, and one clean-up longer. A pipe from the test tells it the end: a kernel closes the pipe
/// of a process that was killed, too.
pub struct Keeper {
    process: Child,
    pipe: Option<ChildStdin>,
}

impl Keeper {
    pub fn start(python: &Path, mark: &str, folder: &Path) -> Self {
        let mut process = Command::new(python)
            .args(["-c", include_str!("keeper.py"), mark])
            .arg(folder)
            // A group of its own: who kills the group of a test spares it.
            .process_group(0)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let pipe = process.stdin.take();
        Self { process, pipe }
    }

    /// Has a network namespace removed at the end.
    pub fn remove_namespace(&mut self, name: &str) {
        self.tell(&format!("namespace {name}"));
    }

    /// Has a network device removed at the end.
    pub fn remove_link(&mut self, name: &str) {
        self.tell(&format!("link {name}"));
    }

    fn tell(&mut self, line: &str) {
        writeln!(self.pipe.as_mut().unwrap(), "{line}").unwrap();
    }
}

impl Drop for Keeper {
    fn drop(&mut self) {
        self.pipe = None;
        // A test that fails already is not made to abort.
        self.process.wait().ok();
    }
}
