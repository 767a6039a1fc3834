//! Every target takes its samples, and some thousand changes of them, and comes back.

use std::time::{Duration, Instant};

use noodle2_fuzzing::{Mutations, TARGETS};

/// Changes of the samples of each target.
const CHANGES: usize = 1500;

/// What all changes of one target may take. Some seconds do where nothing hangs.
const PATIENCE: Duration = Duration::from_secs(240);

#[test]
fn no_bytes_make_a_reader_panic_or_hang() {
    let seed: u64 = match std::env::var("NOODLE2_FUZZING_SEED") {
        Ok(seed) => seed.parse().expect("a number"),
        Err(_) => 1,
    };
    for target in TARGETS {
        let samples = (target.samples)();
        let (ended, end) = std::sync::mpsc::channel();
        let feed = std::thread::spawn(move || {
            for sample in &samples {
                (target.feed)(sample);
            }
            let mut mutations = Mutations::new(seed);
            for number in 0..CHANGES {
                let changed = mutations.of(&samples);
                let began = Instant::now();
                let fed = std::panic::catch_unwind(|| (target.feed)(&changed));
                let told = || {
                    format!(
                        "{}, change {number}: {:?}",
                        target.name,
                        String::from_utf8_lossy(&changed)
                    )
                };
                assert!(fed.is_ok(), "panicked: {}", told());
                assert!(
                    began.elapsed() < Duration::from_secs(20),
                    "took too long: {}",
                    told()
                );
            }
            let _ = ended.send(());
        });
        let waited = end.recv_timeout(PATIENCE);
        assert_ne!(
            waited,
            Err(std::sync::mpsc::RecvTimeoutError::Timeout),
            "`{}` hangs (seed {seed})",
            target.name
        );
        feed.join()
            .unwrap_or_else(|_| panic!("`{}` failed (seed {seed})", target.name));
    }
}

/// A harness that cannot fail is worth nothing.
#[test]
fn changes_differ_and_repeat() {
    let samples = vec![b"some sample".to_vec()];
    let of = |seed| {
        let mut mutations = Mutations::new(seed);
        (0..100).map(|_| mutations.of(&samples)).collect::<Vec<_>>()
    };
    assert_eq!(of(1), of(1));
    assert_ne!(of(1), of(2));
    let changed = of(1).iter().filter(|bytes| **bytes != samples[0]).count();
    assert!(changed > 90, "{changed}");
}

/// What a sample is for is read: most targets would come back from anything by refusing it.
#[test]
fn every_target_has_samples_and_a_file_for_cargo_fuzz() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../fuzz/fuzz_targets");
    let mut files: Vec<String> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| {
            entry
                .unwrap()
                .path()
                .file_stem()
                .unwrap()
                .to_string_lossy()
                .into_owned()
        })
        .collect();
    files.sort();
    let names: Vec<&str> = TARGETS.iter().map(|target| target.name).collect();
    assert_eq!(files, names);
    for target in TARGETS {
        assert!(!(target.samples)().is_empty(), "{}", target.name);
        let file = std::fs::read_to_string(format!("{folder}/{}.rs", target.name)).unwrap();
        assert!(
            file.contains(&format!("feed(\"{}\", bytes)", target.name)),
            "{file}"
        );
    }
    let manifest = std::fs::read_to_string(concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../../fuzz/Cargo.toml"
    ))
    .unwrap();
    for name in names {
        assert!(
            manifest.contains(&format!("path = \"fuzz_targets/{name}.rs\"")),
            "{name}"
        );
    }
}
