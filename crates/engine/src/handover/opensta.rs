//! OpenSTA. Commands as in its `network_edit.tcl` and `Network.i`; carried out by Debian's 2.0.17.
//!
//! Each edit checks what it finds and what it did, and the first that does not fit ends the script with an
//! error: the public commands say so by a return value alone, and take patterns where a name is meant.

use super::{Step, calls};

const PROCEDURES: &str = include_str!("../../tcl/handover.tcl");

pub(super) fn script(steps: &[Step]) -> String {
    PROCEDURES.to_owned() + &calls(steps)
}
