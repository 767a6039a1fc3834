//! What the run keeps of an attempt: its folder, sealed, and its result, in the store of known results too.
//!
//! The same for every attempt, whoever carried it out.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use jiff::Timestamp;
use noodle2_engine::{Catalogue, ParentFacts};
use noodle2_exec::JobPanicked;
use noodle2_model::{
    AttemptId, AttemptUsage, CacheAnswer, CacheHit, CacheMiss, ContentHash, FailureClass, Outcome,
    RunIdentity,
};
use noodle2_store::{ArtifactIndex, CommandRecord, Host, Provenance, RunFolder, StoreError};

use super::carrier::{Carried, NETLIST, failed};
use super::known::{Asked, Known, Made};
use super::order::{AttemptOrder, ParentOrder};
use crate::print;
use crate::study::absolute;

/// What the driver gets back of an attempt.
#[derive(Debug)]
pub(crate) struct AttemptResult {
    pub outcome: Outcome,
    pub usage: AttemptUsage,
    /// What was known of it before; `None` where nobody asked.
    pub cache: Option<CacheAnswer>,
    pub artifacts: Option<ContentHash>,
}

impl AttemptResult {
    /// What an attempt that panicked counts as.
    pub fn panicked(panic: &JobPanicked) -> Self {
        Self::failed(FailureClass::WorkerLost, panic.to_string())
    }

    /// An attempt that left nothing.
    pub fn failed(class: FailureClass, message: String) -> Self {
        Self {
            outcome: failed(class, message),
            usage: AttemptUsage::default(),
            cache: None,
            artifacts: None,
        }
    }

    /// An attempt whose files this machine could not keep: that says nothing about the design.
    pub fn not_kept(error: &StoreError) -> Self {
        let class = match error.is_disk_full() {
            true => FailureClass::DiskFull,
            false => FailureClass::WorkerLost,
        };
        Self::failed(class, error.to_string())
    }

    /// An attempt that was stopped before it began.
    pub fn unbegun() -> Self {
        let text = "the attempt was stopped before it began".to_owned();
        Self::failed(FailureClass::Interrupted, text)
    }
}

/// What was asked about an attempt before it is carried out.
pub(crate) enum Before {
    /// Its result was known, and is kept.
    Known(AttemptResult),
    /// It has to be made.
    Unknown(Wanted),
}

/// How the result of an attempt is to be kept.
#[derive(Debug, Default)]
pub(crate) struct Wanted {
    key: Option<noodle2_cache::CacheKey>,
    miss: Option<CacheMiss>,
}

/// Keeps what attempts leave.
pub(crate) struct Keeper {
    pub folder: RunFolder,
    pub catalogue: Catalogue,
    pub identity: RunIdentity,
    /// What is known from earlier runs; `None` where nobody is to ask.
    pub known: Option<Known>,
    /// Whether what was forked anywhere was found not to be what is started anew.
    pub forks_differ: AtomicBool,
}

impl Keeper {
    /// The folder of an attempt, made.
    pub fn begin(&self, order: &AttemptOrder) -> Result<PathBuf, StoreError> {
        let design = self.identity.study.design.case_name.as_str();
        self.folder.create_attempt(design, order.attempt)
    }

    /// The netlist that the attempt of a case left.
    pub fn netlist_of(&self, order: &ParentOrder) -> PathBuf {
        let design = &self.identity.study.design.case_name;
        absolute(&self.folder.attempt(design, order.attempt).join(NETLIST))
    }

    /// Looks whether the result of an attempt is known; where it is, keeps it in the attempt's folder.
    pub fn ask(&self, order: &AttemptOrder, folder: &Path) -> Result<Before, StoreError> {
        let began = (Instant::now(), Timestamp::now());
        let guard = order.guard(&self.identity.study);
        let asked = match &self.known {
            Some(known) => known.ask(order, &guard, &self.catalogue, folder),
            None => Asked::Nothing,
        };
        let (outcome, hit) = match asked {
            Asked::Known(outcome, hit) => (outcome, hit),
            Asked::Unknown(key, miss) => {
                let miss = Some(miss);
                return Ok(Before::Unknown(Wanted { key, miss }));
            }
            Asked::Nothing => return Ok(Before::Unknown(Wanted::default())),
        };
        let host = Host::current();
        let times = (began.1, Timestamp::now());
        let (index, bytes) = self.seal(order, folder, host, times, Vec::new(), Some(&hit))?;
        Ok(Before::Known(AttemptResult {
            outcome: *outcome,
            usage: AttemptUsage {
                wall_s: began.0.elapsed().as_secs_f64(),
                disk_bytes: Some(bytes),
                ..AttemptUsage::default()
            },
            cache: Some(CacheAnswer::Hit(hit)),
            artifacts: Some(index),
        }))
    }

    /// Keeps what carrying an attempt out left in its folder.
    pub fn keep(
        &self,
        order: &AttemptOrder,
        folder: &Path,
        wanted: Wanted,
        carried: Carried,
    ) -> Result<AttemptResult, StoreError> {
        let Carried {
            outcome,
            mut usage,
            forked,
            ..
        } = carried;
        if let Some(why) = &carried.differed {
            self.end_forks(order.attempt, why);
        }
        usage.forked = (!carried.commands.is_empty()).then_some(forked);
        let times = (carried.started_at, carried.ended_at);
        let sealed = self.seal(order, folder, carried.host, times, carried.commands, None);
        let (index, bytes) = sealed?;
        usage.disk_bytes = Some(bytes);
        if let Some(known) = &self.known {
            let made = Made {
                attempt: order.attempt,
                folder,
                outcome: &outcome,
                usage: &usage,
                output_bytes: carried.output_bytes,
                forked,
            };
            let can_be_known = !carried.output_truncated && outcome.can_be_known();
            if let Some(key) = wanted.key.filter(|_| can_be_known) {
                known.keep(key, &made, || !forked || self.forks_hold());
            }
            if let (Some(case), None, Outcome::Measured(again)) =
                (&order.confirms, order.perturbation, &outcome)
                && ParentFacts::from(&**again) != case.facts
            {
                known.forget(case.attempt, order.confirms_known);
            }
        }
        Ok(AttemptResult {
            outcome,
            usage,
            cache: wanted.miss.map(CacheAnswer::Miss),
            artifacts: Some(index),
        })
    }

    /// Whether forks have given what engines started anew give, as far as it was looked at.
    pub fn forks_hold(&self) -> bool {
        !self.forks_differ.load(Ordering::SeqCst)
    }

    /// A fork was not what the same made anew is: none is believed any more.
    fn end_forks(&self, attempt: AttemptId, why: &str) {
        if !self.forks_differ.swap(true, Ordering::SeqCst) {
            print::talk(&format!(
                "N2-RUN-019: a fork and a process started anew gave different results; from now on every attempt \
                 starts anew. Attempt {attempt}: {why}."
            ));
        }
        if let Some(known) = &self.known {
            known.forget_forks();
        }
    }

    /// Writes where an attempt came from, and the index of all that it left; returns the hash of the index, and how
    /// many bytes it left.
    fn seal(
        &self,
        order: &AttemptOrder,
        folder: &Path,
        host: Host,
        (started_at, ended_at): (Timestamp, Timestamp),
        commands: Vec<CommandRecord>,
        hit: Option<&CacheHit>,
    ) -> Result<(ContentHash, u64), StoreError> {
        let provenance = Provenance {
            schema_version: Provenance::SCHEMA_VERSION,
            noodle2_version: env!("CARGO_PKG_VERSION").to_owned(),
            attempt: order.attempt,
            case: order.case.clone(),
            parent: order.parent.as_ref().map(|parent| parent.case.clone()),
            eco: order.eco.as_deref().cloned(),
            seed: order.seed(&self.identity.study),
            perturbation: order.perturbation,
            tools: self.identity.tools.clone(),
            inputs: self.identity.inputs.clone(),
            host,
            started_at,
            ended_at,
            commands,
            known_from: hit.cloned(),
        };
        provenance.write(folder)?;
        let (files, index) = ArtifactIndex::seal(folder)?;
        Ok((index, files.bytes()))
    }
}
