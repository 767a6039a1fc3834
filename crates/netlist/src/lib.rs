//! Reads structural Verilog netlists and says how two of them differ.
//!
//! Owns: the canonical form under which two files are one design ([`canonical_hash`]), the design as
//! instances, pins and nets ([`Design`]), the edits that lead from a parent to what an ECO made of it
//! ([`Ledger`]), what two branches' edits of one design come to together ([`Merge`]), their logic in one graph
//! ([`LogicGraph`]), whether both compute the same ([`LogicComparison`]), and from all of that how far a
//! change really reaches ([`measure_reach`]). And the same design in another order ([`shuffle_instances`]).
//!
//! Never believes what an ECO says of itself, never reads behavioural Verilog, never changes a design.

mod canonical;
mod clocks;
mod delta;
mod design;
mod error;
mod graph;
mod groups;
mod ledger;
mod logic;
mod merge;
mod reach;
mod scan;
mod shuffle;
mod tokens;
mod verilog;

pub use canonical::{Aliases, canonical_hash};
pub use clocks::ClockNetwork;
pub use delta::NoSequel;
pub use design::{Design, Direction, Instance, MarkedNames, Net, NetId, PinConnection, Port};
pub use error::NetlistError;
pub use graph::{Function, LogicGraph, Value};
pub use ledger::{Edit, Ledger};
pub use logic::{End, EndName, LogicComparison, LogicEnds, compare_logic};
pub use merge::{Conflict, ConflictKind, Merge};
pub use reach::measure_reach;
pub use scan::ScanChain;
pub use shuffle::shuffle_instances;
