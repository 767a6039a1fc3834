//! Timing reports as `report_checks` of OpenSTA and OpenROAD prints them, read into what they amount to.
//!
//! Owns the layout of these reports: `full`, `full_clock` and `full_clock_expanded` with any `-fields`, `short`, `end`,
//! `summary`, `slack_only` and `json`, also among other lines of a log. Reads them in one pass, in memory that does not grow
//! with them, and takes any bytes. Counts what it does not understand, and never puts a number where none is printed.
//!
//! A report names no unit of time, so numbers stay in that of the report; only `json` is always in seconds. It prints few
//! digits: sums over endpoints are as coarse as these. What decides in a run is read from the engine itself, never from a
//! report.

mod json;
mod lines;
mod read;
mod row;
mod summary;

pub use read::{ReadLimits, ReportReader};
pub use summary::{
    DelayShares, EndpointSummary, GroupSummary, PathSummary, ReportCheck, TimingReport,
};

#[cfg(test)]
mod tests;

use std::io;

/// Reads a whole report.
///
/// # Errors
/// Those of `input`; what it holds never makes one.
pub fn read_timing_report(
    input: impl io::Read,
    limits: ReadLimits,
) -> Result<TimingReport, io::Error> {
    let mut reader = ReportReader::new(limits);
    let long = lines::for_each(input, |line| reader.line(line))?;
    Ok(reader.finish(long))
}
