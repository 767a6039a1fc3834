//! Proves that two designs do the same, shows where they do not, or says why it cannot tell.
//!
//! Both designs are cut at everything with a name that lasts: ports by name, and registers, clock gates and
//! macros by instance name; internal names mean nothing. What the structure of both shows to be equal is
//! settled first ([`noodle2_netlist::LogicGraph`]). The cones of the points that it leaves open become one
//! and-inverter graph; nodes that simulation cannot tell apart are proved equal one by one, from the sources
//! up (Kuehlmann and others, *Robust Boolean reasoning for equivalence checking and functional property
//! verification*, IEEE TCAD 21(12), 2002), and at last the points themselves.
//!
//! Never trusts its own encoding with a "different": a counterexample counts only when both netlists,
//! evaluated cell by cell, show it. Never reads a clock: the budget counts conflicts and steps.

mod aig;
mod compare;
mod cones;
mod register;
mod replay;
mod solver;
mod sweep;
mod verdict;

pub use compare::{compare, compare_until};
pub use verdict::{Budget, Cost, Counterexample, Reason, Report, Side, Stopped, Verdict};
