//! Containment, gates and confirmation with a real engine: ECOs that crash, hang, overreach and lie.

mod support;

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use support::{completes, ends, journal, run, summary, template, text};

/// An ECO of the study's own, with a parameter that only tells its trials apart.
fn eco(folder: &Path, name: &str, class: &str, body: &str) {
    let place = folder.join("ecos").join(name);
    fs::create_dir_all(&place).unwrap();
    let manifest = format!(
        "name: {name}\nversion: 1\nclass: {class}\nengines: [opensta]\ndescription: For a test.\n\
         parameters:\n  turn: {{type: integer, min: 1, max: 9, default: 1, description: Which.}}\n\
         expected: {{}}\nchanges_connectivity: true\nimplementation:\n  tcl: eco.tcl\n"
    );
    fs::write(place.join("eco.yaml"), manifest).unwrap();
    fs::write(
        place.join("eco.tcl"),
        format!("proc {name} {{}} {{\n{body}\n}}\n{name}\n"),
    )
    .unwrap();
}

/// The counter of the templates, with a domain, stages, and limits in which a hang ends soon.
fn study(folder: &Path, domain: &str, more: &str) -> PathBuf {
    let study = template(folder, "sequential");
    eco(study.parent().unwrap(), "idle", "topology_neutral", "");
    let content = format!(
        "name: faults\nsafety_domain: {domain}\n\
         design: {{case_name: counter, top: counter, netlists: [counter.v], platform: osu018, sdc: [constraints.sdc]}}\n\
         engine: {{kind: opensta}}\n\
         objective: {{rank: [setup_wns_ps, setup_tns_ps]}}\n\
         eco_path: [ecos]\n\
         limits: {{wall_time_s: 5, cpu_time_s: 5, memory_mib: 256}}\n{more}"
    );
    fs::write(&study, content).unwrap();
    study
}

fn shown(run: &Path, item: &str) -> Value {
    let (stdout, _) = ends(0, &["show", text(run), item, "--format", "json"]);
    serde_json::from_str(&stdout).unwrap()
}

fn decisions(run: &Path, kind: &str) -> Vec<Value> {
    let records = journal(run).into_iter();
    let events = records.map(|record| record["event"].clone());
    events.filter(|event| event["type"] == kind).collect()
}

/// What `explain` says of something holds these words.
#[track_caller]
fn explains(run: &Path, item: &str, words: &str) {
    let (told, _) = ends(0, &["explain", text(run), item]);
    assert!(told.contains(words), "{words}: {told}");
}

const CRASH: &str = "exec kill -SEGV [pid]";
const ABORT: &str = "exec kill -ABRT [pid]";
const KILLED: &str = "exec kill -KILL [pid]";
const HANG: &str = "while {1} {}";
const SLEEP: &str = "after 60000";
const HOG: &str =
    "set held {}\nwhile {1} { lappend held [string repeat x 10000000][llength $held] }";
const BROKEN: &str = "error {it does not work}";

#[test]
fn real_faults_are_classified_contained_and_cost_nothing_but_their_trials() {
    let folder = tempfile::tempdir().unwrap();
    let study = study(
        folder.path(),
        "sandbox",
        "safety: {containment: {eco_failures_in_a_row: 3}}\n\
         stages:\n  - name: faults\n    trials: 16\n    survivors: 1\n    ecos:\n\
         \x20     - {name: broken, parameters: {turn: [1, 2, 3, 4, 5]}}\n      - crash\n      - abort\n\
         \x20     - killed\n      - hang\n      - sleep\n      - hog\n      - {name: upsize_critical, parameters: {max_cells: 5}}\n\
         \x20 - {name: after, after: faults, trials: 4, ecos: [broken, {name: upsize_critical, parameters: {max_cells: 10}}]}\n",
    );
    let ecos = study.parent().unwrap();
    for (name, body) in [
        ("broken", BROKEN),
        ("crash", CRASH),
        ("abort", ABORT),
        ("killed", KILLED),
        ("hang", HANG),
        ("sleep", SLEEP),
        ("hog", HOG),
    ] {
        eco(ecos, name, "topology_neutral", body);
    }
    let out = folder.path().join("run");
    // One at a time, so that what is contained has not begun.
    let (told, _) = ends(0, &["run", text(&study), "--out", text(&out), "-j", "1"]);
    let failures = summary(&out)["failures"].clone();
    let count = |class: &str| {
        let found = failures.as_array().unwrap().iter();
        found.filter(|failure| failure["class"] == class).count()
    };
    for class in [
        "tool_error",
        "segfault",
        "abort",
        "killed",
        "timeout",
        "out_of_memory",
    ] {
        assert_eq!(count(class), 1, "{class}: {failures:#}");
    }
    // Two of the five broken ones never ran: the first three sufficed.
    let stages = summary(&out)["stages"].clone();
    let contained = stages[0]["contained"].as_array().unwrap();
    assert_eq!(contained.len(), 1, "{contained:?}");
    assert!(
        contained[0]
            .as_str()
            .unwrap()
            .contains("ECO `broken` from trial 0_3")
    );
    assert_eq!(shown(&out, "0_5")["result"], "cancelled, contained");
    assert!(
        told.contains("`faults` does not try ECO `broken`"),
        "{told}"
    );
    let of_descendant = shown(&out, "after");
    let tried = of_descendant["trial_list"].as_array().unwrap();
    assert!(tried.iter().all(|trial| trial["eco"]["name"] != "broken"));
    assert_eq!(decisions(&out, "contained").len(), 2);
    explains(&out, "0_1", "what to do: read the tool's own code");
    explains(&out, "0_5", "ECO `broken` was contained from trial 0_3 on");
    explains(&out, "broken", "stage `after` did not try it");
    explains(
        &out,
        "faults",
        "is not tried from trial 0_3 on: its last 3 trials failed",
    );
    ends(0, &["verify", text(&out)]);
}

/// Who asks to hear of what is contained hears of that alone, once for each stage that does not try it.
#[test]
fn people_are_told_of_what_is_contained() {
    let folder = tempfile::tempdir().unwrap();
    let study = study(
        folder.path(),
        "sandbox",
        "safety: {containment: {eco_failures_in_a_row: 3}}\n\
         notify:\n  - {command: [sh, -c, cat >> told.ndjson], on: [contained]}\n\
         stages:\n  - name: faults\n    trials: 6\n    survivors: 1\n    ecos:\n\
         \x20     - {name: broken, parameters: {turn: [1, 2, 3, 4, 5]}}\n      - {name: upsize_critical, parameters: {max_cells: 5}}\n\
         \x20 - {name: after, after: faults, trials: 4, ecos: [broken, {name: upsize_critical, parameters: {max_cells: 10}}]}\n",
    );
    let place = study.parent().unwrap();
    eco(place, "broken", "topology_neutral", BROKEN);
    completes(&study, &folder.path().join("run"));
    let text = fs::read_to_string(place.join("told.ndjson")).unwrap();
    let told: Vec<Value> = text
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert!(
        told.iter().all(|message| message["event"] == "contained"),
        "{text}"
    );
    let of_stage = |stage: &str| -> Vec<&Value> {
        let found = told.iter();
        found
            .filter(|message| message["stage"]["name"] == stage)
            .collect()
    };
    let [first] = of_stage("faults")[..] else {
        panic!("{text}")
    };
    assert_eq!(first["scope"], json!({"eco": "broken"}), "{text}");
    assert_eq!(first["trial"], "0_3", "{text}");
    let message = first["message"].as_str().unwrap();
    let words =
        "ECO `broken` is not tried any more, from stage `faults` on: its last 3 trials failed";
    assert!(message.contains(words), "{message}");
    assert_eq!(of_stage("after").len(), 1, "{text}");
}

/// The process that the ECO ran in says that all is well; the netlist that it left says otherwise.
#[test]
fn an_eco_that_fakes_its_numbers_is_found_when_its_netlist_is_read_again() {
    let lie = "rename ::n2::metric ::n2::honest_metric\n\
               proc ::n2::metric {corner name value} {\n\
               if {[string match setup_* $name] && $value < 0} { set value [expr {$value * 0.01}] }\n\
               ::n2::honest_metric $corner $name $value\n}\n\
               set inst [lindex [leaf_instances] 0]\nforeach inst [leaf_instances] {\n\
               foreach cell [usable_family [cell_of $inst]] {\n\
               if {$cell ne [cell_of $inst] && [may_become $inst $cell]} { resize $inst $cell; return }\n}\n}";
    let folder = tempfile::tempdir().unwrap();
    let stages = "stages:\n  - {name: one, trials: 3, ecos: [liar, {name: upsize_critical, parameters: {max_cells: [2, 5]}}]}\n\
                  \x20 - {name: two, after: one, trials: 2, ecos: [{name: liar, parameters: {turn: 2}}, {name: upsize_critical, parameters: {max_cells: 9}}]}\n";
    let study = study(folder.path(), "guarded", stages);
    eco(study.parent().unwrap(), "liar", "placement_local", lie);
    // A fork measures in a process that the ECO never ran in: there the lie is not even told.
    let out = folder.path().join("forked");
    completes(&study, &out);
    let honest = shown(&out, "0_1");
    assert_eq!(honest["result"], "measured", "{honest:#}");
    assert!(honest["metrics"]["setup_wns_ps"].as_f64().unwrap() < -100.0);

    let completes_cold = |out: &Path| {
        let words = [
            "run",
            text(&study),
            "--out",
            text(out),
            "--engine-mode",
            "cold",
        ];
        ends(0, &words);
    };
    let out = folder.path().join("run");
    completes_cold(&out);
    let liar = shown(&out, "0_1");
    assert_eq!(liar["result"], "measured, refused", "{liar:#}");
    assert_eq!(liar["refused"][0], "confirmation: nondeterministic");
    let stages = summary(&out)["stages"].clone();
    assert_ne!(stages[0]["survivors"][0], "counter_0_1");
    let contained = stages[1]["contained"][0].as_str().unwrap();
    assert!(contained.contains("ECO `liar`"), "{contained}");
    explains(
        &out,
        "counter_0_1",
        "it may not survive: confirmation: nondeterministic",
    );
    ends(0, &["verify", text(&out)]);

    // Nothing in sandbox asks for a confirmation, and the lie wins: that is what the domain is for.
    let sandbox = fs::read_to_string(&study)
        .unwrap()
        .replace("guarded", "sandbox");
    fs::write(&study, sandbox).unwrap();
    let out = folder.path().join("believed");
    completes_cold(&out);
    assert_eq!(summary(&out)["stages"][0]["survivors"][0], "counter_0_1");
}

#[test]
fn two_branches_run_at_once_one_is_aborted_by_its_rail_and_the_join_goes_on() {
    let folder = tempfile::tempdir().unwrap();
    let study = study(
        folder.path(),
        "sandbox",
        "safety: {rails: {branch: {failures: 2}}}\nstages:\n\
         \x20 - {name: root, trials: 0}\n\
         \x20 - {name: good, after: root, trials: 3, ecos: [{name: upsize_critical, parameters: {max_cells: [2, 5, 9]}}]}\n\
         \x20 - {name: bad, after: root, trials: 6, ecos: [{name: broken, parameters: {turn: {from: 1, to: 6}}}]}\n\
         \x20 - {name: join, after: [good, bad], trials: 1, ecos: [{name: pin_swap}], join: {policy: any}}\n",
    );
    eco(
        study.parent().unwrap(),
        "broken",
        "topology_neutral",
        BROKEN,
    );
    let digests: Vec<Value> = ["1", "2", "8"]
        .iter()
        .map(|workers| {
            let out = folder.path().join(format!("run-{workers}"));
            ends(
                0,
                &["run", text(&study), "--out", text(&out), "-j", workers],
            );
            let summary = summary(&out);
            let status = |stage: usize| summary["stages"][stage]["status"].clone();
            assert_eq!(status(1), "completed");
            assert_eq!(status(2), "failed");
            assert_eq!(status(3), "completed");
            let cause = summary["stages"][2]["cause"].as_str().unwrap();
            assert_eq!(cause, "of the branch, 2 trials failed");
            explains(
                &out,
                "bad",
                "it was given up at trial 2_2: of the branch, 2 trials failed",
            );
            explains(&out, "branch:good", "`join` takes up what it passes on");
            explains(&out, "join", "it went on without `bad`");
            summary["digest"].clone()
        })
        .collect();
    assert!(
        digests.windows(2).all(|pair| pair[0] == pair[1]),
        "{digests:?}"
    );
}

#[test]
fn what_a_study_may_do_is_told_before_anything_runs() {
    let folder = tempfile::tempdir().unwrap();
    let stages = "safety: {protect: {cells: [\"DFF*\"]}}\nstages:\n  - {name: one, trials: 1, ecos: [pin_swap]}\n";
    let study = study(folder.path(), "locked", stages);
    let (told, _) = ends(0, &["check", text(&study)]);
    for words in [
        "legal in the `locked` domain",
        "asks for     topology_neutral: pin_swap",
        "ports, clock network, dont_touch objects, scan chains, cells DFF*; fixed",
        "an ECO after 2 failures in a row",
        "equivalence proved",
        "study rail   1 catastrophic failure",
    ] {
        assert!(told.contains(words), "{words}: {told}");
    }
    let out = folder.path().join("run");
    completes(&study, &out);
    let (stdout, _) = ends(0, &["check", text(&study), "--format", "json"]);
    let checked: Value = serde_json::from_str(&stdout).unwrap();
    let kept = fs::read_to_string(out.join("legality.json")).unwrap();
    let kept: Value = serde_json::from_str(&kept).unwrap();
    assert_eq!(checked["legality"], kept);

    let wide = fs::read_to_string(&study)
        .unwrap()
        .replace("[pin_swap]", "[restructure]");
    fs::write(&study, wide).unwrap();
    let (status, stdout, _) = run(&["check", text(&study), "--format", "json"]);
    assert_eq!(status, 4);
    let checked: Value = serde_json::from_str(&stdout).unwrap();
    assert_eq!(checked["legality"]["legal"], false);
    assert_eq!(checked["legality"]["breaches"][0]["code"], "N2-LEGAL-001");
    assert_eq!(checked["legality"]["breaches"][0]["line"], 10);
}

/// A buffer in the place of an inverter: faster, smaller, and wrong.
const WRONG: &str = "foreach inst [leaf_instances] {\nif {[string match INVX* [cell_of $inst]]} { replace_cell [get_cells [instance_name $inst]] BUFX2; return }\n}\nerror {no inverter}";

#[test]
fn an_eco_that_drops_an_inverter_is_caught_by_its_reach_and_by_the_proof() {
    let folder = tempfile::tempdir().unwrap();
    let guarded = study(
        &folder.path().join("guarded"),
        "guarded",
        "stages:\n  - {name: one, trials: 1, ecos: [wrong]}\n",
    );
    eco(
        guarded.parent().unwrap(),
        "wrong",
        "routing_affecting",
        WRONG,
    );
    let out = folder.path().join("reach");
    completes(&guarded, &out);
    let trial = shown(&out, "0_1");
    assert_eq!(trial["result"], "blast_radius_exceeded", "{trial:#}");

    // Declared as wide as it is, it may do so: what it may not is survive.
    let stages = "safety: {gates: {confirm: true, equivalence: true}}\nstages:\n\
                  \x20 - {name: one, trials: 1, parent_competes: false, ecos: [wrong]}\n";
    let asked = study(&folder.path().join("asked"), "sandbox", stages);
    eco(asked.parent().unwrap(), "wrong", "global_disruptive", WRONG);
    let out = folder.path().join("proof");
    let (told, _) = ends(6, &["run", text(&asked), "--out", text(&out)]);
    assert!(
        told.contains("equivalence_failed: its logic differs at"),
        "{told}"
    );
    explains(&out, "0_1", "its logic is not its parent's: at");
    let found = fs::read_to_string(out.join("trials/counter_0_1/2/equivalence.json"));
    let found: Value = serde_json::from_str(&found.unwrap()).unwrap();
    let counterexample = &found["verdict"]["counterexample"];
    assert_ne!(counterexample["parent"], counterexample["child"]);
    ends(0, &["verify", text(&out)]);
}

#[test]
fn what_survives_in_guarded_was_proved_to_do_the_same() {
    let folder = tempfile::tempdir().unwrap();
    let study = template(folder.path(), "sequential");
    let out = folder.path().join("run");
    completes(&study, &out);
    let summary = summary(&out);
    for stage in summary["stages"].as_array().unwrap() {
        for survivor in stage["survivors"].as_array().unwrap() {
            let survivor = survivor.as_str().unwrap();
            let of_stage = format!("counter_{}_", stage["index"]);
            if survivor.starts_with(&of_stage) {
                explains(&out, survivor, "its logic was proved to be its parent's");
            }
        }
    }
}

/// What constraints and netlist mark is read of the base case, and holds two stages later.
#[test]
fn what_is_marked_is_protected_until_the_study_says_otherwise() {
    let folder = tempfile::tempdir().unwrap();
    let resize = "foreach inst [leaf_instances] {\nif {[instance_name $inst] ni {_330_ _331_}} { continue }\n\
        foreach cell [list NAND2X1 NOR2X1 INVX1 INVX2 AOI21X1 OAI21X1] {\n\
        if {$cell ne [cell_of $inst] && [::sta::replace_cell $inst [::sta::find_liberty_cell $cell]] == 1} { return }\n}\n}";
    let stages = "stages:\n  - {name: first, trials: 1, ecos: [{name: upsize_critical, parameters: {max_cells: 1}}]}\n\
        \x20 - {name: second, after: first, trials: 1, ecos: [raw]}\n";
    let study = study(folder.path(), "sandbox", stages);
    eco(study.parent().unwrap(), "raw", "global_disruptive", resize);
    let constraints = study.with_file_name("constraints.sdc");
    let kept = fs::read_to_string(&constraints).unwrap();
    fs::write(&constraints, kept + "set_dont_touch [get_cells _33?_]\n").unwrap();
    let free = folder.path().join("free");
    completes(&study, &free);
    assert_eq!(shown(&free, "1_1")["result"], "measured");

    support::edit(
        &study,
        "eco_path:",
        "safety: {protect: {dont_touch: true}}\neco_path:",
    );
    let (told, _) = ends(0, &["check", text(&study)]);
    assert!(
        told.contains("protected    ports, dont_touch objects; fixed"),
        "{told}"
    );
    let guarded = folder.path().join("guarded");
    completes(&study, &guarded);
    let (base, _) = ends(0, &["show", text(&guarded), "0_0"]);
    assert!(
        base.contains("marked: 10 instances as dont_touch (_330_, "),
        "{base}"
    );
    let trial = shown(&guarded, "1_1");
    assert_eq!(
        trial["failure"]["class"], "blast_radius_exceeded",
        "{trial:#}"
    );
    let message = trial["failure"]["message"].as_str().unwrap();
    assert!(message.contains("marked as `dont_touch`"), "{message}");
    ends(0, &["verify", text(&guarded)]);
}
