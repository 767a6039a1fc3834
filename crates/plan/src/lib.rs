//! The stage DAG: which stage waits for which, and everything that follows from that alone.
//!
//! Owns the rules of a legal graph (no self-dependency, no unknown stage, no edge twice, no cycle), the
//! relation of each edge, and the questions that are asked of a graph: order, ready sets, joins, waves,
//! critical path. A [`StageDag`] is checked once, when it is built, and never changes; so every answer is
//! total and the same on every machine.
//!
//! Never does I/O, never reads a clock, knows no names, trials or results. Waves are for display only:
//! a running study starts a stage when the stage's own dependencies are complete ([`StageDag::ready`]).
//!
//! Every algorithm is iterative and linear in stages plus edges (up to a logarithm), so that neither a
//! chain of many thousand stages nor a wide fan-out is a special case.

mod adjacency;
mod analysis;
mod build;
mod dag;
mod error;
mod order;
mod serial;
mod shapes;
mod waits;

pub use dag::{StageDag, StageDependency};
pub use error::DagError;
