//! Studies on a real Ray cluster come to what they come to on one machine, whatever happens to the cluster.

mod support;

use std::path::Path;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use support::cluster::{Cluster, Wanted, can_make_networks};
use support::grid::{Grid, kill, provenances, said, wait_until_said};
use support::{
    PATIENCE, completes, digest, edit, ends, engine_after, interrupt, journal, stand_in_bridge,
    summary, template, text, two_faced, wait_for_records, wait_until,
};

/// Events of a kind.
fn events(run: &Path, kind: &str) -> Vec<Value> {
    let records = journal(run).into_iter();
    let events = records.map(|record| record["event"].clone());
    events.filter(|event| event["type"] == kind).collect()
}

/// What attempts failed of, by class, with the message.
fn failures(run: &Path, class: &str) -> Vec<String> {
    let ended = events(run, "attempt_finished").into_iter();
    let failed = ended.map(|event| event["outcome"]["failed"].clone());
    let of_class = failed.filter(|failed| failed["class"] == class);
    of_class
        .map(|failed| failed["message"].as_str().unwrap_or_default().to_owned())
        .collect()
}

/// How often each trial was attempted to its end.
fn no_trial_ran_twice(run: &Path) {
    let mut ended: Vec<String> = events(run, "attempt_finished")
        .into_iter()
        .filter(|event| event["outcome"]["failed"]["class"].is_null())
        .map(|event| {
            event["attempt"]["trial"].to_string() + &event["attempt"]["number"].to_string()
        })
        .collect();
    let count = ended.len();
    ended.sort();
    ended.dedup();
    assert_eq!(ended.len(), count);
}

#[test]
fn nodes_that_share_nothing_come_to_the_digest_of_one_machine() {
    let networked = can_make_networks();
    let mut grid = Grid::new(Cluster::with(Wanted {
        network: networked,
        dashboard: true,
        ..Wanted::default()
    }));
    let study = template(grid.folder.path(), "branching");
    // A good part of what is forked is made anew as well.
    edit(&study, "{kind: opensta}", "{kind: opensta, audit: 0.3}");
    let (local, out) = (grid.place("local"), grid.place("run"));
    completes(&study, &local);
    let hidden = grid.folder.path().to_owned();
    let _far = networked.then(|| {
        let hidden = [hidden.as_path()];
        grid.cluster
            .add_node_behind_a_network(1, &json!({}), &hidden)
    });
    let _near = (!networked).then(|| grid.cluster.add_node(1, &json!({})));
    let (_, stderr) = grid.ends(0, &["run", text(&study), "--out", text(&out)]);
    let dashboard = grid.cluster.dashboard().unwrap();
    assert!(stderr.contains(&dashboard), "{stderr}");
    grid.is_as_local(&out, &local);
    assert!(ends(0, &["status", text(&out)]).0.contains(&dashboard));
    assert_eq!(summary(&out)["cluster"]["dashboard"], dashboard.as_str());
    let made = provenances(&out);
    let commands = || {
        made.iter()
            .flat_map(|made| made["commands"].as_array().unwrap())
    };
    assert!(
        commands().any(|command| command["forked"] == true),
        "nothing was forked"
    );
    // What a slot began with is known to be of that slot.
    let usages: Vec<Value> = events(&out, "attempt_finished")
        .iter()
        .map(|event| event["usage"].clone())
        .collect();
    let on_slots = usages.iter().filter(|usage| !usage["waited_s"].is_null());
    let slots: Vec<Option<u64>> = on_slots.map(|usage| usage["worker"].as_u64()).collect();
    assert!(
        !slots.is_empty() && slots.iter().all(Option::is_some),
        "{slots:?}"
    );
    // What was made on a node names files as they lay there; beside it stands where they lie here.
    let attempt = out.join("trials/counter_0_0/1");
    let script = std::fs::read_to_string(attempt.join("script.tcl")).unwrap();
    let mut paths = std::fs::read_to_string(attempt.join("paths.tsv")).unwrap();
    paths = paths.split_once('\n').unwrap().1.to_owned();
    for line in paths.lines() {
        let (there, here) = line.split_once('\t').unwrap();
        assert!(there.starts_with(text(&grid.scratch())), "{line}");
        assert!(Path::new(here).exists(), "{line}");
        assert!(script.contains(there) || !there.ends_with(".v"), "{line}");
    }
    if networked {
        assert!(
            !grid.scratch().exists(),
            "the node's folder is not this machine's"
        );
    }
}

#[test]
fn what_dies_on_the_way_costs_attempts_and_no_result() {
    let mut grid = Grid::new(Cluster::start(0));
    let study = template(grid.folder.path(), "branching");
    let gate = grid.place("gate");
    // Some first attempts never end, and one trial waits until it may go on.
    engine_after(
        &study,
        &format!(
            "case \"$PWD\" in */attempts/0_2.1|*/attempts/1_2.1|*/attempts/3_2.1) sleep 1000;;\n\
             */attempts/3_4.*) while [ ! -e {} ]; do sleep 0.1; done;; esac",
            text(&gate)
        ),
    );
    let (local, out) = (grid.place("local"), grid.place("run"));
    completes(&study, &local);
    let nodes = [0, 1].map(|_| grid.cluster.add_node(1, &json!({})));
    let mut run = grid.begin(&study, &out, &[]);
    // A worker of Ray's.
    let slot = grid.wait_for_attempt(&mut run, "0_2.1");
    kill(grid.slot(&slot).pid);
    // A runner.
    let slot = grid.wait_for_attempt(&mut run, "1_2.1");
    kill(grid.runner(&slot));
    // A raylet, and with it the node, which comes back under another name.
    let slot = grid.wait_for_attempt(&mut run, "3_2.1");
    let host = grid.slot(&slot).host;
    let (mut its, _others): (Vec<_>, Vec<_>) =
        nodes.into_iter().partition(|node| node.host() == host);
    let node = its.pop().unwrap();
    grid.cluster.kill_raylet(&node);
    wait_until_said(&mut run, &out, "is gone");
    let _node = grid.cluster.revive(node);
    wait_until_said(&mut run, &out, "is there");
    std::fs::write(gate, "").unwrap();
    let ending = run.wait().unwrap();
    let told = std::fs::read_to_string(said(&out)).unwrap();
    assert!(ending.success(), "{told}");
    assert!(!told.contains("N2-RAY-009"), "{told}");
    grid.is_as_local(&out, &local);
    no_trial_ran_twice(&out);
    let lost = failures(&out, "worker_lost");
    assert_eq!(lost.len(), 3, "{lost:?}");
    let by_runner = lost
        .iter()
        .filter(|message| message.contains("the runner ended by SIGKILL"));
    assert_eq!(by_runner.count(), 1, "{lost:?}");
}

fn lost_workers(records: &[Value]) -> usize {
    let failed = |record: &&Value| record["event"]["outcome"]["failed"]["class"] == "worker_lost";
    records.iter().filter(failed).count()
}

#[test]
fn a_killed_controller_leaves_nothing_and_its_run_is_resumed() {
    let grid = Grid::new(Cluster::start(2));
    let study = template(grid.folder.path(), "branching");
    let (local, out) = (grid.place("local"), grid.place("run"));
    completes(&study, &local);
    for (records, verb) in [(8, "run"), (24, "resume")] {
        let mut run = match verb {
            "run" => grid.begin(&study, &out, &[]),
            _ => grid.start(&["resume", text(&out)], &said(&out)),
        };
        wait_for_records(&mut run, &out, records);
        run.kill().unwrap();
        run.wait().unwrap();
        grid.is_clean();
    }
    // The bridge is lost alone: what it had is interrupted, and another one takes its place.
    let mut run = grid.start(&["resume", text(&out)], &said(&out));
    grid.wait_for_slots(&mut run, 1);
    let bridge = children_of(run.id());
    assert_eq!(bridge.len(), 1, "{bridge:?}");
    kill(bridge[0]);
    wait_until_said(&mut run, &out, "N2-RAY-009");
    wait_until_said(&mut run, &out, "the cluster is back");
    assert!(run.wait().unwrap().success());
    grid.is_as_local(&out, &local);
    no_trial_ran_twice(&out);
    assert_eq!(failures(&out, "worker_lost"), Vec::<String>::new());
    // What the cluster began goes on without it.
    let alone = grid.place("alone");
    let mut run = grid.begin(&study, &alone, &[]);
    wait_for_records(&mut run, &alone, 16);
    interrupt(&run);
    assert_eq!(run.wait().unwrap().code(), Some(7));
    ends(0, &["resume", text(&alone)]);
    grid.is_as_local(&alone, &local);
}

/// The processes that a process has started and that have not ended.
fn children_of(process: u32) -> Vec<u32> {
    let tasks = std::fs::read_dir(format!("/proc/{process}/task")).unwrap();
    let children =
        tasks.filter_map(|task| std::fs::read_to_string(task.ok()?.path().join("children")).ok());
    children
        .flat_map(|ids| {
            ids.split_whitespace()
                .filter_map(|id| id.parse().ok())
                .collect::<Vec<u32>>()
        })
        .collect()
}

#[test]
fn a_run_waits_for_a_head_that_is_gone_or_ends_to_be_resumed() {
    let mut grid = Grid::new(Cluster::start(2));
    let study = template(grid.folder.path(), "branching");
    let (local, out) = (grid.place("local"), grid.place("run"));
    completes(&study, &local);
    let mut run = grid.begin(&study, &out, &[]);
    wait_for_records(&mut run, &out, 12);
    grid.cluster.kill_head();
    wait_until_said(&mut run, &out, "N2-RAY-009");
    grid.cluster.restart_head();
    wait_until_said(&mut run, &out, "the cluster is back");
    wait_for_records(&mut run, &out, journal(&out).len() + 12);
    // Without patience the run ends, and can be resumed: here on one machine.
    run.kill().unwrap();
    run.wait().unwrap();
    let mut run = grid.start(&["resume", text(&out), "--ray-patience", "1"], &said(&out));
    let records = journal(&out).len() + 8;
    wait_for_records(&mut run, &out, records);
    grid.cluster.kill_head();
    assert_eq!(run.wait().unwrap().code(), Some(7));
    let told = std::fs::read_to_string(said(&out)).unwrap();
    assert!(
        told.contains("the cluster is gone, or takes nothing"),
        "{told}"
    );
    ends(0, &["resume", text(&out)]);
    assert_eq!(digest(&out), digest(&local));
    ends(0, &["verify", text(&out)]);
    no_trial_ran_twice(&out);
    assert_eq!(failures(&out, "worker_lost"), Vec::<String>::new());
}

/// A cluster of one processor to which nodes behind a network can be added; `None`, said out loud, where that cannot be.
fn networked(token: bool) -> Option<Grid> {
    can_make_networks().then(|| {
        Grid::new(Cluster::with(Wanted {
            cpus: 1,
            token,
            network: true,
            ..Wanted::default()
        }))
    })
}

#[test]
fn a_cut_network_costs_what_was_behind_it_and_a_healed_one_is_used_again() {
    let Some(mut grid) = networked(true) else {
        return;
    };
    let study = template(grid.folder.path(), "branching");
    let gate = grid.place("gate");
    // Two attempts wait until they may go on, one on each node.
    engine_after(
        &study,
        &format!(
            "case \"$PWD\" in */attempts/1_[23].1) : > {0}-$(basename $PWD); while [ ! -e {0} ]; do sleep 0.1; done;; esac",
            text(&gate)
        ),
    );
    let (local, out) = (grid.place("local"), grid.place("run"));
    completes(&study, &local);
    std::fs::create_dir(grid.scratch()).unwrap();
    let hidden = [grid.scratch()];
    let hidden = [hidden[0].as_path()];
    let far = grid
        .cluster
        .add_node_behind_a_network(1, &json!({}), &hidden);
    let mut run = grid.begin(&study, &out, &[]);
    let slots = grid.wait_for_slots(&mut run, 2);
    assert!(
        slots.iter().any(|slot| slot.host == far.host()),
        "{slots:?}"
    );
    let deadline = Instant::now() + PATIENCE;
    while !["gate-1_2.1", "gate-1_3.1"]
        .iter()
        .all(|name| grid.place(name).exists())
    {
        assert!(run.try_wait().unwrap().is_none(), "the run has ended");
        assert!(Instant::now() < deadline, "they do not begin");
        std::thread::sleep(Duration::from_millis(20));
    }
    far.cut();
    wait_until_said(&mut run, &out, "is gone");
    wait_until(&mut run, &out, |records| lost_workers(records) >= 1);
    far.heal();
    // Ray has given the node up, and its raylet ends when it hears that.
    far.wait_until_ended();
    let far = grid.cluster.revive(far);
    wait_until_said(&mut run, &out, "is there");
    std::fs::write(gate, "").unwrap();
    assert!(run.wait().unwrap().success());
    grid.is_as_local(&out, &local);
    drop(far);
}

#[test]
fn nodes_that_come_late_are_used_at_once() {
    let mut grid = Grid::new(Cluster::start(0));
    let study = template(grid.folder.path(), "sequential");
    let gate = grid.place("gate");
    // The second stage waits for the second node, however long that takes to come up.
    engine_after(
        &study,
        &format!(
            "case \"$PWD\" in */attempts/1_*) while [ ! -e {} ]; do sleep 0.1; done;; esac",
            text(&gate)
        ),
    );
    let (local, out) = (grid.place("local"), grid.place("run"));
    completes(&study, &local);
    let mut run = grid.begin(&study, &out, &[]);
    wait_until_said(&mut run, &out, "Ray ");
    std::thread::sleep(Duration::from_secs(1));
    assert!(events(&out, "attempt_finished").is_empty());
    // Where it waits is known already.
    let (standing, _) = ends(0, &["status", text(&out)]);
    assert!(standing.contains(&grid.cluster.address()), "{standing}");
    let first = grid.cluster.add_node(1, &json!({}));
    wait_until(&mut run, &out, |records| {
        records
            .iter()
            .any(|record| record["event"]["type"] == "attempt_finished")
    });
    let second = grid.cluster.add_node(1, &json!({}));
    let slots = grid.wait_for_slots(&mut run, 2);
    let on = |host: &str| slots.iter().any(|slot| slot.host == host);
    assert!(on(first.host()) && on(second.host()), "{slots:?}");
    std::fs::write(gate, "").unwrap();
    assert!(run.wait().unwrap().success());
    let offered = events(&out, "workers_offered");
    let offered: Vec<u64> = offered
        .iter()
        .filter_map(|event| event["workers"].as_u64())
        .collect();
    assert!(offered.contains(&1) && offered.contains(&2), "{offered:?}");
    grid.is_as_local(&out, &local);
}

#[test]
fn what_is_called_off_ends_with_every_process_that_it_started() {
    let grid = Grid::new(Cluster::start(2));
    let study = template(grid.folder.path(), "branching");
    // An engine that leaves a process of its own behind, in a session of its own, and waits.
    engine_after(
        &study,
        "case \"$PWD\" in */attempts/1_[4-9].*) setsid sleep 1000 & sleep 1000;; esac",
    );
    edit(
        &study,
        "    trials: 10\n",
        "    trials: 10\n    budget: {wall_time_s: 6}\n",
    );
    let out = grid.place("run");
    let began = Instant::now();
    let (_, stderr) = grid.ends(0, &["run", text(&study), "--out", text(&out)]);
    assert!(began.elapsed() < Duration::from_secs(100), "it hung");
    assert!(
        stderr.contains("timing: the budget of wall time is spent"),
        "{stderr}"
    );
    assert_eq!(events(&out, "time_spent").len(), 1);
    assert_eq!(summary(&out)["status"], "completed");
    grid.is_sound(&out);
    // A person who stops the run twice does not wait either.
    let out = grid.place("stopped");
    edit(&study, "    budget: {wall_time_s: 6}\n", "");
    let mut run = grid.begin(&study, &out, &[]);
    wait_until(&mut run, &out, |records| {
        records
            .iter()
            .any(|record| record["event"]["attempt"]["trial"] == "1_4")
    });
    let deadline = Instant::now() + PATIENCE;
    while !grid
        .processes()
        .iter()
        .any(|(_, command)| command.contains("sleep 1000"))
    {
        assert!(Instant::now() < deadline);
        std::thread::sleep(Duration::from_millis(20));
    }
    interrupt(&run);
    wait_until_said(&mut run, &out, "Ctrl-C again kills them");
    interrupt(&run);
    assert_eq!(run.wait().unwrap().code(), Some(7));
    grid.is_clean();
}

#[test]
fn two_thousand_short_trials_each_come_back_once() {
    let grid = Grid::new(Cluster::start(2));
    let study = template(grid.folder.path(), "sequential");
    short_trials(&study, 2000);
    let (local, out) = (grid.place("local"), grid.place("run"));
    completes(&study, &local);
    grid.ends(0, &["run", text(&study), "--out", text(&out)]);
    grid.is_as_local(&out, &local);
    no_trial_ran_twice(&out);
    assert_eq!(summary(&out)["trials_run"], 2000);
}

/// Makes of a study one whose trials copy their netlist, so many.
fn short_trials(study: &Path, count: usize) {
    let eco = study.with_file_name("ecos").join("copy");
    std::fs::create_dir_all(&eco).unwrap();
    let manifest = "name: copy\nversion: 1\nclass: topology_neutral\nengines: [opensta]\ndescription: copies\n\
                    changes_connectivity: false\nparameters:\n  number: {type: integer, min: 1, max: 100000, default: 1, description: tells trials apart}\n\
                    implementation:\n  command: [/bin/cp, \"{netlist}\", \"{output}\"]\n";
    std::fs::write(eco.join("eco.yaml"), manifest).unwrap();
    let whole = std::fs::read_to_string(study).unwrap();
    let whole = whole.replace(
        "budget: {trials: 24}",
        &format!("budget: {{trials: {count}}}"),
    );
    let (head, rest) = whole.split_once("stages:\n").unwrap();
    assert!(!rest.contains("budget:"), "{rest}");
    let stages = format!(
        "stages:\n  - name: copies\n    trials: {count}\n    survivors: 1\n    ecos:\n      - {{name: copy, parameters: {{number: {{from: 1, to: 100000}}}}}}\n"
    );
    std::fs::write(study, format!("eco_path: [ecos]\n{head}{stages}")).unwrap();
}

#[test]
fn a_run_on_a_shared_folder_sends_nothing_and_a_licence_is_never_overdrawn() {
    let mut grid = Grid::new(Cluster::start(4));
    let _node = grid.cluster.add_node(2, &json!({"licence": 1}));
    let study = template(grid.folder.path(), "sequential");
    let (local, out) = (grid.place("local"), grid.place("run"));
    completes(&study, &local);
    let outside = tempfile::tempdir().unwrap();
    let shared = text(outside.path()).to_owned();
    let words = [
        "run",
        text(&study),
        "--out",
        text(&out),
        "--ray-shared",
        &shared,
    ];
    let (_, stderr) = grid.ends(2, &words);
    assert!(stderr.contains("N2-RAY-012"), "{stderr}");
    let shared = text(grid.folder.path()).to_owned();
    let words = [
        "run",
        text(&study),
        "--out",
        text(&out),
        "--ray-shared",
        &shared,
        "--ray-resource",
        "licence=1",
    ];
    grid.ends(0, &words);
    grid.is_as_local(&out, &local);
    let offered = events(&out, "workers_offered");
    let offered = offered.iter().filter_map(|event| event["workers"].as_u64());
    assert_eq!(
        offered.max(),
        Some(1),
        "of six processors the licence lets one be used"
    );
    // Attempts wrote where they lie: nothing of the run or the study was brought, and no script names another path.
    let attempt = out.join("trials/counter_1_1/1");
    let script = std::fs::read_to_string(attempt.join("script.tcl")).unwrap();
    assert!(
        script.contains(text(&study.with_file_name("constraints.sdc"))),
        "{script}"
    );
    let stored = std::fs::read_dir(grid.scratch().join("store"))
        .unwrap()
        .count();
    // The library alone lies elsewhere.
    assert_eq!(stored, 1);
}

#[test]
fn a_fork_that_differs_on_a_node_ends_all_forking_on_every_node() {
    let mut grid = Grid::new(Cluster::start(0));
    let study = two_faced(grid.folder.path(), "buffer");
    let out = grid.place("run");
    let _nodes = [0, 1].map(|_| grid.cluster.add_node(1, &json!({})));
    let words = [
        "run",
        text(&study),
        "--out",
        text(&out),
        "--engine-mode",
        "warm",
    ];
    let (_, stderr) = grid.ends(0, &words);
    assert_eq!(stderr.matches("N2-RUN-019").count(), 1, "{stderr}");
    grid.is_sound(&out);
    let differed = failures(&out, "nondeterministic");
    // Those that were on their way when the first came back, at most one for each slot and the look-ahead.
    assert!((1..=3).contains(&differed.len()), "{differed:?}");
    let made = provenances(&out);
    let forked = made
        .iter()
        .filter(|made| made["commands"].to_string().contains("\"forked\":true"));
    assert!(forked.count() < made.len() / 2, "forks went on");
}

#[test]
fn a_bridge_that_is_another_or_says_what_may_not_be_said_is_not_heard() {
    let folder = tempfile::tempdir().unwrap();
    let study = template(folder.path(), "sequential");
    let connected = |protocol: u32| {
        format!(
            r#"{{"type":"connected","protocol":{protocol},"bridge_version":"9","ray_version":"3","python_version":"4","address":"a","nodes":1}}"#
        )
    };
    let capacity = r#"{"type":"capacity","slots":0,"offered":2,"nodes":1}"#;
    let run = |name: &str, said: &[&str]| {
        let python = stand_in_bridge(folder.path(), said);
        let out = folder.path().join(name);
        let words = [
            "run",
            text(&study),
            "--out",
            text(&out),
            "--executor",
            "ray",
            "--ray-patience",
            "0",
        ];
        let began = Instant::now();
        let (_, stderr) = ends(7, &[&words[..], &["--ray-python", text(&python)]].concat());
        assert!(began.elapsed() < Duration::from_secs(30), "{stderr}");
        ends(0, &["resume", text(&out)]);
        stderr
    };
    let there = folder.path().join("there");
    let words = [
        "run",
        text(&study),
        "--out",
        text(&there),
        "--ray-address",
        "127.0.0.1:1",
    ];
    assert!(ends(2, &words).1.contains("N2-RAY-013"));
    assert!(!there.exists());
    let told = run("another", &[&connected(99)]);
    assert!(
        told.contains("N2-RAY-002") && told.contains("version 99"),
        "{told}"
    );
    let told = run(
        "garbled",
        &[&connected(1), capacity, r#"{"type":"started"}"#],
    );
    assert!(
        told.contains("N2-RAY-009") && told.contains("cannot be read"),
        "{told}"
    );
    // Every node refused, and nobody waits for another.
    let nothing = r#"{"type":"capacity","slots":0,"offered":0,"nodes":1}"#;
    let told = run("barren", &[&connected(1), nothing]);
    assert!(
        told.contains("N2-RAY-009") && told.contains("takes nothing"),
        "{told}"
    );
}

#[test]
fn what_cannot_work_is_refused_with_a_reason() {
    let grid = Grid::new(Cluster::start(1));
    let study = template(grid.folder.path(), "sequential");
    let begins = |name: &str| -> Vec<String> {
        let out = grid.place(name);
        ["run", text(&study), "--out", text(&out)]
            .map(str::to_owned)
            .to_vec()
    };
    let refused = |name: &str, options: &[&str], change: &dyn Fn(&mut std::process::Command)| {
        let words = begins(name);
        let words: Vec<&str> = words
            .iter()
            .map(String::as_str)
            .chain(options.iter().copied())
            .collect();
        let mut command = grid.noodle2(&words);
        change(&mut command);
        let output = command.output().unwrap();
        let stderr = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(7), "{stderr}");
        stderr
    };
    let none = |_: &mut std::process::Command| {};
    let told = refused("no-python", &["--ray-python", "/nowhere/python"], &none);
    assert!(
        told.contains("N2-RAY-001") && told.contains("/nowhere/python"),
        "{told}"
    );
    let told = refused("no-package", &["--ray-python", "/bin/false"], &none);
    assert!(told.contains("N2-RAY-001"), "{told}");
    let told = refused("nobody", &["--ray-address", "127.0.0.1:1"], &none);
    assert!(
        told.contains("N2-RAY-003") && told.contains("127.0.0.1:1"),
        "{told}"
    );
    let told = refused("stranger", &[], &|command| {
        command.env("RAY_AUTH_TOKEN", "another-token-of-the-same-length");
    });
    assert!(told.contains("token"), "{told}");
    // What was refused is whole, and can be resumed.
    let out = grid.place("stranger");
    ends(0, &["resume", text(&out)]);
    ends(0, &["verify", text(&out)]);
}

#[test]
fn a_node_with_another_engine_is_not_used_and_the_run_says_why() {
    let Some(mut grid) = networked(true) else {
        return;
    };
    let study = template(grid.folder.path(), "sequential");
    engine_after(&study, "true");
    let (local, out) = (grid.place("local"), grid.place("other-engine"));
    completes(&study, &local);
    let hidden = grid.folder.path().to_owned();
    let _other = grid
        .cluster
        .add_node_behind_a_network(1, &json!({}), &[&hidden]);
    let mut run = grid.begin(&study, &out, &[]);
    wait_until_said(&mut run, &out, "N2-RAY-007");
    assert!(run.wait().unwrap().success());
    let told = std::fs::read_to_string(said(&out)).unwrap();
    assert!(
        told.contains("is another program than the controller's machine has"),
        "{told}"
    );
    grid.is_as_local(&out, &local);
}

#[test]
fn a_cluster_that_others_can_reach_and_that_asks_for_no_token_is_refused() {
    let Some(grid) = networked(false) else {
        return;
    };
    let study = template(grid.folder.path(), "sequential");
    let out = grid.place("run");
    let (_, stderr) = grid.ends(7, &["run", text(&study), "--out", text(&out)]);
    assert!(
        stderr.contains("N2-RAY-004") && stderr.contains("--ray-insecure"),
        "{stderr}"
    );
    assert!(events(&out, "attempt_started").is_empty());
    grid.ends(0, &["resume", text(&out), "--ray-insecure"]);
    grid.is_sound(&out);
}
