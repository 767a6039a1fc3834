//! Running a study: the loop between controller, journal and workers.
//!
//! Owns the order of effects: a decision is journalled and synced, then folded, then acted on. Never decides
//! anything itself: it starts what the controller starts and stops what the controller stops.

mod attempt;
mod carrier;
mod cluster;
mod driver;
mod executor;
mod forking;
mod herald;
mod known;
mod order;
mod people;
mod proposer;
mod spending;
mod tracing;
mod watch;
mod worker;

pub(crate) use attempt::Keeper;
pub(crate) use carrier::{Carrier, NETLIST, Place};
pub(crate) use cluster::{BridgeError, Cluster, ClusterExecutor, check, serve};
pub(crate) use driver::{Driver, DriverError, RunEnd};
pub(crate) use executor::{Executor, LocalExecutor, LocalWorker};
pub(crate) use forking::Forking;
pub(crate) use herald::Herald;
pub(crate) use known::{Keys, Known};
pub(crate) use order::{AttemptOrder, ParentOrder};
pub(crate) use people::{People, event_of};
pub(crate) use proposer::AskingPlace;
pub(crate) use spending::Spending;
pub(crate) use tracing::{TraceTarget, Tracing, trace_of};
pub(crate) use watch::{Watch, took};
pub(crate) use worker::Worker;
