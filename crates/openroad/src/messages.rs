//! Messages of a log: `[LEVEL TOOL-NUMBER] text`, what the interpreter says of a script that failed, crashes, the
//! start-up banner, and the steps that the engine's scripts announce.

use std::fmt;

use serde::Serialize;

use crate::crash::{Crash, CrashReader};

/// The most lines of a log that are shown with a refusal.
pub const MAX_EXCERPT_LINES: usize = 20;

/// How serious a message is, by the word that OpenROAD writes.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum MessageLevel {
    /// `TRACE` or `DEBUG`.
    Debug,
    /// `INFO`.
    Info,
    /// `WARNING`.
    Warning,
    /// `ERROR`: the command that printed it failed, whether or not the script caught that.
    Error,
    /// `CRITICAL`: the process ends itself with status 1.
    Critical,
}

impl MessageLevel {
    fn from_word(word: &str) -> Option<Self> {
        Some(match word {
            "TRACE" | "DEBUG" => Self::Debug,
            "INFO" => Self::Info,
            "WARNING" => Self::Warning,
            "ERROR" => Self::Error,
            "CRITICAL" => Self::Critical,
            _ => return None,
        })
    }

    /// Whether the command that printed it failed.
    pub const fn is_error(self) -> bool {
        matches!(self, Self::Error | Self::Critical)
    }
}

impl fmt::Display for MessageLevel {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Debug => "debug",
            Self::Info => "info",
            Self::Warning => "warning",
            Self::Error => "error",
            Self::Critical => "critical",
        })
    }
}

/// A code such as `GRT-0116`: the part of OpenROAD that speaks, and the number of what it says. Debug messages have the
/// name of a group in place of a number.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Code<'a> {
    text: &'a str,
    dash: usize,
}

impl<'a> Code<'a> {
    /// The code that `text` is as a whole; none where it is not two to eight capitals, a dash, and more.
    pub fn parse(text: &'a str) -> Option<Self> {
        let dash = text.find('-')?;
        let (tool, rest) = (&text[..dash], &text[dash + 1..]);
        let is_tool = (2..=8).contains(&tool.len())
            && tool.bytes().all(|byte| byte.is_ascii_uppercase())
            && !rest.is_empty();
        is_tool.then_some(Self { text, dash })
    }

    /// The code that `text` is as a whole, with a number.
    fn numbered(text: &'a str) -> Option<Self> {
        Self::parse(text).filter(|code| code.number().is_some())
    }

    /// The whole code, as printed.
    pub const fn as_str(self) -> &'a str {
        self.text
    }

    /// The part of OpenROAD, such as `GRT`.
    pub fn tool(self) -> &'a str {
        &self.text[..self.dash]
    }

    /// The number; none for the group of a debug message.
    pub fn number(self) -> Option<u32> {
        let digits = &self.text[self.dash + 1..];
        let is_number =
            (1..=9).contains(&digits.len()) && digits.bytes().all(|byte| byte.is_ascii_digit());
        is_number.then(|| digits.parse().ok()).flatten()
    }
}

impl fmt::Display for Code<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.text)
    }
}

impl Serialize for Code<'_> {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.text)
    }
}

/// A message with a code.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize)]
pub struct Message<'a> {
    /// How serious.
    pub level: MessageLevel,
    /// Its code.
    pub code: Code<'a>,
    /// What it says, on its first line.
    pub text: &'a str,
    /// The line of the log, from 1.
    pub line: usize,
}

impl<'a> Message<'a> {
    /// The message that a line is.
    pub(crate) fn parse(text: &'a str, line: usize) -> Option<Self> {
        let (head, rest) = text.strip_prefix('[')?.split_once(']')?;
        let (level, code) = head.split_once(' ')?;
        Some(Self {
            level: MessageLevel::from_word(level)?,
            code: Code::parse(code)?,
            text: rest.trim(),
            line,
        })
    }

    /// Whether it says that messages of its code are printed no more, so that their number is not known: OpenROAD
    /// prints the first thousand of a code.
    pub fn ends_its_code(&self) -> bool {
        self.text.starts_with("message limit (")
    }
}

/// What the interpreter says of a script that failed: `Error: script.tcl, 5 GRT-0116`. A script that caught the failure
/// goes on without such a line.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize)]
pub struct InterpreterError<'a> {
    /// The script and the line in it; none where it names no place.
    pub place: Option<(&'a str, u32)>,
    /// The code of the message that was printed before, where the script failed with one.
    pub code: Option<Code<'a>>,
    /// What it says: the code again, or a text.
    pub text: &'a str,
    /// The line of the log, from 1.
    pub line: usize,
}

impl<'a> InterpreterError<'a> {
    fn parse(text: &'a str, line: usize) -> Option<Self> {
        let head = text.strip_prefix("Error")?;
        let (number, rest) = head.split_once(':')?;
        // Before OpenROAD's logger there were numbers alone: `Error 12: text`.
        if !number.trim().bytes().all(|byte| byte.is_ascii_digit()) {
            return None;
        }
        let rest = rest.trim();
        let place = place(rest);
        let text = place.map_or(rest, |(_, _, text)| text);
        Some(Self {
            place: place.map(|(file, number, _)| (file, number)),
            code: Code::numbered(text),
            text,
            line,
        })
    }
}

/// The script, the line in it and what follows, of `script.tcl, 5 text`.
fn place(text: &str) -> Option<(&str, u32, &str)> {
    let mut from = 0;
    while let Some(found) = text[from..].find(", ") {
        let (file, rest) = (&text[..from + found], &text[from + found + 2..]);
        let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
        let (number, after) = rest.split_at(digits);
        if (1..=9).contains(&digits) && (after.is_empty() || after.starts_with(' ')) {
            return Some((file, number.parse().ok()?, after.trim()));
        }
        from += found + 2;
    }
    None
}

/// The version in the start-up banner, or that `openroad -version` prints.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Version {
    /// The version as it stands: `v2.0-20250301-d4884860`, `v2.0-25765-g83ff256997`, `0.9.0`, or a commit alone.
    pub text: String,
    /// The commit, in hexadecimal, where the version names one.
    pub commit: Option<String>,
}

impl Version {
    /// The version in the line that `openroad -version` prints: the version, then what git called the commit, which may be
    /// missing. The banner has the word `OpenROAD` before it. None where the line is neither.
    pub fn parse(line: &str) -> Option<Self> {
        let line = line.trim();
        let mut words = line.strip_prefix("OpenROAD ").unwrap_or(line).split(' ');
        let text = words.next()?;
        let second = words.next();
        if words.next().is_some() {
            return None;
        }
        let numbered = text.strip_prefix('v').unwrap_or(text);
        let is_version = numbered.starts_with(|first: char| first.is_ascii_digit())
            && numbered.contains('.')
            && numbered.bytes().all(|byte| {
                byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_' | b'+')
            });
        if !is_version && (text.len() != 40 || commit(text).is_none()) {
            return None;
        }
        let last = numbered.rsplit('-').next().filter(|part| *part != numbered);
        let named = second
            .and_then(|word| commit(word.rsplit('-').next().unwrap_or(word)))
            .or_else(|| commit(text))
            .or_else(|| last.and_then(commit));
        Some(Self {
            text: text.to_owned(),
            commit: named.map(str::to_owned),
        })
    }
}

/// The commit that a word is: at least seven hexadecimal digits, with the `g` that git puts before them.
fn commit(word: &str) -> Option<&str> {
    let digits = word.strip_prefix('g').unwrap_or(word);
    let is_commit = (7..=40).contains(&digits.len())
        && digits
            .bytes()
            .all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte))
        // Eight digits alone are a date.
        && (word != digits || digits.len() > 8 || digits.bytes().any(|byte| byte.is_ascii_lowercase()));
    is_commit.then_some(digits)
}

/// A word of the banner's line on features. It proves nothing: builds list features with `+` that they do not have.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Feature {
    /// Its name, such as `GUI`.
    pub name: String,
    /// Whether the banner says that it is included.
    pub included: bool,
}

/// A line `noodle2: <step>`, which the engine's scripts print when a step begins.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize)]
pub struct Step<'a> {
    /// The name of the step, without the word that it is made again.
    pub name: &'a str,
    /// The line of the log, from 1.
    pub line: usize,
}

/// A line `noodle2: <step> failed: <message>`, which the engine's scripts print when nothing in a step caught what failed.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize)]
pub struct StepFailure<'a> {
    /// The name of the step.
    pub step: &'a str,
    /// The code of the message that was printed before, where the step failed with one.
    pub code: Option<Code<'a>>,
    /// What the script's language says: the code again, or a text.
    pub text: &'a str,
    /// The line of the log, from 1.
    pub line: usize,
}

/// What follows the name of a step in which what was read before is read again.
const AGAIN: &str = " again";

/// What a log holds besides reports.
#[derive(Clone, PartialEq, Debug, Default, Serialize)]
pub struct Log<'a> {
    /// The version in the banner; none where the banner was not printed.
    pub version: Option<Version>,
    /// The banner's line on features.
    pub features: Vec<Feature>,
    /// Messages with a code, in order.
    pub messages: Vec<Message<'a>>,
    /// What the interpreter said, in order.
    pub interpreter_errors: Vec<InterpreterError<'a>>,
    /// Crashes, in order.
    pub crashes: Vec<Crash<'a>>,
    /// The steps that began, in order.
    pub steps: Vec<Step<'a>>,
    /// The step that failed, which is the last of a script.
    pub step_failures: Vec<StepFailure<'a>>,
    /// The line of the prompt at which the log ends; none where it ends otherwise. OpenROAD waits for commands there: it
    /// was started without `-exit`, and its status says nothing of the script.
    pub ends_at_prompt: Option<usize>,
    /// Its number of lines.
    pub lines: usize,
}

impl<'a> Log<'a> {
    /// Reads the messages of a log.
    pub fn read(text: &'a str) -> Self {
        let mut log = Self::default();
        let mut crash = CrashReader::default();
        let mut last = None;
        for (line, text) in (1..).zip(text.lines()) {
            log.lines = line;
            if !text.trim().is_empty() {
                last = Some((line, text));
            }
            if crash.take(text, line) {
                continue;
            }
            log.take(text, line);
        }
        log.crashes = crash.finish();
        log.ends_at_prompt = last
            .filter(|(_, text)| is_prompt(text))
            .map(|(line, _)| line);
        log
    }

    fn take(&mut self, text: &'a str, line: usize) {
        if let Some(message) = Message::parse(text, line) {
            self.messages.push(message);
        } else if let Some(error) = self.bare_code(text, line) {
            self.interpreter_errors.push(error);
        } else if let Some(error) = InterpreterError::parse(text, line) {
            self.interpreter_errors.push(error);
        } else if let Some(told) = text.strip_prefix("noodle2: ") {
            self.take_step(told.trim(), line);
        } else if text.starts_with("OpenROAD ") && self.version.is_none() {
            self.version = Version::parse(text);
        } else if let Some(words) = text.strip_prefix("Features included (+) or not (-):")
            && self.features.is_empty()
        {
            let words = words.split_ascii_whitespace();
            self.features = words.filter_map(feature).collect();
        }
    }

    /// A step begins, or failed; anything else is told to people.
    fn take_step(&mut self, told: &'a str, line: usize) {
        let is_name = |name: &str| !name.is_empty() && !name.contains(' ');
        if let Some((step, text)) = told.split_once(" failed: ")
            && is_name(step)
        {
            let text = text.strip_prefix("Error:").unwrap_or(text).trim();
            self.step_failures.push(StepFailure {
                step,
                code: Code::numbered(text),
                text,
                line,
            });
            return;
        }
        let name = told.strip_suffix(AGAIN).unwrap_or(told);
        if is_name(name) {
            self.steps.push(Step { name, line });
        }
    }

    /// The code of the last error on a line of its own: so ends a script that is cut off inside a command.
    fn bare_code(&self, text: &'a str, line: usize) -> Option<InterpreterError<'a>> {
        let code = Code::numbered(text.trim_end())?;
        // Not the last error, for which a log of notes would be searched each time.
        let before = self.messages.last()?;
        let is_its = before.level.is_error() && before.code == code && before.line + 1 == line;
        is_its.then_some(InterpreterError {
            place: None,
            code: Some(code),
            text: code.as_str(),
            line,
        })
    }

    /// Messages that say that a command failed, in order.
    pub fn errors(&self) -> impl DoubleEndedIterator<Item = &Message<'a>> {
        let messages = self.messages.iter();
        messages.filter(|message| message.level.is_error())
    }

    /// Warnings, in order.
    pub fn warnings(&self) -> impl Iterator<Item = &Message<'a>> {
        let messages = self.messages.iter();
        messages.filter(|message| message.level == MessageLevel::Warning)
    }

    /// The step in which a line of the log lies; none before the first.
    pub fn step_of(&self, line: usize) -> Option<&'a str> {
        let after = self.steps.partition_point(|step| step.line <= line);
        after.checked_sub(1).map(|index| self.steps[index].name)
    }
}

fn feature(word: &str) -> Option<Feature> {
    let (included, name) = match word.strip_prefix('+') {
        Some(name) => (true, name),
        None => (false, word.strip_prefix('-')?),
    };
    let name = name.to_owned();
    Some(Feature { name, included })
}

/// Whether a line is a prompt at which nothing was typed: OpenROAD's own, or that of plain Tcl, which builds without line
/// editing show.
fn is_prompt(text: &str) -> bool {
    matches!(text.trim_end(), "openroad>" | "%")
}
