//! What people and scripts see: plans, progress, summaries, reports, lineage.
//!
//! Owns the layout of every text, table and picture, and the shapes of the JSON that others script
//! against. Everything is computed from a study or from a journal; a value that is missing there is shown as
//! missing.
//!
//! Never decides, never writes a file, never measures anything itself.

mod history;
mod lineage;
mod number;
mod plan;
mod progress;
mod report;
mod summary;
mod table;

pub use history::{AttemptSpan, History};
pub use lineage::Lineage;
pub use number::{gain_text, metric_text, seconds_text};
pub use plan::PlanView;
pub use progress::Progress;
pub use report::{report_markdown, report_text};
pub use summary::{
    CaseSummary, EcoSummary, FailureSummary, MetricDelta, SUMMARY_SCHEMA_VERSION, StageSummary,
    Summary, SummaryStatus,
};
pub use table::Table;
