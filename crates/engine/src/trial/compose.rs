//! Trials that compose two cases of different branches: by their edits, or by running ECOs anew.

use std::path::PathBuf;
use std::sync::Arc;

use noodle2_model::{
    ConflictRule, EcoClass, EcoProposal, Failure, FailureClass, Measurement, Outcome, Parameters,
};
use noodle2_netlist::{Design, Ledger, Merge};

use super::attempt::{
    Applied, Declared, ECO_FOLDER, NETLIST, ParentFacts, Run, TrialRequest, copy_design, failure,
    io_failure, write,
};
use super::context::StudyContext;
use crate::catalogue::Eco;
use crate::handover::{Dialect, eco_script};

/// Contradictions between two branches, within the folder of the attempt: kind, object, what the first did,
/// what the second did.
const CONFLICTS: &str = "conflicts.tsv";

/// What the second branch made under a name that the first used as well, with its new name.
const RENAMED: &str = "renamed.tsv";

/// How many contradictions a message names.
const NAMED_CONFLICTS: usize = 3;

/// Edits of another branch that are made in a case.
#[derive(Clone, Debug)]
pub struct ReplayRequest<'a> {
    /// The trial; it names no ECO, and its parent is the first of the two cases.
    pub trial: TrialRequest<'a>,
    /// What is tried, for its name and class.
    pub proposal: &'a EcoProposal,
    /// Which edits count where they contradict each other.
    pub conflicts: ConflictRule,
    /// The netlist of the case from which both descend.
    pub ancestor: PathBuf,
    /// The netlist of the second of the two cases.
    pub with: PathBuf,
}

/// Edits that are made as they are listed.
#[derive(Clone, Debug)]
pub struct EditsRequest<'a> {
    /// The trial; it names no ECO.
    pub trial: TrialRequest<'a>,
    /// What it is called where something is said of it.
    pub name: &'a str,
    /// The widest class that may be seen of it.
    pub class: EcoClass,
    /// The edits of the trial's parent.
    pub ledger: &'a Ledger,
}

/// ECOs of another branch that are applied anew to a case, one after the other.
#[derive(Clone, Debug)]
pub struct RerunRequest<'a> {
    /// The trial; it names no ECO itself.
    pub trial: TrialRequest<'a>,
    /// What is tried, for its name and class.
    pub proposal: &'a EcoProposal,
    /// The ECOs with their parameters.
    pub chain: Vec<(&'a EcoProposal, &'a Eco)>,
}

impl StudyContext {
    /// Merges the edits of two cases since their ancestor, makes what the first lacks, and measures it, under
    /// the same guards as an ECO's.
    ///
    /// In the folder of the attempt it leaves what [`Self::run_trial`] leaves, and `conflicts.tsv` and
    /// `renamed.tsv` where there is something to tell.
    pub fn run_replay(&self, request: &ReplayRequest<'_>, run: Run<'_>) -> Outcome {
        let mut run = self.limited(run);
        self.replay(request, &mut run)
            .unwrap_or_else(Outcome::Failed)
    }

    fn replay(&self, request: &ReplayRequest<'_>, run: Run<'_>) -> Result<Outcome, Failure> {
        let folder = &request.trial.folder;
        let ancestor = self.read_design(&[&request.ancestor])?;
        let first = self.read_design(&request.trial.netlists)?;
        let second = self.read_design(&[&request.with])?;
        let own = Ledger::between(&ancestor, &first);
        let other = Ledger::between(&ancestor, &second);
        let prefix = EcoProposal::name_prefix(request.trial.trial);
        let cells = &self.groups[0].eco_scene().index;
        let merge = Merge::new(&ancestor, &own, &other, &prefix, cells);
        if !merge.conflicts().is_empty() {
            let lines = merge
                .conflicts()
                .iter()
                .map(|conflict| format!("{conflict}\n"));
            write(
                &folder.join(CONFLICTS),
                lines.collect::<String>().as_bytes(),
            )?;
        }
        if !merge.renamed().is_empty() {
            let renamed = merge.renamed().iter();
            let lines: String = renamed
                .map(|(old, new)| format!("{old}\t{new}\n"))
                .collect();
            write(&folder.join(RENAMED), lines.as_bytes())?;
        }
        let Some(merged) = merge.resolve(request.conflicts) else {
            return Err(failure(FailureClass::MergeConflict, told(&merge)));
        };
        let rest = own.reversed().then(&merged).map_err(|error| {
            let message = format!("the edits of the branches do not fit their ancestor: {error}");
            failure(FailureClass::Unknown, message)
        })?;
        if rest.is_empty() {
            return Ok(Outcome::NoEffect);
        }
        let declared = Declared {
            name: &request.proposal.name,
            version: request.proposal.version,
            class: request.proposal.class,
            changes_connectivity: rest.changes_connections(),
        };
        let parameters = &request.proposal.parameters;
        let outcome = self.make_edits(
            &request.trial,
            declared,
            parameters,
            rest,
            &first,
            &prefix,
            run,
        )?;
        Ok(match outcome {
            Outcome::Measured(measurement) => Outcome::from(Measurement {
                conflicts: merge.counts(),
                ..Arc::unwrap_or_clone(measurement)
            }),
            other => other,
        })
    }

    /// Makes the edits of a ledger in the parent of a trial, and measures what comes of it, under the same
    /// guards as an ECO's. The folder then holds what [`Self::run_trial`] leaves.
    pub fn run_edits(&self, request: &EditsRequest<'_>, run: Run<'_>) -> Outcome {
        let mut run = self.limited(run);
        self.edits(request, &mut run)
            .unwrap_or_else(Outcome::Failed)
    }

    fn edits(&self, request: &EditsRequest<'_>, run: Run<'_>) -> Result<Outcome, Failure> {
        if request.ledger.is_empty() {
            return Ok(Outcome::NoEffect);
        }
        let parent = self.parent(&request.trial.netlists)?;
        let declared = Declared {
            name: request.name,
            version: 1,
            class: request.class,
            changes_connectivity: request.ledger.changes_connections(),
        };
        let prefix = EcoProposal::name_prefix(request.trial.trial);
        let none = Parameters::new();
        let ledger = request.ledger.clone();
        self.make_edits(
            &request.trial,
            declared,
            &none,
            ledger,
            parent.design()?,
            &prefix,
            run,
        )
    }

    #[expect(
        clippy::too_many_arguments,
        reason = "each is a thing of its own, and both callers have them all"
    )]
    fn make_edits(
        &self,
        trial: &TrialRequest<'_>,
        declared: Declared<'_>,
        parameters: &Parameters,
        ledger: Ledger,
        parent: &Design,
        prefix: &str,
        run: Run<'_>,
    ) -> Result<Outcome, Failure> {
        self.refuse_what_would_lie(&declared)?;
        let script = eco_script(&ledger, parent, Dialect::Opensta, &[]).map_err(|error| {
            failure(
                FailureClass::ConfigurationError,
                format!("the edits cannot be made: {error}"),
            )
        })?;
        let eco_folder = trial.folder.join(ECO_FOLDER);
        std::fs::create_dir_all(&eco_folder)
            .map_err(|error| io_failure("create", &eco_folder, &error))?;
        let path = format!("{ECO_FOLDER}/edits.tcl");
        write(&trial.folder.join(&path), script.as_bytes())?;
        let applied = Applied {
            declared,
            netlists: trial.netlists.clone(),
            tcl: Some((path, parameters)),
            expected: Some(ledger),
        };
        self.carry_out(trial, Some(applied), prefix, run)
    }

    /// Applies ECOs one after the other, each as a trial of its own does it and under the same guards; what
    /// counts is the last, against the parent of the whole.
    ///
    /// In the folder of the attempt it leaves `netlist.v` and `ledger.tsv`, and in `steps/<number>` what
    /// [`Self::run_trial`] leaves of each ECO.
    pub fn run_rerun(&self, request: &RerunRequest<'_>, run: Run<'_>) -> Outcome {
        let mut run = self.limited(run);
        self.rerun(request, &mut run)
            .unwrap_or_else(Outcome::Failed)
    }

    fn rerun(&self, request: &RerunRequest<'_>, run: Run<'_>) -> Result<Outcome, Failure> {
        let whole = &request.trial;
        let mut step = whole.clone();
        let mut last: Option<Arc<Measurement>> = None;
        let count = request.chain.len();
        for (place, &(proposal, eco)) in request.chain.iter().enumerate() {
            let number = place + 1;
            step.folder = whole.folder.join("steps").join(number.to_string());
            std::fs::create_dir_all(&step.folder)
                .map_err(|error| io_failure("create", &step.folder, &error))?;
            step.eco = Some((proposal, eco));
            // Each process counts its names from 1.
            let prefix = format!("{}s{number}_", EcoProposal::name_prefix(whole.trial));
            let outcome = self
                .attempt(&step, &prefix, run)
                .map_err(|failure| Failure {
                    message: format!(
                        "step {number} of {count} (ECO `{}`): {}",
                        proposal.name, failure.message
                    ),
                    ..failure
                })?;
            if let Outcome::Measured(measurement) = outcome {
                step.netlists = vec![step.folder.join(NETLIST)];
                step.of_case = false;
                step.parent = Some(ParentFacts::from(&*measurement));
                last = Some(measurement);
            }
        }
        let Some(measurement) = last else {
            return Ok(Outcome::NoEffect);
        };
        for source in &step.netlists {
            copy_design(source, &whole.folder, &measurement.design)?;
        }
        let declared = Declared {
            name: &request.proposal.name,
            version: request.proposal.version,
            class: request.proposal.class,
            changes_connectivity: request
                .chain
                .iter()
                .any(|(_, eco)| eco.manifest.changes_connectivity),
        };
        let whole = self.of_whole(whole, &declared, measurement)?;
        Ok(whole.map_or(Outcome::NoEffect, Outcome::from))
    }
}

/// What stands between two branches, for a message.
fn told(merge: &Merge) -> String {
    let conflicts = merge.conflicts();
    let named = conflicts.iter().take(NAMED_CONFLICTS);
    let named: Vec<String> = named
        .map(|conflict| format!("{} `{}`", conflict.kind, conflict.object))
        .collect();
    let more = match conflicts.len().saturating_sub(NAMED_CONFLICTS) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    format!(
        "the edits of the two branches contradict each other at {} ({}{more}), and such pairs are dropped",
        match conflicts.len() {
            1 => "1 place".to_owned(),
            count => format!("{count} places"),
        },
        named.join(", ")
    )
}
