//! `noodle2 rebuild`: a case as its design and one script that makes it of the study's own netlists, checked.
//!
//! Whatever led to the case, ECOs one after the other, sequences, joins of branches, the script makes the edits of all of it
//! in plain commands of the engine. Nothing of Noodle 2 is needed to run it.

use std::path::Path;

use noodle2_engine::Dialect;
use noodle2_model::EngineKind;
use noodle2_store::{copy_file, write_atomic};
use noodle2_view::eco_text;

use crate::cli::RebuildOption;
use crate::commands::handover::{Subject, check, kinds};
use crate::commands::place::make_new;
use crate::exit::{CommandFailure, Exit};
use crate::print;

/// What the script makes is not the case.
const ANOTHER_DESIGN: &str = "N2-REBUILD-001";

/// The name of the script and of what it makes.
const STEM: &str = "rebuild";

/// `noodle2 rebuild`.
pub(crate) fn rebuild(option: &RebuildOption) -> Result<Exit, CommandFailure> {
    let subject = Subject::of(&option.run, &option.case)?;
    let engine = subject.controller().program().study().engine.kind;
    let dialect = match engine {
        EngineKind::Opensta => Dialect::Opensta,
        EngineKind::Openroad => Dialect::Openroad,
    };
    let script = subject.script(&subject.ledger, dialect)?;
    make_new(&option.out)?;
    for (name, _) in subject.case.measurement.design.files() {
        copy_file(
            &subject.netlist.with_file_name(name),
            &option.out.join(name),
        )?;
    }
    write_atomic(&option.out.join("ledger.tsv"), subject.ledger.to_tsv())?;
    let differences = match engine {
        EngineKind::Opensta => check(&subject, &script, &option.out, STEM)?,
        EngineKind::Openroad => {
            write_atomic(&option.out.join(format!("{STEM}.tcl")), &script)?;
            Vec::new()
        }
    };
    let readme = readme(&subject, &option.run, engine, &differences);
    write_atomic(&option.out.join("README.md"), readme)?;
    for difference in &differences {
        print::talk(&format!("{ANOTHER_DESIGN} {difference}"));
    }
    print::talk(&format!(
        "{}: {}; {}; everything lies in {}",
        subject.case.name,
        kinds(&subject.ledger),
        match (engine, differences.is_empty()) {
            (EngineKind::Openroad, _) => "not checked: where cells stand is in the database alone",
            (EngineKind::Opensta, true) =>
                "checked: the script makes the same netlist, and it measures the same",
            (EngineKind::Opensta, false) => "THE SCRIPT MAKES ANOTHER DESIGN",
        },
        option.out.display()
    ));
    Ok(match differences.is_empty() {
        true => Exit::Done,
        false => Exit::Findings,
    })
}

fn readme(subject: &Subject, run: &Path, engine: EngineKind, differences: &[String]) -> String {
    let controller = subject.controller();
    let identity = controller.program().identity();
    let digest = controller.recorded_digest();
    let digest = digest.map_or("none: it has not ended".to_owned(), |digest| {
        digest.to_string()
    });
    let mut text = format!(
        "# {} of study {}\n\nFrom the run `{}`, whose digest is {digest}. Made by `noodle2 rebuild`, version {}.\n\n\
         - `netlist.v`: the design, statements {}\n",
        subject.case.name,
        identity.study.name,
        run.display(),
        env!("CARGO_PKG_VERSION"),
        subject.case.measurement.design.canonical
    );
    if subject.case.measurement.design.placement.is_some() {
        text += "- `placed.odb`, `placed.def`: the same with its placement\n";
    }
    text += &format!(
        "- `ledger.tsv`: the {} that lead to it from the base case\n- `{STEM}.tcl`: makes them\n\n## How to run it\n\n",
        kinds(&subject.ledger)
    );
    text += &match engine {
        EngineKind::Opensta => format!(
            "    sta -no_init -no_splash -exit {STEM}.tcl\n\nIt reads the libraries and netlists of the study where they lie, \
             makes the edits and writes `{STEM}.v`.\n\n"
        ),
        EngineKind::Openroad => format!(
            "In OpenROAD, with the snapshot of the study loaded: `source {STEM}.tcl`. It makes the edits and leaves the cells that \
             are new unplaced; `placed.odb` holds where they stand. This was **not checked**.\n\n"
        ),
    };
    if engine == EngineKind::Opensta {
        text += &match differences.is_empty() {
            true => "**Checked**: run so, it made a netlist of the same statements, which measures the same.\n\n".to_owned(),
            false => format!("**IT MAKES ANOTHER DESIGN**:\n\n- {}\n\n", differences.join("\n- ")),
        };
    }
    text += "## What it was made of\n\n";
    for tool in &identity.tools {
        text += &format!("- {} {}, {}\n", tool.name, tool.version, tool.content);
    }
    for input in &identity.inputs {
        text += &format!(
            "- {} `{}`, {}\n",
            input.role,
            input.path.display(),
            input.content
        );
    }
    text += "\n## What led to it\n\n";
    for (case, eco) in subject.lineage() {
        text += &format!("- {case}: {}\n", eco_text(&eco));
    }
    text
}
