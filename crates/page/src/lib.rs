//! What a run looks like in a browser: the pages that `noodle2 serve` shows, and the report that is one file.
//!
//! Owns the HTML, its style and its script. Page and report are made of the same parts ([`parts`](self)), so that what
//! is told in the one is told in the other, and differ only in where their links lead ([`Place`]). Everything shown was
//! computed by the room of views; what is missing there is shown as missing.
//!
//! Never reads a file, opens a socket or asks a clock; nothing in a page is fetched from elsewhere. Text that comes from
//! a study, a tool or a person is escaped by the templates.

mod case;
mod compare;
mod frame;
mod place;
mod report;
mod run;
mod runs;
mod text;
mod trial;
mod trials;

pub use case::{CasePage, MapPicture, SlackSpread};
pub use compare::ComparePage;
pub use frame::{Asset, SCRIPT, STYLE, answer_page, error_page};
pub use place::{Place, encoded};
pub use report::{Reproduction, report};
pub use run::RunPage;
pub use runs::{RunEntry, RunsPage};
pub use trial::{AttemptFiles, Excerpt, FileEntry, TrialPage};
pub use trials::{TrialFilter, TrialsPage};
