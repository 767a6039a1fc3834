//! The store in which evidence is kept between runs: one SQLite file.
//!
//! Owns the file: its shape, its checks, adding, selecting, exporting and forgetting runs with their
//! observations. A run is added whole or not at all, and once.
//!
//! Never decides what evidence means or how much it counts: that is `noodle2-evidence`; never reads a clock
//! or the environment; never removes or replaces a file that it cannot read.

mod error;
mod exchange;
mod store;

pub use error::PriorStoreError;
pub use exchange::{EXCHANGE_FORMAT, Exchange, ExchangeError};
pub use store::{Access, Addition, Forgotten, PriorStore, Selection};
