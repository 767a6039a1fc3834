//! The plain assignments of a makefile, as `config.mk` of a platform folder of OpenROAD-flow-scripts has them.
//!
//! Reads `[export] NAME = words`, `:=`, `?=` and `+=`, lines that go on after a backslash, and `$(NAME)` of what
//! was assigned before. Whatever else decides a value makes that value unknown: it is told, never guessed.

use std::collections::BTreeMap;

/// Variables that a user may add files by, and that are empty where nobody did.
const EMPTY_UNLESS_SET: [&str; 2] = ["ADDITIONAL_LEFS", "ADDITIONAL_LIBS"];

/// A value and the line that states it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Stated {
    /// Its words.
    pub words: Vec<String>,
    /// The line, from 1.
    pub line: usize,
}

/// What a makefile assigns, and what of it cannot be read.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(super) struct Assignments {
    /// The variables whose values are known.
    pub known: BTreeMap<String, Stated>,
    /// What is not read, each with its line.
    pub told: Vec<String>,
}

impl Assignments {
    /// Reads a makefile. `given` are the variables that are known beforehand.
    pub fn read(text: &str, given: &[(&str, &str)]) -> Self {
        let mut all = Self::default();
        for (name, value) in given {
            let words = vec![(*value).to_owned()];
            all.known
                .insert((*name).to_owned(), Stated { words, line: 0 });
        }
        let mut depth = 0usize;
        for (line, text) in logical_lines(text) {
            let first = text.split_whitespace().next().unwrap_or_default();
            match first {
                "" => {}
                "ifeq" | "ifneq" | "ifdef" | "ifndef" => depth += 1,
                "endif" => depth = depth.saturating_sub(1),
                "else" if depth > 0 => {}
                _ => all.statement(line, &text, depth > 0),
            }
        }
        for (name, _) in given {
            all.known.remove(*name);
        }
        all
    }

    fn statement(&mut self, line: usize, text: &str, in_condition: bool) {
        let text = text.trim();
        let text = text.strip_prefix("export ").unwrap_or(text).trim_start();
        let Some((name, sign, value)) = assignment(text) else {
            self.told
                .push(format!("line {line}: `{text}` is no plain assignment"));
            return;
        };
        if in_condition {
            // Either value may hold: neither is known.
            self.known.remove(name);
            self.told.push(format!(
                "line {line}: `{name}` is assigned under a condition"
            ));
            return;
        }
        let defined = self.known.contains_key(name);
        if sign == "?=" && defined {
            return;
        }
        match self.words(value) {
            Ok(mut words) => {
                if sign == "+="
                    && let Some(before) = self.known.get(name)
                {
                    words.splice(0..0, before.words.iter().cloned());
                }
                self.known.insert(name.to_owned(), Stated { words, line });
            }
            Err(part) => {
                self.known.remove(name);
                self.told
                    .push(format!("line {line}: `{name}`: `{part}` is not read"));
            }
        }
    }

    /// The words of a value, or the part of it that cannot be told.
    fn words(&self, value: &str) -> Result<Vec<String>, String> {
        let mut text = String::new();
        let mut rest = value;
        while let Some(start) = rest.find('$') {
            text.push_str(&rest[..start]);
            let opened = &rest[start..];
            let close = match opened.as_bytes().get(1) {
                Some(b'(') => ')',
                Some(b'{') => '}',
                _ => return Err(opened.split_whitespace().next().unwrap_or("$").to_owned()),
            };
            let end = opened.find(close).ok_or_else(|| opened.to_owned())?;
            let name = &opened[2..end];
            match self.known.get(name) {
                Some(stated) => text.push_str(&stated.words.join(" ")),
                None if EMPTY_UNLESS_SET.contains(&name) => {}
                None => return Err(opened[..=end].to_owned()),
            }
            rest = &opened[end + 1..];
        }
        text.push_str(rest);
        Ok(text.split_whitespace().map(str::to_owned).collect())
    }
}

/// The lines with those joined that go on after a backslash, without comments, each with the number of its first.
fn logical_lines(text: &str) -> Vec<(usize, String)> {
    let mut lines: Vec<(usize, String)> = Vec::new();
    let mut goes_on = false;
    for (index, line) in text.lines().enumerate() {
        let line = line.split('#').next().unwrap_or_default();
        let (kept, more) = match line.trim_end().strip_suffix('\\') {
            Some(kept) => (kept, true),
            None => (line, false),
        };
        match lines.last_mut() {
            Some((_, last)) if goes_on => {
                last.push(' ');
                last.push_str(kept.trim());
            }
            _ => lines.push((index + 1, kept.to_owned())),
        }
        goes_on = more;
    }
    lines
}

/// Name, sign and value of an assignment.
fn assignment(text: &str) -> Option<(&str, &str, &str)> {
    let at = text.find('=')?;
    let before = &text[..at];
    let (name, sign) = match before.chars().last() {
        Some(':') => (&before[..at - 1], ":="),
        Some('?') => (&before[..at - 1], "?="),
        Some('+') => (&before[..at - 1], "+="),
        _ => (before, "="),
    };
    let name = name.trim();
    let is_name = |name: &str| {
        !name.is_empty()
            && name
                .chars()
                .all(|letter| letter.is_ascii_alphanumeric() || letter == '_')
    };
    is_name(name).then(|| (name, sign, text[at + 1..].trim()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Assignments {
        Assignments::read(text, &[("PLATFORM_DIR", ".")])
    }

    fn words(all: &Assignments, name: &str) -> Option<String> {
        all.known.get(name).map(|stated| stated.words.join(" "))
    }

    #[test]
    fn plain_assignments_are_read_with_their_lines() {
        let all = read(
            "# a comment\nexport SITE = unit # said here\nexport LIBS = $(PLATFORM_DIR)/a.lib \\\n    b.lib \\\n  $(ADDITIONAL_LIBS)\n\
             export SITE ?= other\nMORE := ${SITE} x\nMORE += y\n",
        );
        assert_eq!(words(&all, "SITE").as_deref(), Some("unit"));
        assert_eq!(
            all.known["LIBS"],
            Stated {
                words: vec!["./a.lib".into(), "b.lib".into()],
                line: 3
            }
        );
        assert_eq!(words(&all, "MORE").as_deref(), Some("unit x y"));
        assert_eq!(all.told, [] as [String; 0]);
        assert!(!all.known.contains_key("PLATFORM_DIR"));
    }

    #[test]
    fn what_is_not_plain_is_told_and_has_no_value() {
        let all = read(
            "A = $(shell ls)\nB = $(UNKNOWN)/b\nC = one\nifeq ($(X),1)\nexport C = two\nelse\nC = three\nendif\ninclude other.mk\nD = $x\nE = fine\n",
        );
        assert_eq!(all.known.keys().collect::<Vec<_>>(), ["E"]);
        assert_eq!(
            all.told,
            [
                "line 1: `A`: `$(shell ls)` is not read",
                "line 2: `B`: `$(UNKNOWN)` is not read",
                "line 5: `C` is assigned under a condition",
                "line 7: `C` is assigned under a condition",
                "line 9: `include other.mk` is no plain assignment",
                "line 10: `D`: `$x` is not read",
            ]
        );
    }
}
