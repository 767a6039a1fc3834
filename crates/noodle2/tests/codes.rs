//! What is told of codes is true of the sources: each that is said is explained, each that is explained is said.

mod support;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use support::ends;

/// Every source of the product, with its text: of the crates, and of the bridge.
fn sources() -> Vec<(PathBuf, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let crates = std::fs::read_dir(root.join("crates")).unwrap();
    let mut folders: Vec<PathBuf> = crates
        .map(|entry| entry.unwrap().path().join("src"))
        .collect();
    folders.push(root.join("python/src"));
    folders.retain(|folder| folder.is_dir() && !folder.ends_with("codes/src"));
    let mut found = Vec::new();
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path
                .extension()
                .is_some_and(|ending| ending == "rs" || ending == "py")
            {
                let text = std::fs::read_to_string(&path).unwrap();
                found.push((path, text));
            }
        }
    }
    found
}

/// The codes in a text, as `N2-WORD-123`.
fn codes_in(text: &str) -> impl Iterator<Item = String> + '_ {
    text.match_indices("N2-").filter_map(|(start, _)| {
        let rest = &text[start + 3..];
        let word = rest.find(|letter: char| !letter.is_ascii_uppercase())?;
        let number = rest[word..].strip_prefix('-')?.get(..3)?;
        let is_code = word > 0 && number.bytes().all(|byte| byte.is_ascii_digit());
        is_code.then(|| format!("N2-{}-{number}", &rest[..word]))
    })
}

/// The text without what only its own tests have.
fn without_tests(text: &str) -> &str {
    text.split("\n#[cfg(test)]").next().unwrap_or(text)
}

#[test]
fn every_code_that_is_said_is_explained() {
    let mut unexplained = BTreeMap::new();
    for (path, text) in sources() {
        for code in codes_in(without_tests(&text)) {
            if noodle2_codes::find(&code).is_none() {
                unexplained.insert(code, path.clone());
            }
        }
    }
    assert!(
        unexplained.is_empty(),
        "add to crates/codes: {unexplained:#?}"
    );
}

#[test]
fn every_code_that_is_explained_is_said() {
    let sources = sources();
    let named = [
        (noodle2_codes::study::CODES, "study.rs"),
        (noodle2_codes::legal::CODES, "legal.rs"),
    ];
    // Codes of studies are said by their names.
    let codes = Path::new(env!("CARGO_MANIFEST_DIR")).join("../codes/src");
    let mut names = BTreeMap::new();
    for (_, file) in named {
        let text = std::fs::read_to_string(codes.join(file)).unwrap();
        for line in text.lines() {
            if let Some((name, rest)) = line.trim().split_once(" = \"") {
                names.insert(rest[..rest.find('"').unwrap()].to_owned(), name.to_owned());
            }
        }
    }
    let is_said = |code: &str| {
        let by_name = names.get(code).map(|name| format!("codes::{name}"));
        sources.iter().any(|(_, text)| {
            let text = without_tests(text);
            text.contains(code) || by_name.as_ref().is_some_and(|name| text.contains(name))
        })
    };
    let unsaid: Vec<&str> = (noodle2_codes::all().map(|entry| entry.code))
        .filter(|code| !is_said(code))
        .collect();
    assert!(unsaid.is_empty(), "nobody says {unsaid:?}");
}

#[test]
fn a_code_is_found_among_other_text() {
    let text = "see N2-RUN-002, N2-RAY- and \"N2-STORE-0141\"; n2-run-003 N2-X-12";
    let found: Vec<String> = codes_in(text).collect();
    assert_eq!(found, ["N2-RUN-002", "N2-STORE-014"]);
}

#[test]
fn explain_knows_codes_and_words_lists_them_and_leads_to_the_nearest() {
    let (told, _) = ends(0, &["explain", "n2-store-014"]);
    for part in [
        "N2-STORE-014: ",
        "usual causes:",
        "what to do: ",
        "example: ",
    ] {
        assert!(told.contains(part), "{told}");
    }
    ends(0, &["explain", "setup_ws"]);
    ends(0, &["explain", "locked"]);
    let (list, _) = ends(0, &["explain"]);
    let words = [
        "N2-CACHE-001",
        "segfault",
        "area_um2",
        "guarded",
        "topology_neutral",
    ];
    for word in words {
        assert!(list.contains(word), "{word}");
    }
    let (json, _) = ends(0, &["explain", "--format", "json"]);
    let topics: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert!(topics.as_array().unwrap().len() > 200);
    let (_, slip) = ends(2, &["explain", "N2-STOER-014"]);
    assert!(slip.contains("did you mean `N2-STORE-014`?"), "{slip}");
}
