//! What is known of earlier runs is not worked out again, changes no result, and is known only where nothing differs.

mod support;

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use serde_json::Value;
use support::{
    PATIENCE, digest, edit, ends, engine_after, finish, journal, noodle2, start, summary, template,
    text, wait_for_records,
};

/// A study with a store of its own.
struct Place {
    folder: tempfile::TempDir,
    study: PathBuf,
}

impl Place {
    fn of_template(name: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let study = template(folder.path(), name);
        Self { folder, study }
    }

    /// A study of one stage: an ECO that makes no names, one that makes some, and one that asks for the seed. It has
    /// a library of its own.
    fn of_one_stage() -> Self {
        let place = Self::of_template("sequential");
        let content = fs::read_to_string(&place.study).unwrap();
        let kept = content.find("stages:").unwrap();
        let stages = "stages:
  - name: only
    trials: 3
    survivors: 1
    ecos:
      - name: upsize_critical
        parameters: {max_cells: [2]}
      - name: buffer_fanout
        parameters: {max_nets: [1]}
      - name: by_chance
";
        fs::write(&place.study, format!("{}{stages}", &content[..kept])).unwrap();
        edit(
            &place.study,
            "{kind: opensta}",
            "{kind: opensta}\neco_path: [ecos]",
        );
        edit(
            &place.study,
            "  sdc: [constraints.sdc]\n",
            "scenes:\n  - {name: slow, sdc: [constraints.sdc], liberty: [cells.lib]}\n",
        );
        fs::copy(
            "/usr/share/qflow/tech/osu018/osu018_stdcells.lib",
            place.beside("cells.lib"),
        )
        .unwrap();
        let eco = place.beside("ecos/by_chance");
        fs::create_dir_all(&eco).unwrap();
        let manifest = "name: by_chance\nversion: 1\ndescription: By chance.\nclass: placement_local\nengines: [opensta]\n\
                        changes_connectivity: false\nimplementation: {tcl: eco.tcl}\n";
        fs::write(eco.join("eco.yaml"), manifest).unwrap();
        let tcl = "set left [expr {1 + $::n2::seed % 3}]\nforeach inst [leaf_instances] {\n  \
                   set cell [stronger [cell_of $inst] 1]\n  \
                   if {$left > 0 && $cell ne \"\" && [may_edit $inst] && [resize $inst $cell]} { incr left -1 }\n}\n";
        fs::write(eco.join("eco.tcl"), tcl).unwrap();
        place
    }

    fn beside(&self, name: &str) -> PathBuf {
        self.study.with_file_name(name)
    }

    fn at(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn store(&self) -> PathBuf {
        self.at("store")
    }

    /// The words that run the study into `out`.
    fn words<'a>(&'a self, out: &'a Path, store: &'a Path) -> Vec<&'a str> {
        let (study, out) = (text(&self.study), text(out));
        vec![
            "run",
            study,
            "--out",
            out,
            "--quiet",
            "--cache",
            text(store),
        ]
    }

    /// Runs the study to its end with the store; returns the run folder and what was said.
    fn completes(&self, name: &str, further: &[&str]) -> (PathBuf, String) {
        let (out, store) = (self.at(name), self.store());
        let mut words = self.words(&out, &store);
        words.extend(further);
        let (_, stderr) = ends(0, &words);
        (out, stderr)
    }

    /// Runs the study to its end without anything known.
    fn completes_alone(&self, name: &str) -> PathBuf {
        let out = self.at(name);
        ends(
            0,
            &["run", text(&self.study), "--out", text(&out), "--quiet"],
        );
        out
    }
}

/// What was known of each attempt that asked, by attempt: `hit`, or why not, part by part.
fn answers(out: &Path) -> BTreeMap<String, String> {
    let told = journal(out).into_iter().filter_map(|record| {
        let event = &record["event"];
        let attempt = format!(
            "{}.{}",
            name_of(&event["attempt"]["trial"]),
            event["attempt"]["number"]
        );
        let cache = event.get("cache")?;
        let why = match (&cache["hit"], &cache["miss"]) {
            (Value::Object(_), _) => "hit".to_owned(),
            (_, Value::String(plain)) => plain.clone(),
            (_, miss) => {
                let (kind, detail) = miss.as_object().unwrap().iter().next().unwrap();
                let parts = detail["parts"].as_array().into_iter().flatten();
                let parts: Vec<&str> = parts.map(|part| part.as_str().unwrap()).collect();
                match parts.is_empty() {
                    true => kind.clone(),
                    false => parts.join(" "),
                }
            }
        };
        Some((attempt, why))
    });
    told.collect()
}

/// A trial as its name, however it is written.
fn name_of(trial: &Value) -> String {
    match trial {
        Value::String(name) => name.clone(),
        other => format!("{}_{}", other["stage"], other["derived"]),
    }
}

fn all_hits(out: &Path) -> bool {
    let answers = answers(out);
    !answers.is_empty() && answers.values().all(|answer| answer == "hit")
}

/// The provenance of every attempt of a run, by `<case>/<attempt>`.
fn provenances(out: &Path) -> BTreeMap<String, Value> {
    let inside = |path: PathBuf| {
        let entries = fs::read_dir(path).unwrap();
        entries.map(|entry| entry.unwrap().path())
    };
    inside(out.join("trials"))
        .flat_map(inside)
        .map(|attempt| {
            let name = attempt.strip_prefix(out.join("trials")).unwrap();
            let bytes = fs::read(attempt.join("provenance.json")).unwrap();
            (
                text(name).to_owned(),
                serde_json::from_slice(&bytes).unwrap(),
            )
        })
        .collect()
}

fn verifies(out: &Path) {
    ends(0, &["verify", text(out)]);
}

#[test]
fn a_second_run_is_all_known_and_the_same() {
    let place = Place::of_template("branching");
    let alone = place.completes_alone("alone");
    assert!(answers(&alone).is_empty());
    // What forks and engines started anew leave is the same, and known to each other.
    let (first, _) = place.completes("first", &["--engine-mode", "cold"]);
    let (second, _) = place.completes("second", &["--engine-mode", "auto"]);
    assert!(answers(&first).values().all(|answer| answer != "hit"));
    assert!(all_hits(&second), "{:?}", answers(&second));
    assert_eq!(answers(&second).len(), 33);
    for out in [&first, &second] {
        assert_eq!(digest(out), digest(&alone));
        verifies(out);
    }
    let (made, known) = (provenances(&first), provenances(&second));
    assert_eq!(
        made.keys().collect::<Vec<_>>(),
        known.keys().collect::<Vec<_>>()
    );
    let mut confirmed = 0;
    for (name, provenance) in &known {
        let commands = provenance["commands"].as_array().unwrap().len();
        let is_known = provenance.get("known_from").is_some();
        // What is there to measure again has run; all else has not.
        assert_eq!(is_known, commands == 0, "{name}");
        assert_eq!(is_known, name.ends_with("/1"), "{name}");
        confirmed += usize::from(!is_known);
        let file = |out: &Path, file: &str| fs::read(out.join("trials").join(name).join(file)).ok();
        let changed = file(&first, "metrics.json").is_some();
        for kept in ["netlist.v", "ledger.tsv", "metrics.json"] {
            let (was, is) = (file(&first, kept), file(&second, kept));
            assert_eq!(is, was.filter(|_| changed), "{name}/{kept}");
        }
    }
    // Five survivors, and the base case once more.
    assert_eq!(confirmed, 6);
    let told = summary(&second);
    assert_eq!(told["trials_cached"], 32);
    assert_eq!(told["base_cached"], true);
    assert_eq!(told["stages"][1]["cached"], 10);
    assert_eq!(summary(&first)["trials_cached"], 0);
    let cpu = |out: &Path| summary(out)["cpu_s"].as_f64().unwrap();
    assert!(
        cpu(&second) < cpu(&first) / 3.0,
        "{} against {}",
        cpu(&second),
        cpu(&first)
    );
    let report = fs::read_to_string(second.join("report.md")).unwrap();
    assert!(
        report.contains("the base case and 32 of 32 trials: not run, known from earlier runs"),
        "{report}"
    );
    let (explained, _) = ends(0, &["explain", text(&second), "1_6"]);
    assert!(explained.contains("not run: its result was known from attempt 1_6.1"));
    let best = told["best"]["case"].as_str().unwrap();
    ends(
        0,
        &[
            "handover",
            text(&second),
            best,
            "--for",
            "opensta",
            "--check",
        ],
    );
}

/// A change of a study, and what is then known: of the base case and of the three trials.
type Change = (&'static str, fn(&Place), [&'static str; 4]);

const CHANGES: [Change; 11] = [
    ("nothing", |_| (), ["hit"; 4]),
    (
        "the constraints",
        |place| {
            edit(
                &place.beside("constraints.sdc"),
                "period 2.8",
                "period 2.83",
            )
        },
        [
            "constraints",
            "constraints parent",
            "constraints parent",
            "constraints parent",
        ],
    ),
    (
        "the library",
        |place| edit(&place.beside("cells.lib"), "library(", "/* new */ library("),
        ["libraries"; 4],
    ),
    (
        "the netlist, by a comment alone",
        |place| {
            let path = place.beside("counter.v");
            let netlist = fs::read_to_string(&path).unwrap();
            fs::write(&path, format!("// new\n{netlist}")).unwrap();
        },
        // What the engine writes of it is the same.
        ["parent", "hit", "hit", "hit"],
    ),
    (
        "an ECO",
        |place| edit(&place.beside("ecos/by_chance/eco.tcl"), "left", "rest"),
        ["hit", "hit", "hit", "eco"],
    ),
    (
        "a parameter",
        |place| edit(&place.study, "max_cells: [2]", "max_cells: [3]"),
        ["hit", "unknown", "hit", "hit"],
    ),
    (
        "the seed",
        |place| edit(&place.study, "seed: 1", "seed: 2"),
        ["hit", "hit", "hit", "seed"],
    ),
    (
        "a protected object",
        |place| {
            let protect = "stages:\n";
            let safety = "safety: {protect: {instances: [nobody]}}\nstages:\n";
            edit(&place.study, protect, safety);
        },
        ["hit", "guard", "guard", "guard"],
    ),
    (
        "the engine",
        |place| engine_after(&place.study, "# another"),
        ["engine"; 4],
    ),
    (
        "the scene",
        |place| edit(&place.study, "name: slow", "name: fast"),
        [
            "libraries constraints scenes",
            "libraries constraints scenes parent",
            "libraries constraints scenes parent",
            "libraries constraints scenes parent",
        ],
    ),
    (
        "the numbers of trials",
        |place| {
            let first = "- name: upsize_critical";
            edit(
                &place.study,
                first,
                &format!("- name: pin_swap\n      {first}"),
            );
        },
        // One more comes first; the last of the stage is not tried.
        ["hit", "unknown", "hit", "names"],
    ),
];

#[test]
fn whatever_makes_a_difference_is_a_miss() {
    for (what, change, expected) in CHANGES {
        let place = Place::of_one_stage();
        place.completes("first", &[]);
        change(&place);
        let out = place.at("second");
        let store = place.store();
        ends(0, &place.words(&out, &store));
        let answers = answers(&out);
        let names = ["0_0.1", "0_1.1", "0_2.1", "0_3.1"];
        let found = names.map(|name| answers.get(name).map_or("", String::as_str));
        assert_eq!(found, expected, "{what}: {answers:?}");
        let alone = place.completes_alone("alone");
        assert_eq!(digest(&out), digest(&alone), "{what}");
        verifies(&out);
        for trial in ["counter_0_0", "counter_0_1", "counter_0_2", "counter_0_3"] {
            for file in ["netlist.v", "ledger.tsv", "metrics.json"] {
                let of =
                    |out: &Path| fs::read(out.join("trials").join(trial).join("1").join(file)).ok();
                assert_eq!(of(&out), of(&alone), "{what}: {trial}/{file}");
            }
        }
    }
}

#[test]
fn another_noodle2_knows_nothing_of_what_this_one_made() {
    let place = Place::of_one_stage();
    place.completes("first", &[]);
    let other = place.at("noodle2-other");
    let mut program = fs::read(env!("CARGO_BIN_EXE_noodle2")).unwrap();
    program.extend(b"\n");
    fs::write(&other, program).unwrap();
    fs::set_permissions(&other, fs::Permissions::from_mode(0o755)).unwrap();
    let (out, store) = (place.at("second"), place.store());
    let output = Command::new(&other)
        .args(place.words(&out, &store))
        .output()
        .unwrap();
    let (status, _, stderr) = finish(output);
    assert_eq!(status, 0, "{stderr}");
    let answers = answers(&out);
    assert!(!answers.is_empty() && answers.values().all(|answer| answer == "program"));
}

#[test]
fn sequences_and_compositions_are_known_and_command_ecos_never() {
    let place = Place::of_template("branching");
    edit(&place.study, "domain: guarded", "domain: sandbox");
    let content = fs::read_to_string(&place.study).unwrap();
    let kept = content.find("stages:").unwrap();
    let stages = "stages:
  - name: left
    trials: 2
    survivors: 1
    ecos:
      - {name: twice, sequence: [upsize_critical, pin_swap], rollback: partial}
  - name: right
    trials: 1
    survivors: 1
    ecos: [{name: isolate_critical}]
  - name: replayed
    after: [left, right]
    trials: 2
    survivors: 1
    join: {merge: compose, mode: replay, conflicts: first}
    ecos: [{name: restructure}]
  - name: rerun
    after: [left, right]
    trials: 2
    survivors: 1
    join: {merge: compose, mode: rerun, pairs: 1}
    ecos: [{name: upsize_critical}]
";
    fs::write(&place.study, format!("{}{stages}", &content[..kept])).unwrap();
    let (first, _) = place.completes("first", &[]);
    let (second, _) = place.completes("second", &[]);
    assert_eq!(digest(&first), digest(&second));
    verifies(&second);
    let answers = answers(&second);
    let ran: Vec<(&str, &str)> = answers
        .iter()
        .filter(|(_, answer)| *answer != "hit")
        .map(|(attempt, answer)| (attempt.as_str(), answer.as_str()))
        .collect();
    // A composition of each mode comes before the ECO of a program.
    assert_eq!(ran, [("2_2.1", "never_kept")]);
    assert_eq!(answers.len(), 6);
}

#[test]
fn a_known_result_holds_under_limits_that_it_would_have_kept_to() {
    let place = Place::of_one_stage();
    place.completes("first", &[]);
    let store = place.store();
    for (limits, told) in [
        (
            "{wall_time_s: 0.000001}",
            "nothing: the known result took more than limits.wall_time_s allows",
        ),
        (
            "{cpu_time_s: 0.000001, memory_mib: 1}",
            "took more than limits.cpu_time_s, limits.memory_mib allows",
        ),
        (
            "{wall_time_s: 300, memory_mib: 2048}",
            "and 3 of 3 trials in `only`",
        ),
        (
            "{wall_time_s: 6000, memory_mib: 8192}",
            "and 3 of 3 trials in `only`",
        ),
    ] {
        let study = fs::read_to_string(&place.study).unwrap();
        edit(
            &place.study,
            "stages:\n",
            &format!("limits: {limits}\nstages:\n"),
        );
        let (plan, _) = ends(0, &["plan", text(&place.study), "--cache", text(&store)]);
        assert!(plan.contains(told), "{limits}: {plan}");
        fs::write(&place.study, study).unwrap();
    }
}

#[test]
fn two_runs_at_once_and_a_collection_of_garbage_share_a_store() {
    let place = Place::of_template("branching");
    let alone = place.completes_alone("alone");
    let store = place.store();
    let outs = [place.at("one"), place.at("two")];
    let mut children: Vec<_> = outs
        .iter()
        .map(|out| start(&place.words(out, &store)))
        .collect();
    let deadline = Instant::now() + PATIENCE;
    // Everything is removed again and again while both keep and bring.
    while children
        .iter_mut()
        .any(|child| child.try_wait().unwrap().is_none())
    {
        assert!(Instant::now() < deadline, "the runs do not get on");
        ends(
            0,
            &["cache", "gc", "--max-size", "0", "--cache", text(&store)],
        );
        std::thread::sleep(Duration::from_millis(100));
    }
    for (mut child, out) in children.into_iter().zip(&outs) {
        assert!(child.wait().unwrap().success());
        assert_eq!(digest(out), digest(&alone));
        verifies(out);
    }
    // Without the collection, two at once leave everything known.
    let outs = [place.at("three"), place.at("four")];
    let children: Vec<_> = outs
        .iter()
        .map(|out| start(&place.words(out, &store)))
        .collect();
    for (mut child, out) in children.into_iter().zip(&outs) {
        assert!(child.wait().unwrap().success());
        assert_eq!(digest(out), digest(&alone));
    }
    let (last, _) = place.completes("last", &[]);
    assert!(all_hits(&last), "{:?}", answers(&last));
}

#[test]
fn a_run_that_is_killed_goes_on_with_what_is_known() {
    let place = Place::of_template("branching");
    let alone = place.completes_alone("alone");
    let (out, store) = (place.at("killed"), place.store());
    for records in [12, 40] {
        let mut child = match out.exists() {
            false => start(&place.words(&out, &store)),
            true => start(&["resume", text(&out), "--quiet", "--cache", text(&store)]),
        };
        wait_for_records(&mut child, &out, records);
        let _ = child.kill();
        child.wait().unwrap();
    }
    let mut words = vec!["resume", text(&out), "--quiet"];
    words.extend(["--cache", text(&store)]);
    ends(0, &words);
    assert_eq!(digest(&out), digest(&alone));
    verifies(&out);
    let (again, _) = place.completes("again", &[]);
    assert_eq!(digest(&again), digest(&alone));
    let (last, _) = place.completes("last", &[]);
    assert!(all_hits(&last), "{:?}", answers(&last));
}

/// Every file below a folder.
fn files_below(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).into_iter().flatten() {
        let path = entry.unwrap().path();
        match path.is_dir() {
            true => found.extend(files_below(&path)),
            false => found.push(path),
        }
    }
    found
}

#[test]
fn what_is_damaged_is_told_once_and_never_believed() {
    let place = Place::of_one_stage();
    let (first, _) = place.completes("first", &[]);
    for damaged in ["entries", "objects"] {
        for path in files_below(&place.store().join(damaged)) {
            let mut bytes = fs::read(&path).unwrap();
            let middle = bytes.len() / 2;
            bytes[middle] ^= 1;
            fs::write(&path, bytes).unwrap();
        }
        let (out, said) = place.completes(&format!("after-{damaged}"), &[]);
        assert_eq!(said.matches("N2-CACHE-003").count(), 1, "{said}");
        assert!(!all_hits(&out));
        assert!(answers(&out).values().all(|answer| answer != "hit"));
        assert_eq!(digest(&out), digest(&first));
        verifies(&out);
        let (mended, said) = place.completes(&format!("mended-{damaged}"), &[]);
        assert!(all_hits(&mended) && !said.contains("N2-CACHE"), "{said}");
    }
}

#[test]
fn a_store_that_cannot_be_written_changes_nothing_of_a_run() {
    let place = Place::of_one_stage();
    let alone = place.completes_alone("alone");
    fs::write(place.store(), "a file where a folder should be").unwrap();
    let (out, said) = place.completes("run", &[]);
    assert_eq!(said.matches("N2-CACHE-").count(), 1, "{said}");
    assert_eq!(digest(&out), digest(&alone));
    let named = |value: &str| {
        let mut command = noodle2();
        command.env("NOODLE2_CACHE", value);
        command
    };
    let store = place.at("by-variable");
    for (number, (value, word, kept)) in [
        (text(&store), "--no-cache", false),
        ("off", "--quiet", false),
        (text(&store), "--quiet", true),
    ]
    .into_iter()
    .enumerate()
    {
        let out = place.at(&format!("by-variable-{number}"));
        let words = ["run", text(&place.study), "--out", text(&out), word];
        let (status, _, stderr) = finish(named(value).args(words).output().unwrap());
        assert_eq!(status, 0, "{stderr}");
        assert_eq!(store.join("entries").exists(), kept);
        assert_eq!(answers(&out).is_empty(), !kept);
    }
}

#[test]
fn a_plan_says_how_much_is_known_and_what_cannot_be_told() {
    let place = Place::of_template("branching");
    let store = place.store();
    let plan = |words: &[&str]| {
        let mut all = vec!["plan", text(&place.study), "--cache", text(&store)];
        all.extend(words);
        ends(0, &all).0
    };
    assert!(plan(&[]).contains("known          nothing: "));
    place.completes("first", &[]);
    let line = plan(&[]);
    assert!(
        line.contains("the base case and 6 of 6 trials in `common`"),
        "{line}"
    );
    assert!(
        line.contains("what timing, area, merge will try cannot be told yet"),
        "{line}"
    );
    edit(&place.study, "max_nets: [1, 2]", "max_nets: [1, 3]");
    let known: Value = serde_json::from_str(&plan(&["--format", "json"])).unwrap();
    assert_eq!(known["known"]["base"], true);
    assert_eq!(known["known"]["stages"][0]["known"], 4);
    assert_eq!(known["known"]["stages"][0]["proposed"], 6);
    edit(
        &place.beside("constraints.sdc"),
        "period 2.8",
        "period 2.83",
    );
    let line = plan(&[]);
    assert!(
        line.contains("nothing: the nearest known result differs in the constraints"),
        "{line}"
    );
    // Looking at a plan runs nothing and keeps nothing.
    let count = files_below(&store).len();
    plan(&[]);
    assert_eq!(files_below(&store).len(), count);
    let (stats, _) = ends(
        0,
        &[
            "cache",
            "stats",
            "--cache",
            text(&store),
            "--format",
            "json",
        ],
    );
    let stats: Value = serde_json::from_str(&stats).unwrap();
    assert_eq!(stats["stats"]["entries"], 33);
    let (said, _) = ends(
        0,
        &[
            "cache",
            "gc",
            "--older-than",
            "30d",
            "--dry-run",
            "--cache",
            text(&store),
        ],
    );
    assert!(said.contains("would go  0 results"), "{said}");
    ends(
        2,
        &["cache", "gc", "--max-size", "10GB", "--cache", text(&store)],
    );
}

#[test]
fn a_known_result_that_is_not_found_again_is_refused_and_forgotten() {
    let place = Place::of_one_stage();
    place.completes("first", &[]);
    // As if a run had kept what the design does not give.
    let mut forged = 0;
    for path in files_below(&place.store().join("entries")) {
        let text = fs::read_to_string(&path).unwrap();
        let (_, json) = text.trim_end().split_once('\n').unwrap();
        if json.contains("\"eco\":") && json.contains("\"cell_count\":2") {
            let json = json.replace("\"cell_count\":2", "\"cell_count\":1");
            let hash = noodle2_model::ContentHash::of(&json);
            fs::write(&path, format!("{hash}\n{json}\n")).unwrap();
            forged += 1;
        }
    }
    assert_eq!(forged, 3);
    let (out, said) = place.completes("second", &[]);
    assert!(all_hits(&out), "{:?}", answers(&out));
    assert!(said.contains("N2-CACHE-005"), "{said}");
    let refused = said.matches("N2-CACHE-005").count();
    assert_eq!(summary(&out)["stages"][0]["survivors"][0], "counter_0_0");
    let (third, _) = place.completes("third", &[]);
    let ran = answers(&third);
    let ran = ran.values().filter(|answer| *answer != "hit").count();
    assert_eq!(ran, refused);
}
