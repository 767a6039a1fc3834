//! The scripts of trials on placed designs.

use std::path::PathBuf;

use noodle2_layout::Lef;
use noodle2_model::{Clocks, DesignState, HeatmapPolicy, StageMode, WireEstimate};

use super::OpenRoad;
use crate::platform::{LayoutData, PlatformFile};
use crate::tcl::{TclScript, TclWord};
use crate::trial::context::SceneGroup;
use crate::trial::script::{
    EcoJob, Job, Links, Parts, SUPPORT, describe_cells, read_libraries, set_eco, tcl_pattern,
};

const LAYOUT: &str = include_str!("../../tcl/openroad/layout.tcl");
const MEASURE: &str = include_str!("../../tcl/openroad/measure.tcl");
const EDIT: &str = include_str!("../../tcl/openroad/edit.tcl");
const JUDGE: &str = include_str!("../../tcl/openroad/judge.tcl");

/// What placing and routing needs, with its files found.
#[derive(Debug)]
pub(crate) struct LayoutSetup {
    /// LEF files, the technology first.
    pub lefs: Vec<PathBuf>,
    /// The file that states resistances and capacitances.
    pub rc: Option<PathBuf>,
    /// What the LEF files hold.
    pub lef: Lef,
    /// What the platform says.
    pub data: LayoutData,
    /// Patterns of cells that are not to be used.
    pub unusable: Vec<String>,
    /// The file that makes the tracks.
    pub tracks: Option<PathBuf>,
    /// The placed design that the study starts from; absent only where one is made.
    pub snapshot: Option<PathBuf>,
    /// What wires are estimated from.
    pub wires: WireEstimate,
    /// Whether the mode `full` routes in detail.
    pub detailed_route: bool,
    /// What becomes of a trial whose heat maps cannot be had.
    pub heatmaps: HeatmapPolicy,
}

/// Where a design comes from.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Origin {
    /// The snapshot of the study.
    Snapshot(PathBuf),
    /// The database of a case.
    Case(PathBuf),
}

/// What one process of a trial does to a placed design.
pub(crate) struct LayoutJob<'a> {
    pub setup: &'a LayoutSetup,
    pub origin: Origin,
    /// What is measured.
    pub mode: StageMode,
    /// Whether it is also measured with globally routed wires.
    pub audits_gain: bool,
}

/// The heat maps that a mode asks for, by the tool's names.
fn heatmaps(mode: StageMode) -> &'static [&'static str] {
    match mode.routes() {
        true => &["Placement", "RUDY", "Routing"],
        false => &[],
    }
}

/// What the scripts of a group share: the library of procedures, what its Liberty files say of cells, and what this
/// version of the tool can do.
pub(crate) fn prelude(group: &SceneGroup, platform: &PlatformFile, engine: &OpenRoad) -> String {
    let mut script = TclScript::new();
    script.append(SUPPORT);
    script.append(LAYOUT);
    script.append(MEASURE);
    script.append(EDIT);
    script.append(JUDGE);
    describe_cells(&mut script, group, platform);
    let ties = platform.tie_cells.as_ref();
    let ties = ties.map(|ties| [ties.high.as_str(), ties.low.as_str()]);
    script.command(
        "set ::n2::tie_ports",
        [TclWord::texts(ties.iter().flatten())],
    );
    // Of all that it can do, what scripts ask for.
    let asked = SCRIPTED.iter().flat_map(|command| {
        let options = engine.abilities.commands.get(*command);
        let options = options.into_iter().flatten();
        options.map(move |option| {
            (
                TclWord::text(&format!("{command},{option}")),
                TclWord::boolean(true),
            )
        })
    });
    script.array("::n2::options", asked);
    script.into_text()
}

/// Commands whose options differ between versions.
const SCRIPTED: [&str; 17] = [
    "buffer_ports",
    "check_antennas",
    "check_placement",
    "clock_tree_synthesis",
    "detailed_placement",
    "detailed_route",
    "global_placement",
    "global_route",
    "improve_placement",
    "optimize_mirroring",
    "remove_buffers",
    "repair_clock_nets",
    "repair_design",
    "repair_tie_fanout",
    "repair_timing",
    "replace_cell",
    "swap_pins",
];

/// The parts of the script of a job. `None` when a path is not UTF-8.
pub(crate) fn parts(job: &Job<'_>, layout: &LayoutJob<'_>, links: &mut Links) -> Option<Parts> {
    let group = job.group;
    let setup = layout.setup;
    let mut libraries = TclScript::new();
    libraries.command("::n2::one_thread", []);
    libraries.append_script(&read_libraries(group, links)?);
    let mut design = design(group, layout, links)?;
    // Once for all trials that begin with this case, where they are forks of one process.
    if job.output.is_some() {
        design.command("::n2::take_down_design", []);
    }
    let mut trial = TclScript::new();
    let corners = TclWord::texts(group.scenes.iter().map(|scene| &scene.name));
    match &job.eco {
        Some(eco) => {
            set_eco(&mut trial, job, eco)?;
            trial.command("::n2::apply_placed_eco", [TclWord::text(&eco.path)]);
            trial.command("::n2::release_what_was_withheld", []);
            trial.command("::n2::estimate_changes", []);
            let again = [TclWord::text("estimated"), corners.clone()];
            trial.command("::n2::measure_again", again);
            let padding = TclWord::integer(setup.data.padding.detailed.into());
            trial.command("::n2::legalise", [padding]);
            trial.command("::n2::estimate_changes", []);
        }
        None => trial.command("::n2::check_places", []),
    }
    if job.output.is_some() {
        let files = [
            DesignState::NETLIST,
            DesignState::DEF,
            DesignState::DATABASE,
        ];
        trial.command("::n2::write_placed", files.map(TclWord::text));
    }
    trial.command("::n2::measure_placed", [corners.clone()]);
    trial.command("::n2::tell_routing_state", []);
    // Routes are of the design, not of a scene: one process finds them.
    if job.output.is_some() && layout.mode.routes() {
        trial.command("::n2::route", []);
        if layout.mode == StageMode::Full {
            trial.command("::n2::check_antennas_of_routes", []);
        }
        let maps = TclWord::texts(heatmaps(layout.mode));
        trial.command("::n2::dump_heatmaps", [maps]);
        if layout.mode == StageMode::Full && setup.detailed_route {
            trial.command("::n2::route_in_detail", []);
        }
    }
    if layout.audits_gain {
        trial.command("::n2::audit_gain", [corners]);
    }
    Some(Parts {
        libraries,
        design,
        apart: trial.clone(),
        trial,
    })
}

/// Reads the design, its constraints and its wires, and times it.
fn design(group: &SceneGroup, layout: &LayoutJob<'_>, links: &mut Links) -> Option<TclScript> {
    let setup = layout.setup;
    let mut design = TclScript::new();
    let (path, is_base) = match &layout.origin {
        Origin::Snapshot(path) => (path, true),
        Origin::Case(path) => (path, false),
    };
    if path.extension().is_some_and(|ending| ending == "def") {
        let lefs = links.words(&setup.lefs)?;
        design.command("::n2::read_layers", [lefs]);
        design.command("::n2::read_placed", [links.word(path)?]);
    } else {
        design.command("::n2::read_database", [links.word(path)?]);
    }
    design.command("::n2::take_down_marks", []);
    let clocks = match group.clocks {
        Clocks::Ideal => "ideal",
        Clocks::Propagated => "propagated",
    };
    let constraints = [links.words(&group.sdc)?, TclWord::text(clocks)];
    design.command("::n2::read_scene", constraints);
    set_up(&mut design, setup, is_base, links)?;
    let wires = match setup.wires {
        WireEstimate::Placement => "placement",
        WireEstimate::GlobalRoute => "global_route",
    };
    design.command("set ::n2::wires", [TclWord::text(wires)]);
    design.command("::n2::estimate_all", []);
    Some(design)
}

/// Sets what wires and routes are made of. What stays in a database is set once, in the base case.
pub(super) fn set_up(
    design: &mut TclScript,
    setup: &LayoutSetup,
    is_base: bool,
    links: &mut Links,
) -> Option<()> {
    let rc = match &setup.rc {
        Some(path) => links.word(path)?,
        None => TclWord::text(""),
    };
    let wire = |kind, layer: &Option<String>| {
        [
            TclWord::text(kind),
            TclWord::text(layer.as_deref().unwrap_or("")),
        ]
    };
    let layers = wire("signal", &setup.data.wire_layers.signal)
        .into_iter()
        .chain(wire("clock", &setup.data.wire_layers.clock));
    let unusable = TclWord::texts(setup.unusable.iter().map(|pattern| tcl_pattern(pattern)));
    design.command("::n2::set_wires", [rc, TclWord::list(layers), unusable]);
    let range = |[first, last]: &[String; 2]| TclWord::text(&format!("{first}-{last}"));
    let mut adjustments = Vec::new();
    for (layers, share) in setup.data.layer_adjustments.iter().filter(|_| is_base) {
        adjustments.extend([TclWord::text(layers), TclWord::real(*share)?]);
    }
    let routing = [
        range(&setup.data.routing_layers.signal),
        range(&setup.data.routing_layers.clock),
        TclWord::list(adjustments),
    ];
    design.command("::n2::set_routing", routing);
    Some(())
}

/// Tells an ECO what it may not touch, and the tool which cells it may not use.
pub(crate) fn withhold(body: &mut TclScript, eco: &EcoJob<'_>) -> Option<()> {
    for (command, names) in [
        ("::n2::withhold instances", &eco.withheld.instances),
        ("::n2::withhold cells", &eco.withheld.cells),
        ("::n2::withhold nets", &eco.withheld.nets),
    ] {
        if !names.is_empty() {
            body.command(command, [TclWord::texts(names)]);
        }
    }
    let unusable = eco.withheld.unusable.iter();
    let unusable: Vec<String> = unusable.map(|pattern| tcl_pattern(pattern)).collect();
    if !unusable.is_empty() {
        body.command("::n2::leave_unused", [TclWord::texts(&unusable)]);
        for pattern in &unusable {
            body.command("lappend ::n2::dont_use", [TclWord::text(pattern)]);
        }
    }
    body.command("::n2::keep_what_is_withheld", []);
    Some(())
}
