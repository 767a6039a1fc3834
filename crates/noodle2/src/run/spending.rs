//! What a run has spent of its budgets, and when one is spent up.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use noodle2_control::{Controller, StageStanding};
use noodle2_model::{Budget, BudgetOwner, Event, StageIndex, StopCause, TimeKind};
use noodle2_view::History;

/// What is spent of the budgets of a run, over all controllers that worked on it.
#[derive(Debug)]
pub(crate) struct Spending {
    cpu_limit_s: Option<f64>,
    wall_limit_s: Option<f64>,
    disk_limit_mib: Option<u64>,
    cpu_s: f64,
    disk_bytes: u64,
    earlier_wall_s: f64,
    began: Instant,
    /// Time that counts for nothing, and since when it goes on.
    rested: Duration,
    resting_since: Option<Instant>,
    stages: BTreeMap<StageIndex, StageClock>,
}

/// The clock of a stage, in seconds of the clock of the run.
#[derive(Debug, Clone, Copy, Default)]
struct StageClock {
    /// What had passed when it was started anew, or in all when it stands.
    passed_s: f64,
    /// When it was started; `None` while it stands.
    started_s: Option<f64>,
}

impl Spending {
    /// Starts the clock of a run that begins.
    pub fn new(budget: &Budget) -> Self {
        Self {
            cpu_limit_s: budget.cpu_time_s,
            wall_limit_s: budget.wall_time_s,
            disk_limit_mib: budget.disk_mib,
            cpu_s: 0.0,
            disk_bytes: 0,
            earlier_wall_s: 0.0,
            began: Instant::now(),
            rested: Duration::ZERO,
            resting_since: None,
            stages: BTreeMap::new(),
        }
    }

    /// Starts the clock of a run that goes on, with what earlier controllers spent already on it.
    pub fn resumed(history: &History) -> Self {
        let controller = history.controller();
        let stages = controller.stages().iter().enumerate();
        let clocks = stages.filter_map(|(position, stage)| {
            let index = StageIndex::from(position);
            let is_running = stage.standing == StageStanding::Running;
            let clock = StageClock {
                passed_s: history.stage_wall_s(index)?,
                started_s: is_running.then_some(history.makespan_s()),
            };
            Some((index, clock))
        });
        Self {
            cpu_s: history.cpu_s(),
            disk_bytes: history.disk_bytes(),
            earlier_wall_s: history.makespan_s(),
            stages: clocks.collect(),
            ..Self::new(&controller.program().study().budget)
        }
    }

    /// Counts what an event tells: processor time and disk space of an attempt that ended, the start and the end of a stage.
    pub fn hear(&mut self, event: &Event) {
        let now = self.wall_s();
        match event {
            Event::AttemptFinished { usage, .. } => {
                self.cpu_s += usage.cpu_s;
                self.disk_bytes += usage.disk_bytes.unwrap_or(0);
            }
            Event::StageStarted { stage, .. } => {
                self.stages.entry(*stage).or_default().started_s = Some(now);
            }
            Event::StageFinished { stage, .. } => {
                if let Some(clock) = self.stages.get_mut(stage) {
                    clock.passed_s = clock.at(now);
                    clock.started_s = None;
                }
            }
            _ => {}
        }
    }

    /// Stops the clock while nothing runs and people are asked, and lets it go on after that.
    pub fn rest(&mut self, is_resting: bool) {
        match (is_resting, self.resting_since) {
            (true, None) => self.resting_since = Some(Instant::now()),
            (false, Some(since)) => {
                self.rested += since.elapsed();
                self.resting_since = None;
            }
            _ => {}
        }
    }

    /// Seconds since the run began, pauses and the time that people took left out.
    pub fn wall_s(&self) -> f64 {
        let resting = self
            .resting_since
            .map_or(Duration::ZERO, |since| since.elapsed());
        let worked = self.began.elapsed().saturating_sub(self.rested + resting);
        self.earlier_wall_s + worked.as_secs_f64()
    }

    /// The limit of the whole run that is reached, if one is.
    pub fn spent(&self) -> Option<StopCause> {
        if self
            .wall_limit_s
            .is_some_and(|limit| self.wall_s() >= limit)
        {
            Some(StopCause::WallTime)
        } else if self.cpu_limit_s.is_some_and(|limit| self.cpu_s >= limit) {
            Some(StopCause::CpuTime)
        } else if (self.disk_limit_mib)
            .is_some_and(|limit| self.disk_bytes >= limit.saturating_mul(1 << 20))
        {
            Some(StopCause::DiskSpace)
        } else {
            None
        }
    }

    /// What the clock says of the stages and branches that have a budget of wall time: which have spent it.
    pub fn spent_in_parts(&self, controller: &Controller) -> Vec<Event> {
        let open = controller.open_time_budgets(TimeKind::Wall).into_iter();
        let spent = open.filter(|(owner, limit)| self.part_s(controller, *owner) >= *limit);
        let time = TimeKind::Wall;
        spent
            .map(|(owner, _)| Event::TimeSpent { owner, time })
            .collect()
    }

    /// Seconds that a stage, or the stages of a branch, took so far.
    fn part_s(&self, controller: &Controller, owner: BudgetOwner) -> f64 {
        let now = self.wall_s();
        let stages = controller.stages_of(owner).into_iter();
        let clocks = stages.filter_map(|stage| self.stages.get(&stage));
        clocks.map(|clock| clock.at(now)).sum()
    }

    /// How long to wait at most before looking again. A run that stops spends what its last attempts take.
    pub fn patience(&self, controller: &Controller, at_most: Duration) -> Duration {
        if controller.stop_cause().is_some() {
            return at_most;
        }
        let parts = controller.open_time_budgets(TimeKind::Wall).into_iter();
        let parts = parts.map(|(owner, limit)| limit - self.part_s(controller, owner));
        let whole = self.wall_limit_s.map(|limit| limit - self.wall_s());
        let least = parts.chain(whole).min_by(f64::total_cmp);
        least.map_or(at_most, |left| {
            let left = left.max(0.0).min(at_most.as_secs_f64());
            Duration::from_secs_f64(left + 0.001)
        })
    }
}

impl StageClock {
    /// Seconds on it when the clock of the run stands at `now`.
    fn at(&self, now: f64) -> f64 {
        self.passed_s + self.started_s.map_or(0.0, |since| now - since)
    }
}

#[cfg(test)]
mod tests {
    use noodle2_model::{AttemptId, AttemptUsage, Outcome, TrialId};

    use super::*;

    #[test]
    fn disk_space_is_spent_by_what_attempts_leave_and_no_sooner() {
        let budget = Budget {
            disk_mib: Some(2),
            ..Budget::default()
        };
        let mut spending = Spending::new(&budget);
        let mut leave = |bytes: Option<u64>| {
            spending.hear(&Event::AttemptFinished {
                attempt: AttemptId {
                    trial: TrialId::BASE,
                    number: 1,
                },
                outcome: Box::new(Outcome::NoEffect),
                usage: AttemptUsage {
                    disk_bytes: bytes,
                    ..AttemptUsage::default()
                },
                cache: None,
            });
            spending.spent()
        };
        assert_eq!(leave(Some(1 << 20)), None);
        assert_eq!(leave(None), None);
        assert_eq!(leave(Some((1 << 20) - 1)), None);
        assert_eq!(leave(Some(1)), Some(StopCause::DiskSpace));
    }

    #[test]
    fn the_time_that_people_take_is_not_spent() {
        let budget = Budget {
            wall_time_s: Some(100.0),
            ..Budget::default()
        };
        let mut spending = Spending::new(&budget);
        spending.earlier_wall_s = 99.0;
        assert_eq!(spending.spent(), None);
        // As if a second had gone by since then, all of which people took.
        let since = Instant::now()
            .checked_sub(Duration::from_secs(3600))
            .unwrap();
        spending.began = since;
        assert_eq!(spending.spent(), Some(StopCause::WallTime));
        spending.resting_since = Some(since);
        assert_eq!(spending.spent(), None);
        spending.rest(false);
        assert_eq!(spending.spent(), None);
        assert!(spending.wall_s() < 99.5);
    }
}
