//! Where commands put what they make: a folder of its own, in which nothing is lost.

use std::path::Path;

use noodle2_store::create_folder;

use crate::exit::{CommandFailure, Exit};

/// The folder for what is made holds something already.
const NOT_EMPTY: &str = "N2-RUN-016";

/// Makes a folder; one that holds something already is refused.
pub(super) fn make_new(folder: &Path) -> Result<(), CommandFailure> {
    if std::fs::read_dir(folder).is_ok_and(|mut found| found.next().is_some()) {
        return Err(CommandFailure::new(
            Exit::Usage,
            NOT_EMPTY,
            format!("`{}` is not empty", folder.display()),
            "name a folder that is new or empty".to_owned(),
        ));
    }
    Ok(create_folder(folder)?)
}
