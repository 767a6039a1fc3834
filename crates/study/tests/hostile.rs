//! No input makes the reader panic, and whatever it reports is about the input.

mod support;

use noodle2_study::{Reading, RenderStyle, StudyProblems, json_schema, read_study};
use proptest::prelude::*;
use support::{FakeWorld, sample_path, samples};

fn check(source: &[u8]) -> Result<Reading, TestCaseError> {
    let reading = read_study(source, &sample_path("hostile"), &FakeWorld);
    prop_assert_eq!(reading.study.is_some(), reading.problems.is_empty());
    let text = reading.locations.text();
    for problem in &reading.problems {
        let covered = text.get(problem.span.start..problem.span.end);
        prop_assert_eq!(covered, Some(problem.text.as_str()));
        prop_assert!(problem.line >= 1 && problem.column >= 1);
        prop_assert!(
            !problem
                .message
                .contains(|character: char| character.is_control())
        );
    }
    if let Some(problems) = StudyProblems::new(&reading.problems, &reading.locations) {
        let has_escape = problems.render(RenderStyle::PLAIN).contains('\u{1b}');
        prop_assert!(!has_escape);
    }
    Ok(reading)
}

/// A piece of YAML or of a study file.
fn token() -> impl Strategy<Value = String> {
    let words = [
        "\n",
        "\n  ",
        "\n    ",
        "\n- ",
        "\n  - ",
        " ",
        "\t",
        ": ",
        ":",
        ", ",
        "- ",
        "[",
        "]",
        "{",
        "}",
        "\"",
        "'",
        "#",
        "|\n",
        ">-\n",
        "&a ",
        "*a",
        "!!str ",
        "!x ",
        "<<: ",
        "? ",
        "---\n",
        "...\n",
        "%YAML 1.2\n",
        "\r\n",
        "\u{feff}",
        "ü",
        "\u{1f980}",
        "~",
        "null",
        "true",
        "1",
        "-0",
        "1e999",
        ".nan",
        "0x",
        "name",
        "design",
        "scenes",
        "stages",
        "trials",
        "after",
        "ecos",
        "parameters",
        "from",
        "to",
        "step",
        "noop",
        "upsize_critical",
        "paths",
        "join",
        "quorum",
        "\\",
        "\\u0000",
    ];
    prop::sample::select(words.map(str::to_owned).to_vec())
}

/// A valid sample with one piece cut out and another put in.
fn mutated() -> impl Strategy<Value = Vec<u8>> {
    let valid: Vec<Vec<u8>> = samples("valid")
        .into_iter()
        .map(|(_, source)| source)
        .collect();
    let mutations = prop::collection::vec(
        (
            any::<prop::sample::Index>(),
            0..12usize,
            prop::collection::vec(token(), 0..3),
        ),
        1..5,
    );
    (prop::sample::select(valid), mutations).prop_map(|(mut source, mutations)| {
        for (index, length, tokens) in mutations {
            let start = index.index(source.len() + 1);
            let end = (start + length).min(source.len());
            source.splice(start..end, tokens.concat().into_bytes());
        }
        source
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1500))]

    #[test]
    fn any_bytes(source in prop::collection::vec(any::<u8>(), 0..200)) {
        check(&source)?;
    }

    #[test]
    fn any_pieces_of_yaml(tokens in prop::collection::vec(token(), 0..60)) {
        check(tokens.concat().as_bytes())?;
    }

    #[test]
    fn damaged_studies(source in mutated()) {
        let reading = check(&source)?;
        if let Some(study) = reading.study {
            let json = serde_json::to_vec(&study).unwrap();
            prop_assert_eq!(check(&json)?.study, Some(study));
        }
    }
}

/// A tab within a key, which no message may repeat as it stands.
#[test]
fn control_characters_in_keys() {
    let source = b"name: x\nstages:\n  - name: y\n    ecos: [{name: noop, parameters: {scope\t cone, a: 1}}]\n";
    let reading = check(source).unwrap();
    let shown = reading
        .problems
        .iter()
        .any(|problem| problem.message.contains("`scope\\t cone` has no value"));
    assert!(shown, "{:?}", reading.problems);
}

#[test]
fn large_hostile_files_are_answered_soon() {
    let many_unknown_keys: String = (0..40_000)
        .map(|index| format!("key_{index}: 1\n"))
        .collect();
    let mut many_stages = "name: x\nstages:\n".to_owned();
    for index in 0..12_000 {
        many_stages.push_str(&format!(
            "- {{name: stage_{index}, after: [stag_{index}], trials: 0}}\n"
        ));
    }
    let one_line = format!("{{{}}}", "a: [".repeat(40_000));
    for source in [
        many_unknown_keys,
        many_stages,
        one_line,
        "x".repeat(1 << 20),
        "[x, ".repeat(60) + &"y, ".repeat(300_000),
    ] {
        let reading = check(source.as_bytes()).unwrap();
        assert!(!reading.problems.is_empty());
        assert!(reading.problems.len() <= 1000);
    }
    assert!(json_schema().is_object());
}
