//! What controller, bridge, slots and runners of a cluster say to each other: frames, and the messages in them, as
//! `docs/bridge-protocol.md` states them.
//!
//! Owns the two protocols and their version. Never starts a process, never decides anything, never looks into what it
//! carries for others.

mod frame;
mod messages;

pub use frame::{FrameError, MAX_FRAME_BYTES, read_frame, write_frame};
pub use messages::{
    FromBridge, FromRunner, GivenFile, LeftFile, LeftLink, LogLevel, NodeEvent, PROTOCOL,
    ResourceRequest, ToBridge, ToRunner,
};
