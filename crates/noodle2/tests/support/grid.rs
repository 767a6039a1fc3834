//! Studies on a real Ray cluster.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use tempfile::TempDir;

use super::cluster::Cluster;
use super::{PATIENCE, digest, ends, finish, noodle2, text};

/// A cluster with a folder for studies and runs.
pub struct Grid {
    pub cluster: Cluster,
    pub folder: TempDir,
}

impl Grid {
    pub fn new(cluster: Cluster) -> Self {
        Self {
            cluster,
            folder: tempfile::tempdir().unwrap(),
        }
    }

    pub fn place(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// The folder that nodes keep their files in. To a node from which it is hidden it is another one.
    pub fn scratch(&self) -> PathBuf {
        self.place("scratch")
    }

    /// `noodle2` with what it needs to find the cluster.
    pub fn noodle2(&self, arguments: &[&str]) -> Command {
        let mut command = noodle2();
        command
            .args(arguments)
            .args(["--executor", "ray", "--ray-scratch"])
            .arg(self.scratch())
            .envs(self.cluster.environment())
            .env("NOODLE2_RAY_PYTHON", self.cluster.programs().join("python"));
        command
    }

    /// Runs a study on the cluster to its end, which must come with this status; returns stdout and stderr.
    pub fn ends(&self, status: i32, arguments: &[&str]) -> (String, String) {
        let (found, stdout, stderr) = finish(self.noodle2(arguments).output().unwrap());
        assert_eq!(found, status, "{arguments:?}: {stdout}\n{stderr}");
        (stdout, stderr)
    }

    /// Starts a run without waiting; what it says goes to the file `said` beside its folder.
    pub fn start(&self, arguments: &[&str], said: &Path) -> Child {
        let said = std::fs::File::create(said).unwrap();
        self.noodle2(arguments)
            .stdout(Stdio::null())
            .stderr(said)
            .spawn()
            .unwrap()
    }

    /// Begins a run of a study; `said` tells what it says.
    pub fn begin(&self, study: &Path, out: &Path, options: &[&str]) -> Child {
        let words = ["run", text(study), "--out", text(out)];
        self.start(&[&words[..], options].concat(), &said(out))
    }

    /// The run ended well, its record is whole, it came to the digest of `local`, and it left nothing behind.
    pub fn is_as_local(&self, out: &Path, local: &Path) {
        assert_eq!(digest(out), digest(local));
        self.is_sound(out);
    }

    /// The record of a run is whole, and nothing is left of it on the cluster.
    pub fn is_sound(&self, out: &Path) {
        ends(0, &["verify", text(out)]);
        self.is_clean();
    }

    /// No slot, runner or engine is left.
    pub fn is_clean(&self) {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let actors = self.cluster.actors();
            let processes = self.processes();
            if actors.is_empty() && processes.is_empty() {
                return;
            }
            assert!(Instant::now() < deadline, "left: {actors:?} {processes:?}");
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    /// Waits until an attempt is being carried out; returns the name of its slot.
    pub fn wait_for_attempt(&self, run: &mut Child, attempt: &str) -> String {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let work = self.scratch().join("work");
            for slot in std::fs::read_dir(&work).into_iter().flatten().flatten() {
                let folder = slot.path().join("attempts").join(attempt);
                let is_in = |id: &u32| {
                    std::fs::read_link(format!("/proc/{id}/cwd")).is_ok_and(|cwd| cwd == folder)
                };
                if self.processes().iter().any(|(id, _)| is_in(id)) {
                    return slot.file_name().into_string().unwrap();
                }
            }
            assert!(run.try_wait().unwrap().is_none(), "the run has ended");
            assert!(Instant::now() < deadline, "{attempt} does not begin");
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// The actor that is a slot.
    pub fn slot(&self, name: &str) -> super::cluster::Actor {
        let mut actors = self.cluster.actors().into_iter();
        actors.find(|actor| actor.name == name).unwrap()
    }

    /// The runner of a slot: it holds the lock of its folder.
    pub fn runner(&self, slot: &str) -> u32 {
        let lock = self.scratch().join("work").join(slot).join("lock");
        let holder = std::fs::read_to_string(lock).unwrap();
        let holder: serde_json::Value = serde_json::from_str(&holder).unwrap();
        u32::try_from(holder["pid"].as_u64().unwrap()).unwrap()
    }

    /// Runners of this grid, and everything that they started: by the folder that they work in.
    pub fn processes(&self) -> Vec<(u32, String)> {
        let entries = std::fs::read_dir("/proc").unwrap();
        let ids = entries.filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok());
        ids.filter_map(|id: u32| {
            let folder = std::fs::read_link(format!("/proc/{id}/cwd")).ok()?;
            let command = std::fs::read(format!("/proc/{id}/cmdline")).ok()?;
            let command = String::from_utf8_lossy(&command).replace('\0', " ");
            let is_ours = folder.starts_with(self.scratch()) && !command.is_empty();
            is_ours.then_some((id, command))
        })
        .collect()
    }

    /// Waits until the cluster runs so many slots of a run that goes on.
    pub fn wait_for_slots(&self, run: &mut Child, count: usize) -> Vec<super::cluster::Actor> {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let mut actors = self.cluster.actors();
            actors.retain(|actor| actor.name.contains("-slot-") && actor.state == "ALIVE");
            if actors.len() >= count {
                return actors;
            }
            assert!(run.try_wait().unwrap().is_none(), "the run has ended");
            assert!(Instant::now() < deadline, "{actors:?}");
            std::thread::sleep(Duration::from_millis(50));
        }
    }
}

/// Where a run that was begun says what it says.
pub fn said(out: &Path) -> PathBuf {
    out.with_extension("said")
}

/// Waits until a run has said something.
pub fn wait_until_said(child: &mut Child, out: &Path, wanted: &str) {
    let deadline = Instant::now() + PATIENCE;
    loop {
        let found = std::fs::read_to_string(said(out)).unwrap_or_default();
        if found.contains(wanted) {
            return;
        }
        assert!(child.try_wait().unwrap().is_none(), "it ended: {found}");
        assert!(Instant::now() < deadline, "`{wanted}` is not said: {found}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// Kills a process at once.
pub fn kill(process: u32) {
    let id = process.to_string();
    Command::new("kill").args(["-KILL", &id]).status().unwrap();
}

/// The machines that carried attempts out, by their provenance; and whether any was forked.
pub fn provenances(run: &Path) -> Vec<serde_json::Value> {
    let mut found = Vec::new();
    for case in std::fs::read_dir(run.join("trials")).unwrap() {
        for attempt in std::fs::read_dir(case.unwrap().path()).unwrap() {
            let path = attempt.unwrap().path().join("provenance.json");
            if let Ok(text) = std::fs::read_to_string(path) {
                found.push(serde_json::from_str(&text).unwrap());
            }
        }
    }
    found
}
