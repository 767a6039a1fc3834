//! Sample study files: valid ones are read, and of invalid and illegal ones every problem is shown as
//! people see it.

mod support;

use std::collections::BTreeSet;
use std::path::Path;

use noodle2_model::Study;
use noodle2_study::{
    Problem, Reading, RenderStyle, StudyProblems, legality, read_structure, read_study, study_hash,
};
use support::{FakeWorld, sample_path, samples};

fn read(name: &str, source: &[u8]) -> Reading {
    read_study(source, &sample_path(name), &FakeWorld)
}

fn study(name: &str, source: &[u8]) -> Study {
    let reading = read(name, source);
    let problems: Vec<String> = reading.problems.iter().map(Problem::to_string).collect();
    reading
        .study
        .unwrap_or_else(|| panic!("{}", problems.join("\n")))
}

fn sample(kind: &str, name: &str) -> Vec<u8> {
    let found = samples(kind).into_iter().find(|(other, _)| other == name);
    found.unwrap().1
}

fn snapshot(name: &str, problems: &[Problem], reading: &Reading) {
    let problems =
        StudyProblems::new(problems, &reading.locations).expect("an invalid sample has problems");
    let mut settings = insta::Settings::clone_current();
    settings.set_snapshot_path("samples/snapshots");
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    settings.bind(|| insta::assert_snapshot!(name, problems.render(RenderStyle::PLAIN)));
}

#[test]
fn valid_samples_are_read_and_legal() {
    for (name, source) in samples("valid") {
        let study = study(&name, &source);
        assert_eq!(study.name, name);
        let reading = read(&name, &source);
        assert_eq!(legality(&study, &reading.locations, &FakeWorld), []);
    }
}

#[test]
fn every_problem_of_an_invalid_sample_is_shown() {
    for (name, source) in samples("invalid") {
        let reading = read(&name, &source);
        assert!(reading.study.is_none(), "{name} was accepted");
        snapshot(&name, &reading.problems, &reading);
    }
}

#[test]
fn an_illegal_sample_is_valid_and_every_breach_is_shown() {
    for (name, source) in samples("illegal") {
        let reading = read(&name, &source);
        let study = study(&name, &source);
        let problems = legality(&study, &reading.locations, &FakeWorld);
        assert!(problems.iter().all(|problem| problem.code.is_legality()));
        snapshot(&format!("illegal_{name}"), &problems, &reading);
    }
}

#[test]
fn every_code_is_seen_in_a_sample() {
    let mut seen = BTreeSet::new();
    for (name, source) in samples("invalid") {
        seen.extend(
            read(&name, &source)
                .problems
                .iter()
                .map(|problem| problem.code.code),
        );
    }
    for (name, source) in samples("illegal") {
        let reading = read(&name, &source);
        let problems = legality(&study(&name, &source), &reading.locations, &FakeWorld);
        seen.extend(problems.iter().map(|problem| problem.code.code));
    }
    // Files that no editor shows well are written here.
    for source in [&b"name: \xff"[..], "[".repeat(100).as_bytes()] {
        seen.extend(
            read("odd", source)
                .problems
                .iter()
                .map(|problem| problem.code.code),
        );
    }
    // Told by the command line: several problems at once, and a file that cannot be read.
    let of_command_line = ["N2-STUDY-000", "N2-STUDY-100", "N2-LEGAL-000"];
    let codes = noodle2_codes::study::CODES
        .iter()
        .chain(noodle2_codes::legal::CODES);
    let unseen: Vec<_> = codes
        .filter(|code| !of_command_line.contains(&code.code) && !seen.contains(code.code))
        .collect();
    assert!(unseen.is_empty(), "{unseen:?}");
}

#[test]
fn without_references_nothing_is_asked_of_the_world() {
    let unreferenced = read_structure(&sample("invalid", "files"), Path::new("x.yaml"));
    assert_eq!(unreferenced.problems, []);
    let structural = read_structure(&sample("invalid", "graph"), Path::new("x.yaml"));
    assert!(!structural.problems.is_empty());
}

#[test]
fn the_short_form_of_a_scene_means_what_it_says() {
    let short = study("smallest", &sample("valid", "smallest"));
    let text = String::from_utf8(sample("valid", "smallest")).unwrap();
    let long = text.replace(", sdc: [gcd.sdc]}", "}\nscenes: [{name: default, sdc: [gcd.sdc], liberty: [], parasitics: none, clocks: ideal, checks: [setup, hold]}]");
    assert_ne!(text, long);
    assert_eq!(study("smallest", long.as_bytes()), short);
}

#[test]
fn the_hash_is_blind_to_spelling_but_to_nothing_else() {
    let text = String::from_utf8(sample("valid", "sequential")).unwrap();
    let hash = |text: &str| study_hash(&study("sequential", text.as_bytes()));
    let original = hash(&text);
    for (from, to) in [
        ("# Two stages", "# Some stages"),
        ("seed: 0xC0FFEE\n", "seed: 12648430\n"),
        (
            "      - noop\n",
            "      - {name: \"noop\", parameters: {}}\n",
        ),
        ("after: resize", "after: [resize]"),
        (
            "    trials: 4\n    survivors: 2\n",
            "    survivors: 2\n    trials: 4\n",
        ),
        ("to: 100, step: 25", "step: 25.0, to: 1e2"),
    ] {
        let changed = text.replacen(from, to, 1);
        assert_ne!(changed, text, "{from}");
        assert_eq!(hash(&changed), original, "{from}");
    }
    for (from, to) in [
        ("seed: 0xC0FFEE\n", ""),
        ("survivors: 2", "survivors: 3"),
        ("paths: [5, 20]", "paths: [5, 21]"),
        ("gcd.sdc", "./gcd.sdc"),
    ] {
        assert_ne!(hash(&text.replacen(from, to, 1)), original, "{from}");
    }
}

#[test]
fn a_whole_number_for_a_real_parameter_is_the_same_study() {
    let text = String::from_utf8(sample("valid", "branching")).unwrap();
    let changed = |to: &str| study("branching", text.replace("margin_ps: 12.5", to).as_bytes());
    assert_eq!(changed("margin_ps: 12"), changed("margin_ps: 12.0"));
}

#[test]
fn a_study_written_as_json_reads_back_as_itself() {
    for (name, source) in samples("valid") {
        let study_of_yaml = study(&name, &source);
        let json = serde_json::to_vec_pretty(&study_of_yaml).unwrap();
        assert_eq!(study(&name, &json), study_of_yaml, "{name}");
    }
}

/// The types' own deserialisation, through another YAML library, is the oracle.
#[test]
fn where_serde_understands_a_sample_it_understands_the_same() {
    let mut compared = 0;
    for (name, source) in samples("valid") {
        let text = String::from_utf8(source).unwrap();
        if let Ok(by_serde) = serde_saphyr::from_str::<Study>(&text) {
            compared += 1;
            assert_eq!(
                read_structure(text.as_bytes(), &sample_path(&name)).study,
                Some(by_serde),
                "{name}"
            );
        }
    }
    assert!(compared >= 1, "every sample uses a shorthand");
}

#[test]
fn locations_point_at_fields() {
    let source = sample("valid", "sequential");
    let reading = read("sequential", &source);
    let text = |field: &str| {
        let span = reading.locations.get(field).unwrap().value;
        &reading.locations.text()[span.start..span.end]
    };
    assert_eq!(text("stages[0].ecos[1].parameters.paths"), "[5, 20]");
    assert_eq!(text("stages[0].ecos[1].parameters.paths[1]"), "20");
    assert_eq!(text("stages[0].ecos[0].name"), "noop");
    assert_eq!(text("stages[1].after[0]"), "resize");
    assert_eq!(text("scenes[0].sdc[0]"), "gcd.sdc");
    assert_eq!(reading.locations.get("stages[1].survivors"), None);
    let nearest = reading.locations.nearest("stages[1].survivors");
    assert_eq!(Some(nearest), reading.locations.get("stages[1]"));
}

#[test]
fn problems_are_data_as_well() {
    let source = b"name: x\r\n\xc3\xa4: 1\r\n";
    let reading = read("data", source);
    let unknown = reading
        .problems
        .iter()
        .find(|problem| problem.code.code == "N2-STUDY-007")
        .unwrap();
    let json = serde_json::to_value(unknown).unwrap();
    assert_eq!(json["line"], 2);
    assert_eq!(json["column"], 1);
    assert_eq!(json["text"], "ä");
    assert_eq!(json["span"], serde_json::json!({ "start": 9, "end": 11 }));
    assert_eq!(json["code"], "N2-STUDY-007");
}

#[test]
fn colours_and_drawing_characters_are_used_only_when_asked_for() {
    let reading = read("misspelt_keys", &sample("invalid", "misspelt_keys"));
    let problems = StudyProblems::new(&reading.problems, &reading.locations).unwrap();
    let plain = problems.render(RenderStyle::PLAIN);
    assert!(plain.is_ascii());
    let unicode = problems.render(RenderStyle {
        unicode: true,
        ..RenderStyle::PLAIN
    });
    assert!(unicode.contains('─') && !unicode.contains('\u{1b}'));
    let coloured = problems.render(RenderStyle {
        unicode: true,
        colour: true,
        width: 80,
    });
    assert!(coloured.contains("\u{1b}["));
}

#[test]
fn a_byte_order_mark_and_windows_line_ends_change_nothing() {
    let text = String::from_utf8(sample("valid", "branching")).unwrap();
    let windows = format!("\u{feff}{}", text.replace('\n', "\r\n"));
    assert_eq!(
        study("branching", windows.as_bytes()),
        study("branching", text.as_bytes())
    );
}

#[test]
fn long_lines_and_long_lists_of_problems_are_cut() {
    let source = format!("name: {}/\nother: 1\n", "x".repeat(100_000));
    let reading = read("long", source.as_bytes());
    let problems = StudyProblems::new(&reading.problems, &reading.locations).unwrap();
    let rendered = problems.render(RenderStyle::PLAIN);
    assert!(rendered.contains("long.yaml:1:7]"), "{rendered}");
    assert!(rendered.lines().all(|line| line.len() < 500), "{rendered}");

    let source: String = (0..150).map(|index| format!("key_{index}: 1\n")).collect();
    let reading = read("many", source.as_bytes());
    let problems = StudyProblems::new(&reading.problems, &reading.locations).unwrap();
    assert_eq!(reading.problems.len(), 155);
    assert!(
        problems
            .render(RenderStyle::PLAIN)
            .contains("... and 55 more\n")
    );
}

#[test]
fn escape_sequences_of_a_file_never_reach_the_terminal() {
    let reading = read("escape", b"name: \x1b]0;owned\x07\xc2\x9b31m\n");
    let problems = StudyProblems::new(&reading.problems, &reading.locations).unwrap();
    let rendered = problems.render(RenderStyle::PLAIN);
    let mut controls = rendered.chars().filter(|character| character.is_control());
    assert!(controls.all(|character| character == '\n'), "{rendered:?}");
}
