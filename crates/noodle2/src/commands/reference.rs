//! `noodle2 reference`: writes the pages of the reference, or says which are out of date. For those who work on Noodle 2.

use std::fs;
use std::path::Path;

use crate::cli::ReferenceOption;
use crate::exit::{CommandFailure, Exit};
use crate::print;
use crate::reference;

pub(crate) fn reference(option: &ReferenceOption) -> Result<Exit, CommandFailure> {
    let mut stale = false;
    for (name, text) in reference::pages() {
        let path = option.folder.join(name);
        if fs::read_to_string(&path).is_ok_and(|found| found == text) {
            continue;
        }
        if option.check {
            print::talk(&format!(
                "`{}` is not what the code gives; `make reference` writes it anew",
                path.display()
            ));
            stale = true;
        } else {
            write(&path, &text)?;
        }
    }
    Ok(if stale { Exit::Findings } else { Exit::Done })
}

fn write(path: &Path, text: &str) -> Result<(), CommandFailure> {
    fs::write(path, text).map_err(|error| {
        CommandFailure::new(
            Exit::Usage,
            "N2-PRINT-002",
            format!("cannot write `{}`: {error}", path.display()),
            "name a folder that is there and may be written".to_owned(),
        )
    })
}
