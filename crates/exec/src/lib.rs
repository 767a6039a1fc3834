//! Runs commands on this machine under limits, several at once, and leaves no process behind.
//!
//! Owns the local worker [`Pool`], the life of every process that it starts ([`run_command`]), the means of
//! limiting and finding them ([`Containment`], [`sweep`]), and the counting of [`Interrupts`].
//!
//! Never decides what to run or what a failure means, never reads a tool's output, never writes anything but a
//! command's log.
//!
//! # How a command runs
//!
//! ```text
//! controller ── socket ──▶ supervisor (the same executable) ──▶ the tool, in its own session ──▶ its processes
//! ```
//!
//! The supervisor is a *child subreaper*: a descendant that daemonises becomes its child, so none can leave the
//! tree. It holds one end of a socket whose other end only the controller holds; when the controller is gone, by
//! whatever signal, the socket reports it and the supervisor kills the tree. When the supervisor itself is killed, the kernel
//! kills the tool (parent-death signal) and the controller sweeps what the tool had started.
//!
//! Commands that begin alike can be forks of one process that has loaded what they share: see [`Hosts`].
//!
//! A program gets supervisors by calling [`supervisor_main`] as the first act of its `main`. In a program that does
//! not (a test, say) commands run directly: limits hold just the same, but after the program's own death by
//! SIGKILL only the tool itself is sure to die, and what it had started waits for [`sweep`].
//!
//! Every process carries [`MARKER`] in its environment, by which [`sweep`] finds it. Linux 5.3 or newer is needed.

mod cancel;
mod cgroup;
mod child;
mod containment;
mod guard;
mod hosts;
mod interrupts;
mod output;
mod pool;
mod process_table;
mod run;
mod supervisor;
mod sweep;
mod tree;
mod watch;

pub use cancel::{CancelLevel, CancelToken};
pub use containment::Containment;
pub use guard::{Guard, MARKER, Supervision};
pub use hosts::{Hosts, HostsError, NotForked, available_memory_bytes};
pub use interrupts::{InstallError, Interrupts};
pub use pool::{JobPanicked, Pool, PoolEvent, SubmitError, Waker};
pub use run::run_command;
pub use supervisor::supervisor_main;
pub use sweep::{KilledProcess, sweep};
