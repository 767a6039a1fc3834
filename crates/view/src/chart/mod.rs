//! Charts of a run: what happened when, what was gained, by what, at what cost.
//!
//! Each chart is a pure function of a [`crate::History`] that gives a [`Figure`], or `None` where there is nothing to
//! show: no chart is ever made up of what was not measured. What it shows is there as numbers too, where a table beside
//! it is natural. Marks link to what they stand for, as the caller's [`Links`] say; scripts are never part of a figure.
//!
//! Round ticks come from `plotters`; the drawing is ours. The SVG that `plotters` itself writes has colours as fixed
//! attributes, whole pixels and neither classes, titles nor links, so that it fits no dark page and no reader without
//! eyes.
//!
//! Series differ by colour and by shape or dash, so that a figure can be read in grey.

mod axis;
mod branches;
mod budget;
mod clock;
mod failures;
mod figure;
mod frame;
mod leaderboard;
mod marks;
mod pareto;
mod slack;
mod timeline;
mod trajectory;

pub use branches::{BranchGain, branch_comparison, branch_gains};
pub use budget::budget;
pub use failures::{FailureCount, failure_counts, failures};
pub use figure::{FIGURE_DARK_COLOURS, FIGURE_STYLE, Figure, Links, NoLinks};
pub use leaderboard::{EcoStanding, GainSpread, PriorStanding, eco_leaderboard, eco_standings};
pub use pareto::{ParetoPoint, pareto, pareto_points};
pub use slack::slack_histogram;
pub use timeline::timeline;
pub use trajectory::{TrajectoryAxis, TrajectoryPoint, trajectory, trajectory_points};

pub(crate) use axis::metric_words;
pub(crate) use frame::{Sample, legend, pixels, rectangle, shortened};
pub(crate) use marks::{Shape, linked, series_class};
