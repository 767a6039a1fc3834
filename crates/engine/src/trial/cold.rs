//! An ECO script carried out by plain `sta`, as an engineer would: no procedure of this program is there but
//! those that the script brings along.

use std::path::PathBuf;

use noodle2_model::{DesignState, Failure, FailureClass};

use super::attempt::{Run, design_state, failure, read_log, write};
use super::context::StudyContext;
use super::log::LogRemarks;
use crate::tcl::{TclScript, TclWord};

/// The netlist that the script leads to, within the folder.
const RESULT: &str = "handed_over.v";

/// What is carried out.
#[derive(Clone, Debug)]
pub struct ColdRequest<'a> {
    /// Where it runs, as an absolute path; `handed_over.v` is written there.
    pub folder: PathBuf,
    /// The netlists that the script is for.
    pub netlists: Vec<PathBuf>,
    /// The script.
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
    /// Reads libraries and netlists, sources the script and writes the design, in a process of its own.
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
        script.command("source", [TclWord::text("eco.tcl")]);
        script.command("write_verilog", [TclWord::text(RESULT)]);
        let folder = &request.folder;
        write(&folder.join("eco.tcl"), request.script.as_bytes())?;
        write(&folder.join("cold.tcl"), script.into_text().as_bytes())?;
        let read = request.netlists.iter().map(PathBuf::as_path);
        let spec = self
            .engine
            .command(folder, "cold.tcl", "cold.log", self.limits, read);
        run(&spec);
        let log = read_log(&spec.log);
        let netlist = folder.join(RESULT);
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
