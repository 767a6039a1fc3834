//! What must not happen to a derived case, whatever its numbers say.
//!
//! Nothing here believes what an ECO declares: the design that it made is compared with its parent.

use std::collections::BTreeMap;
use std::sync::Arc;

use noodle2_liberty::LibraryIndex;
use noodle2_model::{
    BlastRadius, Failure, FailureClass, FindingKind, Measurement, Metric, MetricSet, RiskEnvelope,
};
use noodle2_netlist::{Design, Ledger, compare_logic, measure_reach};

use super::attempt::{Declared, LEDGER, NETLIST, ParentFacts, TrialRequest, failure, write};
use super::context::StudyContext;
use super::measure::Gathered;
use super::protect::Protected;
use crate::openroad::{PlacedChange, PlacedDesign};

/// What an ECO really did.
#[derive(Debug)]
pub(crate) struct Change {
    pub(crate) ledger: Ledger,
    pub(crate) radius: BlastRadius,
    /// What became of the places of the parent's cells; absent of an engine that places nothing.
    pub(crate) moves: Option<PlacedChange>,
}

/// How many ends of logic a message names.
const NAMED_ENDS: usize = 4;

impl StudyContext {
    /// With annotated wires, a net that is connected anew has none, and timing looks better than it is.
    pub(crate) fn refuse_what_would_lie(&self, declared: &Declared<'_>) -> Result<(), Failure> {
        match self.annotated_scene() {
            Some(scene) if declared.changes_connectivity => Err(failure(
                FailureClass::ConfigurationError,
                format!(
                    "ECO `{}` changes connections, but the wires of scene `{scene}` are annotated from a file, \
                     and changed nets would have none",
                    declared.name
                ),
            )),
            _ => Ok(()),
        }
    }

    /// What several steps came to: the measurement of the last one, whose files are in the folder of `whole`, told as one
    /// change of the parent of the whole. `None` where nothing changed.
    pub(crate) fn of_whole(
        &self,
        whole: &TrialRequest<'_>,
        declared: &Declared<'_>,
        last: Arc<Measurement>,
    ) -> Result<Option<Measurement>, Failure> {
        let placed = self.placed_in(&whole.folder)?;
        let change = self.change_by(whole, declared, placed.as_ref())?;
        let mut measurement = Arc::unwrap_or_clone(last);
        let parent = whole.parent.as_ref().map(|parent| parent.canonical);
        if parent == Some(measurement.design.canonical)
            || (change.ledger.is_empty() && placed.is_none())
        {
            return Ok(None);
        }
        let ledger = change.ledger.to_tsv();
        write(&whole.folder.join(LEDGER), ledger.as_bytes())?;
        measurement.edits = change.ledger.counts();
        if let Some(moves) = &change.moves {
            moves.tell(&mut measurement.overall, &mut measurement.edits);
        }
        measurement.blast_radius = Some(change.radius);
        Ok(Some(measurement))
    }

    /// The first scene whose wires come from a file.
    fn annotated_scene(&self) -> Option<&str> {
        let group = self.groups.iter().find(|group| group.is_annotated())?;
        Some(&group.scenes[0].name)
    }

    /// Compares what an ECO wrote with its parent.
    ///
    /// # Errors
    /// When it reaches further than the ECO declares, or connects anew what has annotated wires.
    pub(crate) fn change_by(
        &self,
        request: &TrialRequest<'_>,
        declared: &Declared<'_>,
        placed: Option<&PlacedDesign>,
    ) -> Result<Change, Failure> {
        let read = self.parent(&request.netlists)?;
        let parent = read.design()?;
        let child = self.read_design(&[request.folder.join(NETLIST)])?;
        let cells = &self.groups[0].eco_scene().index;
        let ledger = Ledger::between(parent, &child);
        let logic = compare_logic(parent, &child, cells);
        let mut radius = measure_reach(&ledger, &logic, cells);
        let moves = match placed {
            Some(placed) => self.moves_by(request, placed)?,
            None => None,
        };
        if let Some(moves) = &moves {
            radius.physical = moves.reach;
        }
        let exceeded = |message| Err(failure(FailureClass::BlastRadiusExceeded, message));
        if let Some(port) = ledger.ports.first() {
            return exceeded(format!(
                "ECO `{}` changed port `{port}` of the design, which no ECO may",
                declared.name
            ));
        }
        if let Some(scene) = self.annotated_scene()
            && ledger.changes_connections()
        {
            return Err(failure(
                FailureClass::ParasiticsIncomplete,
                format!(
                    "ECO `{}` changed connections, and changed nets have no wires in scene `{scene}`",
                    declared.name
                ),
            ));
        }
        if radius.class() > declared.class {
            let ends = named_ends(&logic.differing);
            return exceeded(format!(
                "ECO `{}` declares `{}`, but what it did is `{}`{ends}",
                declared.name,
                declared.class,
                radius.class(),
            ));
        }
        if ledger.changes_connections() && !declared.changes_connectivity {
            return exceeded(format!(
                "ECO `{}` declares that it changes no connections, and did: {}",
                declared.name,
                kinds(&ledger)
            ));
        }
        let protected = Protected::of(&request.guard, &read, parent, cells);
        if let Some(message) = protected.violation(&ledger) {
            return exceeded(format!("ECO `{}` {message}", declared.name));
        }
        if let Some(message) = beyond(&radius, parent, &request.guard.envelope, cells) {
            return exceeded(format!("ECO `{}` {message}", declared.name));
        }
        Ok(Change {
            ledger,
            radius,
            moves,
        })
    }
}

/// What reaches beyond the risk envelope.
fn beyond(
    radius: &BlastRadius,
    parent: &Design,
    envelope: &RiskEnvelope,
    cells: &LibraryIndex,
) -> Option<String> {
    if let Some(most) = envelope.max_cells
        && radius.cells_touched > most
    {
        return Some(format!(
            "touched {} cells, and the envelope permits {most}",
            radius.cells_touched
        ));
    }
    if let Some(most) = envelope.max_nets_percent {
        let touched = percent(radius.nets_touched as f64, parent.nets.len() as f64);
        if touched > most {
            return Some(format!(
                "touched {touched:.2} % of the nets, and the envelope permits {most} %"
            ));
        }
    }
    if let Some(most) = envelope.max_area_percent {
        let leaves = parent.instances.iter().filter(|instance| instance.is_leaf);
        let total: Option<f64> = leaves.map(|instance| cells.area(&instance.cell)).sum();
        // An area that nobody knows keeps no limit.
        let Some((touched, total)) = radius.area_touched_um2.zip(total) else {
            return Some(
                "touched cells whose area no library states, and the envelope limits it".to_owned(),
            );
        };
        let touched = percent(touched, total);
        if touched > most {
            return Some(format!(
                "touched {touched:.2} % of the area, and the envelope permits {most} %"
            ));
        }
    }
    None
}

fn percent(part: f64, whole: f64) -> f64 {
    match whole > 0.0 {
        true => part / whole * 100.0,
        false => 0.0,
    }
}

/// How many edits of which kind, for a message.
fn kinds(ledger: &Ledger) -> String {
    let counts = ledger.counts();
    let words: Vec<String> = counts
        .iter()
        .map(|(kind, count)| format!("{count} {kind}"))
        .collect();
    words.join(", ")
}

/// Where the logic differs, for a message.
fn named_ends(differing: &[String]) -> String {
    if differing.is_empty() {
        return String::new();
    }
    let named = differing
        .iter()
        .take(NAMED_ENDS)
        .map(|end| format!("`{end}`"));
    let named: Vec<String> = named.collect();
    let more = match differing.len().saturating_sub(NAMED_ENDS) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    format!(
        ": it is not known to compute the same at {}{more}",
        named.join(", ")
    )
}

/// What the numbers must not show.
pub(crate) fn compare_with_parent(
    parent: &ParentFacts,
    scenes: &BTreeMap<String, MetricSet>,
    gathered: &Gathered,
) -> Result<(), Failure> {
    if let Some(finding) = gathered
        .findings
        .iter()
        .find(|finding| finding.kind == FindingKind::BlackBox)
    {
        return Err(failure(FailureClass::BlackBox, finding.detail.clone()));
    }
    for (scene, before) in &parent.scenes {
        let nothing = MetricSet::new();
        let after = scenes.get(scene).unwrap_or(&nothing);
        let pair = |metric| before.get(metric).zip(after.get(metric));
        // The engine computes wires in single precision.
        let lost = |metric| pair(metric).filter(|(before, after)| *after < before * (1.0 - 1e-5));
        for metric in [Metric::AnnotatedNets, Metric::WireCapacitance] {
            if let Some((before, after)) = lost(metric) {
                return Err(failure(
                    FailureClass::ParasiticsIncomplete,
                    format!(
                        "scene `{scene}` lost annotated wires: {metric} went from {before} to {after}"
                    ),
                ));
            }
        }
        if let Some((before, after)) = pair(Metric::UnconstrainedEndpoints)
            && after > before
        {
            return Err(failure(
                FailureClass::ConstraintCoverageLost,
                format!("scene `{scene}`: unconstrained endpoints went from {before} to {after}"),
            ));
        }
        for metric in NEEDED {
            if before.get(metric).is_some() && after.get(metric).is_none() {
                return Err(failure(
                    FailureClass::MetricMissing,
                    format!(
                        "scene `{scene}`: {metric} was read of the parent and could not be read now"
                    ),
                ));
            }
        }
    }
    Ok(())
}

/// Metrics that do not vanish with the last cell that has a limit.
const NEEDED: [Metric; 14] = [
    Metric::SetupWs,
    Metric::SetupWns,
    Metric::SetupTns,
    Metric::SetupViolatingEndpoints,
    Metric::HoldWs,
    Metric::HoldWns,
    Metric::HoldTns,
    Metric::HoldViolatingEndpoints,
    Metric::Power,
    Metric::Area,
    Metric::CellCount,
    Metric::UnconstrainedEndpoints,
    Metric::AnnotatedNets,
    Metric::WireCapacitance,
];

#[cfg(test)]
mod tests {
    use noodle2_model::ContentHash;

    use super::*;

    fn facts(values: &[(Metric, f64)]) -> BTreeMap<String, MetricSet> {
        BTreeMap::from([("typical".to_owned(), values.iter().copied().collect())])
    }

    #[test]
    fn what_must_not_happen_to_a_derived_case_is_caught() {
        let before = [
            (Metric::SetupWs, -10.0),
            (Metric::UnconstrainedEndpoints, 2.0),
            (Metric::AnnotatedNets, 100.0),
            (Metric::WireCapacitance, 1.0),
        ];
        let class = |after: &[(Metric, f64)]| {
            let parent = ParentFacts {
                canonical: ContentHash::of("parent"),
                scenes: facts(&before),
            };
            compare_with_parent(&parent, &facts(after), &Gathered::default())
                .err()
                .map(|failure| failure.class)
        };
        let with = |metric, value| {
            before.map(|(known, old)| (known, if known == metric { value } else { old }))
        };
        assert_eq!(class(&before), None);
        assert_eq!(class(&with(Metric::SetupWs, 500.0)), None);
        assert_eq!(
            class(&with(Metric::AnnotatedNets, 99.0)),
            Some(FailureClass::ParasiticsIncomplete)
        );
        assert_eq!(
            class(&with(Metric::WireCapacitance, 0.99)),
            Some(FailureClass::ParasiticsIncomplete)
        );
        assert_eq!(
            class(&with(Metric::UnconstrainedEndpoints, 3.0)),
            Some(FailureClass::ConstraintCoverageLost)
        );
        assert_eq!(class(&before[1..]), Some(FailureClass::MetricMissing));
        assert_eq!(class(&[]), Some(FailureClass::MetricMissing));
    }
}
