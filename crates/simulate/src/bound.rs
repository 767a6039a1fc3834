//! What no schedule of the same attempts can undercut.

use std::collections::BTreeMap;

use noodle2_control::{AttemptRole, Controller};
use noodle2_model::{AttemptId, StageIndex, TrialId};
use serde::Serialize;

/// Nanoseconds of the virtual clock.
pub(crate) type Nanoseconds = u64;

/// The lower bound of a makespan (Graham, *Bounds on multiprocessing timing anomalies*, 1969).
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Bound {
    /// Seconds that the attempts take which must follow each other: the base case and its repeats, then along the
    /// longest path of stages the longest trial of each (of each of its rounds) and the longest confirmation.
    pub critical_path_s: f64,
    /// Seconds of all workers together.
    pub work_s: f64,
    /// The larger of the critical path and the work shared out evenly, in seconds.
    pub makespan_s: f64,
}

/// What attempts took, as far as the bound asks.
#[derive(Debug, Default)]
pub(crate) struct Lengths {
    base: Nanoseconds,
    base_repeats: BTreeMap<u32, Nanoseconds>,
    /// By stage, what deriving each trial took, retries included.
    trials: Vec<Vec<Nanoseconds>>,
    /// What measuring survivors again took, by what for.
    examinations: BTreeMap<(TrialId, u32), Nanoseconds>,
    /// By stage, how many trials it had proposed when each of its rounds began.
    rounds: Vec<Vec<usize>>,
}

impl Lengths {
    pub fn of(stages: usize) -> Self {
        Self {
            trials: vec![Vec::new(); stages],
            rounds: vec![Vec::new(); stages],
            ..Self::default()
        }
    }

    pub fn propose(&mut self, trial: TrialId) {
        let stage = &mut self.trials[trial.stage.position()];
        stage.resize(trial.derived as usize, 0);
    }

    pub fn begin_round(&mut self, stage: StageIndex) {
        let proposed = self.trials[stage.position()].len();
        self.rounds[stage.position()].push(proposed);
    }

    pub fn add(&mut self, attempt: AttemptId, role: AttemptRole, took: Nanoseconds) {
        let AttemptId { trial, .. } = attempt;
        match role {
            AttemptRole::Derives if trial.is_base() => self.base += took,
            AttemptRole::Repeats(repeat) if trial.is_base() => {
                *self.base_repeats.entry(repeat).or_default() += took;
            }
            AttemptRole::Derives => {
                let stage = &mut self.trials[trial.stage.position()];
                stage[trial.derived as usize - 1] += took;
            }
            AttemptRole::Confirms => *self.examinations.entry((trial, 0)).or_default() += took,
            AttemptRole::Repeats(repeat) => {
                *self.examinations.entry((trial, repeat + 1)).or_default() += took;
            }
        }
    }

    /// Nanoseconds along the longest path. Trials that count for nothing are left out: nothing waited for them.
    pub fn critical_path(&self, controller: &Controller) -> Nanoseconds {
        let program = controller.program();
        let repeats = self.base_repeats.values().max().copied().unwrap_or(0);
        let begin = self.base + repeats;
        let mut ends = vec![begin; self.trials.len()];
        for &stage in program.canonical_order() {
            let after = program.dag().dependencies(stage).iter();
            let before = after.chain(program.sources(stage));
            let start = before.map(|before| ends[before.position()]).max();
            ends[stage.position()] = start.unwrap_or(begin) + self.stage(controller, stage);
        }
        ends.into_iter().max().unwrap_or(begin)
    }

    fn stage(&self, controller: &Controller, stage: StageIndex) -> Nanoseconds {
        let lengths = &self.trials[stage.position()];
        let counts = |position: usize| {
            let trial = TrialId {
                stage,
                derived: position as u32 + 1,
            };
            let found = controller.trial(trial);
            found.is_some_and(|found| found.verdict().is_some()) && !controller.is_discarded(trial)
        };
        let rounds = &self.rounds[stage.position()];
        let mut firsts = vec![0];
        firsts.extend(rounds);
        firsts.push(lengths.len());
        let longest = firsts.windows(2).map(|window| {
            let round = (window[0]..window[1]).filter(|position| counts(*position));
            round.map(|position| lengths[position]).max().unwrap_or(0)
        });
        let first = TrialId { stage, derived: 0 };
        let last = TrialId {
            stage,
            derived: u32::MAX,
        };
        let examined = self.examinations.range((first, 0)..=(last, u32::MAX));
        let examined = examined.filter(|((trial, _), _)| counts(trial.derived as usize - 1));
        longest.sum::<Nanoseconds>() + examined.map(|(_, took)| *took).max().unwrap_or(0)
    }
}
