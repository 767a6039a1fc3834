//! The store in which results of attempts are kept between runs: a folder of entries by key, and of files by content.
//!
//! ```text
//! CACHE/entries/<subject>/<key>   a result: its key part by part, its outcome, the files that belong to it
//! CACHE/objects/<ab>/<hash>       a file, named by the BLAKE3 hash of its content
//! ```
//!
//! Owns this folder: its shape, and the rules by which several runs and a collection of garbage use it at the same time
//! without a lock. Everything appears whole or not at all; nothing is believed whose hash is not the recorded one;
//! what is gone or damaged was never known.
//!
//! Never decides what a result depends on, nor when it may be used; never reads a clock or the environment.

mod collect;
mod entry;
mod error;
mod key;
mod store;

pub use collect::{Collection, CollectionRules, Stats};
pub use entry::{Entry, Origin, StoredFile, Used};
pub use error::CacheError;
pub use key::CacheKey;
pub use store::{Found, ResultCache};
