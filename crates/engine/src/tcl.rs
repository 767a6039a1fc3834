//! Tcl text that cannot be anything but what it was meant to be.
//!
//! Owns the quoting of values and the building of scripts from quoted words. A script takes only
//! [`TclWord`]s, and a word can only be made here, so no name, path or parameter can become a command.

use std::fmt::Write as _;
use std::path::Path;

/// `text` as one word of a Tcl script, ASCII only.
///
/// Every character outside `[A-Za-z0-9_@%+=:,./-]` is escaped by a backslash; a newline becomes `\n`;
/// control characters and those beyond ASCII are written by their UTF-16 code, so that neither the
/// encoding of the script nor the locale matters. Empty text becomes `{}`.
pub fn quote(text: &str) -> String {
    if text.is_empty() {
        return "{}".to_owned();
    }
    let mut word = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            character if is_plain(character) => word.push(character),
            '\n' => word.push_str("\\n"),
            ' '..='~' => {
                word.push('\\');
                word.push(character);
            }
            // Always four digits: Tcl reads at most four after `\u`.
            _ => {
                for unit in character.encode_utf16(&mut [0; 2]) {
                    let _ = write!(word, "\\u{unit:04x}");
                }
            }
        }
    }
    word
}

fn is_plain(character: char) -> bool {
    character.is_ascii_alphanumeric() || "_@%+=:,./-".contains(character)
}

/// Whether `text` is the same in a script, in a list and in a list of lists: some of the engine's
/// commands take a file name for a list.
pub(crate) fn is_plain_text(text: &str) -> bool {
    !text.is_empty() && text.chars().all(is_plain)
}

/// One word of a Tcl command.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct TclWord(String);

impl TclWord {
    /// A word that stands for `text`, whatever is in it.
    pub fn text(text: &str) -> Self {
        Self(quote(text))
    }

    /// A word that stands for a path. `None` when it is not UTF-8, which Tcl cannot be told.
    pub fn path(path: &Path) -> Option<Self> {
        path.to_str().map(Self::text)
    }

    /// A whole number.
    pub fn integer(value: i64) -> Self {
        Self(value.to_string())
    }

    /// A real number that Tcl reads back as the same double. `None` for what is no number.
    pub fn real(value: f64) -> Option<Self> {
        value.is_finite().then(|| Self(format!("{value:?}")))
    }

    /// `1` or `0`.
    pub fn boolean(value: bool) -> Self {
        Self(u8::from(value).to_string())
    }

    /// A list of words.
    pub fn list(words: impl IntoIterator<Item = Self>) -> Self {
        let words: Vec<String> = words.into_iter().map(|word| word.0).collect();
        match words.is_empty() {
            true => Self("{}".to_owned()),
            false => Self(format!("[list {}]", words.join(" "))),
        }
    }

    /// The result of a command, whose name is part of the program.
    pub fn command(name: &'static str, words: impl IntoIterator<Item = Self>) -> Self {
        let words: Vec<String> = words.into_iter().map(|word| word.0).collect();
        Self(format!("[{name} {}]", words.join(" ")))
    }

    /// A script as one word. It stands in braces as it is: the braces of its values are escaped, which
    /// Tcl does not count, and those of empty words are in pairs.
    pub fn block(script: &TclScript) -> Self {
        let lines: String = script.0.lines().map(|line| format!("  {line}\n")).collect();
        Self(format!("{{\n{lines}}}"))
    }

    /// A list of texts.
    pub fn texts<Text: AsRef<str>>(texts: impl IntoIterator<Item = Text>) -> Self {
        Self::list(texts.into_iter().map(|text| Self::text(text.as_ref())))
    }
}

/// A Tcl script under construction.
#[derive(Clone, Default, Debug)]
pub struct TclScript(String);

impl TclScript {
    /// An empty script.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a remark.
    pub fn comment(&mut self, text: &str) {
        // A remark ends with its line, unless a backslash carries it over to the next.
        for line in text.lines() {
            let line: String = line
                .chars()
                .filter(|character| !character.is_control())
                .collect();
            let _ = writeln!(self.0, "# {}", line.trim_end_matches('\\'));
        }
    }

    /// Adds a command. `name` is part of the program, never a value.
    pub fn command(&mut self, name: &'static str, words: impl IntoIterator<Item = TclWord>) {
        self.0.push_str(name);
        for word in words {
            self.0.push(' ');
            self.0.push_str(&word.0);
        }
        self.0.push('\n');
    }

    /// Adds the commands of another script.
    pub fn append_script(&mut self, other: &Self) {
        self.0.push_str(&other.0);
    }

    /// Adds text that is a script of its own: part of the program, or rendered from quoted words.
    pub fn append(&mut self, script: &'static str) {
        self.0.push_str(script);
    }

    /// Adds the tables of cells.
    pub fn append_tables(&mut self, index: &noodle2_liberty::LibraryIndex) {
        self.0.push_str(&crate::tables::tcl_tables(index));
    }

    /// Adds an array, from keys and values.
    pub fn array(
        &mut self,
        name: &'static str,
        entries: impl IntoIterator<Item = (TclWord, TclWord)>,
    ) {
        for (key, value) in entries {
            let _ = writeln!(self.0, "set {name}({}) {}", key.0, value.0);
        }
    }

    /// The finished text.
    pub fn into_text(self) -> String {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use proptest::strategy::ValueTree;
    use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};
    use std::process::Command;

    /// Texts as an attacker or an unlucky file system would choose them.
    fn nasty_texts(count: usize) -> Vec<String> {
        let fragment = prop_oneof![
            Just("[exec touch pwned]".to_owned()),
            Just("$::env(HOME)".to_owned()),
            Just("\\".to_owned()),
            Just("{".to_owned()),
            Just("}".to_owned()),
            Just("\"".to_owned()),
            Just(";".to_owned()),
            Just("\n".to_owned()),
            Just("\\\n  ".to_owned()),
            Just("{*}".to_owned()),
            Just("#".to_owned()),
            Just("\\u0041".to_owned()),
            Just("\r\t\x0b\x0c\x1b\x7f".to_owned()),
            Just("é€ß\u{301}\u{feff}".to_owned()),
            "[a-f0-9A-F]{1,3}",
            "[ -~]{0,6}",
            any::<String>(),
        ];
        let strategy = prop::collection::vec(fragment, 0..6).prop_map(|parts| parts.concat());
        let mut runner = TestRunner::new_with_rng(
            Config::default(),
            TestRng::deterministic_rng(RngAlgorithm::ChaCha),
        );
        (0..count)
            .map(|_| strategy.new_tree(&mut runner).expect("a text").current())
            .collect()
    }

    /// What a real tclsh makes of a script that puts out: the codes of the characters of each text.
    fn through_tclsh(texts: &[String], quote: impl Fn(&str) -> String) -> Vec<Vec<u32>> {
        let folder = tempfile::tempdir().unwrap();
        let mut script = String::from(
            "proc show {text} { set codes {}; foreach c [split $text {}] { lappend codes [scan $c %c] }; puts [join $codes ,] }\n",
        );
        for text in texts {
            let _ = writeln!(script, "show {}", quote(text));
        }
        std::fs::write(folder.path().join("quote.tcl"), script).unwrap();
        let output = Command::new("tclsh")
            .arg("quote.tcl")
            .current_dir(&folder)
            .output()
            .expect("tclsh is installed");
        assert!(
            !folder.path().join("pwned").exists(),
            "a value was run as a command"
        );
        String::from_utf8(output.stdout)
            .unwrap()
            .lines()
            .map(|line| {
                line.split(',')
                    .filter(|code| !code.is_empty())
                    .map(|code| code.parse().unwrap())
                    .collect()
            })
            .collect()
    }

    #[test]
    fn a_real_tclsh_reads_back_thousands_of_nasty_texts() {
        let texts = nasty_texts(4000);
        let expected: Vec<Vec<u32>> = texts
            .iter()
            .map(|text| text.chars().map(u32::from).collect())
            .collect();
        let found = through_tclsh(&texts, quote);
        assert_eq!(found.len(), expected.len());
        for ((text, expected), found) in texts.iter().zip(expected).zip(found) {
            assert_eq!(found, expected, "{text:?} as {}", quote(text));
        }
    }

    #[test]
    fn the_check_notices_quoting_that_is_too_weak() {
        let texts = vec!["a b".to_owned(), "[string length abc]".to_owned()];
        let found = through_tclsh(&texts, |text| format!("\"{text}\""));
        assert_ne!(
            found[1],
            texts[1].chars().map(u32::from).collect::<Vec<_>>()
        );
    }

    #[test]
    fn a_remark_cannot_swallow_the_next_line_or_become_one() {
        let mut script = TclScript::new();
        script.comment("one\\\nputs pwned\r\\");
        script.command("set", [TclWord::text("x"), TclWord::real(-0.1).unwrap()]);
        assert_eq!(script.into_text(), "# one\n# puts pwned\nset x -0.1\n");
        assert_eq!(TclWord::real(f64::NAN), None);
    }

    #[test]
    fn a_block_keeps_nasty_values_as_they_are() {
        let texts = nasty_texts(500);
        let found = through_tclsh(&texts, |text| {
            let mut script = TclScript::new();
            script.command("set text", [TclWord::text(text)]);
            format!("[eval {}]", TclWord::block(&script).0)
        });
        let expected: Vec<Vec<u32>> = texts
            .iter()
            .map(|text| text.chars().map(u32::from).collect())
            .collect();
        assert_eq!(found, expected);
    }

    #[test]
    fn lists_nest() {
        let inner = TclWord::texts(["a b", ""]);
        assert_eq!(
            TclWord::list([inner, TclWord::integer(3)]).0,
            "[list [list a\\ b {}] 3]"
        );
    }
}
