//! The connection to a cluster: the bridge that serves the run, and another one when that is gone.
//!
//! Says what the cluster offers, tells attempts' own messages on, and waits for a cluster that is gone as long as the person
//! has patience. Knows no attempt.

use std::path::PathBuf;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::{Duration, Instant};

use noodle2_bridge::{FromBridge, LogLevel, NodeEvent, PROTOCOL, ToBridge};
use noodle2_exec::Waker;
use noodle2_model::ClusterPlace;

use super::bridge::{Bridge, BridgeError, Heard};

/// How long the cluster may take to answer at first.
const LONGEST_CONNECTION: Duration = Duration::from_secs(120);

/// The wait between tries to reach a cluster that is gone.
const PAUSE: Duration = Duration::from_secs(5);

/// A bridge that says nothing for so long hangs.
const LONGEST_SILENCE: Duration = Duration::from_secs(60);

/// How a bridge is started.
pub(super) struct Start {
    /// Its interpreter.
    pub python: PathBuf,
    /// Marks its process.
    pub mark: String,
    /// What it prints goes there.
    pub log: PathBuf,
    /// What it is told first.
    pub hello: ToBridge,
    /// How long a cluster that is gone is waited for.
    pub patience: Duration,
}

/// What whoever has attempts on the cluster must know.
pub(super) enum Told {
    /// A message about an attempt.
    Attempt(FromBridge),
    /// Nothing that the cluster had will come back.
    Gone,
}

/// How the cluster stands.
enum Standing {
    There,
    /// It is gone since then, and the next try to reach it is due then.
    Gone(Instant, Instant),
}

/// A connection to a cluster.
pub(super) struct Connection {
    start: Start,
    waker: Waker,
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
    /// Since when nothing at all has been offered.
    barren_since: Option<Instant>,
    news: Vec<String>,
    told: Vec<Told>,
}

impl Connection {
    /// Connects, and waits until the cluster has said what it offers. `waker` is used for whatever is said later.
    ///
    /// # Errors
    /// When no bridge serves.
    pub fn open(start: Start, waker: Waker) -> Result<Self, BridgeError> {
        let (hearing, heard) = channel();
        let mut connection = Self {
            start,
            waker,
            bridge: None,
            number: 0,
            hearing,
            heard,
            last_heard: Instant::now(),
            standing: Standing::There,
            place: None,
            slots: 0,
            offered: 0,
            barren_since: None,
            news: Vec::new(),
            told: Vec::new(),
        };
        connection.start_bridge()?;
        connection.wait_for_the_first_words()?;
        Ok(connection)
    }

    /// The cluster, once it is known.
    pub fn place(&self) -> Option<&ClusterPlace> {
        self.place.as_ref()
    }

    /// How many slots are there.
    pub fn slots(&self) -> usize {
        self.slots
    }

    /// How many attempts it takes at once.
    pub fn offered(&self) -> usize {
        self.offered
    }

    /// What people should hear, since this was asked last.
    pub fn news(&mut self) -> Vec<String> {
        std::mem::take(&mut self.news)
    }

    /// Whether the cluster is gone, or has refused everything, for longer than the person waits.
    pub fn is_lost(&self) -> bool {
        let gone = match self.standing {
            Standing::Gone(since, _) => Some(since),
            Standing::There => self.barren_since,
        };
        gone.is_some_and(|since| since.elapsed() > self.start.patience)
    }

    /// Tells the bridge something; returns whether there is one.
    pub fn tell(&self, message: ToBridge) -> bool {
        let bridge = self.bridge.as_ref();
        bridge.map(|bridge| bridge.tell(message)).is_some()
    }

    /// Hears what was said by now, and looks after a bridge that hangs and a cluster that is gone.
    pub fn hear(&mut self) -> Vec<Told> {
        while let Ok((number, heard)) = self.heard.try_recv() {
            if number != self.number {
                continue;
            }
            self.last_heard = Instant::now();
            match heard {
                Heard::Said(message) => self.take(*message),
                Heard::Ended(printed) => {
                    let last = printed.trim().lines().last().unwrap_or("without a word");
                    self.lose(&format!("the bridge to it ended: {last}"));
                }
            }
        }
        self.look_after_the_bridge();
        std::mem::take(&mut self.told)
    }

    /// Ends the bridge, and with it everything that the run has on the cluster.
    pub fn close(&mut self) {
        self.bridge = None;
    }

    fn start_bridge(&mut self) -> Result<(), BridgeError> {
        self.bridge = None;
        self.number += 1;
        self.last_heard = Instant::now();
        self.bridge = Some(Bridge::start(
            &self.start.python,
            &self.start.mark,
            &self.start.log,
            &self.start.hello,
            self.number,
            self.hearing.clone(),
            self.waker.clone(),
        )?);
        Ok(())
    }

    /// Waits until the cluster is connected and has said what it offers.
    fn wait_for_the_first_words(&mut self) -> Result<(), BridgeError> {
        let until = Instant::now() + LONGEST_CONNECTION;
        let failed = |connection: &Self, problem: String| BridgeError::NotStarted {
            python: connection.start.python.clone(),
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
                        self.take(message);
                        return Ok(());
                    }
                    message => self.take(message),
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

    fn take(&mut self, message: FromBridge) {
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
                self.lose(&format!("{code}: {message}"));
            }
            FromBridge::Capacity { slots, offered, .. } => {
                self.slots = slots as usize;
                self.offered = offered as usize;
                self.barren_since = match offered {
                    0 => self.barren_since.or_else(|| Some(Instant::now())),
                    _ => None,
                };
            }
            FromBridge::Heartbeat { .. } => {}
            message @ (FromBridge::Started { .. }
            | FromBridge::Result { .. }
            | FromBridge::Lost { .. }) => self.told.push(Told::Attempt(message)),
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
            FromBridge::Gone { message } => self.lose(&message),
        }
    }

    /// The cluster cannot be reached: nothing that it had comes back, and nothing is offered until it is there again.
    fn lose(&mut self, why: &str) {
        self.bridge = None;
        self.number += 1;
        self.slots = 0;
        self.offered = 0;
        let now = Instant::now();
        let since = match self.standing {
            Standing::There => {
                let patience = self.start.patience.as_secs();
                self.news.push(format!(
                    "N2-RAY-009: the cluster is gone: {why}. The run waits for it, {patience} s at most; Ctrl-C stops it, and it can be \
                     resumed"
                ));
                now
            }
            Standing::Gone(since, _) => since,
        };
        self.standing = Standing::Gone(since, now + PAUSE);
        self.barren_since = None;
        self.told.push(Told::Gone);
    }

    /// Tries to reach a cluster that is gone, when that is due; ends a bridge that hangs.
    fn look_after_the_bridge(&mut self) {
        if let Standing::Gone(since, due) = self.standing
            && self.bridge.is_none()
            && Instant::now() >= due
        {
            self.standing = Standing::Gone(since, due + PAUSE);
            if let Err(error) = self.start_bridge() {
                self.lose(&error.to_string());
            }
        }
        if self.bridge.is_some() && self.last_heard.elapsed() > LONGEST_SILENCE {
            let seconds = LONGEST_SILENCE.as_secs();
            self.lose(&format!("the bridge to it said nothing for {seconds} s"));
        }
    }
}
