//! What is known of attempts from earlier runs: keys, answers, and what is kept for later runs.
//!
//! A key holds everything that can make a difference to a result, by content alone. What is in doubt is not known:
//! confirmations, repeats, audits and ECOs that a program of their own carries out always run.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::SystemTime;

use jiff::Timestamp;
use noodle2_cache::{CacheError, CacheKey, Entry, Found, Origin, ResultCache, Used};
use noodle2_control::AttemptRole;
use noodle2_engine::Catalogue;
use noodle2_model::{
    AttemptId, AttemptUsage, CacheHit, CacheMiss, ContentHash, DesignGuard, DesignState,
    EcoProposal, KeyPart, Limits, Outcome, Parasitics, RunIdentity, Scene, Study,
};
use noodle2_store::{Host, StoreError, hash_file, write_atomic};
use serde::Serialize;

use super::carrier::NETLIST;
use super::order::AttemptOrder;
use crate::print;

/// The numbers of an attempt, within its folder.
const METRICS: &str = "metrics.json";

/// The files of an attempt that belong to its result, where they are there.
const FILES: [&str; 10] = [
    NETLIST,
    DesignState::DATABASE,
    DesignState::DEF,
    "moves.tsv",
    "metrics2.1.json",
    "ledger.tsv",
    METRICS,
    "sequence.json",
    "conflicts.tsv",
    "renamed.tsv",
];

/// Those of an attempt that changed nothing: nobody needs its netlist, which is its parent's.
const FILES_OF_NO_EFFECT: [&str; 1] = ["sequence.json"];

/// Makes keys for the attempts of a run.
pub(crate) struct Keys {
    /// What all attempts of the run depend on.
    shared: BTreeMap<KeyPart, ContentHash>,
    base: ContentHash,
    study: Study,
}

/// The hash of a value as JSON.
fn hash(value: &impl Serialize) -> ContentHash {
    ContentHash::of(serde_json::to_vec(value).expect("plain data is always JSON"))
}

impl Keys {
    /// The keys of a run of this program.
    ///
    /// # Errors
    /// When the executable of this process cannot be read.
    pub fn new(identity: &RunIdentity) -> Result<Self, StoreError> {
        Ok(Self::of_program(
            identity,
            hash_file(Path::new("/proc/self/exe"))?,
        ))
    }

    fn of_program(identity: &RunIdentity, program: ContentHash) -> Self {
        // In their order, with their names: the engine's remarks tell them.
        let mut inputs: BTreeMap<Option<KeyPart>, Vec<(&str, String, ContentHash)>> =
            BTreeMap::new();
        for input in &identity.inputs {
            let kind = input
                .role
                .split_once(':')
                .map_or(input.role.as_str(), |(kind, _)| kind);
            let part = match kind {
                "netlist" | "snapshot" => None,
                "lef" | "rc" | "tracks" => Some(KeyPart::Platform),
                "liberty" => Some(KeyPart::Libraries),
                "sdc" => Some(KeyPart::Constraints),
                "spef" => Some(KeyPart::Wires),
                "platform" => Some(KeyPart::Platform),
                _ => Some(KeyPart::Design),
            };
            // A platform counts by its content, wherever it was found.
            let name = match part {
                Some(KeyPart::Platform) if kind == "platform" => String::new(),
                _ => input
                    .path
                    .file_name()
                    .unwrap_or_default()
                    .to_string_lossy()
                    .into_owned(),
            };
            let files = inputs.entry(part).or_default();
            files.push((&input.role, name, input.content));
        }
        let base = hash(&inputs.remove(&None).unwrap_or_default());
        let mut shared: BTreeMap<KeyPart, ContentHash> = inputs
            .iter()
            .filter_map(|(part, files)| Some(((*part)?, hash(files))))
            .collect();
        let study = &identity.study;
        let scenes: Vec<Scene> = study
            .scenes
            .iter()
            .map(|scene| Scene {
                liberty: Vec::new(),
                sdc: Vec::new(),
                parasitics: match study.wires_of(scene) {
                    Parasitics::Spef(_) => Parasitics::Spef(PathBuf::new()),
                    other => other,
                },
                ..scene.clone()
            })
            .collect();
        let engine: Vec<_> = identity
            .tools
            .iter()
            .filter(|tool| tool.engine.is_some())
            .map(|tool| (&tool.name, &tool.version, tool.content))
            .collect();
        let design = &study.design;
        let declared = (
            &design.top,
            &design.black_boxes,
            design.unconstrained_endpoints,
            shared.get(&KeyPart::Design),
        );
        shared.extend([
            (KeyPart::Program, program),
            (KeyPart::Engine, hash(&engine)),
            (KeyPart::Scenes, hash(&scenes)),
            (KeyPart::Design, hash(&declared)),
        ]);
        Self {
            shared,
            base,
            study: study.clone(),
        }
    }

    /// The key of an attempt; `None` for a confirmation or a repeat, which are there to measure again.
    ///
    /// # Errors
    /// When results of this kind are never kept: why, in words.
    pub fn of(
        &self,
        order: &AttemptOrder,
        guard: &DesignGuard,
        catalogue: &Catalogue,
    ) -> Result<Option<CacheKey>, String> {
        if order.role != AttemptRole::Derives {
            return Ok(None);
        }
        let mut parts = self.shared.clone();
        let asked = (order.mode(&self.study), order.audits_gain(&self.study));
        let scenes = parts.get(&KeyPart::Scenes).copied();
        parts.insert(KeyPart::Scenes, hash(&(scenes, asked)));
        let parent = match &order.parent {
            None => self.base,
            Some(parent) => hash(&(parent.design, parent.facts.canonical, &parent.facts.scenes)),
        };
        parts.insert(KeyPart::Parent, parent);
        let Some(proposal) = &order.eco else {
            let subject = ContentHash::of("the design as it is");
            return Ok(Some(CacheKey { subject, parts }));
        };
        let chain = order.chain();
        let mut ecos = Vec::new();
        for step in &chain {
            let eco = catalogue.get(&step.name);
            let Some(eco) = eco.filter(|eco| eco.content == step.content) else {
                return Err(format!("the ECO `{}` is not in the catalogue", step.name));
            };
            if eco.is_command() {
                return Err(format!(
                    "a program of its own carries the ECO `{}` out, and may read what no key holds",
                    step.name
                ));
            }
            ecos.push(eco);
        }
        let contents: Vec<_> = chain
            .iter()
            .map(|step| (step.version, step.content, step.class))
            .collect();
        // A composition is as wide as what it is made of.
        parts.insert(KeyPart::Eco, hash(&(proposal.class, contents)));
        // Whoever adds to a guard decides here whether it makes a difference.
        let DesignGuard {
            protect,
            clock_network,
            dont_touch,
            scan,
            marks,
            envelope,
        } = guard;
        let guard = hash(&(protect, clock_network, dont_touch, scan, marks, envelope));
        parts.insert(KeyPart::Guard, guard);
        if ecos.iter().any(|eco| eco.uses_seed()) {
            parts.insert(KeyPart::Seed, hash(&self.study.seed));
        }
        if proposal.composition.is_some() || ecos.iter().any(|eco| eco.makes_names()) {
            let prefix = EcoProposal::name_prefix(order.attempt.trial);
            parts.insert(KeyPart::Names, hash(&prefix));
        }
        if !proposal.sequence.is_empty() {
            parts.insert(KeyPart::Judge, hash(&order.judge));
        }
        if let Some((with, ancestor)) = &order.replayed {
            let designs = (with.design, ancestor.design);
            parts.insert(KeyPart::OtherBranch, hash(&designs));
        }
        Ok(Some(CacheKey {
            subject: subject(proposal),
            parts,
        }))
    }
}

/// What is tried, by name: blind to what cases are called.
fn subject(proposal: &EcoProposal) -> ContentHash {
    fn named(ecos: &[EcoProposal]) -> Vec<impl Serialize + '_> {
        ecos.iter()
            .map(|eco| (&eco.name, &eco.parameters))
            .collect()
    }
    match &proposal.composition {
        Some(composition) => hash(&(
            &proposal.name,
            composition.mode,
            composition.conflicts,
            named(&composition.chain),
        )),
        None => hash(&(
            &proposal.name,
            &proposal.parameters,
            named(&proposal.sequence),
            proposal.rollback,
        )),
    }
}

/// What is known, and what is kept of the attempts of a run.
pub(crate) struct Known {
    cache: ResultCache,
    keys: Keys,
    run: ContentHash,
    study: String,
    limits: Limits,
    is_told: AtomicBool,
    /// What this process has kept, with whether it came of a fork.
    kept: Mutex<BTreeMap<AttemptId, (CacheKey, bool)>>,
}

/// What is known of an attempt that is about to run.
pub(crate) enum Asked {
    /// Nothing is asked: it is there to measure again.
    Nothing,
    /// Its result. The files that belong to it are in its folder.
    Known(Box<Outcome>, CacheHit),
    /// Nothing, and why; with the key under which its result is kept, if it is.
    Unknown(Option<CacheKey>, CacheMiss),
}

/// What an attempt left that may be kept.
pub(crate) struct Made<'a> {
    pub attempt: AttemptId,
    pub folder: &'a Path,
    pub outcome: &'a Outcome,
    pub usage: &'a AttemptUsage,
    /// The most bytes of output that one of its commands left.
    pub output_bytes: u64,
    pub forked: bool,
}

impl Known {
    /// What `cache` knows of the attempts of a run.
    ///
    /// # Errors
    /// When the executable of this process cannot be read.
    pub fn new(
        cache: ResultCache,
        identity: &RunIdentity,
        run: ContentHash,
    ) -> Result<Self, StoreError> {
        Ok(Self {
            cache,
            keys: Keys::new(identity)?,
            run,
            study: identity.study.name.clone(),
            limits: identity.study.limits.clone(),
            is_told: AtomicBool::new(false),
            kept: Mutex::default(),
        })
    }

    /// Looks for the result of an attempt, and brings its files into the attempt's folder.
    pub fn ask(
        &self,
        order: &AttemptOrder,
        guard: &DesignGuard,
        catalogue: &Catalogue,
        folder: &Path,
    ) -> Asked {
        let key = match self.keys.of(order, guard, catalogue) {
            Ok(Some(key)) => key,
            Ok(None) => return Asked::Nothing,
            Err(why) => return Asked::Unknown(None, CacheMiss::NeverKept { why }),
        };
        let lost = |error: CacheError, key: CacheKey| {
            // What another process has just collected is no damage.
            if matches!(error, CacheError::Damaged { .. } | CacheError::Io { .. }) {
                self.tell(&error);
            }
            Asked::Unknown(Some(key), CacheMiss::Lost)
        };
        let entry = match self.cache.find(&key, &self.limits) {
            Found::Known(entry) => entry,
            Found::Unknown(miss) => return Asked::Unknown(Some(key), miss),
            Found::Damaged(error) => return lost(error, key),
        };
        if let Err(error) = self.cache.bring(&entry, folder, SystemTime::now()) {
            return lost(error, key);
        }
        if let Err(error) = rename_trial(&entry, order.attempt, folder) {
            return lost(error.into(), key);
        }
        let hit = CacheHit {
            entry: key.hash(),
            run: entry.origin.run,
            study: entry.origin.study.clone(),
            attempt: entry.origin.attempt,
        };
        Asked::Known(Box::new(entry.outcome), hit)
    }

    /// Keeps the result of an attempt. `may_be_kept` is asked while nothing is forgotten. That it cannot be kept is
    /// told, once a run, and changes nothing.
    pub fn keep(&self, key: CacheKey, made: &Made<'_>, may_be_kept: impl FnOnce() -> bool) {
        let names: &[&str] = match made.outcome {
            Outcome::Measured(_) => &FILES,
            Outcome::NoEffect => &FILES_OF_NO_EFFECT,
            Outcome::Failed(_) => return,
        };
        let entry = Entry {
            schema_version: Entry::SCHEMA_VERSION,
            key: key.clone(),
            outcome: made.outcome.clone(),
            files: BTreeMap::new(),
            used: Used {
                wall_s: made.usage.wall_s,
                cpu_s: made.usage.cpu_s,
                memory_bytes: made.usage.peak_memory_bytes,
                output_bytes: made.output_bytes,
                limits: self.limits.clone(),
            },
            origin: Origin {
                run: self.run,
                study: self.study.clone(),
                attempt: made.attempt,
                host: Host::current().name,
                noodle2_version: env!("CARGO_PKG_VERSION").to_owned(),
                kept_at: Timestamp::now(),
            },
        };
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        if !may_be_kept() {
            return;
        }
        match self
            .cache
            .keep(entry, made.folder, names, SystemTime::now())
        {
            Ok(()) => {
                kept.insert(made.attempt, (key, made.forked));
            }
            Err(error) => self.tell(&error),
        }
    }

    /// Forgets what this process has kept of forks, which turned out not to be what engines started anew give.
    pub fn forget_forks(&self) {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.retain(|_, (key, forked)| {
            if *forked {
                self.cache.forget(key);
            }
            !*forked
        });
    }

    /// Forgets the result of an attempt that was not found again when it was confirmed.
    pub fn forget(&self, attempt: AttemptId, hit: Option<ContentHash>) {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((key, _)) = kept.remove(&attempt) {
            self.cache.forget(&key);
        }
        if let Some(entry) = hit {
            self.cache.forget_hash(entry);
            print::talk(&format!(
                "N2-CACHE-005: attempt {attempt} was answered by a known result that was not found again: {} is \
                 forgotten",
                entry.short()
            ));
        }
    }

    fn tell(&self, error: &CacheError) {
        if !self.is_told.swap(true, Ordering::SeqCst) {
            print::talk(&format!(
                "{}: {error}; {}. The run goes on; further trouble of this kind is not told",
                error.code(),
                error.help()
            ));
        }
    }
}

/// The numbers of a result tell the trial that they are of.
fn rename_trial(entry: &Entry, attempt: AttemptId, folder: &Path) -> Result<(), StoreError> {
    let (was, is) = (entry.origin.attempt.trial, attempt.trial);
    if was == is || !entry.files.contains_key(METRICS) {
        return Ok(());
    }
    let path = folder.join(METRICS);
    let Ok(text) = fs::read_to_string(&path) else {
        return Ok(());
    };
    let named = |trial| format!("\"trial\": \"{trial}\"");
    write_atomic(&path, text.replacen(&named(was), &named(is), 1))
}
