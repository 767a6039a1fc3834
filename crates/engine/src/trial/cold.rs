//! An ECO script carried out by plain `sta`, as an engineer would: no procedure of this program is there but
//! those that the script brings along.

use std::path::PathBuf;

use noodle2_model::{DesignState, Failure, FailureClass};

use super::attempt::{Run, design_state, failure, read_log, write};
use super::context::StudyContext;
use super::log::LogRemarks;
use crate::tcl::{TclScript, TclWord};

/// What is carried out.
#[derive(Clone, Debug)]
pub struct ColdRequest<'a> {
    /// Where it runs, as an absolute path.
    pub folder: PathBuf,
    /// What the files there are called, but for their endings: `.tcl`, `.log`, and `.v` for what is made.
    pub stem: &'a str,
    /// The netlists that the script is for.
    pub netlists: Vec<PathBuf>,
    /// The edits, as the commands of a script.
    pub script: &'a str,
}

/// What came of it.
#[derive(Clone, PartialEq, Debug)]
pub struct ColdResult {
    /// The netlist.
    pub netlist: PathBuf,
    /// Its design.
    pub design: DesignState,
    /// The lines of the log that tell of errors; empty where there is none.
    pub errors: String,
}

impl StudyContext {
    /// Reads libraries and netlists, makes the edits and writes the design, all by one script in a process of its own.
    ///
    /// # Errors
    /// When the tool could not be run or wrote no netlist.
    pub fn carry_out_cold(
        &self,
        request: &ColdRequest<'_>,
        run: Run<'_>,
    ) -> Result<ColdResult, Failure> {
        let not_text = || {
            let text = "a path is not UTF-8".to_owned();
            failure(FailureClass::ConfigurationError, text)
        };
        let mut script = TclScript::new();
        let libraries = &self.groups[0].scenes[0].libraries;
        for (name, paths) in [
            ("read_liberty", libraries),
            ("read_verilog", &request.netlists),
        ] {
            for path in paths {
                script.command(name, [TclWord::path(path).ok_or_else(not_text)?]);
            }
        }
        script.command("link_design", [TclWord::text(&self.top)]);
        let named = |ending: &str| format!("{}.{ending}", request.stem);
        let (result, log, name) = (named("v"), named("log"), named("tcl"));
        let mut written = TclScript::new();
        written.command("write_verilog", [TclWord::text(&result)]);
        let text = script.into_text() + request.script + &written.into_text();
        let folder = &request.folder;
        write(&folder.join(&name), text.as_bytes())?;
        let read = request.netlists.iter().map(PathBuf::as_path);
        let spec = self.engine.command(folder, &name, &log, self.limits, read);
        run(&spec);
        let log = read_log(&spec.log);
        let netlist = folder.join(&result);
        let design = design_state(&netlist).map_err(|missing| Failure {
            excerpt: LogRemarks::excerpt(&log),
            ..missing
        })?;
        let errors = log.lines().filter(|line| line.starts_with("Error"));
        Ok(ColdResult {
            netlist,
            design,
            errors: errors.collect::<Vec<&str>>().join("\n"),
        })
    }
}
