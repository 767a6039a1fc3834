//! What the screen of a run shows in terminals of many sizes. The numbers are made up for this test.

use std::collections::BTreeMap;

use noodle2_model::{FailureClass, Metric};
use noodle2_view::{Charset, Progress, Screen, StageProgress, StageStatus, SummaryStatus, Tone};

/// Name, what starts from it, standing, done, running, failed, total, best value.
type Row = (
    &'static str,
    &'static [usize],
    StageStatus,
    [usize; 4],
    Option<f64>,
);

fn screen(status: SummaryStatus, rows: &[Row]) -> Screen {
    let stages: Vec<StageProgress> = (rows.iter())
        .map(
            |(name, _, status, [done, running, failed, total], best)| StageProgress {
                name: (*name).to_owned(),
                status: *status,
                done: *done,
                running: *running,
                failed: *failed,
                total: *total,
                best: best.map(|best| (Metric::SetupWns, best)),
            },
        )
        .collect();
    let values = stages.iter().filter_map(|stage| stage.best);
    let best = values.map(|(_, value)| value).reduce(f64::max);
    let sum = |of: fn(&StageProgress) -> usize| stages.iter().map(of).sum::<usize>();
    Screen {
        study: "made-up".to_owned(),
        order: (0..rows.len()).collect(),
        followers: rows.iter().map(|row| row.1.to_vec()).collect(),
        worked_s: 65.0,
        per_minute: None,
        course: Vec::new(),
        warm: 0,
        cold: 0,
        known: 0,
        busy: sum(|stage| stage.running),
        workers: Some(4),
        is_stopping: false,
        dashboard: None,
        asks: Vec::new(),
        progress: Progress {
            status,
            done: sum(|stage| stage.done),
            known: 0,
            total: sum(|stage| stage.total),
            failures: BTreeMap::new(),
            metric: Some(Metric::SetupWns),
            best: best.or(Some(-500.0)),
            best_case: Some(
                if best.is_some() {
                    "core_2_3"
                } else {
                    "core_0_0"
                }
                .parse()
                .unwrap(),
            ),
            base: Some(-500.0),
            stages,
        },
    }
}

fn beginning() -> Screen {
    use StageStatus::{Running, Waiting};
    let mut screen = screen(
        SummaryStatus::Running,
        &[
            ("common", &[1, 2], Running, [0, 1, 0, 12], None),
            ("timing_1", &[3], Waiting, [0, 0, 0, 24], None),
            ("power_1", &[4], Waiting, [0, 0, 0, 24], None),
            ("timing_2", &[5], Waiting, [0, 0, 0, 24], None),
            ("power_2", &[5], Waiting, [0, 0, 0, 24], None),
            ("both", &[], Waiting, [0, 0, 0, 12], None),
        ],
    );
    screen.worked_s = 0.4;
    screen
}

/// Two branches at once, with failures and known results.
fn midst() -> Screen {
    use StageStatus::{Completed, Running, Waiting};
    let mut screen = screen(
        SummaryStatus::Running,
        &[
            ("common", &[1, 2], Completed, [12, 0, 1, 12], Some(-450.0)),
            ("timing_1", &[3], Completed, [24, 0, 0, 24], Some(-400.0)),
            ("power_1", &[4], Running, [15, 2, 3, 24], Some(-440.0)),
            ("timing_2", &[5], Running, [6, 2, 0, 24], Some(-320.5)),
            ("power_2", &[5], Waiting, [0, 0, 0, 24], None),
            ("both", &[], Waiting, [0, 0, 0, 12], None),
        ],
    );
    screen.per_minute = Some(52.6);
    screen.course = vec![
        -500.0, -490.0, -450.0, -450.0, -430.0, -400.0, -400.0, -320.5,
    ];
    screen.progress.failures =
        BTreeMap::from([(FailureClass::ToolError, 3), (FailureClass::Timeout, 1)]);
    screen.warm = 48;
    screen.cold = 5;
    screen.known = 7;
    screen.dashboard = Some("http://127.0.0.1:8265".to_owned());
    screen
}

fn waiting() -> Screen {
    use StageStatus::{AwaitingApproval, Completed, Waiting};
    let mut screen = screen(
        SummaryStatus::Waiting,
        &[
            ("common", &[1], Completed, [12, 0, 0, 12], Some(-450.0)),
            ("timing", &[2], AwaitingApproval, [0, 0, 0, 24], None),
            ("last", &[], Waiting, [0, 0, 0, 24], None),
        ],
    );
    screen.asks = vec![(
        "timing".to_owned(),
        "noodle2 approve runs/first timing --by NAME".to_owned(),
    )];
    screen
}

fn ended() -> Screen {
    use StageStatus::{Completed, Failed, Skipped};
    let mut screen = screen(
        SummaryStatus::Stopped,
        &[
            ("common", &[1, 2], Completed, [12, 0, 0, 12], Some(-450.0)),
            ("timing", &[3], Completed, [24, 0, 2, 24], Some(-320.5)),
            ("power", &[3], Failed, [9, 0, 9, 24], None),
            ("both", &[], Skipped, [0, 0, 0, 0], None),
        ],
    );
    screen.progress.failures = BTreeMap::from([(FailureClass::ToolMissing, 11)]);
    screen.warm = 43;
    screen.cold = 2;
    screen
}

/// Ten thousand trials in twenty branches.
fn many() -> Screen {
    let mut screen = midst();
    let width = 20;
    let stage = |name: String, done, total| StageProgress {
        name,
        status: match done {
            0 => StageStatus::Waiting,
            _ if done == total => StageStatus::Completed,
            _ => StageStatus::Running,
        },
        done,
        running: usize::from(done > 0 && done < total),
        failed: 0,
        total,
        best: None,
    };
    let mut stages = vec![stage("common".to_owned(), 400, 400)];
    stages.extend((1..=width).map(|branch| stage(format!("branch_{branch}"), 230 + branch, 460)));
    stages.push(stage("join".to_owned(), 0, 400));
    screen.followers = vec![(1..=width).collect()];
    screen.followers.extend(vec![vec![width + 1]; width]);
    screen.followers.push(vec![]);
    screen.order = (0..stages.len()).collect();
    screen.progress.done = stages.iter().map(|stage| stage.done).sum();
    screen.progress.total = stages.iter().map(|stage| stage.total).sum();
    assert_eq!(screen.progress.total, 10_000);
    screen.progress.stages = stages;
    screen.workers = Some(64);
    screen.busy = 64;
    screen.worked_s = 7_300.0;
    screen
}

/// The screen at several sizes, each in a frame that shows its width.
fn shown(screen: &Screen, sizes: &[(usize, usize)], charset: Charset) -> String {
    let mut text = String::new();
    for (width, height) in sizes {
        text.push_str(&format!("{width} x {height}\n┌{}┐\n", "─".repeat(*width)));
        let lines = screen.lines(*width, *height, charset);
        assert!(lines.len() <= *height);
        for line in &lines {
            assert!(line.width() <= *width, "{line:?}");
            let gap = width - line.width();
            text.push_str(&format!("│{}{}│\n", line.text(), " ".repeat(gap)));
        }
        text.push_str(&format!("└{}┘\n", "─".repeat(*width)));
    }
    text
}

/// What lines may take in terminals of 40, 60, 80 and 120 columns: a column and a row less.
const SIZES: [(usize, usize); 4] = [(39, 23), (59, 23), (79, 23), (119, 39)];

#[test]
fn a_run_at_its_beginning() {
    insta::assert_snapshot!(
        "screen_beginning",
        shown(&beginning(), &SIZES, Charset::Unicode)
    );
}

#[test]
fn a_run_in_its_midst() {
    insta::assert_snapshot!("screen_midst", shown(&midst(), &SIZES, Charset::Unicode));
}

#[test]
fn a_run_in_its_midst_in_ascii() {
    let text = shown(&midst(), &[(79, 23)], Charset::Ascii);
    let inside = |line: &&str| line.starts_with('│');
    for line in text.lines().filter(inside) {
        assert!(line.trim_matches('│').is_ascii(), "{line}");
    }
    insta::assert_snapshot!("screen_ascii", text);
}

#[test]
fn a_run_that_waits_for_people() {
    insta::assert_snapshot!(
        "screen_waiting",
        shown(&waiting(), &SIZES, Charset::Unicode)
    );
}

#[test]
fn a_run_that_ended() {
    insta::assert_snapshot!("screen_ended", shown(&ended(), &SIZES, Charset::Unicode));
}

#[test]
fn a_run_of_ten_thousand_trials() {
    insta::assert_snapshot!("screen_many", shown(&many(), &SIZES, Charset::Unicode));
}

#[test]
fn few_rows_show_what_is_worked_on() {
    let sizes = [(79, 14), (59, 9), (59, 6), (59, 3), (19, 5)];
    insta::assert_snapshot!("screen_few_rows", shown(&midst(), &sizes, Charset::Unicode));
    // Whatever stage is left out, those that run are not.
    let rows = midst().lines(80, 7, Charset::Unicode);
    let text: Vec<String> = rows.iter().map(noodle2_view::Line::text).collect();
    assert!(text.iter().any(|line| line.contains("power_1")), "{text:?}");
    assert!(
        text.iter().any(|line| line.contains("timing_2")),
        "{text:?}"
    );
}

#[test]
fn every_size_is_kept_to() {
    for screen in [beginning(), midst(), waiting(), ended(), many()] {
        for width in (0..130).step_by(3) {
            for height in (0..45).step_by(2) {
                for charset in [Charset::Unicode, Charset::Ascii] {
                    let lines = screen.lines(width, height, charset);
                    assert!(lines.len() <= height, "{width} x {height}");
                    for line in lines {
                        assert!(line.width() <= width, "{width} x {height}: {line:?}");
                    }
                }
            }
        }
    }
}

#[test]
fn no_meaning_is_told_by_colour_alone() {
    // Stages that differ in their standing differ in their text.
    let every = [
        StageStatus::Waiting,
        StageStatus::AwaitingApproval,
        StageStatus::Running,
        StageStatus::Interrupted,
        StageStatus::Completed,
        StageStatus::Failed,
        StageStatus::Skipped,
        StageStatus::Stopped,
        StageStatus::NotStarted,
    ];
    for charset in [Charset::Unicode, Charset::Ascii] {
        let mut signs: Vec<String> = (every.iter())
            .map(|status| {
                let one = screen(
                    SummaryStatus::Running,
                    &[("stage", &[], *status, [1, 1, 0, 4], None)],
                );
                let lines = one.lines(80, 23, charset);
                let row = lines.iter().map(noodle2_view::Line::text);
                let mut row = row.filter(|text| text.contains(" stage "));
                let sign = row.next().unwrap().chars().next().unwrap();
                sign.to_string()
            })
            .collect();
        signs.sort();
        signs.dedup();
        assert_eq!(signs.len(), every.len(), "{signs:?}");
    }
}

#[test]
fn a_pace_that_is_not_known_gives_no_time() {
    let mut screen = beginning();
    assert_eq!(screen.remaining_s(), None);
    let text = shown(&screen, &[(80, 23)], Charset::Unicode);
    assert!(text.contains("time left unknown"), "{text}");
    screen.per_minute = Some(60.0);
    assert_eq!(screen.remaining_s(), Some(120.0));
}

#[test]
fn a_run_that_was_asked_to_stop_says_so() {
    let mut screen = midst();
    screen.is_stopping = true;
    let text = shown(&screen, &[(79, 23)], Charset::Unicode);
    assert!(text.contains("stops when what runs has ended") && !text.contains(" left"));
}

#[test]
fn a_name_cannot_paint_on_the_terminal() {
    let mut screen = midst();
    screen.study = "\u{1b}[31mred\r\n".to_owned();
    screen.progress.stages[0].name = "a\u{1b}]0;title\u{7}".to_owned();
    for line in screen.lines(80, 23, Charset::Unicode) {
        assert!(!line.text().contains(char::is_control), "{line:?}");
    }
    let title = &screen.lines(80, 23, Charset::Unicode)[0];
    assert_eq!(title.spans[0].tone, Tone::Strong);
}
