//! What can go wrong with a library, always with its path and, inside a file, its line.

use std::io;
use std::path::PathBuf;

/// A library that could not be read, or a cache that could not be kept.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A file or folder could not be read or written.
    #[error("cannot {action} `{}`: {source}", path.display())]
    Io {
        /// What was tried, as in `read`.
        action: &'static str,
        /// On what.
        path: PathBuf,
        /// Why it failed.
        source: io::Error,
    },
    /// A gzip file is damaged or cut off.
    #[error("cannot decompress `{}`: {source}", path.display())]
    Gzip {
        /// The compressed file.
        path: PathBuf,
        /// What the decompressor says.
        source: io::Error,
    },
    /// A file is larger than any library that this reader is meant for.
    #[error("`{}` is larger than {limit} bytes when decompressed", path.display())]
    TooLarge {
        /// The file.
        path: PathBuf,
        /// The greatest size that is read.
        limit: u64,
    },
    /// The text is not a library that this reader understands.
    #[error("`{}`, line {line}: {problem}", path.display())]
    Text {
        /// The file.
        path: PathBuf,
        /// The line, counted from 1.
        line: usize,
        /// What is wrong there.
        problem: Problem,
    },
}

impl Error {
    /// The stable code of this kind of error.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Io { .. } => "N2-LIBERTY-001",
            Self::Gzip { .. } => "N2-LIBERTY-002",
            Self::TooLarge { .. } => "N2-LIBERTY-003",
            Self::Text { .. } => "N2-LIBERTY-004",
        }
    }

    /// What to do next.
    pub const fn help(&self) -> &'static str {
        match self {
            Self::Io { .. } => {
                "check that the path exists, is permitted, and that the disk has room"
            }
            Self::Gzip { .. } => {
                "fetch the file again, or decompress it by hand to see where it breaks"
            }
            Self::TooLarge { .. } => "check that the file is a library, or split it",
            Self::Text { .. } => "look at the line; the file must be one whole Liberty library",
        }
    }
}

/// What is wrong with the text of a library.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Problem {
    /// A comment has no end.
    #[error("a comment starts here and never ends")]
    OpenComment,
    /// A quoted string has no end.
    #[error("a quoted string starts here and never ends")]
    OpenString,
    /// A parenthesis is not closed.
    #[error("a parenthesis opens here and is never closed")]
    OpenParenthesis,
    /// The file ends within a group.
    #[error("the file ends within a group: it is cut off, or a closing brace is missing")]
    OpenGroup,
    /// A closing brace has no partner.
    #[error("a closing brace without an opening one")]
    StrayBrace,
    /// A character that cannot stand where it stands.
    #[error("expected {expected}, found {found}")]
    Unexpected {
        /// What could stand here.
        expected: &'static str,
        /// What stands here.
        found: String,
    },
    /// The file has no library.
    #[error("the file does not begin with a `library` group")]
    NoLibrary,
    /// The file has more than one library.
    #[error("there is more text after the end of the library")]
    TextAfterLibrary,
    /// A value is not the number that its attribute wants.
    #[error("`{attribute}` wants a number, not `{text}`")]
    Number {
        /// The attribute.
        attribute: String,
        /// The value as written.
        text: String,
    },
    /// A value is neither true nor false.
    #[error("`{attribute}` wants true or false, not `{text}`")]
    Boolean {
        /// The attribute.
        attribute: String,
        /// The value as written.
        text: String,
    },
    /// A unit that Liberty does not know.
    #[error("`{attribute}` has the unknown unit `{text}`")]
    Unit {
        /// The attribute.
        attribute: String,
        /// The unit as written.
        text: String,
    },
    /// A cell stands twice in one library.
    #[error("the cell `{0}` is defined twice")]
    DuplicateCell(String),
    /// A group lacks the name that it must have.
    #[error("a `{0}` group without a name")]
    NoName(&'static str),
    /// A bus is wider than any real one.
    #[error("the bus `{name}` has more than {limit} bits")]
    WideBus {
        /// The bus.
        name: String,
        /// The greatest width that is read.
        limit: u64,
    },
    /// The library continues in another file.
    #[error("`include_file` is not supported: put the included text into the file")]
    Include,
}
