//! The clusters that other tests break are real, break as they should, and leave nothing behind.

mod support;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::json;

use support::cluster::{Cluster, Wanted, can_make_networks};

/// Python that holds an actor on the node with the resource `far`.
const ACTOR: &str = r#"
@ray.remote(num_cpus=0, resources={"far": 1})
class Far:
    def where(self): return ray.get_runtime_context().get_node_id()
    def process(self): return os.getpid()
    def list(self, folder): return os.listdir(folder)
far = Far.options(name="far", namespace="test", lifetime="detached", get_if_exists=True).remote()
"#;

#[test]
fn an_actor_works_on_the_node_that_has_what_it_needs() {
    let mut cluster = Cluster::start(1);
    let node = cluster.add_node(1, &json!({"far": 1}));
    let said = cluster.python(&format!("{ACTOR}print(ray.get(far.where.remote()))"));
    let state = cluster
        .nodes()
        .into_iter()
        .find(|state| state.host == node.host());
    assert_eq!(said.trim(), state.unwrap().id);
    let actors = cluster.actors();
    assert_eq!(actors.len(), 1, "{actors:?}");
    assert_eq!(actors[0].name, "far");
    assert_eq!(actors[0].host, node.host());
    assert!(cluster.workers(&node).contains(&actors[0].pid));
    assert!(!cluster.workers(cluster.head()).contains(&actors[0].pid));
}

#[test]
fn a_raylet_that_is_killed_takes_its_workers_along() {
    let mut cluster = Cluster::start(0);
    let node = cluster.add_node(1, &json!({"far": 1}));
    cluster.python(&format!("{ACTOR}ray.get(far.where.remote())"));
    let worker = cluster.actors()[0].pid;
    cluster.kill_raylet(&node);
    assert!(!node.runs());
    let took = cluster.wait_until_dead(&node);
    assert!(took < Duration::from_secs(15), "{took:?}");
    let begin = Instant::now();
    while cluster.workers(&node).contains(&worker) {
        assert!(
            begin.elapsed() < Duration::from_secs(30),
            "the worker lives on"
        );
        std::thread::sleep(Duration::from_millis(50));
    }
    let node = cluster.revive(node);
    cluster.wait_until_alive(&node);
    cluster.kill_node(&node);
    assert!(cluster.processes(&node).is_empty());
}

#[test]
fn a_head_that_is_killed_comes_back_at_the_same_address() {
    let mut cluster = Cluster::start(0);
    let node = cluster.add_node(1, &json!({"far": 1}));
    let before = cluster.nodes();
    cluster.kill_head();
    // Without a head there is no cluster: its nodes end.
    node.wait_until_ended();
    cluster.restart_head();
    let node = cluster.revive(node);
    cluster.wait_until_alive(&node);
    let after = cluster.nodes();
    assert!(
        after
            .iter()
            .all(|state| before.iter().all(|old| old.id != state.id))
    );
}

#[test]
fn a_cable_that_is_pulled_makes_a_node_dead_and_nobody_tells_it() {
    if !can_make_networks() {
        return;
    }
    let shown = tempfile::tempdir().unwrap();
    let hidden = tempfile::tempdir().unwrap();
    for folder in [&shown, &hidden] {
        fs::write(folder.path().join("file"), "text").unwrap();
    }
    let mut cluster = Cluster::with(Wanted {
        network: true,
        ..Wanted::default()
    });
    let near = cluster.add_node(1, &json!({"near": 1}));
    let node = cluster.add_node_behind_a_network(1, &json!({"far": 1}), &[hidden.path()]);
    let listed = |folder: &Path| {
        cluster.python(&format!(
            "{ACTOR}print(*ray.get(far.list.remote({folder:?})))"
        ))
    };
    assert_eq!(listed(shown.path()).trim(), "file");
    assert_eq!(listed(hidden.path()).trim(), "");
    assert!(hidden.path().join("file").exists());

    let worker = cluster.actors()[0].pid;
    node.cut();
    let took = cluster.wait_until_dead(&node);
    assert!(took < Duration::from_secs(15), "{took:?}");
    assert!(near.runs());
    // What it does over there, it goes on doing: the cluster only cannot see it any more.
    assert!(node.runs() && cluster.workers(&node).contains(&worker));
    assert!(cluster.actors().iter().all(|actor| actor.pid != worker));

    node.heal();
    node.wait_until_ended();
    let node = cluster.revive(node);
    cluster.wait_until_alive(&node);
    assert_eq!(listed(hidden.path()).trim(), "");
}

/// A test that ends by a kill runs no code at its end, and its cluster ends all the same.
#[test]
fn nothing_is_left_when_a_test_is_killed() {
    const REPORT: &str = "NOODLE2_TEST_REPORT";
    if let Some(report) = std::env::var_os(REPORT) {
        be_killed_with_a_cluster(Path::new(&report));
    }
    let folder = tempfile::tempdir().unwrap();
    let report = folder.path().join("report");
    let mut killed = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "nothing_is_left_when_a_test_is_killed"])
        .env(REPORT, &report)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let begin = Instant::now();
    let mut left: Vec<PathBuf> = loop {
        let read = fs::read(&report).ok();
        if let Some(left) = read.and_then(|bytes| serde_json::from_slice(&bytes).ok()) {
            break left;
        }
        assert!(killed.try_wait().unwrap().is_none(), "it ended by itself");
        assert!(begin.elapsed() < Duration::from_secs(120), "no cluster");
        std::thread::sleep(Duration::from_millis(50));
    };
    assert!(left.iter().all(|path| path.exists()), "{left:?}");
    killed.kill().unwrap();
    killed.wait().unwrap();
    let begin = Instant::now();
    while !left.is_empty() {
        assert!(begin.elapsed() < Duration::from_secs(30), "left: {left:?}");
        std::thread::sleep(Duration::from_millis(50));
        left.retain(|path| path.exists());
    }
}

/// Writes down the paths that must go when the cluster goes, and waits for the end.
fn be_killed_with_a_cluster(report: &Path) -> ! {
    let network = can_make_networks();
    let mut cluster = Cluster::with(Wanted {
        network,
        ..Wanted::default()
    });
    let resources = json!({"far": 1});
    let node = if network {
        cluster.add_node_behind_a_network(1, &resources, &[])
    } else {
        cluster.add_node(1, &resources)
    };
    cluster.python(&format!("{ACTOR}ray.get(far.where.remote())"));
    let mut paths = vec![cluster.folder().to_owned()];
    paths.extend(node.namespace());
    for process in [cluster.processes(cluster.head()), cluster.processes(&node)].concat() {
        // A zombie has no command any more.
        paths.push(format!("/proc/{process}/exe").into());
    }
    assert!(paths.len() > 8, "{paths:?}");
    fs::write(report, json!(paths).to_string()).unwrap();
    std::thread::sleep(Duration::from_secs(300));
    panic!("nobody killed this process");
}
