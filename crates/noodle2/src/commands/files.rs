//! `noodle2 check` and `noodle2 plan`: what a study file says, without running anything.

use noodle2_control::Program;
use noodle2_view::PlanView;

use crate::cli::{Format, StudyOption};
use crate::exit::{CommandFailure, Exit};
use crate::print;
use crate::study;

/// `noodle2 check`.
pub(crate) fn check(option: &StudyOption, format: Format) -> Result<Exit, CommandFailure> {
    if format == Format::Json {
        let (exit, value) = study::problems_as_json(option);
        print::json(&value)?;
        return Ok(exit);
    }
    let loaded = study::load(option)?;
    print::data(&loaded.legality_report().text());
    loaded.refuse_illegal()?;
    Ok(Exit::Done)
}

/// `noodle2 plan`. Of an invalid study, what `noodle2 check` prints.
pub(crate) fn plan(option: &StudyOption, format: Format) -> Result<Exit, CommandFailure> {
    if format == Format::Json {
        let (exit, value) = study::problems_as_json(option);
        if exit == Exit::InvalidStudy {
            print::json(&value)?;
            return Ok(exit);
        }
    }
    let loaded = study::load(option)?;
    let dag = Program::dag_of(&loaded.study).map_err(CommandFailure::internal)?;
    let plan = PlanView::new(&loaded.study, &dag);
    match format {
        Format::Json => print::json(&plan)?,
        Format::Text => print::data(&plan.text()),
    }
    Ok(Exit::Done)
}
