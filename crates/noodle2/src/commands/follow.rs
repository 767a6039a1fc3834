//! `noodle2 status --watch`: shows a run that another process works on, as it goes on.
//!
//! Reads the journal as it grows and asks the system who holds the lock; never takes it, never writes.

use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use noodle2_store::{Followed, JournalFollower, RunFolder, StoreError};
use noodle2_view::{Folding, Pulse, SummaryStatus};

use super::inspect;
use crate::cli::StatusFormat;
use crate::exit::{CommandFailure, Exit};
use crate::run::{Watch, Worker};
use crate::shell;

/// How often the journal is looked at.
const LOOK_EVERY: Duration = Duration::from_millis(100);

/// How often it is asked whether anybody works on the run.
const ASK_EVERY: Duration = Duration::from_secs(1);

/// How long the one who works on the run may take to set right what others wrote into its journal.
const MENDING: Duration = Duration::from_secs(10);

/// Shows a run until it ends, or nobody works on it; then says how far it is, as `noodle2 status`.
pub(crate) fn follow(run: &Path, format: StatusFormat) -> Result<Exit, CommandFailure> {
    let folder = RunFolder::open(run)?;
    let watch = Watch::new(false, Pulse::default(), shell::word(run));
    Following::begin(folder, watch)?.until_it_ends()?;
    inspect::status(run, format)
}

/// A run as far as its journal was read.
struct Following {
    folder: RunFolder,
    watch: Watch,
    follower: JournalFollower,
    folding: Folding,
    /// The last record of which nothing is said any more. What happened before somebody looked is on the screen.
    told: u64,
    /// Since when the journal cannot be read.
    damaged: Option<Instant>,
}

impl Following {
    fn begin(folder: RunFolder, watch: Watch) -> Result<Self, StoreError> {
        Ok(Self {
            follower: JournalFollower::open(&folder.journal())?,
            folder,
            watch,
            folding: Folding::default(),
            told: u64::MAX,
            damaged: None,
        })
    }

    fn until_it_ends(mut self) -> Result<(), StoreError> {
        let mut worker = Worker::of(&self.folder);
        let mut asked = Instant::now();
        if let Worker::Elsewhere(holder) = &worker {
            self.watch.say(&format!(
                "{holder} worked on the run last; from this machine it cannot be told whether it still does: \
                 Ctrl-C leaves"
            ));
        }
        loop {
            // Asked before the journal is read: what was written last is then seen.
            if asked.elapsed() >= ASK_EVERY {
                worker = Worker::of(&self.folder);
                asked = Instant::now();
            }
            let at_work = worker != Worker::Gone;
            if let Err(error) = self.read() {
                let since = *self.damaged.get_or_insert_with(Instant::now);
                if !at_work || since.elapsed() >= MENDING {
                    return Err(error);
                }
                self.begin_anew();
            } else {
                self.damaged = None;
            }
            if let Some(history) = self.folding.history() {
                let controller = history.controller();
                let has_ended = SummaryStatus::new(controller, at_work).has_ended();
                if has_ended || !at_work {
                    self.watch.close(controller, at_work);
                    return Ok(());
                }
                self.watch.show_as(controller, at_work);
            } else if self.damaged.is_none() && self.follower.records() > 0 {
                // The journal tells of no possible run; `status` says so.
                return Ok(());
            }
            thread::sleep(LOOK_EVERY);
        }
    }

    /// Takes in what the journal has grown by.
    fn read(&mut self) -> Result<(), StoreError> {
        let Self {
            watch,
            folding,
            told,
            ..
        } = self;
        let followed = self.follower.read(|record| {
            folding.add(record.at, &record.event);
            let Some(history) = folding.history() else {
                return;
            };
            match record.seq <= *told {
                true => watch.note(record.at, history.controller(), &record.event),
                false => {
                    *told = record.seq;
                    watch.tell(record.at, history.controller(), &record.event);
                }
            }
        })?;
        match followed {
            Followed::On => self.told = self.follower.records(),
            Followed::Anew => self.begin_anew(),
        }
        Ok(())
    }

    /// Forgets what was read, and reads all of the journal next.
    fn begin_anew(&mut self) {
        // Where the journal is not there for a moment, the former one tells again that it is to be left.
        if let Ok(follower) = JournalFollower::open(&self.folder.journal()) {
            self.follower = follower;
            self.folding = Folding::default();
            self.watch.forget();
        }
    }
}
