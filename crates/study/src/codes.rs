//! The stable codes of problems, with what `explain` says about them.
//!
//! A code is never used for another meaning and never renumbered: scripts and searches rely on it.

use std::fmt;

use serde::{Serialize, Serializer};

/// The stable code of a kind of problem, as in `N2-STUDY-007`.
#[derive(Clone, Copy)]
pub struct Code {
    /// The code itself.
    pub code: &'static str,
    /// The kind of problem in a few words.
    pub title: &'static str,
    /// Why it is a problem and what to do, in full sentences.
    pub explanation: &'static str,
}

impl Code {
    /// Whether the code tells of an illegal study: one that is understood, but asks for more than its
    /// safety domain or budget permits.
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

impl Serialize for Code {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.code)
    }
}

/// The entry of `code`, in any case, or `None` when no problem of a study has that code.
pub fn explain(code: &str) -> Option<Code> {
    CODES
        .iter()
        .copied()
        .find(|entry| entry.code.eq_ignore_ascii_case(code.trim()))
}

macro_rules! codes {
    ($($name:ident = $code:literal, $title:literal, $explanation:literal;)+) => {
        $(pub(crate) const $name: Code = Code { code: $code, title: $title, explanation: $explanation };)+

        /// Every code of this room, in order.
        pub const CODES: &[Code] = &[$($name,)+];
    };
}

codes! {
    ENCODING = "N2-STUDY-001", "the file is not plain UTF-8 text",
        "Study files are UTF-8 without control characters, so that every editor and every message shows \
         the same text. A byte-order mark at the start is accepted and ignored. Save the file as UTF-8.";
    SYNTAX = "N2-STUDY-002", "the file is not YAML",
        "The text breaks the rules of YAML 1.2, so nothing after that place can be understood. The usual \
         causes are tabs where YAML wants spaces, lines of one list or mapping that do not start in the \
         same column, a quote or bracket that is not closed, and a `: ` inside a text without quotes.";
    YAML_FEATURE = "N2-STUDY-003", "a part of YAML that study files do not use",
        "Study files are plain data in a single document: no tags (`!!str`), no merge keys (`<<`), no \
         keys that are lists or mappings, no anchor that contains itself. Anchors and aliases (`&name`, \
         `*name`) are fine. Write out what is meant.";
    TOO_LARGE = "N2-STUDY-004", "the file is too large or nested too deeply",
        "A study file has at most 1 MiB, 64 levels of nesting and 200,000 values after aliases are \
         expanded. No study comes near; a file beyond that is the wrong file or a hostile one.";
    EMPTY = "N2-STUDY-005", "the file says nothing",
        "The file is empty or holds only comments. `noodle2 init` writes a study that runs.";
    DUPLICATE_KEY = "N2-STUDY-006", "a key is given twice",
        "One of the two values would be lost without a word. Remove one, or merge their contents.";
    UNKNOWN_KEY = "N2-STUDY-007", "a key that is not known here",
        "Unknown keys are refused because a misspelt one would otherwise be ignored, and the study would \
         do something else than it says. The help names the nearest valid key.";
    MISSING_KEY = "N2-STUDY-008", "a required key is missing",
        "The value has no sensible default, so it must be written.";
    WRONG_TYPE = "N2-STUDY-009", "a value of the wrong type",
        "Text, whole numbers, numbers, `true`/`false`, lists and mappings are kept apart strictly: `yes` \
         and `no` are texts, and a name that looks like a number must be put in quotes.";
    OUT_OF_RANGE = "N2-STUDY-010", "a number out of range",
        "The number is finite and of the right type, but cannot be meant: a limit of zero, a negative \
         percentage, a count too large to be counted. The help states the range.";
    UNKNOWN_WORD = "N2-STUDY-011", "a word that is not one of the choices",
        "The value must be one of a fixed list of words, such as a metric, a check or a safety domain. \
         The help names the nearest or lists them all.";
    BAD_NAME = "N2-STUDY-012", "a name that cannot be used",
        "Names become parts of file names, case names and engine commands. `case_name` is a letter \
         followed by letters, digits and underscores; names of studies, stages and scenes start with a \
         letter or digit and may also hold dots and dashes. At most 64 characters.";
    DUPLICATE = "N2-STUDY-013", "the same thing is listed twice",
        "Stages and scenes are told apart by their names, and the second mention of a file, check or \
         metric adds nothing or loads it twice. Remove or rename one.";
    EMPTY_LIST = "N2-STUDY-014", "a list that needs an entry is empty",
        "Without an entry there is nothing to read, to time, to rank or to do.";
    UNKNOWN_STAGE = "N2-STUDY-015", "a stage is named that does not exist",
        "A stage starts from the survivors of the stages in its `after`, which are named exactly as their \
         `name` is written. Their order in the file does not matter.";
    SELF_DEPENDENCY = "N2-STUDY-016", "a stage comes after itself",
        "A stage cannot wait for its own survivors, nor draw the trials that it did not use itself. Leave `after` out for a stage that starts from the \
         base case.";
    CYCLE = "N2-STUDY-017", "stages wait for each other in a circle",
        "None of the stages in the circle could ever start. A stage waits for those in its `after`, and for those whose \
         unused trials it may draw (`extra_trials`). Remove one of the edges; the message names \
         every stage of the circle in order.";
    RELATION = "N2-STUDY-018", "the declared relation is not the one that the graph has",
        "`relation` is a check, never a choice: `convergence` for a stage with several predecessors, \
         `independent` for one of several that follow the same predecessor, `sequential` for the only one \
         that follows its predecessor, and none for a root. Correct `relation`, correct `after`, or leave \
         `relation` out.";
    JOIN = "N2-STUDY-019", "a join that cannot work",
        "`join` tells how several branches are merged, so it needs a stage with at least two entries in \
         `after`. `keep` is for `merge: top` alone, and needed there. `mode`, `conflicts` and `pairs` are for \
         `merge: compose`, which needs trials, `conflicts` for its `replay` alone. A quorum is at least 1 and \
         at most the number of branches.";
    SCENE_SHORTHAND = "N2-STUDY-020", "constraints are given in two places",
        "`design.sdc` is the short form for a study with one scene: the platform's default corner, ideal \
         clocks, no wires, setup and hold. A study with `scenes` names the constraints in each scene.";
    NO_SETUP = "N2-STUDY-021", "no scene checks setup",
        "Every study needs at least one scene with `setup` among its `checks`: the gate before the first \
         stage measures setup, and without it no metric of the design's speed exists.";
    UNMEASURED_METRIC = "N2-STUDY-022", "a metric that no scene measures",
        "Ranking by or bounding a metric that is never measured would make every case equal, or refuse \
         every case. Hold metrics need a scene with `hold` among its `checks`.";
    BOUND = "N2-STUDY-023", "a bound without a limit, or with contradictory ones",
        "A bound has at least one of `min`, `max`, `max_loss` and `max_loss_percent`; `min` is not above \
         `max`; and each metric has one bound, which holds all its limits. A `fallback` has at least one of \
         `max_loss` and `max_loss_percent`.";
    IDLE_STAGE = "N2-STUDY-024", "trials without ECOs, or ECOs without trials",
        "A stage that may propose trials needs at least one ECO to try, and a stage with `trials: 0` \
         passes its inputs on and tries nothing. The ECO `noop` changes nothing.";
    UNKNOWN_ECO = "N2-STUDY-025", "an ECO that is not in the catalogue",
        "ECOs are searched by name in the folders of `eco_path`, in order, and then among the built-in \
         ones. `noodle2 eco list` shows what there is, `noodle2 eco lint` why an ECO cannot be read.";
    UNKNOWN_PARAMETER = "N2-STUDY-026", "a parameter that the ECO does not have",
        "A misspelt parameter would leave the real one at its default without a word. `noodle2 eco show` \
         lists the parameters of an ECO with their ranges.";
    PARAMETER_VALUE = "N2-STUDY-027", "a value that the parameter does not take",
        "Each parameter of an ECO has a type and a range, which `noodle2 eco show` prints. Whole numbers \
         are accepted for real parameters, but not the other way round.";
    PARAMETER_RANGE = "N2-STUDY-028", "a range that makes no sense",
        "A range `{from, to, step}` runs upwards from `from` to `to`, both included, in steps above zero \
         that fit into it, with at most 100,000 points; only numbers have ranges, and a whole-number \
         parameter has whole numbers in its range. Without `step` the range is sampled.";
    DUPLICATE_ECO = "N2-STUDY-029", "the same ECO with the same parameters twice in one stage",
        "No trial of the same parent is run twice, so the second entry would only skew the choice of \
         trials. Entries that spell out a default count as equal to those that leave it out.";
    ECO_ENGINE = "N2-STUDY-030", "an ECO that the study's engine cannot run",
        "An ECO names the engines that its script was written for.";
    ECO_CONNECTIVITY = "N2-STUDY-031", "an ECO that changes connectivity where wires come from SPEF",
        "Extracted parasitics belong to the nets as they were. An edit that disconnects a net drops its \
         wires, and timing then looks better than it is. Use ECOs that keep connectivity, or parasitics \
         that are estimated anew (`none` or `wireload`).";
    PARASITICS = "N2-STUDY-032", "parasitics that the engine cannot estimate",
        "Parasitics from placement or global routing need an engine that holds a placement. OpenSTA reads \
         netlists and SPEF only.";
    MISSING_FILE = "N2-STUDY-033", "a file or folder that does not exist",
        "Paths are relative to the folder of the study file. `~` and `$VARIABLES` are not expanded.";
    COMPRESSED = "N2-STUDY-034", "a compressed file where plain text is needed",
        "OpenSTA as Debian ships it cannot read `.gz` netlists, constraints or SPEF. Only Liberty files \
         are decompressed, because only they are shared between studies. Use gunzip on the file.";
    UNKNOWN_PLATFORM = "N2-STUDY-035", "a platform that does not exist",
        "`platform` is the name of a built-in platform, or the path of a platform file (with a `/` or \
         ending in `.yaml`).";
    UNKNOWN_CORNER = "N2-STUDY-036", "a corner that the platform does not have",
        "`platform:<corner>` in `liberty` stands for the libraries of one of the platform's corners. An \
         empty `liberty` means the platform's default corner.";
    SELECTION = "N2-STUDY-037", "a selection that cannot work",
        "`weights` belong to the strategy `top_n`, `metrics` to `pareto`, `distance` to `diverse` and `size` to \
         `tournament`; `top_n` needs weights and `pareto` metrics.";
    PROPOSER = "N2-STUDY-038", "a proposer that cannot work",
        "`round` is for proposers that learn from their results, `bandit` and `external`; `command` and \
         `timeout_s` are for `external`, which needs a command; `catalogue` is for `diagnosis`. `grid` needs \
         values to list: a range of real numbers without `step` has none.";
    APPROVAL = "N2-STUDY-039", "an approval that nobody could give",
        "`approvers` is how many different people must approve: at most as many as `from` names, where it \
         names any. `on_timeout` says what happens when `timeout` is over, and needs one.";
    NOTIFICATION = "N2-STUDY-040", "a notification that could not be sent",
        "A notification has either a `command` (a program with its arguments) or a `webhook` (an `http` or \
         `https` address, with `headers` where they are needed). `${NAME}` in an address or a header stands \
         for the value of an environment variable.";
    SECRET = "N2-STUDY-041", "a secret in the study file",
        "The study file is kept in the run folder and its values in the journal, which others read. Put the \
         secret into an environment variable and write `${NAME}`: its value is never written anywhere.";
    SEQUENCE = "N2-STUDY-042", "a sequence of ECOs that cannot work",
        "A sequence lists at least two ECOs under `sequence`, each with its own `parameters`, and has a name \
         that no ECO of the catalogue has and no other sequence of the study. `rollback` (`all`, `partial`, \
         `none`) says what happens when a step fails.";
    IDEAL_HOLD = "N2-STUDY-043", "a reason for ideal clocks where none is needed",
        "`ideal_hold` says, in words, why hold may be repaired in a scene whose clocks are ideal. It stands in \
         a scene that checks hold under ideal clocks, and nowhere else.";
    ENGINE_KEY = "N2-STUDY-044", "an engine that lacks what it needs, or is given what means nothing to it",
        "OpenROAD starts from a placed design, `snapshot`: a database (`.odb`), or a DEF file. It estimates wires in one way for the base case and every trial, `wires`. It may \
         run in a container, whose image is named by its content. None of these means anything to OpenSTA.";
    ENGINE_ABILITY = "N2-STUDY-045", "something that the engine does not do",
        "OpenSTA times netlists: it places and routes nothing. Modes that route, and audits of what is left of a \
         gain once it is routed, need OpenROAD.";
    CLASS_TOO_WIDE = "N2-LEGAL-001", "an ECO wider than its safety domain",
        "`locked` permits topology_neutral and placement_local ECOs, `guarded` also routing_affecting \
         ones, `sandbox` all four classes. A stage's domain is the stricter of its own and the study's. \
         Choose a narrower ECO, or declare a wider domain and thereby that you accept its risk.";
    DOMAIN_TOO_LOOSE = "N2-LEGAL-002", "a stage that is freer than its study",
        "A stage may declare a stricter domain than its study, never a looser one: the study's domain is \
         what its reader relies on.";
    OVER_BUDGET = "N2-LEGAL-003", "stages that may try more than the budget",
        "The trials of all stages together exceed `budget.trials`, or those of a branch `budget.branch.trials`, \
         so that some stage could not do what it declares. Raise the budget or lower the trials of a stage.";
    ECO_NOT_ALLOWED = "N2-LEGAL-004", "an ECO that the study's lists keep out",
        "`safety.deny_ecos` names ECOs that may not be tried, `safety.allow_ecos` the only ones that may; a \
         study's and a stage's lists both hold. Names are patterns: `*` stands for any text.";
    RULE_TOO_LOOSE = "N2-LEGAL-005", "a rule that is looser than the safety domain",
        "A domain sets how soon something is contained, when a study is given up, and which gates a result \
         passes before it survives. A study or stage may be stricter, never looser. Remove the rule, or \
         declare a wider domain and thereby that you accept its risk.";
    EXPLORATION = "N2-LEGAL-006", "exploration where it is locked",
        "`locked` tries what is written and nothing else: no values drawn by chance. List the values of the \
         parameter, or give its range a `step`.";
    HOLD_UNSEEN = "N2-LEGAL-007", "an ECO for hold where no scene answers for hold",
        "Hold violations come from the skew between clock trees, and with ideal clocks there is none: what is \
         repaired may not be broken, and what is broken is not seen. Set `clocks: propagated` in a scene that \
         checks hold, or say there with `ideal_hold: REASON` why its slacks are worth repairing, such as an \
         uncertainty that holds the skew to come.";
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_numbered_without_gaps_and_explained() {
        for prefix in ["N2-STUDY-", "N2-LEGAL-"] {
            let codes = CODES.iter().filter(|code| code.code.starts_with(prefix));
            for (index, code) in codes.enumerate() {
                assert_eq!(code.code, format!("{prefix}{:03}", index + 1));
                assert!(code.explanation.ends_with('.'), "{code}");
                assert_eq!(explain(&code.code.to_lowercase()), Some(*code));
            }
        }
        assert_eq!(explain("N2-STUDY-999"), None);
    }
}
