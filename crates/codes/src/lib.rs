//! Every code that Noodle 2 says, as in `N2-STUDY-007`: what it means, what brings it about, what to do, an example.
//!
//! The only place where codes are explained: `noodle2 explain` and the reference read from here, and a test holds it to
//! the sources of all rooms. A code is never used for another meaning and never renumbered, since scripts and searches
//! rely on it. A new code goes into the file of its kind, with the next number.
//!
//! Never decides when something is a problem: that is the room's that says the code.

mod cache;
mod ci;
mod compare;
mod eco;
mod engine;
mod exec;
mod export;
mod gc;
mod init;
mod internal;
pub mod legal;
mod liberty;
mod man;
mod map;
mod openroad;
mod plan;
mod platform;
mod print;
mod priors;
mod ray;
mod rebuild;
mod replay;
mod report;
mod run;
mod serve;
mod sim;
mod snapshot;
mod store;
pub mod study;
mod trace;

use std::fmt;

use serde::{Serialize, Serializer};

/// A stable code with what there is to say of it. Texts are Markdown within a line.
#[derive(Clone, Copy)]
pub struct Code {
    /// The code itself.
    pub code: &'static str,
    /// The kind of problem in a few words.
    pub title: &'static str,
    /// What there is to say of it.
    pub text: &'static Text,
}

/// What there is to say of a code. Apart, so that a code that goes with every problem is small.
#[derive(Clone, Copy)]
pub struct Text {
    /// What it means, in full sentences.
    pub meaning: &'static str,
    /// What usually brings it about.
    pub causes: &'static [&'static str],
    /// What to do, in full sentences.
    pub advice: &'static str,
    /// Where it may be met.
    pub example: &'static str,
}

impl Code {
    /// Whether the code tells of an illegal study: one that is understood, but asks for more than its safety domain or
    /// budget permits.
    pub fn is_legality(self) -> bool {
        self.code.starts_with("N2-LEGAL-")
    }
}

impl PartialEq for Code {
    fn eq(&self, other: &Self) -> bool {
        self.code == other.code
    }
}

impl Eq for Code {}

impl fmt::Display for Code {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.code)
    }
}

impl fmt::Debug for Code {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Code({})", self.code)
    }
}

/// A code in data is the code alone.
impl Serialize for Code {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.code)
    }
}

/// The codes of one kind, which share the word in their middle.
#[derive(Clone, Copy, Debug)]
pub struct Kind {
    /// The word, as in `STUDY`.
    pub word: &'static str,
    /// What these codes are about.
    pub about: &'static str,
    /// The codes, by number.
    pub codes: &'static [Code],
}

macro_rules! kinds {
    ($($module:ident, $word:literal, $about:literal;)+) => {
        /// Every kind of code.
        pub const KINDS: &[Kind] = &[
            $(Kind { word: $word, about: $about, codes: $module::CODES },)+
        ];
    };
}

kinds! {
    cache, "CACHE", "the store of known results";
    ci, "CI", "regression checks";
    compare, "COMPARE", "comparisons";
    eco, "ECO", "ECOs and their folders";
    engine, "ENGINE", "timing engines and what they are given";
    exec, "EXEC", "processes on this machine";
    export, "EXPORT", "tables of runs";
    gc, "GC", "making room";
    init, "INIT", "writing a first study";
    internal, "INTERNAL", "defects";
    legal, "LEGAL", "what a safety domain or budget does not allow";
    liberty, "LIBERTY", "reading libraries";
    man, "MAN", "manual pages";
    map, "MAP", "heat maps and pictures";
    openroad, "OPENROAD", "logs of OpenROAD";
    plan, "PLAN", "the graph of stages";
    platform, "PLATFORM", "platforms: what their files say, and what their libraries have";
    print, "PRINT", "what is printed and written for people";
    priors, "PRIORS", "the store of evidence between runs";
    ray, "RAY", "clusters";
    rebuild, "REBUILD", "rebuilt cases";
    replay, "REPLAY", "trials made again";
    report, "REPORT", "timing reports";
    run, "RUN", "runs and their records";
    serve, "SERVE", "runs in a browser";
    sim, "SIM", "runs on a virtual clock";
    snapshot, "SNAPSHOT", "placed designs to start from";
    store, "STORE", "run folders";
    study, "STUDY", "study files";
    trace, "TRACE", "traces for OpenTelemetry";
}

/// Fills a module with the codes of a kind: `CODES`, and a constant for each that has a name.
macro_rules! codes {
    ($($($name:ident =)? $code:literal, $title:literal {
        meaning: $meaning:literal;
        causes: $causes:tt;
        advice: $advice:literal;
        example: $example:literal;
    })+) => {
        $($(
            #[doc = $title]
            pub const $name: $crate::Code = $crate::Code {
                code: $code,
                title: $title,
                text: &$crate::Text {
                    meaning: $meaning,
                    causes: &$causes,
                    advice: $advice,
                    example: $example,
                },
            };
        )?)+

        /// Every code of this kind, by number.
        pub const CODES: &[$crate::Code] = &[$($crate::Code {
            code: $code,
            title: $title,
            text: &$crate::Text {
                meaning: $meaning,
                causes: &$causes,
                advice: $advice,
                example: $example,
            },
        },)+];
    };
}
use codes;

/// Every code, by kind and number.
pub fn all() -> impl Iterator<Item = &'static Code> {
    KINDS.iter().flat_map(|kind| kind.codes)
}

/// The entry of `code`, in any case; `None` when there is no such code.
pub fn find(code: &str) -> Option<&'static Code> {
    all().find(|entry| entry.code.eq_ignore_ascii_case(code.trim()))
}

/// The code whose writing is nearest to `text`; `None` when none is near.
pub fn nearest(text: &str) -> Option<&'static Code> {
    /// How many letters may be wrong.
    const SLIPS: usize = 2;
    let text = text.trim().to_ascii_uppercase();
    let distance = |entry: &&Code| strsim::damerau_levenshtein(entry.code, &text);
    all()
        .min_by_key(distance)
        .filter(|entry| distance(entry) <= SLIPS)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn codes_stand_in_the_file_of_their_kind_by_number_and_once() {
        let mut seen = BTreeSet::new();
        for kind in KINDS {
            let numbers = kind.codes.iter().map(|entry| {
                let (word, number) = entry.code.rsplit_once('-').unwrap();
                assert_eq!(word, format!("N2-{}", kind.word), "{entry}");
                assert_eq!(number.len(), 3, "{entry}");
                number
            });
            assert!(numbers.is_sorted(), "{}", kind.word);
            for entry in kind.codes {
                assert!(seen.insert(entry.code), "{entry} is there twice");
            }
        }
    }

    #[test]
    fn every_code_is_explained_in_whole_sentences() {
        for entry in all() {
            let text = entry.text;
            let texts = [entry.title, text.meaning, text.advice, text.example];
            assert!(texts.iter().all(|text| !text.trim().is_empty()), "{entry}");
            assert!(!text.causes.is_empty(), "{entry}");
            assert!(text.meaning.ends_with('.'), "{entry}");
            assert!(text.advice.ends_with('.'), "{entry}");
            let fragments = text.causes.iter().chain([&entry.title, &text.example]);
            for fragment in fragments {
                assert!(!fragment.ends_with('.'), "{entry}: {fragment}");
            }
        }
    }

    #[test]
    fn a_code_is_found_in_any_case_and_a_slip_leads_to_the_nearest() {
        assert_eq!(
            find(" n2-legal-001 ").map(|entry| entry.code),
            Some("N2-LEGAL-001")
        );
        assert_eq!(find("N2-LEGAL-999"), None);
        assert_eq!(
            nearest("N2-LEGLA-001").map(|entry| entry.code),
            Some("N2-LEGAL-001")
        );
        assert_eq!(nearest("bad luck"), None);
    }
}
