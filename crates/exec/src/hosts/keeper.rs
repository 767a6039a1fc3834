//! The process that keeps hosts: loads them when they are needed, forks them, watches the forks, and ends it all.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, RwLock};
use std::time::{Duration, Instant};

use noodle2_model::{CommandReport, ContentHash, ForkPlan, HostSpec, StopReason};
use rustix::process::{Pid, Signal, getpid};

use super::Answer;
use super::channel::receive_descriptor;
use super::host::{Host, Loading, NotLoaded, write_script};
use crate::cancel::{CancelLevel, CancelToken};
use crate::child::reap;
use crate::process_table::{self, Process};
use crate::supervisor::{Demands, Request, become_guardian, receive, send};
use crate::tree::Membership;
use crate::watch::{Control, Job, not_started, watch, watch_child};

/// Times that a host of one key may be lost before nobody tries to load it again.
const MOST_LOSSES: u32 = 3;

/// How long hosts and forks may take to end when all is over.
const LONGEST_FAREWELL: Duration = Duration::from_secs(10);

/// The life of a keeper: until its controller closes the socket, whatever the reason.
pub(crate) fn keep() -> io::Result<()> {
    let socket = become_guardian()?;
    let mut arguments = std::env::args_os().skip(2);
    let folder = arguments.next().map(PathBuf::from).unwrap_or_default();
    let memory = arguments
        .next()
        .and_then(|text| text.to_str()?.parse().ok());
    let keeper = Arc::new(Keeper {
        folder,
        memory_bytes: memory.unwrap_or(0),
        hosts: Mutex::default(),
        changed: Condvar::new(),
        children: Mutex::default(),
        forking: RwLock::new(()),
        clock: AtomicU64::new(0),
        made: AtomicUsize::new(0),
    });
    while let Ok(Some(call)) = receive_descriptor(&socket) {
        let keeper = Arc::clone(&keeper);
        let serve = move || drop(keeper.serve(UnixStream::from(call)));
        // Without a thread the call is dropped, and its controller does without a fork.
        let _ = std::thread::Builder::new()
            .name("fork".to_owned())
            .spawn(serve);
    }
    keeper.end();
    Ok(())
}

struct Keeper {
    /// Holds a folder for each host.
    folder: PathBuf,
    memory_bytes: u64,
    hosts: Mutex<Table>,
    /// Told when a host has loaded or has ended.
    changed: Condvar,
    /// Children of this process that somebody watches.
    children: Mutex<BTreeSet<i32>>,
    /// Held by whoever starts or forks something until it is among the children.
    forking: RwLock<()>,
    clock: AtomicU64,
    made: AtomicUsize,
}

#[derive(Default)]
struct Table {
    slots: BTreeMap<ContentHash, Slot>,
    refused: BTreeMap<ContentHash, String>,
    losses: BTreeMap<ContentHash, u32>,
}

enum Slot {
    Loading,
    Loaded(Arc<Host>),
}

/// Somebody who waits for a host.
struct Wanting<'a> {
    request: &'a Request,
    demands: &'a mut Demands,
    deadline: Instant,
    /// Processor time of the hosts that were loaded for him.
    loaded: Duration,
}

impl Keeper {
    /// One command, from its request to its answer.
    fn serve(self: &Arc<Self>, mut socket: UnixStream) -> io::Result<()> {
        let request: Request = receive(&mut socket)?;
        let mut demands = Demands::new(socket.try_clone()?);
        let answer = match &request.fork {
            Some(plan) => self.answer(&request, plan, &mut demands),
            None => Answer::NotForked("it has no plan".to_owned()),
        };
        send(&mut socket, &answer)
    }

    fn answer(
        self: &Arc<Self>,
        request: &Request,
        plan: &ForkPlan,
        demands: &mut Demands,
    ) -> Answer {
        let spec = request.spec();
        let started = Instant::now();
        let forever = Duration::from_secs(86_400);
        let mut wanting = Wanting {
            request,
            demands,
            deadline: started + spec.limits.wall.min(forever),
            loaded: Duration::ZERO,
        };
        let cancelled = || {
            let reason = "it was cancelled before it started".to_owned();
            Answer::Report(not_started(reason, Some(StopReason::Cancelled)))
        };
        let host = match self.host(&plan.hosts, &mut wanting) {
            Ok(host) => host,
            Err(NotLoaded::Unwanted) => return cancelled(),
            Err(NotLoaded::Refused(why) | NotLoaded::Lost(why)) => {
                return Answer::NotForked(format!(
                    "what it is a fork of could not be loaded: {why}"
                ));
            }
        };
        let loaded = wanting.loaded;
        let waited = started.elapsed();
        let containment = request.containment();
        let job = Job {
            spec: &spec,
            marker: &request.marker,
            grace: request.grace,
            containment: &containment,
            membership: Membership::Grouped,
        };
        let forking = self.forking.read().unwrap_or_else(PoisonError::into_inner);
        let script = spec.folder.join(&plan.script);
        let limit = spec.limits.output_bytes;
        let (pid, pump) = match host.fork_command(&script, &spec.folder, &spec.log, limit) {
            Ok(fork) => fork,
            Err(why) => return Answer::NotForked(why),
        };
        self.children().insert(pid.as_raw_pid());
        drop(forking);
        drop(host);
        let mut report = watch_child(&job, pid, pump, demands);
        self.children().remove(&pid.as_raw_pid());
        self.end_strays();
        report.usage.wall_s += waited.as_secs_f64();
        report.usage.cpu_s += loaded.as_secs_f64();
        Answer::Report(report)
    }

    /// The last host of a chain, loaded.
    fn host(
        self: &Arc<Self>,
        chain: &[HostSpec],
        wanting: &mut Wanting<'_>,
    ) -> Result<Arc<Host>, NotLoaded> {
        let Some((spec, before)) = chain.split_last() else {
            return Err(NotLoaded::Refused("it is a fork of nothing".to_owned()));
        };
        let mut table = self.table();
        loop {
            if let Some(why) = table.refused.get(&spec.key) {
                return Err(NotLoaded::Refused(why.clone()));
            }
            if table.losses.get(&spec.key).copied().unwrap_or(0) >= MOST_LOSSES {
                let why = format!("it was lost {MOST_LOSSES} times");
                return Err(NotLoaded::Refused(why));
            }
            match table.slots.get(&spec.key) {
                Some(Slot::Loaded(host)) => {
                    host.need(self.clock.fetch_add(1, Ordering::Relaxed));
                    return Ok(Arc::clone(host));
                }
                Some(Slot::Loading) => {
                    if wanting.demands.level() > CancelLevel::None {
                        return Err(NotLoaded::Unwanted);
                    }
                    let pause = Duration::from_millis(100);
                    let waited = self.changed.wait_timeout(table, pause);
                    table = waited.unwrap_or_else(PoisonError::into_inner).0;
                }
                None => break,
            }
        }
        table.slots.insert(spec.key, Slot::Loading);
        drop(table);
        let loaded = match before.is_empty() {
            true => self.load(spec, None, wanting),
            false => match self.host(before, wanting) {
                Ok(parent) => self.load(spec, Some(&parent), wanting),
                Err(error) => Err(error),
            },
        };
        let mut table = self.table();
        let loaded = match loaded {
            Ok(host) => {
                let host = Arc::new(host);
                host.need(self.clock.fetch_add(1, Ordering::Relaxed));
                wanting.loaded += host.load;
                table
                    .slots
                    .insert(spec.key, Slot::Loaded(Arc::clone(&host)));
                Ok(host)
            }
            Err(error) => {
                table.slots.remove(&spec.key);
                match &error {
                    NotLoaded::Unwanted => {}
                    NotLoaded::Refused(why) => drop(table.refused.insert(spec.key, why.clone())),
                    NotLoaded::Lost(_) => *table.losses.entry(spec.key).or_default() += 1,
                }
                Err(error)
            }
        };
        drop(table);
        self.changed.notify_all();
        self.make_room();
        loaded
    }

    /// Starts or forks a host, and waits until it has loaded.
    fn load(
        self: &Arc<Self>,
        spec: &HostSpec,
        parent: Option<&Arc<Host>>,
        wanting: &mut Wanting<'_>,
    ) -> Result<Host, NotLoaded> {
        let lost = |error: String| NotLoaded::Lost(error);
        let number = self.made.fetch_add(1, Ordering::Relaxed);
        let folder = self.folder.join(format!("{}-{number}", spec.key.short()));
        let script =
            write_script(&folder, &spec.script).map_err(|error| lost(error.to_string()))?;
        let stop = CancelToken::new();
        let loading = Loading::new(stop.clone()).map_err(|error| lost(error.to_string()))?;
        let command = wanting.request.spec();
        let _forking = self.forking.read().unwrap_or_else(PoisonError::into_inner);
        let ended = match parent {
            None => {
                let root = loading.root(&command, &folder, &script);
                self.attend(spec.key, root, wanting.request, stop, None)
            }
            Some(parent) => {
                let fork = Loading::in_place(command, &folder);
                let (pid, pump) = parent.fork_host(&loading, &script, &fork).map_err(lost)?;
                self.children().insert(pid.as_raw_pid());
                self.attend(spec.key, fork, wanting.request, stop, Some((pid, pump)))
            }
        }
        .map_err(|error| lost(error.to_string()))?;
        let demands = &mut *wanting.demands;
        let host = loading.wait(
            wanting.deadline,
            &mut || demands.level() == CancelLevel::None,
            &|| ended.load(Ordering::SeqCst),
        )?;
        self.children().insert(host.pid().as_raw_pid());
        Ok(host)
    }

    /// Watches a host to its end, in a thread of its own: the first of a chain dies with the thread that started it.
    /// Returns what tells of its end.
    fn attend(
        self: &Arc<Self>,
        key: ContentHash,
        spec: noodle2_model::CommandSpec,
        request: &Request,
        stop: CancelToken,
        fork: Option<(Pid, crate::output::Pump)>,
    ) -> io::Result<Arc<AtomicBool>> {
        let ended = Arc::new(AtomicBool::new(false));
        let (keeper, tell) = (Arc::clone(self), Arc::clone(&ended));
        let (marker, containment) = (request.marker.clone(), request.containment());
        let mut listener = stop.listen()?;
        let watching = move || {
            let job = Job {
                spec: &spec,
                marker: &marker,
                grace: Duration::ZERO,
                containment: &containment,
                membership: Membership::Grouped,
            };
            let pid = fork.as_ref().map(|(pid, _)| *pid);
            match fork {
                Some((pid, pump)) => drop(watch_child(&job, pid, pump, &mut listener)),
                None => drop::<CommandReport>(watch(&job, &mut listener)),
            }
            tell.store(true, Ordering::SeqCst);
            keeper.forget(key, &stop, pid);
        };
        std::thread::Builder::new()
            .name("host".to_owned())
            .spawn(watching)?;
        Ok(ended)
    }

    /// A host has ended: whoever needs it next loads it again.
    fn forget(&self, key: ContentHash, stop: &CancelToken, pid: Option<Pid>) {
        let mut table = self.table();
        if let Some(Slot::Loaded(host)) = table.slots.get(&key)
            && host.stop().is(stop)
        {
            let pid = host.pid().as_raw_pid();
            // One that was sent to sleep was asked to end; any other was lost.
            if !stop.is_cancelled() {
                *table.losses.entry(key).or_default() += 1;
            }
            table.slots.remove(&key);
            self.children().remove(&pid);
        }
        drop(table);
        if let Some(pid) = pid {
            self.children().remove(&pid.as_raw_pid());
        }
        self.changed.notify_all();
    }

    /// Ends the hosts that were needed least recently until the rest holds no more than it may. The one that
    /// was needed last stays in any case, and so does any that is just being forked.
    fn make_room(&self) {
        let mut table = self.table();
        let mut idle: Vec<(u64, ContentHash, u64)> = Vec::new();
        let mut held = 0;
        for (key, slot) in &table.slots {
            if let Slot::Loaded(host) = slot {
                let memory = host.memory_bytes();
                held += memory;
                if Arc::strong_count(host) == 1 {
                    idle.push((host.last_needed(), *key, memory));
                }
            }
        }
        idle.sort_unstable();
        let newest = idle.len().saturating_sub(1);
        for (_, key, memory) in idle.into_iter().take(newest) {
            if held <= self.memory_bytes {
                break;
            }
            if let Some(Slot::Loaded(host)) = table.slots.remove(&key) {
                host.stop().kill();
                held = held.saturating_sub(memory);
                self.children().remove(&host.pid().as_raw_pid());
            }
        }
    }

    /// Ends and reaps children that nobody watches: what left the process group of its command, and forks that
    /// could not begin. Not while something is being started, which nobody watches yet.
    fn end_strays(&self) {
        let Ok(_quiet) = self.forking.try_write() else {
            return;
        };
        let watched = self.children().clone();
        let strays = process_table::children_of(getpid());
        let is_stray = |process: &&Process| !watched.contains(&process.pid.as_raw_pid());
        for stray in strays.iter().filter(is_stray) {
            stray.signal(Signal::KILL);
            // One that has not ended yet is reaped at the next look.
            let _ = reap(Some(stray.pid));
        }
    }

    /// Kills everything.
    fn end(&self) {
        let deadline = Instant::now() + LONGEST_FAREWELL;
        loop {
            let mut left = process_table::descendants(getpid());
            left.retain(|process| !process.has_ended());
            if left.is_empty() || Instant::now() >= deadline {
                return;
            }
            for process in left {
                process.signal(Signal::KILL);
            }
            std::thread::sleep(Duration::from_millis(2));
        }
    }

    fn table(&self) -> MutexGuard<'_, Table> {
        self.hosts.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn children(&self) -> MutexGuard<'_, BTreeSet<i32>> {
        self.children.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
