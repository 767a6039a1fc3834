//! One process of an attempt: its script, its end, and what it left.

use std::io;
use std::path::{Path, PathBuf};

use noodle2_model::{Failure, FailureClass, Finding, ForkPlan, HostSpec, Parasitics};

use super::attempt::{
    Run, TrialRequest, failure, io_failure, numbered, read_file, read_log, write,
};
use super::context::{SceneGroup, StudyContext};
use super::log::LogRemarks;
use super::read::{ResultError, ResultFile};
use super::script::{self, Job};
use crate::classify::{Evidence, classify, missing_clock};
use crate::openroad::judge_run;

/// What a process of a trial left.
pub(crate) struct Ended {
    pub result: ResultFile,
    pub remarks: LogRemarks,
    pub log: String,
    /// What its log says of the design.
    pub findings: Vec<Finding>,
}

impl StudyContext {
    pub(super) fn run_process(
        &self,
        request: &TrialRequest<'_>,
        index: usize,
        group: &SceneGroup,
        job: &Job<'_>,
        run: Run<'_>,
    ) -> Result<Ended, Failure> {
        let folder = &request.folder;
        let rendered = script::render(job).ok_or_else(|| {
            failure(
                FailureClass::ConfigurationError,
                "a path is not UTF-8".to_owned(),
            )
        })?;
        let script = numbered("script", index, "tcl");
        write(&folder.join(&script), rendered.text.as_bytes())?;
        for (name, target) in &rendered.links {
            let link = folder.join(name);
            make_link(target, &link).map_err(|error| io_failure("link", &link, &error))?;
        }
        let log_name = numbered(self.engine.log_stem(), index, "log");
        let read = self.files().into_iter();
        let read = read.chain(job.netlists.iter().map(PathBuf::as_path));
        let mut spec = (self.engine).command(folder, &script, &log_name, self.limits, read);
        if let Some(fork) = rendered.fork {
            let script = numbered("fork", index, "tcl");
            write(&folder.join(&script), fork.text.as_bytes())?;
            let mut hosts: Vec<HostSpec> = Vec::new();
            for text in fork.hosts {
                hosts.push(HostSpec::after(&hosts, text));
            }
            spec.fork = Some(ForkPlan {
                hosts,
                script: script.into(),
            });
        }
        let report = run(&spec);
        let log = read_log(&spec.log);
        let result = match read_file(&folder.join(job.result)) {
            Ok(bytes) => ResultFile::parse(&bytes),
            Err(_) => Err(ResultError::Missing),
        };
        let mut findings = Vec::new();
        if self.layout().is_some() {
            let black_boxes: Vec<String> = self.black_boxes.iter().cloned().collect();
            let is_base = request.trial.is_base();
            findings = judge_run(&report, &log, &result, &black_boxes, is_base)?;
        }
        let evidence = Evidence {
            tool: self.engine.name(),
            report: &report,
            log: &log,
        };
        let result = classify(evidence, result)?;
        self.refuse_missing_clocks(request, group, &log)?;
        Ok(Ended {
            remarks: LogRemarks::read(&log, self.known_paths(group, job.netlists)),
            result,
            log,
            findings,
        })
    }

    /// Runs a script of no trial to its end.
    ///
    /// # Errors
    /// Why nothing of it is to be believed.
    pub(crate) fn run_script(
        &self,
        folder: &Path,
        script: &str,
        log: &str,
        result: &str,
        run: Run<'_>,
    ) -> Result<(), Failure> {
        let spec = (self.engine).command(folder, script, log, self.limits, self.files());
        let report = run(&spec);
        let log = read_log(&spec.log);
        let result = match read_file(&folder.join(result)) {
            Ok(bytes) => ResultFile::parse(&bytes),
            Err(_) => Err(ResultError::Missing),
        };
        judge_run(&report, &log, &result, &[], false)?;
        let evidence = Evidence {
            tool: self.engine.name(),
            report: &report,
            log: &log,
        };
        classify(evidence, result).map(drop)
    }

    fn refuse_missing_clocks(
        &self,
        request: &TrialRequest<'_>,
        group: &SceneGroup,
        log: &str,
    ) -> Result<(), Failure> {
        let constraints = |name: &str| {
            let named = |path: &&PathBuf| path.file_name().is_some_and(|file| file == name);
            std::fs::read_to_string(group.sdc.iter().find(named)?).ok()
        };
        let Some(message) = missing_clock(log, constraints) else {
            return Ok(());
        };
        // In a derived case, the base's constraints were in order: the ECO took the clock away.
        let class = match request.parent {
            Some(_) => FailureClass::ConstraintCoverageLost,
            None => FailureClass::ConfigurationError,
        };
        Err(Failure {
            excerpt: LogRemarks::excerpt(log),
            ..failure(class, message)
        })
    }

    fn known_paths<'p>(
        &'p self,
        group: &'p SceneGroup,
        netlists: &'p [PathBuf],
    ) -> impl Iterator<Item = &'p Path> {
        let spef = match &group.parasitics {
            Parasitics::Spef(path) => Some(path),
            _ => None,
        };
        let libraries = group.scenes.iter().flat_map(|scene| &scene.libraries);
        netlists
            .iter()
            .chain(&group.sdc)
            .chain(libraries)
            .chain(spef)
            .map(PathBuf::as_path)
    }
}

fn make_link(target: &Path, link: &Path) -> io::Result<()> {
    match std::fs::remove_file(link) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => std::os::unix::fs::symlink(target, link),
    }
}
