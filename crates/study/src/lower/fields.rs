//! The keys of a mapping.

use std::collections::{HashMap, HashSet};

use super::value::{Lower, Scalar, resolve, wrong_type};
use super::{Lowered, Place, Reported};
use crate::codes;
use crate::locations::Location;
use crate::report::Report;
use crate::suggest::{all_of, nearest, quoted};
use crate::tree::{Entry, Kind, Node};

/// What people call things elsewhere, and the key that they find here. Only tried where the key on the
/// right is valid and the one on the left is not.
const SYNONYMS: &[(&str, &str)] = &[
    ("args", "parameters"),
    ("begin", "from"),
    ("by", "step"),
    ("clock", "clocks"),
    ("constraints", "sdc"),
    ("corner", "scenes"),
    ("corners", "scenes"),
    ("cpu_time", "cpu_time_s"),
    ("dependencies", "after"),
    ("depends_on", "after"),
    ("disk", "disk_mib"),
    ("domain", "safety_domain"),
    ("end", "to"),
    ("goal", "objective"),
    ("id", "name"),
    ("increment", "step"),
    ("keep", "survivors"),
    ("lib", "liberty"),
    ("libraries", "liberty"),
    ("library", "liberty"),
    ("libs", "liberty"),
    ("max_trials", "trials"),
    ("maximum", "max"),
    ("memory", "memory_mib"),
    ("metrics", "rank"),
    ("minimum", "min"),
    ("modes", "scenes"),
    ("module", "top"),
    ("name", "kind"),
    ("needs", "after"),
    ("output", "output_mib"),
    ("params", "parameters"),
    ("parents", "after"),
    ("pdk", "platform"),
    ("rc", "parasitics"),
    ("spef", "parasitics"),
    ("start", "from"),
    ("stop", "to"),
    ("steps", "sequence"),
    ("strategy", "merge"),
    ("strategy", "proposer"),
    ("technology", "platform"),
    ("timeout", "timeout_s"),
    ("timeout", "wall_time_s"),
    ("title", "name"),
    ("tool", "engine"),
    ("top_module", "top"),
    ("trial_budget", "trials"),
    ("type", "kind"),
    ("verilog", "netlists"),
    ("wall_time", "wall_time_s"),
];

/// The fields of one mapping. Unknown keys were reported; one that is plainly a misspelling of a key
/// that is not there is read as that key, so that problems in its value are found as well.
pub(super) struct Fields<'a> {
    title: String,
    field: String,
    node: &'a Node,
    entries: HashMap<&'a str, &'a Entry>,
    /// Keys for which another word was used: not there, but not forgotten either.
    paraphrased: HashSet<&'a str>,
}

/// Takes `place` as a mapping with `keys`. `what` is what it describes, as in "a stage"; `shape` shows
/// how it is written.
pub(super) fn fields<'a>(
    report: &mut Report,
    place: &Place<'a>,
    what: &str,
    shape: &str,
    keys: &'static [&'static str],
) -> Lowered<Fields<'a>> {
    let Kind::Mapping(entries) = &place.node.kind else {
        let help = missing_space(place.node, keys).unwrap_or_else(|| format!("write `{shape}`"));
        return Err(wrong_type(report, place, "a mapping", Some(help)));
    };
    let title = if keys.contains(&"name") {
        title(what, entries)
    } else {
        what.to_owned()
    };
    let mut fields = Fields {
        title,
        field: place.field.clone(),
        node: place.node,
        entries: HashMap::new(),
        paraphrased: HashSet::new(),
    };
    let (known, unknown): (Vec<&Entry>, Vec<&Entry>) = entries
        .iter()
        .partition(|entry| keys.contains(&entry.key.as_str()));
    fields.entries = known
        .into_iter()
        .map(|entry| (entry.key.as_str(), entry))
        .collect();
    for entry in unknown {
        if report.is_full() {
            break;
        }
        let free: Vec<&'static str> = keys
            .iter()
            .copied()
            .filter(|key| !fields.entries.contains_key(key))
            .collect();
        let synonym = SYNONYMS
            .iter()
            .find(|(word, key)| entry.key.eq_ignore_ascii_case(word) && free.contains(key))
            .map(|(_, key)| *key);
        let misspelt = nearest(&entry.key, &free)
            .and_then(|near| free.iter().copied().find(|key| *key == near));
        let help = if let Some(key) = synonym {
            fields.paraphrased.insert(key);
            format!("did you mean `{key}`?")
        } else if let Some(key) = misspelt {
            fields.entries.insert(key, entry);
            format!("did you mean `{key}`?")
        } else if let Some(near) = nearest(&entry.key, keys) {
            format!("did you mean `{near}`, which is given already?")
        } else if let Some(help) = missing_space_in(&entry.key, keys) {
            help
        } else {
            format!("valid keys are {}", all_of(keys))
        };
        report.mark_broken(&fields.path(&entry.key));
        let message = format!("unknown key {} in {}", quoted(&entry.key), fields.title);
        report.add(codes::UNKNOWN_KEY, entry.key_span, message, Some(help));
    }
    Ok(fields)
}

/// "a stage", or "stage `timing`" where it has a name.
fn title(what: &str, entries: &[Entry]) -> String {
    let name = entries
        .iter()
        .find(|entry| entry.key == "name")
        .map(|entry| &entry.value.kind);
    match name {
        Some(Kind::Scalar { text, .. }) if !text.is_empty() => {
            let noun = what
                .strip_prefix("a ")
                .or(what.strip_prefix("an "))
                .unwrap_or(what);
            format!(
                "{} {}",
                noun.strip_prefix("the ").unwrap_or(noun),
                quoted(text)
            )
        }
        _ => what.to_owned(),
    }
}

/// Help for `key:value`, which YAML reads as one text.
fn missing_space(node: &Node, keys: &[&str]) -> Option<String> {
    match &node.kind {
        Kind::Scalar { text, plain: true } => missing_space_in(text, keys),
        _ => None,
    }
}

fn missing_space_in(text: &str, keys: &[&str]) -> Option<String> {
    let (key, rest) = text.split_once(':')?;
    keys.contains(&key).then(|| {
        format!(
            "YAML needs a blank after the colon: {}",
            quoted(&format!("{key}: {}", rest.trim()))
        )
    })
}

impl<'a> Fields<'a> {
    fn path(&self, key: &str) -> String {
        if self.field.is_empty() {
            key.to_owned()
        } else {
            format!("{}.{key}", self.field)
        }
    }

    /// The value of `key`, if the key is there.
    pub fn place(&self, report: &mut Report, key: &str) -> Option<Place<'a>> {
        let entry = self.entries.get(key)?;
        let field = self.path(key);
        let location = Location {
            key: Some(entry.key_span),
            value: entry.value.span,
        };
        report.locate(&field, location);
        Some(Place {
            node: &entry.value,
            field,
        })
    }

    /// The value of a key that must be there.
    pub fn required<T>(
        &self,
        report: &mut Report,
        key: &str,
        placeholder: T,
        lower: impl Lower<T>,
    ) -> T {
        let Some(place) = self.place(report, key) else {
            self.missing(report, key, None);
            return placeholder;
        };
        lower(report, &place).unwrap_or_else(|Reported| {
            report.mark_broken(&place.field);
            placeholder
        })
    }

    /// The value of a key that may be left out; `default` then.
    pub fn optional<T>(
        &self,
        report: &mut Report,
        key: &str,
        default: T,
        lower: impl Lower<T>,
    ) -> T {
        if self.paraphrased.contains(key) {
            report.mark_broken(&self.path(key));
        }
        let Some(place) = self.place(report, key) else {
            return default;
        };
        lower(report, &place).unwrap_or_else(|Reported| {
            report.mark_broken(&place.field);
            default
        })
    }

    /// The value of a key that may be left out or `null`, which both mean that there is none.
    pub fn option<T>(&self, report: &mut Report, key: &str, lower: impl Lower<T>) -> Option<T> {
        self.optional(
            report,
            key,
            None,
            |report: &mut Report, place: &Place<'_>| match &place.node.kind {
                Kind::Scalar { text, plain } if matches!(resolve(text, *plain), Scalar::Null) => {
                    Ok(None)
                }
                _ => lower(report, place).map(Some),
            },
        )
    }

    /// Reports that a required key is not there, unless it was only called by another name.
    pub fn missing(&self, report: &mut Report, key: &str, help: Option<String>) {
        report.mark_broken(&self.path(key));
        if !self.paraphrased.contains(key) {
            let span = match &self.node.kind {
                // The key that names the mapping shows better what is incomplete than its first line.
                Kind::Mapping(_) if !self.field.is_empty() => report
                    .locations()
                    .get(&self.field)
                    .map_or(self.node.span, |place| place.key.unwrap_or(place.value)),
                _ => self.node.span,
            };
            let message = format!("{} has no `{key}`", self.title);
            report.add(codes::MISSING_KEY, span, message, help);
        }
    }

    /// Whether the key is there, under its own or a misspelt name.
    pub fn has(&self, key: &str) -> bool {
        self.entries.contains_key(key)
    }
}
