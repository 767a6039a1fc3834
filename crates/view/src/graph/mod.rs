//! Graphs of a run: its stages with their branches and joins, and which case came from which.
//!
//! Pure functions of a [`crate::History`], as the charts beside them: see [`crate::chart`] for what all figures have in common.
//! Boxes are placed by `rust-sugiyama`. The lineage that `noodle2 lineage` writes keeps a layout of its own, a column for each wave of
//! stages, since its columns have meaning and titles.

mod cases;
mod layout;
mod stages;

pub use cases::case_graph;
pub use stages::stage_graph;
