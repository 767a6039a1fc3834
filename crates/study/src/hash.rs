//! The identity of a study.

use noodle2_model::{ContentHash, Study};

/// The hash of what a study says: blind to comments, layout, key order, shorthands and the place of
/// its file. Paths count as written.
pub fn study_hash(study: &Study) -> ContentHash {
    // Fields are written in declaration order and maps in key order, so one study has one text.
    let text = serde_json::to_vec(study).expect("a study has string keys only");
    ContentHash::of(text)
}
