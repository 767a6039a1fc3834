//! News of runs as server-sent events, whose ids are the sequence numbers of the journal: whoever comes back says which
//! it had last, and gets every one that it missed.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::response::sse::{Event, KeepAlive, KeepAliveStream, Sse};
use noodle2_view::EventLine;
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;

use super::live::LiveRun;
use super::shelf::Shelf;

/// How often a journal is looked at. Not by notifications of the file system: on a shared one they do not come.
const GLANCE: Duration = Duration::from_millis(300);
/// How often all runs are looked at.
const ROUND: Duration = Duration::from_secs(2);
/// Events on their way to one listener: a slow one is waited for, and costs no memory.
const ON_THE_WAY: usize = 256;

type News = Sse<KeepAliveStream<ReceiverStream<Result<Event, Infallible>>>>;

/// The records of a run behind `after`, as they come, and a word whenever the run stands otherwise; ends with the run.
pub(super) fn of_run(run: Arc<LiveRun>, after: u64) -> News {
    let (sender, receiver) = mpsc::channel(ON_THE_WAY);
    tokio::task::spawn_blocking(move || {
        let mut last = after;
        let mut known = None;
        loop {
            let standing = run.standing();
            for line in run.since(last) {
                last = line.seq;
                if sender.blocking_send(Ok(record(&line))).is_err() {
                    return;
                }
            }
            if known.is_some()
                && standing != known
                && sender.blocking_send(Ok(word("standing"))).is_err()
            {
                return;
            }
            known = standing;
            if standing.is_some_and(|(status, _)| status.has_ended()) {
                let _ = sender.blocking_send(Ok(word("over")));
                return;
            }
            if sender.is_closed() {
                return;
            }
            std::thread::sleep(GLANCE);
        }
    });
    stream(receiver)
}

/// A word whenever any run has grown or stands otherwise.
pub(super) fn of_all(shelf: Arc<Shelf>) -> News {
    let (sender, receiver) = mpsc::channel(ON_THE_WAY);
    tokio::task::spawn_blocking(move || {
        let look = || -> Vec<(String, Option<u64>)> {
            let runs = shelf.names().into_iter();
            runs.map(|name| {
                let journal = shelf.journal_length(&name);
                (name, journal)
            })
            .collect()
        };
        let mut known = look();
        while !sender.is_closed() {
            std::thread::sleep(ROUND);
            let now = look();
            if now != known {
                known = now;
                if sender.blocking_send(Ok(word("standing"))).is_err() {
                    return;
                }
            }
        }
    });
    stream(receiver)
}

fn stream(receiver: mpsc::Receiver<Result<Event, Infallible>>) -> News {
    Sse::new(ReceiverStream::new(receiver)).keep_alive(KeepAlive::default())
}

/// An event that is no record. A browser lets an event pass by that has no data.
fn word(event: &'static str) -> Event {
    Event::default().event(event).data(event)
}

fn record(line: &EventLine) -> Event {
    let text = serde_json::json!(line).to_string();
    let event = Event::default().event("record").id(line.seq.to_string());
    event.data(text)
}
