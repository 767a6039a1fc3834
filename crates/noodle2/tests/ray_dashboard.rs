//! What `docs/ray.md` says is found of a study on Ray's dashboard is found there, by a real browser, of a real run. With
//! `UPDATE_PICTURES=1` its pictures are made anew.

mod support;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Child;
use std::time::{Duration, Instant};

use support::cluster::{Cluster, Wanted};
use support::dashboard::Browser;
use support::grid::{Grid, kill, said};
use support::{PATIENCE, engine_after, summary, template, text};

/// One attempt fails for good, and one is long enough to be met at work.
const ENGINE: &str =
    "case \"$PWD\" in */attempts/1_2.*) exit 3;; */attempts/3_1.1) sleep 100;; esac";

#[test]
fn a_study_its_trials_failures_slots_and_artifacts_are_found_on_the_dashboard() {
    let Some(mut browser) = Browser::start() else {
        return;
    };
    let grid = Grid::new(Cluster::with(Wanted {
        cpus: 2,
        dashboard: true,
        ..Wanted::default()
    }));
    let study = template(grid.folder.path(), "branching");
    engine_after(&study, ENGINE);
    let out = grid.place("run");
    // Entry points of jobs are shown: by the name alone this one is the same everywhere.
    let mut command = grid.noodle2(&["run", text(&study), "--out", text(&out)]);
    let paths = std::env::var("PATH").unwrap();
    let programs = grid.cluster.programs();
    command.env("PATH", format!("{}:{paths}", text(&programs)));
    command.env("NOODLE2_RAY_PYTHON", "python");
    command.stderr(fs::File::create(said(&out)).unwrap());
    let mut run = command.spawn().unwrap();
    let dashboard = grid.cluster.dashboard().unwrap();

    // Without the token there is a question, and nothing else.
    browser.open(&format!("{dashboard}/#/jobs"));
    let shown = browser.wait_for("Authentication Token Required");
    assert!(!shown.contains("counter-branching"), "{shown}");
    browser.carry_token(&grid.cluster.token().unwrap());

    let slot = slot_at_work(&grid, &mut run, "3_1.1");
    browser.open(&format!("{dashboard}/#/jobs"));
    let shown = browser.wait_for("noodle2 counter-branching");
    assert!(shown.contains("python -m noodle2_ray bridge"), "{shown}");
    save(&mut browser, "study");

    let slots = grid.wait_for_slots(&mut run, 2);
    let slot = slots.into_iter().find(|found| found.name == slot).unwrap();
    browser.open(&format!("{dashboard}/#/actors"));
    let shown = browser.wait_for(&slot.name);
    for text in ["Noodle2Slot", "ALIVE", grid.cluster.head().host()] {
        assert!(shown.contains(text), "{shown}");
    }
    save(&mut browser, "slots");

    kill(slot.pid);
    assert!(run.wait().unwrap().success());
    let told = fs::read_to_string(said(&out)).unwrap();
    assert!(told.contains("trial 1_2 failed: tool_error"), "{told}");
    assert_eq!(summary(&out)["status"], "completed");

    // The first that came to this cluster was the run.
    browser.open(&format!("{dashboard}/#/jobs/01000000"));
    browser.click("Task Table");
    browser.choose("Function or Class Name", "Noodle2Slot.carry_out");
    browser.wait_for("counter-branching/counter_");
    browser.scroll_to("Task Table");
    save(&mut browser, "trials");

    browser.choose("State", "FAILED");
    let lost = "counter-branching/counter_3_1/";
    let failed = "counter-branching/counter_1_2/";
    let shown = browser.wait_for(failed);
    assert!(shown.contains(lost), "{shown}");
    // Nothing else failed.
    assert_eq!(
        shown.matches("counter-branching/counter_").count(),
        2,
        "{shown}"
    );
    browser.click_beside(failed, "Error");
    let place = |case: &str| {
        format!(
            "artifacts in {}:{}",
            host(),
            text(&out.join("trials").join(case))
        )
    };
    let shown = browser.wait_for(&place("counter_1_2/1"));
    assert!(
        shown.contains("attempt 1_2.1: failed: tool_error: OpenSTA exited with 3"),
        "{shown}"
    );
    browser.shorten_paths();
    save(&mut browser, "failure");

    browser.open(&format!("{dashboard}/#/actors/{}", slot.id));
    browser.click("STDOUT");
    let shown = browser.wait_for(": measured, artifacts in");
    let measured = shown
        .lines()
        .find(|line| line.contains(": measured, "))
        .unwrap();
    let place = measured.rsplit_once(':').unwrap().1;
    assert!(Path::new(place).join("metrics.json").exists(), "{measured}");
    browser.scroll_to("Logs");
    save(&mut browser, "log");
}

fn host() -> String {
    let name = fs::read_to_string("/proc/sys/kernel/hostname").unwrap();
    name.trim().to_owned()
}

/// The name of the slot that works on an attempt, as soon as there is one.
fn slot_at_work(grid: &Grid, run: &mut Child, attempt: &str) -> String {
    let deadline = Instant::now() + PATIENCE;
    let wanted = Path::new("attempts").join(attempt);
    loop {
        let folders = grid.processes().into_iter();
        let mut folders =
            folders.filter_map(|(id, _)| fs::read_link(format!("/proc/{id}/cwd")).ok());
        if let Some(folder) = folders.find(|folder| folder.ends_with(&wanted)) {
            // A runner works in a folder that is called after its slot.
            let of_slot = folder.ancestors().nth(2).unwrap();
            return of_slot.file_name().unwrap().to_str().unwrap().to_owned();
        }
        assert!(run.try_wait().unwrap().is_none(), "the run has ended");
        assert!(Instant::now() < deadline, "{attempt} does not begin");
        std::thread::sleep(Duration::from_millis(50));
    }
}

/// Saves what is seen where people find it after the tests, and looks whether it is a picture.
fn save(browser: &mut Browser, name: &str) {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("dashboard");
    fs::create_dir_all(&folder).unwrap();
    let picture: PathBuf = folder.join(format!("ray-{name}.png"));
    browser.save(&picture);
    let bytes = fs::read(&picture).unwrap();
    assert_eq!(&bytes[..8], b"\x89PNG\r\n\x1a\n");
    // Width and height stand at the head of a PNG.
    assert_eq!(bytes[16..24], [0, 0, 5, 120, 0, 0, 3, 132]);
    let docs = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs");
    let shown = format!("pictures/ray-{name}.png");
    let page = fs::read_to_string(docs.join("ray.md")).unwrap();
    assert!(page.contains(&format!("]({shown})")), "{shown}");
    let kept = docs.join(shown);
    if std::env::var_os("UPDATE_PICTURES").is_some() {
        fs::create_dir_all(kept.parent().unwrap()).unwrap();
        fs::copy(&picture, &kept).unwrap();
    }
    assert!(kept.exists(), "UPDATE_PICTURES=1 makes {}", kept.display());
}
