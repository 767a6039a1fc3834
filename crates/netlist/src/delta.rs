//! A ledger as what it does to each cell, pin and net: the form in which ledgers are composed and merged.

use std::collections::BTreeMap;

use crate::ledger::{Edit, Ledger};

/// What something was in the parent and is in the child; `None` where it is not there at all.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Change<T> {
    pub before: Option<T>,
    pub after: Option<T>,
}

impl<T> Default for Change<T> {
    fn default() -> Self {
        Self {
            before: None,
            after: None,
        }
    }
}

impl<T> Change<T> {
    fn reversed(self) -> Self {
        Self {
            before: self.after,
            after: self.before,
        }
    }

    pub(crate) fn is_new(&self) -> bool {
        self.before.is_none()
    }

    pub(crate) fn is_gone(&self) -> bool {
        self.after.is_none()
    }
}

/// A pin: the full name of its instance, and its own name.
pub(crate) type PinKey = (String, String);

/// Every edit of a ledger by what it changes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Delta {
    /// The cells of instances.
    pub cells: BTreeMap<String, Change<String>>,
    /// The nets of pins.
    pub pins: BTreeMap<PinKey, Change<String>>,
    /// Whether nets are there.
    pub nets: BTreeMap<String, Change<()>>,
}

impl Delta {
    pub(crate) fn of<'e>(edits: impl IntoIterator<Item = &'e Edit>) -> Self {
        let mut delta = Self::default();
        for edit in edits {
            match edit {
                Edit::NewNet { net } => delta.net(net).after = Some(()),
                Edit::RemoveNet { net } => delta.net(net).before = Some(()),
                Edit::Insert { instance, cell } => delta.cell(instance).after = Some(cell.clone()),
                Edit::Remove { instance, cell } => delta.cell(instance).before = Some(cell.clone()),
                Edit::Resize { instance, from, to } => {
                    let change = delta.cell(instance);
                    change.before = Some(from.clone());
                    change.after = Some(to.clone());
                }
                Edit::Disconnect { instance, pin, net } => {
                    delta.pin(instance, pin).before = Some(net.clone());
                }
                Edit::Connect { instance, pin, net } => {
                    delta.pin(instance, pin).after = Some(net.clone());
                }
            }
        }
        delta
    }

    fn cell(&mut self, instance: &str) -> &mut Change<String> {
        self.cells.entry(instance.to_owned()).or_default()
    }

    fn pin(&mut self, instance: &str, pin: &str) -> &mut Change<String> {
        self.pins
            .entry((instance.to_owned(), pin.to_owned()))
            .or_default()
    }

    fn net(&mut self, net: &str) -> &mut Change<()> {
        self.nets.entry(net.to_owned()).or_default()
    }

    /// The edits, in an order in which they can be made.
    pub(crate) fn edits(&self) -> Vec<Edit> {
        let mut edits = Vec::new();
        for (net, change) in &self.nets {
            let net = net.clone();
            match (&change.before, &change.after) {
                (None, Some(())) => edits.push(Edit::NewNet { net }),
                (Some(()), None) => edits.push(Edit::RemoveNet { net }),
                _ => {}
            }
        }
        for (instance, change) in &self.cells {
            let instance = instance.clone();
            match (change.before.clone(), change.after.clone()) {
                (None, Some(cell)) => edits.push(Edit::Insert { instance, cell }),
                (Some(cell), None) => edits.push(Edit::Remove { instance, cell }),
                (Some(from), Some(to)) if from != to => {
                    edits.push(Edit::Resize { instance, from, to });
                }
                _ => {}
            }
        }
        for ((instance, pin), change) in &self.pins {
            if change.before == change.after {
                continue;
            }
            if let Some(net) = change.before.clone() {
                let (instance, pin) = (instance.clone(), pin.clone());
                edits.push(Edit::Disconnect { instance, pin, net });
            }
            if let Some(net) = change.after.clone() {
                let (instance, pin) = (instance.clone(), pin.clone());
                edits.push(Edit::Connect { instance, pin, net });
            }
        }
        edits.sort();
        edits
    }

    /// Takes in what `other` changes and this does not.
    pub(crate) fn extend(&mut self, other: Self) {
        self.cells.extend(other.cells);
        self.pins.extend(other.pins);
        self.nets.extend(other.nets);
    }
}

/// Two ledgers that do not follow each other: the second begins with something that the first does not
/// leave.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the second ledger does not begin where the first ends: at `{object}`")]
pub struct NoSequel {
    /// The instance, pin or net at which they part.
    pub object: String,
}

fn chained<K: Ord + Clone, T: PartialEq + Clone>(
    first: BTreeMap<K, Change<T>>,
    second: BTreeMap<K, Change<T>>,
    name: impl Fn(&K) -> String,
) -> Result<BTreeMap<K, Change<T>>, NoSequel> {
    let mut changes = first;
    for (key, next) in second {
        let Some(change) = changes.get_mut(&key) else {
            changes.insert(key, next);
            continue;
        };
        if change.after != next.before {
            return Err(NoSequel { object: name(&key) });
        }
        change.after = next.after;
        if change.before == change.after {
            changes.remove(&key);
        }
    }
    Ok(changes)
}

impl Ledger {
    /// The edits of this ledger and then those of `next`, as one: what leads from this one's parent to the
    /// other's child. What is undone on the way is not in it.
    ///
    /// # Errors
    /// When `next` does not begin with what this ledger leaves.
    pub fn then(&self, next: &Self) -> Result<Self, NoSequel> {
        let (first, second) = (Delta::of(&self.edits), Delta::of(&next.edits));
        let delta = Delta {
            cells: chained(first.cells, second.cells, Clone::clone)?,
            pins: chained(first.pins, second.pins, |(instance, pin)| {
                format!("{instance}/{pin}")
            })?,
            nets: chained(first.nets, second.nets, Clone::clone)?,
        };
        let mut ports = [self.ports.clone(), next.ports.clone()].concat();
        ports.sort();
        ports.dedup();
        Ok(Self {
            edits: delta.edits(),
            ports,
        })
    }

    /// The edits that lead back.
    pub fn reversed(&self) -> Self {
        let delta = Delta::of(&self.edits);
        fn turned<K: Ord, T>(changes: BTreeMap<K, Change<T>>) -> BTreeMap<K, Change<T>> {
            let turn = |(key, change): (K, Change<T>)| (key, change.reversed());
            changes.into_iter().map(turn).collect()
        }
        let back = Delta {
            cells: turned(delta.cells),
            pins: turned(delta.pins),
            nets: turned(delta.nets),
        };
        Self {
            edits: back.edits(),
            ports: self.ports.clone(),
        }
    }
}
