//! What follows from all libraries of a design together: which cell may stand in for which.
//!
//! Two cells are of one *family* when they do the same pin for pin (see the signature), have the same
//! supplies, the same footprint where their libraries state footprints, the same threshold flavour, and
//! the same role: an ordinary cell, a clock cell or a delay cell, told apart by name patterns because no
//! Liberty attribute tells them apart. Cells that the library or a pattern marks as not to be used are
//! never offered; an instance of one may still be swapped for a member of its family.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use noodle2_model::matches_pattern;

use crate::library::{Cell, Library, Pin, PinDirection, Supply};
use crate::order::{by_name, weak_to_strong};
use crate::signature::Behaviour;
use crate::truth::TruthTable;

/// What a platform says of its cells' names. Patterns know `*` and `?`; case counts.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct IndexOptions {
    /// Endings of cell names that stand for a threshold flavour, as in `_ASAP7_75t_R`. The longest that
    /// fits a name counts.
    pub threshold_suffixes: Vec<String>,
    /// Names of delay cells.
    pub delay_patterns: Vec<String>,
    /// Names of clock cells.
    pub clock_patterns: Vec<String>,
    /// Names of cells that are not to be used, beside those that the library marks.
    pub dont_use_patterns: Vec<String>,
}

impl Default for IndexOptions {
    /// No flavours, no delay cells, and the usual names of clock cells.
    fn default() -> Self {
        let clock_patterns = ["*clk*", "*CLK*", "CK*"];
        Self {
            threshold_suffixes: Vec::new(),
            delay_patterns: Vec::new(),
            clock_patterns: clock_patterns.map(str::to_owned).to_vec(),
            dont_use_patterns: Vec::new(),
        }
    }
}

/// A cell output that is constant.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct TieCell {
    /// The cell.
    pub cell: String,
    /// The output.
    pub pin: String,
    /// Its value.
    pub value: bool,
}

/// A cell that two libraries define differently. The first library counts.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Conflict {
    /// The cell.
    pub cell: String,
    /// The library that counts.
    pub first: String,
    /// The library whose definition does something else.
    pub second: String,
}

/// All cells of several libraries and how they stand to one another.
#[derive(Debug)]
pub struct LibraryIndex {
    libraries: Vec<Arc<Library>>,
    cells: BTreeMap<String, Entry>,
    families: BTreeMap<FamilyKey, Vec<String>>,
    buffers: Vec<String>,
    inverters: Vec<String>,
    clock_buffers: Vec<String>,
    clock_inverters: Vec<String>,
    delay_cells: Vec<String>,
    tie_cells: Vec<TieCell>,
    conflicts: Vec<Conflict>,
}

#[derive(Debug)]
struct Entry {
    library: usize,
    behaviour: Behaviour,
    dont_use: bool,
    /// Weak to strong, the cell itself among them.
    family: Vec<String>,
    twins: BTreeMap<String, String>,
    wire: Option<Wire>,
}

/// The pins of a buffer or inverter.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Wire {
    input: String,
    output: String,
    inverts: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Role {
    Ordinary,
    Clock,
    Delay,
}

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct FamilyKey {
    signature: String,
    supplies: BTreeMap<String, Supply>,
    footprint: Option<String>,
    flavour: Option<String>,
    role: Role,
}

impl LibraryIndex {
    /// Indexes the cells of `libraries`. Where two define one cell, the first counts, as in OpenSTA.
    pub fn build(libraries: &[Arc<Library>], options: &IndexOptions) -> Self {
        let mut index = Self {
            libraries: libraries.to_vec(),
            cells: BTreeMap::new(),
            families: BTreeMap::new(),
            buffers: Vec::new(),
            inverters: Vec::new(),
            clock_buffers: Vec::new(),
            clock_inverters: Vec::new(),
            delay_cells: Vec::new(),
            tie_cells: Vec::new(),
            conflicts: Vec::new(),
        };
        index.collect_cells(options);
        let keys = index.family_keys(options);
        index.form_families(&keys);
        index.find_twins(&keys, options);
        index.list_wires(&keys);
        index.list_ties();
        index
    }

    fn collect_cells(&mut self, options: &IndexOptions) {
        for (place, library) in self.libraries.iter().enumerate() {
            for (name, cell) in &library.cells {
                let behaviour = Behaviour::of(name, cell);
                if let Some(entry) = self.cells.get(name) {
                    if entry.behaviour.signature != behaviour.signature {
                        self.conflicts.push(Conflict {
                            cell: name.clone(),
                            first: self.libraries[entry.library].name.clone(),
                            second: library.name.clone(),
                        });
                    }
                    continue;
                }
                let entry = Entry {
                    library: place,
                    wire: wire(cell, &behaviour),
                    behaviour,
                    dont_use: cell.dont_use || matches_any(&options.dont_use_patterns, name),
                    family: Vec::new(),
                    twins: BTreeMap::new(),
                };
                self.cells.insert(name.clone(), entry);
            }
        }
    }

    fn family_keys(&self, options: &IndexOptions) -> BTreeMap<String, FamilyKey> {
        self.cells
            .iter()
            .map(|(name, entry)| {
                let cell = self.data(name, entry);
                let role = if matches_any(&options.delay_patterns, name) {
                    Role::Delay
                } else if matches_any(&options.clock_patterns, name) {
                    Role::Clock
                } else {
                    Role::Ordinary
                };
                let key = FamilyKey {
                    signature: entry.behaviour.signature.clone(),
                    supplies: cell.supplies.clone(),
                    footprint: cell.footprint.clone(),
                    flavour: stem_and_flavour(name, options).map(|(_, flavour)| flavour.to_owned()),
                    role,
                };
                (name.clone(), key)
            })
            .collect()
    }

    fn form_families(&mut self, keys: &BTreeMap<String, FamilyKey>) {
        let mut members: BTreeMap<&FamilyKey, Vec<&str>> = BTreeMap::new();
        for (name, key) in keys {
            members.entry(key).or_default().push(name);
        }
        let mut families = Vec::new();
        for (key, names) in members {
            let usable = self.ordered(names.iter().copied().filter(|name| self.is_usable(name)));
            for name in names {
                let family = match self.is_usable(name) {
                    true => usable.clone(),
                    // It is not offered to the others, but stands in its place in its own list.
                    false => self.ordered(usable.iter().map(String::as_str).chain([name])),
                };
                families.push((name.to_owned(), family));
            }
            if usable.len() > 1 {
                self.families.insert(key.clone(), usable);
            }
        }
        for (name, family) in families {
            if let Some(entry) = self.cells.get_mut(&name) {
                entry.family = family;
            }
        }
    }

    fn find_twins(&mut self, keys: &BTreeMap<String, FamilyKey>, options: &IndexOptions) {
        let mut twins = Vec::new();
        for name in self.cells.keys() {
            let Some((stem, flavour)) = stem_and_flavour(name, options) else {
                continue;
            };
            for other in &options.threshold_suffixes {
                let twin = format!("{stem}{other}");
                let is_twin = other != flavour
                    && stem_and_flavour(&twin, options) == Some((stem, other))
                    && self.is_usable(&twin)
                    && self.same_function(name, &twin)
                    && keys[name].supplies == keys[&twin].supplies;
                if is_twin {
                    twins.push((name.clone(), other.clone(), twin));
                }
            }
        }
        for (name, flavour, twin) in twins {
            if let Some(entry) = self.cells.get_mut(&name) {
                entry.twins.insert(flavour, twin);
            }
        }
    }

    fn list_wires(&mut self, keys: &BTreeMap<String, FamilyKey>) {
        let usual = self.usual_supplies();
        let mut lists: BTreeMap<(Role, bool), Vec<&str>> = BTreeMap::new();
        for (name, entry) in &self.cells {
            let cell = self.data(name, entry);
            let Some(wire) = &entry.wire else { continue };
            // A shifter, or a buffer on a supply of its own, does more than its function says.
            let is_special = cell.is_level_shifter
                || cell.is_isolation_cell
                || cell.is_always_on
                || cell.is_pad
                || cell.is_macro
                || usual.as_ref().is_some_and(|usual| *usual != cell.supplies);
            if entry.dont_use || is_special {
                continue;
            }
            let key = (keys[name].role, wire.inverts);
            lists.entry(key).or_default().push(name);
        }
        let list = |role, inverts| self.ordered(lists.get(&(role, inverts)).into_iter().flatten());
        let buffers = list(Role::Ordinary, false);
        let inverters = list(Role::Ordinary, true);
        let clock_buffers = list(Role::Clock, false);
        let clock_inverters = list(Role::Clock, true);
        let mut delay_cells = list(Role::Delay, false);
        delay_cells.sort_by(|left, right| by_name(left, right));
        self.buffers = buffers;
        self.inverters = inverters;
        self.clock_buffers = clock_buffers;
        self.clock_inverters = clock_inverters;
        self.delay_cells = delay_cells;
    }

    /// The supplies that most cells have.
    fn usual_supplies(&self) -> Option<BTreeMap<String, Supply>> {
        let mut counts: BTreeMap<&BTreeMap<String, Supply>, usize> = BTreeMap::new();
        for (name, entry) in &self.cells {
            *counts.entry(&self.data(name, entry).supplies).or_default() += 1;
        }
        let (supplies, _) = counts.into_iter().max_by_key(|(_, count)| *count)?;
        Some(supplies.clone())
    }

    fn list_ties(&mut self) {
        let mut ties = Vec::new();
        for (name, entry) in &self.cells {
            let cell = self.data(name, entry);
            let has_inputs = cell.pins_of(PinDirection::Input).next().is_some();
            if has_inputs || cell.is_macro || cell.is_pad {
                continue;
            }
            for (pin, table) in &entry.behaviour.outputs {
                ties.extend(table.constant().map(|value| TieCell {
                    cell: name.clone(),
                    pin: pin.clone(),
                    value,
                }));
            }
        }
        // Spare cells and fillers may offer a constant too; the plain tie cell is the smallest.
        let area = |tie: &TieCell| self.area(&tie.cell).unwrap_or(f64::INFINITY);
        ties.sort_by(|left, right| area(left).total_cmp(&area(right)));
        self.tie_cells = ties;
    }

    fn ordered<'a, Name: AsRef<str> + ?Sized + 'a>(
        &'a self,
        names: impl Iterator<Item = &'a Name>,
    ) -> Vec<String> {
        let mut cells: Vec<(&str, &Cell)> = names
            .filter_map(|name| Some((name.as_ref(), self.cell(name.as_ref())?)))
            .collect();
        weak_to_strong(&mut cells);
        cells.into_iter().map(|(name, _)| name.to_owned()).collect()
    }

    fn data<'a>(&'a self, name: &str, entry: &Entry) -> &'a Cell {
        &self.libraries[entry.library].cells[name]
    }

    fn entry(&self, cell: &str) -> Option<&Entry> {
        self.cells.get(cell)
    }

    /// The names of all cells, in alphabetical order.
    pub fn cells(&self) -> impl Iterator<Item = &str> {
        self.cells.keys().map(String::as_str)
    }

    /// The cell of that name.
    pub fn cell(&self, cell: &str) -> Option<&Cell> {
        Some(self.data(cell, self.entry(cell)?))
    }

    /// The library that the cell is taken from.
    pub fn library_of(&self, cell: &str) -> Option<&Library> {
        Some(&self.libraries[self.entry(cell)?.library])
    }

    /// The area of a cell in µm², where its library states one.
    pub fn area(&self, cell: &str) -> Option<f64> {
        self.cell(cell)?.area
    }

    /// A pin of a cell with the library whose defaults hold for it.
    pub fn pin(&self, cell: &str, pin: &str) -> Option<(&Library, &Pin)> {
        Some((self.library_of(cell)?, self.cell(cell)?.pins.get(pin)?))
    }

    /// Whether tools may choose the cell.
    pub fn is_usable(&self, cell: &str) -> bool {
        self.entry(cell).is_some_and(|entry| !entry.dont_use)
    }

    /// Text that is equal for two cells exactly when they do the same, pin for pin.
    pub fn signature(&self, cell: &str) -> Option<&str> {
        Some(&self.entry(cell)?.behaviour.signature)
    }

    /// Whether two cells are known to do the same, pin for pin.
    pub fn same_function(&self, left: &str, right: &str) -> bool {
        match (self.entry(left), self.entry(right)) {
            (Some(left), Some(right)) => {
                left.behaviour.is_known && left.behaviour.signature == right.behaviour.signature
            }
            _ => false,
        }
    }

    /// What an output computes from the cell's inputs. `None` where that is not known, where the cell holds
    /// state or may leave the output floating, and for cells of power management (isolation, level shifters,
    /// always-on cells): what they do depends on supplies as well, and no netlist tells which of them are off.
    pub fn function(&self, cell: &str, output: &str) -> Option<&TruthTable> {
        let entry = self.entry(cell)?;
        let data = self.data(cell, entry);
        let is_logic = entry.behaviour.is_known
            && !data.is_level_shifter
            && !data.is_isolation_cell
            && !data.is_always_on
            && !data.is_pad
            && data.pins.get(output)?.three_state.is_none();
        entry.behaviour.outputs.get(output).filter(|_| is_logic)
    }

    /// The cells that may stand in for `cell`, weak to strong, itself among them. Empty for a name that
    /// no library has.
    pub fn family(&self, cell: &str) -> &[String] {
        self.entry(cell).map_or(&[], |entry| &entry.family)
    }

    /// Every family of at least two usable cells, weak to strong.
    pub fn families(&self) -> impl Iterator<Item = &[String]> {
        self.families.values().map(Vec::as_slice)
    }

    /// The cells that differ from `cell` in the threshold flavour alone, by flavour (the ending of the
    /// name). Only usable ones with equal function and supplies.
    pub fn twins(&self, cell: &str) -> Option<&BTreeMap<String, String>> {
        Some(&self.entry(cell)?.twins)
    }

    /// Buffers for data, weak to strong.
    pub fn buffers(&self) -> &[String] {
        &self.buffers
    }

    /// Inverters for data, weak to strong.
    pub fn inverters(&self) -> &[String] {
        &self.inverters
    }

    /// Buffers for clocks, weak to strong.
    pub fn clock_buffers(&self) -> &[String] {
        &self.clock_buffers
    }

    /// Inverters for clocks, weak to strong.
    pub fn clock_inverters(&self) -> &[String] {
        &self.clock_inverters
    }

    /// Buffers made to be slow, by name.
    pub fn delay_cells(&self) -> &[String] {
        &self.delay_cells
    }

    /// Outputs that are constant, of cells without inputs, smallest cell first. Cells marked as not to be
    /// used are among them: libraries mark their tie cells so that nobody takes them for gates.
    pub fn tie_cells(&self) -> &[TieCell] {
        &self.tie_cells
    }

    /// Cells that two libraries define differently.
    pub fn conflicts(&self) -> &[Conflict] {
        &self.conflicts
    }

    /// The input and the output of a cell that is a buffer or an inverter.
    pub fn wire_pins(&self, cell: &str) -> Option<(&str, &str)> {
        let wire = self.entry(cell)?.wire.as_ref()?;
        Some((&wire.input, &wire.output))
    }

    /// The groups of inputs of `cell` that may change places without changing its function: for cells
    /// with one output and no state. Inputs that do not matter are in no group.
    pub fn equivalent_pins(&self, cell: &str) -> Vec<Vec<String>> {
        self.equivalent_pins_of(cell).unwrap_or_default()
    }

    fn equivalent_pins_of(&self, cell: &str) -> Option<Vec<Vec<String>>> {
        let entry = self.entry(cell)?;
        let data = self.data(cell, entry);
        let is_plain = entry.behaviour.is_known && !data.is_sequential();
        let drivers = data
            .pins
            .values()
            .filter(|pin| !matches!(pin.direction, Some(PinDirection::Input)));
        if !is_plain || drivers.count() != 1 {
            return None;
        }
        let (output, table) = entry.behaviour.outputs.first_key_value()?;
        let released: BTreeSet<String> = match &data.pins.get(output)?.three_state {
            Some(condition) => {
                let condition = TruthTable::parse(condition).ok()?;
                condition.inputs().iter().cloned().collect()
            }
            None => BTreeSet::new(),
        };
        let mut groups: Vec<Vec<String>> = Vec::new();
        for input in table.inputs() {
            let is_input = data
                .pins
                .get(input)
                .is_some_and(|pin| pin.direction == Some(PinDirection::Input));
            if !is_input || released.contains(input) {
                continue;
            }
            // Changing places is transitive, so one member speaks for its group.
            match groups
                .iter_mut()
                .find(|group| table.is_symmetric(&group[0], input))
            {
                Some(group) => group.push(input.clone()),
                None => groups.push(vec![input.clone()]),
            }
        }
        groups.retain(|group| group.len() > 1);
        Some(groups)
    }
}

/// Splits the threshold flavour off a name.
fn stem_and_flavour<'a>(name: &'a str, options: &'a IndexOptions) -> Option<(&'a str, &'a str)> {
    options
        .threshold_suffixes
        .iter()
        .filter(|suffix| !suffix.is_empty())
        .filter_map(|suffix| Some((name.strip_suffix(suffix.as_str())?, suffix.as_str())))
        .max_by_key(|(_, suffix)| suffix.len())
}

fn matches_any(patterns: &[String], name: &str) -> bool {
    patterns
        .iter()
        .any(|pattern| matches_pattern(pattern, name))
}

/// The pins of a cell that does nothing but pass on or invert its one input.
fn wire(cell: &Cell, behaviour: &Behaviour) -> Option<Wire> {
    if !behaviour.is_known || cell.is_sequential() || cell.pins.len() != 2 {
        return None;
    }
    let (input, _) = cell.pins_of(PinDirection::Input).next()?;
    let (output, data) = cell.pins_of(PinDirection::Output).next()?;
    let table = behaviour.outputs.get(output)?;
    let inverts = table.is_wire(input, true);
    (data.three_state.is_none() && (inverts || table.is_wire(input, false))).then(|| Wire {
        input: input.to_owned(),
        output: output.to_owned(),
        inverts,
    })
}
