//! What goes to a runner and comes back: the header of a run, orders and results, with every file by its content.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use noodle2_bridge::GivenFile;
use noodle2_engine::{Catalogue, EcoOrigin, StudyContext};
use noodle2_model::{ContentHash, RunIdentity, Study, ToolIdentity};
use serde::{Deserialize, Serialize};

use crate::run::carrier::Carried;
use crate::run::order::AttemptOrder;

/// A file that a runner reads.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(crate) struct Given {
    pub hash: ContentHash,
    /// The name that it has on every machine.
    pub name: String,
    /// Where it lies on every machine; `None` where it has to be brought.
    pub shared: Option<PathBuf>,
}

/// What runners must know of a run.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Header {
    pub noodle2_version: String,
    /// The study, with paths as the controller's machine has them.
    pub study: Study,
    /// The engine and the programs of ECOs, which every node has itself: they must be the same.
    pub tools: Vec<ToolIdentity>,
    /// What the numbers of the run depend on; a node that comes to another measures something else.
    pub measurement_context: ContentHash,
    /// Everything that the study reads, by role and in the order of the run's record.
    pub inputs: Vec<(String, Given)>,
    /// The file of the platform; `None` for a built-in one.
    pub platform: Option<Given>,
    /// The files of ECOs that are not built in, by the name of the ECO.
    pub ecos: BTreeMap<String, Vec<Given>>,
    /// Whether each attempt starts its engine anew.
    pub cold: bool,
    /// What loaded engines may hold together on a node; half of what is free unless given.
    pub engine_memory_bytes: Option<u64>,
}

/// An attempt, as a runner is told of it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct RunnerOrder {
    pub order: AttemptOrder,
    /// The files of the designs that it reads, design by design, the netlist of each first.
    pub designs: Vec<Given>,
    /// Where its files are to lie; `None` leaves that to the runner, who is rid of them once they were taken.
    pub folder: Option<PathBuf>,
    /// Whether it may be forked from a loaded engine.
    pub may_fork: bool,
}

/// What a runner says of an attempt.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct RunnerResult {
    pub carried: Carried,
    /// Where what all attempts share lies on the node, in the order of [`StudyContext::files`].
    pub shared_files: Vec<PathBuf>,
    /// Where the files of the order's designs lie on the node, in their order.
    pub designs: Vec<PathBuf>,
}

/// Tells what must travel from what every machine finds at the same place.
#[derive(Debug, Clone, Default)]
pub(crate) struct Reach {
    /// A folder that is the same on every machine.
    pub shared: Option<PathBuf>,
}

impl Reach {
    /// A file of this machine as runners are told of it.
    pub fn give(&self, path: &Path, hash: ContentHash) -> Given {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        Given {
            hash,
            name: name.into_owned(),
            shared: self.holds(path).then(|| path.to_owned()),
        }
    }

    /// Whether every machine finds a path.
    pub fn holds(&self, path: &Path) -> bool {
        let shared = self.shared.as_ref();
        shared.is_some_and(|shared| path.starts_with(shared))
    }
}

/// The header of a run, and the files that go with it, each with its place on this machine.
pub(crate) struct Luggage {
    pub header: Header,
    pub files: Vec<GivenFile>,
}

impl Luggage {
    /// Packs what runners of a run need.
    pub fn pack(
        identity: &RunIdentity,
        context: &StudyContext,
        catalogue: &Catalogue,
        reach: &Reach,
    ) -> Self {
        let mut files = Vec::new();
        let mut give = |path: &Path, hash: ContentHash| {
            let given = reach.give(path, hash);
            if given.shared.is_none() {
                let path = path.to_owned();
                files.push(GivenFile { hash, path });
            }
            given
        };
        let (platforms, read): (Vec<_>, Vec<_>) =
            (identity.inputs.iter()).partition(|input| input.role == "platform");
        let inputs = read.iter();
        let inputs = inputs.map(|input| (input.role.clone(), give(&input.path, input.content)));
        let inputs = inputs.collect();
        let platform = platforms.first().filter(|input| input.path.is_absolute());
        let platform = platform.map(|input| give(&input.path, input.content));
        let mut ecos = BTreeMap::new();
        for name in identity.ecos.keys() {
            let Some(eco) = catalogue.get(name) else {
                continue;
            };
            if let EcoOrigin::Folder(folder) = &eco.origin {
                let files = eco.files.iter();
                let files =
                    files.map(|(file, text)| give(&folder.join(file), ContentHash::of(text)));
                ecos.insert(name.clone(), files.collect());
            }
        }
        files.sort();
        files.dedup();
        Self {
            header: Header {
                noodle2_version: env!("CARGO_PKG_VERSION").to_owned(),

                study: identity.study.clone(),
                tools: identity.tools.clone(),
                measurement_context: context.measurement_context(),
                inputs,
                platform,
                ecos,
                cold: false,
                engine_memory_bytes: None,
            },
            files,
        }
    }
}

impl RunnerOrder {
    /// The order for a runner, with the files that go with it. `netlist_of` says where the netlist of a case lies on
    /// this machine.
    pub fn new(
        order: &AttemptOrder,
        folder: &Path,
        may_fork: bool,
        reach: &Reach,
        netlist_of: impl Fn(&crate::run::order::ParentOrder) -> PathBuf,
    ) -> (Self, Vec<GivenFile>) {
        let mut files = Vec::new();
        let mut designs = Vec::new();
        for (path, hash) in order.read_files(netlist_of) {
            let given = reach.give(&path, hash);
            if given.shared.is_none() {
                files.push(GivenFile { hash, path });
            }
            designs.push(given);
        }
        let told = Self {
            order: order.clone(),
            designs,
            folder: reach.holds(folder).then(|| folder.to_owned()),
            may_fork,
        };
        (told, files)
    }
}

/// What the cluster's dashboard calls an attempt: study, case and what is tried.
pub(crate) fn name_of(study: &str, order: &AttemptOrder) -> String {
    use noodle2_control::AttemptRole;
    let what = match (&order.eco, order.role) {
        (Some(eco), AttemptRole::Derives) => eco.name.clone(),
        (_, AttemptRole::Confirms) => "confirm".to_owned(),
        (_, AttemptRole::Repeats(number)) => format!("repeat-{number}"),
        (None, AttemptRole::Derives) => "measure".to_owned(),
    };
    format!("{study}/{}/{what}", order.case)
}

/// What attempts that begin alike have in common.
pub(crate) fn affinity_of(order: &AttemptOrder) -> String {
    let parent = order.parent.as_ref().or(order.confirms.as_ref());
    parent.map_or("base".to_owned(), |parent| parent.design.netlist.short())
}
