//! Run with `cargo +nightly fuzz run congestion`; what is fed is in `crates/fuzzing`.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| noodle2_fuzzing::feed("congestion", bytes));
