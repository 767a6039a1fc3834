//! `noodle2 list` and `noodle2 tag`: which runs, and what people call them.

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use jiff::{SignedDuration, Timestamp};
use noodle2_model::TimeSpan;
use noodle2_store::Tag;
use noodle2_view::SummaryStatus;

use super::FormatOption;

#[derive(Debug, Args)]
pub(crate) struct ListOption {
    /// The folder below which runs are looked for.
    #[arg(default_value = ".")]
    pub folder: PathBuf,
    /// How many folders deep.
    #[arg(long, value_name = "N", default_value_t = 4, value_parser = clap::value_parser!(u32).range(0..=64))]
    pub depth: u32,
    /// Only runs that stand like this; may be given several times.
    #[arg(long, value_enum, value_name = "STATE")]
    pub state: Vec<StateFilter>,
    /// Only runs of this study.
    #[arg(long, value_name = "NAME")]
    pub study: Option<String>,
    /// Only runs with this tag; given several times, with all of them.
    #[arg(long, value_name = "TAG")]
    pub tag: Vec<Tag>,
    /// Only runs that began since: a time back from now (`12h`, `7d`), or a day (`2026-03-01`, UTC).
    #[arg(long, value_name = "WHEN", value_parser = since)]
    pub since: Option<Timestamp>,
    /// In which order.
    #[arg(long, value_enum, default_value_t)]
    pub sort: SortBy,
    #[command(flatten)]
    pub format: FormatOption,
}

#[derive(Debug, Args)]
pub(crate) struct TagOption {
    /// The run folder.
    pub run: PathBuf,
    /// The tags: letters, digits, `.`, `_` and `-`. Without any, those that it has are listed.
    pub tags: Vec<Tag>,
    /// Take them from the run.
    #[arg(long, requires = "tags")]
    pub remove: bool,
    #[command(flatten)]
    pub format: FormatOption,
}

/// How a run may stand.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum StateFilter {
    /// A controller works on it.
    Running,
    /// Every final stage completed.
    Completed,
    /// The base case is not fit to be worked on.
    Blocked,
    /// A rail or failure ended it early.
    Stopped,
    /// People have to approve a stage.
    Waiting,
    /// Nobody works on it, and it can be resumed.
    Interrupted,
    /// It cannot be read.
    Damaged,
}

impl StateFilter {
    /// Whether a run that stands like this is meant; `None` is one that cannot be read.
    pub fn admits(self, status: Option<SummaryStatus>) -> bool {
        let wanted = match self {
            Self::Running => Some(SummaryStatus::Running),
            Self::Completed => Some(SummaryStatus::Completed),
            Self::Blocked => Some(SummaryStatus::Blocked),
            Self::Stopped => Some(SummaryStatus::Stopped),
            Self::Waiting => Some(SummaryStatus::Waiting),
            Self::Interrupted => Some(SummaryStatus::Interrupted),
            Self::Damaged => None,
        };
        status == wanted
    }
}

/// The order of a list.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum SortBy {
    /// The newest first.
    #[default]
    Started,
    /// By folder.
    Name,
    /// By study, then the newest first.
    Study,
    /// The dearest first.
    Cpu,
}

fn since(text: &str) -> Result<Timestamp, String> {
    let now = Timestamp::now();
    if let Ok(span) = text.parse::<TimeSpan>() {
        let seconds = i64::try_from(span.seconds()).map_err(|error| error.to_string())?;
        let back = SignedDuration::from_secs(seconds);
        return now.checked_sub(back).map_err(|error| error.to_string());
    }
    if let Ok(at) = text.parse::<Timestamp>() {
        return Ok(at);
    }
    let begin: Option<Timestamp> = format!("{text}T00:00:00Z").parse().ok();
    begin.ok_or_else(|| {
        "a time back from now such as `12h` or `7d`, or a day such as `2026-03-01`".to_owned()
    })
}
