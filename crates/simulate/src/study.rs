//! A study made ready for the virtual clock: what no simulation can do is put in other words, and said.

use std::collections::BTreeMap;

use noodle2_control::{Program, ProgramError};
use noodle2_model::{
    Approval, ContentHash, EcoDefinition, ProposerKind, RunIdentity, StageIndex, Study,
};

/// A study as it is simulated.
#[derive(Debug, Clone)]
pub struct Simulated {
    pub(crate) identity: RunIdentity,
    /// By stage, the number of its wave where a barrier stands between waves.
    pub(crate) waves: Option<Vec<usize>>,
    notes: Vec<String>,
}

/// What a study would run, without any tool or input: nothing of these is looked at on a virtual clock.
pub fn identity_without_tools(
    study: Study,
    study_hash: ContentHash,
    ecos: BTreeMap<String, EcoDefinition>,
) -> RunIdentity {
    RunIdentity {
        noodle2_version: String::new(),
        study_file: study_hash,
        study_hash,
        study,
        study_folder: "/".into(),
        tools: Vec::new(),
        inputs: Vec::new(),
        ecos,
        priors: None,
    }
}

impl Simulated {
    /// Makes a study ready. With a barrier, a stage starts only when every stage of the waves before its own has ended.
    ///
    /// # Errors
    /// When its stages do not form a graph.
    pub fn new(mut identity: RunIdentity, barrier: bool) -> Result<Self, ProgramError> {
        let mut notes = Vec::new();
        let study = &mut identity.study;
        // A stage that may draw from another waits for it too.
        let dag = Program::dag_of(study)?.with_waits(study.waits());
        let dag = dag.map_err(ProgramError::Graph)?;
        let mut waves = vec![0; dag.len()];
        for (number, wave) in dag.waves().iter().enumerate() {
            wave.iter()
                .for_each(|stage| waves[stage.position()] = number);
        }
        for (position, stage) in study.stages.iter_mut().enumerate() {
            let name = &stage.name;
            match stage.proposer.kind {
                ProposerKind::External | ProposerKind::Diagnosis if !stage.ecos.is_empty() => {
                    let kind = match stage.proposer.kind {
                        ProposerKind::External => "asks a program",
                        _ => "follows a diagnosis",
                    };
                    notes.push(format!(
                        "stage `{name}` {kind} for proposals: here its own ECOs are tried with values by chance"
                    ));
                    stage.proposer = Default::default();
                    stage.proposer.kind = ProposerKind::Random;
                }
                ProposerKind::External | ProposerKind::Diagnosis => {
                    notes.push(format!(
                        "stage `{name}` names no ECO of its own, and there is nothing to be diagnosed or asked: it tries nothing"
                    ));
                    stage.proposer = Default::default();
                }
                _ => {}
            }
            if let Some(approval) = &stage.approval {
                notes.push(format!(
                    "stage `{name}` waits for {}: here they approve at once",
                    match approval.approvers {
                        1 => "a person".to_owned(),
                        count => format!("{count} people"),
                    }
                ));
            } else if barrier && waves[position] > 0 {
                stage.approval = Some(Approval::default());
            }
            // Whoever is named may approve.
            if let Some(approval) = &mut stage.approval {
                approval.from.clear();
                approval.approvers = 1;
                approval.timeout = None;
            }
        }
        if study.budget.disk_mib.is_some() {
            notes.push("the budget of disk space is never spent: nothing is written".to_owned());
        }
        Ok(Self {
            identity,
            waves: barrier.then_some(waves),
            notes,
        })
    }

    /// What is simulated.
    pub fn identity(&self) -> &RunIdentity {
        &self.identity
    }

    /// Where the simulation differs from what the study asks for, in words.
    pub fn notes(&self) -> &[String] {
        &self.notes
    }

    /// Whether a barrier holds a stage back, given which stages have ended.
    pub(crate) fn is_held_back(
        &self,
        stage: StageIndex,
        has_ended: impl Fn(StageIndex) -> bool,
    ) -> bool {
        let Some(waves) = &self.waves else {
            return false;
        };
        let own = waves[stage.position()];
        let mut others = waves.iter().enumerate();
        others.any(|(position, wave)| *wave < own && !has_ended(StageIndex::from(position)))
    }
}
