//! The pages that `noodle2 serve` shows, in a real browser, of real runs: what they tell while a run goes on, what can be
//! done from them, and that everybody can read them. With `UPDATE_PICTURES=1` the pictures of the docs are made anew.

mod support;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Child;

use serde_json::{Value, json};
use support::dashboard::Browser;
use support::served::{Served, serious};
use support::{completes, edit, ends, engine_after, journal, start, template, text, wait_until};

/// What an engine says that means harm to whoever shows it.
const HARMFUL: &str =
    "<script>document.title = \"taken\"</script><img src=x onerror=\"document.title=1\">";

/// A study some of whose attempts wait until a file is there: `first` in the first stage of a branch, `last` in the join.
fn gated(folder: &Path) -> PathBuf {
    let study = template(folder, "branching");
    let wait = |gate: &str| {
        format!(
            "while [ ! -e {} ]; do sleep 0.05; done",
            text(&folder.join(gate))
        )
    };
    engine_after(
        &study,
        &format!(
            "case \"$PWD\" in */counter_1_2/*) {};; */counter_3_1/*) {};; esac",
            wait("first"),
            wait("last")
        ),
    );
    study
}

fn open_gate(folder: &Path, gate: &str) {
    fs::write(folder.join(gate), "").unwrap();
}

/// Waits until an attempt of this trial has begun.
fn wait_for_attempt(child: &mut Child, out: &Path, trial: &str) {
    wait_until(child, out, |records| {
        records.iter().any(|record| {
            record["event"]["type"] == "attempt_started"
                && record["event"]["attempt"]["trial"] == trial
        })
    });
    assert!(child.try_wait().unwrap().is_none(), "the run has ended");
}

fn kill(child: &mut Child) {
    child.kill().unwrap();
    child.wait().unwrap();
}

/// The numbers of the records that a stream of news has told, in order.
fn told(news: &str) -> Vec<usize> {
    let ids = news.lines().filter_map(|line| line.strip_prefix("id: "));
    ids.map(|id| id.trim().parse().unwrap()).collect()
}

/// Waits until the page says that the run stands so.
fn stands(browser: &mut Browser, state: &str) {
    browser.wait_until(&format!(
        "(document.getElementById('standing')?.innerText ?? '').includes({})",
        json!(state)
    ));
}

fn connection(browser: &mut Browser, state: &str) {
    browser.wait_until(&format!(
        "document.getElementById('connection')?.textContent === {}",
        json!(state)
    ));
}

#[test]
fn a_page_follows_its_run_through_the_ends_of_the_server_and_of_the_controller() {
    let Some(mut browser) = Browser::start() else {
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let study = gated(folder.path());
    let runs = folder.path().join("runs");
    let out = runs.join("live");
    let mut run = start(&["run", text(&study), "--out", text(&out), "-j", "2"]);
    wait_for_attempt(&mut run, &out, "1_2");
    let served = Served::start(&runs);
    let port = served.port();
    browser.open(&format!("{}/runs/live", served.address));
    stands(&mut browser, "running");
    connection(&mut browser, "live");
    browser.evaluate("window.kept = 'since the beginning'; true");
    let stage = |name: &str| {
        format!(
            "[...document.querySelectorAll('#stages tbody tr')].find((row) => row.cells[1].innerText === '{name}').cells[2].innerText"
        )
    };
    let timing = stage("timing");
    assert!(
        browser
            .evaluate(&timing)
            .as_str()
            .unwrap()
            .contains("running")
    );
    let join = stage("merge");
    assert!(
        !browser
            .evaluate(&join)
            .as_str()
            .unwrap()
            .contains("running")
    );

    // The server goes and comes back, and what happened meanwhile is told.
    served.kill();
    connection(&mut browser, "reconnecting");
    open_gate(folder.path(), "first");
    wait_for_attempt(&mut run, &out, "3_1");
    let served = Served::start_at(&runs, port);
    connection(&mut browser, "live");
    browser.wait_until(&format!("{join}.includes('running')"));
    browser.wait_until(&format!("{timing}.includes('completed')"));

    // The focus of whoever reads stays where it is, although its part is exchanged.
    browser.evaluate("document.querySelector('#stages tbody a').focus(); true");
    kill(&mut run);
    stands(&mut browser, "interrupted");
    let mut run = start(&["resume", text(&out)]);
    stands(&mut browser, "running");
    open_gate(folder.path(), "last");
    assert!(run.wait().unwrap().success());
    stands(&mut browser, "completed");
    connection(&mut browser, "ended");
    browser.wait_until(&format!("{join}.includes('completed')"));
    assert_eq!(
        browser.evaluate("document.activeElement.closest('section')?.id"),
        "stages"
    );
    assert_eq!(browser.evaluate("window.kept"), "since the beginning");

    // Every record came once, in order: to the page, and to whoever asks.
    let count = journal(&out).len();
    let lines = browser.evaluate(
        "[...document.querySelectorAll('#log-lines li')].map((line) => Number(line.id.slice(6)))",
    );
    let expected: Vec<usize> = (1..=count).rev().collect();
    assert!(count < 500, "more than a page keeps");
    assert_eq!(lines, json!(expected));
    let (_, news) = served.ask("GET", "/runs/live/events?after=0", &[], "");
    assert_eq!(told(&news), (1..=count).collect::<Vec<_>>());
    let (_, news) = served.ask(
        "GET",
        "/runs/live/events?after=0",
        &["Last-Event-ID: 7"],
        "",
    );
    assert_eq!(told(&news), (8..=count).collect::<Vec<_>>());
    assert!(news.contains("event: over"), "{news}");
}

/// The word of the page after an answer, with what the server's form sends.
fn answer(served: &Served, evidence: &str, token: &str) -> (u16, String) {
    let form =
        format!("stage=timing&evidence={evidence}&by=eve&note=&token={token}&answer=approve");
    let head = ["Content-Type: application/x-www-form-urlencoded"];
    served.ask("POST", "/runs/asked/approve", &head, &form)
}

#[test]
fn a_stage_is_approved_from_its_page_with_the_evidence_beside_the_button() {
    let Some(mut browser) = Browser::start() else {
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let study = asking(folder.path());
    let runs = folder.path().join("runs");
    let out = runs.join("asked");
    let mut run = start(&["run", text(&study), "--out", text(&out), "-j", "2"]);
    wait_until(&mut run, &out, |records| {
        records
            .iter()
            .any(|record| record["event"]["type"] == "approval_requested")
    });
    let served = Served::start(&runs);
    browser.open(&format!("{}/runs/asked", served.address));
    browser.wait_for("Stage timing waits for approval");
    let evidence = browser.evaluate("document.querySelector('input[name=evidence]').value");
    let evidence = evidence.as_str().unwrap();
    assert_eq!(answer(&served, evidence, "0123").0, 403);
    assert_eq!(answer(&served, evidence, "").0, 403);
    let other = format!("sha256:{}", "0".repeat(64));
    let (status, page) = answer(&served, &other, &served.token);
    assert_eq!(status, 409, "{page}");
    assert!(
        page.contains("has changed since the page was made"),
        "{page}"
    );
    let given = |records: &[Value]| -> Vec<Value> {
        let events = records.iter().map(|record| record["event"].clone());
        events
            .filter(|event| event["type"] == "approval_given")
            .collect()
    };
    assert_eq!(given(&journal(&out)), Vec::<Value>::new());

    // What would be started from stands in the same box as the buttons, with what it gained.
    let beside = browser
        .evaluate("document.querySelector('button[value=approve]').closest('.ask-box').innerText");
    for word in [
        "would start from",
        "counter_0_",
        "setup_wns_ps",
        "look at the fanout",
        "Refuse",
    ] {
        assert!(
            beside.as_str().unwrap().contains(word),
            "`{word}`: {beside}"
        );
    }
    // What is being typed stays, whatever comes meanwhile.
    for (field, value) in [
        ("by", "ann"),
        ("note", "<b>looks</b> fine"),
        ("token", &served.token),
    ] {
        browser.evaluate(&format!(
            "document.querySelector('.ask-box [name={field}]').focus(); true"
        ));
        browser.write(value);
    }
    browser.click("Approve");
    browser.wait_for("The answer is in the journal");
    browser.click("Back to the run");
    browser.wait_for("Event log");
    assert!(run.wait().unwrap().success());
    let given = given(&journal(&out));
    assert_eq!(given.len(), 1);
    assert_eq!(
        (&given[0]["by"], &given[0]["note"]),
        (&json!("ann"), &json!("<b>looks</b> fine"))
    );
    stands(&mut browser, "completed");
    let shown = browser.wait_for("<b>looks</b> fine");
    assert!(shown.contains("ann"), "{shown}");
}

/// A branching study one of whose branches waits for a person.
fn asking(folder: &Path) -> PathBuf {
    let study = template(folder, "branching");
    let approval = "    approval: {approvers: 1, note: look at the fanout}\n";
    edit(
        &study,
        "  - name: timing\n",
        &format!("  - name: timing\n{approval}"),
    );
    study
}

/// Runs that ended in every way, below one folder: `done` with a failure in it, `waiting`, and `blocked`.
fn ended(folder: &Path) -> PathBuf {
    let runs = folder.join("runs");
    let made = |name: &str| {
        let place = folder.join(name);
        fs::create_dir(&place).unwrap();
        place
    };
    let study = template(&made("a"), "branching");
    engine_after(
        &study,
        &format!(
            "case \"$PWD\" in */counter_1_2/*) echo '{HARMFUL}'; echo '{HARMFUL}' >&2; exit 3;; esac"
        ),
    );
    completes(&study, &runs.join("done"));
    let study = asking(&made("b"));
    ends(
        8,
        &[
            "run",
            text(&study),
            "--out",
            text(&runs.join("waiting")),
            "--exit-when-waiting",
        ],
    );
    let study = template(&made("c"), "sequential");
    edit(
        &study.with_file_name("constraints.sdc"),
        "[get_ports clk]",
        "[get_ports clock]",
    );
    ends(
        5,
        &["run", text(&study), "--out", text(&runs.join("blocked"))],
    );
    runs
}

/// A trial of a run that came to this.
fn trial_that(out: &Path, came_to: impl Fn(&Value) -> bool) -> String {
    let records = journal(out);
    let found = records.iter().map(|record| &record["event"]).find(|event| {
        event["type"] == "attempt_finished"
            && event["attempt"]["trial"] != "0_0"
            && came_to(&event["outcome"])
    });
    found.unwrap()["attempt"]["trial"]
        .as_str()
        .unwrap()
        .to_owned()
}

#[test]
fn every_page_can_be_read_by_everybody() {
    let Some(mut browser) = Browser::start() else {
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let runs = ended(folder.path());
    let served = Served::start(&runs);
    let done = runs.join("done");
    let measured = trial_that(&done, |outcome| !outcome["measured"].is_null());
    let unchanged = trial_that(&done, |outcome| outcome == "no_effect");
    let best = support::summary(&done)["best"]["case"]
        .as_str()
        .unwrap()
        .to_owned();
    let pages = [
        ("runs", "/".to_owned()),
        ("run", "/runs/done".to_owned()),
        ("waiting", "/runs/waiting".to_owned()),
        ("blocked", "/runs/blocked".to_owned()),
        ("trials", "/runs/done/trials".to_owned()),
        (
            "filtered",
            "/runs/done/trials?stage=1&result=measured&sort=gain".to_owned(),
        ),
        ("measured", format!("/runs/done/trials/{measured}")),
        ("unchanged", format!("/runs/done/trials/{unchanged}")),
        ("failed", "/runs/done/trials/1_2".to_owned()),
        ("base", "/runs/done/trials/0_0".to_owned()),
        ("base-case", "/runs/done/cases/counter_0_0".to_owned()),
        ("case", format!("/runs/done/cases/{best}")),
        ("report", "/runs/done/report".to_owned()),
        ("absent", "/runs/absent".to_owned()),
    ];
    browser.watch();
    let mut found = Vec::new();
    for (name, path) in &pages {
        for (width, scheme) in [(1300, "light"), (1300, "dark"), (390, "light")] {
            browser.resize(width, 900);
            browser.prefer(scheme);
            // A page that was looked at once is the same in other light; only its width makes another layout.
            if scheme == "light" {
                browser.open(&format!("{}{path}", served.address));
            }
            browser.wait_until("document.readyState === 'complete'");
            let here = format!("{name} {width} {scheme}");
            found.extend(
                serious(&mut browser)
                    .into_iter()
                    .map(|line| format!("{here}: {line}")),
            );
            if browser.evaluate("document.documentElement.scrollWidth > innerWidth") == json!(true)
            {
                found.push(format!("{here}: the page scrolls sideways"));
            }
            let strange = browser.noticed().into_iter().filter(|line| {
                let own = format!("request {}", served.address);
                let is_page = line.starts_with(&own)
                    || line.starts_with("request data:")
                    || line.starts_with("request about:");
                let is_absence = *name == "absent" && line.contains("404");
                !is_page && !is_absence
            });
            found.extend(strange.map(|line| format!("{here}: {line}")));
            picture(&mut browser, name, width, scheme);
        }
    }
    assert!(found.is_empty(), "{}", found.join("\n"));
    browser.resize(1300, 900);
    reach_by_keyboard(&mut browser, &served);
    escapes(&mut browser, &served);
}

/// Goes through the page of a run that waits with the tabulator alone: everything that can be done is met, and is seen to be.
fn reach_by_keyboard(browser: &mut Browser, served: &Served) {
    browser.open(&format!("{}/runs/waiting", served.address));
    browser.wait_for("Event log");
    browser.evaluate("window.met = new Set(); true");
    let doable = browser.evaluate(
        "document.querySelectorAll('a[href], button, input:not([type=hidden]), summary, .scroll[tabindex]').length",
    );
    let mut met = Vec::new();
    for _ in 0..2000 {
        browser.press_tab();
        let now = browser.evaluate(
            "(() => { const now = document.activeElement; if (now === document.body || met.has(now)) return null; \
             met.add(now); const style = getComputedStyle(now); \
             const isDrawn = now instanceof SVGElement; \
             return [now.outerHTML.slice(0, 120), isDrawn || style.outlineStyle !== 'none' && parseFloat(style.outlineWidth) >= 2]; })()",
        );
        if now.is_null() {
            break;
        }
        met.push(now);
    }
    let hidden: Vec<&Value> = met.iter().filter(|one| one[1] != json!(true)).collect();
    assert!(hidden.is_empty(), "the focus is not seen on {hidden:?}");
    let missed = browser.evaluate(
        "[...document.querySelectorAll('a[href], button, input:not([type=hidden]), summary, .scroll[tabindex]')] \
         .filter((one) => !met.has(one) && one.checkVisibility()).map((one) => one.outerHTML.slice(0, 120))",
    );
    assert_eq!(missed, json!([]), "of {doable} things that can be done");
    assert!(met.len() > 20, "{met:?}");
}

/// What a tool printed is shown as it printed it, and does nothing.
fn escapes(browser: &mut Browser, served: &Served) {
    for path in [
        "/runs/done",
        "/runs/done/trials",
        "/runs/done/trials/1_2",
        "/runs/done/report",
    ] {
        browser.open(&format!("{}{path}", served.address));
        browser.wait_until("document.readyState === 'complete'");
        let page = served.get(path);
        assert!(
            !page.contains("<script>document") && !page.contains("<img"),
            "{path}"
        );
        assert!(
            !browser
                .evaluate("document.title")
                .as_str()
                .unwrap()
                .contains("taken")
        );
    }
    browser.open(&format!("{}/runs/done/trials/1_2", served.address));
    browser.wait_for(HARMFUL);
    // The same as a file is text.
    let (status, file) = served.ask("GET", "/runs/done/files/1_2/1/sta.log", &[], "");
    assert!(
        status == 200 && file.contains("text/plain") && file.contains("nosniff"),
        "{file}"
    );
}

/// Saves what is seen where people find it after the tests, where they asked for that: it takes as long as all the rest.
fn picture(browser: &mut Browser, name: &str, width: u32, scheme: &str) {
    if std::env::var_os("UPDATE_PICTURES").is_none() {
        return;
    }
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("console");
    fs::create_dir_all(&folder).unwrap();
    if ["run", "case", "trials"].contains(&name) && (width, scheme) == (1300, "light") {
        let docs = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/pictures");
        browser.save(&docs.join(format!("console-{name}.png")));
    }
    let picture = folder.join(format!("{name}-{width}-{scheme}.png"));
    browser.save_whole(&picture, width, 6000);
}
