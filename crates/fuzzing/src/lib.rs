//! Every reader of bytes that come from outside, as a function that takes any bytes and must come back.
//!
//! Each target does with what it reads all that can be done with it alone, and checks what must hold of it. `fuzz/` feeds
//! them with `cargo fuzz`; the test of this crate with samples and with changed samples, so that `make test` does it too.
//! Never ships.

mod engine;
mod files;
mod layout;
mod mutation;
mod openroad;
mod records;

pub use mutation::Mutations;

/// One reader.
#[derive(Clone, Copy)]
pub struct Target {
    /// Its name, which is that of its file in `fuzz/fuzz_targets` and of its folder in `fuzz/corpus`.
    pub name: &'static str,
    /// Takes any bytes. A panic is a defect, and so is never coming back.
    pub feed: fn(&[u8]),
    /// Inputs that are read without a complaint, or nearly.
    pub samples: fn() -> Vec<Vec<u8>>,
}

/// Every target, in order of name.
pub const TARGETS: &[Target] = &[
    layout::CONGESTION,
    layout::DEF,
    engine::ECO_MANIFEST,
    engine::ENGINE_LOG,
    files::EXPRESSION,
    records::FRAMES,
    layout::HEAT_MAP,
    records::JOURNAL,
    layout::LEF,
    files::LIBERTY,
    records::NAMES,
    files::NETLIST,
    openroad::OPENROAD_FILES,
    openroad::OPENROAD_LOG,
    engine::PLATFORM,
    records::PRIORS,
    records::PROPOSALS,
    records::REQUEST,
    engine::RESULT_FILE,
    records::RESULT_STORE,
    files::STUDY,
    engine::TIMING_REPORT,
];

/// Feeds the target of this name.
///
/// # Panics
/// When there is none, and when the target does.
pub fn feed(name: &str, bytes: &[u8]) {
    let target = TARGETS.iter().find(|target| target.name == name);
    (target.expect("a target of this name").feed)(bytes);
}
