//! What a trial on a placed design does beyond one on a netlist.

use std::path::Path;

use noodle2_model::{DesignState, Failure};
use noodle2_netlist::Ledger;

use super::placed::{PlacedChange, PlacedDesign, check_estimated};
use super::results::{add_layout, add_reports};
use super::script::{LayoutJob, Origin};
use crate::trial::context::SceneGroup;
use crate::trial::measure::Gathered;
use crate::trial::process::Ended;
use crate::trial::{StudyContext, TrialRequest};

impl StudyContext {
    /// What process `index` of a trial does to its placed design; `None` of an engine that only times.
    pub(crate) fn layout_job(
        &self,
        request: &TrialRequest<'_>,
        index: usize,
    ) -> Option<LayoutJob<'_>> {
        let setup = self.layout()?;
        let database = |folder: &Path| Origin::Case(folder.join(DesignState::DATABASE));
        let origin = match request.netlists.first().and_then(|path| path.parent()) {
            _ if index > 0 => database(&request.folder),
            Some(folder) if request.netlists != self.base_netlists() => database(folder),
            _ => Origin::Snapshot(setup.snapshot.clone()?),
        };
        Some(LayoutJob {
            setup,
            origin,
            mode: request.mode,
            audits_gain: request.audits_gain,
        })
    }

    /// Reads the reports that a process of a trial left.
    pub(crate) fn read_reports(
        &self,
        request: &TrialRequest<'_>,
        group: &SceneGroup,
        ended: &Ended,
        gathered: &mut Gathered,
    ) {
        gathered.findings.extend(ended.findings.iter().cloned());
        add_reports(gathered, group, &ended.result, &request.folder);
    }

    /// The placed design that the first process of a trial wrote, with all that is measured of it; its files and its
    /// places become part of `state`. `None` of an engine that only times.
    pub(crate) fn placed_by(
        &self,
        request: &TrialRequest<'_>,
        ended: &Ended,
        gathered: &mut Gathered,
        state: &mut DesignState,
    ) -> Result<Option<PlacedDesign>, Failure> {
        let Some(setup) = self.layout() else {
            return Ok(None);
        };
        let placed = PlacedDesign::read(&request.folder)?;
        let where_and_what = (request.mode, request.folder.as_path());
        add_layout(gathered, setup, &placed, where_and_what, ended)?;
        state.canonical = placed.canonical(state.canonical, &gathered.routing_state);
        state.placement = Some(placed.state);
        Ok(Some(placed))
    }

    /// The placed design whose files lie in a folder; `None` of an engine that only times.
    pub(crate) fn placed_in(&self, folder: &Path) -> Result<Option<PlacedDesign>, Failure> {
        let layout = self.layout();
        layout.map(|_| PlacedDesign::read(folder)).transpose()
    }

    /// What became of the places of the parent's cells.
    pub(crate) fn moves_by(
        &self,
        request: &TrialRequest<'_>,
        placed: &PlacedDesign,
    ) -> Result<Option<PlacedChange>, Failure> {
        let folder = request.netlists.first().and_then(|path| path.parent());
        let (Some(setup), Some(folder)) = (self.layout(), folder) else {
            return Ok(None);
        };
        let parent = PlacedDesign::read(folder)?;
        PlacedChange::between(&parent, placed, setup, &request.folder).map(Some)
    }

    /// Refuses what was measured with wires of the parent.
    pub(crate) fn refuse_stale_wires(
        &self,
        request: &TrialRequest<'_>,
        placed: Option<&PlacedDesign>,
        moves: Option<&PlacedChange>,
        ledger: &Ledger,
    ) -> Result<(), Failure> {
        match (placed, moves) {
            (Some(placed), Some(moves)) => {
                check_estimated(&request.folder, placed, &moves.change, ledger)
            }
            _ => Ok(()),
        }
    }
}
