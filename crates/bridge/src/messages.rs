//! The messages of both protocols. What is opaque to the bridge is a JSON value here.

use std::collections::BTreeMap;
use std::path::PathBuf;

use noodle2_model::{AttemptId, ContentHash};
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// Attempts travel in their text form.
mod as_text {
    use noodle2_model::AttemptId;
    use serde::{Deserialize, Deserializer, Serializer, de::Error};

    pub fn serialize<S: Serializer>(attempt: &AttemptId, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(attempt)
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<AttemptId, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(D::Error::custom)
    }
}

/// The version of both protocols.
pub const PROTOCOL: u32 = 1;

/// A file of the controller's machine that runners may ask for; or one that a runner asks for, with the place on its
/// node where it is to lie.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
pub struct GivenFile {
    /// Its content.
    pub hash: ContentHash,
    /// Where it lies, or is to lie.
    pub path: PathBuf,
}

/// A file that an attempt left.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct LeftFile {
    /// Relative to the folder of the attempt, with `/` between its parts.
    pub path: String,
    /// Its content.
    pub hash: ContentHash,
}

/// A symbolic link that an attempt left.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct LeftLink {
    /// Relative to the folder of the attempt.
    pub path: String,
    /// What it points to, as text.
    pub target: String,
}

/// What one trial needs of a node.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
pub struct ResourceRequest {
    /// Processors.
    pub cpus: f64,
    /// Memory in bytes; `None` asks for none in particular.
    pub memory_bytes: Option<u64>,
    /// Resources of the cluster's own, by name.
    pub resources: BTreeMap<String, f64>,
}

/// What the controller says to the bridge.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum ToBridge {
    /// Connect, and serve a run. The first message.
    Hello {
        /// [`PROTOCOL`].
        protocol: u32,
        /// The version of the controller.
        noodle2_version: String,
        /// The address of the cluster; `None` takes the one that the environment names, or that runs on this machine.
        address: Option<String>,
        /// Whether an address that others can reach is taken without any token.
        allow_insecure: bool,
        /// The mark of the run: letters and digits.
        run: String,
        /// The name of the study.
        study: String,
        /// The run's weight beside others.
        weight: f64,
        /// What each trial needs.
        request: ResourceRequest,
        /// How many slots it may have at most.
        most_slots: Option<u32>,
        /// The folder that nodes keep files in; `None` takes one below their folder of temporary files.
        scratch: Option<PathBuf>,
        /// The program that nodes run, on the controller's machine.
        runner: PathBuf,
        /// What runners need to know of the run.
        header: Value,
        /// The files that runners may ask for in any attempt.
        files: Vec<GivenFile>,
    },
    /// Carry an attempt out.
    Submit {
        /// The attempt.
        #[serde(with = "as_text")]
        attempt: AttemptId,
        /// What it is called in the cluster.
        name: String,
        /// Attempts of the same text begin alike.
        affinity: String,
        /// Seconds to wait before it may begin.
        delay_s: f64,
        /// What the runner needs to know of it.
        order: Value,
        /// The files that it may ask for.
        files: Vec<GivenFile>,
        /// Where its files are to be written; `None` where its runner writes them there itself.
        folder: Option<PathBuf>,
        /// Where its files will lie, for people.
        place: String,
    },
    /// End an attempt.
    Cancel {
        /// The attempt.
        #[serde(with = "as_text")]
        attempt: AttemptId,
        /// At once, without grace.
        kill: bool,
    },
    /// End everything.
    Stop,
}

/// How a node stands.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NodeEvent {
    /// It came.
    Joined,
    /// It is gone.
    Lost,
    /// It cannot run this study.
    Refused,
}

/// How much a line of the log matters.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LogLevel {
    /// It is good to know.
    Info,
    /// Somebody should do something.
    Warning,
}

/// What the bridge says to the controller.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum FromBridge {
    /// It serves. The first message, unless it refuses.
    Connected {
        /// [`PROTOCOL`], as the bridge has it.
        protocol: u32,
        /// The version of the bridge.
        bridge_version: String,
        /// The version of Ray.
        ray_version: String,
        /// The version of Python.
        python_version: String,
        /// The address of the cluster.
        address: String,
        /// The address of its dashboard in the web.
        dashboard: Option<String>,
        /// How many nodes live.
        nodes: u32,
    },
    /// It will not serve.
    Refused {
        /// A stable code.
        code: String,
        /// Why.
        message: String,
        /// What to do.
        help: String,
    },
    /// How much it takes.
    Capacity {
        /// Slots that are there.
        slots: u32,
        /// Attempts that are taken at once.
        offered: u32,
        /// Nodes that live.
        nodes: u32,
    },
    /// It is alive.
    Heartbeat {
        /// Attempts that wait for a slot.
        queued: u32,
        /// Attempts that run.
        running: u32,
        /// Slots that wait for a node.
        pending: u32,
    },
    /// A slot has begun with an attempt.
    Started {
        /// The attempt.
        #[serde(with = "as_text")]
        attempt: AttemptId,
        /// The node, as the cluster calls it.
        node: String,
        /// The name of its machine, where it is known.
        #[serde(default)]
        host: Option<String>,
        /// The number of the slot, which no other slot of the same bridge has.
        #[serde(default)]
        slot: Option<u32>,
    },
    /// An attempt came to its end.
    Result {
        /// The attempt.
        #[serde(with = "as_text")]
        attempt: AttemptId,
        /// The node.
        node: String,
        /// The name of its machine, where it is known.
        #[serde(default)]
        host: Option<String>,
        /// What the runner says of it.
        result: Value,
        /// Its files.
        files: Vec<LeftFile>,
        /// Its links.
        links: Vec<LeftLink>,
    },
    /// An attempt will never come to its end.
    Lost {
        /// The attempt.
        #[serde(with = "as_text")]
        attempt: AttemptId,
        /// The node that had it, if any.
        #[serde(default)]
        node: Option<String>,
        /// The name of its machine.
        #[serde(default)]
        host: Option<String>,
        /// Why.
        message: String,
        /// Whether the whole cluster is gone.
        cluster: bool,
    },
    /// A node came or went.
    Node {
        /// Which of both.
        event: NodeEvent,
        /// The node.
        node: String,
        /// The name of its machine, where it is known.
        #[serde(default)]
        host: Option<String>,
        /// A stable code, where it was refused.
        #[serde(default)]
        code: Option<String>,
        /// For people.
        message: String,
    },
    /// A line for people.
    Log {
        /// How much it matters.
        level: LogLevel,
        /// The line.
        message: String,
    },
    /// The cluster cannot be reached any more, and the bridge ends.
    Gone {
        /// Why.
        message: String,
    },
}

/// What a slot says to its runner.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum ToRunner {
    /// Prepare for a run. The first message.
    Open {
        /// [`PROTOCOL`], as the slot has it.
        protocol: u32,
        /// What the controller says of the run.
        header: Value,
        /// The folder of this node that files are kept in.
        scratch: PathBuf,
        /// The name of the slot, unique on its node.
        slot: String,
        /// How many slots the node may have.
        slots_on_node: u32,
    },
    /// What was asked for is there.
    Have,
    /// Carry an attempt out.
    Order {
        /// The attempt.
        #[serde(with = "as_text")]
        attempt: AttemptId,
        /// What the controller says of it.
        order: Value,
    },
    /// End an attempt.
    Cancel {
        /// The attempt.
        #[serde(with = "as_text")]
        attempt: AttemptId,
        /// At once, without grace.
        kill: bool,
    },
    /// The files of an attempt were taken.
    Forget {
        /// The attempt.
        #[serde(with = "as_text")]
        attempt: AttemptId,
    },
}

/// What a runner says to its slot.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum FromRunner {
    /// These files are to be written.
    Needs {
        /// What, and where to.
        files: Vec<GivenFile>,
    },
    /// It can carry orders out.
    Ready {
        /// Its version.
        noodle2_version: String,
    },
    /// It cannot run this study here, and ends.
    Refused {
        /// A stable code.
        code: String,
        /// Why.
        message: String,
        /// What to do.
        help: String,
    },
    /// An attempt came to its end.
    Done {
        /// The attempt.
        #[serde(with = "as_text")]
        attempt: AttemptId,
        /// What came of it.
        result: Value,
        /// What it came to, for people.
        said: String,
        /// Whether that is a failure.
        failed: bool,
        /// Where its files lie; `None` where they are to stay.
        folder: Option<PathBuf>,
        /// Its files.
        files: Vec<LeftFile>,
        /// Its links.
        links: Vec<LeftLink>,
    },
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn messages_are_written_as_the_protocol_says() {
        let submit = json!({
            "type": "submit", "attempt": "2_14.1", "name": "s/c/e", "affinity": "a", "delay_s": 0.5,
            "order": {"any": 1}, "files": [], "folder": null, "place": "h:/f",
        });
        let read: ToBridge = serde_json::from_value(submit.clone()).unwrap();
        assert_eq!(serde_json::to_value(&read).unwrap(), submit);
        // A node that was gone before anybody had looked at it has no name.
        let nameless = json!({"type": "started", "attempt": "2_14.1", "node": "n", "host": null});
        let read: FromBridge = serde_json::from_value(nameless).unwrap();
        let without = FromBridge::Started {
            attempt: "2_14.1".parse().unwrap(),
            node: "n".to_owned(),
            host: None,
            slot: None,
        };
        assert_eq!(format!("{read:?}"), format!("{without:?}"));
        let numbered =
            json!({"type": "started", "attempt": "2_14.1", "node": "n", "host": "h", "slot": 7});
        let read: FromBridge = serde_json::from_value(numbered).unwrap();
        assert!(matches!(read, FromBridge::Started { slot: Some(7), .. }));
        let lost = json!({"type": "lost", "attempt": "2_14.1", "message": "m", "cluster": false, "new": 1});
        let read: FromBridge = serde_json::from_value(lost).unwrap();
        assert!(matches!(
            read,
            FromBridge::Lost {
                node: None,
                cluster: false,
                ..
            }
        ));
        for wrong in [
            json!({"type": "lot"}),
            json!({"type": "cancel", "attempt": "2", "kill": true}),
        ] {
            assert!(
                serde_json::from_value::<ToRunner>(wrong.clone()).is_err(),
                "{wrong}"
            );
        }
    }
}
