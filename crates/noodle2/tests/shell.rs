//! What a shell and `man` get: completions by the real `bash`, and pages that the real formatters read.
#![allow(clippy::print_stderr, reason = "a skipped test says so out loud")]

mod support;

use std::fs;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use support::{completes, ends, template, text};

/// The output of a tool of the system; a loud word where it is missing.
fn tool(name: &str, arguments: &[&str]) -> Option<Output> {
    match Command::new(name)
        .args(arguments)
        .stdin(Stdio::null())
        .output()
    {
        Ok(output) => Some(output),
        Err(error) => {
            eprintln!("SKIPPED: {name}: {error}");
            None
        }
    }
}

/// What `bash` offers for the last word of a line, given in the folder.
fn offered(folder: &Path, line: &[&str]) -> Vec<String> {
    let script = folder.join("noodle2.bash");
    fs::write(&script, ends(0, &["completions", "bash"]).0).unwrap();
    let ask = "source \"$1\"; shift; complete -p noodle2 >&2 || exit 9
        COMP_WORDS=(\"$@\"); COMP_CWORD=$(($# - 1)); COMP_TYPE=9
        definition=$(complete -p noodle2); function=${definition##*-F }; function=${function%% *}
        $function noodle2 \"${!#}\" \"\"; printf '%s\\n' \"${COMPREPLY[@]}\"";
    let binary = Path::new(env!("CARGO_BIN_EXE_noodle2")).parent().unwrap();
    let path = format!("{}:{}", text(binary), std::env::var("PATH").unwrap());
    let output = Command::new("bash")
        .args(["--norc", "-c", ask, "bash", text(&script)])
        .args(line)
        .current_dir(folder)
        .env("PATH", path)
        .output()
        .unwrap();
    let errors = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{errors}");
    assert!(errors.starts_with("complete "), "{errors}");
    let offered = String::from_utf8(output.stdout).unwrap();
    let words = offered.lines().map(|word| word.trim().to_owned());
    words.filter(|word| !word.is_empty()).collect()
}

#[test]
fn bash_completes_commands_options_and_what_is_in_a_run() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    assert_eq!(offered(folder, &["noodle2", "heat"]), ["heatmap"]);
    assert_eq!(
        offered(folder, &["noodle2", "run", "--exit"]),
        ["--exit-when-waiting"]
    );
    let templates = offered(folder, &["noodle2", "init", "--template", "b"]);
    assert_eq!(templates, ["branching"]);

    let study = template(folder, "sequential");
    completes(&study, &folder.join("first"));
    let show = |word| offered(folder, &["noodle2", "show", "first", word]);
    assert_eq!(show("counter_0_0"), ["counter_0_0"]);
    assert!(show("counter_").len() > 1);
    let stages = fs::read_to_string(&study).unwrap();
    let all = show("");
    let named = |name: &&String| stages.contains(&format!("- name: {name}\n"));
    assert!(all.iter().filter(named).count() > 1, "{all:?}");
    // Cases alone, where stages would be wrong, beside what options there are.
    let values = |line: &[&str]| -> Vec<String> {
        let words = offered(folder, line).into_iter();
        words.filter(|word| !word.starts_with('-')).collect()
    };
    let cases = values(&["noodle2", "diagnose", "first", ""]);
    assert!(cases.len() > 1);
    assert!(cases.iter().all(|case| case.starts_with("counter_")));
    // Nobody is asked.
    let gates = values(&["noodle2", "approve", "first", ""]);
    assert!(gates.is_empty(), "{gates:?}");
    // Of what is no run nothing is told.
    let nothing = offered(folder, &["noodle2", "diagnose", "sequential", "counter_"]);
    assert!(nothing.is_empty(), "{nothing:?}");
}

#[test]
fn every_shell_gets_a_script_that_it_can_read() {
    let folder = tempfile::tempdir().unwrap();
    for (shell, check) in [
        ("bash", Some("bash")),
        ("zsh", Some("zsh")),
        ("fish", Some("fish")),
        ("elvish", None),
        ("powershell", None),
    ] {
        let (script, _) = ends(0, &["completions", shell]);
        assert!(script.contains("NOODLE2_COMPLETE"), "{shell}: {script}");
        let path = folder.path().join(shell);
        fs::write(&path, script).unwrap();
        let Some(output) = check.and_then(|program| tool(program, &["-n", text(&path)])) else {
            continue;
        };
        assert!(output.status.success(), "{shell}: {output:?}");
    }
    ends(2, &["completions", "command.com"]);
}

#[test]
fn every_command_has_a_page_that_formatters_read() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("man1");
    ends(0, &["man", "--out", text(&out)]);
    let page = |name: &str| fs::read_to_string(out.join(name)).unwrap();
    for (name, told) in [
        ("noodle2.1", "noodle2\\-run(1)"),
        ("noodle2-run.1", "\\-\\-workers"),
        ("noodle2-eco-lint.1", "upsize_critical"),
    ] {
        let page = page(name);
        assert!(page.contains(told), "{name}: {page}");
        for section in ["SYNOPSIS", "EXAMPLES", "EXIT STATUS", "ENVIRONMENT"] {
            let begins = [format!(".SH {section}\n"), format!(".SH \"{section}\"\n")];
            let has = begins.iter().any(|heading| page.contains(heading));
            assert!(has, "{name} has no {section}");
        }
    }
    // What is not meant for people has none.
    assert!(!out.join("noodle2-runner.1").exists());

    let pages: Vec<String> = fs::read_dir(&out)
        .unwrap()
        .map(|entry| text(&entry.unwrap().path()).to_owned())
        .collect();
    let pages: Vec<&str> = pages.iter().map(String::as_str).collect();
    if let Some(lint) = tool("mandoc", &[&["-Tlint", "-Werror"], &pages[..]].concat()) {
        assert!(lint.status.success(), "{lint:?}");
    }
    let read = tool("man", &["-l", "-Tutf8", text(&out.join("noodle2-run.1"))]);
    if let Some(read) = read {
        let page = String::from_utf8_lossy(&read.stdout).into_owned();
        assert!(
            read.status.success() && page.contains("runs/first --workers 8"),
            "{read:?}"
        );
    }
}

#[test]
fn pages_that_cannot_be_written_are_told() {
    let folder = tempfile::tempdir().unwrap();
    let taken = folder.path().join("taken");
    fs::write(&taken, "").unwrap();
    let (_, told) = ends(2, &["man", "--out", text(&taken)]);
    assert!(told.contains("N2-MAN-001"), "{told}");
}
