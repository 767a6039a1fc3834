//! What a person sees of tasks on Ray's dashboard: names, states, errors and lines of logs. Looked at by a real browser.

mod support;

use std::fs;
use std::path::{Path, PathBuf};

use support::cluster::{Cluster, Wanted};
use support::dashboard::Browser;

/// Three tasks of an actor, of which one fails.
const WORK: &str = r#"
@ray.remote
class Slot:
    def attempt(self, name):
        print("a line of", name, flush=True)
        if "bad" in name:
            raise ValueError("an error of " + name)
slot = Slot.options(name="slot-1").remote()
for name in ["plain/base_0_0/first", "plain/base_0_0/bad", "plain/base_0_0/last"]:
    try:
        ray.get(slot.attempt.options(name=name).remote(name))
    except ValueError:
        pass
print(slot._actor_id.hex())
time.sleep(2)
"#;

/// Saves what is seen where people find it after the tests, and looks whether it is a picture.
fn save(browser: &mut Browser, name: &str) {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("dashboard");
    fs::create_dir_all(&folder).unwrap();
    let picture: PathBuf = folder.join(name).with_extension("png");
    browser.save(&picture);
    let bytes = fs::read(&picture).unwrap();
    assert_eq!(&bytes[..8], b"\x89PNG\r\n\x1a\n");
    // Width and height stand at the head of a PNG.
    assert_eq!(bytes[16..24], [0, 0, 5, 120, 0, 0, 3, 132]);
}

#[test]
fn tasks_are_shown_with_their_names_states_errors_and_lines() {
    let Some(mut browser) = Browser::start() else {
        return;
    };
    let cluster = Cluster::with(Wanted {
        cpus: 1,
        dashboard: true,
        ..Wanted::default()
    });
    let actor = cluster.python(WORK);
    let dashboard = cluster.dashboard().unwrap();

    // Without the token there is a question, and nothing else.
    browser.open(&format!("{dashboard}/#/jobs"));
    let shown = browser.wait_for("Authentication Token Required");
    assert!(!shown.contains("01000000"), "{shown}");

    browser.carry_token(&cluster.token().unwrap());
    browser.open(&format!("{dashboard}/#/jobs/01000000"));
    browser.click("Task Table");
    let shown = browser.wait_for("plain/base_0_0/bad");
    for text in ["plain/base_0_0/first", "FINISHED", "FAILED"] {
        assert!(shown.contains(text), "{shown}");
    }
    browser.scroll_to("plain/base_0_0/bad");
    save(&mut browser, "tasks");
    browser.click("Error");
    browser.wait_for("ValueError: an error of plain/base_0_0/bad");
    save(&mut browser, "error");

    browser.open(&format!("{dashboard}/#/actors/{}", actor.trim()));
    browser.click("STDOUT");
    browser.wait_for("a line of plain/base_0_0/last");
    browser.scroll_to("Logs");
    save(&mut browser, "lines");
}
