//! What a run knows of its ECOs: from its own trials, and from earlier runs.
//!
//! A stage sees what its ancestors found and nothing else, in canonical order, so that concurrent branches
//! learn nothing from each other and the order in which trials end decides nothing. Of earlier runs it sees
//! what the run's identity holds.

use std::collections::BTreeMap;

use noodle2_evidence::{EvidenceTable, anti_pattern, conditions};
use noodle2_model::{
    CaseName, Check, ContentHash, Context, EcoProposal, Evidence, FailureClass, Metric,
    Observation, PathProfile, PriorRules, StageEco, StageIndex, StageInput, TrialResult, Veto,
};

use crate::select::{self, Verdict};
use crate::state::{Controller, Trial};

/// The evidence that a stage may see.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct StageEvidence {
    /// What the trials of its ancestors came to.
    ancestors: EvidenceTable,
    /// What earlier runs found.
    priors: EvidenceTable,
    /// Whether what earlier runs found may say what is tried first.
    steers: bool,
}

impl StageEvidence {
    /// What may guide the choice of what to try: how an ECO of this content did under these conditions. In a
    /// `locked` stage that is what its ancestors found, without the priors. No evidence is empty evidence.
    pub fn for_choice(&self, eco: &str, content: ContentHash, context: Context) -> Evidence {
        self.sum(|table| table.about(eco, content, context).cloned())
    }

    /// The same under all conditions together: where nothing is known of the very conditions.
    pub fn for_choice_anywhere(&self, eco: &str, content: ContentHash) -> Evidence {
        self.sum(|table| Some(table.overall(eco, content)))
    }

    /// All that is known of an ECO under these conditions, as it is held against an ECO that mostly fails.
    pub fn for_veto(&self, eco: &str, content: ContentHash, context: Context) -> Evidence {
        let mut sum = Evidence::default();
        for table in [&self.ancestors, &self.priors] {
            if let Some(known) = table.about(eco, content, context) {
                sum.merge(known);
            }
        }
        sum
    }

    fn sum(&self, of: impl Fn(&EvidenceTable) -> Option<Evidence>) -> Evidence {
        let mut sum = of(&self.ancestors).unwrap_or_default();
        if let Some(known) = of(&self.priors).filter(|_| self.steers) {
            sum.merge(&known);
        }
        sum
    }
}

impl Controller {
    /// The evidence that a stage may see: its ancestors' trials in canonical order, discarded ones excepted,
    /// and the priors of the run's identity. Final once the stage starts.
    pub fn evidence_for(&self, stage: StageIndex) -> StageEvidence {
        let mut ancestors = EvidenceTable::default();
        let before = self.program.dag().ancestors(stage);
        for observation in self.observations_of(|other| before.contains(&other)) {
            ancestors.observe(&observation, 1.0);
        }
        let priors = self.program.identity().priors.iter();
        let domain = self.program.study().domain_of(self.program.stage(stage));
        StageEvidence {
            ancestors,
            priors: EvidenceTable::of_priors(priors.flat_map(|priors| &priors.entries)),
            steers: PriorRules::steers(domain),
        }
    }

    /// What the run's trials came to, in canonical order: what later runs may learn from it. Discarded results
    /// are not among it, nor trials without a result.
    pub fn observations(&self) -> Vec<Observation> {
        self.observations_of(|_| true)
    }

    /// The conditions of a case; `None` when there is no such case.
    pub fn conditions_of(&self, case: &CaseName) -> Option<Context> {
        let measurement = &self.cases.get(case)?.measurement;
        let mut paths = measurement.paths.iter();
        let worst = paths.find(|path| path.check == Check::Setup);
        Some(conditions(
            measurement,
            worst.and_then(PathProfile::wire_share),
        ))
    }

    fn observations_of(&self, wanted: impl Fn(StageIndex) -> bool) -> Vec<Observation> {
        let basis = self.measurement_basis();
        let order = self.program.canonical_order().iter();
        order
            .filter(|stage| wanted(**stage))
            .flat_map(|stage| self.trials_of(*stage))
            .filter_map(|trial| self.observation(trial, basis))
            .collect()
    }

    fn observation(&self, trial: &Trial, basis: ContentHash) -> Option<Observation> {
        if self.is_discarded(trial.id) {
            return None;
        }
        let parent = self.cases.get(&trial.parent)?;
        let result = match trial.verdict()? {
            Verdict::Failed(failure) => TrialResult::Failed(failure.class),
            Verdict::NoEffect => TrialResult::NoEffect,
            Verdict::Derived => match self.confirmed_failure(trial) {
                Some(class) => TrialResult::Failed(class),
                None => {
                    let case = self.cases.get(&self.case_of(trial))?;
                    let (from, to) = (&parent.measurement.overall, &case.measurement.overall);
                    let gains: BTreeMap<Metric, f64> = from
                        .iter()
                        .filter_map(|(metric, _)| {
                            Some((metric, select::gain_over(metric, from, to)?))
                        })
                        .collect();
                    TrialResult::Effect(gains)
                }
            },
        };
        Some(Observation {
            key: observation_key(basis, parent.measurement.design.canonical, &trial.eco),
            eco: trial.eco.name.clone(),
            content: trial.eco.content,
            context: self.conditions_of(&trial.parent)?,
            result,
        })
    }

    /// The hash over what measurements of this run depend on beside the design: tools, constraints, libraries,
    /// and what one attempt may use.
    fn measurement_basis(&self) -> ContentHash {
        let identity = self.program.identity();
        let tools: Vec<_> = identity
            .tools
            .iter()
            .map(|tool| (&tool.name, tool.content))
            .collect();
        let mut inputs: Vec<_> = identity
            .inputs
            .iter()
            .filter(|input| input.role != "netlist")
            .map(|input| (&input.role, input.content))
            .collect();
        inputs.sort_unstable();
        let study = &identity.study;
        let text = serde_json::to_vec(&(tools, inputs, &study.scenes, &study.limits));
        ContentHash::of(text.expect("names, numbers and hashes are always JSON"))
    }

    /// What a stage does not try on its inputs, because evidence says that it mostly fails there.
    pub(crate) fn vetoes(&self, stage: StageIndex, inputs: &[StageInput]) -> Vec<Veto> {
        let study = self.program.study();
        let declared = self.program.stage(stage);
        let rules = study.priors.as_ref();
        if !rules.is_some_and(|rules| rules.vetoes(study.domain_of(declared))) {
            return Vec::new();
        }
        let evidence = self.evidence_for(stage);
        let mut vetoes: Vec<Veto> = Vec::new();
        let named = declared.ecos.iter().flat_map(StageEco::components);
        for (eco, _) in named {
            let Some(definition) = self.program.identity().ecos.get(eco) else {
                continue;
            };
            for input in inputs {
                let Some(context) = self.conditions_of(&input.case) else {
                    continue;
                };
                let known = evidence.for_veto(eco, definition.content, context);
                let listed = vetoes
                    .iter()
                    .any(|veto| veto.eco == eco && veto.case == input.case);
                if let (Some(share), false) = (anti_pattern(&known), listed) {
                    vetoes.push(Veto {
                        eco: eco.to_owned(),
                        case: input.case.clone(),
                        cause: cause(&known, share, context),
                    });
                }
            }
        }
        vetoes
    }
}

fn observation_key(basis: ContentHash, design: ContentHash, eco: &EcoProposal) -> ContentHash {
    let steps: Vec<_> = eco.sequence.iter().map(|step| &step.parameters).collect();
    let parameters = (&eco.parameters, steps);
    let text = serde_json::to_vec(&(basis, design, &eco.name, eco.content, parameters));
    ContentHash::of(text.expect("names, numbers and hashes are always JSON"))
}

/// The evidence of an anti-pattern in words. Faded tries are told with one digit.
fn cause(evidence: &Evidence, at_least: f64, context: Context) -> String {
    let count = |count: f64| match count.fract() == 0.0 {
        true => format!("{count:.0}"),
        false => format!("{count:.1}"),
    };
    let most = evidence.failures.iter().max_by(|left, right| {
        // Of two that are as common, the first.
        left.1.total_cmp(right.1).then(right.0.cmp(left.0))
    });
    let most: Option<FailureClass> = most.map(|(class, _)| *class);
    format!(
        "{} of {} tries failed{} with {context}: at least {:.0} % do, with 95 % confidence",
        count(evidence.own_failures()),
        count(evidence.tries()),
        most.map_or_else(String::new, |class| format!(", most by {class},")),
        at_least * 100.0,
    )
}
