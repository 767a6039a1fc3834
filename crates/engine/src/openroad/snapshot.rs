//! Making the placed design that a study starts from: rows, pins, taps, global and detailed placement.

use std::path::Path;

use noodle2_layout::PlacementCheck;
use noodle2_model::{DesignState, Failure, FailureClass};
use serde::Serialize;

use super::LayoutSetup;
use super::placed::PlacedDesign;
use crate::tcl::{TclScript, TclWord};
use crate::trial::attempt::{Run, failure, io_failure, write};
use crate::trial::{StudyContext, script};

const PLACE: &str = include_str!("../../tcl/openroad/place.tcl");

/// How a design is placed.
#[derive(Clone, Copy, PartialEq, Debug, Serialize)]
pub struct SnapshotOptions {
    /// The share of the core that cells take, in percent.
    pub utilisation_percent: f64,
    /// The density that global placement aims at; absent means a tenth above the utilisation.
    pub density: Option<f64>,
    /// Height of the core over its width.
    pub aspect_ratio: f64,
    /// Between core and die, in µm.
    pub core_space_um: f64,
    /// Whether the buffers of the netlist are removed before it is placed.
    pub remove_buffers: bool,
}

/// A placed design that was made.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct SnapshotMade {
    /// How it was placed.
    pub options: SnapshotOptions,
    /// The engine and its version.
    pub engine: String,
    /// Its files.
    pub state: DesignState,
    /// What its places are by their own numbers.
    pub check: PlacementCheck,
}

impl StudyContext {
    /// Places the netlists of the study in `folder`, an empty one: leaves `netlist.v`, `placed.def`, `placed.odb`, the script
    /// and the log there.
    ///
    /// # Errors
    /// When the engine places nothing, or did not come to a legal placement.
    pub fn create_snapshot(
        &self,
        options: SnapshotOptions,
        folder: &Path,
        run: Run<'_>,
    ) -> Result<SnapshotMade, Failure> {
        let Some(setup) = self.layout() else {
            let text = "only the engine `openroad` places designs".to_owned();
            return Err(failure(FailureClass::ConfigurationError, text));
        };
        if self.base_netlists().is_empty() {
            let text = "the study names no netlist that could be placed".to_owned();
            return Err(failure(FailureClass::ConfigurationError, text));
        }
        let not_text = || {
            let text = "a path is not UTF-8".to_owned();
            failure(FailureClass::ConfigurationError, text)
        };
        let text = self.place(setup, options).ok_or_else(not_text)?;
        let place = folder.join("place.tcl");
        std::fs::create_dir_all(folder).map_err(|error| io_failure("create", folder, &error))?;
        write(&place, text.as_bytes())?;
        self.run_script(folder, "place.tcl", "place.log", "place.tsv", run)?;
        let mut state = crate::trial::attempt::design_state(&folder.join(DesignState::NETLIST))?;
        let placed = PlacedDesign::read(folder)?;
        state.placement = Some(placed.state);
        Ok(SnapshotMade {
            options,
            engine: format!("{} {}", self.engine().name(), self.engine().version()),
            state,
            check: PlacementCheck::of(&placed.def, &setup.lef),
        })
    }

    fn place(&self, setup: &LayoutSetup, options: SnapshotOptions) -> Option<String> {
        let group = self.first_group();
        let mut links = script::Links::default();
        let mut body = TclScript::new();
        body.command("::n2::one_thread", []);
        body.append_script(&script::read_libraries(group, &mut links)?);
        body.command("::n2::read_layers", [links.words(&setup.lefs)?]);
        let netlists = links.words(self.base_netlists())?;
        body.command("::n2::read_netlist", [netlists, TclWord::text(self.top())]);
        body.command(
            "::n2::read_scene",
            [links.words(&group.sdc)?, TclWord::text("ideal")],
        );
        let floorplan = [
            TclWord::text(&setup.data.site),
            TclWord::real(options.utilisation_percent)?,
            TclWord::real(options.aspect_ratio)?,
            TclWord::real(options.core_space_um)?,
        ];
        body.command("::n2::make_rows", floorplan);
        let tracks = match &setup.tracks {
            Some(path) => links.word(path)?,
            None => TclWord::text(""),
        };
        body.command("::n2::make_all_tracks", [tracks]);
        if options.remove_buffers {
            body.command("::n2::without_buffers", []);
        }
        if let Some(taps) = &setup.data.tap_cells {
            let endcap = TclWord::text(taps.endcap.as_deref().unwrap_or(""));
            let words = [
                TclWord::real(taps.distance_um)?,
                TclWord::text(&taps.cell),
                endcap,
            ];
            body.command("::n2::place_taps", words);
        }
        super::script::set_up(&mut body, setup, true, &mut links)?;
        let density = options
            .density
            .unwrap_or(options.utilisation_percent / 100.0 + 0.1);
        let words = [
            TclWord::real(density.min(1.0))?,
            TclWord::text(&setup.data.pin_layers.horizontal),
            TclWord::text(&setup.data.pin_layers.vertical),
            TclWord::integer(setup.data.padding.global.into()),
            TclWord::integer(setup.data.padding.detailed.into()),
        ];
        body.command("::n2::place", words);
        let files = [
            DesignState::NETLIST,
            DesignState::DEF,
            DesignState::DATABASE,
        ];
        body.command("::n2::write_placed", files.map(TclWord::text));
        let mut text = TclScript::new();
        text.comment("Places a netlist for a study to start from");
        script::load_prelude(&mut text, &group.prelude)?;
        text.append(PLACE);
        script::main(&mut text, "place.tsv", &body);
        // A path that a link stands for lies in the folder of an attempt, and this is none.
        links.is_empty().then(|| text.into_text())
    }
}
