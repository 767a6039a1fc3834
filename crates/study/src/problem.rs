//! A problem in a study file, as data and as people read it.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

use miette::{
    Diagnostic, GraphicalReportHandler, GraphicalTheme, LabeledSpan, MietteError,
    MietteSpanContents, SourceCode, SourceSpan, SpanContents, ThemeStyles,
};
use serde::Serialize;

use crate::codes::Code;
use crate::locations::Locations;
use crate::source::{Source, Span};

/// More are counted, but not printed one by one.
const MAX_RENDERED: usize = 100;

/// Longer lines, in bytes, are not shown whole.
const MAX_LINE: usize = 300;

/// Bytes shown before and after what is underlined in such a line.
const CONTEXT: usize = 60;

/// One problem in a study file.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct Problem {
    /// The stable code of this kind of problem.
    pub code: Code,
    /// What is wrong, and on what.
    pub message: String,
    /// What to do.
    pub help: Option<String>,
    /// The study file.
    pub path: PathBuf,
    /// The line, from 1.
    pub line: usize,
    /// The column in characters, from 1.
    pub column: usize,
    /// The bytes of the offending text.
    pub span: Span,
    /// The offending text itself, its first line where it has several.
    pub text: String,
}

impl Problem {
    pub(crate) fn new(
        source: &Source,
        code: Code,
        span: Span,
        message: String,
        help: Option<String>,
    ) -> Self {
        let span = source.underlined(span);
        let (line, column) = source.place(span.start);
        Self {
            code,
            message,
            help,
            path: source.path().to_owned(),
            line,
            column,
            span,
            text: source.slice(span).to_owned(),
        }
    }

    pub(crate) fn order(&self) -> (usize, usize, &'static str, &str) {
        (
            self.span.start,
            self.span.end,
            self.code.code,
            &self.message,
        )
    }
}

/// `path:line:column: message [code]`, on one line.
impl fmt::Display for Problem {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            formatter,
            "{}:{}:{}: {} [{}]",
            self.path.display(),
            self.line,
            self.column,
            self.message,
            self.code
        )
    }
}

/// How problems are rendered.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct RenderStyle {
    /// Whether to use ANSI colours.
    pub colour: bool,
    /// Whether to draw with characters outside ASCII.
    pub unicode: bool,
    /// The width at which texts are wrapped, in columns.
    pub width: usize,
}

impl RenderStyle {
    /// ASCII without colours, 100 columns wide: for files, logs and `NO_COLOR`.
    pub const PLAIN: Self = Self {
        colour: false,
        unicode: false,
        width: 100,
    };
}

/// All problems of one study file, as one error.
#[derive(Debug)]
pub struct StudyProblems {
    path: PathBuf,
    count: usize,
    related: Vec<Shown>,
}

/// A problem together with the text that it points into.
#[derive(Debug)]
struct Shown {
    problem: Problem,
    source: Excerpts,
}

impl StudyProblems {
    /// Gathers the problems of the file that `locations` is about; `None` when there are none.
    pub fn new(problems: &[Problem], locations: &Locations) -> Option<Self> {
        let first = problems.first()?;
        let text = Arc::new(printable(locations.text()));
        let source = Excerpts {
            name: printable(&first.path.display().to_string()).into(),
            source: Arc::clone(locations.source()),
            text,
        };
        let related = problems.iter().take(MAX_RENDERED).map(|problem| Shown {
            problem: problem.clone(),
            source: source.clone(),
        });
        Some(Self {
            path: first.path.clone(),
            count: problems.len(),
            related: related.collect(),
        })
    }

    /// The problems as text for people, each with its line, the offending text underlined.
    pub fn render(&self, style: RenderStyle) -> String {
        let mut theme = if style.unicode {
            GraphicalTheme::unicode_nocolor()
        } else {
            GraphicalTheme::none()
        };
        if style.colour {
            theme.styles = ThemeStyles::ansi();
        }
        let handler = GraphicalReportHandler::new_themed(theme)
            .with_width(style.width)
            .with_links(false)
            .with_context_lines(1)
            .without_syntax_highlighting();
        let mut text = String::new();
        for shown in &self.related {
            // Writing to a string cannot fail, and a place outside the text renders without it.
            let _ = handler.render_report(&mut text, shown);
            text.push('\n');
        }
        if self.count > self.related.len() {
            text.push_str(&format!(
                "... and {} more\n\n",
                self.count - self.related.len()
            ));
        }
        text.push_str(&format!("{self}\n"));
        text
    }
}

/// A file of which long lines are shown only around what is underlined. miette cannot draw beyond
/// column 65,535, and nobody reads that far.
#[derive(Clone, Debug)]
struct Excerpts {
    name: Arc<str>,
    source: Arc<Source>,
    /// The text of `source` as it may be printed; every byte has the same place in both.
    text: Arc<String>,
}

impl SourceCode for Excerpts {
    fn read_span<'a>(
        &'a self,
        span: &SourceSpan,
        lines_before: usize,
        lines_after: usize,
    ) -> Result<Box<dyn SpanContents<'a> + 'a>, MietteError> {
        let (start, end) = (span.offset(), span.offset() + span.len());
        if end > self.text.len() {
            return Err(MietteError::OutOfBounds);
        }
        let (line, column) = self.source.place(start);
        let (last_line, _) = self.source.place(end);
        let around = Span::new(
            self.source
                .line_span(line.saturating_sub(lines_before).max(1))
                .start,
            self.source.line_span(last_line + lines_after).end,
        );
        let is_short = self.text[around.start..around.end]
            .lines()
            .all(|line| line.len() <= MAX_LINE);
        let (excerpt, column) = if lines_before + lines_after == 0 {
            (Span::new(start, end), column)
        } else if is_short {
            (around, 1)
        } else {
            let whole = self.source.line_span(line);
            let start = self
                .source
                .floor(start.saturating_sub(CONTEXT).max(whole.start));
            let end = self.source.floor((end + CONTEXT).min(whole.end)).max(start);
            (Span::new(start, end), self.source.place(start).1)
        };
        let data = &self.text[excerpt.start..excerpt.end];
        Ok(Box::new(MietteSpanContents::new_named(
            self.name.to_string(),
            data.as_bytes(),
            (excerpt.start, excerpt.end - excerpt.start).into(),
            self.source.place(excerpt.start).0 - 1,
            column - 1,
            data.lines().count(),
        )))
    }
}

/// `text` with every control character that a terminal might obey replaced by a character of the same
/// length, so that spans stay right.
fn printable(text: &str) -> String {
    let replaced = |character: char| match (character, character.len_utf8()) {
        ('\n' | '\t' | '\r', _) => character,
        (_, 1) if character.is_control() => '?',
        (_, 2) if character.is_control() => '¿',
        _ => character,
    };
    text.chars().map(replaced).collect()
}

impl fmt::Display for StudyProblems {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let noun = if self.count == 1 {
            "problem"
        } else {
            "problems"
        };
        write!(
            formatter,
            "{} {noun} in {}",
            self.count,
            self.path.display()
        )
    }
}

impl std::error::Error for StudyProblems {}

impl Diagnostic for StudyProblems {
    fn related<'a>(&'a self) -> Option<Box<dyn Iterator<Item = &'a dyn Diagnostic> + 'a>> {
        Some(Box::new(
            self.related.iter().map(|shown| shown as &dyn Diagnostic),
        ))
    }
}

impl fmt::Display for Shown {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.problem.message)
    }
}

impl std::error::Error for Shown {}

impl Diagnostic for Shown {
    fn code<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        Some(Box::new(self.problem.code))
    }

    fn help<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        let help = self.problem.help.as_deref()?;
        Some(Box::new(help))
    }

    fn source_code(&self) -> Option<&dyn SourceCode> {
        Some(&self.source)
    }

    fn labels(&self) -> Option<Box<dyn Iterator<Item = LabeledSpan> + '_>> {
        let Span { start, end } = self.problem.span;
        let length = end.saturating_sub(start).min(MAX_LINE);
        Some(Box::new(std::iter::once(LabeledSpan::new(
            None, start, length,
        ))))
    }
}
