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
        }
    }

    /// Counts processor time of an attempt that ended.
    pub fn add_cpu(&mut self, seconds: f64) {
        self.cpu_s += seconds;
    }

    /// Seconds since the run began, pauses left out.
    pub fn wall_s(&self) -> f64 {
        self.earlier_wall_s + self.began.elapsed().as_secs_f64()
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
