//! What is given to somebody else: an archive for a bug report, and a case with the script that makes it.

mod support;

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::Command;

use support::{completes, ends, engine_after, noodle2, summary, template, text};

/// The files of an archive by name, without the folder that they all lie in.
fn unpacked(archive: &Path, place: &Path) -> BTreeMap<String, String> {
    fs::create_dir(place).unwrap();
    let tar = Command::new("tar")
        .args([
            "-xzf",
            text(archive),
            "-C",
            text(place),
            "--strip-components=1",
        ])
        .status()
        .unwrap();
    assert!(tar.success());
    let mut found = BTreeMap::new();
    let mut open = vec![place.to_owned()];
    while let Some(folder) = open.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                open.push(path);
                continue;
            }
            let name = path.strip_prefix(place).unwrap().display().to_string();
            found.insert(name, fs::read_to_string(&path).unwrap());
        }
    }
    found
}

#[test]
fn an_archive_holds_what_is_known_of_a_case_and_nothing_secret() {
    let folder = tempfile::tempdir().unwrap();
    let study = template(folder.path(), "sequential");
    let content = fs::read_to_string(&study).unwrap();
    let notify = "notify:\n  - {command: [\"true\", \"hush-hush\"]}\n";
    fs::write(&study, content + notify).unwrap();
    let out = folder.path().join("run");
    completes(&study, &out);
    let best = summary(&out)["best"]["case"].as_str().unwrap().to_owned();
    let made = |name: &str, more: &[&str]| {
        let archive = folder.path().join(format!("{name}.tar.gz"));
        let arguments = ["debug", text(&out), &best, "--out", text(&archive)];
        let command = noodle2()
            .args([&arguments[..], more].concat())
            .env("SOME_TOKEN", "never-to-be-seen")
            .output()
            .unwrap();
        assert!(command.status.success(), "{command:?}");
        (
            fs::read(&archive).unwrap(),
            unpacked(&archive, &folder.path().join(name)),
        )
    };
    let (bytes, files) = made("first", &[]);
    let (again, _) = made("again", &[]);
    assert!(bytes == again, "the same run gives the same bytes");
    for name in [
        "README.md",
        "environment.json",
        "journal.ndjson",
        "lineage.json",
        "study.yaml",
        &format!("trials/{best}/1/script.tcl"),
        &format!("trials/{best}/1/provenance.json"),
        &format!("trials/{best}/2/sta.log"),
        "trials/counter_0_0/1/metrics.json",
    ] {
        assert!(files.contains_key(name), "{name}");
    }
    assert!(
        !files
            .keys()
            .any(|name| name.ends_with(".v") || name.ends_with(".sdc"))
    );
    let readme = &files["README.md"];
    assert!(
        readme.contains("netlist.v: design data, comes with `--with-design`"),
        "{readme}"
    );
    for (name, text) in &files {
        assert!(!text.contains("never-to-be-seen"), "{name}");
        assert!(!text.contains("hush-hush"), "{name}");
        assert!(!text.contains("/usr/local/bin:"), "{name}");
    }
    let (_, whole) = made("whole", &["--with-design"]);
    let netlist = fs::read_to_string(study.with_file_name("counter.v")).unwrap();
    assert!(whole.values().any(|text| *text == netlist));
    assert!(whole.contains_key(&format!("trials/{best}/1/netlist.v")));
}

#[test]
fn a_case_behind_a_join_is_rebuilt_by_one_script_without_noodle2() {
    let folder = tempfile::tempdir().unwrap();
    let study = template(folder.path(), "branching");
    let out = folder.path().join("run");
    completes(&study, &out);
    let best = summary(&out)["best"]["case"].as_str().unwrap().to_owned();
    let place = folder.path().join("winner");
    let (_, stderr) = ends(0, &["rebuild", text(&out), &best, "--out", text(&place)]);
    assert!(stderr.contains("checked:"), "{stderr}");
    let read = |name: &str| fs::read_to_string(place.join(name)).unwrap();
    let readme = read("README.md");
    assert!(
        readme.contains(summary(&out)["digest"].as_str().unwrap()),
        "{readme}"
    );
    assert!(readme.contains("**Checked**"), "{readme}");
    let own = out.join("trials").join(&best).join("1/netlist.v");
    assert_eq!(read("netlist.v"), fs::read_to_string(own).unwrap());
    // As the page in the folder says.
    let made = read("rebuild.v");
    fs::remove_file(place.join("rebuild.v")).unwrap();
    let sta = Command::new("sta")
        .args(["-no_init", "-no_splash", "-exit", "rebuild.tcl"])
        .current_dir(&place)
        .status()
        .unwrap();
    assert!(sta.success());
    assert_eq!(read("rebuild.v"), made);
    let (_, stderr) = ends(2, &["rebuild", text(&out), &best, "--out", text(&place)]);
    assert!(stderr.contains("N2-RUN-016"), "{stderr}");
}

#[test]
fn a_script_that_makes_another_design_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let study = template(folder.path(), "sequential");
    let first = "0,/^::n2_eco::connect/{/^::n2_eco::connect/d}";
    engine_after(
        &study,
        &format!("case \"$*\" in *rebuild.tcl*) sed -i '{first}' rebuild.tcl;; esac"),
    );
    let out = folder.path().join("run");
    completes(&study, &out);
    let best = summary(&out)["best"]["case"].as_str().unwrap().to_owned();
    let place = folder.path().join("winner");
    let (_, stderr) = ends(1, &["rebuild", text(&out), &best, "--out", text(&place)]);
    assert!(
        stderr.contains("N2-REBUILD-001 the netlist has the hash"),
        "{stderr}"
    );
    let readme = fs::read_to_string(place.join("README.md")).unwrap();
    assert!(readme.contains("IT MAKES ANOTHER DESIGN"), "{readme}");
}
