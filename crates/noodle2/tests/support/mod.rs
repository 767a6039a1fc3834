//! Running the real `noodle2` on real studies.
#![allow(clippy::print_stderr, reason = "a skipped test says so out loud")]
#![allow(dead_code, reason = "each test file uses its own part")]

pub mod cluster;
pub mod dashboard;
pub mod grid;
pub mod made_up;
pub mod screen;
pub mod served;

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

/// How long a test waits for something that must come.
pub const PATIENCE: Duration = Duration::from_secs(240);

pub fn noodle2() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_noodle2"));
    // What one test has run is not known to another, unless it asks for that.
    command
        .env("NO_COLOR", "1")
        .env("NOODLE2_CACHE", "off")
        .stdin(Stdio::null());
    command
}

/// Runs to the end; returns exit status, stdout, stderr.
pub fn run(arguments: &[&str]) -> (i32, String, String) {
    finish(noodle2().args(arguments).output().unwrap())
}

/// Runs to the end, which must come with this exit status; returns stdout and stderr.
pub fn ends(status: i32, arguments: &[&str]) -> (String, String) {
    let (found, stdout, stderr) = run(arguments);
    assert_eq!(found, status, "{arguments:?}: {stderr}");
    (stdout, stderr)
}

/// Runs a study to its end; returns what it printed.
pub fn completes(study: &Path, out: &Path) -> String {
    ends(0, &["run", text(study), "--out", text(out)]).0
}

/// Starts a run and waits until it is in the midst of its work.
pub fn begin(study: &Path, out: &Path) -> Child {
    let mut child = start(&["run", text(study), "--out", text(out), "-j", "1"]);
    wait_for_records(&mut child, out, 8);
    child
}

/// What Ctrl-C does. One that has ended already stays as it is.
pub fn interrupt(child: &Child) {
    let id = child.id().to_string();
    Command::new("kill").args(["-INT", &id]).status().unwrap();
}

pub fn finish(output: Output) -> (i32, String, String) {
    (
        output.status.code().unwrap_or(-1),
        String::from_utf8(output.stdout).unwrap(),
        String::from_utf8(output.stderr).unwrap(),
    )
}

/// A fresh study from a template; returns the folder and the study file.
pub fn template(parent: &Path, template: &str) -> PathBuf {
    let folder = parent.join(template);
    let (status, _, stderr) = run(&["init", text(&folder), "--template", template]);
    assert_eq!(status, 0, "{stderr}");
    folder.join("study.yaml")
}

pub fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

/// Changes a file; the text to be replaced must be there.
pub fn edit(path: &Path, from: &str, to: &str) {
    let content = fs::read_to_string(path).unwrap();
    assert!(
        content.contains(from),
        "`{from}` is not in {}",
        path.display()
    );
    fs::write(path, content.replace(from, to)).unwrap();
}

/// Gives the study an engine of its own: OpenSTA, after `first`, a piece of shell that knows the attempt by `$PWD`.
/// It cannot be kept loaded and forked, so that every attempt comes by `first`.
pub fn engine_after(study: &Path, first: &str) {
    let real = Command::new("sh")
        .args(["-c", "command -v sta"])
        .output()
        .unwrap();
    let real = String::from_utf8(real.stdout).unwrap();
    let engine = study.with_file_name("sta");
    fs::write(
        &engine,
        format!(
            "#!/bin/sh\ncase \"$PWD\" in */engines/*) exit 1;; esac\n{first}\nexec {} \"$@\"\n",
            real.trim()
        ),
    )
    .unwrap();
    fs::set_permissions(&engine, fs::Permissions::from_mode(0o755)).unwrap();
    edit(
        study,
        "{kind: opensta}",
        &format!("{{kind: opensta, path: {}}}", text(&engine)),
    );
}

/// An ECO that does one thing where the engine has `fork` and another where it has not.
const TWO_FACED: &str = "\
set many [expr {[info commands fork] ne \"\" ? 3 : 1}]
set done 0
foreach inst [leaf_instances] {
  set cell [stronger [cell_of $inst] 1]
  if {$done < $many && $cell ne \"\" && [may_edit $inst] && [resize $inst $cell]} { incr done }
}
";

/// The sequential study of the templates, whose forks are all audited, with the two-faced ECO as the first of a stage.
pub fn two_faced(folder: &Path, stage: &str) -> PathBuf {
    let study = template(folder, "sequential");
    let eco = study.with_file_name("ecos").join("two_faced");
    fs::create_dir_all(&eco).unwrap();
    fs::write(eco.join("eco.tcl"), TWO_FACED).unwrap();
    let manifest = "name: two_faced\nversion: 1\ndescription: Two-faced.\nclass: placement_local\nengines: [opensta]\n\
                    parameters: {}\nexpected: {}\nchanges_connectivity: false\nimplementation: {tcl: eco.tcl}\n";
    fs::write(eco.join("eco.yaml"), manifest).unwrap();
    edit(
        &study,
        "{kind: opensta}",
        "{kind: opensta, audit: 1}\neco_path: [ecos]",
    );
    let content = fs::read_to_string(&study).unwrap();
    let begin = content.find(&format!("  - name: {stage}")).unwrap();
    let at = begin + content[begin..].find("    ecos:\n").unwrap() + "    ecos:\n".len();
    let (before, after) = content.split_at(at);
    fs::write(&study, format!("{before}      - name: two_faced\n{after}")).unwrap();
    study
}

/// A stand-in for the bridge to a cluster that says these frames and then nothing; what it is told goes to `told` in
/// the folder.
pub fn stand_in_bridge(folder: &Path, said: &[&str]) -> PathBuf {
    let frames = said
        .iter()
        .map(|text| format!("printf '\\000\\000\\000\\{:03o}%s' '{text}'\n", text.len()));
    let python = folder.join("python");
    let told = folder.join("told");
    let script = format!(
        "#!/bin/sh\n{}cat > {}\n",
        frames.collect::<String>(),
        text(&told)
    );
    fs::write(&python, script).unwrap();
    fs::set_permissions(&python, fs::Permissions::from_mode(0o755)).unwrap();
    python
}

pub fn summary(run: &Path) -> Value {
    serde_json::from_str(&fs::read_to_string(run.join("summary.json")).unwrap()).unwrap()
}

pub fn digest(run: &Path) -> String {
    summary(run)["digest"].as_str().unwrap().to_owned()
}

/// The records of a journal, as far as they are whole.
pub fn journal(run: &Path) -> Vec<Value> {
    fs::read_to_string(run.join("journal.ndjson"))
        .unwrap_or_default()
        .lines()
        .filter_map(|line| serde_json::from_str(line).ok())
        .collect()
}

/// Starts a run or its resumption without waiting.
pub fn start(arguments: &[&str]) -> Child {
    noodle2()
        .args(arguments)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap()
}

/// Waits until the journal holds so many records, or the process has ended.
pub fn wait_for_records(child: &mut Child, run: &Path, count: usize) {
    wait_until(child, run, |records| records.len() >= count);
}

/// Waits until the journal is as wanted, or the process has ended.
pub fn wait_until(child: &mut Child, run: &Path, wanted: impl Fn(&[Value]) -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !wanted(&journal(run)) && child.try_wait().unwrap().is_none() {
        assert!(Instant::now() < deadline, "the run does not get on");
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// The folder with platforms and designs that cannot be part of this project, or a loud word that the
/// test was skipped.
pub fn shared() -> Option<PathBuf> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared");
    if path.join("designs").is_dir() {
        return Some(path.canonicalize().unwrap());
    }
    eprintln!("SKIPPED: ../shared is not there");
    None
}
