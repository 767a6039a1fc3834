//! An executor whose workers are the nodes of a cluster.
//!
//! An attempt is asked for among the known results, goes to the bridge, and is kept once it is back: the first and
//! the last on threads of this machine, so that the driver waits for no disk. While the cluster cannot be reached
//! nothing is offered, and what it had is interrupted, not failed.

use std::collections::{BTreeMap, VecDeque};
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::{Duration, Instant};

use noodle2_bridge::{
    FromBridge, LeftFile, LeftLink, LogLevel, NodeEvent, PROTOCOL, ResourceRequest, ToBridge,
};
use noodle2_engine::StudyContext;
use noodle2_exec::{Pool, PoolEvent, Waker};
use noodle2_model::{AttemptId, ClusterPlace, FailureClass};
use noodle2_store::{StoreError, hash_file, write_whole};

use super::bridge::{Bridge, BridgeError, Heard};
use super::travel::{Header, Luggage, Reach, RunnerOrder, RunnerResult, affinity_of, name_of};
use crate::run::attempt::{AttemptResult, Before, Keeper, Wanted};
use crate::run::executor::{Duplicate, Executor, ExecutorEvent};
use crate::run::order::AttemptOrder;

/// How long the cluster may take to answer at first.
const LONGEST_CONNECTION: Duration = Duration::from_secs(120);

/// The wait between tries to reach a cluster that is gone.
const PAUSE: Duration = Duration::from_secs(5);

/// A bridge that says nothing for so long hangs.
const LONGEST_SILENCE: Duration = Duration::from_secs(60);

/// Where the files of attempts of other machines lay there, and where the same lie here.
const PATHS: &str = "paths.tsv";

/// How a run uses a cluster.
#[derive(Debug, Clone)]
pub(crate) struct Cluster {
    /// The interpreter of the bridge.
    pub python: PathBuf,
    pub address: Option<String>,
    pub allow_insecure: bool,
    pub weight: f64,
    pub request: ResourceRequest,
    pub most_slots: Option<u32>,
    pub scratch: Option<PathBuf>,
    /// A folder that every node has at the same place.
    pub shared: Option<PathBuf>,
    /// How long a cluster that is gone is waited for.
    pub patience: Duration,
}

/// What the work of the threads of this machine comes to.
enum Step {
    /// It has to be made by the cluster.
    Ready(PathBuf, Wanted),
    Ended(Box<AttemptResult>),
}

/// How far an attempt is.
enum State {
    /// A thread looks whether it is known.
    Asking,
    /// The cluster has it.
    Away(Away),
    /// A thread keeps it.
    Keeping,
}

/// An attempt that the cluster has.
struct Away {
    folder: PathBuf,
    wanted: Wanted,
    sent: Instant,
    /// When a slot began with it.
    began: Option<Instant>,
}

struct Attempt {
    order: Arc<AttemptOrder>,
    state: State,
    /// It was asked to stop before the cluster had it.
    stopped: bool,
}

/// How the cluster stands.
enum Standing {
    There,
    /// It is gone since then, and the next try to reach it is due then.
    Gone(Instant, Instant),
}

/// Carries attempts out on a cluster.
pub(crate) struct ClusterExecutor {
    cluster: Cluster,
    keeper: Arc<Keeper>,
    context: Arc<StudyContext>,
    reach: Reach,
    hello: ToBridge,
    study: String,
    mark: String,
    log: PathBuf,
    pool: Pool<AttemptId, Step>,
    attempts: BTreeMap<AttemptId, Attempt>,
    ended: VecDeque<(AttemptId, Box<AttemptResult>)>,
    bridge: Option<Bridge>,
    /// The number of the bridge: of former ones nothing is heard any more.
    number: u32,
    hearing: Sender<(u32, Heard)>,
    heard: Receiver<(u32, Heard)>,
    last_heard: Instant,
    standing: Standing,
    place: Option<ClusterPlace>,
    slots: usize,
    offered: usize,
    news: Vec<String>,
}

impl ClusterExecutor {
    /// Connects to a cluster for a run. `mark` marks the run's processes; what the bridge prints goes to `log`.
    ///
    /// # Errors
    /// When no bridge serves.
    pub fn connect(
        cluster: Cluster,
        keeper: Keeper,
        context: StudyContext,
        mark: &str,
        log: PathBuf,
        adjust: impl FnOnce(&mut Header),
    ) -> Result<Self, BridgeError> {
        let reach = Reach {
            shared: cluster.shared.clone(),
        };
        let identity = &keeper.identity;
        let Luggage { mut header, files } =
            Luggage::pack(identity, &context, &keeper.catalogue, &reach);
        adjust(&mut header);
        let study = identity.study.name.clone();
        let hello = ToBridge::Hello {
            protocol: PROTOCOL,
            noodle2_version: env!("CARGO_PKG_VERSION").to_owned(),
            address: cluster.address.clone(),
            allow_insecure: cluster.allow_insecure,
            run: mark.to_owned(),
            study: study.clone(),
            weight: cluster.weight,
            request: cluster.request.clone(),
            most_slots: cluster.most_slots,
            scratch: cluster.scratch.clone(),
            // The program that runs now, also where its file was replaced since.
            runner: PathBuf::from(format!("/proc/{}/exe", std::process::id())),
            header: serde_json::json!(header),
            files,
        };
        let threads = std::thread::available_parallelism().map_or(2, usize::from);
        let failed = |error: std::io::Error| BridgeError::NotStarted {
            python: cluster.python.clone(),
            problem: format!("cannot be heard: {error}"),
        };
        let (hearing, heard) = channel();
        let mut executor = Self {
            pool: Pool::new(threads.max(2)).map_err(failed)?,
            cluster,
            keeper: Arc::new(keeper),
            context: Arc::new(context),
            reach,
            hello,
            study,
            mark: mark.to_owned(),
            log,
            attempts: BTreeMap::new(),
            ended: VecDeque::new(),
            bridge: None,
            number: 0,
            hearing,
            heard,
            last_heard: Instant::now(),
            standing: Standing::There,
            place: None,
            slots: 0,
            offered: 0,
            news: Vec::new(),
        };
        executor.start_bridge()?;
        executor.wait_for_the_first_words()?;
        Ok(executor)
    }

    fn start_bridge(&mut self) -> Result<(), BridgeError> {
        self.bridge = None;
        self.number += 1;
        self.last_heard = Instant::now();
        self.bridge = Some(Bridge::start(
            &self.cluster.python,
            &self.mark,
            &self.log,
            &self.hello,
            self.number,
            self.hearing.clone(),
            self.pool.waker(),
        )?);
        Ok(())
    }

    /// Waits until the cluster is connected and has said what it offers.
    fn wait_for_the_first_words(&mut self) -> Result<(), BridgeError> {
        let until = Instant::now() + LONGEST_CONNECTION;
        let failed = |executor: &Self, problem: String| BridgeError::NotStarted {
            python: executor.cluster.python.clone(),
            problem,
        };
        loop {
            let left = until.saturating_duration_since(Instant::now());
            match self.heard.recv_timeout(left) {
                Ok((_, Heard::Said(message))) => match *message {
                    FromBridge::Refused {
                        code,
                        message,
                        help,
                    } => {
                        return Err(BridgeError::Refused {
                            code,
                            message,
                            help,
                        });
                    }
                    FromBridge::Connected { protocol, .. } if protocol != PROTOCOL => {
                        return Err(BridgeError::Refused {
                            code: "N2-RAY-002".to_owned(),
                            message: format!(
                                "the bridge speaks version {protocol} of the protocol, this noodle2 version {PROTOCOL}"
                            ),
                            help: "install the noodle2_ray that came with this noodle2".to_owned(),
                        });
                    }
                    message @ FromBridge::Capacity { .. } => {
                        self.hear(message);
                        return Ok(());
                    }
                    message => self.hear(message),
                },
                Ok((_, Heard::Ended(printed))) => {
                    let printed = printed
                        .trim()
                        .lines()
                        .last()
                        .unwrap_or("nothing")
                        .to_owned();
                    return Err(failed(self, format!("ended; it printed last: {printed}")));
                }
                Err(_) => {
                    let seconds = LONGEST_CONNECTION.as_secs();
                    return Err(failed(self, format!("said nothing for {seconds} s")));
                }
            }
        }
    }

    fn hear(&mut self, message: FromBridge) {
        match message {
            FromBridge::Connected {
                ray_version,
                python_version,
                address,
                dashboard,
                nodes,
                ..
            } => {
                if let Standing::Gone(..) = self.standing {
                    self.news
                        .push("the cluster is back: the run goes on".to_owned());
                }
                self.standing = Standing::There;
                let seen = dashboard.as_ref().map(|seen| format!(", dashboard {seen}"));
                self.news.push(format!(
                    "Ray {ray_version} at {address}: {nodes} nodes{}",
                    seen.unwrap_or_default()
                ));
                self.place = Some(ClusterPlace {
                    address,
                    dashboard,
                    system: format!("Ray {ray_version}, Python {python_version}"),
                });
            }
            FromBridge::Refused { code, message, .. } => {
                // Only a bridge that was started again comes to this: the first one is waited for.
                self.lose_bridge(&format!("{code}: {message}"));
            }
            FromBridge::Capacity { slots, offered, .. } => {
                self.slots = slots as usize;
                self.offered = offered as usize;
            }
            FromBridge::Heartbeat { .. } => {}
            FromBridge::Started { attempt, .. } => {
                if let Some(found) = self.attempts.get_mut(&attempt)
                    && let State::Away(away) = &mut found.state
                {
                    away.began = Some(Instant::now());
                }
            }
            FromBridge::Result {
                attempt,
                host,
                result,
                files,
                links,
                ..
            } => self.keep(attempt, host, result, files, links),
            FromBridge::Lost {
                attempt,
                host,
                message,
                cluster,
                ..
            } => self.lose(attempt, host.as_deref(), &message, cluster),
            FromBridge::Node {
                event,
                host,
                node,
                code,
                message,
            } => {
                let node = node.get(..8).unwrap_or(&node);
                let host = host.as_deref().unwrap_or("without a name");
                let code = code.map(|code| format!("{code}: ")).unwrap_or_default();
                self.news.push(match event {
                    NodeEvent::Joined => format!("node {host} ({node}) is there"),
                    NodeEvent::Lost => format!("node {host} ({node}) is gone: {message}"),
                    NodeEvent::Refused => {
                        format!("{code}node {host} ({node}) is not used: {message}")
                    }
                });
            }
            FromBridge::Log { level, message } => self.news.push(match level {
                LogLevel::Info => message,
                LogLevel::Warning => format!("warning: {message}"),
            }),
            FromBridge::Gone { message } => self.lose_bridge(&message),
        }
    }

    /// The cluster cannot be reached: everything that it had is interrupted, and nothing is offered until it is back.
    fn lose_bridge(&mut self, why: &str) {
        self.bridge = None;
        self.number += 1;
        self.slots = 0;
        self.offered = 0;
        let now = Instant::now();
        let since = match self.standing {
            Standing::There => {
                let patience = self.cluster.patience.as_secs();
                self.news.push(format!(
                    "N2-RAY-009: the cluster is gone: {why}. The run waits for it, {patience} s at most; Ctrl-C stops it, and it can be \
                     resumed"
                ));
                now
            }
            Standing::Gone(since, _) => since,
        };
        self.standing = Standing::Gone(since, now + PAUSE);
        let away = self.attempts.iter();
        let away = away.filter(|(_, attempt)| matches!(attempt.state, State::Away(..)));
        let away: Vec<AttemptId> = away.map(|(attempt, _)| *attempt).collect();
        for attempt in away {
            self.lose(attempt, None, "the cluster is gone", true);
        }
    }

    /// Tries to reach a cluster that is gone, when that is due; ends a bridge that hangs.
    fn look_after_the_bridge(&mut self) {
        if let Standing::Gone(since, due) = self.standing
            && self.bridge.is_none()
            && Instant::now() >= due
        {
            self.standing = Standing::Gone(since, due + PAUSE);
            if let Err(error) = self.start_bridge() {
                self.lose_bridge(&error.to_string());
            }
        }
        if self.bridge.is_some() && self.last_heard.elapsed() > LONGEST_SILENCE {
            let seconds = LONGEST_SILENCE.as_secs();
            self.lose_bridge(&format!("the bridge to it said nothing for {seconds} s"));
        }
    }

    fn lose(&mut self, attempt: AttemptId, host: Option<&str>, message: &str, cluster: bool) {
        let Some(lost) = self.attempts.get(&attempt) else {
            return;
        };
        let class = match lost.stopped || cluster {
            true => FailureClass::Interrupted,
            false => FailureClass::WorkerLost,
        };
        let text = format!("{}{message}", on(host));
        self.end(attempt, AttemptResult::failed(class, text));
    }

    fn end(&mut self, attempt: AttemptId, result: AttemptResult) {
        if self.attempts.remove(&attempt).is_some() {
            self.ended.push_back((attempt, Box::new(result)));
        }
    }

    /// Hands an attempt to the cluster.
    fn send(&mut self, attempt: AttemptId, folder: PathBuf, wanted: Wanted) {
        let Some(sent) = self.attempts.get_mut(&attempt) else {
            return;
        };
        if sent.stopped {
            return self.end(attempt, AttemptResult::unbegun());
        }
        let keeper = &self.keeper;
        let order = Arc::clone(&sent.order);
        let (told, files) = RunnerOrder::new(
            &order,
            &folder,
            keeper.forks_hold(),
            &self.reach,
            |parent| keeper.netlist_of(parent),
        );
        let stays = told.folder.is_some();
        let submit = ToBridge::Submit {
            attempt,
            name: name_of(&self.study, &order),
            affinity: affinity_of(&order),
            delay_s: order.backoff.as_secs_f64(),
            order: serde_json::json!(told),
            files,
            folder: (!stays).then(|| folder.clone()),
        };
        sent.state = State::Away(Away {
            folder,
            wanted,
            sent: Instant::now(),
            began: None,
        });
        match &mut self.bridge {
            Some(bridge) => bridge.tell(&submit),
            None => self.lose(attempt, None, "the cluster is gone", true),
        }
    }

    /// Has a thread keep what came of an attempt.
    fn keep(
        &mut self,
        attempt: AttemptId,
        host: Option<String>,
        result: serde_json::Value,
        files: Vec<LeftFile>,
        links: Vec<LeftLink>,
    ) {
        let Some(found) = self.attempts.get_mut(&attempt) else {
            return;
        };
        let State::Away(away) = std::mem::replace(&mut found.state, State::Keeping) else {
            return;
        };
        let mut result: RunnerResult = match serde_json::from_value(result) {
            Ok(result) => result,
            Err(error) => {
                let text = format!(
                    "{}what it came to cannot be read: {error}",
                    on(host.as_deref())
                );
                return self.end(
                    attempt,
                    AttemptResult::failed(FailureClass::WorkerLost, text),
                );
            }
        };
        let waited = away.began.map(|began| (began - away.sent).as_secs_f64());
        result.carried.usage.waited_s = waited;
        let brought = Brought {
            order: Arc::clone(&found.order),
            folder: away.folder,
            host,
            result,
            files,
            links,
        };
        let keeper = Arc::clone(&self.keeper);
        let context = Arc::clone(&self.context);
        let submitted = self.pool.submit(attempt, move |_| {
            Step::Ended(Box::new(brought.keep(&keeper, &context, away.wanted)))
        });
        if submitted.is_err() {
            let text = "it is being kept already".to_owned();
            self.end(
                attempt,
                AttemptResult::failed(FailureClass::WorkerLost, text),
            );
        }
    }

    fn stop(&mut self, wanted: Option<AttemptId>, kill: bool) {
        for (attempt, found) in &mut self.attempts {
            if wanted.is_some_and(|wanted| wanted != *attempt) {
                continue;
            }
            found.stopped = true;
            if let (State::Away(..), Some(bridge)) = (&found.state, &mut self.bridge) {
                let attempt = *attempt;
                bridge.tell(&ToBridge::Cancel { attempt, kill });
            }
        }
    }

    fn take_step(&mut self, attempt: AttemptId, step: Step) {
        match step {
            Step::Ready(folder, wanted) => self.send(attempt, folder, wanted),
            Step::Ended(result) => self.end(attempt, *result),
        }
    }
}

impl Executor for ClusterExecutor {
    fn offers(&self) -> usize {
        self.offered
    }

    fn workers(&self) -> usize {
        self.slots
    }

    fn place(&self) -> Option<ClusterPlace> {
        self.place.clone()
    }

    fn submit(&mut self, order: AttemptOrder) -> Result<(), Duplicate> {
        let attempt = order.attempt;
        if self.attempts.contains_key(&attempt) {
            return Err(Duplicate);
        }
        let order = Arc::new(order);
        let (keeper, asked) = (Arc::clone(&self.keeper), Arc::clone(&order));
        let submitted = self.pool.submit(attempt, move |_| ask(&keeper, &asked));
        submitted.map_err(|_| Duplicate)?;
        self.attempts.insert(
            attempt,
            Attempt {
                order,
                state: State::Asking,
                stopped: false,
            },
        );
        Ok(())
    }

    fn cancel(&mut self, attempt: &AttemptId) {
        self.stop(Some(*attempt), false);
    }

    fn cancel_all(&mut self) {
        self.stop(None, false);
    }

    fn kill_all(&mut self) {
        self.stop(None, true);
    }

    fn next(&mut self, timeout: Duration) -> Option<ExecutorEvent> {
        let until = Instant::now() + timeout;
        let mut is_woken = false;
        loop {
            while let Ok((number, heard)) = self.heard.try_recv() {
                if number != self.number {
                    continue;
                }
                self.last_heard = Instant::now();
                match heard {
                    Heard::Said(message) => self.hear(*message),
                    Heard::Ended(printed) => {
                        let last = printed.trim().lines().last().unwrap_or("without a word");
                        self.lose_bridge(&format!("the bridge to it ended: {last}"));
                    }
                }
            }
            self.look_after_the_bridge();
            if let Some((attempt, result)) = self.ended.pop_front() {
                return Some(ExecutorEvent::Finished(attempt, result));
            }
            if is_woken {
                return Some(ExecutorEvent::Woken);
            }
            let left = until.saturating_duration_since(Instant::now());
            match self.pool.recv_timeout(left)? {
                PoolEvent::Finished { id, result } => {
                    let panicked = |panic| Step::Ended(Box::new(AttemptResult::panicked(&panic)));
                    let step = result.unwrap_or_else(panicked);
                    self.take_step(id, step);
                }
                // By the bridge, perhaps: what it said is heard first.
                PoolEvent::Woken => is_woken = true,
            }
        }
    }

    fn waker(&self) -> Waker {
        self.pool.waker()
    }

    fn news(&mut self) -> Vec<String> {
        std::mem::take(&mut self.news)
    }

    fn is_lost(&self) -> bool {
        matches!(self.standing, Standing::Gone(since, _) if since.elapsed() > self.cluster.patience)
    }
}

impl Drop for ClusterExecutor {
    fn drop(&mut self) {
        // First the cluster, then the threads: nothing more comes for them.
        self.bridge = None;
    }
}

/// Where something happened, as the beginning of a sentence.
fn on(host: Option<&str>) -> String {
    host.map(|host| format!("on {host}: ")).unwrap_or_default()
}

/// Looks whether an attempt is known.
fn ask(keeper: &Keeper, order: &AttemptOrder) -> Step {
    let netlists = order
        .read_netlists()
        .map(|parent| (keeper.netlist_of(parent), parent.netlist));
    for (path, content) in netlists {
        match hash_file(&path) {
            Ok(hash) if hash == content => {}
            Ok(_) => {
                let text = format!("`{}` was changed while the run was on", path.display());
                let class = FailureClass::ConfigurationError;
                return Step::Ended(Box::new(AttemptResult::failed(class, text)));
            }
            Err(error) => return Step::Ended(Box::new(AttemptResult::not_kept(&error))),
        }
    }
    let asked = keeper.begin(order).and_then(|folder| {
        let before = keeper.ask(order, &folder)?;
        Ok((folder, before))
    });
    match asked {
        Ok((_, Before::Known(result))) => Step::Ended(Box::new(result)),
        Ok((folder, Before::Unknown(wanted))) => Step::Ready(folder, wanted),
        Err(error) => Step::Ended(Box::new(AttemptResult::not_kept(&error))),
    }
}

/// An attempt that came back.
struct Brought {
    order: Arc<AttemptOrder>,
    folder: PathBuf,
    host: Option<String>,
    result: RunnerResult,
    files: Vec<LeftFile>,
    links: Vec<LeftLink>,
}

impl Brought {
    /// Keeps it, once everything of it was found to be as it was made.
    fn keep(self, keeper: &Keeper, context: &StudyContext, wanted: Wanted) -> AttemptResult {
        if let Some(problem) = self.problem() {
            let text = format!("N2-RAY-011: {}{problem}", on(self.host.as_deref()));
            return AttemptResult::failed(FailureClass::WorkerLost, text);
        }
        let kept = self
            .lay_out(keeper, context)
            .and_then(|()| keeper.keep(&self.order, &self.folder, wanted, self.result.carried));
        kept.unwrap_or_else(|error| AttemptResult::not_kept(&error))
    }

    /// What of it did not arrive as it was made.
    fn problem(&self) -> Option<String> {
        let differs = |left: &&LeftFile| {
            let found = hash_file(&self.folder.join(&left.path));
            !found.is_ok_and(|hash| hash == left.hash)
        };
        let left = self.files.iter().find(differs)?;
        Some(format!("`{}` did not arrive as it was made", left.path))
    }

    /// Makes its links, and writes down where on this machine its scripts find what they name.
    fn lay_out(&self, keeper: &Keeper, context: &StudyContext) -> Result<(), StoreError> {
        let there = self.result.shared_files.iter().zip(context.files());
        let mut paths: Vec<(&Path, PathBuf)> = there
            .map(|(there, here)| (there.as_path(), here.to_owned()))
            .collect();
        let netlists = self
            .order
            .read_netlists()
            .map(|parent| keeper.netlist_of(parent));
        let there = self.result.netlists.iter().map(PathBuf::as_path);
        paths.extend(there.zip(netlists));
        paths.sort();
        paths.dedup();
        paths.retain(|(there, here)| there != here);
        for link in &self.links {
            let target = Path::new(&link.target);
            let here = paths.iter().find(|(there, _)| *there == target);
            let target = here.map_or(target, |(_, here)| here);
            let place = self.folder.join(&link.path);
            // It is a convenience of the script's; the record holds what it pointed to either way.
            let _ = symlink(target, place);
        }
        if paths.is_empty() {
            return Ok(());
        }
        let mut text = "node\there\n".to_owned();
        for (there, here) in paths {
            text.push_str(&format!("{}\t{}\n", there.display(), here.display()));
        }
        write_whole(&self.folder.join(PATHS), text)
    }
}
