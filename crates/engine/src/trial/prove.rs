//! Whether the logic of a derived design is its parent's.

use std::path::{Path, PathBuf};

use noodle2_equivalence::{Budget, Report, Verdict, compare_until};
use noodle2_model::{EquivalenceProof, EquivalenceVerdict, Failure, FailureClass};

use super::attempt::failure;
use super::context::StudyContext;

impl StudyContext {
    /// Proves that the netlist `child` does what `parent` does, or shows where it does not. The proof is for the
    /// record; the report holds the whole counterexample. `is_stopped` is asked again and again whether it is not
    /// wanted any more.
    ///
    /// # Errors
    /// When a netlist cannot be read; [`FailureClass::Interrupted`] when it was stopped, which is no verdict.
    pub fn prove_equivalence(
        &self,
        parent: &[PathBuf],
        child: &Path,
        is_stopped: &dyn Fn() -> bool,
    ) -> Result<(EquivalenceProof, Report), Failure> {
        let parent = self.read_design(parent)?;
        let child = self.read_design(&[child])?;
        let cells = &self.groups[0].eco_scene().index;
        let report = compare_until(&parent, &child, cells, &Budget::default(), is_stopped)
            .map_err(|stopped| failure(FailureClass::Interrupted, stopped.to_string()))?;
        let verdict = match &report.verdict {
            Verdict::Equal => EquivalenceVerdict::Equal,
            Verdict::Different { counterexample } => EquivalenceVerdict::Different {
                point: counterexample.end.clone(),
                parent: counterexample.parent,
                child: counterexample.child,
            },
            Verdict::Undecided { reason } => EquivalenceVerdict::Undecided {
                reason: reason.to_string(),
            },
        };
        let cost = &report.cost;
        let proof = EquivalenceProof {
            verdict,
            points: cost.points as u64,
            by_structure: cost.by_structure as u64,
            by_proof: cost.by_proof as u64,
            cells: cost.cells as u64,
            sat_calls: cost.sat_calls,
            conflicts: cost.conflicts,
        };
        Ok((proof, report))
    }
}
