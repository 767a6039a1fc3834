//! By what means this system lets us limit a command.

use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use crate::cgroup::Cgroup;

/// The group into which this process moves when its own is to be divided among commands: a group with processes of
/// its own cannot hand controllers down.
const OWN_LEAF: &str = "noodle2-controller";

/// By what means this system lets us limit a command.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Containment {
    /// A control group per command: the kernel limits the memory of all its processes together.
    ControlGroups {
        /// The group below which they are made.
        parent: PathBuf,
    },
    /// Limits per process, and a sampler that adds up the processes of a command.
    ResourceLimits {
        /// Why there are no control groups.
        reason: String,
    },
}

impl Containment {
    /// What this system allows, found by trying, once for the life of the program.
    ///
    /// Where the program's own control group was delegated to it and holds nothing else, it is moved into a leaf of
    /// that group (as `systemd-run --user --scope -p Delegate=yes` allows).
    pub fn detect() -> &'static Self {
        static FOUND: OnceLock<Containment> = OnceLock::new();
        FOUND.get_or_init(|| match delegated_group() {
            Ok(parent) => Self::ControlGroups { parent },
            Err(reason) => Self::ResourceLimits { reason },
        })
    }

    /// The group below which a command's group is to be made.
    pub(crate) fn parent_group(&self) -> Option<&Path> {
        match self {
            Self::ControlGroups { parent } => Some(parent),
            Self::ResourceLimits { .. } => None,
        }
    }
}

impl fmt::Display for Containment {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::ControlGroups { parent } => {
                write!(formatter, "control groups below {}", parent.display())
            }
            Self::ResourceLimits { reason } => {
                write!(formatter, "resource limits and sampling ({reason})")
            }
        }
    }
}

/// The cgroup v2 folder of this process.
pub(crate) fn own_group() -> Option<PathBuf> {
    let mounts = fs::read_to_string("/proc/self/mountinfo").ok()?;
    let groups = fs::read_to_string("/proc/self/cgroup").ok()?;
    locate(&mounts, &groups)
}

/// Where a process with these mounts and memberships finds its cgroup v2 folder (proc(5), cgroups(7)).
fn locate(mounts: &str, groups: &str) -> Option<PathBuf> {
    let path = groups.lines().find_map(|line| line.strip_prefix("0::"))?;
    let (root, mount_point) = mounts.lines().find_map(|line| {
        let (mount, filesystem) = line.split_once(" - ")?;
        if filesystem.split(' ').next()? != "cgroup2" {
            return None;
        }
        let mut fields = mount.split(' ').skip(3);
        Some((fields.next()?, fields.next()?))
    })?;
    let below_root = Path::new(path).strip_prefix(root).ok()?;
    Some(Path::new(mount_point).join(below_root))
}

fn delegated_group() -> Result<PathBuf, String> {
    let group = own_group().ok_or("no cgroup v2 is mounted")?;
    let offered = words(&group.join("cgroup.controllers"));
    for needed in ["memory", "pids"] {
        if !offered.iter().any(|controller| controller == needed) {
            return Err(format!("{} has no {needed} controller", group.display()));
        }
    }
    hand_down(&group).map_err(|reason| format!("{}: {reason}", group.display()))?;
    Cgroup::create(&group, u64::MAX)
        .and_then(|trial| trial.entrance().map(drop))
        .map_err(|error| format!("no group can be made below {}: {error}", group.display()))?;
    Ok(group)
}

/// Makes the memory and pids controllers available to groups below `group`.
fn hand_down(group: &Path) -> Result<(), String> {
    let subtree = group.join("cgroup.subtree_control");
    let enabled = words(&subtree);
    if ["memory", "pids"]
        .iter()
        .all(|needed| enabled.iter().any(|controller| controller == needed))
    {
        return Ok(());
    }
    let members = words(&group.join("cgroup.procs"));
    let own_id = std::process::id().to_string();
    if members.iter().any(|member| *member != own_id) {
        return Err("it is shared with other processes".to_owned());
    }
    let leaf = group.join(OWN_LEAF);
    let moved = match fs::create_dir(&leaf) {
        Err(error) if error.kind() != std::io::ErrorKind::AlreadyExists => Err(error),
        _ => fs::write(leaf.join("cgroup.procs"), "0"),
    };
    moved.map_err(|error| format!("it is not delegated to this user: {error}"))?;
    fs::write(&subtree, "+memory +pids").map_err(|error| {
        // Back to where we came from, so that a refusal leaves all as it was.
        let _ = fs::write(group.join("cgroup.procs"), "0");
        let _ = fs::remove_dir(&leaf);
        format!("its controllers cannot be handed down: {error}")
    })
}

fn words(file: &Path) -> Vec<String> {
    let text = fs::read_to_string(file).unwrap_or_default();
    text.split_ascii_whitespace().map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const UNIFIED: &str =
        "29 23 0:26 / /sys/fs/cgroup rw,nosuid shared:9 - cgroup2 cgroup2 rw,nsdelegate\n";

    #[test]
    fn the_own_group_is_found_below_the_mount() {
        let found = locate(UNIFIED, "0::/user.slice/run-7.scope\n");
        assert_eq!(found, Some("/sys/fs/cgroup/user.slice/run-7.scope".into()));
    }

    #[test]
    fn a_mount_of_a_part_of_the_hierarchy_is_understood() {
        let mounts = "41 31 0:38 /box /sys/fs/cgroup rw,relatime - cgroup2 cgroup2 rw\n";
        assert_eq!(
            locate(mounts, "0::/box/inner\n"),
            Some("/sys/fs/cgroup/inner".into())
        );
        assert_eq!(locate(mounts, "0::/elsewhere\n"), None);
    }

    #[test]
    fn version_one_alone_is_no_group() {
        let mounts = "33 31 0:30 / /sys/fs/cgroup/memory rw,relatime - cgroup cgroup rw,memory\n";
        assert_eq!(locate(mounts, "4:memory:/a\n"), None);
        assert_eq!(locate(UNIFIED, "4:memory:/a\n"), None);
    }

    #[test]
    fn detection_gives_a_reason_or_a_usable_group() {
        match Containment::detect() {
            Containment::ControlGroups { parent } => {
                Cgroup::create(parent, 1 << 30).unwrap().entrance().unwrap();
            }
            Containment::ResourceLimits { reason } => assert!(!reason.is_empty()),
        }
    }
}
