//! What people and scripts see: plans, progress, summaries, reports, lineage, the screen of a run that goes on, charts and
//! graphs, maps over the die.
//!
//! Owns the layout of every text, table and picture, and the shapes of the JSON that others script
//! against. Everything is computed from a study or from a journal; a value that is missing there is shown as
//! missing.
//!
//! Never decides, never writes a file, never measures anything itself.

pub mod chart;
mod comparison;
mod event;
mod explain;
mod export;
mod glance;
pub mod graph;
mod history;
mod legality;
mod lineage;
mod map;
mod noise;
mod number;
mod outline;
mod people;
mod plan;
mod progress;
mod pulse;
mod report;
mod screen;
mod spending;
mod stage;
mod standing;
mod summary;
mod svg;
mod table;

pub use comparison::{
    Better, COMPARISON_SCHEMA_VERSION, CommonCase, Comparand, Comparison, ContextDifference, Cost,
    EcoComparison, EcoTally, FailureComparison, LineageComparison, LineageStep, MetricComparison,
    SettingDifference, Side, Subject,
};
pub use event::{EventLine, EventWeight};
pub use explain::{Explanation, Topic, TopicKind, known_line, nearest_topic, topics};
pub use export::{Cell, Column, ColumnKind, ExportTable, reference_markdown};
pub use glance::{ObjectiveGlance, RunGlance};
pub use history::{Folding, History};
pub use legality::{Breach, LegalityReport};
pub use lineage::Lineage;
pub use map::{
    DieOutline, Footer, MapPanel, Rgb, difference_colour, difference_svg, magnitude_colour,
    maps_svg,
};
pub use noise::NoiseSummary;
pub use number::{bytes_text, count_text, gain_text, metric_text, seconds_text, weight_text};
pub use outline::{NextStep, Outline};
pub use people::{
    AnswerSummary, ApprovalStanding, ApprovalSummary, JournalMending, deadline, mending_text,
};
pub use plan::{KnownStage, KnownWork, PlanView};
pub use progress::{Progress, StageProgress};
pub use pulse::Pulse;
pub use report::{headline, kept_out_lines, report_markdown, report_text};
pub use screen::{Charset, Line, Screen, Span, Tone};
pub use spending::{Owner, PlannedSpending, Spent};
pub use stage::{StageView, composition_lines, eco_text};
pub use standing::{StageStatus, SummaryStatus, trial_text, veto_text};
pub use summary::{
    BestOrigin, CaseSummary, EcoSummary, FailureSummary, MetricDelta, SUMMARY_SCHEMA_VERSION,
    StageSummary, Summary,
};
pub use table::Table;
