//! `noodle2 cache`: what is known between runs, counted and collected.

use std::path::PathBuf;
use std::time::SystemTime;

use noodle2_cache::{CacheError, Collection, CollectionRules, ResultCache, Stats};
use noodle2_view::{bytes_text, count_text};

use crate::cli::{CacheCommand, CacheFolderOption, CacheOption, Format};
use crate::exit::{CommandFailure, Exit};
use crate::print;
use crate::study::cache_folder;

/// The variable of the environment that names the store, or turns it off.
const VARIABLE: &str = "NOODLE2_CACHE";

/// The value of the variable that turns the store off.
const OFF: &str = "off";

impl From<CacheError> for CommandFailure {
    fn from(error: CacheError) -> Self {
        let help = error.help().to_owned();
        Self::new(Exit::Stopped, error.code(), &error, help)
    }
}

/// The store that a run uses; `None` when it is to use none.
pub(crate) fn cache_of(option: &CacheOption) -> Option<ResultCache> {
    if option.no_cache {
        return None;
    }
    let named = option.cache.clone();
    let folder = match named.or_else(|| Some(PathBuf::from(variable()?))) {
        Some(off) if option.cache.is_none() && off.as_os_str() == OFF => return None,
        Some(folder) => folder,
        None => default_folder(),
    };
    Some(ResultCache::new(folder))
}

fn variable() -> Option<std::ffi::OsString> {
    std::env::var_os(VARIABLE).filter(|value| !value.is_empty())
}

fn default_folder() -> PathBuf {
    cache_folder().join("results")
}

/// The store that is looked at, also where runs are told not to use it.
fn store_of(option: &CacheFolderOption) -> ResultCache {
    let option = CacheOption {
        cache: option.cache.clone(),
        no_cache: false,
    };
    cache_of(&option).unwrap_or_else(|| ResultCache::new(default_folder()))
}

/// `noodle2 cache …`.
pub(crate) fn cache(command: CacheCommand) -> Result<Exit, CommandFailure> {
    let now = SystemTime::now();
    match command {
        CacheCommand::Stats { store, format } => {
            let store = store_of(&store);
            let stats = store.stats(now)?;
            match format.format {
                Format::Json => print::json(&serde_json::json!({
                    "folder": store.root(),
                    "stats": stats,
                }))?,
                Format::Text => print::data(&format!(
                    "{}\n{}",
                    store.root().display(),
                    stats_text(&stats)
                )),
            }
        }
        CacheCommand::Gc {
            older_than,
            max_size,
            dry_run,
            store,
            format,
        } => {
            let store = store_of(&store);
            let collection = store.collect(&CollectionRules {
                now,
                older_than,
                max_bytes: max_size,
                dry_run,
            })?;
            match format.format {
                Format::Json => print::json(&serde_json::json!({
                    "folder": store.root(),
                    "collection": collection,
                }))?,
                Format::Text => print::data(&format!(
                    "{}\n{}",
                    store.root().display(),
                    collection_text(&collection)
                )),
            }
        }
    }
    Ok(Exit::Done)
}

fn stats_text(stats: &Stats) -> String {
    let mut lines = vec![format!(
        "holds     {} with {}, {} in all ({} were nothing shared)",
        count_text(stats.entries as usize, "result"),
        count_text(stats.objects as usize, "file"),
        bytes_text(stats.bytes),
        bytes_text(stats.bytes_if_unshared)
    )];
    if let Some(seconds) = stats.least_recently_used_s {
        lines.push(format!("oldest    last used {} days ago", seconds / 86_400));
    }
    if stats.damaged + stats.unreferenced > 0 {
        lines.push(format!(
            "useless   {} damaged, {} that belong to none; `noodle2 cache gc` removes them",
            count_text(stats.damaged as usize, "result"),
            count_text(stats.unreferenced as usize, "file")
        ));
    }
    lines.join("\n") + "\n"
}

fn collection_text(collection: &Collection) -> String {
    let verb = match collection.dry_run {
        true => "would go ",
        false => "removed  ",
    };
    format!(
        "{verb} {} ({} damaged) and {}, {} in all\n{}",
        count_text(collection.entries_removed as usize, "result"),
        collection.damaged_removed,
        count_text(collection.objects_removed as usize, "file"),
        bytes_text(collection.bytes_removed),
        stats_text(&collection.left)
    )
}
