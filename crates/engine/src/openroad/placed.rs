//! Placed designs that trials leave: what they are, how they differ from their parents, and whether the wires of all
//! that changed were estimated anew.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::fmt::Write as _;
use std::path::Path;

use noodle2_layout::{Component, Def, PlacementChange, Status, Terminal, Use};
use noodle2_model::{
    ContentHash, DesignState, Failure, FailureClass, Metric, MetricSet, PhysicalReach,
    PlacementState,
};
use noodle2_netlist::{Edit, Ledger};

use super::LayoutSetup;
use crate::trial::attempt::{failure, io_failure, read_file, write};

/// The nets whose wires were estimated last, as the script tells them.
const ESTIMATED: &str = "estimated-nets.txt";

/// Every cell that stands elsewhere than in the parent.
const MOVES: &str = "moves.tsv";

/// How many rows' height cells may have moved on the mean over the design for a change to be local. Legal places for
/// what was resized and inserted are found nearby: real repairs of timing moved cells by up to four rows on the mean.
const LOCAL_ROWS: f64 = 5.0;

/// A placed design as it was read.
#[derive(Debug)]
pub(crate) struct PlacedDesign {
    pub def: Def,
    pub state: PlacementState,
}

impl PlacedDesign {
    /// Reads the placement of the design whose files lie in `folder`.
    pub fn read(folder: &Path) -> Result<Self, Failure> {
        let missing = |name: &str, error: &dyn std::fmt::Display| {
            let text = format!("no placed design was written: `{name}`: {error}");
            failure(FailureClass::MissingOutput, text)
        };
        let read = |name: &'static str| {
            read_file(&folder.join(name)).map_err(|error| missing(name, &error))
        };
        let text = read(DesignState::DEF)?;
        let def = Def::read(&text).map_err(|error| missing(DesignState::DEF, &error))?;
        Ok(Self {
            def,
            state: PlacementState {
                database: ContentHash::of(read(DesignState::DATABASE)?),
                def: ContentHash::of(text),
            },
        })
    }

    /// The hash of a netlist together with the place of every cell and pin, and with what of the database bears on routes
    /// beside these.
    pub fn canonical(&self, netlist: ContentHash, routing_state: &BTreeSet<String>) -> ContentHash {
        let mut components: Vec<&Component> = self.def.components.iter().collect();
        components.sort_by(|one, other| one.name.cmp(&other.name));
        let mut text = netlist.to_string();
        for component in components {
            let (name, master, status) = (&component.name, &component.master, component.status);
            let _ = write!(
                text,
                "\n{name} {master} {status:?} {:?}",
                component.placement
            );
        }
        let mut pins: Vec<_> = self.def.pins.iter().collect();
        pins.sort_by(|one, other| one.name.cmp(&other.name));
        for pin in pins {
            let _ = write!(text, "\n{} {:?}", pin.name, pin.ports);
        }
        for line in routing_state {
            let _ = write!(text, "\n{line}");
        }
        ContentHash::of(text)
    }
}

/// What became of the places of a parent's cells.
#[derive(Debug)]
pub(crate) struct PlacedChange {
    pub change: PlacementChange,
    pub reach: PhysicalReach,
}

impl PlacedChange {
    /// The difference between two placements, which is also written down for people.
    ///
    /// # Errors
    /// When something moved that the parent fixes.
    pub fn between(
        parent: &PlacedDesign,
        child: &PlacedDesign,
        setup: &LayoutSetup,
        folder: &Path,
    ) -> Result<Self, Failure> {
        let change = PlacementChange::between(&parent.def, &child.def);
        let is_fixed = |name: &str| {
            let found = parent.def.component(name);
            found.is_some_and(|found| matches!(found.status, Status::Fixed | Status::Cover))
        };
        if let Some(moved) = change.moved.iter().find(|moved| is_fixed(&moved.name)) {
            let text = format!(
                "moved `{}` by {:.3} µm, which the snapshot fixes",
                moved.name, moved.distance
            );
            return Err(failure(FailureClass::BlastRadiusExceeded, text));
        }
        let mut text =
            String::from("instance\tfrom_x_um\tfrom_y_um\tto_x_um\tto_y_um\tdistance_um\n");
        for cell in &change.moved {
            let (from, to) = (cell.from, cell.to);
            let _ = writeln!(
                text,
                "{}\t{}\t{}\t{}\t{}\t{}",
                cell.name, from.0, from.1, to.0, to.1, cell.distance
            );
        }
        write(&folder.join(MOVES), text.as_bytes())?;
        let site = setup.lef.sites.get(setup.data.site.as_str());
        let mean = change.total_distance / change.compared.max(1) as f64;
        let reach = match site.map(|site| site.size.1) {
            _ if change.moved.is_empty() && change.turned.is_empty() => PhysicalReach::None,
            Some(height) if mean <= LOCAL_ROWS * height => PhysicalReach::Local,
            _ => PhysicalReach::Global,
        };
        Ok(Self { change, reach })
    }
}

impl PlacedChange {
    /// Adds how far cells went to what is told of a design, and how many did to its edits.
    pub fn tell(&self, overall: &mut MetricSet, edits: &mut BTreeMap<String, u64>) {
        overall.insert(Metric::DisplacementTotal, self.change.total_distance);
        let most = self.change.max_distance().unwrap_or(0.0);
        overall.insert(Metric::DisplacementMax, most);
        let moved = self.change.moved.len() as u64;
        if moved > 0 {
            edits.insert("move".to_owned(), moved);
        }
    }
}

/// Refuses numbers of wires that were there before the change: every net of a cell that is new, of another kind, elsewhere
/// or connected otherwise must be among those that were estimated since.
pub(crate) fn check_estimated(
    folder: &Path,
    child: &PlacedDesign,
    change: &PlacementChange,
    ledger: &Ledger,
) -> Result<(), Failure> {
    let path = folder.join(ESTIMATED);
    let text = read_file(&path).map_err(|error| io_failure("read", &path, &error))?;
    let text = String::from_utf8_lossy(&text);
    let estimated: HashSet<&str> = text.lines().collect();
    if estimated.contains("*") {
        return Ok(());
    }
    let bus = child.def.bus_characters;
    let plain = |name: &str| noodle2_layout::VerilogName::from_def(name, bus).plain();
    let edited: HashSet<&str> = ledger.edits.iter().filter_map(Edit::instance).collect();
    let moved = change.moved.iter().map(|cell| &cell.name);
    let retyped = change.retyped.iter().map(|cell| &cell.name);
    let placed: HashSet<&str> = moved
        .chain(retyped)
        .chain(&change.turned)
        .chain(&change.added)
        .chain(&change.newly_placed)
        .map(|name| &**name)
        .collect();
    let is_changed = |component: &Component| {
        placed.contains(&*component.name) || edited.contains(plain(&component.name).as_str())
    };
    let changed: HashSet<usize> = child
        .def
        .components
        .iter()
        .enumerate()
        .filter(|(_, component)| is_changed(component))
        .map(|(place, _)| place)
        .collect();
    let nets = child.def.nets.iter();
    let signals = nets.filter(|net| !matches!(net.usage, Some(Use::Power | Use::Ground)));
    let stale = signals.into_iter().find(|net| {
        let touches = net.terminals.iter().any(|terminal| match terminal {
            Terminal::Component { component, .. } => changed.contains(&(component.0 as usize)),
            Terminal::Io(_) | Terminal::Every(_) => false,
        });
        touches && !estimated.contains(&*net.name)
    });
    match stale {
        None => Ok(()),
        Some(net) => Err(failure(
            FailureClass::ParasiticsIncomplete,
            format!(
                "net `{}` changed, and its wires were not estimated again: what was measured is of wires that are gone",
                net.name
            ),
        )),
    }
}
