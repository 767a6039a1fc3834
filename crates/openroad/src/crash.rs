//! Crashes in a log: what the C++ runtime says, the signal that OpenROAD's own handler reports, and the stack trace.

use serde::Serialize;

/// What a log says of a crash.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize)]
pub struct Crash<'a> {
    /// The type of the exception that nothing caught, of `terminate called after throwing an instance of 'type'`.
    pub exception: Option<&'a str>,
    /// What that exception said.
    pub what: Option<&'a str>,
    /// The signal, of `Signal 11 received`.
    pub signal: Option<i32>,
    /// The functions of the stack trace that have names, innermost first.
    pub stack: Vec<&'a str>,
    /// Its first line in the log, from 1.
    pub line: usize,
}

impl Crash<'_> {
    /// Whether it happened while a file was written: the trace goes through the writing of a file.
    pub fn was_writing(&self) -> bool {
        self.stack.iter().any(|function| {
            let function = function.to_ascii_lowercase();
            function.contains("write") || function.contains("utl::streamhandler")
        })
    }

    /// Whether an operation on a file failed.
    pub fn is_of_a_file(&self) -> bool {
        let says = |text: Option<&str>, words: &str| text.is_some_and(|text| text.contains(words));
        says(self.exception, "ios") || says(self.what, "iostream error")
    }
}

/// Takes lines of a log that tell of a crash.
#[derive(Debug, Default)]
pub(crate) struct CrashReader<'a> {
    crashes: Vec<Crash<'a>>,
    /// Whether the last line belonged to the last crash, so that the next may too.
    is_open: bool,
}

impl<'a> CrashReader<'a> {
    /// Whether the line belongs to a crash.
    pub(crate) fn take(&mut self, text: &'a str, line: usize) -> bool {
        self.is_open = self.part(text, line);
        self.is_open
    }

    fn part(&mut self, text: &'a str, line: usize) -> bool {
        if let Some(rest) = text.strip_prefix("terminate called") {
            let exception = rest.split('\'').nth(1);
            self.crashes.push(Crash {
                exception,
                line,
                ..Crash::default()
            });
            return true;
        }
        if let Some(signal) = signal(text) {
            let follows = self.is_open
                && self
                    .crashes
                    .last()
                    .is_some_and(|crash| crash.signal.is_none());
            if !follows {
                self.crashes.push(Crash {
                    line,
                    ..Crash::default()
                });
            }
            if let Some(crash) = self.crashes.last_mut() {
                crash.signal = Some(signal);
            }
            return true;
        }
        let Some(crash) = self.crashes.last_mut().filter(|_| self.is_open) else {
            return false;
        };
        if let Some(what) = text.trim_start().strip_prefix("what():") {
            crash.what = Some(what.trim());
            return true;
        }
        if text == "Stack trace:" {
            return true;
        }
        let Some(frame) = frame(text) else {
            return false;
        };
        if !frame.starts_with("0x") {
            crash.stack.push(frame);
        }
        true
    }

    pub(crate) fn finish(self) -> Vec<Crash<'a>> {
        self.crashes
    }
}

/// The signal of `Signal 11 received`.
fn signal(text: &str) -> Option<i32> {
    let number = text.strip_prefix("Signal ")?.strip_suffix(" received")?;
    number
        .parse()
        .ok()
        .filter(|number| (1..=64).contains(number))
}

/// The function of a line of a stack trace: ` 3# function in binary`.
fn frame(text: &str) -> Option<&str> {
    let (number, rest) = text.trim_start().split_once("# ")?;
    let is_number =
        (1..=4).contains(&number.len()) && number.bytes().all(|byte| byte.is_ascii_digit());
    let function = rest
        .rsplit_once(" in ")
        .map_or(rest, |(function, _)| function);
    is_number.then_some(function)
}

/// Whether a line is part of what a crash prints, which says little to a reader.
pub(crate) fn is_trace(text: &str) -> bool {
    text == "Stack trace:" || frame(text).is_some()
}
