//! The columns of every table: the one place that says what they are called, hold and mean.

use noodle2_model::{Direction, Metric, Unit};

use super::ColumnKind::{Boolean, Integer, Json, Real, Text, Time};
use super::{Column, ColumnKind, ExportTable};

const fn column(
    name: &'static str,
    kind: ColumnKind,
    unit: &'static str,
    meaning: &'static str,
) -> Column {
    Column {
        name,
        kind,
        unit,
        meaning,
    }
}

const TRIALS: &[Column] = &[
    column(
        "case",
        Text,
        "",
        "the case that it makes, or would have made: the name of the trial",
    ),
    column("stage", Text, "", "the name of its stage"),
    column("stage_index", Integer, "", "the index of its stage"),
    column("parent", Text, "", "the case that the ECO was applied to"),
    column("eco", Text, "", "the name of the ECO"),
    column("eco_version", Integer, "", "the version of the ECO"),
    column(
        "eco_class",
        Text,
        "",
        "how far the ECO may reach, as it declares",
    ),
    column("parameters", Json, "", "the parameters of the ECO"),
    column(
        "reason",
        Text,
        "",
        "why it was proposed, where the proposer says so",
    ),
    column(
        "verdict",
        Text,
        "",
        "`derived`, `no_effect` or `failed`; missing where it came to no end",
    ),
    column(
        "standing",
        Text,
        "",
        "what came of it, in the words of `noodle2 show`",
    ),
    column("failure_class", Text, "", "the kind of failure"),
    column(
        "failure_code",
        Text,
        "",
        "the tool's own code of the failure, where it gave one",
    ),
    column("failure_message", Text, "", "what happened, on what"),
    column(
        "discarded",
        Boolean,
        "",
        "whether its result counts for nothing",
    ),
    column(
        "refused",
        Text,
        "",
        "the gates that it did not pass, `; ` between them",
    ),
    column(
        "survivor",
        Boolean,
        "",
        "whether its stage passed its case on",
    ),
    column(
        "cached",
        Boolean,
        "",
        "whether nothing was run, since its result was known",
    ),
    column(
        "attempts",
        Integer,
        "",
        "its executions, without confirmations and repeats",
    ),
    column("cpu_s", Real, "s", "processor time of all its executions"),
    column(
        "wall_s",
        Real,
        "s",
        "time on the clock of all its executions",
    ),
];

const CASES: &[Column] = &[
    column("case", Text, "", "its name"),
    column(
        "stage",
        Text,
        "",
        "the stage that made it; missing for the base case",
    ),
    column(
        "parents",
        Text,
        "",
        "the cases that it comes from, a blank between them; the one that was changed first",
    ),
    column(
        "eco",
        Text,
        "",
        "the ECO that made it; missing for the base case",
    ),
    column(
        "attempt",
        Text,
        "",
        "the execution that measured it: `<case>.<number>`",
    ),
    column("discarded", Boolean, "", "whether it counts for nothing"),
    column("survivor", Boolean, "", "whether its stage passed it on"),
    column(
        "best",
        Boolean,
        "",
        "whether it is the best case of the run",
    ),
    column(
        "label",
        Text,
        "",
        "`pre-layout` where wires are not modelled",
    ),
    column("netlist", Text, "", "the BLAKE3 hash of its netlist"),
];

const STAGES: &[Column] = &[
    column("stage_index", Integer, "", "its index"),
    column("stage", Text, "", "its name"),
    column(
        "after",
        Text,
        "",
        "the stages that it follows, a blank between them",
    ),
    column("status", Text, "", "how it stands, as in `summary.json`"),
    column("cause", Text, "", "why it failed or was skipped"),
    column(
        "inputs",
        Text,
        "",
        "the cases that it started from, a blank between them",
    ),
    column(
        "survivors",
        Text,
        "",
        "the cases that it passed on, best first, a blank between them",
    ),
    column("trials", Integer, "", "trials proposed"),
    column("run", Integer, "", "trials that were brought to an end"),
    column(
        "cached",
        Integer,
        "",
        "trials that were not run, since their results were known",
    ),
    column("no_effect", Integer, "", "trials that changed nothing"),
    column("failures", Integer, "", "trials that failed"),
    column("discarded", Integer, "", "trials that count for nothing"),
    column("not_run", Integer, "", "trials that ended without a result"),
    column("cpu_s", Real, "s", "processor time of its executions"),
    column(
        "wall_s",
        Real,
        "s",
        "time on the clock from its start to its end, while a controller was at work",
    ),
    column("started_at", Time, "", "when it started"),
    column("ended_at", Time, "", "when it ended"),
];

const ECOS: &[Column] = &[
    column("eco", Text, "", "its name"),
    column("tries", Integer, "", "trials that ended"),
    column("effects", Integer, "", "trials that changed the design"),
    column("failures", Integer, "", "trials that failed"),
    column(
        "mean_gain_setup_ws_ps",
        Real,
        "ps",
        "mean gain over the parents; more is better",
    ),
    column(
        "mean_gain_setup_tns_ps",
        Real,
        "ps",
        "mean gain over the parents; more is better",
    ),
    column(
        "mean_gain_hold_ws_ps",
        Real,
        "ps",
        "mean gain over the parents; more is better",
    ),
    column(
        "mean_gain_power_w",
        Real,
        "W",
        "mean gain over the parents: power that was saved",
    ),
    column(
        "mean_gain_area_um2",
        Real,
        "µm²",
        "mean gain over the parents: area that was saved",
    ),
];

const ATTEMPTS: &[Column] = &[
    column("attempt", Text, "", "the execution: `<case>.<number>`"),
    column("case", Text, "", "the case of its trial, or the base case"),
    column("number", Integer, "", "its number, from 1"),
    column(
        "stage",
        Text,
        "",
        "the stage of the trial; missing for the base case",
    ),
    column("role", Text, "", "`derives`, `confirms` or `repeats`"),
    column(
        "repeat",
        Integer,
        "",
        "the number of the repeat; 0 repeats the measurement as it was",
    ),
    column(
        "outcome",
        Text,
        "",
        "`measured`, `no_effect` or `failed`; missing while it runs",
    ),
    column("failure_class", Text, "", "the kind of failure"),
    column(
        "cached",
        Boolean,
        "",
        "whether nothing was run, since its result was known",
    ),
    column("started_at", Time, "", "when it began"),
    column("ended_at", Time, "", "when its end was recorded"),
    column(
        "wall_s",
        Real,
        "s",
        "time on the clock; missing while it runs",
    ),
    column(
        "cpu_s",
        Real,
        "s",
        "processor time of all its processes; missing while it runs",
    ),
    column(
        "waited_s",
        Real,
        "s",
        "time before a worker of a cluster began with it",
    ),
    column(
        "peak_memory_bytes",
        Integer,
        "bytes",
        "the most memory that one of its processes held",
    ),
    column(
        "disk_bytes",
        Integer,
        "bytes",
        "what it takes up in the run folder",
    ),
];

const METRICS: &[Column] = &[
    column("case", Text, "", "the case"),
    column(
        "scene",
        Text,
        "",
        "the scene; missing for the value over all scenes",
    ),
    column("metric", Text, "", "the metric"),
    column("value", Real, "", "its value, in `unit`"),
    column(
        "unit",
        Text,
        "",
        "`ps`, `W`, `µm²`, `pF`, `µm` or `%`; missing for counts",
    ),
    column("better", Text, "", "`higher` or `lower`"),
];

const EVENTS: &[Column] = &[
    column("seq", Integer, "", "the place in the journal, from 1"),
    column("at", Time, "", "when it was recorded"),
    column("type", Text, "", "what kind of record it is"),
    column(
        "stage_index",
        Integer,
        "",
        "the stage that it tells of, where it tells of one",
    ),
    column(
        "case",
        Text,
        "",
        "the case of the trial that it tells of, where it tells of one",
    ),
    column(
        "attempt",
        Text,
        "",
        "the execution that it tells of, where it tells of one: `<case>.<number>`",
    ),
    column("event", Json, "", "the whole record, as the journal has it"),
];

impl ExportTable {
    /// The columns of the table, in the order of its rows' cells. Those of cases end with one for each metric.
    pub fn columns(self) -> Vec<Column> {
        let own = match self {
            Self::Trials => TRIALS,
            Self::Cases => CASES,
            Self::Stages => STAGES,
            Self::Ecos => ECOS,
            Self::Attempts => ATTEMPTS,
            Self::Metrics => METRICS,
            Self::Events => EVENTS,
        };
        let metrics = Metric::ALL.iter().filter(|_| self == Self::Cases);
        own.iter()
            .copied()
            .chain(metrics.map(metric_column))
            .collect()
    }
}

fn metric_column(metric: &Metric) -> Column {
    Column {
        name: metric.name(),
        // A count over scenes is the worst of whole numbers, and yet a value of a metric like any other.
        kind: Real,
        unit: match metric.unit() {
            Unit::Count => "",
            unit => unit.symbol(),
        },
        meaning: match metric.direction() {
            Direction::Higher => "the metric over all scenes; more is better",
            Direction::Lower => "the metric over all scenes; less is better",
        },
    }
}

/// The columns of every table as sections of Markdown, for the page that documents them.
pub fn reference_markdown() -> String {
    let mut text = String::new();
    for table in ExportTable::ALL {
        text += &format!(
            "### {}\n\n{}\n\n| column | holds | unit | what it tells |\n| --- | --- | --- | --- |\n",
            table.name(),
            table.meaning()
        );
        for column in table.columns() {
            text += &format!(
                "| `{}` | {} | {} | {} |\n",
                column.name,
                column.kind.name(),
                column.unit,
                column.meaning
            );
        }
        text.push('\n');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn the_page_says_of_every_column_what_the_code_says() {
        let page = include_str!("../../../../docs/exports.md");
        let reference = reference_markdown();
        assert!(
            page.contains(reference.trim_end()),
            "docs/exports.md must hold this under its last heading:\n\n{reference}"
        );
    }

    #[test]
    fn no_table_has_two_columns_of_one_name() {
        for table in ExportTable::ALL {
            let columns = table.columns();
            let names: BTreeSet<&str> = columns.iter().map(|column| column.name).collect();
            assert_eq!(names.len(), columns.len(), "{}", table.name());
        }
    }
}
