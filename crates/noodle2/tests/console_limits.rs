//! Where the pages of `noodle2 serve` end: whom they are not shown, what they do not give, runs that are damaged, gone in
//! part or very large, and the report that stands alone.

mod support;

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::time::Instant;

use serde_json::json;
use support::dashboard::Browser;
use support::made_up;
use support::served::{Served, serious};
use support::{completes, ends, engine_after, interrupt, start, template, text, wait_until};

/// Bytes that no page may have.
const MOST: usize = 3 << 20;

/// A branching run that has ended, below `runs`.
fn finished(folder: &Path) -> std::path::PathBuf {
    let out = folder.join("runs/done");
    completes(&template(folder, "branching"), &out);
    out
}

fn status(served: &Served, path: &str, head: &[&str]) -> u16 {
    served.ask("GET", path, head, "").0
}

#[test]
fn a_server_gives_nothing_to_strangers_and_nothing_that_is_not_of_a_run() {
    let folder = tempfile::tempdir().unwrap();
    let out = finished(folder.path());
    let runs = folder.path().join("runs");
    fs::write(runs.join("secret.txt"), "secret").unwrap();
    let attempt = out.join("trials/counter_0_0/1");
    fs::write(attempt.join("secret.txt"), "secret").unwrap();
    std::os::unix::fs::symlink(runs.join("secret.txt"), attempt.join("link.txt")).unwrap();
    // A link in the place of a file that the index names leads nowhere.
    let sealed = out.join("trials/counter_0_1/1/script.tcl");
    fs::remove_file(&sealed).unwrap();
    std::os::unix::fs::symlink(runs.join("secret.txt"), &sealed).unwrap();
    std::os::unix::fs::symlink(folder.path(), runs.join("elsewhere")).unwrap();
    let served = Served::start(&runs);

    assert_eq!(status(&served, "/", &["Host: evil.example"]), 421);
    assert_eq!(
        status(
            &served,
            "/runs/done/report",
            &["Host: 127.0.0.1.evil.example"]
        ),
        421
    );
    let files = "/runs/done/files/0_0/1";
    assert_eq!(status(&served, &format!("{files}/script.tcl"), &[]), 200);
    for path in [
        format!("{files}/secret.txt"),
        format!("{files}/link.txt"),
        format!("{files}/..%2f..%2f..%2fstudy.yaml"),
        format!("{files}/../../../study.yaml"),
        format!("{files}/%2Fetc%2Fpasswd"),
        format!("{files}//etc/passwd"),
        format!("{files}/script.tcl%00"),
        "/runs/done/files/0_1/1/script.tcl".to_owned(),
        "/runs/done/files/0_0/99/script.tcl".to_owned(),
        "/runs/done/files/..%2F/1/script.tcl".to_owned(),
        "/runs/..%2Fruns%2Fdone".to_owned(),
        "/runs/elsewhere".to_owned(),
        "/runs/elsewhere%2Fruns%2Fdone".to_owned(),
        format!("/runs/{}", text(&out).replace('/', "%2F")),
        "/runs/done/trials/9_9".to_owned(),
        "/runs/done/trials/%3Cscript%3E".to_owned(),
        "/runs/done/cases/counter_9_9".to_owned(),
        "/runs/done/cases/other_0_0".to_owned(),
        "/assets/..%2fstyle.css".to_owned(),
        "/runs/%3Cscript%3E".to_owned(),
    ] {
        let (status, page) = served.ask("GET", &path, &[], "");
        assert_eq!(status, 404, "{path}: {page}");
        let (_, body) = page.split_once("\r\n\r\n").unwrap();
        assert!(
            !body.contains("secret\n") && !body.contains("root:"),
            "{path}: {page}"
        );
        assert!(!page.contains("<script>"), "{path}: {page}");
    }
    let form = ["Content-Type: application/x-www-form-urlencoded"];
    let body = "stage=timing&evidence=x&by=eve&token=&answer=approve";
    assert_eq!(served.ask("POST", "/runs/done/approve", &form, body).0, 403);
    assert_eq!(
        served.ask("POST", "/runs/done/approve", &form, "by=eve").0,
        422
    );
    assert_eq!(served.ask("POST", "/runs/done", &form, "").0, 405);
    let (_, page) = served.ask("GET", "/", &[], "");
    assert!(
        page.contains("content-security-policy: default-src 'none'"),
        "{page}"
    );
}

#[test]
fn a_server_is_open_to_a_network_only_where_asked_and_with_the_token() {
    let folder = tempfile::tempdir().unwrap();
    let (_, said) = ends(
        2,
        &[
            "serve",
            text(folder.path()),
            "--host",
            "0.0.0.0",
            "--port",
            "0",
        ],
    );
    assert!(
        said.contains("N2-SERVE-001") && said.contains("--open"),
        "{said}"
    );
    let served = Served::start_with(folder.path(), 0, &["--host", "0.0.0.0", "--open"]);
    let token = &served.token;
    for path in [
        "/",
        "/events",
        "/assets/style.css",
        "/runs/x",
        "/?token=0123",
        "/nowhere",
    ] {
        let (status, page) = served.ask("GET", path, &[], "");
        assert_eq!(status, 401, "{path}: {page}");
        assert!(!page.contains(token.as_str()), "{page}");
    }
    let (status, answer) = served.ask("GET", &format!("/?token={token}"), &[], "");
    assert_eq!(status, 303, "{answer}");
    assert!(answer.contains("HttpOnly; SameSite=Strict"), "{answer}");
    let cookie = format!("Cookie: noodle2={token}");
    assert!(
        served
            .ask("GET", "/", &[&cookie], "")
            .1
            .contains("No run is here yet")
    );
    assert_eq!(status_of_bearer(&served, token), 200);
    // A page is read without a script that would have to come without the cookie.
    if let Some(mut browser) = Browser::start() {
        let address = served.address.replace("0.0.0.0", "127.0.0.1");
        browser.watch();
        browser.open(&format!("{address}/?token={token}"));
        browser.wait_for("No run is here yet");
        browser.wait_until("document.documentElement.classList.contains('scripted')");
        let complaints = browser
            .noticed()
            .into_iter()
            .filter(|line| line.starts_with("complaint"));
        assert_eq!(complaints.collect::<Vec<_>>(), Vec::<String>::new());
    }
}

fn status_of_bearer(served: &Served, token: &str) -> u16 {
    status(served, "/", &[&format!("Authorization: Bearer {token}")])
}

#[test]
fn a_run_that_is_damaged_or_gone_in_part_is_shown_as_far_as_it_is_there() {
    let folder = tempfile::tempdir().unwrap();
    let out = finished(folder.path());
    let runs = folder.path().join("runs");
    let journal = fs::read_to_string(out.join("journal.ndjson")).unwrap();
    let broken = |name: &str, text: &str| {
        fs::create_dir(runs.join(name)).unwrap();
        for file in ["study.yaml", "run.json"] {
            let _ = fs::copy(out.join(file), runs.join(name).join(file));
        }
        fs::write(runs.join(name).join("journal.ndjson"), text).unwrap();
    };
    let mut lines: Vec<&str> = journal.lines().collect();
    let middle = lines.len() / 2;
    lines[middle] = "{\"seq\": <b>";
    broken("cut", &journal[..journal.len() / 2]);
    broken("changed", &(lines.join("\n") + "\n"));
    broken("empty", "");
    broken("strange", "\u{0}\u{1}<script>\n");
    ends(0, &["gc", text(&out), "--keep", "survivors", "--delete"]);

    let served = Served::start(&runs);
    let list = served.get("/");
    for name in ["cut", "changed", "empty", "strange", "done"] {
        assert!(list.contains(&format!("/runs/{name}")), "{name}: {list}");
        let (status, page) = served.ask("GET", &format!("/runs/{name}"), &[], "");
        assert!([200, 404].contains(&status), "{name}: {page}");
        assert!(
            !page.contains("<script>") && !page.contains("<b>"),
            "{page}"
        );
        assert_eq!(
            status == 404,
            page.contains("cannot be shown") || page.contains("N2-"),
            "{name}: {page}"
        );
    }
    let changed = served.get("/runs/changed");
    assert!(changed.contains("role=\"alert\""), "{changed}");
    // What was collected is not offered as if it were there.
    let trial = served.get("/runs/done/trials/0_1");
    assert!(trial.contains("no longer there"), "{trial}");
    for address in hrefs(&trial)
        .into_iter()
        .filter(|address| address.contains("/files/"))
    {
        assert_eq!(status(&served, &address, &[]), 200, "{address}");
    }
    served.get("/runs/done/report");

    let bare = tempfile::tempdir().unwrap();
    let served = Served::start(bare.path());
    assert!(served.get("/").contains("No run is here yet"));
    let (_, said) = ends(
        2,
        &["serve", text(&bare.path().join("absent")), "--port", "0"],
    );
    assert!(said.contains("N2-SERVE-003"), "{said}");
}

/// Where the links of a page lead.
fn hrefs(page: &str) -> BTreeSet<String> {
    let links = page.split("href=\"").skip(1);
    links
        .map(|link| link.split('"').next().unwrap().to_owned())
        .collect()
}

#[test]
fn a_report_stands_alone() {
    let folder = tempfile::tempdir().unwrap();
    let study = template(folder.path(), "branching");
    engine_after(&study, "case \"$PWD\" in */counter_1_2/*) exit 3;; esac");
    let out = folder.path().join("runs/done");
    completes(&study, &out);
    let report = folder.path().join("report.html");
    ends(
        0,
        &[
            "report",
            text(&out),
            "--format",
            "html",
            "--out",
            text(&report),
        ],
    );
    let page = fs::read_to_string(&report).unwrap();
    for address in hrefs(&page) {
        match address.strip_prefix('#') {
            Some(id) => assert!(
                page.contains(&format!("id=\"{id}\"")),
                "nothing is {address}"
            ),
            None => assert!(address.starts_with("data:"), "{address} is elsewhere"),
        }
    }
    for record in support::journal(&out) {
        if record["event"]["type"] == "trial_proposed" {
            let trial = &record["event"]["trial"];
            let id = trial["id"].as_str().or(trial.as_str()).unwrap();
            assert!(
                page.contains(&format!("id=\"trial-{id}\"")),
                "{id} is not in it"
            );
        }
    }
    for forbidden in ["<script", "url(", "@import", "http://", "https://"] {
        let without = page.replace("http://www.w3.org/", "");
        assert!(!without.contains(forbidden), "{forbidden}");
    }

    let Some(mut browser) = Browser::start() else {
        return;
    };
    browser.watch();
    browser.cut_off();
    browser.open(&format!("file://{}", text(&report)));
    browser.wait_for("How to reproduce it");
    let strange: Vec<String> = browser
        .noticed()
        .into_iter()
        .filter(|line| {
            !line.starts_with("request file:")
                && !line.starts_with("request data:")
                && !line.starts_with("request about:")
        })
        .collect();
    assert_eq!(strange, Vec::<String>::new());
    let pictures = Path::new(env!("CARGO_TARGET_TMPDIR")).join("console");
    fs::create_dir_all(&pictures).unwrap();
    for (width, scheme) in [(1300, "light"), (1300, "dark"), (390, "light")] {
        browser.resize(width, 900);
        browser.prefer(scheme);
        assert_eq!(
            serious(&mut browser),
            Vec::<String>::new(),
            "{width} {scheme}"
        );
        assert_eq!(
            browser.evaluate("document.documentElement.scrollWidth <= innerWidth"),
            json!(true),
            "{width}"
        );
        browser.save_whole(
            &pictures.join(format!("report-{width}-{scheme}.png")),
            width,
            6000,
        );
    }
    assert!(browser.print() > 20_000);
}

#[test]
fn ten_thousand_trials_are_no_burden() {
    let folder = tempfile::tempdir().unwrap();
    let study = template(folder.path(), "sequential");
    let content = fs::read_to_string(&study).unwrap();
    let (head, _) = content.split_once("budget:").unwrap();
    let stages = "budget: {trials: 20000}\nstages:\n  - name: many\n    trials: 12000\n    proposer: {kind: random}\n    ecos:\n      \
                  - name: upsize_critical\n        parameters: {max_cells: {from: 1, to: 2000}, paths: {from: 1, to: 500}}\n";
    fs::write(&study, format!("{head}{stages}")).unwrap();
    let out = folder.path().join("runs/large");
    let mut run = start(&["run", text(&study), "--out", text(&out), "-j", "1"]);
    wait_until(&mut run, &out, |records| {
        records
            .iter()
            .any(|record| record["event"]["type"] == "trial_proposed")
    });
    interrupt(&run);
    run.wait().unwrap();
    made_up::go_on(&out, 10_000);
    let served = Served::start(&folder.path().join("runs"));
    for path in [
        "/",
        "/runs/large",
        "/runs/large/trials",
        "/runs/large/trials?sort=gain&page=50",
        "/runs/large/trials/0_5000",
        "/runs/large/report",
    ] {
        let began = Instant::now();
        let page = served.get(path);
        eprintln!("{path}: {} kB in {:?}", page.len() >> 10, began.elapsed());
        // A report tells of every trial: it alone grows with them.
        let most = if path.ends_with("/report") {
            10_000 * 1024
        } else {
            MOST
        };
        assert!(page.len() < most, "{path} has {} bytes", page.len());
    }
    let Some(mut browser) = Browser::start() else {
        return;
    };
    browser.watch();
    let began = Instant::now();
    browser.open(&format!("{}/runs/large", served.address));
    browser.wait_for("Event log");
    eprintln!("shown in {:?}", began.elapsed());
    let asked = |browser: &mut Browser| {
        let lines = browser.noticed().into_iter();
        lines.filter(|line| line.ends_with("/runs/large")).count()
    };
    asked(&mut browser);
    // However fast records come, the page is asked for one at a time.
    browser.evaluate(
        "window.most = 0; window.now = 0; const real = fetch; window.fetch = async (...all) => { \
         window.most = Math.max(window.most, ++window.now); try { return await real(...all); } finally { window.now--; } }; true",
    );
    let began = Instant::now();
    made_up::go_on(&out, 500);
    let last = support::journal(&out).len();
    browser.wait_until(&format!(
        "document.documentElement.dataset.seq === '{last}' && window.most > 0 && window.now === 0"
    ));
    eprintln!(
        "asked for {} times in {:?}",
        asked(&mut browser),
        began.elapsed()
    );
    assert_eq!(browser.evaluate("window.most"), 1);
}
