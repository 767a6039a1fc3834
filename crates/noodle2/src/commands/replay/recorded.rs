//! One attempt as a run recorded it: what it was asked to do, what came of it, and where its files lie.
//!
//! The order is made anew from the journal as it stood when the attempt was started, so that it is the very one that
//! its worker was given.

use std::path::{Path, PathBuf};

use noodle2_control::{Attempt, AttemptRole, Controller};
use noodle2_model::{AttemptId, CacheHit, CaseName, Event, FailureClass, Outcome, TrialId};
use noodle2_store::{ArtifactIndex, RunFolder, fold_journal, hash_file};
use noodle2_view::History;

use crate::exit::{CommandFailure, Exit};
use crate::run::{AttemptOrder, NETLIST, ParentOrder};
use crate::study::absolute;

/// There is no such attempt, or nothing came of it yet.
const NO_ATTEMPT: &str = "N2-REPLAY-001";
/// Files of the run that the attempt starts from are not what was recorded.
const FILES_CHANGED: &str = "N2-REPLAY-002";

/// What a run recorded of one attempt.
pub(crate) struct Recorded {
    pub order: AttemptOrder,
    pub outcome: Outcome,
    /// The known result that it is, where nothing was run for it.
    pub known_from: Option<CacheHit>,
    /// Its folder, as an absolute path.
    pub folder: PathBuf,
    run: RunFolder,
    design: String,
}

impl Recorded {
    /// What a run recorded of the attempt of a trial that is meant: by its number, or the last that derived the case.
    pub fn of(
        folder: &RunFolder,
        history: &History,
        trial: TrialId,
        number: Option<u32>,
    ) -> Result<Self, CommandFailure> {
        let attempt = attempt_of(folder, history.controller(), trial, number)?;
        let mut then: Option<Controller> = None;
        let mut order = None;
        let mut ended = None;
        // Up to here the history was folded already, so nothing in it can be refused.
        fold_journal(&folder.journal(), |record| {
            if ended.is_some() {
                return;
            }
            match &mut then {
                None => then = Controller::created(&record.event).ok(),
                Some(controller) => drop(controller.follow(&record.event)),
            }
            match record.event {
                Event::AttemptStarted { attempt: started }
                | Event::ConfirmationStarted { attempt: started }
                | Event::RepeatStarted {
                    attempt: started, ..
                } if started == attempt => {
                    let controller = then.as_ref();
                    order = controller.map(|controller| AttemptOrder::new(controller, attempt));
                }
                Event::AttemptFinished {
                    attempt: finished,
                    outcome,
                    cache,
                    ..
                } if finished == attempt => {
                    ended = Some((*outcome, cache.and_then(|answer| answer.hit().cloned())));
                }
                _ => {}
            }
        })?;
        let (Some(order), Some((outcome, known_from))) = (order, ended) else {
            return Err(CommandFailure::internal(format!(
                "the journal tells nothing of attempt {attempt}"
            )));
        };
        let design = history
            .controller()
            .program()
            .study()
            .design
            .case_name
            .clone();
        Ok(Self {
            order,
            outcome,
            known_from,
            folder: absolute(&folder.attempt(&design, attempt)),
            run: folder.clone(),
            design,
        })
    }

    /// The netlist that the attempt of a case left in the run.
    pub fn netlist_of(&self, parent: &ParentOrder) -> PathBuf {
        let folder = self.run.attempt(&self.design, parent.attempt);
        absolute(&folder.join(NETLIST))
    }

    /// The folder of the run, as an absolute path.
    pub fn run_root(&self) -> PathBuf {
        absolute(self.run.root())
    }

    /// The folder of the run, wherever it lay when this was the folder of the attempt; `None` where it was none of a run.
    pub fn root_above<'p>(&self, attempt: &'p Path) -> Option<&'p Path> {
        let within = self.folder.strip_prefix(self.run_root()).ok()?;
        let root = attempt.ancestors().nth(within.components().count())?;
        (root.join(within) == attempt).then_some(root)
    }

    /// Refuses an attempt that would start from other files than it did: all that are missing or changed at once.
    pub fn refuse_changed_files(&self) -> Result<(), CommandFailure> {
        let read = self.order.read_files(|parent| self.netlist_of(parent));
        let changed: Vec<String> = read
            .iter()
            .filter_map(|(path, content)| match hash_file(path) {
                Ok(found) if found == *content => None,
                Ok(_) => Some(format!("`{}` is not what was measured", path.display())),
                Err(error) => Some(error.to_string()),
            })
            .collect();
        if changed.is_empty() {
            return Ok(());
        }
        Err(CommandFailure::new(
            Exit::Stopped,
            FILES_CHANGED,
            format!(
                "attempt {} cannot start from what it started from: {}",
                self.order.attempt,
                changed.join("; ")
            ),
            "restore these from a copy of the run; `noodle2 verify` says what else of it is not as it was written"
                .to_owned(),
        ))
    }

    /// What of its files is not as it was sealed, in words.
    pub fn unsealed(&self) -> Vec<String> {
        let found = ArtifactIndex::read(&self.folder)
            .and_then(|index| index.verify(&self.folder))
            .map(|problems| {
                let told = problems.iter();
                told.map(|problem| format!("`{}`: {problem}", problem.path()))
                    .collect()
            });
        found.unwrap_or_else(|error| vec![error.to_string()])
    }

    /// What the attempt was made for, in words.
    pub fn role(&self) -> String {
        match self.order.role {
            AttemptRole::Derives if self.order.eco.is_none() => "measures the base case".to_owned(),
            AttemptRole::Derives => "derives a case".to_owned(),
            AttemptRole::Confirms => "confirms a survivor".to_owned(),
            AttemptRole::Repeats(0) => "measures a case again".to_owned(),
            AttemptRole::Repeats(repeat) => format!("measures under perturbation {repeat}"),
        }
    }
}

/// The trial that somebody means by its id or by the case that it made.
pub(crate) fn trial_named(
    run: &Path,
    controller: &Controller,
    item: &str,
) -> Result<TrialId, CommandFailure> {
    let design = &controller.program().study().design.case_name;
    let by_case = item.parse::<CaseName>().ok();
    let by_case = by_case.filter(|case| case.design() == design);
    let trial = item.parse::<TrialId>().ok();
    let trial = trial.or_else(|| by_case.map(|case| case.trial()));
    let known = |trial: &TrialId| trial.is_base() || controller.trial(*trial).is_some();
    trial.filter(known).ok_or_else(|| {
        CommandFailure::new(
            Exit::Usage,
            "N2-RUN-002",
            format!("run `{}` has no trial `{item}`", run.display()),
            "`noodle2 lineage --all` names every case; a trial is its two numbers, such as 2_14"
                .to_owned(),
        )
    })
}

fn attempt_of(
    folder: &RunFolder,
    controller: &Controller,
    trial: TrialId,
    number: Option<u32>,
) -> Result<AttemptId, CommandFailure> {
    let known = controller.trial(trial);
    let derives = known.map_or(controller.base_attempts(), |trial| &trial.attempts);
    let confirms = known.map_or(&[][..], |trial| &trial.confirmations);
    let repeats = known.map_or(controller.base_repeats(), |trial| &trial.repeats);
    let all = || {
        let repeats = repeats.values().flatten();
        derives.iter().chain(confirms).chain(repeats)
    };
    let was_left = |attempt: &&Attempt| matches!(&attempt.outcome, Some(Outcome::Failed(failure)) if failure.class == FailureClass::Interrupted);
    let ended = |attempt: &&Attempt| attempt.outcome.is_some();
    let found = match number {
        Some(number) => all().find(|attempt| attempt.number == number && ended(attempt)),
        None => {
            let mut settled = derives.iter().rev().filter(ended);
            let settled = settled.find(|attempt| !was_left(attempt));
            settled.or_else(|| derives.iter().rfind(ended))
        }
    };
    if let Some(attempt) = found {
        let number = attempt.number;
        return Ok(AttemptId { trial, number });
    }
    let numbers: Vec<String> = all()
        .filter(ended)
        .map(|attempt| attempt.number.to_string())
        .collect();
    let which = number.map_or("no attempt".to_owned(), |number| {
        format!("no attempt {number}")
    });
    Err(CommandFailure::new(
        Exit::Usage,
        NO_ATTEMPT,
        format!(
            "trial {trial} of `{}` has {which} that has ended",
            folder.root().display()
        ),
        match numbers.is_empty() {
            true => "`noodle2 explain` says why it was not run".to_owned(),
            false => format!("it has these: {}", numbers.join(", ")),
        },
    ))
}
