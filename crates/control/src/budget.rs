//! Budgets of time of stages and branches: when they are spent, and what is then left of a stage.
//!
//! Processor time is told by the ends of attempts, so that it is spent is decided from the journal. Wall time is told
//! by whoever sees a clock, as an event. Either way a stage that runs out of time ends with what is counted by then, in
//! proposal order; what else was measured counts for nothing. Which trials that are depends on the machine.

use noodle2_model::{BudgetOwner, StageIndex, StopCause, TimeKind, TrialId};

use crate::state::{Controller, StageStanding};

impl Controller {
    /// The stages and branches with a limit on this kind of time that are under way, with the limit in seconds.
    /// Those whose time is known to be spent are left out. A run that was given up has none.
    pub fn open_time_budgets(&self, time: TimeKind) -> Vec<(BudgetOwner, f64)> {
        if self.halted.is_some() {
            return Vec::new();
        }
        let is_running =
            |stage: StageIndex| self.stages[stage.position()].standing == StageStanding::Running;
        let running = (0..self.stages.len()).map(StageIndex::from);
        let owners = running
            .filter(|stage| is_running(*stage))
            .flat_map(|stage| {
                let branch = self.program.branch_of(stage);
                [BudgetOwner::Stage(stage), BudgetOwner::Branch(branch)]
            });
        let open = owners.filter(|owner| !self.spent.contains(&(*owner, time)));
        open.filter_map(|owner| Some((owner, self.time_limit_s(owner, time)?)))
            .collect()
    }

    /// The stages whose time counts against the budget of an owner, by index.
    pub fn stages_of(&self, owner: BudgetOwner) -> Vec<StageIndex> {
        let stages = (0..self.stages.len()).map(StageIndex::from);
        let belongs = |stage: &StageIndex| match owner {
            BudgetOwner::Stage(own) => *stage == own,
            BudgetOwner::Branch(first) => self.program.branch_of(*stage) == first,
        };
        stages.filter(belongs).collect()
    }

    /// Whether the time of an owner is known to be spent.
    pub fn is_time_spent(&self, owner: BudgetOwner, time: TimeKind) -> bool {
        self.spent.contains(&(owner, time))
    }

    /// Whether another run of the same study with the same tools would end with the same digest: it would not where
    /// a budget of time or disk space cut it short, since what was spent by then depends on the machine.
    pub fn promises_digest(&self) -> bool {
        let is_cut = |cause: StopCause| !cause.is_resumable();
        !self.stop.is_some_and(is_cut)
            && self.stages.iter().all(|stage| stage.out_of_time.is_none())
    }

    fn time_limit_s(&self, owner: BudgetOwner, time: TimeKind) -> Option<f64> {
        let study = self.program.study();
        match owner {
            BudgetOwner::Stage(stage) => study.stages[stage.position()].budget.limit_s(time),
            BudgetOwner::Branch(_) => study.budget.branch.limit_s(time),
        }
    }

    /// The first budget of processor time that the ended attempts have spent, until that is in the journal.
    pub(crate) fn spent_cpu_time(&self) -> Option<(BudgetOwner, TimeKind)> {
        let open = self.open_time_budgets(TimeKind::Cpu).into_iter();
        let cpu_s = |owner: BudgetOwner| -> f64 {
            let stages = self.stages_of(owner).into_iter();
            stages
                .map(|stage| self.stages[stage.position()].cpu_s)
                .sum()
        };
        let mut spent = open.filter(|(owner, limit)| cpu_s(*owner) >= *limit);
        spent.next().map(|(owner, _)| (owner, TimeKind::Cpu))
    }

    /// Why a stage that starts has no time left: its branch has spent its own before.
    pub(crate) fn time_spent_before(&self, stage: StageIndex) -> Option<String> {
        let owner = BudgetOwner::Branch(self.program.branch_of(stage));
        [TimeKind::Wall, TimeKind::Cpu]
            .into_iter()
            .find(|time| self.spent.contains(&(owner, *time)))
            .map(|time| self.spent_text(owner, time))
    }

    /// Notes that a budget of time is spent, and cuts short what runs on it.
    pub(crate) fn spend(&mut self, owner: BudgetOwner, time: TimeKind) -> Result<(), String> {
        let open = self.open_time_budgets(time);
        if !open.iter().any(|(other, _)| *other == owner) {
            return Err("no budget of that time is open".to_owned());
        }
        if time == TimeKind::Cpu && self.spent_cpu_time() != Some((owner, time)) {
            return Err("the attempts that ended have not spent it".to_owned());
        }
        self.spent.insert((owner, time));
        let cause = self.spent_text(owner, time);
        for stage in self.stages_of(owner) {
            if self.stages[stage.position()].standing == StageStanding::Running {
                self.cut_short(stage, &cause);
            }
        }
        Ok(())
    }

    /// Ends the count of a running stage where it is, unless nothing is left to be tried or its end is certain. A
    /// stage whose branch had no time left when it started plans nothing, and is cut short before its first trial.
    pub(crate) fn cut_short(&mut self, stage: StageIndex, cause: &str) {
        let awaits_rounds = self.awaits_rounds(stage);
        let has_trials = self.program.stage(stage).trials > 0;
        let found = &mut self.stages[stage.position()];
        let plans_nothing = found.planned_count() == 0 && has_trials && !found.exhausted;
        let is_left = found.tally.counted < found.planned_count() || awaits_rounds || plans_nothing;
        let is_certain = found.tally.crossed.is_some()
            || found.tally.enough.is_some()
            || found.proposer_failure.is_some();
        if is_certain || !is_left {
            return;
        }
        let at = TrialId {
            stage,
            derived: found.tally.counted as u32,
        };
        found.tally.enough = Some((at, cause.to_owned()));
        found.satisfied = true;
        found.out_of_time = Some(cause.to_owned());
        self.note_unwanted(stage);
        self.drop_discarded_cases(Some(stage));
    }

    fn spent_text(&self, owner: BudgetOwner, time: TimeKind) -> String {
        let limit = self.time_limit_s(owner, time).unwrap_or_default();
        match owner {
            BudgetOwner::Stage(_) => format!("the {time} of the stage, {limit} s, is spent"),
            BudgetOwner::Branch(_) => format!("the {time} of its branch, {limit} s, is spent"),
        }
    }
}
