//! The legality report: what a study may do, before anything of it is computed.

use std::collections::{BTreeMap, BTreeSet};

use noodle2_model::{
    Aborts, Approval, Bound, BranchBudget, ContainmentRules, DesignGuard, EcoClass, EngineKind,
    ExtraTrials, FailureRail, Fallback, JoinMerge, Limits, OnTimeout, PriorRules, PromotionGates,
    ProtectedObjects, RiskEnvelope, SafetyDomain, Stage, StageBudget, StageEco, Study, StudyRail,
};
use serde::Serialize;

use crate::noise::{fallback_rule_text, rules_text};
use crate::{count_text, seconds_text};

/// What a study may do, in the shape of `legality.json`.
#[derive(Debug, Clone, Serialize)]
pub struct LegalityReport {
    study: String,
    /// Whether nothing makes the study illegal.
    legal: bool,
    domain: SafetyDomain,
    /// The most trials that all stages may make together.
    max_trials: u64,
    budget: BudgetReport,
    /// What one attempt may use.
    limits: Limits,
    branch_rail: FailureRail,
    study_rail: StudyRail,
    /// How often the base case is measured again: 0 stands for once as it is, each other number for a perturbation.
    base_repeats: Vec<u32>,
    #[serde(skip)]
    noise: String,
    /// What is done with evidence of other runs; absent where the study says nothing of it.
    #[serde(skip_serializing_if = "Option::is_none")]
    priors: Option<PriorsReport>,
    /// Why hold may be repaired in scenes with ideal clocks, by scene.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    ideal_hold: BTreeMap<String, String>,
    stages: Vec<StageLegality>,
    /// Every reason why the study may not run.
    breaches: Vec<Breach>,
}

#[derive(Debug, Clone, Serialize)]
struct BudgetReport {
    trials: Option<u32>,
    cpu_time_s: Option<f64>,
    wall_time_s: Option<f64>,
    disk_mib: Option<u64>,
    /// What each branch may spend.
    branch: BranchBudget,
    /// What all trials could use on the clock, one after the other, each at its limit.
    most_wall_time_s: f64,
}

#[derive(Debug, Clone, Serialize)]
struct PriorsReport {
    project: String,
    rules: PriorRules,
}

#[derive(Debug, Clone, Serialize)]
struct StageLegality {
    name: String,
    domain: SafetyDomain,
    widest_class: EcoClass,
    /// The ECOs that it asks for, by class; those of unknown class stand under none.
    classes: BTreeMap<EcoClass, Vec<String>>,
    trials: u32,
    /// The trials of others that it may draw.
    #[serde(skip_serializing_if = "Option::is_none")]
    extra_trials: Option<ExtraTrials>,
    /// What it may spend beside its trials.
    budget: StageBudget,
    allow_ecos: Vec<String>,
    deny_ecos: Vec<String>,
    protect: ProtectedObjects,
    clock_network: bool,
    dont_touch: bool,
    scan: bool,
    /// What is known of cells that a placement holds in their place.
    fixed_objects: FixedObjects,
    envelope: RiskEnvelope,
    aborts: Aborts,
    trial_rail: Vec<Bound>,
    containment: ContainmentRules,
    gates: GatesReport,
    /// Whether ECOs that mostly fail, by what is known, are kept out.
    veto: bool,
    /// Whether priors may say what is tried first.
    steered: bool,
    /// Who must approve before it starts; absent where nobody has to.
    #[serde(skip_serializing_if = "Option::is_none")]
    approval: Option<Approval>,
    /// When it goes on from an earlier case; absent where it never does.
    #[serde(skip_serializing_if = "Option::is_none")]
    fallback: Option<Fallback>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
enum FixedObjects {
    /// The engine has no placement. Not the same as none.
    Unknown,
    /// What the snapshot fixes may not move.
    Kept,
}

#[derive(Debug, Clone, Serialize)]
struct GatesReport {
    bounds: Vec<Bound>,
    confirm: bool,
    equivalence: bool,
    accept_undecided: bool,
    /// Under how many perturbations a survivor's gain must last.
    stability: u32,
    /// How much of its gain it may lose once it is globally routed, in percent.
    #[serde(skip_serializing_if = "Option::is_none")]
    gain_audit: Option<f64>,
}

/// A reason why a study may not run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Breach {
    /// The code.
    pub code: String,
    /// What is not permitted, on what.
    pub message: String,
    /// The line of the study file, from 1.
    pub line: usize,
}

impl LegalityReport {
    /// What `study` may do. `classes` holds the class of each ECO that it names, as far as it is known.
    pub fn new(study: &Study, classes: &BTreeMap<String, EcoClass>, breaches: Vec<Breach>) -> Self {
        let trials: u64 = study
            .stages
            .iter()
            .map(|stage| u64::from(stage.trials))
            .sum();
        let base_repeats: Vec<u32> = study.noise.repeats_in(study.safety_domain).collect();
        Self {
            study: study.name.clone(),
            legal: breaches.is_empty(),
            domain: study.safety_domain,
            max_trials: trials,
            budget: BudgetReport {
                trials: study.budget.trials,
                cpu_time_s: study.budget.cpu_time_s,
                wall_time_s: study.budget.wall_time_s,
                disk_mib: study.budget.disk_mib,
                branch: study.budget.branch,
                // The base case is measured once besides, and again as often as the study asks.
                most_wall_time_s: (trials as usize + 1 + base_repeats.len()) as f64
                    * study.limits.wall_time_s,
            },
            limits: study.limits.clone(),
            branch_rail: study.safety.rails.branch,
            study_rail: StudyRail::of(study),
            base_repeats,
            noise: rules_text(study.noise, study.safety_domain),
            priors: study.priors.as_ref().map(|rules| PriorsReport {
                project: rules.project_of(&study.name).to_owned(),
                rules: rules.clone(),
            }),
            ideal_hold: study
                .scenes
                .iter()
                .filter_map(|scene| Some((scene.name.clone(), scene.ideal_hold.clone()?)))
                .collect(),
            stages: study
                .stages
                .iter()
                .map(|stage| StageLegality::new(study, stage, classes))
                .collect(),
            breaches,
        }
    }

    /// The report for people.
    pub fn text(&self) -> String {
        let verdict = match self.breaches.len() {
            0 => "legal".to_owned(),
            count => format!("ILLEGAL, for {}", count_text(count, "reason")),
        };
        let mut lines = vec![format!(
            "{}: {verdict} in the `{}` domain; {}, {} at most",
            self.study,
            self.domain,
            count_text(self.stages.len(), "stage"),
            count_text(self.max_trials as usize, "trial"),
        )];
        let limit = |limit: Option<f64>| limit.map_or("no limit".to_owned(), seconds_text);
        lines.push(format!(
            "  budget       trials {}, wall {}, CPU {}, disk {}; at their limits all trials take {} one after the other",
            self.budget
                .trials
                .map_or("no limit".to_owned(), |trials| trials.to_string()),
            limit(self.budget.wall_time_s),
            limit(self.budget.cpu_time_s),
            self.budget
                .disk_mib
                .map_or("no limit".to_owned(), |limit| format!("{limit} MiB")),
            seconds_text(self.budget.most_wall_time_s),
        ));
        let branch = &self.budget.branch;
        lines.push(format!(
            "  each branch  trials {}, wall {}, CPU {}",
            branch
                .trials
                .map_or("no limit".to_owned(), |trials| trials.to_string()),
            limit(branch.wall_time_s),
            limit(branch.cpu_time_s),
        ));
        lines.push(format!(
            "  an attempt   wall {}, CPU {}, memory {} MiB, output {} MiB",
            seconds_text(self.limits.wall_time_s),
            seconds_text(self.limits.cpu_time_s),
            self.limits.memory_mib,
            self.limits.output_mib,
        ));
        lines.push(format!(
            "  study rail   {}",
            study_rail_text(&self.study_rail)
        ));
        lines.push(format!(
            "  branch rail  {}",
            failure_rail_text(&self.branch_rail)
        ));
        if !self.noise.is_empty() {
            lines.push(format!("  noise        {}", self.noise));
        }
        lines.extend(
            self.priors
                .iter()
                .map(|priors| format!("  priors       {}", priors.text())),
        );
        lines.extend(
            self.ideal_hold.iter().map(|(scene, reason)| {
                format!("  ideal hold   scene `{scene}`, because: {reason}")
            }),
        );
        for stage in &self.stages {
            lines.extend(stage.lines());
        }
        for breach in &self.breaches {
            let Breach {
                code,
                message,
                line,
            } = breach;
            lines.push(format!("  line {line}: {code} {message}"));
        }
        lines.join("\n") + "\n"
    }
}

impl PriorsReport {
    fn text(&self) -> String {
        let Self { project, rules } = self;
        let sources = rules.sources.iter().map(|source| {
            let (project, study) = (&source.project, &source.study);
            format!("studies {study} of projects {project} at {}", source.weight)
        });
        let sources: Vec<String> = sources.collect();
        let from = match (rules.warm_start, sources.is_empty()) {
            (false, _) => "no evidence of earlier runs".to_owned(),
            (true, true) => format!("evidence of project {project} alone"),
            (true, false) => format!("evidence of {}", sources.join(", ")),
        };
        let age = match rules.warm_start {
            true => format!(
                ", up to {} days old, half after {} days",
                rules.max_age_days, rules.half_life_days
            ),
            false => String::new(),
        };
        let kept = match rules.record {
            true => format!("kept for project {project}"),
            false => "not kept".to_owned(),
        };
        format!("{from}{age}; its own is {kept}")
    }
}

impl StageLegality {
    fn new(study: &Study, stage: &Stage, known: &BTreeMap<String, EcoClass>) -> Self {
        let domain = study.domain_of(stage);
        let guard = DesignGuard::of(study, stage);
        let gates = PromotionGates::of(study, stage);
        let mut classes: BTreeMap<EcoClass, BTreeSet<String>> = BTreeMap::new();
        for (name, _) in stage.ecos.iter().flat_map(StageEco::components) {
            if let Some(class) = known.get(name) {
                classes.entry(*class).or_default().insert(name.to_owned());
            }
        }
        let composes = stage
            .join
            .as_ref()
            .is_some_and(|join| join.merge == JoinMerge::Compose);
        for before in study.stages_before(stage).into_iter().filter(|_| composes) {
            for eco in &before.ecos {
                if let Some(class) = known.get(&eco.name) {
                    let told = format!("{} (composed)", eco.name);
                    classes.entry(*class).or_default().insert(told);
                }
            }
        }
        let both = |one: &[String], other: &[String]| [one, other].concat();
        Self {
            name: stage.name.clone(),
            domain,
            widest_class: domain.widest_class(),
            classes: classes
                .into_iter()
                .map(|(class, ecos)| (class, ecos.into_iter().collect()))
                .collect(),
            trials: stage.trials,
            extra_trials: stage.extra_trials.clone(),
            budget: stage.budget,
            allow_ecos: both(&study.safety.allow_ecos, &stage.safety.allow_ecos),
            deny_ecos: both(&study.safety.deny_ecos, &stage.safety.deny_ecos),
            protect: guard.protect,
            clock_network: guard.clock_network,
            dont_touch: guard.dont_touch,
            scan: guard.scan,
            fixed_objects: match study.engine.kind {
                EngineKind::Opensta => FixedObjects::Unknown,
                EngineKind::Openroad => FixedObjects::Kept,
            },
            envelope: guard.envelope,
            aborts: stage.aborts.clone(),
            trial_rail: both_bounds(&study.safety.rails.trial, &stage.safety.rails.trial),
            containment: ContainmentRules::of(study, stage),
            gates: GatesReport {
                bounds: gates.bounds,
                confirm: gates.confirm,
                equivalence: gates.equivalence,
                accept_undecided: gates.accept_undecided,
                stability: gates.stability,
                gain_audit: gates.gain_audit,
            },
            veto: study
                .priors
                .as_ref()
                .is_some_and(|rules| rules.vetoes(domain)),
            steered: study.priors.as_ref().is_some_and(|rules| rules.warm_start)
                && PriorRules::steers(domain),
            approval: stage.approval.clone(),
            fallback: stage.fallback,
        }
    }

    fn lines(&self) -> Vec<String> {
        let mut lines = vec![format!(
            "{}: `{}`, up to {}; {}",
            self.name,
            self.domain,
            self.widest_class,
            count_text(self.trials as usize, "trial"),
        )];
        let mut line = |title: &str, text: String| {
            if !text.is_empty() {
                lines.push(format!("  {title:<12} {text}"));
            }
        };
        line(
            "approval",
            self.approval.as_ref().map_or(String::new(), approval_text),
        );
        let time = [
            ("wall", self.budget.wall_time_s),
            ("CPU", self.budget.cpu_time_s),
        ];
        let time = time.iter().filter_map(|(kind, limit)| {
            let limit = seconds_text((*limit)?);
            Some(format!("{kind} {limit}"))
        });
        line("budget", time.collect::<Vec<_>>().join(", "));
        let extra = self.extra_trials.as_ref().map(|extra| {
            let from = extra.from.join(", ");
            format!("{} at most that {from} did not use", extra.at_most)
        });
        line("extra trials", extra.unwrap_or_default());
        let classes = self.classes.iter();
        let classes: Vec<String> = classes
            .map(|(class, ecos)| format!("{class}: {}", ecos.join(", ")))
            .collect();
        line("asks for", classes.join("; "));
        line("only ECOs", self.allow_ecos.join(", "));
        line("no ECOs", self.deny_ecos.join(", "));
        line("protected", self.protected_text());
        line("envelope", envelope_text(&self.envelope));
        line("aborts", self.aborts_text());
        line("trial rail", bounds_text(&self.trial_rail));
        line("containment", containment_text(&self.containment));
        line("gates", bounds_text(&self.gates.bounds));
        let mut proofs = Vec::new();
        if self.gates.confirm {
            proofs.push("measured again in a fresh process");
        }
        if self.gates.equivalence {
            proofs.push("equivalence proved");
        }
        if self.gates.equivalence && self.gates.accept_undecided {
            proofs.push("an undecided one passes");
        }
        let stability = match self.gates.stability {
            0 => String::new(),
            count => format!(
                "gain kept under {}",
                count_text(count as usize, "perturbation")
            ),
        };
        if !stability.is_empty() {
            proofs.push(&stability);
        }
        let audit = (self.gates.gain_audit)
            .map(|most| format!("at most {most} % of the gain lost once routed"));
        proofs.extend(audit.as_deref());
        line("survivors", proofs.join(", "));
        line(
            "fallback",
            self.fallback.map_or(String::new(), fallback_rule_text),
        );
        let uses = [
            (self.steered, "what earlier runs found may guide the choice"),
            (self.veto, "what mostly fails is not tried"),
        ];
        let uses: Vec<&str> = uses
            .iter()
            .filter_map(|(is_so, text)| is_so.then_some(*text))
            .collect();
        line("evidence", uses.join("; "));
        lines
    }

    fn protected_text(&self) -> String {
        let mut parts = vec!["ports".to_owned()];
        for (is_protected, what) in [
            (self.clock_network, "clock network"),
            (self.dont_touch, "dont_touch objects"),
            (self.scan, "scan chains"),
        ] {
            if is_protected {
                parts.push(what.to_owned());
            }
        }
        for (what, patterns) in [
            ("instances", &self.protect.instances),
            ("nets", &self.protect.nets),
            ("cells", &self.protect.cells),
        ] {
            if !patterns.is_empty() {
                parts.push(format!("{what} {}", patterns.join(" ")));
            }
        }
        match self.fixed_objects {
            FixedObjects::Unknown => {
                format!(
                    "{}; fixed cells are unknown without a placement",
                    parts.join(", ")
                )
            }
            FixedObjects::Kept => format!("{}; fixed cells", parts.join(", ")),
        }
    }

    fn aborts_text(&self) -> String {
        let aborts = &self.aborts;
        let rail = FailureRail {
            failures: aborts.failures,
            failure_percent: aborts.failure_percent,
            at_least: aborts.at_least,
        };
        let mut parts = Vec::new();
        if rail != FailureRail::default() {
            parts.push(failure_rail_text(&rail));
        }
        if let Some(count) = aborts.failures_in_a_row {
            parts.push(format!("{count} failures in a row"));
        }
        if !aborts.bounds.is_empty() {
            parts.push(format!("a design beyond {}", bounds_text(&aborts.bounds)));
        }
        if aborts.no_improvement {
            parts.push("no improvement".to_owned());
        }
        parts.join(", ")
    }
}

fn approval_text(approval: &Approval) -> String {
    let mut text = count_text(approval.approvers as usize, "approver");
    if !approval.from.is_empty() {
        text.push_str(&format!(" of {}", approval.from.join(", ")));
    }
    if let Some(timeout) = approval.timeout {
        let then = match approval.on_timeout {
            OnTimeout::Refuse => "the stage fails",
            OnTimeout::Approve => "it starts as if approved",
        };
        text.push_str(&format!("; after {timeout} {then}"));
    }
    text
}

fn both_bounds(one: &[Bound], other: &[Bound]) -> Vec<Bound> {
    [one, other].concat()
}

/// Bounds in a few words, those of one limit together: `no worse: hold_wns_ps, setup_wns_ps`.
fn bounds_text(bounds: &[Bound]) -> String {
    let mut groups: Vec<(String, Vec<&str>)> = Vec::new();
    for bound in bounds {
        let limit = limit_text(bound);
        match groups.iter_mut().find(|(other, _)| *other == limit) {
            Some((_, metrics)) => metrics.push(bound.metric.name()),
            None => groups.push((limit, vec![bound.metric.name()])),
        }
    }
    let groups = groups.iter();
    let groups: Vec<String> = groups
        .map(|(limit, metrics)| format!("{limit}: {}", metrics.join(", ")))
        .collect();
    groups.join("; ")
}

fn limit_text(bound: &Bound) -> String {
    let limits = [
        bound.min.map(|min| format!("at least {min}")),
        bound.max.map(|max| format!("at most {max}")),
        bound.max_loss.map(|loss| match loss {
            0.0 => "no worse".to_owned(),
            loss => format!("at most {loss} worse"),
        }),
        bound
            .max_loss_percent
            .map(|percent| format!("at most {percent} % worse")),
    ];
    let limits: Vec<String> = limits.into_iter().flatten().collect();
    limits.join(" and ")
}

fn failure_rail_text(rail: &FailureRail) -> String {
    let mut parts = Vec::new();
    parts.extend(
        rail.failures
            .map(|count| count_text(count as usize, "failure")),
    );
    parts.extend(rail.failure_percent.map(|percent| {
        let trials = count_text(rail.least_trials() as usize, "trial");
        format!("{percent} % failures of at least {trials}")
    }));
    or_none(parts)
}

fn study_rail_text(rail: &StudyRail) -> String {
    let mut parts = Vec::new();
    parts.extend(
        rail.catastrophic_failures
            .map(|count| count_text(count as usize, "catastrophic failure")),
    );
    parts.extend(rail.failure_percent.map(|percent| {
        let trials = count_text(rail.least_trials() as usize, "trial");
        format!("{percent} % failures of at least {trials}")
    }));
    or_none(parts)
}

fn containment_text(rules: &ContainmentRules) -> String {
    let mut parts = Vec::new();
    parts.extend(
        rules
            .eco_failures_in_a_row
            .map(|count| format!("an ECO after {count} failures in a row")),
    );
    parts.extend(rules.class_failure_percent.map(|percent| {
        let trials = count_text(rules.least_class_trials() as usize, "trial");
        format!("a class after {percent} % failures of at least {trials}")
    }));
    or_none(parts)
}

fn envelope_text(envelope: &RiskEnvelope) -> String {
    let parts = [
        envelope
            .max_cells
            .map(|cells| count_text(cells as usize, "cell")),
        envelope
            .max_nets_percent
            .map(|percent| format!("{percent} % of the nets")),
        envelope
            .max_area_percent
            .map(|percent| format!("{percent} % of the area")),
    ];
    let parts: Vec<String> = parts.into_iter().flatten().collect();
    match parts.is_empty() {
        true => String::new(),
        false => format!("at most {}", parts.join(", ")),
    }
}

fn or_none(parts: Vec<String>) -> String {
    match parts.is_empty() {
        true => "none".to_owned(),
        false => parts.join(", "),
    }
}
