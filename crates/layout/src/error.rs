//! What can be wrong with a LEF, a DEF, a heat map or a congestion report. The caller knows the path and adds it.

/// A text that cannot be read, with its line.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {problem}")]
pub struct LayoutError {
    /// The line, counted from 1.
    pub line: usize,
    /// What is wrong there.
    pub problem: Problem,
}

impl LayoutError {
    pub(crate) const fn new(line: usize, problem: Problem) -> Self {
        Self { line, problem }
    }
}

/// What is wrong with a text.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Problem {
    /// The text is not UTF-8.
    #[error("the text is not UTF-8")]
    Encoding,
    /// A quoted string has no end.
    #[error("a quoted string starts here and never ends")]
    OpenString,
    /// The file ends where something is not finished.
    #[error("the file ends inside {0}: it was cut off")]
    CutOff(String),
    /// A token that cannot stand where it stands.
    #[error("`{text}` where {wanted} was expected")]
    Unexpected {
        /// What stands there.
        text: String,
        /// What could have stood there.
        wanted: &'static str,
    },
    /// A number that is none, or that no layout holds.
    #[error("`{text}` is not {wanted}")]
    Number {
        /// The text.
        text: String,
        /// Which number was wanted.
        wanted: &'static str,
    },
    /// A name that must be there once stands twice.
    #[error("{kind} `{name}` is defined twice")]
    Duplicate {
        /// What it is, as in `component`.
        kind: &'static str,
        /// Its name.
        name: String,
    },
    /// A name that nothing has.
    #[error("{kind} `{name}` is used and not defined")]
    Unknown {
        /// What it is, as in `component`.
        kind: &'static str,
        /// Its name.
        name: String,
    },
    /// A section holds another number of entries than it states.
    #[error("section {section} states {stated} entries and holds {held}")]
    Count {
        /// The section, as in `COMPONENTS`.
        section: &'static str,
        /// What stands behind the name of the section.
        stated: usize,
        /// What was counted.
        held: usize,
    },
    /// Something without which nothing can be said.
    #[error("there is no {0}")]
    Missing(&'static str),
    /// Bins that do not make a grid.
    #[error("{0}")]
    Grid(String),
}
