//! A real Ray cluster on this machine, of several nodes, for tests that break it.
//!
//! Each node is what `ray start` makes of a machine: a raylet with its agents, under an address of its own. Nothing of a
//! cluster outlives its test, however that ends.

mod keeper;
mod network;

use std::fs;
use std::net::TcpListener;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tempfile::TempDir;

use self::keeper::Keeper;
use self::network::{Namespace, Network};

#[allow(unused_imports, reason = "not every test needs networks")]
pub use self::network::can_make_networks;

/// How long a test waits for what a cluster does within seconds on a machine that does nothing else.
const PATIENCE: Duration = Duration::from_secs(60);

/// The variables that tell whose a process is; `keeper.py` looks for the first.
const CLUSTER_MARK: &str = "NOODLE2_TEST_CLUSTER";
const NODE_MARK: &str = "NOODLE2_TEST_NODE";

/// What a cluster is to be.
pub struct Wanted {
    /// Processors that the head offers.
    pub cpus: u32,
    /// Who wants in must know a token.
    pub token: bool,
    /// With the dashboard, and the state API that it serves.
    pub dashboard: bool,
    /// Nodes can be added behind a network; needs [`can_make_networks`].
    pub network: bool,
}

impl Default for Wanted {
    fn default() -> Self {
        Self {
            cpus: 0,
            token: true,
            dashboard: false,
            network: false,
        }
    }
}

/// A cluster fills a small machine: one at a time, also where all tests of a file share a process.
static TURN: Mutex<()> = Mutex::new(());

/// A head and the nodes that were added. Ends with everything that it started when it is dropped.
pub struct Cluster {
    wanted: Wanted,
    /// Dropped first: it removes the folder.
    keeper: Keeper,
    folder: TempDir,
    mark: String,
    network: Option<Network>,
    port: u16,
    dashboard_port: u16,
    client_port: u16,
    nodes_made: u8,
    head: Option<Node>,
    /// Dropped last.
    _turn: MutexGuard<'static, ()>,
}

/// A machine of the cluster, as far as Ray knows.
pub struct Node {
    number: u8,
    host: String,
    folder: PathBuf,
    cpus: u32,
    resources: Value,
    namespace: Option<Namespace>,
    hidden: Vec<PathBuf>,
    raylet: u32,
}

/// A node as the cluster sees it.
#[derive(Debug, Clone, serde::Deserialize)]
pub struct NodeState {
    pub id: String,
    pub host: String,
    pub alive: bool,
}

/// An actor that is not dead.
#[derive(Debug, Clone, serde::Deserialize)]
pub struct Actor {
    pub id: String,
    pub class: String,
    /// Empty where it was given none.
    pub name: String,
    /// `ALIVE`, or where it has no node yet `PENDING_CREATION` and the like.
    pub state: String,
    pub host: String,
    pub pid: u32,
}

impl Cluster {
    /// A head with so many processors, and nothing else.
    pub fn start(cpus: u32) -> Self {
        Self::with(Wanted {
            cpus,
            ..Wanted::default()
        })
    }

    pub fn with(wanted: Wanted) -> Self {
        // A test that failed has ended its cluster all the same.
        let turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
        // Sockets of Ray lie deep below, and the kernel takes 107 bytes of a path.
        let folder = tempfile::Builder::new()
            .prefix("n2r-")
            .tempdir_in("/tmp")
            .unwrap();
        let mark = folder.path().file_name().unwrap().to_str().unwrap();
        let mark = mark.to_owned();
        let mut keeper = Keeper::start(&program("python"), &mark, folder.path());
        let network = wanted.network.then(|| Network::make(&mut keeper));
        let [port, dashboard_port, client_port] = free_ports();
        let mut cluster = Self {
            wanted,
            keeper,
            folder,
            mark,
            network,
            port,
            dashboard_port,
            client_port,
            nodes_made: 0,
            head: None,
            _turn: turn,
        };
        let head = cluster.node(cluster.wanted.cpus, &json!({}), None, &[]);
        cluster.head = Some(cluster.launch(head));
        cluster
    }

    /// Where the cluster is reached, as for `RAY_ADDRESS`.
    pub fn address(&self) -> String {
        format!("{}:{}", self.host_of(1), self.port)
    }

    /// Where the dashboard is reached by a browser, if the cluster has one.
    pub fn dashboard(&self) -> Option<String> {
        (self.wanted.dashboard).then(|| format!("http://127.0.0.1:{}", self.dashboard_port))
    }

    /// The token that opens the cluster, if it asks for one. Only tests know it: it is no secret.
    pub fn token(&self) -> Option<String> {
        (self.wanted.token).then(|| format!("{:0>32}", self.mark.replace('-', "")))
    }

    /// Where everything lies that the processes of the cluster write.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// The folder with the `python` and the `ray` that the cluster runs by.
    pub fn programs(&self) -> PathBuf {
        program("python").parent().unwrap().to_owned()
    }

    /// What a process needs to work with this cluster, and to see within seconds what happens to it.
    pub fn environment(&self) -> Vec<(&'static str, String)> {
        let mut variables = vec![
            ("RAY_ADDRESS", self.address()),
            ("RAY_health_check_initial_delay_ms", "500".into()),
            ("RAY_health_check_period_ms", "500".into()),
            ("RAY_health_check_timeout_ms", "1000".into()),
            ("RAY_health_check_failure_threshold", "3".into()),
            // For so long a process tries to reach a head that is gone.
            ("RAY_gcs_rpc_server_reconnect_timeout_s", "5".into()),
            ("RAY_USAGE_STATS_ENABLED", "0".into()),
        ];
        match self.token() {
            Some(token) => {
                variables.push(("RAY_AUTH_MODE", "token".into()));
                variables.push(("RAY_AUTH_TOKEN", token));
            }
            None => variables.push(("RAY_AUTH_MODE", "disabled".into())),
        }
        variables
    }

    /// One more node, with these resources beside its processors: `{"licence": 1}`.
    pub fn add_node(&mut self, cpus: u32, resources: &Value) -> Node {
        let node = self.node(cpus, resources, None, &[]);
        if let Some(network) = &self.network {
            network.own(node.number);
        }
        self.launch(node)
    }

    /// One more node that shares nothing with this machine but a cable: the `hidden` folders are empty to it.
    ///
    /// # Panics
    ///
    /// When the cluster was not started with a network.
    pub fn add_node_behind_a_network(
        &mut self,
        cpus: u32,
        resources: &Value,
        hidden: &[&Path],
    ) -> Node {
        let network = self.network.as_ref().expect("a cluster with a network");
        let namespace = network.namespace(self.nodes_made + 1, &mut self.keeper);
        let node = self.node(cpus, resources, Some(namespace), hidden);
        self.launch(node)
    }

    /// Starts a node anew that is gone: the same machine to Ray, with a new id.
    pub fn revive(&self, node: Node) -> Node {
        end(processes(&node.mark(&self.mark), &node.folder));
        self.launch(node)
    }

    /// Kills the head: the raylet, the workers on it, and what knows of the whole cluster.
    pub fn kill_head(&mut self) {
        let head = self.head.as_ref().expect("a head");
        end(processes(&head.mark(&self.mark), &head.folder));
    }

    /// Starts the head anew, at the same address. It knows nothing of what was before.
    pub fn restart_head(&mut self) {
        let head = self.head.take().expect("a head");
        self.head = Some(self.revive(head));
    }

    pub fn head(&self) -> &Node {
        self.head.as_ref().expect("a head")
    }

    /// Kills the raylet of a node and nothing else. Workers notice that, and end by themselves within seconds.
    pub fn kill_raylet(&self, node: &Node) {
        end(vec![node.raylet]);
    }

    /// Kills every process of a node at once, as a loss of power would.
    pub fn kill_node(&self, node: &Node) {
        end(self.processes(node));
    }

    /// Every process of a node, with what its workers started.
    pub fn processes(&self, node: &Node) -> Vec<u32> {
        processes(&node.mark(&self.mark), &node.folder)
    }

    /// The workers of a node: processes with an actor or a task, and idle ones.
    pub fn workers(&self, node: &Node) -> Vec<u32> {
        // Ray writes into the command line what a process is about.
        let is_worker = |title: &str| {
            title.starts_with("ray::") && !title.contains("Agent") || title.contains("/workers/")
        };
        let mut all = self.processes(node);
        all.retain(|process| {
            fs::read_to_string(format!("/proc/{process}/cmdline"))
                .is_ok_and(|title| is_worker(&title))
        });
        all
    }

    /// All nodes that the cluster knows, the dead among them.
    pub fn nodes(&self) -> Vec<NodeState> {
        self.ask(
            "[dict(id=n['NodeID'], host=n['NodeManagerAddress'], alive=n['Alive']) for n in ray.nodes()]",
        )
    }

    /// Waits until the cluster takes the node for dead; returns how long that took.
    pub fn wait_until_dead(&self, node: &Node) -> Duration {
        self.wait_for(&format!("not any({})", alive_at(&node.host)))
    }

    /// Waits until the cluster takes the node for alive.
    pub fn wait_until_alive(&self, node: &Node) -> Duration {
        self.wait_for(&format!("any({})", alive_at(&node.host)))
    }

    /// The actors that are not dead.
    pub fn actors(&self) -> Vec<Actor> {
        self.ask(
            "[dict(id=k, **{'class': a['ActorClassName'], 'name': a['Name'], \
             'state': a['State'], 'host': a['Address']['IPAddress'], 'pid': a['Pid']}) \
             for k, a in ray._private.state.actors().items() if a['State'] != 'DEAD']",
        )
    }

    /// Runs Python that is connected to the cluster as `ray`; returns what it printed.
    pub fn python(&self, code: &str) -> String {
        let whole = format!(
            "import json, os, time, ray\nray.init(log_to_driver=False, logging_level='ERROR')\n{code}"
        );
        let run = || {
            Command::new(program("python"))
                .args(["-c", &whole])
                .current_dir(self.folder.path())
                .envs(self.environment())
                .env(CLUSTER_MARK, &self.mark)
                .stdin(Stdio::null())
                .output()
                .unwrap()
        };
        let mut output = run();
        if String::from_utf8_lossy(&output.stderr).contains("ConnectionError") {
            // On a busy machine a head may take longer to answer than Ray waits for it.
            output = run();
        }
        assert!(
            output.status.success(),
            "{code}\n{}",
            String::from_utf8_lossy(&output.stderr)
        );
        String::from_utf8(output.stdout).unwrap()
    }

    /// What an expression of Python gives.
    fn ask<T: serde::de::DeserializeOwned>(&self, expression: &str) -> T {
        serde_json::from_str(&self.python(&format!("print(json.dumps({expression}))"))).unwrap()
    }

    /// Waits until an expression of Python holds; returns how long that took.
    fn wait_for(&self, expression: &str) -> Duration {
        let begin = Instant::now();
        let seconds = PATIENCE.as_secs();
        self.python(&format!(
            "end = time.time() + {seconds}\nwhile not ({expression}):\n    assert time.time() < end, ray.nodes()\n    \
             time.sleep(0.05)"
        ));
        begin.elapsed()
    }

    /// A node that is not started yet.
    fn node(
        &mut self,
        cpus: u32,
        resources: &Value,
        namespace: Option<Namespace>,
        hidden: &[&Path],
    ) -> Node {
        self.nodes_made += 1;
        let number = self.nodes_made;
        Node {
            number,
            host: self.host_of(number),
            folder: self.folder.path().join(number.to_string()),
            cpus,
            resources: resources.clone(),
            namespace,
            hidden: hidden.iter().map(|path| path.to_path_buf()).collect(),
            raylet: 0,
        }
    }

    /// The address of a node. Those without a network are of this cluster alone, as its port is.
    fn host_of(&self, number: u8) -> String {
        match &self.network {
            Some(network) => network.address(number),
            None => format!("127.{}.{}.{number}", self.port >> 8, self.port & 255),
        }
    }

    fn launch(&self, mut node: Node) -> Node {
        fs::create_dir_all(&node.folder).unwrap();
        let log = node.folder.join("start.log");
        let output = fs::File::create(&log).unwrap();
        let ray = program("ray");
        let mut command = match &node.namespace {
            Some(namespace) => namespace.command(&ray, &node.hidden),
            None => Command::new(ray),
        };
        command
            .args(["start", "--node-ip-address", &node.host])
            .args(["--num-cpus", &node.cpus.to_string()])
            .args(["--resources", &node.resources.to_string()])
            .args(["--object-store-memory", "100000000"])
            .arg("--temp-dir")
            .arg(&node.folder)
            .args(["--dashboard-agent-listen-port", "0"])
            // It copies lines of workers to drivers, which want none. The dashboard reads the files themselves.
            .arg("--include-log-monitor=false")
            .args(["--log-style", "record", "--log-color", "false"]);
        if node.number == 1 {
            command
                .args(["--head", "--port", &self.port.to_string()])
                .args(["--ray-client-server-port", &self.client_port.to_string()])
                .arg(format!("--include-dashboard={}", self.wanted.dashboard))
                .args(["--dashboard-host", "127.0.0.1"])
                .args(["--dashboard-port", &self.dashboard_port.to_string()]);
        } else {
            command.args(["--address", &self.address()]);
        }
        let status = command
            .current_dir(&node.folder)
            .envs(self.environment())
            .env(CLUSTER_MARK, &self.mark)
            .env(NODE_MARK, node.mark(&self.mark))
            .env_remove("VIRTUAL_ENV")
            .process_group(0)
            .stdin(Stdio::null())
            .stdout(output.try_clone().unwrap())
            .stderr(output)
            .status()
            .unwrap();
        let said = fs::read_to_string(&log).unwrap();
        assert!(status.success(), "ray start: {status}\n{said}");
        node.raylet = self
            .processes(&node)
            .into_iter()
            .find(|process| {
                fs::read_to_string(format!("/proc/{process}/comm"))
                    .is_ok_and(|name| name.trim_end() == "raylet")
            })
            .unwrap_or_else(|| panic!("no raylet is there\n{said}"));
        node
    }
}

impl Node {
    /// The address of the node, its `NodeManagerAddress` to Ray.
    pub fn host(&self) -> &str {
        &self.host
    }

    /// The process that is the node to Ray.
    pub fn raylet(&self) -> u32 {
        self.raylet
    }

    /// The network namespace of its own, if it has one: a file.
    pub fn namespace(&self) -> Option<PathBuf> {
        let namespace = self.namespace.as_ref()?;
        Some(Path::new("/run/netns").join(namespace.name()))
    }

    /// Whether its raylet still runs.
    pub fn runs(&self) -> bool {
        is_running(self.raylet)
    }

    /// Waits until its raylet has ended.
    pub fn wait_until_ended(&self) -> Duration {
        let begin = Instant::now();
        while self.runs() {
            assert!(begin.elapsed() < PATIENCE, "the raylet does not end");
            std::thread::sleep(Duration::from_millis(20));
        }
        begin.elapsed()
    }

    /// Pulls the cable between this node and all others.
    pub fn cut(&self) {
        self.namespace.as_ref().expect("a network").cut();
    }

    /// Puts the cable back. A raylet that was taken for dead meanwhile ends when it learns that; see
    /// [`Cluster::revive`].
    pub fn heal(&self) {
        self.namespace.as_ref().expect("a network").heal();
    }

    fn mark(&self, cluster: &str) -> String {
        format!("{cluster}/{}", self.number)
    }
}

/// A program of the environment that `scripts/ray.sh` makes beside what cargo builds.
fn program(name: &str) -> PathBuf {
    Path::new(env!("CARGO_BIN_EXE_noodle2"))
        .ancestors()
        .map(|folder| folder.join("ray/bin").join(name))
        .find(|path| path.exists())
        .expect("Ray is not there: please run scripts/ray.sh")
}

/// Ports that nobody listens on, each another.
fn free_ports<const COUNT: usize>() -> [u16; COUNT] {
    let listeners: [_; COUNT] = std::array::from_fn(|_| TcpListener::bind("0.0.0.0:0").unwrap());
    listeners.map(|listener| listener.local_addr().unwrap().port())
}

/// Python for whether each node at an address is alive.
fn alive_at(host: &str) -> String {
    format!("n['Alive'] for n in ray.nodes() if n['NodeManagerAddress'] == '{host}'")
}

/// The processes with a mark, and those that work in a folder: Ray overwrites the environment of its agents.
fn processes(mark: &str, folder: &Path) -> Vec<u32> {
    let variable = format!("{NODE_MARK}={mark}");
    let mut found: Vec<u32> = fs::read_dir("/proc")
        .unwrap()
        .filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok())
        .filter(|process: &u32| {
            let own = Path::new("/proc").join(process.to_string());
            fs::read_link(own.join("cwd")).is_ok_and(|cwd| cwd.starts_with(folder))
                || fs::read(own.join("environ")).is_ok_and(|all| {
                    all.split(|byte| *byte == 0)
                        .any(|one| one == variable.as_bytes())
                })
        })
        .collect();
    found.sort_unstable();
    found
}

/// Kills processes, and waits until none of them runs.
fn end(processes: Vec<u32>) {
    if processes.is_empty() {
        return;
    }
    let ids = processes.iter().map(u32::to_string);
    // One may have ended by itself just now.
    Command::new("kill")
        .arg("-KILL")
        .args(ids)
        .stderr(Stdio::null())
        .status()
        .unwrap();
    let begin = Instant::now();
    while processes.iter().any(|process| is_running(*process)) {
        assert!(begin.elapsed() < PATIENCE, "a killed process does not end");
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// Whether a process is there and no zombie, which only waits for somebody to look at how it ended.
fn is_running(process: u32) -> bool {
    fs::read_to_string(format!("/proc/{process}/stat"))
        .ok()
        .and_then(|stat| stat.rsplit_once(") ")?.1.chars().next())
        .is_some_and(|state| state != 'Z' && state != 'X')
}
