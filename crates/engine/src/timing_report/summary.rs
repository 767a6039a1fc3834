//! What a report amounts to.

use serde::Serialize;

/// What a timing report amounts to. All times are in the unit of the report, which it does not name.
#[derive(Clone, PartialEq, Debug, Default, Serialize)]
pub struct TimingReport {
    /// Paths that it tells of, of all checks and layouts.
    pub paths: u64,
    /// Of these, paths that no constraint bounds.
    pub unconstrained_paths: u64,
    /// Of these, paths of which no slack is printed.
    pub paths_without_slack: u64,
    /// How often it says that no path was found.
    pub no_paths: u64,
    /// The fewest digits behind the point of any slack; [`None`] where none is printed. Every slack is off by up to half
    /// a unit of this digit, and every sum by as much for each of its endpoints.
    pub fewest_decimals: Option<u8>,
    /// The most digits behind the point of any slack.
    pub most_decimals: Option<u8>,
    /// The checks over all groups.
    pub checks: Vec<EndpointSummary>,
    /// The path groups, in the order in which they first appear.
    pub groups: Vec<GroupSummary>,
    /// The worst paths, worst first, as many as were asked for.
    pub worst_paths: Vec<PathSummary>,
    /// Whether the report ends within a path.
    pub is_cut_off: bool,
    /// Lines longer than any that a tool prints: they were cut.
    pub cut_lines: u64,
    /// Groups that were left out, since there were more than anybody constrains: one report is not of this kind.
    pub further_groups: u64,
    /// What it tells in JSON, apart from all else, since that is in seconds whatever the unit of the other layouts: here in
    /// ps. None of its paths is among the above. What delays are spent in is not read of it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub json: Option<Box<TimingReport>>,
}

impl TimingReport {
    /// Brings all times but those of [`Self::json`] to a unit that is smaller by this power of ten.
    pub fn scale(&mut self, power: u8) {
        let fewer = |decimals: u8| decimals.saturating_sub(power);
        self.fewest_decimals = self.fewest_decimals.map(fewer);
        let left = self.most_decimals.map(fewer);
        self.most_decimals = left;
        let unit = 10_f64.powi(i32::from(left.unwrap_or(0).min(12)));
        let factor = 10_f64.powi(i32::from(power));
        // As many digits as there were.
        let scaled = |time: &mut f64| *time = (*time * factor * unit).round() / unit;
        let ends = |ends: &mut EndpointSummary| {
            ends.worst_slack.iter_mut().for_each(scaled);
            ends.total_negative_slack.iter_mut().for_each(scaled);
        };
        self.checks.iter_mut().for_each(ends);
        self.groups
            .iter_mut()
            .for_each(|group| ends(&mut group.ends));
        for path in &mut self.worst_paths {
            scaled(&mut path.slack);
            if let Some(delays) = &mut path.delays {
                scaled(&mut delays.cell_delay);
                scaled(&mut delays.net_delay);
            }
        }
    }
}

/// What a path is checked for.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ReportCheck {
    /// Whether it is fast enough: `max`.
    Setup,
    /// Whether it is slow enough: `min`.
    Hold,
    /// The layout of the report does not say.
    Unknown,
}

/// The endpoints of a check, each counted once, by its worst slack in any path.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct EndpointSummary {
    /// The check.
    pub check: ReportCheck,
    /// The worst slack.
    pub worst_slack: Option<f64>,
    /// The sum of the worst negative slack of each endpoint; 0 without one. [`None`] where no endpoints are named, or
    /// more than are remembered. It is of the endpoints in the report: the design may have others.
    pub total_negative_slack: Option<f64>,
    /// Endpoints; absent where they are not known, as above.
    pub endpoints: Option<u64>,
    /// Endpoints with a violated path; absent where they are not known, as above.
    pub violating_endpoints: Option<u64>,
}

/// A path group under a check, in one corner.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct GroupSummary {
    /// Its name; absent where the layout of the report tells of none.
    pub group: Option<String>,
    /// The corner, where the report names one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub corner: Option<String>,
    /// Paths.
    pub paths: u64,
    /// Paths that are violated.
    pub violating_paths: u64,
    /// Its endpoints.
    #[serde(flatten)]
    pub ends: EndpointSummary,
}

/// A path.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct PathSummary {
    /// Its group; absent where the layout of the report tells of none.
    pub group: Option<String>,
    /// The check.
    pub check: ReportCheck,
    /// The corner, where the report names one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub corner: Option<String>,
    /// Where it starts: a port, or an instance, or a pin, as the report names it. Absent where it does not.
    pub start: Option<String>,
    /// Where it ends: a port, or a pin, or an instance where the report names none.
    pub end: String,
    /// Its slack.
    pub slack: f64,
    /// Whether the report calls it violated: at few digits that may be so at 0.
    pub is_violated: bool,
    /// What its delay is spent in; absent where the report has no table, or the table no input pins, so that the delay
    /// of a cell and that of the net before it are one number.
    pub delays: Option<DelayShares>,
}

/// What the delay of a path is spent in, from the clock pin or port at which it starts to the pin at which it ends.
#[derive(Clone, Copy, PartialEq, Debug, Serialize)]
pub struct DelayShares {
    /// Cells that it goes through, the launching register among them.
    pub cells: u32,
    /// Delay in cells.
    pub cell_delay: f64,
    /// Delay in nets.
    pub net_delay: f64,
}

impl DelayShares {
    /// The share of nets in the delay of the path, from 0 to 1; [`None`] where there is no delay.
    pub fn net_share(&self) -> Option<f64> {
        let all = self.cell_delay + self.net_delay;
        (all > 0.0).then(|| self.net_delay / all)
    }
}
