//! Hints for people: the nearest valid name, and texts made fit for a message.

use std::fmt::Write as _;

/// Longer texts are cut in messages.
const MAX_SHOWN: usize = 60;

/// Among more names no nearest one is sought: it would take too long in a file with many mistakes.
const MAX_CANDIDATES: usize = 1000;

/// `text` in backticks, without control characters and not too long.
pub(crate) fn quoted(text: &str) -> String {
    let mut shown = String::from("`");
    for (count, character) in text.chars().enumerate() {
        if count == MAX_SHOWN {
            shown.push_str("...");
            break;
        }
        if character.is_control() {
            // Writing to a string cannot fail.
            let _ = write!(shown, "{}", character.escape_default());
        } else {
            shown.push(character);
        }
    }
    shown.push('`');
    shown
}

/// Names in backticks: `` `a`, `b` or `c` ``.
pub(crate) fn one_of<T: AsRef<str>>(names: &[T]) -> String {
    joined(names, "or")
}

/// Names in backticks: `` `a`, `b` and `c` ``.
pub(crate) fn all_of<T: AsRef<str>>(names: &[T]) -> String {
    joined(names, "and")
}

fn joined<T: AsRef<str>>(names: &[T], word: &str) -> String {
    let quoted: Vec<String> = names.iter().map(|name| quoted(name.as_ref())).collect();
    match quoted.as_slice() {
        [] => "nothing".to_owned(),
        [only] => only.clone(),
        [first @ .., last] => format!("{} {word} {last}", first.join(", ")),
    }
}

/// The candidate that was most likely meant by `name`: the same but for case and separators, else
/// within a few typing errors, else the first that contains all its words.
pub(crate) fn nearest<'a, T: AsRef<str>>(name: &str, candidates: &'a [T]) -> Option<&'a str> {
    if name.is_empty() || name.chars().count() > MAX_SHOWN || candidates.len() > MAX_CANDIDATES {
        return None;
    }
    let normal = normalised(name);
    let candidates = || candidates.iter().map(AsRef::as_ref);
    let allowed = (normal.chars().count() / 3).max(1);
    let by_spelling = || {
        candidates()
            .filter(|candidate| candidate.len().abs_diff(normal.len()) <= allowed)
            .map(|candidate| {
                (
                    strsim::damerau_levenshtein(&normal, &normalised(candidate)),
                    candidate,
                )
            })
            .filter(|(distance, candidate)| *distance <= allowed && *distance < candidate.len())
            .min_by_key(|(distance, candidate)| (*distance, candidate.len().abs_diff(name.len())))
            .map(|(_, candidate)| candidate)
    };
    let by_words = || {
        let words: Vec<&str> = normal.split('_').collect();
        candidates().find(|candidate| {
            let candidate = normalised(candidate);
            words
                .iter()
                .all(|word| candidate.split('_').any(|other| other == *word))
        })
    };
    candidates()
        .find(|candidate| normalised(candidate) == normal)
        .or_else(by_spelling)
        .or_else(by_words)
}

fn normalised(name: &str) -> String {
    name.to_lowercase().replace(['-', ' ', '.'], "_")
}

/// "did you mean …?" with all valid names where they are few.
pub(crate) fn did_you_mean<T: AsRef<str>>(name: &str, candidates: &[T]) -> Option<String> {
    let hint = nearest(name, candidates).map(|near| format!("did you mean `{near}`?"));
    let list = || format!("expected {}", one_of(candidates));
    match hint {
        Some(hint) if (2..=8).contains(&candidates.len()) => Some(format!("{hint} ({})", list())),
        None if (1..=24).contains(&candidates.len()) => Some(list()),
        hint => hint,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use noodle2_model::Metric;

    #[test]
    fn the_nearest_name_is_found_as_people_mistype_it() {
        let metrics: Vec<_> = Metric::ALL.iter().map(|metric| metric.name()).collect();
        assert_eq!(nearest("setup_wsn_ps", &metrics), Some("setup_wns_ps"));
        assert_eq!(nearest("wns", &metrics), Some("setup_wns_ps"));
        assert_eq!(nearest("hold wns", &metrics), Some("hold_wns_ps"));
        assert_eq!(nearest("area", &metrics), Some("area_um2"));
        assert_eq!(nearest("temperature", &metrics), None);
        assert_eq!(nearest("OpenSTA", &["opensta"]), Some("opensta"));
        assert_eq!(nearest("x", &["y"]), None);
    }

    #[test]
    fn control_characters_never_reach_a_message() {
        assert_eq!(quoted("a\u{1b}[31m"), "`a\\u{1b}[31m`");
        assert_eq!(quoted(&"x".repeat(100)).chars().count(), MAX_SHOWN + 5);
    }
}
