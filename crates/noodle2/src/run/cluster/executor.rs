//! An executor whose workers are the nodes of a cluster.
//!
//! An attempt is asked for among the known results, goes to the bridge, and is kept once it is back: the first and
//! the last on threads of this machine, so that the driver waits for no disk. While the cluster cannot be reached
//! nothing is offered, and what it had is interrupted, not failed.

use std::collections::{BTreeMap, VecDeque};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use noodle2_bridge::{FromBridge, LeftFile, LeftLink, PROTOCOL, ResourceRequest, ToBridge};
use noodle2_engine::StudyContext;
use noodle2_exec::{Pool, PoolEvent, Waker};
use noodle2_model::{AttemptId, ClusterPlace, FailureClass};
use noodle2_store::{Host, hash_file};

use super::bridge::BridgeError;
use super::brought::{Brought, on};
use super::connection::{Connection, Start, Told};
use super::travel::{Header, Luggage, Reach, RunnerOrder, RunnerResult, affinity_of, name_of};
use crate::run::attempt::{AttemptResult, Before, Keeper, Wanted};
use crate::run::executor::{Duplicate, Executor, ExecutorEvent};
use crate::run::order::AttemptOrder;

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
    /// The number of that slot.
    slot: Option<u32>,
}

struct Attempt {
    order: Arc<AttemptOrder>,
    state: State,
    /// It was asked to stop.
    stopped: bool,
}

/// What becomes of attempts that a cluster had which is gone.
const GONE: &str = "the cluster is gone";

/// Carries attempts out on a cluster.
pub(crate) struct ClusterExecutor {
    keeper: Arc<Keeper>,
    context: Arc<StudyContext>,
    reach: Reach,
    study: String,
    /// The name of this machine.
    host: String,
    pool: Pool<AttemptId, Step>,
    attempts: BTreeMap<AttemptId, Attempt>,
    ended: VecDeque<(AttemptId, Box<AttemptResult>)>,
    connection: Connection,
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
        let pool: Pool<AttemptId, Step> = Pool::new(threads.max(2)).map_err(failed)?;
        let start = Start {
            python: cluster.python,
            mark: mark.to_owned(),
            log,
            hello,
            patience: cluster.patience,
        };
        let connection = Connection::open(start, pool.waker())?;
        Ok(Self {
            keeper: Arc::new(keeper),
            context: Arc::new(context),
            reach,
            study,
            host: Host::current().name,
            pool,
            attempts: BTreeMap::new(),
            ended: VecDeque::new(),
            connection,
        })
    }

    fn take(&mut self, told: Told) {
        match told {
            Told::Attempt(FromBridge::Started { attempt, slot, .. }) => {
                if let Some(found) = self.attempts.get_mut(&attempt)
                    && let State::Away(away) = &mut found.state
                {
                    away.began = Some(Instant::now());
                    away.slot = slot;
                }
            }
            Told::Attempt(FromBridge::Result {
                attempt,
                host,
                result,
                files,
                links,
                ..
            }) => self.keep(attempt, host, result, files, links),
            Told::Attempt(FromBridge::Lost {
                attempt,
                host,
                message,
                cluster,
                ..
            }) => self.lose(attempt, host.as_deref(), &message, cluster),
            // The connection keeps all else to itself.
            Told::Attempt(_) => {}
            Told::Gone => {
                let away = self.attempts.iter();
                let away = away.filter(|(_, attempt)| matches!(attempt.state, State::Away(..)));
                let away: Vec<AttemptId> = away.map(|(attempt, _)| *attempt).collect();
                for attempt in away {
                    self.lose(attempt, None, GONE, true);
                }
            }
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
            place: format!("{}:{}", self.host, folder.display()),
        };
        sent.state = State::Away(Away {
            folder,
            wanted,
            sent: Instant::now(),
            began: None,
            slot: None,
        });
        if !self.connection.tell(submit) {
            self.lose(attempt, None, GONE, true);
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
        result.carried.usage.worker = away.slot;
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
            if let State::Away(..) = &found.state {
                let attempt = *attempt;
                self.connection.tell(ToBridge::Cancel { attempt, kill });
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
        self.connection.offered()
    }

    fn workers(&self) -> usize {
        self.connection.slots()
    }

    fn place(&self) -> Option<ClusterPlace> {
        self.connection.place().cloned()
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
            for told in self.connection.hear() {
                self.take(told);
            }
            if let Some((attempt, result)) = self.ended.pop_front() {
                return Some(ExecutorEvent::Finished(attempt, result));
            }
            if is_woken {
                return Some(ExecutorEvent::Woken);
            }
            let left = until.saturating_duration_since(Instant::now());
            match self.pool.recv_timeout(left)? {
                PoolEvent::Finished { id, result, .. } => {
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
        self.connection.news()
    }

    fn is_lost(&self) -> bool {
        self.connection.is_lost()
    }
}

impl Drop for ClusterExecutor {
    fn drop(&mut self) {
        // First the cluster, then the threads: nothing more comes for them.
        self.connection.close();
    }
}

/// Looks whether an attempt is known.
fn ask(keeper: &Keeper, order: &AttemptOrder) -> Step {
    let files = order.read_files(|parent| keeper.netlist_of(parent));
    for (path, content) in files {
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
