//! A network of a cluster's own on this machine: a bridge, and nodes behind it in network namespaces.

use std::path::Path;
use std::process::{Command, Stdio};

use super::keeper::Keeper;

/// Whether this process may make networks: it needs to be root, with `ip` of iproute2. Says `SKIPPED` out loud where
/// it may not.
pub fn can_make_networks() -> bool {
    let probe = format!("n2probe{}", std::process::id());
    let may = ip(&["link", "add", &probe, "type", "bridge"]).is_ok()
        && ip(&["netns", "add", &probe]).is_ok();
    ip(&["netns", "del", &probe]).ok();
    ip(&["link", "del", &probe]).ok();
    if !may {
        eprintln!("SKIPPED: this needs a network of its own, which only root with `ip` can make");
    }
    may
}

/// A bridge with this machine at its first address.
pub struct Network {
    number: u8,
}

impl Network {
    /// Makes one whose addresses nobody uses here.
    pub fn make(keeper: &mut Keeper) -> Self {
        let used = ip(&["-o", "-4", "address"]).unwrap();
        let network = (0..=255)
            .map(|number| Self { number })
            .filter(|network| !used.contains(&network.prefix()))
            // Who makes the device first has the addresses.
            .find(|network| ip(&["link", "add", &network.bridge(), "type", "bridge"]).is_ok())
            .expect("no network is left; see `ip link`");
        keeper.remove_link(&network.bridge());
        network.own(1);
        ip(&["link", "set", &network.bridge(), "up"]).unwrap();
        network
    }

    /// The address of a node, and of this machine when it is the first.
    pub fn address(&self, node: u8) -> String {
        format!("{}{node}", self.prefix())
    }

    /// Gives this machine one more address, for a node that is not behind the network.
    pub fn own(&self, node: u8) {
        let address = format!("{}/24", self.address(node));
        ip(&["address", "add", &address, "dev", &self.bridge()]).unwrap();
    }

    /// A namespace that reaches this machine and the other nodes by its address only.
    pub fn namespace(&self, node: u8, keeper: &mut Keeper) -> Namespace {
        let namespace = Namespace {
            name: format!("n2c{}n{node}", self.number),
            link: format!("n2v{}n{node}", self.number),
        };
        let (name, link) = (&namespace.name, &namespace.link);
        keeper.remove_namespace(name);
        keeper.remove_link(link);
        let address = format!("{}/24", self.address(node));
        for step in [
            format!("netns add {name}"),
            format!("link add {link} type veth peer name eth0 netns {name}"),
            format!("link set {link} master {} up", self.bridge()),
            format!("-n {name} address add {address} dev eth0"),
            format!("-n {name} link set lo up"),
            format!("-n {name} link set eth0 up"),
        ] {
            ip(&step.split(' ').collect::<Vec<_>>()).unwrap();
        }
        namespace
    }

    fn prefix(&self) -> String {
        format!("10.213.{}.", self.number)
    }

    fn bridge(&self) -> String {
        format!("n2b{}", self.number)
    }
}

/// Where the processes of a node are that share no network with this machine but the bridge.
pub struct Namespace {
    name: String,
    link: String,
}

impl Namespace {
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Pulls the cable: nothing that is sent arrives, and nobody is told.
    pub fn cut(&self) {
        ip(&["link", "set", &self.link, "down"]).unwrap();
    }

    /// Puts the cable back.
    pub fn heal(&self) {
        ip(&["link", "set", &self.link, "up"]).unwrap();
    }

    /// A command within, to which each of the `hidden` folders is empty.
    pub fn command(&self, program: &Path, hidden: &[impl AsRef<Path>]) -> Command {
        // `ip netns exec` gives the command mounts of its own, so that these are seen by nobody else.
        const HIDE: &str = r#"while [ "$1" != -- ]; do mount -t tmpfs -o size=1g hidden "$1" || exit 1; shift; done
            shift; exec "$@""#;
        let mut command = Command::new("ip");
        command
            .args(["netns", "exec", &self.name, "sh", "-c", HIDE, "sh"])
            .args(hidden.iter().map(AsRef::as_ref))
            .arg("--")
            .arg(program);
        command
    }
}

/// Runs `ip`; returns what it printed, or what it complained of.
fn ip(arguments: &[&str]) -> Result<String, String> {
    let output = Command::new("ip")
        .args(arguments)
        .stdin(Stdio::null())
        .output()
        .map_err(|error| format!("ip: {error}"))?;
    if output.status.success() {
        return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
    }
    let complaint = String::from_utf8_lossy(&output.stderr);
    Err(format!("ip {}: {complaint}", arguments.join(" ")))
}
