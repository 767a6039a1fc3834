//! One run that is followed: its journal folded as it grows.

use std::collections::VecDeque;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use noodle2_store::{Followed, JournalFollower, RunFolder, StoreError, fold_journal};
use noodle2_view::{EventLine, Folding, History, Summary, SummaryStatus};

use crate::exit::CommandFailure;
use crate::run::Worker;
use crate::shell;

/// Events that are kept in memory; who asks for earlier ones gets them from the journal.
const KEPT: usize = 20_000;

/// A run that is followed.
#[derive(Debug)]
pub(super) struct LiveRun {
    folder: RunFolder,
    path: PathBuf,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    follower: JournalFollower,
    folding: Folding,
    events: VecDeque<EventLine>,
    trouble: Option<String>,
    seen: Option<Arc<Snapshot>>,
}

/// A run as it was at one moment.
#[derive(Debug)]
pub(super) struct Snapshot {
    pub history: History,
    pub summary: Summary,
    /// How many records it is made of.
    pub seq: u64,
    /// What cannot be read of the journal behind them.
    pub trouble: Option<String>,
}

impl LiveRun {
    /// The run in this folder, which the person called `path`.
    pub fn open(path: &Path) -> Result<Self, CommandFailure> {
        let folder = RunFolder::open(path)?;
        let state = State {
            follower: JournalFollower::open(&folder.journal())?,
            folding: Folding::default(),
            events: VecDeque::new(),
            trouble: None,
            seen: None,
        };
        Ok(Self {
            folder,
            path: path.to_owned(),
            state: Mutex::new(state),
        })
    }

    /// Its folder.
    pub fn folder(&self) -> &RunFolder {
        &self.folder
    }

    /// Its folder as the person would write it.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The run as it is now, or why nothing can be told of it.
    pub fn look(&self) -> Result<Arc<Snapshot>, String> {
        // A panic of another reader leaves a state that was folded record by record: it is whole.
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        // Asked before the journal is read: a run that ends in between is then told as ended.
        let is_at_work = Worker::of(&self.folder) == Worker::AtWork;
        state.read_on(&self.folder);
        let seq = state.follower.records();
        if let Some(seen) = &state.seen
            && (seen.seq, seen.history.is_at_work(), &seen.trouble)
                == (seq, is_at_work, &state.trouble)
        {
            return Ok(Arc::clone(seen));
        }
        let Some(history) = state.folding.history() else {
            let trouble = state.trouble.clone();
            return Err(trouble.unwrap_or_else(|| "its journal tells no possible run".to_owned()));
        };
        let history = history
            .clone()
            .at_work(is_at_work)
            .in_folder(shell::word(&self.path));
        let snapshot = Arc::new(Snapshot {
            summary: Summary::new(&history),
            history,
            seq,
            trouble: state.trouble.clone(),
        });
        state.seen = Some(Arc::clone(&snapshot));
        Ok(snapshot)
    }

    /// How the run stands, and whether a controller is at work on it, with every record read that is there; `None` where
    /// nothing can be told of it. Costs little, however many trials the run has.
    pub fn standing(&self) -> Option<(SummaryStatus, bool)> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let is_at_work = Worker::of(&self.folder) == Worker::AtWork;
        state.read_on(&self.folder);
        let controller = state.folding.history()?.controller();
        Some((SummaryStatus::new(controller, is_at_work), is_at_work))
    }

    /// The latest events up to the record `seq`, the newest first: another reader may have read on meanwhile.
    pub fn latest(&self, seq: u64, most: usize) -> Vec<EventLine> {
        let state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let lines = state.events.iter().rev();
        lines
            .filter(|line| line.seq <= seq)
            .take(most)
            .cloned()
            .collect()
    }

    /// Every event behind the record `after`, in order, up to what was read by the last look at how it stands.
    pub fn since(&self, after: u64) -> Vec<EventLine> {
        let state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let first = state.events.front().map_or(0, |line| line.seq);
        let mut lines = Vec::new();
        if after + 1 < first
            && let Some(history) = state.folding.history()
        {
            let program = history.controller().program();
            // What cannot be read there was told by the look that read it first.
            let _ = fold_journal(&self.folder.journal(), |record| {
                if record.seq > after && record.seq < first {
                    lines.push(EventLine::new(
                        program,
                        record.seq,
                        record.at,
                        &record.event,
                    ));
                }
            });
        }
        lines.extend(state.events.iter().filter(|line| line.seq > after).cloned());
        lines
    }
}

impl State {
    /// Reads what was written since. A journal that was replaced or cut is read anew.
    fn read_on(&mut self, folder: &RunFolder) {
        let read = self.follow().and_then(|followed| match followed {
            Followed::On => Ok(()),
            Followed::Anew => {
                self.follower = JournalFollower::open(&folder.journal())?;
                self.folding = Folding::default();
                self.events.clear();
                self.seen = None;
                self.follow().map(|_| ())
            }
        });
        self.trouble = read.err().map(|error| error.to_string());
    }

    fn follow(&mut self) -> Result<Followed, StoreError> {
        let Self {
            follower,
            folding,
            events,
            ..
        } = self;
        follower.read(|record| {
            folding.add(record.at, &record.event);
            if let Some(history) = folding.history() {
                let program = history.controller().program();
                let line = EventLine::new(program, record.seq, record.at, &record.event);
                events.push_back(line);
                if events.len() > KEPT {
                    events.pop_front();
                }
            }
        })
    }
}
