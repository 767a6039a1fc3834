//! Edits that belong together: groups of which each can be made, or left out, without the others.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use noodle2_liberty::{LibraryIndex, PinDirection};

use crate::delta::Delta;
use crate::design::{Design, PinConnection};
use crate::ledger::{Edit, Ledger};

impl Ledger {
    /// The edits in groups, each of which leads from `parent` to a design that computes what `parent` does
    /// if all of them together do. In the order of their first edits.
    ///
    /// What is made or removed keeps everything that touches it in its group, so does a net whose driver
    /// changes, and exchanges of cells for others of another function are one group with all that touches
    /// the nets around them.
    pub fn groups(&self, parent: &Design, cells: &LibraryIndex) -> Vec<Self> {
        let ties = Ties::of(self, parent, cells);
        let groups = ties.groups(self.edits.len());
        let ledger = |places: Vec<usize>| Self {
            edits: places
                .into_iter()
                .map(|place| self.edits[place].clone())
                .collect(),
            ports: Vec::new(),
        };
        groups.into_iter().map(ledger).collect()
    }
}

/// What holds edits together: all edits with one tie are in one group.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Tie<'l> {
    /// The cell of an instance is exchanged.
    Cell(&'l str),
    /// The connections of an instance change.
    Pins(&'l str),
    /// A net is made, removed, or driven by another.
    Net(&'l str),
    /// Functions change.
    Function,
}

struct Ties<'l>(Vec<Vec<Tie<'l>>>);

impl<'l> Ties<'l> {
    fn of(ledger: &'l Ledger, parent: &'l Design, cells: &LibraryIndex) -> Self {
        let delta = Delta::of(&ledger.edits);
        let whole = whole_instances(&delta);
        let roots = NetRoots::of(parent);
        let mut nets = reshaped_nets(&delta, parent, cells);
        nets = nets.iter().map(|net| roots.root(net).to_owned()).collect();
        let changed: BTreeSet<&str> = delta
            .cells
            .iter()
            .filter(|(instance, change)| {
                !whole.contains(instance.as_str())
                    && match (&change.before, &change.after) {
                        (Some(from), Some(to)) => {
                            !cells.same_function(from, to) || changes_pins(&delta, instance)
                        }
                        _ => false,
                    }
            })
            .map(|(instance, _)| instance.as_str())
            .collect();
        let mut around: BTreeSet<String> = BTreeSet::new();
        for name in &changed {
            let instance = parent.instance(name);
            let pins = instance.map_or(&[][..], |instance| &instance.pins);
            let root = |pin: &PinConnection| parent.net(parent.net(pin.net).root).name.clone();
            around.extend(pins.iter().map(root));
        }
        nets.extend(around.iter().cloned());
        let ties = ledger.edits.iter().map(|edit| {
            let mut ties = Vec::new();
            if let Some(instance) = edit.instance() {
                let is_pin = matches!(edit, Edit::Connect { .. } | Edit::Disconnect { .. });
                let whole = whole.contains(instance);
                if whole || !is_pin || changed.contains(instance) {
                    ties.push(Tie::Cell(instance));
                }
                if whole || is_pin {
                    ties.push(Tie::Pins(instance));
                }
                if changed.contains(instance) {
                    ties.push(Tie::Function);
                }
            }
            if let Some(net) = edit.net()
                && let net = roots.root(net)
                && nets.contains(net)
            {
                ties.push(Tie::Net(net));
                if around.contains(net) {
                    ties.push(Tie::Function);
                }
            }
            ties
        });
        Self(ties.collect())
    }

    /// The places of the edits of each group.
    fn groups(&self, count: usize) -> Vec<Vec<usize>> {
        let mut root: Vec<usize> = (0..count).collect();
        fn find(root: &mut [usize], mut place: usize) -> usize {
            while root[place] != place {
                root[place] = root[root[place]];
                place = root[place];
            }
            place
        }
        let mut first: HashMap<&Tie<'_>, usize> = HashMap::new();
        for (place, ties) in self.0.iter().enumerate() {
            for tie in ties {
                let other = *first.entry(tie).or_insert(place);
                let (one, other) = (find(&mut root, place), find(&mut root, other));
                root[one.max(other)] = one.min(other);
            }
        }
        let mut groups: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
        for place in 0..count {
            groups
                .entry(find(&mut root, place))
                .or_default()
                .push(place);
        }
        groups.into_values().collect()
    }
}

/// The names under which nets of a hierarchy are one net.
pub(crate) struct NetRoots<'d>(HashMap<&'d str, &'d str>);

impl<'d> NetRoots<'d> {
    pub(crate) fn of(design: &'d Design) -> Self {
        let nets = design.nets.iter();
        let aliases = nets.filter(|net| design.net(net.root).name != net.name);
        Self(
            aliases
                .map(|net| (net.name.as_str(), design.net(net.root).name.as_str()))
                .collect(),
        )
    }

    /// The name that stands for all names of a net; its own where the design does not know it.
    pub(crate) fn root<'n>(&self, net: &'n str) -> &'n str
    where
        'd: 'n,
    {
        self.0.get(net).copied().unwrap_or(net)
    }
}

/// Instances that are made or removed.
fn whole_instances(delta: &Delta) -> BTreeSet<&str> {
    let cells = delta.cells.iter();
    cells
        .filter(|(_, change)| change.is_new() || change.is_gone())
        .map(|(instance, _)| instance.as_str())
        .collect()
}

/// Whether an instance has other pins than before.
fn changes_pins(delta: &Delta, instance: &str) -> bool {
    let first = (instance.to_owned(), String::new());
    delta
        .pins
        .range(first..)
        .take_while(|((owner, _), _)| owner == instance)
        .any(|(_, change)| change.is_new() || change.is_gone())
}

/// Nets that are made, removed or driven by another pin than before. A pin whose direction nobody states
/// counts as one that drives.
fn reshaped_nets(delta: &Delta, parent: &Design, cells: &LibraryIndex) -> BTreeSet<String> {
    let drives = |cell: Option<&str>, pin: &str| {
        let direction = cell
            .and_then(|cell| cells.pin(cell, pin))
            .and_then(|(_, pin)| pin.direction);
        direction != Some(PinDirection::Input)
    };
    let mut nets: BTreeSet<String> = delta.nets.keys().cloned().collect();
    for ((instance, pin), change) in &delta.pins {
        let cell = delta.cells.get(instance);
        let kept = parent.instance(instance).map(|known| known.cell.as_str());
        let before = cell.map_or(kept, |cell| cell.before.as_deref());
        let after = cell.map_or(kept, |cell| cell.after.as_deref());
        if drives(before, pin) {
            nets.extend(change.before.clone());
        }
        if drives(after, pin) {
            nets.extend(change.after.clone());
        }
    }
    nets
}
