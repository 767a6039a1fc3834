//! The process between the controller and a tool, which sees to it that neither outlives the other's supervision.
//!
//! Protocol, over a socket that is the supervisor's standard input: the controller sends one frame, the [`Request`];
//! then one byte per demand, [`STOP`] or [`KILL`]; the supervisor sends one frame, the report, and exits. A frame is a
//! length (four bytes, little endian) and that many bytes of JSON. Both ends are the same executable, so there are no versions.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::io::{self, Read, Write};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use noodle2_model::{
    AttemptUsage, CommandEnding, CommandLimits, CommandReport, CommandSpec, CommandStreams,
    Farewell, ForkPlan, StopReason,
};
use rustix::event::{PollFd, PollFlags};
use rustix::process::{getpid, set_child_subreaper};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use signal_hook::consts::{SIGCHLD, SIGHUP, SIGINT, SIGQUIT, SIGTERM};

use crate::cancel::{CancelLevel, CancelToken};
use crate::containment::Containment;
use crate::guard::MARKER;
use crate::hosts;
use crate::sweep::kill_marked;
use crate::tree::Membership;
use crate::watch::{Control, Job, not_started, wait_for, watch};

/// The first argument by which an executable is told to be a supervisor.
const ROLE: &str = "--noodle2-supervise-one-command";
/// In a supervisor's environment, so that a sweep can tell it from what it supervises.
pub(crate) const SUPERVISOR_MARKER: &str = "NOODLE2_SUPERVISOR";
const STOP: u8 = b's';
const KILL: u8 = b'k';

static HOOKED: AtomicBool = AtomicBool::new(false);

/// Whether this executable can be its own supervisor.
pub(crate) fn is_hooked() -> bool {
    HOOKED.load(Ordering::Relaxed)
}

/// Makes this executable able to supervise its commands, and to keep [`Hosts`](crate::Hosts). To be called as the
/// first act of `main`, before any thread.
///
/// Returns at once, except in a process that was started as a supervisor or keeper: there it runs the one command, or
/// keeps hosts, and ends the process.
pub fn supervisor_main() {
    // The exit status says nothing: a supervisor that ends without a report has failed, whatever its status.
    match std::env::args_os().nth(1) {
        Some(argument) if argument == ROLE => drop(supervise()),
        Some(argument) if argument == hosts::ROLE => drop(hosts::keep()),
        _ => {
            HOOKED.store(true, Ordering::Relaxed);
            return;
        }
    }
    std::process::exit(0);
}

/// What a supervisor or keeper is asked to run. Paths need not be text, so they travel as the system's own strings.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Request {
    program: OsString,
    arguments: Vec<String>,
    environment: BTreeMap<String, String>,
    folder: OsString,
    log: OsString,
    input: Option<OsString>,
    errors: Option<OsString>,
    limits: CommandLimits,
    pub(crate) fork: Option<ForkPlan>,
    farewell: Option<Farewell>,
    pub(crate) marker: OsString,
    pub(crate) grace: Duration,
    parent_group: Option<OsString>,
}

impl Request {
    /// The request to start `spec`.
    pub(crate) fn new(spec: &CommandSpec, marker: OsString, grace: Duration) -> Self {
        Self {
            program: spec.program.clone().into(),
            arguments: spec.arguments.clone(),
            environment: spec.environment.clone(),
            folder: spec.folder.clone().into(),
            log: spec.log.clone().into(),
            input: spec.streams.input.clone().map(PathBuf::into_os_string),
            errors: spec.streams.errors.clone().map(PathBuf::into_os_string),
            limits: spec.limits,
            fork: spec.fork.clone(),
            farewell: spec.farewell.clone(),
            marker,
            grace,
            parent_group: (Containment::detect().parent_group()).map(|parent| parent.into()),
        }
    }

    /// What is asked for.
    pub(crate) fn spec(&self) -> CommandSpec {
        CommandSpec {
            program: self.program.clone().into(),
            arguments: self.arguments.clone(),
            environment: self.environment.clone(),
            folder: self.folder.clone().into(),
            log: self.log.clone().into(),
            limits: self.limits,
            streams: CommandStreams {
                input: self.input.clone().map(PathBuf::from),
                errors: self.errors.clone().map(PathBuf::from),
            },
            fork: self.fork.clone(),
            farewell: self.farewell.clone(),
        }
    }

    /// The controller's means of limiting it.
    pub(crate) fn containment(&self) -> Containment {
        match &self.parent_group {
            Some(parent) => Containment::ControlGroups {
                parent: PathBuf::from(parent),
            },
            None => Containment::ResourceLimits {
                reason: String::new(),
            },
        }
    }
}

/// Makes this process one that outlives no tool and that no tool outlives, and returns the socket of its controller.
pub(crate) fn become_guardian() -> io::Result<UnixStream> {
    // The life of a supervisor hangs on its socket alone. These have a handler, not "ignore", because the tool
    // would inherit the latter.
    let unheeded = Arc::new(AtomicBool::new(false));
    // An "ignore" that came with SIGCHLD, on the other hand, would take the children's exit statuses away.
    for signal in [SIGCHLD, SIGHUP, SIGINT, SIGQUIT, SIGTERM] {
        signal_hook::flag::register(signal, Arc::clone(&unheeded))?;
    }
    set_child_subreaper(Some(getpid()))?;
    Ok(UnixStream::from(io::stdin().as_fd().try_clone_to_owned()?))
}

fn supervise() -> io::Result<()> {
    let mut socket = become_guardian()?;
    let request: Request = receive(&mut socket)?;
    let spec = request.spec();
    let containment = request.containment();
    let job = Job {
        spec: &spec,
        marker: &request.marker,
        grace: request.grace,
        containment: &containment,
        membership: Membership::Descendants,
    };
    let mut control = Demands::new(socket.try_clone()?);
    let report = watch(&job, &mut control);
    send(&mut socket, &report)
}

/// The controller's demands as a supervisor hears them.
pub(crate) struct Demands {
    socket: UnixStream,
    level: CancelLevel,
    closed: bool,
}

impl Control for Demands {
    fn descriptor(&self) -> Option<BorrowedFd<'_>> {
        (!self.closed).then(|| self.socket.as_fd())
    }

    fn level(&mut self) -> CancelLevel {
        let mut buffer = [0; 16];
        while !self.closed {
            // The socket's other clone is written to later and has to stay blocking, so only this call is not.
            let flags = rustix::net::RecvFlags::DONTWAIT;
            match rustix::net::recv(&self.socket, &mut buffer, flags) {
                Ok((0, _)) => self.lose_controller(),
                Ok((count, _)) => {
                    for demand in &buffer[..count] {
                        let level = match *demand {
                            STOP => CancelLevel::Stop,
                            _ => CancelLevel::Kill,
                        };
                        self.level = self.level.max(level);
                    }
                }
                Err(rustix::io::Errno::AGAIN) => break,
                Err(rustix::io::Errno::INTR) => {}
                Err(_) => self.lose_controller(),
            }
        }
        self.level
    }
}

impl Demands {
    pub(crate) fn new(socket: UnixStream) -> Self {
        Self {
            socket,
            level: CancelLevel::None,
            closed: false,
        }
    }

    fn lose_controller(&mut self) {
        self.closed = true;
        self.level = CancelLevel::Kill;
    }
}

/// Runs a command under a supervisor started from `executable`.
pub(crate) fn run_supervised(
    executable: &Path,
    spec: &CommandSpec,
    marker: OsString,
    grace: Duration,
    cancel: &CancelToken,
) -> CommandReport {
    if cancel.is_cancelled() {
        let reason = "it was cancelled before it started".to_owned();
        return not_started(reason, Some(StopReason::Cancelled));
    }
    let started = Instant::now();
    let request = Request::new(spec, marker.clone(), grace);
    let (mut supervisor, socket) = match start(executable, &marker, &[ROLE.as_ref()]) {
        Ok(started) => started,
        Err(error) => {
            let reason = format!("supervisor {}: {error}", executable.display());
            return not_started(reason, None);
        }
    };
    let answer = converse(socket, &request, cancel);
    // It has sent its report or is dead or dying: its socket is closed.
    if answer.is_err() {
        let _ = supervisor.kill();
    }
    let _ = supervisor.wait();
    answer.unwrap_or_else(|_| {
        // Whatever ended the supervisor, the kernel killed the tool with it; what the tool had started is left.
        kill_marked(|value| value == marker);
        CommandReport {
            ending: CommandEnding::Signalled(libc::SIGKILL),
            stopped_by: cancel.is_cancelled().then_some(StopReason::Cancelled),
            usage: AttemptUsage {
                wall_s: started.elapsed().as_secs_f64(),
                ..AttemptUsage::default()
            },
            output_truncated: false,
            forked: false,
        }
    })
}

/// Starts this executable in another role, and returns the socket to it.
pub(crate) fn start(
    executable: &Path,
    marker: &OsString,
    arguments: &[&OsStr],
) -> io::Result<(Child, UnixStream)> {
    let (ours, theirs) = UnixStream::pair()?;
    let supervisor = Command::new(executable)
        .args(arguments)
        .env_clear()
        .env(MARKER, marker)
        .env(SUPERVISOR_MARKER, "1")
        .current_dir("/")
        .stdin(OwnedFd::from(theirs))
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        // Out of reach of the terminal's Ctrl-C from its first instant.
        .process_group(0)
        .spawn()?;
    Ok((supervisor, ours))
}

/// Hands over the request, passes cancellation on, and returns the answer.
pub(crate) fn converse<T: DeserializeOwned>(
    mut socket: UnixStream,
    request: &Request,
    cancel: &CancelToken,
) -> io::Result<T> {
    let listener = cancel.listen()?;
    send(&mut socket, request)?;
    let mut passed_on = CancelLevel::None;
    loop {
        let level = listener.level();
        if level > passed_on {
            let demand = match level {
                CancelLevel::Kill => KILL,
                CancelLevel::Stop | CancelLevel::None => STOP,
            };
            // A supervisor that no longer listens has a report to send, or is dead: both show below.
            let _ = socket.write_all(&[demand]);
            passed_on = level;
        }
        let mut descriptors = [
            PollFd::new(&socket, PollFlags::IN),
            PollFd::new(&listener, PollFlags::IN),
        ];
        wait_for(&mut descriptors, None);
        if !descriptors[0].revents().is_empty() {
            return receive(&mut socket);
        }
    }
}

pub(crate) fn send<T: Serialize>(socket: &mut UnixStream, message: &T) -> io::Result<()> {
    let body = serde_json::to_vec(message)?;
    let length = u32::try_from(body.len()).map_err(io::Error::other)?;
    socket.write_all(&length.to_le_bytes())?;
    socket.write_all(&body)
}

pub(crate) fn receive<T: DeserializeOwned>(socket: &mut UnixStream) -> io::Result<T> {
    let mut length = [0; 4];
    socket.read_exact(&mut length)?;
    let mut body = Vec::new();
    let expected = u64::from(u32::from_le_bytes(length));
    socket.take(expected).read_to_end(&mut body)?;
    Ok(serde_json::from_slice(&body)?)
}

#[cfg(test)]
mod tests {
    use std::os::unix::ffi::OsStringExt;

    use super::*;

    fn request() -> Request {
        Request {
            // Not UTF-8: a path is bytes.
            program: OsString::from_vec(vec![b'/', 0xff, b'x']),
            arguments: vec!["-c".to_owned(), "a\nb\"".to_owned()],
            environment: BTreeMap::from([("A".to_owned(), "1=2".to_owned())]),
            folder: "/".into(),
            log: "/log".into(),
            input: None,
            errors: Some("/errors".into()),
            limits: CommandLimits {
                wall: Duration::MAX,
                cpu: Duration::from_millis(1),
                memory_bytes: u64::MAX,
                output_bytes: 0,
            },
            fork: None,
            farewell: None,
            marker: "run/1_1.1#0".into(),
            grace: Duration::from_secs(2),
            parent_group: None,
        }
    }

    #[test]
    fn a_request_arrives_as_it_was_sent() {
        let (mut ours, mut theirs) = UnixStream::pair().unwrap();
        send(&mut ours, &request()).unwrap();
        let received: Request = receive(&mut theirs).unwrap();
        assert_eq!(format!("{received:?}"), format!("{:?}", request()));
    }

    #[test]
    fn a_frame_that_is_cut_is_an_error() {
        let (mut ours, mut theirs) = UnixStream::pair().unwrap();
        ours.write_all(&[200, 0, 0, 0, b'{']).unwrap();
        drop(ours);
        assert!(receive::<Request>(&mut theirs).is_err());
    }

    #[test]
    fn demands_add_up_and_a_lost_controller_means_kill() {
        let (mut ours, theirs) = UnixStream::pair().unwrap();
        let mut demands = Demands::new(theirs);
        assert_eq!(Control::level(&mut demands), CancelLevel::None);
        ours.write_all(&[STOP]).unwrap();
        assert_eq!(Control::level(&mut demands), CancelLevel::Stop);
        drop(ours);
        assert_eq!(Control::level(&mut demands), CancelLevel::Kill);
        assert!(demands.descriptor().is_none());
    }
}
