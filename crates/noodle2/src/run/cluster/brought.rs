//! What came back from a node: held against what was made there, and kept.

use std::os::unix::fs::symlink;
use std::path::{Component, Path, PathBuf};
use std::sync::Arc;

use noodle2_bridge::{LeftFile, LeftLink};
use noodle2_engine::StudyContext;
use noodle2_model::FailureClass;
use noodle2_store::{StoreError, hash_file, write_whole};

use super::travel::RunnerResult;
use crate::run::attempt::{AttemptResult, Keeper, Wanted};
use crate::run::order::AttemptOrder;

/// Where the files of attempts of other machines lay there, and where the same lie here.
const PATHS: &str = "paths.tsv";

/// An attempt that came back.
pub(super) struct Brought {
    pub order: Arc<AttemptOrder>,
    pub folder: PathBuf,
    pub host: Option<String>,
    pub result: RunnerResult,
    pub files: Vec<LeftFile>,
    pub links: Vec<LeftLink>,
}

impl Brought {
    /// Keeps it, once everything of it was found to be as it was made.
    pub fn keep(self, keeper: &Keeper, context: &StudyContext, wanted: Wanted) -> AttemptResult {
        if let Some(left) = differing(&self.folder, &self.files) {
            let problem = format!("`{}` did not arrive as it was made", left.path);
            let text = format!("N2-RAY-011: {}{problem}", on(self.host.as_deref()));
            return AttemptResult::failed(FailureClass::WorkerLost, text);
        }
        let kept = self
            .lay_out(keeper, context)
            .and_then(|()| keeper.keep(&self.order, &self.folder, wanted, self.result.carried));
        kept.unwrap_or_else(|error| AttemptResult::not_kept(&error))
    }

    /// Makes its links, and writes down where on this machine its scripts find what they name.
    fn lay_out(&self, keeper: &Keeper, context: &StudyContext) -> Result<(), StoreError> {
        let there = self.result.shared_files.iter().zip(context.files());
        let mut paths: Vec<(&Path, PathBuf)> = there
            .map(|(there, here)| (there.as_path(), here.to_owned()))
            .collect();
        let designs = self.order.read_files(|parent| keeper.netlist_of(parent));
        let there = self.result.designs.iter().map(PathBuf::as_path);
        paths.extend(there.zip(designs.into_iter().map(|(path, _)| path)));
        paths.sort();
        paths.dedup();
        paths.retain(|(there, here)| there != here);
        for link in self.links.iter().filter(|link| is_below(&link.path)) {
            let target = Path::new(&link.target);
            let here = paths.iter().find(|(there, _)| *there == target);
            let target = here.map_or(target, |(_, here)| here);
            let place = self.folder.join(&link.path);
            // It is a convenience of the script's; the record holds what it pointed to either way.
            let _ = symlink(target, place);
        }
        if paths.is_empty() {
            return Ok(());
        }
        let mut text = "node\there\n".to_owned();
        for (there, here) in paths {
            text.push_str(&format!("{}\t{}\n", there.display(), here.display()));
        }
        write_whole(&self.folder.join(PATHS), text)
    }
}

/// The first of the files whose content is not what was told.
fn differing<'f>(folder: &Path, files: &'f [LeftFile]) -> Option<&'f LeftFile> {
    files.iter().find(|left| {
        let found = hash_file(&folder.join(&left.path));
        !found.is_ok_and(|hash| hash == left.hash)
    })
}

/// Whether a relative path stays below the folder that it is relative to.
fn is_below(path: &str) -> bool {
    let mut parts = Path::new(path).components();
    parts.all(|part| matches!(part, Component::Normal(_)))
}

/// Where something happened, as the beginning of a sentence.
pub(super) fn on(host: Option<&str>) -> String {
    host.map(|host| format!("on {host}: ")).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use noodle2_model::ContentHash;

    #[test]
    fn what_is_not_as_it_was_made_is_noticed() {
        let folder = tempfile::tempdir().unwrap();
        let left = |path: &str, text: &str| LeftFile {
            path: path.to_owned(),
            hash: ContentHash::of(text),
        };
        let files = [left("netlist.v", "module"), left("eco/eco.tcl", "resize")];
        std::fs::create_dir(folder.path().join("eco")).unwrap();
        std::fs::write(folder.path().join("netlist.v"), "module").unwrap();
        let found = || differing(folder.path(), &files).map(|left| left.path.as_str());
        assert_eq!(found(), Some("eco/eco.tcl"), "it is missing");
        std::fs::write(folder.path().join("eco/eco.tcl"), "resize").unwrap();
        assert_eq!(found(), None);
        std::fs::write(folder.path().join("netlist.v"), "modul").unwrap();
        assert_eq!(found(), Some("netlist.v"), "it is another");
    }

    #[test]
    fn no_link_leaves_its_folder() {
        assert!(is_below("a") && is_below("a/b"));
        for path in ["/a", "../a", "a/../../b", "./a/.."] {
            assert!(!is_below(path), "{path}");
        }
    }
}
