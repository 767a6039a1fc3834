//! Attempts on the nodes of a cluster: the same orders, carried out by the same code, elsewhere.
//!
//! ```text
//! driver ─▶ executor ─▶ bridge (Python, one) ─▶ slots of the cluster ─▶ runner (this program) ─▶ carrier
//! ```
//!
//! Owns what travels (the header of a run, orders, results), the life of the bridge, and the runner. Nothing is taken
//! for the same on another machine: inputs, engine and parents go by their content, and what comes back is held
//! against its hashes before it is kept. Never decides what runs, where, or whether it is tried again.

mod bridge;
mod brought;
mod connection;
mod executor;
mod prepare;
mod runner;
mod scratch;
mod travel;

pub(crate) use bridge::{BridgeError, check};
pub(crate) use executor::{Cluster, ClusterExecutor};
pub(crate) use runner::serve;
