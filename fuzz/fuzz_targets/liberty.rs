//! Feeds arbitrary bytes to the Liberty reader and does with what it reads all that can be done.
//! Run with `cargo +nightly fuzz run liberty`, from a corpus of real libraries cut to a few cells.
#![no_main]

use std::path::Path;
use std::sync::Arc;

use libfuzzer_sys::fuzz_target;
use noodle2_liberty::{IndexOptions, Library, LibraryIndex, tcl_tables};

fuzz_target!(|bytes: &[u8]| {
    if let Ok(library) = Library::parse(bytes, Path::new("fuzzed.lib")) {
        let index = LibraryIndex::build(&[Arc::new(library)], &IndexOptions::default());
        let _ = tcl_tables(&index);
    }
});
