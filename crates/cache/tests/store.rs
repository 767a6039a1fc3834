//! The store as several processes use it: what is kept is found, what is damaged or gone was never known.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use noodle2_cache::{CacheKey, CollectionRules, Entry, Found, Origin, ResultCache, Used};
use noodle2_model::{
    AttemptId, AttemptUsage, CacheMiss, ContentHash, KeyPart, Limits, Outcome, StageIndex, TrialId,
};

fn key(subject: &str, parts: &[(KeyPart, &str)]) -> CacheKey {
    CacheKey {
        subject: ContentHash::of(subject),
        parts: parts
            .iter()
            .map(|(part, text)| (*part, ContentHash::of(text)))
            .collect(),
    }
}

fn entry(key: CacheKey) -> Entry {
    let usage = AttemptUsage::default();
    Entry {
        schema_version: Entry::SCHEMA_VERSION,
        key,
        outcome: Outcome::NoEffect,
        files: BTreeMap::new(),
        used: Used {
            wall_s: usage.wall_s,
            cpu_s: usage.cpu_s,
            memory_bytes: None,
            output_bytes: 0,
            limits: Limits::default(),
        },
        origin: Origin {
            run: ContentHash::of("run"),
            study: "study".to_owned(),
            attempt: AttemptId {
                trial: TrialId {
                    stage: StageIndex(0),
                    derived: 1,
                },
                number: 1,
            },
            host: "here".to_owned(),
            noodle2_version: "0.0.0".to_owned(),
            kept_at: "2026-01-01T00:00:00Z".parse().unwrap(),
        },
    }
}

/// A store with the results `one` and `two`, which share a file; each has one of its own.
struct World {
    folder: tempfile::TempDir,
    cache: ResultCache,
    now: SystemTime,
}

impl World {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let cache = ResultCache::new(folder.path().join("cache"));
        let now = SystemTime::now();
        let world = Self { folder, cache, now };
        for name in ["one", "two"] {
            world.keep(name);
        }
        world
    }

    fn key(name: &str) -> CacheKey {
        key("eco", &[(KeyPart::Engine, "sta"), (KeyPart::Parent, name)])
    }

    fn keep(&self, name: &str) {
        self.keep_from(name, &self.place(name));
    }

    /// Keeps a result of which the files are in this folder.
    fn keep_from(&self, name: &str, attempt: &Path) {
        fs::create_dir_all(attempt).unwrap();
        fs::write(attempt.join("shared.tsv"), "shared").unwrap();
        fs::write(attempt.join("own.tsv"), name).unwrap();
        let names = ["shared.tsv", "own.tsv", "absent.tsv"];
        self.cache
            .keep(entry(Self::key(name)), attempt, &names, self.now)
            .unwrap();
    }

    fn place(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn find(&self, name: &str) -> Found {
        self.cache.find(&Self::key(name), &Limits::default())
    }

    fn known(&self, name: &str) -> Option<Entry> {
        match self.find(name) {
            Found::Known(entry) => Some(*entry),
            _ => None,
        }
    }

    /// Brings a result into a new folder; whether that worked.
    fn brings(&self, name: &str) -> bool {
        let into = tempfile::tempdir_in(self.folder.path()).unwrap();
        let Some(entry) = self.known(name) else {
            return false;
        };
        let brought = self.cache.bring(&entry, into.path(), self.now).is_ok();
        let left = fs::read_dir(into.path()).unwrap().count();
        assert_eq!(left, if brought { 2 } else { 0 });
        if brought {
            let own = fs::read_to_string(into.path().join("own.tsv")).unwrap();
            assert_eq!(own, name);
        }
        brought
    }

    fn object(&self, content: &str) -> PathBuf {
        let hash = ContentHash::of(content).to_string();
        let objects = self.cache.root().join("objects");
        objects.join(&hash[..2]).join(hash)
    }

    fn entry_path(&self, name: &str) -> PathBuf {
        let key = Self::key(name);
        let entries = self.cache.root().join("entries");
        entries
            .join(key.subject.to_string())
            .join(key.hash().to_string())
    }

    fn rules(&self) -> CollectionRules {
        CollectionRules {
            now: self.now,
            older_than: None,
            max_bytes: None,
            dry_run: false,
        }
    }
}

fn set_age(path: &Path, now: SystemTime, seconds: u64) {
    let file = fs::File::open(path).unwrap();
    file.set_modified(now - Duration::from_secs(seconds))
        .unwrap();
}

#[test]
fn what_is_kept_is_found_and_shared_files_are_kept_once() {
    let world = World::new();
    assert!(world.brings("one") && world.brings("two"));
    let stats = world.cache.stats(world.now).unwrap();
    assert_eq!((stats.entries, stats.objects), (2, 3));
    assert_eq!(stats.bytes_if_unshared - stats.bytes, "shared".len() as u64);
    assert_eq!((stats.damaged, stats.unreferenced), (0, 0));
    // Whoever edits what was brought does not change the store.
    let into = world.place("three");
    fs::create_dir(&into).unwrap();
    let entry = world.known("one").unwrap();
    world.cache.bring(&entry, &into, world.now).unwrap();
    fs::write(into.join("own.tsv"), "edited").unwrap();
    assert!(world.brings("one"));
}

#[test]
fn a_miss_names_what_sets_it_apart_from_the_nearest() {
    let world = World::new();
    let miss = |key: &CacheKey| match world.cache.find(key, &Limits::default()) {
        Found::Unknown(miss) => miss,
        other => panic!("{other:?}"),
    };
    assert_eq!(miss(&key("other", &[])), CacheMiss::Unknown);
    let engine = key("eco", &[(KeyPart::Engine, "new"), (KeyPart::Parent, "two")]);
    let CacheMiss::Differs { parts, nearest } = miss(&engine) else {
        panic!("it has neighbours");
    };
    assert_eq!(parts, [KeyPart::Engine].into());
    assert_eq!(nearest, World::key("two").hash());
    let strict = Limits {
        memory_mib: 1,
        ..Limits::default()
    };
    let Found::Unknown(CacheMiss::BeyondLimits { limits }) =
        world.cache.find(&World::key("one"), &strict)
    else {
        panic!("what it used of memory is not known");
    };
    assert_eq!(limits, ["limits.memory_mib".to_owned()].into());
}

#[test]
fn what_is_damaged_or_gone_is_not_known_and_can_be_made_anew() {
    type Damage = fn(&World);
    let cases: [(&str, Damage); 7] = [
        ("a file that its run has edited in place", |world| {
            fs::write(world.place("one").join("own.tsv"), "eno").unwrap();
        }),
        ("a changed file", |world| {
            fs::write(world.object("one"), "eno").unwrap();
        }),
        ("a file that is gone", |world| {
            fs::remove_file(world.object("one")).unwrap();
        }),
        ("a torn entry", |world| {
            let path = world.entry_path("one");
            let text = fs::read(&path).unwrap();
            fs::write(&path, &text[..text.len() / 2]).unwrap();
        }),
        ("an empty entry", |world| {
            fs::write(world.entry_path("one"), "").unwrap();
        }),
        ("a changed entry", |world| {
            let path = world.entry_path("one");
            let text = fs::read_to_string(&path).unwrap();
            fs::write(&path, text.replace("no_effect", "no_affect")).unwrap();
        }),
        ("the entry of another key", |world| {
            fs::copy(world.entry_path("two"), world.entry_path("one")).unwrap();
        }),
    ];
    for (what, damage) in cases {
        let world = World::new();
        damage(&world);
        assert!(!world.brings("one"), "{what}");
        assert!(world.brings("two"), "{what}");
        world.keep("one");
        assert!(world.brings("one"), "{what}");
    }
}

#[test]
fn what_was_brought_can_be_edited_and_the_store_stays_as_it_is() {
    let world = World::new();
    let into = world.place("brought");
    fs::create_dir_all(&into).unwrap();
    let entry = world.known("one").unwrap();
    world.cache.bring(&entry, &into, world.now).unwrap();
    fs::write(into.join("own.tsv"), "eno").unwrap();
    assert!(world.brings("one"));
    assert_eq!(
        fs::read_to_string(world.place("one").join("own.tsv")).unwrap(),
        "one"
    );
}

#[test]
fn an_entry_cannot_lead_out_of_the_folder_of_its_attempt() {
    let world = World::new();
    let mut entry = world.known("one").unwrap();
    let stored = entry.files["own.tsv"].clone();
    for name in ["../escaped", "/tmp/escaped", "", ".."] {
        entry.files = BTreeMap::from([(name.to_owned(), stored.clone())]);
        let into = tempfile::tempdir_in(world.folder.path()).unwrap();
        assert!(world.cache.bring(&entry, into.path(), world.now).is_err());
    }
    assert!(!world.place("escaped").exists());
}

#[test]
fn collection_removes_what_was_not_used_and_what_belongs_to_nothing() {
    let world = World::new();
    set_age(&world.entry_path("one"), world.now, 100);
    let rules = CollectionRules {
        older_than: Some(Duration::from_secs(50)),
        dry_run: true,
        ..world.rules()
    };
    let would = world.cache.collect(&rules).unwrap();
    assert!(world.brings("two"));
    assert!(world.known("one").is_some());
    let rules = CollectionRules {
        dry_run: false,
        ..rules
    };
    let did = world.cache.collect(&rules).unwrap();
    assert_eq!((did.entries_removed, did.objects_removed), (1, 1));
    assert_eq!(would.bytes_removed, did.bytes_removed);
    assert_eq!(would.left.entries, did.left.entries);
    assert!(!world.brings("one") && world.brings("two"));
    let rules = CollectionRules {
        max_bytes: Some(0),
        ..world.rules()
    };
    let did = world.cache.collect(&rules).unwrap();
    assert_eq!((did.left.entries, did.left.bytes), (0, 0));
}

#[test]
fn the_least_recently_used_goes_first_for_want_of_room() {
    let world = World::new();
    set_age(&world.entry_path("one"), world.now, 100);
    set_age(&world.entry_path("two"), world.now, 200);
    // Used again, so that it is the younger one.
    assert!(world.brings("two"));
    let all = world.cache.stats(world.now).unwrap().bytes;
    let rules = CollectionRules {
        max_bytes: Some(all - 1),
        ..world.rules()
    };
    world.cache.collect(&rules).unwrap();
    assert!(!world.brings("one") && world.brings("two"));
}

#[test]
fn what_is_just_being_written_is_left_alone() {
    let world = World::new();
    let orphan = world
        .object("shared")
        .with_file_name(ContentHash::of("orphan").to_string());
    let unfinished = world.entry_path("one").with_file_name(".noodle2-tmp-abc");
    for path in [&orphan, &unfinished] {
        fs::write(path, "orphan").unwrap();
        set_age(path, world.now, 10);
    }
    world.cache.collect(&world.rules()).unwrap();
    assert!(orphan.exists() && unfinished.exists());
    for path in [&orphan, &unfinished] {
        set_age(path, world.now, 7200);
    }
    let did = world.cache.collect(&world.rules()).unwrap();
    assert_eq!((did.entries_removed, did.objects_removed), (0, 2));
    assert!(!orphan.exists() && !unfinished.exists());
    assert!(world.brings("one") && world.brings("two"));
}

#[test]
fn keeping_bringing_and_collecting_at_once_gives_whole_results_or_none() {
    let world = World::new();
    std::thread::scope(|scope| {
        for writer in ["first", "second"] {
            let world = &world;
            scope.spawn(move || {
                for _ in 0..40 {
                    world.keep_from("one", &world.place(writer));
                    world.keep_from("two", &world.place(writer));
                }
            });
        }
        scope.spawn(|| {
            for _ in 0..40 {
                // Every file that is brought is compared with its hash; that it is gone is no error.
                world.brings("one");
                world.brings("two");
            }
        });
        scope.spawn(|| {
            for _ in 0..20 {
                let rules = CollectionRules {
                    max_bytes: Some(0),
                    ..world.rules()
                };
                world.cache.collect(&rules).unwrap();
            }
        });
    });
    world.keep("one");
    assert!(world.brings("one"));
    assert_eq!(world.cache.stats(world.now).unwrap().damaged, 0);
}
