//! `noodle2 check`: what a study file says, without running anything.

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
