//! What Noodle 2 wrote itself, and what others answer it: read again after anything may have happened to it.

use std::path::Path;

use noodle2_bridge::{FromBridge, ToRunner, read_frame, write_frame};
use noodle2_cache::Entry;
use noodle2_model::{
    AttemptId, CaseName, ContentHash, Event, ExternalProposal, Metric, ParameterValue, TimeSpan,
    TrialId,
};
use noodle2_priors::Exchange;
use noodle2_store::{ApprovalRequest, ArtifactIndex, Provenance, fold_records};

use crate::Target;

pub(crate) const FRAMES: Target = Target {
    name: "frames",
    feed: frames,
    samples: || {
        let messages = [
            r#"{"type":"connected","protocol":1,"bridge_version":"0.1.0","ray_version":"2.60.0","python_version":"3.11.7","address":"127.0.0.1:6379","dashboard":null,"nodes":2}"#,
            r#"{"type":"result","attempt":"1_2.1","node":"n","host":"h","result":{},"files":[{"path":"a","hash":"af1349b9f5f9a1a6a0404dea36dcc9499bcb25c9adc112b7cc9a93cae41f3262"}],"links":[]}"#,
            r#"{"type":"order","attempt":"1_2.1","order":{"order":1}}"#,
            r#"{"type":"gone","message":"m"}"#,
        ];
        let framed =
            |text: &&str| [&(text.len() as u32).to_be_bytes()[..], text.as_bytes()].concat();
        let mut samples: Vec<Vec<u8>> = messages.iter().map(framed).collect();
        samples.push(samples.concat());
        samples
    },
};

/// Both ends that this program hears: of the bridge, and of a slot.
fn frames(bytes: &[u8]) {
    fn all<T: serde::de::DeserializeOwned + serde::Serialize + PartialEq + std::fmt::Debug>(
        bytes: &[u8],
    ) {
        let mut pipe = bytes;
        while let Ok(Some(message)) = read_frame::<T>(&mut pipe) {
            let mut written = Vec::new();
            write_frame(&mut written, &message).expect("what was read can be written");
            assert_eq!(
                read_frame(&mut written.as_slice()).ok(),
                Some(Some(message))
            );
        }
    }
    all::<FromBridge>(bytes);
    all::<ToRunner>(bytes);
}

pub(crate) const JOURNAL: Target = Target {
    name: "journal",
    feed: journal,
    samples: || {
        let events = [
            Event::RunResumed,
            Event::WorkersOffered {
                workers: 2,
                cluster: None,
            },
            Event::AttemptStarted {
                attempt: AttemptId {
                    trial: TrialId::BASE,
                    number: 1,
                },
            },
        ];
        let mut previous = ContentHash::from_bytes([0; 32]);
        let mut text = String::new();
        for (seq, event) in (1..).zip(&events) {
            let event = serde_json::to_string(event).expect("events are plain data");
            let body = format!(
                r#"{{"seq":{seq},"at":"2026-11-26T15:00:00.000000Z","previous":"{previous}","event":{event}"#
            );
            previous = ContentHash::of(&body);
            text += &format!("{body},\"hash\":\"{previous}\"}}\n");
        }
        vec![text.into_bytes(), Vec::new()]
    },
};

fn journal(bytes: &[u8]) {
    let mut seen = 0;
    let end = fold_records(bytes, Path::new("journal.ndjson"), |record| {
        seen += 1;
        assert_eq!(record.seq, seen);
        let text = serde_json::to_vec(&record.event).expect("what was read can be written");
        assert_eq!(Event::from_json(&text).ok(), Some(record.event));
    });
    if let Ok(end) = end {
        assert_eq!(end.records, seen);
        let tail = end.torn_tail.map_or(0, |tail| tail.bytes.len());
        assert!(tail <= bytes.len());
    }
    // A line by itself, whatever its seal says.
    let _ = Event::from_json(bytes);
}

pub(crate) const NAMES: Target = Target {
    name: "names",
    feed: names,
    samples: || {
        let texts = [
            "my_core_3_12",
            "3_12",
            "0_0",
            "1.5 h",
            "30m",
            "12345",
            "setup_wns_ps",
        ];
        texts.map(|text| text.as_bytes().to_vec()).into()
    },
};

/// A name has one spelling.
fn names(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else {
        return;
    };
    if let Ok(trial) = text.parse::<TrialId>() {
        assert_eq!(trial.to_string(), text);
    }
    if let Ok(case) = text.parse::<CaseName>() {
        assert_eq!(case.to_string(), text);
    }
    if let Ok(hash) = text.parse::<ContentHash>() {
        assert_eq!(hash.to_string(), text.to_lowercase());
    }
    if let Ok(span) = text.parse::<TimeSpan>() {
        assert_eq!(span.to_string().parse(), Ok(span));
    }
    let _ = Metric::from_name(text);
}

pub(crate) const PRIORS: Target = Target {
    name: "priors",
    feed: |bytes| drop(Exchange::read(bytes)),
    samples: || vec![br#"{"format":"noodle2-priors-1","runs":[],"observations":[]}"#.to_vec()],
};

pub(crate) const PROPOSALS: Target = Target {
    name: "proposals",
    feed: |bytes| {
        let _ = serde_json::from_slice::<Vec<ExternalProposal>>(bytes);
        let _ = serde_json::from_slice::<ParameterValue>(bytes);
    },
    samples: || {
        vec![br#"[{"eco":"resize","case":"core_0_0","parameters":{"paths":3,"share":0.5,"deep":true,"mode":"fast"}}]"#.to_vec()]
    },
};

pub(crate) const REQUEST: Target = Target {
    name: "request",
    feed: |bytes| {
        let _ = serde_json::from_slice::<ApprovalRequest>(bytes);
        let _ = serde_json::from_slice::<ArtifactIndex>(bytes);
        let _ = serde_json::from_slice::<Provenance>(bytes);
    },
    samples: || {
        vec![
            br#"{"schema_version":1,"stage":"timing","approves":true,"by":"bob","note":null,"evidence":null,"asked_at":"2026-11-26T15:00:00Z"}"#.to_vec(),
            br#"{"schema_version":1,"files":[{"path":"a","size":1,"blake3":"0","content_type":"text/plain"}]}"#.to_vec(),
        ]
    },
};

pub(crate) const RESULT_STORE: Target = Target {
    name: "result_store",
    feed: |bytes| {
        let _ = Entry::parse(bytes);
    },
    samples: || {
        let text = r#"{"schema_version":1,"files":[],"outcome":"no_effect"}"#;
        vec![format!("{}\n{text}\n", ContentHash::of(text)).into_bytes()]
    },
};
