//! Messages to real programs and to a real server on this machine.

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use noodle2_model::{Notification, Occasion, TimeSpan};
use noodle2_notify::{Delivery, Notice, Notifier, Undelivered};
use serde_json::{Value, json};

const PATIENCE: Duration = Duration::from_secs(20);

/// What one POST brought: its head in lower case, and its body.
type Posts = Arc<Mutex<Vec<(String, Value)>>>;

/// A server that answers each POST with the next of these statuses; 0 for silence, the last one for ever.
fn server(statuses: &'static [u16]) -> (String, Posts) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    let posts = Posts::default();
    let kept = Arc::clone(&posts);
    std::thread::spawn(move || {
        let mut silent = Vec::new();
        for (number, stream) in listener.incoming().enumerate() {
            let stream = stream.unwrap();
            let post = read_post(&stream);
            kept.lock().unwrap().push(post);
            let status = statuses[number.min(statuses.len() - 1)];
            match status {
                0 => silent.push(stream),
                _ => answer(stream, status),
            }
        }
    });
    (address, posts)
}

fn read_post(stream: &TcpStream) -> (String, Value) {
    let mut reader = BufReader::new(stream);
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        assert!(reader.read_line(&mut head).unwrap() > 0);
    }
    let lower = head.to_lowercase();
    let length = lower.split("content-length: ").nth(1).unwrap();
    let length: usize = length.lines().next().unwrap().parse().unwrap();
    let mut body = vec![0; length];
    reader.read_exact(&mut body).unwrap();
    (head, serde_json::from_slice(&body).unwrap())
}

fn answer(mut stream: TcpStream, status: u16) {
    let location = "Location: http://127.0.0.1:9/";
    write!(
        stream,
        "HTTP/1.1 {status} X\r\n{location}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
    )
    .unwrap();
}

struct Told {
    delivery: Delivery,
    undelivered: Vec<Undelivered>,
    seconds: f64,
}

/// Tells `count` notices to a receiver and finishes.
fn tell(notification: Notification, folder: &Path, count: usize, patience: Duration) -> Told {
    let undelivered: Arc<Mutex<Vec<Undelivered>>> = Arc::default();
    let kept = Arc::clone(&undelivered);
    let environment = |name: &str| (name == "TOKEN").then(|| "s3cret".to_owned());
    let notifier = Notifier::new(
        &[notification],
        folder,
        environment,
        Arc::new(move |message| kept.lock().unwrap().push(message.clone())),
    );
    let began = Instant::now();
    for number in 0..count {
        notifier.tell(&notice(number));
    }
    assert!(
        began.elapsed() < Duration::from_secs(1),
        "telling held the teller up"
    );
    let delivery = notifier.finish(patience);
    let undelivered = undelivered.lock().unwrap().clone();
    assert_eq!(delivery.delivered + delivery.undelivered, count);
    assert_eq!(undelivered.len(), delivery.undelivered);
    Told {
        delivery,
        undelivered,
        seconds: began.elapsed().as_secs_f64(),
    }
}

fn notice(number: usize) -> Notice {
    let Value::Object(fields) = json!({ "study": "gcd", "number": number }) else {
        unreachable!();
    };
    Notice {
        occasions: vec![Occasion::Abort, Occasion::StageEnd],
        fields,
    }
}

fn webhook(address: &str) -> Notification {
    Notification {
        webhook: Some(format!("{address}/hooks/secret-path")),
        headers: [("Authorization".to_owned(), "Bearer ${TOKEN}".to_owned())].into(),
        timeout: TimeSpan::from_seconds(1),
        ..Notification::default()
    }
}

/// A program in `folder` that runs this piece of shell.
fn program(folder: &Path, script: &str) -> Notification {
    let path = folder.join("tell");
    fs::write(&path, format!("#!/bin/sh\n{script}\n")).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    Notification {
        command: Some(vec![
            "./tell".to_owned(),
            "a b".to_owned(),
            "$TOKEN".to_owned(),
        ]),
        retries: 1,
        timeout: TimeSpan::from_seconds(1),
        ..Notification::default()
    }
}

#[test]
fn a_webhook_gets_each_message_once_and_in_order() {
    let (address, posts) = server(&[200]);
    let told = tell(webhook(&address), Path::new("."), 3, PATIENCE);
    assert_eq!(told.delivery.delivered, 3);
    let posts = posts.lock().unwrap();
    let numbers: Vec<_> = posts
        .iter()
        .map(|(_, body)| body["number"].clone())
        .collect();
    assert_eq!(numbers, [0, 1, 2]);
    let (head, body) = &posts[0];
    assert!(
        head.starts_with("POST /hooks/secret-path HTTP/1.1"),
        "{head}"
    );
    assert!(
        head.to_lowercase().contains("authorization: bearer s3cret"),
        "{head}"
    );
    assert_eq!(
        (&body["schema_version"], &body["event"]),
        (&json!(1), &json!("abort"))
    );
}

#[test]
fn each_receiver_hears_only_of_what_it_wants_and_once() {
    let (address, posts) = server(&[200]);
    let only = |on: &[Occasion]| Notification {
        on: on.to_vec(),
        ..webhook(&address)
    };
    assert_eq!(
        tell(only(&[Occasion::StageEnd]), Path::new("."), 1, PATIENCE)
            .delivery
            .delivered,
        1
    );
    assert_eq!(posts.lock().unwrap()[0].1["event"], "stage_end");
    let notifier = Notifier::new(
        &[only(&[Occasion::End])],
        Path::new("."),
        |_| Some("x".to_owned()),
        Arc::new(|_| {}),
    );
    notifier.tell(&notice(0));
    assert_eq!(notifier.finish(PATIENCE), Delivery::default());
    assert_eq!(posts.lock().unwrap().len(), 1);
}

#[test]
fn what_fails_for_a_while_is_tried_again() {
    let (address, posts) = server(&[503, 429, 200]);
    let told = tell(webhook(&address), Path::new("."), 1, PATIENCE);
    assert_eq!(told.delivery.delivered, 1);
    assert_eq!(posts.lock().unwrap().len(), 3);
    assert!(told.seconds > 1.4, "there is a pause between tries");
}

#[test]
fn what_fails_for_good_is_not_tried_again_and_a_redirection_is_not_followed() {
    for status in [&[404][..], &[302]] {
        let (address, posts) = server(status);
        let told = tell(webhook(&address), Path::new("."), 1, PATIENCE);
        assert_eq!(told.undelivered[0].tries, 1);
        assert!(told.undelivered[0].reason.contains(&status[0].to_string()));
        assert_eq!(posts.lock().unwrap().len(), 1);
    }
}

#[test]
fn no_secret_is_in_what_could_not_be_delivered() {
    let (address, _) = server(&[401]);
    let told = tell(webhook(&address), Path::new("."), 1, PATIENCE);
    // Nobody listens here.
    let closed = TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap();
    let lost = Notification {
        retries: 0,
        ..webhook(&format!("http://{closed}"))
    };
    let lost = tell(lost, Path::new("."), 1, PATIENCE);
    for undelivered in told.undelivered.iter().chain(&lost.undelivered) {
        let text = serde_json::to_string(undelivered).unwrap();
        assert!(
            !text.contains("s3cret") && !text.contains("secret-path"),
            "{text}"
        );
        assert_eq!(undelivered.message["number"], 0);
    }
}

#[test]
fn a_variable_that_is_not_set_is_told_before_anything_happens() {
    let mut notification = webhook("http://127.0.0.1:9");
    notification
        .headers
        .insert("X-Env".to_owned(), "${ABSENT}".to_owned());
    let notifier = Notifier::new(
        &[notification.clone()],
        Path::new("."),
        |name| (name == "TOKEN").then(|| "s3cret".to_owned()),
        Arc::new(|_| {}),
    );
    let problems = notifier.problems();
    assert!(problems[0].contains("`ABSENT` is not set"), "{problems:?}");
    assert!(notifier.finish(PATIENCE) == Delivery::default());
    let told = tell(notification, Path::new("."), 1, PATIENCE);
    assert_eq!(told.undelivered[0].tries, 1);
}

#[test]
fn a_silent_server_holds_up_neither_the_teller_nor_the_end() {
    let (address, _) = server(&[0]);
    let told = tell(
        webhook(&address),
        Path::new("."),
        5,
        Duration::from_millis(300),
    );
    assert_eq!(told.delivery.undelivered, 5);
    assert!(told.seconds < 2.0, "{}", told.seconds);
}

#[test]
fn more_messages_than_have_room_are_undelivered() {
    let (address, _) = server(&[0]);
    let told = tell(
        webhook(&address),
        Path::new("."),
        130,
        Duration::from_millis(300),
    );
    let full = told
        .undelivered
        .iter()
        .filter(|message| message.reason.contains("waiting already"));
    assert!(full.count() >= 29);
}

#[test]
fn a_program_gets_the_message_on_its_standard_input() {
    let folder = tempfile::tempdir().unwrap();
    let notification = program(
        folder.path(),
        r#"cat >> got; echo "$1|$2" >> arguments; pwd > place"#,
    );
    let told = tell(notification, folder.path(), 2, PATIENCE);
    assert_eq!(told.delivery.delivered, 2);
    let read = |name: &str| fs::read_to_string(folder.path().join(name)).unwrap();
    let messages: Vec<Value> = read("got")
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(messages[1]["number"], 1);
    // Arguments are seen by everybody on the machine, so nothing is put into them.
    assert_eq!(read("arguments").lines().next(), Some("a b|$TOKEN"));
    let place = folder.path().canonicalize().unwrap();
    assert_eq!(Path::new(read("place").trim()), place);
}

#[test]
fn a_program_that_fails_is_tried_again_and_its_last_words_are_kept() {
    let folder = tempfile::tempdir().unwrap();
    let script = "echo x >> tries; echo some talk >&2; echo no route to ann >&2; exit 3";
    let told = tell(program(folder.path(), script), folder.path(), 1, PATIENCE);
    let failed = &told.undelivered[0];
    assert_eq!(failed.tries, 2);
    assert!(
        failed.reason.contains('3') && failed.reason.ends_with("no route to ann"),
        "{}",
        failed.reason
    );
    assert_eq!(failed.target, "./tell a b $TOKEN");
    let tries = fs::read_to_string(folder.path().join("tries")).unwrap();
    assert_eq!(tries.lines().count(), 2);
    let absent = Notification {
        command: Some(vec!["./absent".to_owned()]),
        retries: 0,
        ..Notification::default()
    };
    let told = tell(absent, folder.path(), 1, PATIENCE);
    assert!(told.undelivered[0].reason.contains("could not be started"));
}

#[test]
fn a_program_that_hangs_is_killed_with_what_it_started() {
    let folder = tempfile::tempdir().unwrap();
    let mut notification = program(folder.path(), "sleep 987 & echo $! > child; wait");
    notification.retries = 0;
    let told = tell(notification, folder.path(), 1, PATIENCE);
    assert!(
        told.undelivered[0]
            .reason
            .contains("did not end within 1 s")
    );
    let child = fs::read_to_string(folder.path().join("child")).unwrap();
    // Killed is not yet gone: the kernel takes its time on a busy machine.
    let gone = || {
        let stat = fs::read_to_string(format!("/proc/{}/stat", child.trim()));
        stat.map_or(true, |stat| stat.contains(") Z "))
    };
    let deadline = Instant::now() + PATIENCE;
    while !gone() {
        assert!(
            Instant::now() < deadline,
            "what it had started is still there"
        );
        std::thread::sleep(Duration::from_millis(10));
    }
}
