//! How long attempts take and how much memory they hold, learned from those of this run that ended.
//!
//! Estimates order starts and hold back what would not fit into memory; no other decision looks at them, so that they
//! change when a run ends and never how. What an attempt spends grows in proportion to its design (linking, delays,
//! arrivals, power), so a duration is scaled by the cells of the case that is changed. Memory is scaled up only: its
//! larger part, the libraries, is there for the smallest design too.
//!
//! The first attempts on a case also load it, where engines are forked; they are counted apart, and tell what loading
//! costs. What was known and not run, and what the machine cut short, teaches nothing.

use std::collections::{BTreeMap, BTreeSet};

use noodle2_model::{AttemptId, AttemptUsage, CaseName, StageIndex};

/// What may be started: so many attempts, and so much memory for all that run at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Offer {
    /// Workers that are free.
    pub free_workers: usize,
    /// Bytes that the attempts which run at once may hold together, those that run already included; `None` where nobody
    /// counts them.
    pub memory_bytes: Option<u64>,
}

impl From<usize> for Offer {
    /// So many free workers, and memory that nobody counts.
    fn from(free_workers: usize) -> Self {
        Self {
            free_workers,
            memory_bytes: None,
        }
    }
}

/// What kind of work an attempt is, as far as its costs are alike: an ECO by name, or measuring without one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct WorkKind(u32);

impl WorkKind {
    /// The base case, and repeats of any measurement.
    pub const MEASUREMENT: Self = Self(0);
    /// The confirmation of a survivor.
    pub const CONFIRMATION: Self = Self(1);
    const FIRST_ECO: u32 = 2;

    fn is_eco(self) -> bool {
        self.0 >= Self::FIRST_ECO
    }
}

/// What is known of a trial's costs before it is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Work {
    pub kind: WorkKind,
    /// Cells of the case that is changed, where they were counted.
    pub cells: Option<u32>,
}

/// The mean duration of attempts, and of the sizes of their designs.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
struct Mean {
    count: u32,
    seconds: f64,
    sized: u32,
    cells: f64,
}

impl Mean {
    fn add(&mut self, seconds: f64, cells: Option<u32>) {
        self.count += 1;
        self.seconds += seconds;
        if let Some(cells) = cells {
            self.sized += 1;
            self.cells += f64::from(cells);
        }
    }

    fn seconds(&self) -> Option<f64> {
        (self.count > 0).then(|| self.seconds / f64::from(self.count))
    }

    /// What `count` attempts take, of which `sized` are on designs of `cells` cells together.
    fn of(&self, count: u32, sized: u32, cells: f64) -> Option<f64> {
        let seconds = self.seconds()?;
        if self.sized == 0 || self.cells <= 0.0 {
            return Some(seconds * f64::from(count));
        }
        let mean_cells = self.cells / f64::from(self.sized);
        Some(seconds * (f64::from(count - sized) + cells / mean_cells))
    }
}

/// The most memory that attempts of a kind held, and on how large a design.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
struct Peak {
    bytes: u64,
    cells: Option<u32>,
}

impl Peak {
    fn on(self, cells: Option<u32>) -> u64 {
        match (cells, self.cells) {
            (Some(cells), Some(seen)) if cells > seen && seen > 0 => {
                (self.bytes as f64 * f64::from(cells) / f64::from(seen)) as u64
            }
            _ => self.bytes,
        }
    }
}

/// What attempts of one kind cost.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
struct Costs {
    /// On a case that was there to be forked.
    loaded: Mean,
    /// On a case that no attempt had ended on.
    loading: Mean,
    peak: Option<Peak>,
}

impl Costs {
    fn mean(&self) -> Option<&Mean> {
        [&self.loaded, &self.loading]
            .into_iter()
            .find(|mean| mean.count > 0)
    }
}

/// An attempt that runs.
#[derive(Debug, Clone, PartialEq)]
struct Started {
    work: Work,
    stage: Option<StageIndex>,
    /// The case that it works on and that it has to load first.
    loads: Option<CaseName>,
    memory_bytes: u64,
}

/// What the attempts of a run taught, and what those that run are expected to hold.
#[derive(Debug, Clone, Default)]
pub(crate) struct Schedule {
    names: BTreeMap<String, WorkKind>,
    costs: Vec<Costs>,
    /// Of all ECOs together, by stage and in all.
    stages: BTreeMap<StageIndex, Mean>,
    all: Costs,
    loaded: BTreeSet<CaseName>,
    running: BTreeMap<AttemptId, Started>,
    held_bytes: u64,
    /// What no attempt can hold without being ended.
    memory_limit_bytes: u64,
}

impl Schedule {
    pub fn new(memory_limit_bytes: u64) -> Self {
        Self {
            costs: vec![Costs::default(); WorkKind::FIRST_ECO as usize],
            memory_limit_bytes,
            ..Self::default()
        }
    }

    /// The kind of work that an ECO is.
    pub fn kind_of(&mut self, eco: &str) -> WorkKind {
        if let Some(kind) = self.names.get(eco) {
            return *kind;
        }
        let kind = WorkKind(self.costs.len() as u32);
        self.costs.push(Costs::default());
        self.names.insert(eco.to_owned(), kind);
        kind
    }

    /// Seconds that so many attempts of one kind take, of which `sized` are on designs of `cells` cells together; where
    /// nothing was seen, every attempt counts alike.
    fn seconds_of(
        &self,
        kind: WorkKind,
        stage: Option<StageIndex>,
        attempts: (u32, u32, f64),
    ) -> f64 {
        let (count, ..) = attempts;
        let known = self.known_seconds_of(kind, stage, attempts);
        known.unwrap_or(f64::from(count))
    }

    /// The same; `None` where nothing was seen. An ECO that was not seen takes the mean of its stage, or else of all.
    fn known_seconds_of(
        &self,
        kind: WorkKind,
        stage: Option<StageIndex>,
        (count, sized, cells): (u32, u32, f64),
    ) -> Option<f64> {
        let own = self.costs[kind.0 as usize].mean();
        let of_stage = stage.and_then(|stage| self.stages.get(&stage));
        let all = self.all.mean();
        let measuring = self.costs[WorkKind::MEASUREMENT.0 as usize].mean();
        [own, of_stage, all, measuring]
            .into_iter()
            .flatten()
            .find_map(|mean| mean.of(count, sized, cells))
    }

    /// Seconds that one attempt takes; one where nothing was seen.
    pub fn seconds(&self, work: Work, stage: Option<StageIndex>) -> f64 {
        self.known_seconds(work, stage).unwrap_or(1.0)
    }

    /// Seconds that one attempt takes; `None` where nothing was seen.
    pub fn known_seconds(&self, work: Work, stage: Option<StageIndex>) -> Option<f64> {
        let cells = work.cells.map_or(0.0, f64::from);
        let sized = u32::from(work.cells.is_some());
        self.known_seconds_of(work.kind, stage, (1, sized, cells))
    }

    /// The mean over ECOs of the seconds that one attempt of each takes; one second where nothing was seen.
    pub fn mean_seconds<'n>(&self, ecos: impl Iterator<Item = &'n str>, stage: StageIndex) -> f64 {
        let all = self.mean_of_all().unwrap_or(1.0);
        let seconds = ecos.map(|eco| match self.names.get(eco) {
            Some(kind) => self.seconds_of(*kind, Some(stage), (1, 0, 0.0)),
            None => all,
        });
        let (sum, count) = seconds.fold((0.0, 0.0), |(sum, count), next| (sum + next, count + 1.0));
        if count > 0.0 { sum / count } else { all }
    }

    fn mean_of_all(&self) -> Option<f64> {
        let measuring = self.costs[WorkKind::MEASUREMENT.0 as usize].mean();
        self.all.mean().or(measuring)?.seconds()
    }

    /// Seconds by which the first attempts on a case take longer than those after them; 0 until both were seen.
    pub fn loading_s(&self) -> f64 {
        match (self.all.loading.seconds(), self.all.loaded.seconds()) {
            (Some(first), Some(later)) => (first - later).max(0.0),
            _ => 0.0,
        }
    }

    /// Whether an attempt on a case has ended, so that an engine may hold it.
    pub fn is_loaded(&self, case: &CaseName) -> bool {
        self.loaded.contains(case)
    }

    /// Bytes that an attempt is expected to hold at most; 0 where no memory was read of any.
    pub fn memory_bytes(&self, work: Work) -> u64 {
        let measuring = self.costs[WorkKind::MEASUREMENT.0 as usize].peak;
        let own = self.costs[work.kind.0 as usize].peak;
        let peak = own.or(self.all.peak).or(measuring);
        let bytes = peak.map_or(0, |peak| peak.on(work.cells));
        bytes.min(self.memory_limit_bytes)
    }

    /// Bytes that the attempts which run are expected to hold together.
    pub fn held_bytes(&self) -> u64 {
        self.held_bytes
    }

    /// Bytes that a running attempt was expected to hold when it started.
    pub fn held_by(&self, attempt: AttemptId) -> Option<u64> {
        Some(self.running.get(&attempt)?.memory_bytes)
    }

    /// Notes that an attempt starts, on this case where it applies an ECO.
    pub fn start(
        &mut self,
        attempt: AttemptId,
        work: Work,
        stage: Option<StageIndex>,
        parent: Option<&CaseName>,
    ) {
        let memory_bytes = self.memory_bytes(work);
        self.held_bytes += memory_bytes;
        let started = Started {
            work,
            stage,
            loads: parent.filter(|parent| !self.is_loaded(parent)).cloned(),
            memory_bytes,
        };
        self.running.insert(attempt, started);
    }

    /// Notes that an attempt ended. It teaches only where it was `made` to its end, by this run.
    pub fn finish(&mut self, attempt: AttemptId, usage: AttemptUsage, made: bool) {
        let Some(started) = self.running.remove(&attempt) else {
            return;
        };
        self.held_bytes -= started.memory_bytes;
        // No attempt is made in no time: nobody looked at the clock.
        if !made || usage.wall_s <= 0.0 {
            return;
        }
        let Work { kind, cells } = started.work;
        let is_loading = started.loads.is_some();
        self.loaded.extend(started.loads);
        let own = &mut self.costs[kind.0 as usize];
        let mut learners = vec![own];
        if kind.is_eco() {
            learners.push(&mut self.all);
            if let Some(stage) = started.stage {
                let stage = self.stages.entry(stage).or_default();
                stage.add(usage.wall_s, cells);
            }
        }
        for costs in learners {
            let mean = match is_loading {
                true => &mut costs.loading,
                false => &mut costs.loaded,
            };
            mean.add(usage.wall_s, cells);
            if let Some(bytes) = usage.peak_memory_bytes
                && costs.peak.is_none_or(|peak| bytes > peak.bytes)
            {
                costs.peak = Some(Peak { bytes, cells });
            }
        }
    }
}

/// The trials of a stage that wait for a worker, by the kind of their work: counts and sums are kept beside them, so
/// that what is left of a stage is told without looking at each.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Queue {
    groups: Vec<Group>,
}

/// Waiting trials of one kind.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Group {
    pub kind: WorkKind,
    /// Derived indices.
    pub trials: BTreeSet<u32>,
    sized: u32,
    cells: f64,
}

impl Group {
    fn new(kind: WorkKind) -> Self {
        Self {
            kind,
            trials: BTreeSet::new(),
            sized: 0,
            cells: 0.0,
        }
    }

    /// Seconds that all of them take one after the other.
    pub fn seconds(&self, schedule: &Schedule, stage: StageIndex) -> f64 {
        let count = self.trials.len() as u32;
        schedule.seconds_of(self.kind, Some(stage), (count, self.sized, self.cells))
    }
}

impl Queue {
    pub fn insert(&mut self, derived: u32, work: Work) {
        let kind = work.kind;
        let place = match self.groups.iter().position(|group| group.kind == kind) {
            Some(place) => place,
            None => {
                self.groups.push(Group::new(kind));
                self.groups.len() - 1
            }
        };
        let group = &mut self.groups[place];
        if group.trials.insert(derived) {
            group.sized += u32::from(work.cells.is_some());
            group.cells += work.cells.map_or(0.0, f64::from);
        }
    }

    pub fn remove(&mut self, derived: u32, work: Work) {
        let mut groups = self.groups.iter_mut();
        if let Some(group) = groups.find(|group| group.kind == work.kind)
            && group.trials.remove(&derived)
        {
            group.sized -= u32::from(work.cells.is_some());
            group.cells -= work.cells.map_or(0.0, f64::from);
        }
    }

    pub fn is_empty(&self) -> bool {
        self.groups.iter().all(|group| group.trials.is_empty())
    }

    /// The waiting trials by kind; no group is empty.
    pub fn groups(&self) -> impl Iterator<Item = &Group> {
        self.groups.iter().filter(|group| !group.trials.is_empty())
    }
}
