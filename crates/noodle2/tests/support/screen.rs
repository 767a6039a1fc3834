//! A terminal without anybody before it: a pseudo-terminal, and a model of what it shows.

use std::fs::File;
use std::io::{Read, Write};
use std::num::NonZero;
use std::os::fd::AsFd;
use std::process::{Child, Command};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{Winsize, tcsetwinsize};

use super::PATIENCE;

/// How many rows that scrolled away are remembered.
const SCROLLBACK: usize = 5_000;

/// A program on a terminal of its own.
pub struct Screen {
    child: Child,
    keys: File,
    shown: Arc<Mutex<Shown>>,
}

struct Shown {
    model: vt100::Parser,
    bytes: Vec<u8>,
    is_closed: bool,
}

impl Screen {
    /// Starts a program with stdin, stdout and stderr on a new terminal, which is the one that controls it.
    pub fn start(program: &Command, rows: u16, columns: u16) -> Self {
        let controller = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
        grantpt(&controller).unwrap();
        unlockpt(&controller).unwrap();
        let name = ptsname(&controller, Vec::new()).unwrap();
        resize(&controller, rows, columns);
        let end = || {
            let path = name.to_str().unwrap();
            File::options().read(true).write(true).open(path).unwrap()
        };
        let mut command = Command::new("setsid");
        command
            .args(["--ctty", "--wait"])
            .arg(program.get_program());
        command.args(program.get_args());
        for (name, value) in program.get_envs() {
            match value {
                Some(value) => command.env(name, value),
                None => command.env_remove(name),
            };
        }
        let child = command.stdin(end()).stdout(end()).stderr(end()).spawn();
        let mut output = File::from(controller);
        let keys = output.try_clone().unwrap();
        let shown = Arc::new(Mutex::new(Shown {
            model: vt100::Parser::new(cells(rows), cells(columns), SCROLLBACK),
            bytes: Vec::new(),
            is_closed: false,
        }));
        let told = Arc::clone(&shown);
        thread::spawn(move || {
            let mut block = [0; 4096];
            // The terminal of a program that has ended cannot be read any more.
            while let Ok(count @ 1..) = output.read(&mut block) {
                let mut shown = told.lock().unwrap();
                shown.model.process(&block[..count]);
                shown.bytes.extend_from_slice(&block[..count]);
            }
            told.lock().unwrap().is_closed = true;
        });
        Self {
            child: child.unwrap(),
            keys,
            shown,
        }
    }

    /// What stands on it.
    pub fn text(&self) -> String {
        self.shown.lock().unwrap().model.screen().contents()
    }

    /// Everything that was written to it, as it was.
    pub fn bytes(&self) -> String {
        String::from_utf8_lossy(&self.shown.lock().unwrap().bytes).into_owned()
    }

    /// What stands on it below everything that scrolled away.
    pub fn everything(&self) -> String {
        let mut shown = self.shown.lock().unwrap();
        let screen = shown.model.screen_mut();
        screen.set_scrollback(SCROLLBACK);
        let above = screen.scrollback();
        let columns = screen.size().1.get();
        let mut text = String::new();
        for offset in (1..=above).rev() {
            screen.set_scrollback(offset);
            let row = screen.rows(0, columns).next();
            text.push_str(&row.unwrap_or_default());
            text.push('\n');
        }
        screen.set_scrollback(0);
        text + &screen.contents()
    }

    /// Waits until it shows this.
    pub fn wait_for(&self, wanted: &str) {
        self.wait_until(wanted, |text| text.contains(wanted));
    }

    /// Waits until what it shows is as wanted.
    pub fn wait_until(&self, what: &str, wanted: impl Fn(&str) -> bool) {
        let deadline = Instant::now() + PATIENCE;
        while !wanted(&self.text()) {
            let is_closed = self.shown.lock().unwrap().is_closed;
            assert!(
                !is_closed && Instant::now() < deadline || wanted(&self.text()),
                "never shown: {what}\n{}",
                self.everything()
            );
            thread::sleep(Duration::from_millis(10));
        }
    }

    /// Types something.
    pub fn press(&mut self, keys: &[u8]) {
        self.keys.write_all(keys).unwrap();
    }

    /// Gives it another size.
    pub fn resize(&self, rows: u16, columns: u16) {
        resize(&self.keys, rows, columns);
        let mut shown = self.shown.lock().unwrap();
        shown
            .model
            .screen_mut()
            .set_size(cells(rows), cells(columns));
    }

    /// Waits for the program to end and for the last that it wrote; returns its exit status, if it was not killed.
    pub fn end(&mut self) -> Option<i32> {
        let status = self.child.wait().unwrap();
        let deadline = Instant::now() + PATIENCE;
        while !self.shown.lock().unwrap().is_closed {
            assert!(Instant::now() < deadline, "the terminal is never let go");
            thread::sleep(Duration::from_millis(10));
        }
        status.code()
    }

    /// Asserts that it was left as it was found: the cursor is to be seen, at the left below everything, on the screen
    /// that was there before.
    pub fn is_clean(&self) {
        let shown = self.shown.lock().unwrap();
        let screen = shown.model.screen();
        assert!(!screen.hide_cursor());
        assert!(!screen.alternate_screen());
        assert_eq!(screen.cursor_position().1, 0, "{}", screen.contents());
        assert_eq!(screen.fgcolor(), vt100::Color::Default);
        let bytes = String::from_utf8_lossy(&shown.bytes);
        let begun = bytes.matches("\x1b[?2026h").count();
        assert_eq!(begun, bytes.matches("\x1b[?2026l").count());
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn resize(terminal: impl AsFd, rows: u16, columns: u16) {
    let size = Winsize {
        ws_row: rows,
        ws_col: columns,
        ws_xpixel: 0,
        ws_ypixel: 0,
    };
    tcsetwinsize(terminal, size).unwrap();
}

fn cells(count: u16) -> NonZero<u16> {
    NonZero::new(count).unwrap()
}
