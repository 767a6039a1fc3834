//! What a run has spent of its budget of time, and when it is spent up.

use std::time::{Duration, Instant};

use noodle2_model::{Budget, StopCause};

/// Time spent against a budget, over all controllers that worked on the run.
#[derive(Debug)]
pub(crate) struct Spending {
    cpu_limit_s: Option<f64>,
    wall_limit_s: Option<f64>,
    cpu_s: f64,
    earlier_wall_s: f64,
    began: Instant,
    /// Time that counts for nothing, and since when it goes on.
    rested: Duration,
    resting_since: Option<Instant>,
}

impl Spending {
    /// Starts the clock, with what earlier controllers spent already on it.
    pub fn new(budget: &Budget, earlier_cpu_s: f64, earlier_wall_s: f64) -> Self {
        Self {
            cpu_limit_s: budget.cpu_time_s,
            wall_limit_s: budget.wall_time_s,
            cpu_s: earlier_cpu_s,
            earlier_wall_s,
            began: Instant::now(),
            rested: Duration::ZERO,
            resting_since: None,
        }
    }

    /// Counts processor time of an attempt that ended.
    pub fn add_cpu(&mut self, seconds: f64) {
        self.cpu_s += seconds;
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

    /// The limit that is reached, if one is.
    pub fn spent(&self) -> Option<StopCause> {
        if self
            .wall_limit_s
            .is_some_and(|limit| self.wall_s() >= limit)
        {
            Some(StopCause::WallTime)
        } else if self.cpu_limit_s.is_some_and(|limit| self.cpu_s >= limit) {
            Some(StopCause::CpuTime)
        } else {
            None
        }
    }

    /// How long to wait at most before looking again.
    pub fn patience(&self, at_most: Duration) -> Duration {
        self.wall_limit_s.map_or(at_most, |limit| {
            let left = (limit - self.wall_s()).max(0.0);
            Duration::from_secs_f64(left.min(at_most.as_secs_f64()) + 0.001)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_time_that_people_take_is_not_spent() {
        let budget = Budget {
            wall_time_s: Some(100.0),
            ..Budget::default()
        };
        let mut spending = Spending::new(&budget, 0.0, 99.0);
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
