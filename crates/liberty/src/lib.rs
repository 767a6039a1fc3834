//! Reads Liberty (`.lib`) libraries and answers what an ECO must know of a cell before it touches one.
//!
//! Owns: the syntax of Liberty files, the summary of a library ([`Library`]: areas, limits, functions,
//! never its timing tables), the cache of decompressed files and summaries ([`LibraryCache`]), the
//! comparison of cell functions ([`TruthTable`]), and what follows from it over all libraries of a
//! design ([`LibraryIndex`]: drive families, buffers, threshold twins, interchangeable pins).
//!
//! Never computes a delay, never guesses a value that a library does not state, and never believes that
//! two cells are alike because their names are.

mod cache;
mod error;
mod expression;
mod index;
mod library;
mod order;
mod reader;
mod signature;
mod syntax;
mod table;
mod truth;

pub use cache::LibraryCache;
pub use error::{Error, Problem};
pub use expression::{Expression, ExpressionError};
pub use index::{Conflict, IndexOptions, LibraryIndex, TieCell};
pub use library::{Cell, Library, Pin, PinDirection, ScanRole, Storage, StorageKind, Supply};
pub use truth::{MAX_INPUTS, TruthTable};
