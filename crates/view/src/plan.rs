//! What a study would do: stages, waves, joins, critical path, budget.

use noodle2_model::{
    Approval, ComposeMode, ExtraTrials, Fallback, JoinMerge, Stage, StageIndex, StageRelation,
    Study,
};
use noodle2_plan::{StageDag, StageDependency};
use serde::Serialize;

use crate::noise::{fallback_rule_text, rules_text};
use crate::spending::{planned, planned_table};
use crate::{PlannedSpending, Table, count_text, seconds_text};

/// A study's plan, in the shape that `plan --format json` prints.
#[derive(Debug, Clone, Serialize)]
pub struct PlanView {
    study: String,
    stages: Vec<PlannedStage>,
    edges: Vec<StageDependency>,
    waves: Vec<Vec<StageIndex>>,
    critical_path: Vec<StageIndex>,
    convergence_points: Vec<StageIndex>,
    /// How often the base case is measured again: 0 stands for once as it is, each other number for a perturbation.
    base_repeats: Vec<u32>,
    #[serde(skip)]
    noise: String,
    max_trials: u64,
    wave_speedup: f64,
    budget: PlannedBudget,
    /// What the study, its branches and its stages may spend at most.
    spending: Vec<PlannedSpending>,
    /// What is known already; absent where nobody asked.
    #[serde(skip_serializing_if = "Option::is_none")]
    known: Option<KnownWork>,
}

/// How much of a study is known from earlier runs, as far as that can be told before it runs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct KnownWork {
    /// Whether the base case is: what stages start with depends on it.
    pub base: bool,
    /// The stages whose trials can be told now.
    pub stages: Vec<KnownStage>,
    /// Why nothing is, where nothing is.
    pub why_not: Option<String>,
}

/// How many trials of a stage are known.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct KnownStage {
    /// The stage's name.
    pub stage: String,
    /// Trials that are known.
    pub known: usize,
    /// Trials that it proposes.
    pub proposed: usize,
}

impl KnownWork {
    /// Nothing, for this reason.
    pub fn nothing(why_not: String) -> Self {
        Self {
            base: false,
            stages: Vec::new(),
            why_not: Some(why_not),
        }
    }

    fn line(&self, stages: &[PlannedStage]) -> String {
        if !self.base {
            let why = self.why_not.as_deref().unwrap_or("its base case is not");
            return format!("known          nothing: {why}\n");
        }
        let told = self.stages.iter().map(|stage| {
            let proposed = count_text(stage.proposed, "trial");
            format!(" and {} of {proposed} in `{}`", stage.known, stage.stage)
        });
        let told: String = told.collect();
        let is_open =
            |stage: &&PlannedStage| self.stages.iter().all(|told| told.stage != stage.name);
        let open: Vec<&str> = stages
            .iter()
            .filter(is_open)
            .map(|stage| stage.name.as_str())
            .collect();
        let open = match open.is_empty() {
            true => String::new(),
            false => format!("; what {} will try cannot be told yet", open.join(", ")),
        };
        format!(
            "known          the base case{told}, from earlier runs{open}; survivors are measured again all the same\n"
        )
    }
}

#[derive(Debug, Clone, Serialize)]
struct PlannedStage {
    index: StageIndex,
    name: String,
    after: Vec<String>,
    relation: Option<StageRelation>,
    trials: u32,
    /// The trials of others that it may draw.
    #[serde(skip_serializing_if = "Option::is_none")]
    extra_trials: Option<ExtraTrials>,
    survivors: u32,
    safety_domain: String,
    ecos: Vec<String>,
    /// The approval that it waits for before it starts.
    approval: Option<Approval>,
    /// When it goes on from an earlier case.
    #[serde(skip_serializing_if = "Option::is_none")]
    fallback: Option<Fallback>,
    /// How the stage composes cases of its branches, where it does.
    #[serde(skip_serializing_if = "Option::is_none")]
    composes: Option<ComposeMode>,
}

#[derive(Debug, Clone, Serialize)]
struct PlannedBudget {
    trials: Option<u32>,
    cpu_time_s: Option<f64>,
    wall_time_s: Option<f64>,
    disk_mib: Option<u64>,
    /// The most that all trials could use on the clock, one after the other, at their limits.
    attempt_wall_time_limit_s: f64,
}

impl PlannedStage {
    /// What its trials try.
    fn tries(&self) -> Vec<String> {
        let composes = self.composes.map(|mode| mode.trial_name().to_owned());
        composes.into_iter().chain(self.ecos.clone()).collect()
    }
}

fn composes(stage: &Stage) -> Option<ComposeMode> {
    let join = stage.join.as_ref()?;
    (join.merge == JoinMerge::Compose).then(|| join.mode.unwrap_or_default())
}

impl PlanView {
    /// The plan of a study whose DAG this is.
    pub fn new(study: &Study, dag: &StageDag) -> Self {
        // A study that was read has no circle.
        let waiting = dag
            .with_waits(study.waits())
            .unwrap_or_else(|_| dag.clone());
        let weights: Vec<f64> = study
            .stages
            .iter()
            .map(|stage| f64::from(stage.trials.max(1)))
            .collect();
        let stages = study.stages.iter().enumerate().map(|(position, stage)| {
            let index = StageIndex::from(position);
            PlannedStage {
                index,
                name: stage.name.clone(),
                after: stage.after.clone(),
                relation: dag.relation(index),
                trials: stage.trials,
                extra_trials: stage.extra_trials.clone(),
                survivors: stage.survivors,
                safety_domain: stage
                    .safety_domain
                    .unwrap_or(study.safety_domain)
                    .to_string(),
                approval: stage.approval.clone(),
                fallback: stage.fallback,
                ecos: stage.ecos.iter().map(|eco| eco.name.clone()).collect(),
                composes: composes(stage),
            }
        });
        Self {
            study: study.name.clone(),
            stages: stages.collect(),
            edges: dag.edges().to_vec(),
            waves: waiting.waves(),
            critical_path: waiting.critical_path(&weights).0,
            spending: planned(study, dag, waiting.topological_order()),
            convergence_points: dag.convergence_points(),
            base_repeats: study.noise.repeats_in(study.safety_domain).collect(),
            noise: rules_text(study.noise, study.safety_domain),
            max_trials: study
                .stages
                .iter()
                .map(|stage| u64::from(stage.trials))
                .sum(),
            wave_speedup: waiting.wave_speedup(),
            budget: PlannedBudget {
                trials: study.budget.trials,
                cpu_time_s: study.budget.cpu_time_s,
                wall_time_s: study.budget.wall_time_s,
                disk_mib: study.budget.disk_mib,
                attempt_wall_time_limit_s: study.limits.wall_time_s,
            },
            known: None,
        }
    }

    /// The same plan, with what is known of it.
    #[must_use]
    pub fn with_known(self, known: Option<KnownWork>) -> Self {
        Self { known, ..self }
    }

    /// The plan for people.
    pub fn text(&self) -> String {
        let mut table = Table::new(&[
            ">#",
            "stage",
            "after",
            "relation",
            ">trials",
            ">survivors",
            "domain",
            "ECOs",
        ]);
        for stage in &self.stages {
            table.row([
                stage.index.to_string(),
                stage.name.clone(),
                or_dash(stage.after.join(", ")),
                or_dash(
                    stage
                        .relation
                        .map(|relation| relation.to_string())
                        .unwrap_or_default(),
                ),
                stage.trials.to_string(),
                stage.survivors.to_string(),
                stage.safety_domain.clone(),
                or_dash(stage.tries().join(", ")),
            ]);
        }
        let waves: Vec<String> = self
            .waves
            .iter()
            .map(|wave| format!("[{}]", self.names(wave, ", ")))
            .collect();
        let approvals: String = self
            .stages
            .iter()
            .filter_map(|stage| Some((stage, stage.approval.as_ref()?)))
            .map(|(stage, approval)| {
                let from = match approval.from.is_empty() {
                    true => String::new(),
                    false => format!(" of {}", approval.from.join(", ")),
                };
                let within = approval.timeout.map(|limit| format!(" within {limit}"));
                let within = within.unwrap_or_default();
                format!(
                    "approval       {} waits for {}{from}{within}\n",
                    stage.name,
                    count_text(approval.approvers as usize, "approval")
                )
            })
            .collect();
        let extra: String = self
            .stages
            .iter()
            .filter_map(|stage| Some((stage, stage.extra_trials.as_ref()?)))
            .map(|(stage, extra)| {
                format!(
                    "extra trials   {} draws {} at most that {} did not use, once these have ended\n",
                    stage.name,
                    extra.at_most,
                    extra.from.join(", ")
                )
            })
            .collect();
        let disk = self
            .budget
            .disk_mib
            .map(|limit| format!("disk           {limit} MiB\n"));
        let disk = disk.unwrap_or_default();
        let spending = planned_table(&self.spending).text();
        let falling = self
            .stages
            .iter()
            .filter_map(|stage| Some((stage, stage.fallback?)));
        let fallbacks: String = falling
            .map(|(stage, rule)| {
                format!(
                    "fallback       {} {}\n",
                    stage.name,
                    fallback_rule_text(rule)
                )
            })
            .collect();
        let noise = match self.noise.as_str() {
            "" => String::new(),
            noise => format!("noise          {noise}\n"),
        };
        let limit = |limit: Option<f64>| limit.map_or("no limit".to_owned(), seconds_text);
        format!(
            "{}\n{}\nwaves          {} ({:.1}× fewer than stages; shown for reading, a running study has no barriers)\n\
             critical path  {}\njoins          {}\ntrials         {} at most, budget {}\n\
             time           wall {}, CPU {}, each attempt at most {}\n{disk}{noise}{extra}{approvals}{fallbacks}{}\n{spending}",
            self.study,
            table.text(),
            waves.join(" "),
            self.wave_speedup,
            self.names(&self.critical_path, " → "),
            or_dash(self.names(&self.convergence_points, ", ")),
            self.max_trials,
            self.budget
                .trials
                .map_or("no limit".to_owned(), |trials| trials.to_string()),
            limit(self.budget.wall_time_s),
            limit(self.budget.cpu_time_s),
            seconds_text(self.budget.attempt_wall_time_limit_s),
            self.known
                .as_ref()
                .map(|known| known.line(&self.stages))
                .unwrap_or_default(),
        )
    }

    fn names(&self, stages: &[StageIndex], separator: &str) -> String {
        let names: Vec<&str> = stages
            .iter()
            .map(|stage| self.stages[stage.position()].name.as_str())
            .collect();
        names.join(separator)
    }
}

fn or_dash(text: String) -> String {
    if text.is_empty() {
        "—".to_owned()
    } else {
        text
    }
}
