//! The trials of a run, by stage and derived index: those of a stage are proposed one after the other from 1, so they
//! lie one after the other too.

use noodle2_model::{StageIndex, TrialId};

use crate::state::Trial;

/// Every trial that was proposed.
#[derive(Debug, Clone, Default)]
pub(crate) struct Trials {
    stages: Vec<Vec<Trial>>,
}

impl Trials {
    pub fn of(stages: usize) -> Self {
        Self {
            stages: vec![Vec::new(); stages],
        }
    }

    /// The trials of one stage in proposal order; none of a stage that is not there.
    pub fn of_stage(&self, stage: StageIndex) -> &[Trial] {
        self.stages.get(stage.position()).map_or(&[], Vec::as_slice)
    }

    /// One trial; `None` for the base case.
    pub fn get(&self, trial: &TrialId) -> Option<&Trial> {
        let place = (trial.derived as usize).checked_sub(1)?;
        self.of_stage(trial.stage).get(place)
    }

    pub fn get_mut(&mut self, trial: &TrialId) -> Option<&mut Trial> {
        let place = (trial.derived as usize).checked_sub(1)?;
        self.stages.get_mut(trial.stage.position())?.get_mut(place)
    }

    /// All trials in proposal order.
    pub fn values(&self) -> impl Iterator<Item = &Trial> {
        self.stages.iter().flatten()
    }

    /// Adds the next trial of its stage, which is going to have `all` in the end as far as that is known.
    pub fn push(&mut self, trial: Trial, all: usize) {
        let stage = &mut self.stages[trial.id.stage.position()];
        debug_assert_eq!(trial.id.derived as usize, stage.len() + 1);
        if stage.len() == stage.capacity() {
            // Of a stage that proposes in rounds more come later: it must not be moved for each of them.
            let missing = all.saturating_sub(stage.len());
            stage.reserve_exact(missing.max(stage.len() / 4).max(1));
        }
        stage.push(trial);
    }
}
