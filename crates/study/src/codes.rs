//! The codes of what can be wrong with a study, by name. What each means is told by `noodle2-codes`.

pub(crate) use noodle2_codes::Code;
pub(crate) use noodle2_codes::legal::*;
pub(crate) use noodle2_codes::study::*;
