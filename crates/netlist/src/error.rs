//! What can be wrong with a netlist.

/// A netlist that cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NetlistError {
    /// It ends inside a module, a statement, a comment or a string: it was cut off.
    #[error("the netlist ends at line {line} inside {inside}")]
    CutOff {
        /// The last line, counted from 1.
        line: usize,
        /// What is not closed.
        inside: String,
    },
    /// There is something between modules.
    #[error("line {line}: `{text}` stands outside of any module")]
    OutsideModule {
        /// The line, counted from 1.
        line: usize,
        /// The token.
        text: String,
    },
    /// Two modules have one name.
    #[error("module `{name}` is defined twice")]
    DuplicateModule {
        /// The name.
        name: String,
    },
    /// There is no module.
    #[error("the netlist defines no module")]
    Empty,
    /// Something that no structural netlist holds.
    #[error("line {line}: `{text}` where {wanted} was expected")]
    Unexpected {
        /// The line, counted from 1.
        line: usize,
        /// The token.
        text: String,
        /// What could have stood there.
        wanted: &'static str,
    },
    /// A part of Verilog that this reader does not know.
    #[error("line {line}: {what} cannot be read in a netlist")]
    Unsupported {
        /// The line, counted from 1.
        line: usize,
        /// What it is.
        what: String,
    },
    /// No module has the name of the top.
    #[error("no module is called `{name}`")]
    UnknownTop {
        /// The name.
        name: String,
    },
    /// A module holds itself.
    #[error("module `{name}` holds an instance of itself")]
    Recursive {
        /// The name.
        name: String,
    },
}
