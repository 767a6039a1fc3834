use std::fs;
use std::path::PathBuf;

use jiff::{SignedDuration, Timestamp};
use noodle2_model::{
    AttemptId, AttemptUsage, ContentHash, Event, Failure, FailureClass, Outcome, RunStatus,
    StageEnd, StageIndex, TrialId,
};
use proptest::prelude::*;

use super::read::parse;
use super::{GENESIS, JournalWriter, open_for_append, read_journal, record};
use crate::{Damage, StoreError};

fn trial(stage: u32, derived: u32) -> TrialId {
    TrialId {
        stage: StageIndex(stage),
        derived,
    }
}

/// Events of several shapes, with text that could be taken for the frame around it.
fn sample_events() -> Vec<Event> {
    let attempt = AttemptId {
        trial: trial(1, 2),
        number: 1,
    };
    vec![
        Event::RunResumed,
        Event::StageStarted {
            stage: StageIndex(0),
            inputs: Vec::new(),
            missing: vec![(
                StageIndex(3),
                "{\"seq\":7,\"hash\":\"\",\"event\":\n".to_owned(),
            )],
            vetoed: Vec::new(),
            extra_trials: vec![(StageIndex(2), 5)],
        },
        Event::AttemptStarted { attempt },
        Event::AttemptFinished {
            attempt,
            outcome: Box::new(Outcome::Failed(Failure {
                class: FailureClass::Segfault,
                tool_code: None,
                message: "µ \"quoted\" \u{0} line\r\nfeed".to_owned(),
                excerpt: String::new(),
            })),
            usage: AttemptUsage {
                wall_s: 0.1 + 0.2,
                cpu_s: 1e-7,
                peak_memory_bytes: Some(u64::MAX),
                disk_bytes: Some(u64::MAX - 1),
                waited_s: None,
                worker: Some(u32::MAX),
                forked: None,
            },
            cache: None,
        },
        Event::StageFinished {
            stage: StageIndex(0),
            end: StageEnd::Completed {
                fallback: None,
                survivors: vec![trial(1, 2).case("gcd")],
            },
        },
        Event::RunFinished {
            status: RunStatus::Completed,
            digest: ContentHash::of("digest"),
        },
    ]
}

fn time(microseconds: i64) -> Timestamp {
    Timestamp::UNIX_EPOCH + SignedDuration::from_micros(1_795_000_000_000_000 + microseconds)
}

fn timed(events: Vec<Event>) -> Vec<(Timestamp, Event)> {
    (0..).map(time).zip(events).collect()
}

/// The bytes of a journal that holds `events`.
fn journal_of(events: &[(Timestamp, Event)]) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut head = GENESIS;
    for (seq, (at, event)) in (1..).zip(events) {
        head = record::encode(&mut bytes, seq, *at, head, event).unwrap();
    }
    bytes
}

/// The byte at which each line begins.
fn line_starts(bytes: &[u8]) -> Vec<usize> {
    let ends = memchr::memchr_iter(b'\n', bytes).map(|end| end + 1);
    std::iter::once(0)
        .chain(ends)
        .filter(|start| *start < bytes.len())
        .collect()
}

struct Scratch {
    _folder: tempfile::TempDir,
    path: PathBuf,
}

/// A place for a journal, in memory where there is one: thousands of real syncs would show nothing more.
fn scratch() -> Scratch {
    let folder = tempfile::tempdir_in("/dev/shm")
        .or_else(|_| tempfile::tempdir())
        .unwrap();
    let path = folder.path().join("journal.ndjson");
    Scratch {
        _folder: folder,
        path,
    }
}

#[test]
fn what_is_appended_reads_back_in_order() {
    let scratch = scratch();
    let events = timed(sample_events());
    let mut writer = JournalWriter::create(&scratch.path).unwrap();
    writer.append(&events[..2]).unwrap();
    writer.append(&[]).unwrap();
    writer.append(&events[2..]).unwrap();
    let content = read_journal(&scratch.path).unwrap();
    assert_eq!(content.torn_tail, None);
    let first = Some(content.records[0].hash);
    assert_eq!(writer.run_id(), first);
    assert_eq!(
        open_for_append(&scratch.path).unwrap().writer.run_id(),
        first
    );
    for (seq, (record, (at, event))) in (1..).zip(content.records.iter().zip(&events)) {
        assert_eq!((record.seq, record.at, &record.event), (seq, *at, event));
    }
}

#[test]
fn the_bytes_are_those_that_the_format_promises() {
    let at = Timestamp::UNIX_EPOCH + SignedDuration::new(1_795_465_637, 123_456_789);
    let bytes = journal_of(&[(at, Event::RunResumed), (at, Event::RunResumed)]);
    let text = String::from_utf8(bytes).unwrap();
    let mut previous = "0".repeat(64);
    for (number, line) in (1..).zip(text.lines()) {
        let body = format!(
            r#"{{"seq":{number},"at":"2026-11-23T20:27:17.123456Z","previous":"{previous}","event":{{"type":"run_resumed"}}"#
        );
        let hash = blake3::hash(body.as_bytes()).to_hex();
        assert_eq!(line, format!(r#"{body},"hash":"{hash}"}}"#));
        let json: serde_json::Value = serde_json::from_str(line).unwrap();
        assert_eq!(json["hash"], hash.as_str());
        previous = hash.to_string();
    }
    assert!(text.ends_with("\"}\n"));
}

#[test]
fn times_before_the_epoch_and_odd_years_survive() {
    for at in [Timestamp::MIN, Timestamp::MAX, time(-1)] {
        let bytes = journal_of(&[(at, Event::RunResumed)]);
        let content = parse(&bytes).unwrap();
        assert_eq!(content.torn_tail, None);
        let error = content.records[0].at.duration_since(at).abs();
        assert!(error < SignedDuration::from_micros(1), "{at}");
    }
}

#[test]
fn an_event_that_would_not_read_back_is_refused_and_nothing_is_written() {
    let scratch = scratch();
    let mut writer = JournalWriter::create(&scratch.path).unwrap();
    let mut events = timed(sample_events());
    if let Event::AttemptFinished { usage, .. } = &mut events[3].1 {
        usage.wall_s = f64::NAN;
    }
    let error = writer.append(&events).unwrap_err();
    assert!(matches!(error, StoreError::UnfaithfulEvent { seq: 4, .. }));
    assert_eq!(fs::read(&scratch.path).unwrap(), b"");
    writer.append(&events[..2]).unwrap();
    assert_eq!(read_journal(&scratch.path).unwrap().records.len(), 2);
}

/// A group that is longer than what is written at once is whole or not there.
#[test]
fn a_long_group_is_written_whole_or_not_at_all() {
    let scratch = scratch();
    let mut writer = JournalWriter::create(&scratch.path).unwrap();
    writer.append(&timed(sample_events())).unwrap();
    let before = fs::read(&scratch.path).unwrap();
    let mut events = Vec::new();
    while events.len() < 10_000 {
        events.extend(timed(sample_events()));
    }
    let whole = events.clone();
    let last = events.iter_mut().rev().find_map(|(_, event)| match event {
        Event::AttemptFinished { usage, .. } => Some(usage),
        _ => None,
    });
    last.unwrap().wall_s = f64::NAN;
    let error = writer.append(&events).unwrap_err();
    assert!(matches!(error, StoreError::UnfaithfulEvent { .. }));
    assert!(fs::read(&scratch.path).unwrap() == before);

    writer.append(&whole).unwrap();
    assert_eq!(writer.mend().unwrap(), []);
    let content = read_journal(&scratch.path).unwrap();
    assert_eq!(content.records.len(), sample_events().len() + whole.len());
    assert!(content.torn_tail.is_none());
}

#[test]
fn a_journal_cut_at_any_byte_gives_its_good_records_and_goes_on() {
    let events = timed(sample_events());
    let bytes = journal_of(&events);
    let starts = line_starts(&bytes);
    let whole = parse(&bytes).unwrap();
    let scratch = scratch();
    for cut in 0..=bytes.len() {
        let good = starts.iter().filter(|start| **start <= cut).count() - 1
            + usize::from(cut == bytes.len());
        let good_length = *starts.get(good).unwrap_or(&bytes.len());
        fs::write(&scratch.path, &bytes[..cut]).unwrap();

        let mut reopened = open_for_append(&scratch.path).unwrap();
        assert_eq!(reopened.records, whole.records[..good], "cut at {cut}");
        match &reopened.cut {
            None => assert_eq!(cut, good_length),
            Some(tail) => {
                assert_eq!(tail.offset as usize, good_length);
                assert_eq!(tail.length as usize, cut - good_length);
                let saved = fs::read(&tail.saved_to).unwrap();
                assert_eq!(saved, &bytes[good_length..cut]);
                fs::remove_file(&tail.saved_to).unwrap();
            }
        }
        reopened
            .writer
            .append(&[(time(99), Event::RunResumed)])
            .unwrap();
        let content = read_journal(&scratch.path).unwrap();
        assert_eq!(content.torn_tail, None);
        assert_eq!(content.records.len(), good + 1, "cut at {cut}");
    }
}

#[test]
fn a_changed_byte_is_refused_where_it_stands_and_torn_only_in_the_last_line() {
    let bytes = journal_of(&timed(sample_events()));
    let starts = line_starts(&bytes);
    let whole = parse(&bytes).unwrap();
    let last = *starts.last().unwrap();
    for at in 0..bytes.len() {
        // 0x20 turns hexadecimal letters into capitals, 0x01 digits into others; the rest brings line
        // feeds.
        for changed in [
            bytes[at] ^ 0x20,
            bytes[at] ^ 0x01,
            bytes[at] ^ 0x80,
            b'\n',
            0,
        ] {
            if changed == bytes[at] {
                continue;
            }
            let mut bytes = bytes.clone();
            bytes[at] = changed;
            let line = starts.iter().filter(|start| **start <= at).count();
            let start = starts[line - 1];
            match parse(&bytes) {
                Err(broken) => {
                    assert_eq!((broken.line, broken.offset), (line as u64, start as u64));
                    assert!(
                        matches!(
                            broken.damage,
                            Damage::NotARecord { .. } | Damage::Checksum { .. }
                        ),
                        "{:?}",
                        broken.damage
                    );
                    assert!(start < last || changed == b'\n', "byte {at}");
                }
                Ok(content) => {
                    assert_eq!(start, last, "byte {at} was changed to {changed} unseen");
                    assert_eq!(content.records, whole.records[..line - 1]);
                    let tail = content.torn_tail.expect("a changed byte is never clean");
                    assert_eq!(tail.offset as usize, last);
                }
            }
        }
    }
}

#[test]
fn damage_names_its_place_in_words() {
    let scratch = scratch();
    let mut bytes = journal_of(&timed(sample_events()));
    let start = line_starts(&bytes)[2];
    bytes[start + 20] ^= 1;
    fs::write(&scratch.path, &bytes).unwrap();
    let error = read_journal(&scratch.path).unwrap_err();
    assert_eq!(error.code(), "N2-STORE-006");
    let message = error.to_string();
    for part in [
        "journal.ndjson",
        "line 3",
        &format!("byte {start}"),
        "checksum",
    ] {
        assert!(message.contains(part), "{message}");
    }
    let refused = open_for_append(&scratch.path).unwrap_err();
    assert_eq!(refused.code(), "N2-STORE-006");
    assert_eq!(
        fs::read(&scratch.path).unwrap(),
        bytes,
        "the damage was kept"
    );
}

#[test]
fn lines_removed_repeated_or_exchanged_are_refused() {
    let bytes = journal_of(&timed(sample_events()));
    let lines: Vec<&[u8]> = bytes.split_inclusive(|byte| *byte == b'\n').collect();
    let gap = |order: &[usize]| {
        let joined: Vec<u8> = order
            .iter()
            .flat_map(|line| lines[*line].to_vec())
            .collect();
        parse(&joined).unwrap_err()
    };
    for (order, expected, found) in [
        (&[0, 2, 3][..], 2, 3),
        (&[0, 1, 1], 3, 2),
        (&[1, 0], 1, 2),
        (&[5], 1, 6),
    ] {
        let broken = gap(order);
        assert_eq!(broken.line, expected);
        assert_eq!(broken.damage, Damage::SequenceGap { expected, found });
    }
}

#[test]
fn a_record_of_another_journal_breaks_the_chain_even_as_the_last_line() {
    let mut bytes = journal_of(&timed(sample_events()[..2].to_vec()));
    let other = journal_of(&timed(vec![Event::RunResumed; 3]));
    bytes.extend_from_slice(&other[line_starts(&other)[2]..]);
    let broken = parse(&bytes).unwrap_err();
    assert_eq!(broken.line, 3);
    assert!(matches!(broken.damage, Damage::ChainBreak { .. }));
}

/// A line with a right checksum around any event text.
fn sealed(event: &str) -> Vec<u8> {
    let body = format!(
        r#"{{"seq":1,"at":"2026-11-23T20:27:17.123456Z","previous":"{GENESIS}","event":{event}"#
    );
    let hash = ContentHash::of(&body);
    format!("{body},\"hash\":\"{hash}\"}}\n").into_bytes()
}

#[test]
fn a_right_checksum_around_something_else_is_named_for_what_it_is() {
    assert_eq!(
        parse(&sealed(r#"{"type":"run_resumed"}"#)).unwrap().records[0].event,
        Event::RunResumed
    );
    let unknown = parse(&sealed(r#"{"type":"run_teleported"}"#)).unwrap_err();
    assert!(matches!(unknown.damage, Damage::UnknownEvent { .. }));
    let no_json = parse(&sealed(r#"{"type":"#)).unwrap_err();
    assert!(matches!(no_json.damage, Damage::NotJson { .. }));

    let body = r#"{"seq":1,"at":"yesterday""#;
    let line = format!("{body},\"hash\":\"{}\"}}\n", ContentHash::of(body));
    let no_record = parse(line.as_bytes()).unwrap_err();
    assert!(matches!(no_record.damage, Damage::NotARecord { .. }));
}

#[test]
fn an_unknown_event_has_a_code_of_its_own() {
    let scratch = scratch();
    fs::write(&scratch.path, sealed(r#"{"type":"run_teleported"}"#)).unwrap();
    let error = read_journal(&scratch.path).unwrap_err();
    assert_eq!(error.code(), "N2-STORE-007");
    assert!(error.help().contains("version"));
}

#[test]
fn several_broken_lines_at_the_end_are_no_torn_tail() {
    let mut bytes = journal_of(&timed(sample_events()));
    let starts = line_starts(&bytes);
    bytes[starts[4] + 30] ^= 1;
    bytes[starts[5] + 30] ^= 1;
    let broken = parse(&bytes).unwrap_err();
    assert_eq!((broken.line, broken.offset), (5, starts[4] as u64));
}

#[test]
fn a_tail_that_a_machine_left_as_zeros_is_torn() {
    let mut bytes = journal_of(&timed(sample_events()));
    let length = bytes.len();
    bytes.extend_from_slice(&[0; 4096]);
    let content = parse(&bytes).unwrap();
    assert_eq!(content.records.len(), 6);
    assert_eq!(content.torn_tail.unwrap().offset as usize, length);
}

#[test]
fn tails_cut_at_one_place_are_all_kept() {
    let scratch = scratch();
    let good = journal_of(&timed(sample_events()));
    let mut saved = Vec::new();
    for tail in ["{\"se", "{\"se", "{\"seq\":7,"] {
        fs::write(&scratch.path, [&good[..], tail.as_bytes()].concat()).unwrap();
        let cut = open_for_append(&scratch.path).unwrap().cut.unwrap();
        assert_eq!(fs::read_to_string(&cut.saved_to).unwrap(), tail);
        saved.push(cut.saved_to);
    }
    // The same tail again is what a process leaves that dies between saving and cutting.
    assert_eq!(saved[0], saved[1]);
    assert_ne!(saved[0], saved[2]);
    let name = saved[0].file_name().unwrap().to_string_lossy();
    assert_eq!(name, format!("journal.torn-{}", good.len()));
}

proptest! {
    #[test]
    fn no_bytes_make_the_reader_panic(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        let _ = parse(&bytes);
    }

    #[test]
    fn any_damage_gives_a_prefix_or_is_refused(
        from in 0usize..3000,
        length in 0usize..600,
        replacement in prop::collection::vec(any::<u8>(), 0..40),
    ) {
        let bytes = journal_of(&timed(sample_events()));
        let whole = parse(&bytes).unwrap();
        let from = from.min(bytes.len());
        let to = (from + length).min(bytes.len());
        let mut damaged = bytes.clone();
        damaged.splice(from..to, replacement);
        if let Ok(content) = parse(&damaged) {
            let count = content.records.len();
            prop_assert_eq!(&content.records[..], &whole.records[..count]);
            if damaged != bytes && content.torn_tail.is_none() {
                // Without a tail only whole lines can be gone, and only from the end.
                prop_assert!(bytes.starts_with(&damaged));
            }
        }
    }

    #[test]
    fn grouping_does_not_show_in_the_bytes(groups in prop::collection::vec(0usize..4, 1..6)) {
        let scratch = scratch();
        let mut writer = JournalWriter::create(&scratch.path).unwrap();
        let events: Vec<_> = timed(sample_events().into_iter().cycle().take(groups.iter().sum()).collect());
        let mut rest = &events[..];
        for group in groups {
            let (now, later) = rest.split_at(group);
            writer.append(now).unwrap();
            rest = later;
        }
        prop_assert_eq!(fs::read(&scratch.path).unwrap(), journal_of(&events));
    }
}
