//! The way in: one command, run to its end.

use noodle2_model::{CommandReport, CommandSpec};

use crate::cancel::CancelToken;
use crate::containment::Containment;
use crate::guard::{Guard, Supervision};
use crate::supervisor::run_supervised;
use crate::tree::Membership;
use crate::watch::{Job, not_started, watch};

/// Runs a command to its end and reports what came of it. None of its processes is left when this returns.
///
/// It runs in a session of its own, without a terminal, with standard input closed to it, with exactly the given
/// environment and [`MARKER`](crate::MARKER). Its log is created anew; when its output outgrows the limit, the log
/// ends with a line that says so.
///
/// A command that exceeds its time is asked to end (TERM) and killed after the guard's grace; one that exceeds its
/// memory is killed at once. [`StopReason::MemoryLimit`](noodle2_model::StopReason::MemoryLimit) is also reported
/// when the command failed by itself and one of its processes held more than the limit; a tool that was refused a single large
/// allocation ends by itself, and its output has to tell. Descendants that outlive the command are given a quarter of a second.
///
/// A command that cannot be started, its log or folder included, is reported as
/// [`NotStarted`](noodle2_model::CommandEnding::NotStarted) with the reason. One whose supervisor was killed is
/// reported as killed, without a stop reason.
///
/// The calling thread has to live until this returns, as any thread does unless the process is torn down: commands die
/// with it.
pub fn run_command(spec: &CommandSpec, guard: &Guard, cancel: &CancelToken) -> CommandReport {
    let marker = guard.next_marker();
    match guard.supervision() {
        Supervision::Process(executable) => {
            run_supervised(executable, spec, marker, guard.grace(), cancel)
        }
        Supervision::Direct => {
            let mut listener = match cancel.listen() {
                Ok(listener) => listener,
                Err(error) => return not_started(format!("cancellation: {error}"), None),
            };
            let job = Job {
                spec,
                marker: &marker,
                grace: guard.grace(),
                containment: Containment::detect(),
                membership: Membership::Marked(marker.clone()),
            };
            watch(&job, &mut listener)
        }
    }
}
