//! What could be spent and what was: by the study, each of its branches, each of its stages.

use noodle2_control::Controller;
use noodle2_model::{BudgetOwner, StageIndex, Study, TimeKind};
use noodle2_plan::StageDag;
use serde::Serialize;

use crate::{History, Table, seconds_text};

/// What the study, a branch or a stage may spend, in the shape of `plan --format json`. An absent limit is none.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct PlannedSpending {
    /// Whose budget it is.
    #[serde(flatten)]
    pub owner: Owner,
    /// The trials that its stages may propose, those included that they may draw from others.
    pub trials_at_most: u64,
    /// The budget of trials that is declared beside those of its stages.
    pub trials_limit: Option<u32>,
    /// Seconds of processor time.
    pub cpu_limit_s: Option<f64>,
    /// Seconds on the clock.
    pub wall_limit_s: Option<f64>,
}

/// What the study, a branch or a stage has spent, in the shape of `summary.json`.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Spent {
    /// Whose budget it is.
    #[serde(flatten)]
    pub owner: Owner,
    /// Trials that were made and count.
    pub trials: usize,
    /// The most that it may make: of a stage its own and those that it drew, of others what is declared.
    pub trials_limit: Option<u32>,
    /// Seconds of processor time of its attempts, those included whose results count for nothing.
    pub cpu_s: f64,
    /// The budget of it.
    pub cpu_limit_s: Option<f64>,
    /// Seconds on the clock; absent where nothing of it has started.
    pub wall_s: Option<f64>,
    /// The budget of it.
    pub wall_limit_s: Option<f64>,
    /// The kinds of time that it ran out of.
    pub out_of: Vec<TimeKind>,
}

/// Who has a budget.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Owner {
    /// `study`, `branch` or `stage`.
    pub of: &'static str,
    /// The names of its stages, in canonical order; of the study its own.
    pub names: Vec<String>,
}

impl Owner {
    fn text(&self) -> String {
        format!("{} {}", self.of, self.names.join(" → "))
    }
}

/// What each may spend: the study, its branches in canonical order, its stages.
pub(crate) fn planned(study: &Study, dag: &StageDag, order: &[StageIndex]) -> Vec<PlannedSpending> {
    let firsts = dag.branches();
    let waits = study.waits();
    let stage = |stage: &StageIndex| &study.stages[stage.position()];
    let own = |stages: &[StageIndex]| -> u64 {
        stages
            .iter()
            .map(|index| u64::from(stage(index).trials))
            .sum()
    };
    // What stages draw from each other is the same as what they had.
    let drawn = |stages: &[StageIndex]| -> u64 {
        let from_outside = |index: &&StageIndex| {
            let mut sources = waits.iter().filter(|(_, to)| to == *index);
            sources.any(|(from, _)| !stages.contains(from))
        };
        let drawing = stages.iter().filter(from_outside);
        let extra = drawing.filter_map(|index| stage(index).extra_trials.as_ref());
        extra.map(|extra| u64::from(extra.at_most)).sum()
    };
    let mut planned = vec![PlannedSpending {
        owner: Owner {
            of: "study",
            names: vec![study.name.clone()],
        },
        trials_at_most: own(order),
        trials_limit: study.budget.trials,
        cpu_limit_s: study.budget.cpu_time_s,
        wall_limit_s: study.budget.wall_time_s,
    }];
    for (of, stages) in parts(order, &firsts) {
        let limit_s = |time| match of {
            "branch" => study.budget.branch.limit_s(time),
            _ => stage(&stages[0]).budget.limit_s(time),
        };
        planned.push(PlannedSpending {
            trials_at_most: own(&stages) + drawn(&stages),
            trials_limit: study.budget.branch.trials.filter(|_| of == "branch"),
            cpu_limit_s: limit_s(TimeKind::Cpu),
            wall_limit_s: limit_s(TimeKind::Wall),
            owner: Owner {
                of,
                names: stages
                    .iter()
                    .map(|index| stage(index).name.clone())
                    .collect(),
            },
        });
    }
    planned
}

/// The branches, then the stages, each with the stages that it consists of.
fn parts(order: &[StageIndex], firsts: &[StageIndex]) -> Vec<(&'static str, Vec<StageIndex>)> {
    let begins = order
        .iter()
        .filter(|stage| firsts[stage.position()] == **stage);
    let branch = |first: &StageIndex| {
        let stages = order.iter().copied();
        let inside = stages.filter(|stage| firsts[stage.position()] == *first);
        ("branch", inside.collect())
    };
    let mut stages = order.to_vec();
    stages.sort_unstable();
    let stages = stages.into_iter().map(|stage| ("stage", vec![stage]));
    begins.map(branch).chain(stages).collect()
}

/// What each may spend, for people.
pub(crate) fn planned_table(planned: &[PlannedSpending]) -> Table {
    let mut table = Table::new(&["budget of", ">trials at most", ">of", ">CPU", ">wall"]);
    for row in planned {
        table.row([
            row.owner.text(),
            row.trials_at_most.to_string(),
            row.trials_limit
                .map_or_else(dash, |limit| limit.to_string()),
            row.cpu_limit_s.map_or_else(dash, seconds_text),
            row.wall_limit_s.map_or_else(dash, seconds_text),
        ]);
    }
    table
}

/// What each has spent: the study, its branches in canonical order, its stages.
pub(crate) fn spent(history: &History) -> Vec<Spent> {
    let controller = history.controller();
    let program = controller.program();
    let study = program.study();
    let order = program.canonical_order();
    let planned = planned(study, program.dag(), order);
    let parts = parts(order, &program.dag().branches()).into_iter();
    let whole = std::iter::once(("study", order.to_vec()));
    let rows = whole.chain(parts).zip(planned);
    rows.map(|((of, stages), planned)| {
        let trials = stages.iter().flat_map(|stage| controller.trials_of(*stage));
        let counts =
            trials.filter(|trial| trial.verdict().is_some() && !controller.is_discarded(trial.id));
        let walls = stages
            .iter()
            .filter_map(|stage| history.stage_wall_s(*stage));
        let wall_s = walls.fold(None, |sum: Option<f64>, wall| {
            Some(sum.unwrap_or(0.0) + wall)
        });
        let owner = match of {
            "branch" => Some(BudgetOwner::Branch(program.branch_of(stages[0]))),
            "stage" => Some(BudgetOwner::Stage(stages[0])),
            _ => None,
        };
        let is_out_of =
            |time: &TimeKind| owner.is_some_and(|owner| controller.is_time_spent(owner, *time));
        Spent {
            trials: counts.count(),
            trials_limit: match of {
                "stage" => Some(controller.allotted_trials(stages[0])),
                _ => planned.trials_limit,
            },
            cpu_s: match owner {
                Some(_) => cpu_s(controller, &stages),
                None => history.cpu_s(),
            },
            wall_s: match owner {
                Some(_) => wall_s,
                None => Some(history.makespan_s()),
            },
            cpu_limit_s: planned.cpu_limit_s,
            wall_limit_s: planned.wall_limit_s,
            out_of: [TimeKind::Wall, TimeKind::Cpu]
                .into_iter()
                .filter(is_out_of)
                .collect(),
            owner: planned.owner,
        }
    })
    .collect()
}

impl Spent {
    /// What a stage, or the branch that begins with one, spent.
    pub(crate) fn by(history: &History, owner: BudgetOwner) -> Option<Self> {
        let program = history.controller().program();
        let (of, stage) = match owner {
            BudgetOwner::Stage(stage) => ("stage", stage),
            BudgetOwner::Branch(first) => ("branch", first),
        };
        let name = &program.stage(stage).name;
        let mut rows = spent(history).into_iter();
        rows.find(|row| row.owner.of == of && row.owner.names.first() == Some(name))
    }

    /// What was spent, in a line; `None` where nothing of it has started.
    pub(crate) fn line(&self) -> Option<String> {
        let of = |limit: Option<f64>| {
            let limit = limit.map(|limit| format!(" of {}", seconds_text(limit)));
            limit.unwrap_or_default()
        };
        let out_of = self
            .out_of
            .iter()
            .map(|time| format!(", and ran out of {time}"));
        Some(format!(
            "it spent {}{} on the clock and {}{} of processor time{}",
            seconds_text(self.wall_s?),
            of(self.wall_limit_s),
            seconds_text(self.cpu_s),
            of(self.cpu_limit_s),
            out_of.collect::<String>()
        ))
    }
}

fn cpu_s(controller: &Controller, stages: &[StageIndex]) -> f64 {
    let stages = stages
        .iter()
        .map(|stage| &controller.stages()[stage.position()]);
    stages.map(noodle2_control::Stage::cpu_s).sum()
}

/// What each has spent, for people.
pub(crate) fn spent_table(spent: &[Spent]) -> Table {
    let mut table = Table::new(&["of", ">trials", ">CPU", ">wall", "out of"]);
    let of = |spent: String, limit: Option<String>| match limit {
        Some(limit) => format!("{spent} of {limit}"),
        None => spent,
    };
    for row in spent {
        let out_of: Vec<String> = row.out_of.iter().map(ToString::to_string).collect();
        table.row([
            row.owner.text(),
            of(
                row.trials.to_string(),
                row.trials_limit.map(|limit| limit.to_string()),
            ),
            of(seconds_text(row.cpu_s), row.cpu_limit_s.map(seconds_text)),
            of(
                row.wall_s.map_or_else(dash, seconds_text),
                row.wall_limit_s.map(seconds_text),
            ),
            out_of.join(", "),
        ]);
    }
    table
}

fn dash() -> String {
    "—".to_owned()
}
