//! Two branches' edits of one design, brought together: a three-way merge of ledgers against their common
//! ancestor.
//!
//! Edits are kept or dropped in the groups that [`Ledger::groups`] finds, never one by one: half of a buffer
//! is no design. What both branches did alike is no contradiction.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use noodle2_liberty::LibraryIndex;
use noodle2_model::ConflictRule;
use serde::{Deserialize, Serialize};

use crate::delta::{Change, Delta};
use crate::design::Design;
use crate::groups::NetRoots;
use crate::ledger::{Edit, Ledger};

/// In what two branches contradict each other.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ConflictKind {
    /// Both give an instance another cell, or move the same pin; or one exchanges it for a cell of another
    /// function while the other connects it differently.
    SameInstance,
    /// Both change which pins are on a net.
    SameNet,
    /// One edits what the other removes.
    Gone,
}

impl ConflictKind {
    /// The name as written in files.
    pub const fn name(self) -> &'static str {
        match self {
            Self::SameInstance => "same_instance",
            Self::SameNet => "same_net",
            Self::Gone => "gone",
        }
    }
}

impl fmt::Display for ConflictKind {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.name())
    }
}

/// One contradiction between two branches.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
pub struct Conflict {
    /// In what.
    pub kind: ConflictKind,
    /// The instance, pin (`instance/pin`) or net.
    pub object: String,
    /// What the first branch did to it.
    pub first: Vec<Edit>,
    /// What the second branch did to it.
    pub second: Vec<Edit>,
}

/// The object with both branches' edits, fields separated by tabs, edits by `;`: a line of `conflicts.tsv`.
impl fmt::Display for Conflict {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let told = |edits: &[Edit]| {
            let words = edits.iter().map(|edit| edit.to_string().replace('\t', " "));
            words.collect::<Vec<String>>().join("; ")
        };
        let (first, second) = (told(&self.first), told(&self.second));
        write!(
            formatter,
            "{}\t{}\t{first}\t{second}",
            self.kind, self.object
        )
    }
}

/// Two branches' ledgers against their common ancestor.
#[derive(Debug)]
pub struct Merge {
    first: Side,
    second: Side,
    conflicts: Vec<Conflict>,
    /// For each conflict the groups of both sides that stand in it.
    parties: Vec<(BTreeSet<usize>, BTreeSet<usize>)>,
    renamed: BTreeMap<String, String>,
}

/// One branch's edits, by group.
#[derive(Debug)]
struct Side {
    whole: Delta,
    groups: Vec<Delta>,
}

impl Side {
    fn of(ledger: &Ledger, ancestor: &Design, cells: &LibraryIndex) -> Self {
        let groups = ledger.groups(ancestor, cells);
        Self {
            whole: Delta::of(&ledger.edits),
            groups: groups.iter().map(|group| Delta::of(&group.edits)).collect(),
        }
    }

    /// The groups in which `touches` finds something.
    fn groups_with(&self, touches: impl Fn(&Delta) -> bool) -> BTreeSet<usize> {
        let groups = self.groups.iter().enumerate();
        groups
            .filter(|(_, group)| touches(group))
            .map(|(place, _)| place)
            .collect()
    }
}

impl Merge {
    /// Brings the edits of two branches since `ancestor` together. Where both made different things under
    /// one name, those of the second get `prefix` before theirs.
    pub fn new(
        ancestor: &Design,
        first: &Ledger,
        second: &Ledger,
        prefix: &str,
        cells: &LibraryIndex,
    ) -> Self {
        let first = Side::of(first, ancestor, cells);
        let found = Side::of(second, ancestor, cells);
        let names = NewNames::of(ancestor, &first, &found, prefix);
        let second = Side::of(&names.apply(second), ancestor, cells);
        let renamed = names.instances.into_iter().chain(names.nets).collect();
        let mut merge = Self {
            first,
            second,
            conflicts: Vec::new(),
            parties: Vec::new(),
            renamed,
        };
        merge.find_conflicts(ancestor, cells);
        merge
    }

    /// Every contradiction, whatever is made of it.
    pub fn conflicts(&self) -> &[Conflict] {
        &self.conflicts
    }

    /// How many contradictions of each kind there are.
    pub fn counts(&self) -> BTreeMap<String, u64> {
        let mut counts = BTreeMap::new();
        for conflict in &self.conflicts {
            *counts.entry(conflict.kind.to_string()).or_default() += 1;
        }
        counts
    }

    /// What the second branch made, by the name that it gave, with the name that it has here.
    pub fn renamed(&self) -> &BTreeMap<String, String> {
        &self.renamed
    }

    /// The edits of both from their ancestor, contradictions decided by `rule`. `None` where they contradict
    /// each other and the rule is not to compose them then.
    pub fn resolve(&self, rule: ConflictRule) -> Option<Ledger> {
        if rule == ConflictRule::Drop && !self.conflicts.is_empty() {
            return None;
        }
        let mut delta = Delta::default();
        for (side, loses) in [
            (
                &self.first,
                matches!(rule, ConflictRule::Second | ConflictRule::None),
            ),
            (
                &self.second,
                matches!(rule, ConflictRule::First | ConflictRule::None),
            ),
        ] {
            let is_first = std::ptr::eq(side, &self.first);
            let party = self.parties.iter();
            let dropped: BTreeSet<usize> = party
                .filter(|_| loses)
                .flat_map(|(first, second)| if is_first { first } else { second })
                .copied()
                .collect();
            for (place, group) in side.groups.iter().enumerate() {
                if !dropped.contains(&place) {
                    delta.extend(group.clone());
                }
            }
        }
        Some(Ledger {
            edits: delta.edits(),
            ports: Vec::new(),
        })
    }

    fn find_conflicts(&mut self, ancestor: &Design, cells: &LibraryIndex) {
        let (first, second) = (&self.first.whole, &self.second.whole);
        let mut found: BTreeSet<(ConflictKind, String)> = BTreeSet::new();
        let mut note = |kind, object: &str| {
            found.insert((kind, object.to_owned()));
        };
        for (name, one, other) in unlike(&first.cells, &second.cells) {
            let kind = match one.is_gone() || other.is_gone() {
                true => ConflictKind::Gone,
                false => ConflictKind::SameInstance,
            };
            note(kind, name);
        }
        let removed = |side: &Delta, name: &str| side.cells.get(name).is_some_and(Change::is_gone);
        for ((instance, pin), _, _) in unlike(&first.pins, &second.pins) {
            match removed(first, instance) || removed(second, instance) {
                true => note(ConflictKind::Gone, instance),
                false => note(ConflictKind::SameInstance, &format!("{instance}/{pin}")),
            }
        }
        for (one, other) in [(first, second), (second, first)] {
            for (instance, change) in &one.cells {
                let exchanged = match (&change.before, &change.after) {
                    (Some(from), Some(to)) => !cells.same_function(from, to),
                    _ => false,
                };
                let is_rewired = || {
                    let pins = pins_of(other, instance);
                    pins.into_iter()
                        .any(|key| one.pins.get(key) != other.pins.get(key))
                };
                if change.is_gone() && is_rewired() {
                    note(ConflictKind::Gone, instance);
                } else if exchanged && is_rewired() {
                    note(ConflictKind::SameInstance, instance);
                }
            }
            let gone = |net: &str| one.nets.get(net).is_some_and(Change::is_gone);
            for (key, change) in &other.pins {
                if let Some(net) = &change.after
                    && gone(net)
                    && one.pins.get(key) != Some(change)
                {
                    note(ConflictKind::Gone, net);
                }
            }
        }
        let roots = NetRoots::of(ancestor);
        let touched = |side: &Delta, other: &Delta| -> BTreeSet<String> {
            let pins = side.pins.iter();
            pins.filter(|(key, change)| other.pins.get(*key) != Some(*change))
                .flat_map(|(_, change)| change.before.iter().chain(&change.after))
                .map(|net| roots.root(net).to_owned())
                .collect()
        };
        for net in touched(first, second).intersection(&touched(second, first)) {
            // New nets that both made alike are one; anything else under one name was renamed.
            if !net.starts_with("1'b") {
                note(ConflictKind::SameNet, net);
            }
        }
        let (only_first, only_second) = (unlike_in(first, second), unlike_in(second, first));
        for (kind, object) in found {
            let edits = |side: &[Edit]| {
                let edits = side.iter().cloned();
                edits
                    .filter(|edit| concerns(edit, kind, &object, &roots))
                    .collect::<Vec<Edit>>()
            };
            let groups = |side: &Side, own: &[Edit]| {
                let own = Delta::of(own);
                side.groups_with(|group| {
                    own.cells.keys().any(|key| group.cells.contains_key(key))
                        || own.pins.keys().any(|key| group.pins.contains_key(key))
                        || own.nets.keys().any(|key| group.nets.contains_key(key))
                })
            };
            let (first, second) = (edits(&only_first), edits(&only_second));
            self.parties
                .push((groups(&self.first, &first), groups(&self.second, &second)));
            self.conflicts.push(Conflict {
                kind,
                object,
                first,
                second,
            });
        }
    }
}

/// Whether an edit is one of those that a conflict is about.
fn concerns(edit: &Edit, kind: ConflictKind, object: &str, roots: &NetRoots<'_>) -> bool {
    let on_net = || edit.net().is_some_and(|net| roots.root(net) == object);
    let on_instance = || edit.instance() == Some(object);
    match (kind, edit) {
        (ConflictKind::SameNet, _) => on_net(),
        (ConflictKind::Gone, _) => on_net() || on_instance(),
        (
            ConflictKind::SameInstance,
            Edit::Connect { instance, pin, .. } | Edit::Disconnect { instance, pin, .. },
        ) => on_instance() || format!("{instance}/{pin}") == object,
        (ConflictKind::SameInstance, _) => on_instance(),
    }
}

/// The edits of `side` that `other` does not make as well.
fn unlike_in(side: &Delta, other: &Delta) -> Vec<Edit> {
    let mut own = side.clone();
    own.cells
        .retain(|key, change| other.cells.get(key) != Some(change));
    own.pins
        .retain(|key, change| other.pins.get(key) != Some(change));
    own.nets
        .retain(|key, change| other.nets.get(key) != Some(change));
    own.edits()
}

/// What both change, and differently.
fn unlike<'d, K: Ord, T: PartialEq>(
    first: &'d BTreeMap<K, Change<T>>,
    second: &'d BTreeMap<K, Change<T>>,
) -> Vec<(&'d K, &'d Change<T>, &'d Change<T>)> {
    let both = first.iter();
    both.filter_map(|(key, change)| Some((key, change, second.get(key)?)))
        .filter(|(_, one, other)| one != other)
        .collect()
}

/// The changed pins of an instance.
fn pins_of<'d>(delta: &'d Delta, instance: &str) -> Vec<&'d (String, String)> {
    let first = (instance.to_owned(), String::new());
    let pins = delta.pins.range(first..);
    pins.map(|(key, _)| key)
        .take_while(|(owner, _)| owner == instance)
        .collect()
}

/// Names of what the second branch made, with the names that they get beside what the first made.
#[derive(Debug, Default)]
struct NewNames {
    instances: BTreeMap<String, String>,
    nets: BTreeMap<String, String>,
}

impl NewNames {
    /// New names for what both branches made under one name without its being the same.
    fn of(ancestor: &Design, first: &Side, second: &Side, prefix: &str) -> Self {
        let (taken, own) = (made(&first.whole), made(&second.whole));
        let known: BTreeSet<&str> = ancestor.nets.iter().map(|net| net.name.as_str()).collect();
        let fresh = |name: &str| {
            let (path, local) = match name.rfind('/') {
                Some(slash) => name.split_at(slash + 1),
                None => ("", name),
            };
            let mut fresh = format!("{path}{prefix}{local}");
            while taken.contains(&fresh)
                || own.contains(&fresh)
                || known.contains(fresh.as_str())
                || ancestor.instance(&fresh).is_some()
            {
                fresh.push('_');
            }
            fresh
        };
        let mut names = Self::default();
        for group in &second.groups {
            if first.groups.contains(group) {
                continue;
            }
            for (name, _) in new_of(&group.cells).filter(|(name, _)| taken.contains(*name)) {
                names.instances.insert(name.clone(), fresh(name));
            }
            for (name, _) in new_of(&group.nets).filter(|(name, _)| taken.contains(*name)) {
                names.nets.insert(name.clone(), fresh(name));
            }
        }
        names
    }

    fn apply(&self, ledger: &Ledger) -> Ledger {
        let new_instance = |name: String| self.instances.get(&name).cloned().unwrap_or(name);
        let new_net = |name: String| self.nets.get(&name).cloned().unwrap_or(name);
        let edits = ledger.edits.iter().map(|edit| match edit.clone() {
            Edit::NewNet { net } => Edit::NewNet { net: new_net(net) },
            Edit::Insert { instance, cell } => Edit::Insert {
                instance: new_instance(instance),
                cell,
            },
            Edit::Connect { instance, pin, net } => Edit::Connect {
                instance: new_instance(instance),
                pin,
                net: new_net(net),
            },
            // What was there before keeps its name.
            kept => kept,
        });
        let mut edits: Vec<Edit> = edits.collect();
        edits.sort();
        Ledger {
            edits,
            ports: ledger.ports.clone(),
        }
    }
}

fn new_of<T>(changes: &BTreeMap<String, Change<T>>) -> impl Iterator<Item = (&String, &Change<T>)> {
    changes.iter().filter(|(_, change)| change.is_new())
}

/// The names of everything that a branch made.
fn made(delta: &Delta) -> BTreeSet<String> {
    let cells = new_of(&delta.cells).map(|(name, _)| name);
    let nets = new_of(&delta.nets).map(|(name, _)| name);
    cells.chain(nets).cloned().collect()
}
