//! The scripts that `sta` runs.

use noodle2_liberty::{Library, Pin};
use noodle2_model::{Clocks, Parasitics};

use crate::platform::PlatformFile;
use crate::tcl::{TclScript, TclWord};
use crate::trial::context::{Purpose, ResolvedScene, SceneGroup};
use crate::trial::script::{Job, Links, Parts, SUPPORT, describe_cells, read_libraries, set_eco};

const MARKS: &str = include_str!("../../tcl/marks.tcl");
const COUNT: &str = include_str!("../../tcl/count.tcl");
const MEASURE: &str = include_str!("../../tcl/measure.tcl");
const EDIT: &str = include_str!("../../tcl/edit.tcl");
const TIMING: &str = include_str!("../../tcl/timing.tcl");

/// What the scripts of a group share: the library of procedures, and what its Liberty files say of cells.
pub(crate) fn prelude(group: &SceneGroup, platform: &PlatformFile) -> String {
    let mut script = TclScript::new();
    script.append(SUPPORT);
    script.append(MARKS);
    script.append(EDIT);
    script.append(TIMING);
    script.append(COUNT);
    script.append(MEASURE);
    describe_cells(&mut script, group, platform);
    for scene in &group.scenes {
        limits(&mut script, scene);
    }
    script.into_text()
}

/// Limits of loads and fanouts, by scene: libraries of two corners may differ.
fn limits(script: &mut TclScript, scene: &ResolvedScene) {
    let values = |value: fn(&Library, &Pin) -> Option<f64>| {
        let index = &scene.index;
        index.cells().flat_map(move |cell| {
            let library = index.library_of(cell);
            let pins = index.cell(cell).map(|data| &data.pins);
            pins.into_iter().flatten().filter_map(move |(name, pin)| {
                let value = TclWord::real(value(library?, pin)?)?;
                Some((
                    TclWord::text(&format!("{}/{cell}/{name}", scene.name)),
                    value,
                ))
            })
        })
    };
    script.array(
        "::n2::capacitance_limit",
        values(Library::max_capacitance_f),
    );
    script.array("::n2::fanout_limit", values(Library::max_fanout));
    script.array("::n2::fanout_of_input", values(Library::fanout_load));
}

/// The parts of the script of a job. `None` when a path is not UTF-8.
pub(crate) fn parts(job: &Job<'_>, links: &mut Links) -> Option<Parts> {
    let group = job.group;
    let libraries = read_libraries(group, links)?;

    let mut design = TclScript::new();
    let netlists = links.words(job.netlists)?;
    design.command("::n2::read_design", [netlists, TclWord::text(job.top)]);
    let clocks = match group.clocks {
        Clocks::Ideal => "ideal",
        Clocks::Propagated => "propagated",
    };
    let wireload = match &group.parasitics {
        Parasitics::Wireload(name) => name.as_str(),
        _ => "",
    };
    let constraints = [
        links.words(&group.sdc)?,
        TclWord::text(clocks),
        TclWord::text(wireload),
    ];
    design.command("::n2::read_constraints", constraints.clone());
    if let Some(scale) = job.period_scale {
        design.command("set ::n2::seed", [TclWord::text(&job.seed.to_string())]);
        design.command("::n2::scale_clocks", [TclWord::real(scale)?]);
    }
    let mut parasitics = TclScript::new();
    if let Parasitics::Spef(path) = &group.parasitics {
        parasitics.command("::n2::read_parasitics", [links.word(path)?]);
    }
    design.append_script(&parasitics);
    if group.purpose == Purpose::Timing {
        design.command("::n2::time_design", []);
    }

    let mut trial = TclScript::new();
    let mut apart = TclScript::new();
    match (&job.eco, job.output) {
        (Some(eco), Some(output)) => {
            let written = [TclWord::text(output), TclWord::text(job.top)];
            let written = written.into_iter().chain(constraints);
            set_eco(&mut trial, job, eco)?;
            apart.append_script(&trial);
            trial.command("::n2::apply_eco", [TclWord::text(&eco.path)]);
            trial.command("::n2::write_design", [TclWord::text(output)]);
            trial.command("::n2::read_back", written.clone());
            let edited = [TclWord::text(&eco.path), TclWord::text(output)];
            apart.command("::n2::edit_apart", edited);
            // Annotated wires are reduced for the cells that they were read with.
            let replaceable = TclWord::boolean(!group.is_annotated());
            apart.command("::n2::take_over", written.chain([replaceable]));
            trial.append_script(&parasitics);
            apart.append_script(&parasitics);
        }
        (_, Some(output)) => {
            trial.command("::n2::write_design", [TclWord::text(output)]);
            apart.append_script(&trial);
        }
        (_, None) => {}
    }
    let mut measuring = TclScript::new();
    let measured =
        (group.scenes.iter()).filter(|scene| group.knows_libraries_of(scene, job.engine));
    let measured = TclWord::texts(measured.map(|scene| &scene.name));
    match group.purpose {
        Purpose::Timing => {
            let annotated = TclWord::boolean(group.is_annotated());
            measuring.command("::n2::measure", [measured, annotated]);
        }
        Purpose::OwnLibraries => {
            measuring.command("::n2::measure_own_libraries", [measured]);
        }
    }
    trial.append_script(&measuring);
    apart.append_script(&measuring);
    Some(Parts {
        libraries,
        design,
        trial,
        apart,
    })
}
