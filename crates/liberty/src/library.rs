//! The summary of a library: what it states of each cell and pin, in the units used everywhere inside.
//!
//! A field that the library does not state is `None`, never 0. The library's defaults stay apart from
//! the pins' own values; the methods of [`Library`] apply them where Liberty says so.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// One Liberty library without its tables.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Library {
    /// The name in the `library` group.
    pub name: String,
    /// `time_unit` in picoseconds. Where it is absent, Liberty's default of 1 ns was applied to times.
    pub time_unit_ps: Option<f64>,
    /// `capacitive_load_unit` in farads. Liberty has no default: where it is absent, no capacitance is known.
    pub capacitance_unit_f: Option<f64>,
    /// `nom_process`.
    pub nominal_process: Option<f64>,
    /// `nom_voltage` in volts.
    pub nominal_voltage: Option<f64>,
    /// `nom_temperature` in degrees Celsius.
    pub nominal_temperature: Option<f64>,
    /// `default_max_transition` in picoseconds.
    pub default_max_transition_ps: Option<f64>,
    /// `default_max_capacitance` in farads.
    pub default_max_capacitance_f: Option<f64>,
    /// `default_max_fanout`.
    pub default_max_fanout: Option<f64>,
    /// `default_fanout_load`.
    pub default_fanout_load: Option<f64>,
    /// `default_input_pin_cap` in farads.
    pub default_input_capacitance_f: Option<f64>,
    /// `default_output_pin_cap` in farads.
    pub default_output_capacitance_f: Option<f64>,
    /// `default_inout_pin_cap` in farads.
    pub default_inout_capacitance_f: Option<f64>,
    /// The names of the wire load models, in the order of the file.
    pub wire_loads: Vec<String>,
    /// `default_wire_load`.
    pub default_wire_load: Option<String>,
    /// The cells by name.
    pub cells: BTreeMap<String, Cell>,
}

/// One cell.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Cell {
    /// Area in the library's unit, which for standard cells is µm².
    pub area: Option<f64>,
    /// `cell_footprint` (or its old name `footprint`): cells that share it may stand in for one another.
    pub footprint: Option<String>,
    /// Whether tools must not choose the cell by themselves.
    pub dont_use: bool,
    /// Whether tools must leave instances of the cell alone.
    pub dont_touch: bool,
    /// `cell_leakage_power` in watts.
    pub leakage_w: Option<f64>,
    /// `is_macro_cell`.
    pub is_macro: bool,
    /// `pad_cell`.
    pub is_pad: bool,
    /// `is_level_shifter`.
    pub is_level_shifter: bool,
    /// `is_isolation_cell`.
    pub is_isolation_cell: bool,
    /// `always_on`: powered by a supply that stays when others are switched off.
    pub is_always_on: bool,
    /// `clock_gating_integrated_cell`.
    pub clock_gate: Option<String>,
    /// What holds state in the cell, in the order of the file.
    pub storage: Vec<Storage>,
    /// The signal pins by name. The bits of a bus are pins of their own.
    pub pins: BTreeMap<String, Pin>,
    /// The supply pins by name.
    pub supplies: BTreeMap<String, Supply>,
}

impl Cell {
    /// Whether the cell holds state: flip-flops, latches, state tables, memories, clock gates.
    pub fn is_sequential(&self) -> bool {
        !self.storage.is_empty() || self.clock_gate.is_some()
    }

    /// The pins of one direction, by name.
    pub fn pins_of(&self, direction: PinDirection) -> impl Iterator<Item = (&str, &Pin)> {
        self.pins
            .iter()
            .filter(move |(_, pin)| pin.direction == Some(direction))
            .map(|(name, pin)| (name.as_str(), pin))
    }
}

/// The kind of a group that holds state.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StorageKind {
    /// `ff`
    FlipFlop,
    /// `ff_bank`
    FlipFlopBank,
    /// `latch`
    Latch,
    /// `latch_bank`
    LatchBank,
    /// `statetable`
    StateTable,
    /// `memory`
    Memory,
}

/// A group that holds state.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Storage {
    /// Its kind.
    pub kind: StorageKind,
    /// Its arguments: the names of the state and of its inverse, or a table's inputs and nodes.
    pub variables: Vec<String>,
    /// Its attributes as written, such as `next_state`, `clocked_on`, `clear`, `table`.
    pub attributes: BTreeMap<String, String>,
}

/// A supply pin.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Supply {
    /// `voltage_name`.
    pub voltage_name: Option<String>,
    /// `pg_type`, such as `primary_power`.
    pub kind: Option<String>,
}

/// The direction of a signal pin.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PinDirection {
    /// It is driven from outside.
    Input,
    /// It drives.
    Output,
    /// Either.
    Inout,
    /// It does not leave the cell.
    Internal,
}

/// What a pin is for in a scan chain.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ScanRole {
    /// It takes what is shifted in.
    Input,
    /// It tells whether the cell shifts.
    Enable,
    /// It clocks the shifting alone.
    Clock,
    /// It gives what is shifted out, and is no output of the cell's normal function.
    Output,
}

/// One signal pin.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Pin {
    /// The direction; absent where the library states none that Liberty knows.
    pub direction: Option<PinDirection>,
    /// `capacitance` in farads.
    pub capacitance_f: Option<f64>,
    /// `max_capacitance` in farads.
    pub max_capacitance_f: Option<f64>,
    /// `max_fanout`.
    pub max_fanout: Option<f64>,
    /// `fanout_load`.
    pub fanout_load: Option<f64>,
    /// `max_transition` in picoseconds.
    pub max_transition_ps: Option<f64>,
    /// `function` as written.
    pub function: Option<String>,
    /// `three_state` as written: the condition under which the pin does not drive.
    pub three_state: Option<String>,
    /// `state_function` as written.
    pub state_function: Option<String>,
    /// `internal_node` as written: the node of the state table that the pin shows.
    pub internal_node: Option<String>,
    /// `clock`.
    pub is_clock: bool,
    /// What the pin is for in a scan chain, by `nextstate_type`, or by `signal_type` of the pin itself or of
    /// the cell's `test_cell`.
    pub scan: Option<ScanRole>,
    /// Ohms: how steeply the delay grows with the load, from the least to the greatest load of the
    /// table and at its middle input transition; the steepest of all arcs and both edges.
    pub drive_resistance_ohm: Option<f64>,
}

impl Pin {
    fn drives(&self) -> bool {
        matches!(
            self.direction,
            Some(PinDirection::Output | PinDirection::Inout)
        )
    }

    fn loads(&self) -> bool {
        matches!(
            self.direction,
            Some(PinDirection::Input | PinDirection::Inout)
        )
    }
}

impl Library {
    /// The greatest load that a pin may drive, in farads; the library's default holds for outputs.
    pub fn max_capacitance_f(&self, pin: &Pin) -> Option<f64> {
        pin.max_capacitance_f
            .or(self.default_max_capacitance_f.filter(|_| pin.drives()))
    }

    /// The greatest sum of fanout loads that a pin may drive; the library's default holds for outputs.
    pub fn max_fanout(&self, pin: &Pin) -> Option<f64> {
        pin.max_fanout
            .or(self.default_max_fanout.filter(|_| pin.drives()))
    }

    /// The fanout load that a pin is to its driver; the library's default holds for inputs.
    pub fn fanout_load(&self, pin: &Pin) -> Option<f64> {
        pin.fanout_load
            .or(self.default_fanout_load.filter(|_| pin.loads()))
    }

    /// The slowest transition allowed at a pin, in picoseconds; the library's default holds for
    /// outputs, as in OpenSTA.
    pub fn max_transition_ps(&self, pin: &Pin) -> Option<f64> {
        pin.max_transition_ps
            .or(self.default_max_transition_ps.filter(|_| pin.drives()))
    }

    /// The capacitance of a pin in farads; the library's default for its direction where it has none.
    pub fn capacitance_f(&self, pin: &Pin) -> Option<f64> {
        pin.capacitance_f.or(match pin.direction? {
            PinDirection::Input => self.default_input_capacitance_f,
            PinDirection::Output => self.default_output_capacitance_f,
            PinDirection::Inout => self.default_inout_capacitance_f,
            PinDirection::Internal => None,
        })
    }
}
