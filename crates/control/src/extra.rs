//! Trials that a stage did not use, and the stages that may draw them.
//!
//! Drawing happens at declared points alone: when a stage starts whose file says from which others it draws, all of
//! which have ended by then. Where several draw from one, each is entitled in canonical order, whether it then starts or
//! not, so that what one gets never depends on when another starts.

use std::collections::{BTreeMap, BTreeSet};

use noodle2_model::StageIndex;

use crate::state::{Controller, StageStanding};

impl Controller {
    /// How many trials a stage may propose in all: its own and those that it drew when it started.
    pub fn allotted_trials(&self, stage: StageIndex) -> u32 {
        self.trials_with(stage, &self.stages[stage.position()].extra_trials)
    }

    pub(crate) fn trials_with(&self, stage: StageIndex, extra: &[(StageIndex, u32)]) -> u32 {
        let drawn = extra.iter().map(|(_, trials)| *trials);
        drawn.fold(self.program.stage(stage).trials, u32::saturating_add)
    }

    /// How many of the trials that it may propose a stage that ended did not use: those that it never proposed, and
    /// those whose results count for nothing. `None` until it ended.
    pub fn unused_trials(&self, stage: StageIndex) -> Option<u32> {
        let StageStanding::Finished(_) = self.stages[stage.position()].standing else {
            return None;
        };
        let used = self
            .trials_of(stage)
            .filter(|trial| !self.is_discarded(trial.id));
        Some(
            self.allotted_trials(stage)
                .saturating_sub(used.count() as u32),
        )
    }

    /// What a stage draws when it starts, by the stage that did not use it; `None` while that is not certain.
    pub(crate) fn extra_trials_due(&self, stage: StageIndex) -> Option<Vec<(StageIndex, u32)>> {
        let mut left: BTreeMap<StageIndex, u32> = BTreeMap::new();
        let mut drawn = Vec::new();
        for drawer in self.drawers_before(stage) {
            drawn.clear();
            let extra = self.program.stage(drawer).extra_trials.as_ref();
            let mut most = extra.map_or(0, |extra| extra.at_most);
            for &source in self.program.sources(drawer) {
                let unused = match left.get(&source) {
                    Some(unused) => *unused,
                    None => self.unused_trials(source)?,
                };
                let share = unused.min(most);
                most -= share;
                left.insert(source, unused - share);
                if share > 0 {
                    drawn.push((source, share));
                }
            }
        }
        Some(drawn)
    }

    /// The stages on whose shares that of `stage` depends, in canonical order, itself the last.
    fn drawers_before(&self, stage: StageIndex) -> Vec<StageIndex> {
        let mut wanted: BTreeSet<StageIndex> =
            self.program.sources(stage).iter().copied().collect();
        let mut drawers = vec![stage];
        let before = self.program.canonical_order().iter().rev();
        for &other in before.skip_while(|other| **other != stage).skip(1) {
            let sources = self.program.sources(other);
            if sources.iter().any(|source| wanted.contains(source)) {
                wanted.extend(sources);
                drawers.push(other);
            }
        }
        drawers.reverse();
        drawers
    }
}
