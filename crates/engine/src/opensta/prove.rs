//! Whether the logic of a derived design is its parent's.

use std::path::{Path, PathBuf};

use noodle2_equivalence::{Budget, Report, Verdict, compare};
use noodle2_model::{EquivalenceProof, EquivalenceVerdict, Failure};

use super::scenes::StudyContext;

impl StudyContext {
    /// Proves that the netlist `child` does what `parent` does, or shows where it does not. The proof is for the
    /// record; the report holds the whole counterexample.
    ///
    /// # Errors
    /// When a netlist cannot be read.
    pub fn prove_equivalence(
        &self,
        parent: &[PathBuf],
        child: &Path,
    ) -> Result<(EquivalenceProof, Report), Failure> {
        let parent = self.read_design(parent)?;
        let child = self.read_design(&[child])?;
        let cells = &self.groups[0].eco_scene().index;
        let report = compare(&parent, &child, cells, &Budget::default());
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
