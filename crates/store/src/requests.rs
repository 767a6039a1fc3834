//! What people ask of a run while a controller holds it: requests on their way into the journal.
//!
//! A run has one writer. Whoever else wants something recorded drops a request into the run's folder
//! `requests`, whole or not at all; the controller takes it in, journals what comes of it, leaves an answer for
//! whoever waits, and removes the request. One that is dropped while no controller is at work stays until the run
//! is resumed. A request that was journalled, but not removed before a kill, is met again and answered again.

use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use noodle2_model::ContentHash;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::artifacts::open_regular;
use crate::files::{IoContext, create_folder, is_temporary, sorted_entries, write_atomic};
use crate::lock::host_name;
use crate::{RunFolder, StoreError};

const REQUEST: &str = ".request.json";
const ANSWER: &str = ".answer.json";
/// No request of ours is larger.
const MAX_BYTES: u64 = 64 * 1024;
/// How often a request is dropped again whose unfinished file was swept away by a controller that just began.
const MAX_TRIES: usize = 5;

/// A person's answer to a stage that waits for approval.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ApprovalRequest {
    /// [`ApprovalRequest::SCHEMA_VERSION`].
    pub schema_version: u32,
    /// The name of the stage.
    pub stage: String,
    /// Whether the stage is approved; refused otherwise.
    pub approves: bool,
    /// The name of the person.
    pub by: String,
    /// What the person says of it.
    pub note: String,
    /// The evidence that lay before the person.
    pub evidence: ContentHash,
    /// When the person answered.
    pub asked_at: Timestamp,
    /// Until when somebody waits to hear what came of it; absent where nobody does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub awaited_until: Option<Timestamp>,
}

impl ApprovalRequest {
    /// The version of this shape.
    pub const SCHEMA_VERSION: u32 = 1;
}

/// What came of a request.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct RequestAnswer {
    /// Whether it is in the journal.
    pub taken: bool,
    /// What came of it, in words.
    pub message: String,
}

/// The name of a request within its folder.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct RequestId(String);

/// A request with what it says, or why that cannot be read.
pub type WaitingRequest = (RequestId, Result<ApprovalRequest, StoreError>);

/// The requests to a run.
#[derive(Clone, Debug)]
pub struct RequestSpool {
    folder: PathBuf,
}

impl RequestSpool {
    /// The requests to the run in `folder`.
    pub fn of(folder: &RunFolder) -> Self {
        Self {
            folder: folder.requests(),
        }
    }

    /// Makes the folder, and removes answers that nobody fetched. For a controller that begins.
    ///
    /// # Errors
    /// [`StoreError::Io`], [`StoreError::DiskFull`].
    pub fn prepare(&self) -> Result<(), StoreError> {
        create_folder(&self.folder)?;
        for (path, _) in sorted_entries(&self.folder)? {
            if name_of(&path).ends_with(ANSWER) {
                remove(&path)?;
            }
        }
        Ok(())
    }

    /// Drops a request.
    ///
    /// # Errors
    /// [`StoreError::Io`], [`StoreError::DiskFull`].
    pub fn drop_request(&self, request: &ApprovalRequest) -> Result<RequestId, StoreError> {
        let text = json(request, &self.folder)?;
        let process = std::process::id();
        let unique = ContentHash::of(format!("{} {process} {text}", host_name())).short();
        let id = RequestId(format!(
            "{:020}-{unique}",
            request.asked_at.as_microsecond()
        ));
        let path = self.path(&id, REQUEST);
        for _ in 1..MAX_TRIES {
            create_folder(&self.folder)?;
            match write_atomic(&path, &text) {
                // A controller that begins removes the unfinished files of the one before it.
                Err(StoreError::Io { cause, .. })
                    if cause.kind() == std::io::ErrorKind::NotFound => {}
                other => return other.map(|()| id),
            }
        }
        write_atomic(&path, &text).map(|()| id)
    }

    /// The requests that wait, oldest first; one that cannot be read with the reason.
    ///
    /// # Errors
    /// [`StoreError::Io`] when the folder cannot be listed.
    pub fn waiting(&self) -> Result<Vec<WaitingRequest>, StoreError> {
        if !self.folder.is_dir() {
            return Ok(Vec::new());
        }
        let entries = sorted_entries(&self.folder)?.into_iter();
        let requests = entries.filter_map(|(path, _)| {
            if path.file_name().is_some_and(is_temporary) {
                return None;
            }
            let id = RequestId(name_of(&path).strip_suffix(REQUEST)?.to_owned());
            let request = read(&path, "request to approve a stage");
            Some((id, request))
        });
        Ok(requests.collect())
    }

    /// Removes a request, after leaving the answer for somebody who waits for it.
    ///
    /// # Errors
    /// [`StoreError::Io`], [`StoreError::DiskFull`]; the request may then be there still.
    pub fn settle(&self, id: &RequestId, answer: Option<&RequestAnswer>) -> Result<(), StoreError> {
        if let Some(answer) = answer {
            let path = self.path(id, ANSWER);
            write_atomic(&path, json(answer, &path)?)?;
        }
        remove(&self.path(id, REQUEST))
    }

    /// The answer to a request, which is removed; `None` while there is none.
    ///
    /// # Errors
    /// [`StoreError::Io`], [`StoreError::Malformed`].
    pub fn take_answer(&self, id: &RequestId) -> Result<Option<RequestAnswer>, StoreError> {
        let path = self.path(id, ANSWER);
        if !path.exists() {
            return Ok(None);
        }
        let answer = read(&path, "answer to a request")?;
        remove(&path)?;
        Ok(Some(answer))
    }

    fn path(&self, id: &RequestId, ending: &str) -> PathBuf {
        self.folder.join(format!("{}{ending}", id.0))
    }
}

fn name_of(path: &Path) -> std::borrow::Cow<'_, str> {
    path.file_name().unwrap_or_default().to_string_lossy()
}

fn json(value: &impl Serialize, path: &Path) -> Result<String, StoreError> {
    serde_json::to_string_pretty(value)
        .map(|text| text + "\n")
        .map_err(std::io::Error::from)
        .context("describe what goes to", path)
}

fn read<T: DeserializeOwned>(path: &Path, expected: &'static str) -> Result<T, StoreError> {
    let malformed = |reason: String| StoreError::Malformed {
        path: path.to_owned(),
        expected,
        reason,
    };
    let mut text = Vec::new();
    open_regular(path)?
        .take(MAX_BYTES + 1)
        .read_to_end(&mut text)
        .context("read", path)?;
    if text.len() as u64 > MAX_BYTES {
        return Err(malformed("it is too long".to_owned()));
    }
    serde_json::from_slice(&text).map_err(|error| malformed(error.to_string()))
}

/// Removes a file; one that is gone already is as wanted.
fn remove(path: &Path) -> Result<(), StoreError> {
    match fs::remove_file(path) {
        Err(cause) if cause.kind() == std::io::ErrorKind::NotFound => Ok(()),
        other => other.context("remove", path),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spool() -> (tempfile::TempDir, RequestSpool) {
        let folder = tempfile::tempdir().unwrap();
        let run = RunFolder::create(&folder.path().join("run")).unwrap();
        (folder, RequestSpool::of(&run.folder))
    }

    fn request(by: &str, microsecond: i64) -> ApprovalRequest {
        ApprovalRequest {
            schema_version: ApprovalRequest::SCHEMA_VERSION,
            stage: "timing".to_owned(),
            approves: true,
            by: by.to_owned(),
            note: "line\nline".to_owned(),
            evidence: ContentHash::of("evidence"),
            asked_at: Timestamp::from_microsecond(microsecond).unwrap(),
            awaited_until: None,
        }
    }

    #[test]
    fn requests_are_met_in_order_answered_and_gone() {
        let (_folder, spool) = spool();
        assert!(spool.waiting().unwrap().is_empty());
        let second = spool.drop_request(&request("bob", 2_000)).unwrap();
        let first = spool.drop_request(&request("ann", 1_000)).unwrap();
        let waiting = spool.waiting().unwrap();
        let ids: Vec<_> = waiting.iter().map(|(id, _)| id).collect();
        assert_eq!(ids, [&first, &second]);
        assert_eq!(*waiting[0].1.as_ref().unwrap(), request("ann", 1_000));
        assert_eq!(spool.take_answer(&first).unwrap(), None);
        let answer = RequestAnswer {
            taken: true,
            message: "approved".to_owned(),
        };
        spool.settle(&first, Some(&answer)).unwrap();
        assert_eq!(spool.waiting().unwrap().len(), 1);
        assert_eq!(spool.take_answer(&first).unwrap(), Some(answer.clone()));
        assert_eq!(spool.take_answer(&first).unwrap(), None);
        // An answer that nobody fetches goes with the next controller; a request stays.
        spool.settle(&second, Some(&answer)).unwrap();
        spool.drop_request(&request("eve", 3_000)).unwrap();
        spool.prepare().unwrap();
        assert_eq!(spool.take_answer(&second).unwrap(), None);
        assert_eq!(spool.waiting().unwrap().len(), 1);
    }

    #[test]
    fn what_is_no_request_is_told_and_nothing_else_is_looked_at() {
        let (_folder, spool) = spool();
        spool.prepare().unwrap();
        let write = |name: &str, text: &str| fs::write(spool.folder.join(name), text).unwrap();
        write("notes.txt", "precious");
        write(".noodle2-tmp-x.request.json", "{");
        write("1.request.json", "{}");
        write("2.request.json", &"x".repeat(100_000));
        std::os::unix::fs::symlink("/dev/zero", spool.folder.join("3.request.json")).unwrap();
        let waiting = spool.waiting().unwrap();
        assert_eq!(waiting.len(), 3);
        for (id, request) in waiting {
            assert!(request.is_err(), "{id:?}");
            spool.settle(&id, None).unwrap();
            assert_eq!(spool.take_answer(&id).unwrap(), None);
        }
        assert!(spool.waiting().unwrap().is_empty());
        assert!(spool.folder.join("notes.txt").exists());
    }
}
