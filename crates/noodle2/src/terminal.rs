//! Lines at the foot of a terminal that are redrawn in place, with messages that scroll above them.
//!
//! Changes nothing that would have to be set right again: no alternate screen, no raw mode, no scrolling region, and the
//! cursor is hidden within a single write only. Whatever ends the process, Ctrl-C, a panic or SIGKILL, the terminal is
//! as it was, below the last lines. Nothing is ever read from it.

use std::fmt::Write as _;
use std::io::Write;

use anstyle::{AnsiColor, Style};
use noodle2_view::{Charset, Line, Tone};

/// Columns and rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Size {
    pub columns: usize,
    pub rows: usize,
}

/// What a terminal can show.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Look {
    pub charset: Charset,
    pub colour: bool,
    /// Whether it wraps lines that have become too wide for it, or cuts them.
    pub wraps: bool,
}

/// The foot of a terminal.
pub(crate) struct Terminal<W: Write> {
    out: W,
    look: Look,
    drawn: Vec<Line>,
    size: Option<Size>,
    messages: Vec<String>,
}

/// Begins a frame: a terminal that knows synchronised output shows nothing of it before its end.
/// See <https://contour-terminal.org/vt-extensions/synchronized-output/>.
const BEGIN: &str = "\x1b[?2026h\x1b[?25l";
const END: &str = "\x1b[?25h\x1b[?2026l";
const ERASE_LINE: &str = "\x1b[K";
const ERASE_BELOW: &str = "\x1b[J";

impl Look {
    /// What the terminal of this process can show, by its environment.
    pub fn of_environment() -> Self {
        let named = ["LC_ALL", "LC_CTYPE", "LANG"].map(|name| std::env::var(name).ok());
        Self {
            charset: charset_of(named),
            colour: std::env::var_os("NO_COLOR").is_none(),
            wraps: wraps(
                &std::env::var("TERM").unwrap_or_default(),
                std::env::var_os("XTERM_VERSION").is_some(),
            ),
        }
    }
}

/// Whether a terminal wraps lines anew when it becomes narrower. Nearly all do; xterm itself, which says so in
/// XTERM_VERSION, and a few others cut them.
fn wraps(term: &str, in_xterm: bool) -> bool {
    let is_of = |names: &[&str]| names.iter().any(|name| term.starts_with(name));
    is_of(&["tmux", "screen"]) || !(in_xterm || is_of(&["linux", "rxvt", "st-"]))
}

/// The characters of a locale: the first of these variables that holds anything decides, as setlocale(3) has it.
fn charset_of(named: [Option<String>; 3]) -> Charset {
    let mut named = named.into_iter().flatten().filter(|text| !text.is_empty());
    let locale = named.next().unwrap_or_default().to_ascii_uppercase();
    match locale.contains("UTF-8") || locale.contains("UTF8") {
        true => Charset::Unicode,
        false => Charset::Ascii,
    }
}

impl Size {
    /// The size of the terminal that stderr is; 80 by 24 where that cannot be told.
    pub fn of_stderr() -> Self {
        let found = rustix::termios::tcgetwinsize(std::io::stderr()).ok();
        let found = found.filter(|size| size.ws_col > 0 && size.ws_row > 0);
        let (columns, rows) = found.map_or((80, 24), |size| (size.ws_col, size.ws_row));
        Self {
            columns: columns.into(),
            rows: rows.into(),
        }
    }

    /// The columns that a line may take: with one in the last column terminals differ in where the cursor is.
    pub fn width(self) -> usize {
        self.columns.saturating_sub(1)
    }

    /// The rows that the lines may take: the cursor has one of its own.
    pub fn height(self) -> usize {
        self.rows.saturating_sub(1)
    }
}

impl<W: Write> Terminal<W> {
    pub fn new(out: W, look: Look) -> Self {
        Self {
            out,
            look,
            drawn: Vec::new(),
            size: None,
            messages: Vec::new(),
        }
    }

    pub fn look(&self) -> Look {
        self.look
    }

    /// Keeps a message for the next frame, above whose lines it stands.
    pub fn say(&mut self, message: &str) {
        self.messages.push(printable(message));
    }

    /// Whether messages wait for the next frame.
    pub fn has_messages(&self) -> bool {
        !self.messages.is_empty()
    }

    /// Puts the messages that wait and these lines on the terminal, in one write of what differs.
    pub fn draw(&mut self, lines: Vec<Line>, size: Size) {
        let is_resized = self.size.is_some_and(|former| former != size);
        if !is_resized && self.messages.is_empty() && lines == self.drawn {
            return;
        }
        let mut frame = BEGIN.to_owned();
        frame.push('\r');
        let up = self.rows_above(size);
        if up > 0 {
            let _ = write!(frame, "\x1b[{up}A");
        }
        // Rows that wrapped or moved are not where they were.
        let anew = is_resized || !self.messages.is_empty();
        if anew {
            frame.push_str(ERASE_BELOW);
        }
        for message in self.messages.drain(..) {
            frame.push_str(&message.replace('\n', "\r\n"));
            frame.push_str("\r\n");
        }
        for (position, line) in lines.iter().enumerate() {
            if anew || self.drawn.get(position) != Some(line) {
                self.look.paint(line, &mut frame);
                frame.push_str(ERASE_LINE);
            }
            frame.push_str("\r\n");
        }
        // Also what a key has left there, such as the `^C` of Ctrl-C.
        frame.push_str(ERASE_BELOW);
        frame.push_str(END);
        self.drawn = lines;
        self.size = Some(size);
        // Nobody may be there any more to see it; the run goes on.
        let _ = self.out.write_all(frame.as_bytes());
        let _ = self.out.flush();
    }

    /// Puts the messages that wait above the lines that stand.
    pub fn flush(&mut self, size: Size) {
        if self.has_messages() {
            self.draw(self.drawn.clone(), size);
        }
    }

    /// How many rows the lines take that stand.
    fn rows_above(&self, size: Size) -> usize {
        if !self.look.wraps {
            return self.drawn.len();
        }
        let columns = size.columns.max(1);
        let rows = |line: &Line| line.width().div_ceil(columns).max(1);
        self.drawn.iter().map(rows).sum()
    }
}

impl<W: Write> Drop for Terminal<W> {
    fn drop(&mut self) {
        // Where somebody panics, more stands below the lines than is known here: nothing is redrawn.
        for message in self.messages.drain(..) {
            let _ = writeln!(self.out, "{message}");
        }
    }
}

impl Look {
    fn paint(self, line: &Line, frame: &mut String) {
        for span in &line.spans {
            let style = match self.colour {
                true => style(span.tone),
                false => Style::new(),
            };
            let _ = write!(frame, "{style}{}{style:#}", span.text);
        }
    }
}

fn style(tone: Tone) -> Style {
    match tone {
        Tone::Plain => Style::new(),
        Tone::Faint => Style::new().dimmed(),
        Tone::Strong => Style::new().bold(),
        Tone::Good => AnsiColor::Green.on_default(),
        Tone::Busy => AnsiColor::Cyan.on_default(),
        Tone::Attention => AnsiColor::Yellow.on_default().bold(),
        Tone::Bad => AnsiColor::Red.on_default(),
    }
}

/// A message that moves no cursor: tools may have printed what it tells.
fn printable(message: &str) -> String {
    let shown = |character: char| match character.is_control() && character != '\n' {
        true => ' ',
        false => character,
    };
    message.chars().map(shown).collect()
}

#[cfg(test)]
mod tests {
    use std::num::NonZero;

    use noodle2_view::Span;

    use super::*;

    const LOOK: Look = Look {
        charset: Charset::Unicode,
        colour: true,
        wraps: true,
    };

    fn lines(texts: &[&str]) -> Vec<Line> {
        let line = |text: &&str| Line {
            spans: vec![Span::new(Tone::Busy, text)],
        };
        texts.iter().map(line).collect()
    }

    /// The model of a terminal of six rows and twenty columns that remembers so many rows.
    fn model(scrollback: usize) -> vt100::Parser {
        let [rows, columns] = [6, 20].map(|count| NonZero::new(count).unwrap());
        vt100::Parser::new(rows, columns, scrollback)
    }

    fn size(columns: usize, rows: usize) -> Size {
        Size { columns, rows }
    }

    /// A terminal that shows what was written so far.
    fn seen(terminal: &mut Terminal<Vec<u8>>, model: &mut vt100::Parser) -> String {
        model.process(&std::mem::take(&mut terminal.out));
        assert!(!model.screen().hide_cursor());
        model.screen().contents()
    }

    #[test]
    fn messages_scroll_above_the_lines_and_none_is_lost() {
        let mut model = model(100);
        let mut terminal = Terminal::new(Vec::new(), LOOK);
        terminal.draw(lines(&["one", "two"]), size(20, 6));
        assert_eq!(seen(&mut terminal, &mut model), "one\ntwo");
        for number in 0..8 {
            terminal.say(&format!("message {number}"));
        }
        terminal.draw(lines(&["one", "2", "three"]), size(20, 6));
        assert_eq!(
            seen(&mut terminal, &mut model),
            "message 6\nmessage 7\none\n2\nthree"
        );
        model.screen_mut().set_scrollback(6);
        let above = model.screen().contents();
        assert!(above.starts_with("message 0\nmessage 1"), "{above}");
    }

    #[test]
    fn only_what_differs_is_written() {
        let mut terminal = Terminal::new(Vec::new(), LOOK);
        terminal.draw(lines(&["one", "two"]), size(20, 6));
        terminal.out.clear();
        terminal.draw(lines(&["one", "two"]), size(20, 6));
        assert!(terminal.out.is_empty());
        terminal.draw(lines(&["one", "changed"]), size(20, 6));
        let written = String::from_utf8(std::mem::take(&mut terminal.out)).unwrap();
        assert!(written.contains("changed") && !written.contains("one"));
        assert!(written.starts_with("\x1b[?2026h") && written.ends_with("\x1b[?2026l"));
    }

    #[test]
    fn fewer_lines_leave_nothing_of_the_former() {
        let mut model = model(100);
        let mut terminal = Terminal::new(Vec::new(), LOOK);
        terminal.draw(lines(&["one", "two", "three"]), size(20, 6));
        terminal.draw(lines(&["1"]), size(20, 6));
        assert_eq!(seen(&mut terminal, &mut model), "1");
        assert_eq!(model.screen().cursor_position(), (1, 0));
    }

    #[test]
    fn what_wrapped_when_the_terminal_became_narrow_is_drawn_over() {
        let mut terminal = Terminal::new(Vec::new(), LOOK);
        terminal.draw(lines(&["0123456789", "two"]), size(20, 6));
        terminal.out.clear();
        terminal.draw(lines(&["0123…", "two"]), size(6, 6));
        let written = String::from_utf8(std::mem::take(&mut terminal.out)).unwrap();
        // The first line had come to take two rows.
        assert!(written.contains("\r\x1b[3A\x1b[J"), "{written:?}");

        // Where it is cut, what stands above the lines stays.
        assert!(!wraps("xterm-256color", true) && wraps("screen-256color", true));
        let mut terminal = Terminal::new(
            Vec::new(),
            Look {
                wraps: false,
                ..LOOK
            },
        );
        terminal.draw(lines(&["0123456789", "two"]), size(20, 6));
        terminal.out.clear();
        terminal.draw(lines(&["0123…", "two"]), size(6, 6));
        let written = String::from_utf8(std::mem::take(&mut terminal.out)).unwrap();
        assert!(written.contains("\r\x1b[2A\x1b[J"), "{written:?}");
    }

    #[test]
    fn no_colour_is_no_escape_sequence_within_a_line() {
        let look = Look {
            colour: false,
            ..LOOK
        };
        let mut painted = String::new();
        look.paint(&lines(&["one"])[0], &mut painted);
        assert_eq!(painted, "one");
        LOOK.paint(&lines(&["one"])[0], &mut painted);
        assert!(painted.contains('\x1b'));
    }

    #[test]
    fn a_message_moves_no_cursor() {
        let mut model = model(0);
        let mut terminal = Terminal::new(Vec::new(), LOOK);
        terminal.draw(lines(&["one"]), size(20, 6));
        terminal.say("\x1b[2J\x1b[5Aa\nb\r");
        terminal.draw(lines(&["one"]), size(20, 6));
        assert_eq!(seen(&mut terminal, &mut model), " [2J [5Aa\nb \none");
    }

    #[test]
    fn what_was_not_drawn_any_more_is_printed_at_the_end() {
        let mut out = Vec::new();
        let mut terminal = Terminal::new(&mut out, LOOK);
        terminal.say("last words");
        drop(terminal);
        assert_eq!(out, b"last words\n");
    }

    #[test]
    fn the_locale_says_which_characters_there_are() {
        let of = |all: &str, lang: Option<&str>| {
            charset_of([Some(all.to_owned()), None, lang.map(str::to_owned)])
        };
        assert_eq!(of("", Some("de_AT.UTF-8")), Charset::Unicode);
        assert_eq!(of("C.utf8", Some("C")), Charset::Unicode);
        assert_eq!(of("C", Some("de_AT.UTF-8")), Charset::Ascii);
        assert_eq!(of("", None), Charset::Ascii);
    }
}
