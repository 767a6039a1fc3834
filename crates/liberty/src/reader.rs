//! Turns the events of a file into a [`Library`].

use std::collections::BTreeMap;
use std::path::Path;

use crate::library::{Cell, Library, Pin, PinDirection, ScanRole, Storage, StorageKind, Supply};
use crate::syntax::{Arguments, Event, Fault, Scanner, Value};
use crate::table::{self, Template, Templates};
use crate::{Error, Problem};

/// No real bus is wider; a wider one would only fill the memory.
const MAX_BUS_BITS: u64 = 1 << 16;

/// Liberty's time unit where a library states none.
const DEFAULT_TIME_UNIT_PS: f64 = 1000.0;

impl Library {
    /// Reads the text of a library. `path` is only named in errors.
    ///
    /// # Errors
    /// [`Error::Text`] with the line, when the text is not one whole library.
    pub fn parse(bytes: &[u8], path: &Path) -> Result<Self, Error> {
        Reader::new(bytes).file().map_err(|fault| Error::Text {
            path: path.to_owned(),
            line: Scanner::line(bytes, fault.offset),
            problem: fault.problem,
        })
    }
}

struct Reader<'a> {
    scanner: Scanner<'a>,
    library: Library,
    leakage_unit_w: Option<f64>,
    bit_style: BitStyle,
    buses: BusTypes,
    templates: Templates,
}

/// The first and last bit of each bus type.
type BusTypes = BTreeMap<String, (i64, i64)>;

/// How the bit of a bus is written, from `bus_naming_style`.
struct BitStyle {
    open: String,
    close: String,
}

impl BitStyle {
    fn new(style: &str) -> Self {
        let (open, close) = style
            .strip_prefix("%s")
            .and_then(|rest| rest.split_once("%d"))
            .unwrap_or(("[", "]"));
        Self {
            open: open.to_owned(),
            close: close.to_owned(),
        }
    }

    fn bit(&self, name: &str, bit: i64) -> String {
        format!("{name}{}{bit}{}", self.open, self.close)
    }

    /// The pins that `text` names: one, or all of a range such as `A[3:0]`.
    fn expand(&self, text: &str) -> Result<Vec<String>, Problem> {
        let range = text
            .strip_suffix(self.close.as_str())
            .filter(|_| !self.open.is_empty())
            .and_then(|text| text.rsplit_once(self.open.as_str()))
            .and_then(|(name, range)| {
                let (from, to) = range.split_once(':')?;
                Some((name, from.trim().parse().ok()?, to.trim().parse().ok()?))
            });
        match range {
            None => Ok(vec![text.to_owned()]),
            Some((name, from, to)) => self.bits(name, from, to),
        }
    }

    fn bits(&self, name: &str, from: i64, to: i64) -> Result<Vec<String>, Problem> {
        if from.abs_diff(to) >= MAX_BUS_BITS {
            return Err(Problem::WideBus {
                name: name.to_owned(),
                limit: MAX_BUS_BITS,
            });
        }
        Ok((from.min(to)..=from.max(to))
            .map(|bit| self.bit(name, bit))
            .collect())
    }
}

impl<'a> Reader<'a> {
    fn new(bytes: &'a [u8]) -> Self {
        Self {
            scanner: Scanner::new(bytes),
            library: Library::default(),
            leakage_unit_w: None,
            bit_style: BitStyle::new("%s[%d]"),
            buses: BusTypes::new(),
            templates: Templates::new(),
        }
    }

    fn file(mut self) -> Result<Library, Fault> {
        match self.scanner.next()? {
            Event::Open(b"library", arguments) => {
                self.library.name = self.first(arguments, "library")?;
            }
            _ => return Err(self.scanner.fault(Problem::NoLibrary)),
        }
        self.library_group()?;
        match self.scanner.next()? {
            Event::End => {}
            _ => return Err(self.scanner.fault(Problem::TextAfterLibrary)),
        }
        self.convert_units();
        Ok(self.library)
    }

    fn library_group(&mut self) -> Result<(), Fault> {
        loop {
            match self.scanner.next()? {
                Event::Open(b"cell", arguments) => {
                    let name = self.first(arguments, "cell")?;
                    if self.library.cells.contains_key(&name) {
                        return Err(self.scanner.fault(Problem::DuplicateCell(name)));
                    }
                    let cell = self.cell()?;
                    self.library.cells.insert(name, cell);
                }
                Event::Open(b"wire_load", arguments) => {
                    let name = self.first(arguments, "wire_load")?;
                    self.library.wire_loads.push(name);
                    self.scanner.skip_group()?;
                }
                Event::Open(b"type", arguments) => {
                    let name = self.first(arguments, "type")?;
                    let bits = self.bus_type()?;
                    self.buses.extend(bits.map(|bits| (name, bits)));
                }
                Event::Open(b"lu_table_template", arguments) => {
                    let template = Template::read(&mut self.scanner)?;
                    self.templates
                        .insert(table::template_name(arguments), template);
                }
                Event::Open(..) => self.scanner.skip_group()?,
                Event::Simple(name, value) => self.library_attribute(name, value)?,
                Event::Complex(b"capacitive_load_unit", arguments) => {
                    self.library.capacitance_unit_f = Some(self.capacitance_unit(arguments)?);
                }
                Event::Complex(b"include_file", _) => {
                    return Err(self.scanner.fault(Problem::Include));
                }
                Event::Complex(..) => {}
                Event::Close | Event::End => return Ok(()),
            }
        }
    }

    fn library_attribute(&mut self, name: &[u8], value: Value<'_>) -> Result<(), Fault> {
        match name {
            b"time_unit" => {
                self.library.time_unit_ps = Some(self.unit(name, value, "s", 12)?);
            }
            b"leakage_power_unit" => {
                self.leakage_unit_w = Some(self.unit(name, value, "W", 0)?);
            }
            b"nom_process" => self.library.nominal_process = self.number(name, value)?,
            b"nom_voltage" => self.library.nominal_voltage = self.number(name, value)?,
            b"nom_temperature" => self.library.nominal_temperature = self.number(name, value)?,
            b"default_max_transition" => {
                self.library.default_max_transition_ps = self.number(name, value)?;
            }
            b"default_max_capacitance" => {
                self.library.default_max_capacitance_f = self.number(name, value)?;
            }
            b"default_max_fanout" => self.library.default_max_fanout = self.number(name, value)?,
            b"default_fanout_load" => {
                self.library.default_fanout_load = self.number(name, value)?;
            }
            b"default_input_pin_cap" => {
                self.library.default_input_capacitance_f = self.number(name, value)?;
            }
            b"default_output_pin_cap" => {
                self.library.default_output_capacitance_f = self.number(name, value)?;
            }
            b"default_inout_pin_cap" => {
                self.library.default_inout_capacitance_f = self.number(name, value)?;
            }
            b"default_wire_load" => self.library.default_wire_load = text(value),
            b"bus_naming_style" => self.bit_style = BitStyle::new(&value.text()),
            _ => {}
        }
        Ok(())
    }

    fn bus_type(&mut self) -> Result<Option<(i64, i64)>, Fault> {
        let (mut from, mut to) = (None, None);
        loop {
            match self.scanner.next()? {
                Event::Simple(b"bit_from", value) => from = value.text().trim().parse().ok(),
                Event::Simple(b"bit_to", value) => to = value.text().trim().parse().ok(),
                Event::Open(..) => self.scanner.skip_group()?,
                Event::Close | Event::End => return Ok(from.zip(to)),
                Event::Simple(..) | Event::Complex(..) => {}
            }
        }
    }

    fn cell(&mut self) -> Result<Cell, Fault> {
        let mut cell = Cell::default();
        let mut scan = BTreeMap::new();
        // Bus types declared within a cell are seen by that cell alone.
        let outer_buses = self.buses.clone();
        loop {
            match self.scanner.next()? {
                Event::Open(b"pin", arguments) => {
                    let names = self.pin_names(arguments)?;
                    // A pin may be described in more than one group.
                    let known = names.first().and_then(|name| cell.pins.get(name)).cloned();
                    let pin = self.pin(known.unwrap_or_default())?;
                    cell.pins
                        .extend(names.into_iter().map(|name| (name, pin.clone())));
                }
                Event::Open(b"bus" | b"bundle", arguments) => {
                    let name = self.first(arguments, "bus")?;
                    self.bus(&name, &mut cell)?;
                }
                Event::Open(b"pg_pin", arguments) => {
                    let name = self.first(arguments, "pg_pin")?;
                    let supply = self.supply()?;
                    cell.supplies.insert(name, supply);
                }
                Event::Open(b"type", arguments) => {
                    let name = self.first(arguments, "type")?;
                    let bits = self.bus_type()?;
                    self.buses.extend(bits.map(|bits| (name, bits)));
                }
                Event::Open(b"test_cell", _) => self.test_cell(&mut scan)?,
                Event::Open(name, arguments) => match storage_kind(name) {
                    Some(kind) => cell.storage.push(self.storage(kind, arguments)?),
                    None => self.scanner.skip_group()?,
                },
                Event::Simple(name, value) => self.cell_attribute(&mut cell, name, value)?,
                Event::Complex(..) => {}
                Event::Close | Event::End => break,
            }
        }
        self.buses = outer_buses;
        for (name, role) in scan {
            if let Some(pin) = cell.pins.get_mut(&name) {
                pin.scan = Some(role);
            }
        }
        Ok(cell)
    }

    /// Reads a `test_cell` group, which describes the cell without its scan chain, for what its pins are in
    /// the chain.
    fn test_cell(&mut self, scan: &mut BTreeMap<String, ScanRole>) -> Result<(), Fault> {
        loop {
            match self.scanner.next()? {
                Event::Open(b"pin" | b"bus" | b"bundle", arguments) => {
                    let names = self.pin_names(arguments)?;
                    let pin = self.pin(Pin::default())?;
                    // An output of the normal function shifts out as well in most libraries.
                    let serves_both = pin.scan == Some(ScanRole::Output) && pin.function.is_some();
                    if let Some(role) = pin.scan.filter(|_| !serves_both) {
                        scan.extend(names.into_iter().map(|name| (name, role)));
                    }
                }
                Event::Open(..) => self.scanner.skip_group()?,
                Event::Simple(..) | Event::Complex(..) => {}
                Event::Close | Event::End => return Ok(()),
            }
        }
    }

    fn cell_attribute(&self, cell: &mut Cell, name: &[u8], value: Value<'_>) -> Result<(), Fault> {
        match name {
            b"area" => cell.area = self.number(name, value)?,
            b"cell_footprint" | b"footprint" => cell.footprint = text(value),
            b"dont_use" => cell.dont_use = self.boolean(name, value)?,
            b"dont_touch" => cell.dont_touch = self.boolean(name, value)?,
            b"cell_leakage_power" => cell.leakage_w = self.number(name, value)?,
            b"is_macro_cell" => cell.is_macro = self.boolean(name, value)?,
            b"pad_cell" => cell.is_pad = self.boolean(name, value)?,
            b"is_level_shifter" => cell.is_level_shifter = self.boolean(name, value)?,
            b"is_isolation_cell" => cell.is_isolation_cell = self.boolean(name, value)?,
            b"always_on" => cell.is_always_on = self.boolean(name, value)?,
            b"clock_gating_integrated_cell" => cell.clock_gate = text(value),
            _ => {}
        }
        Ok(())
    }

    fn storage(&mut self, kind: StorageKind, arguments: Arguments<'_>) -> Result<Storage, Fault> {
        let mut storage = Storage {
            kind,
            variables: arguments.texts().map(|name| name.into_owned()).collect(),
            attributes: BTreeMap::new(),
        };
        loop {
            match self.scanner.next()? {
                Event::Simple(name, value) => {
                    storage.attributes.insert(
                        String::from_utf8_lossy(name).into_owned(),
                        value.text().into_owned(),
                    );
                }
                Event::Open(..) => self.scanner.skip_group()?,
                Event::Complex(..) => {}
                Event::Close | Event::End => return Ok(storage),
            }
        }
    }

    fn supply(&mut self) -> Result<Supply, Fault> {
        let mut supply = Supply::default();
        loop {
            match self.scanner.next()? {
                Event::Simple(b"voltage_name", value) => supply.voltage_name = text(value),
                Event::Simple(b"pg_type", value) => supply.kind = text(value),
                Event::Open(..) => self.scanner.skip_group()?,
                Event::Simple(..) | Event::Complex(..) => {}
                Event::Close | Event::End => return Ok(supply),
            }
        }
    }

    /// A `bus` or `bundle`: its attributes hold for every member, and a member may add its own.
    fn bus(&mut self, name: &str, cell: &mut Cell) -> Result<(), Fault> {
        let mut shared = Pin::default();
        let mut members = Vec::new();
        let mut described: BTreeMap<String, Pin> = BTreeMap::new();
        loop {
            match self.scanner.next()? {
                Event::Open(b"pin", arguments) => {
                    let names = self.pin_names(arguments)?;
                    let pin = self.pin(shared.clone())?;
                    described.extend(names.into_iter().map(|name| (name, pin.clone())));
                }
                Event::Open(b"timing", _) => self.timing(&mut shared)?,
                Event::Open(..) => self.scanner.skip_group()?,
                Event::Simple(b"bus_type", value) => {
                    if let Some((from, to)) = self.buses.get(value.text().as_ref()).copied() {
                        members = self
                            .bit_style
                            .bits(name, from, to)
                            .map_err(|problem| self.scanner.fault(problem))?;
                    }
                }
                Event::Complex(b"members", arguments) => members = self.pin_names(arguments)?,
                Event::Simple(name, value) => self.pin_attribute(&mut shared, name, value)?,
                Event::Complex(..) => {}
                Event::Close | Event::End => break,
            }
        }
        if members.is_empty() && described.is_empty() {
            members.push(name.to_owned());
        }
        for member in members {
            described.entry(member).or_insert_with(|| shared.clone());
        }
        cell.pins.extend(described);
        Ok(())
    }

    fn pin(&mut self, mut pin: Pin) -> Result<Pin, Fault> {
        loop {
            match self.scanner.next()? {
                Event::Simple(name, value) => self.pin_attribute(&mut pin, name, value)?,
                Event::Open(b"timing", _) => self.timing(&mut pin)?,
                Event::Open(..) => self.scanner.skip_group()?,
                Event::Complex(..) => {}
                Event::Close | Event::End => return Ok(pin),
            }
        }
    }

    fn pin_attribute(&self, pin: &mut Pin, name: &[u8], value: Value<'_>) -> Result<(), Fault> {
        match name {
            b"direction" => {
                pin.direction = match value.text().as_ref() {
                    "input" => Some(PinDirection::Input),
                    "output" => Some(PinDirection::Output),
                    "inout" => Some(PinDirection::Inout),
                    "internal" => Some(PinDirection::Internal),
                    _ => None,
                };
            }
            b"capacitance" => pin.capacitance_f = self.number(name, value)?,
            b"max_capacitance" => pin.max_capacitance_f = self.number(name, value)?,
            b"max_fanout" => pin.max_fanout = self.number(name, value)?,
            b"fanout_load" => pin.fanout_load = self.number(name, value)?,
            b"max_transition" => pin.max_transition_ps = self.number(name, value)?,
            b"function" => pin.function = text(value),
            b"three_state" => pin.three_state = text(value),
            b"state_function" => pin.state_function = text(value),
            b"internal_node" => pin.internal_node = text(value),
            b"clock" => pin.is_clock = self.boolean(name, value)?,
            b"nextstate_type" | b"signal_type" => {
                pin.scan = scan_role(&value.text()).or(pin.scan);
            }
            _ => {}
        }
        Ok(())
    }

    /// Reads a `timing` group for the drive resistance alone.
    fn timing(&mut self, pin: &mut Pin) -> Result<(), Fault> {
        loop {
            match self.scanner.next()? {
                Event::Open(b"cell_rise" | b"cell_fall", arguments) => {
                    let template = self.templates.get(&table::template_name(arguments));
                    let slope = table::slope(&mut self.scanner, template)?;
                    if let Some(slope) = slope.filter(|slope| *slope > 0.0) {
                        let steepest = pin.drive_resistance_ohm.unwrap_or(slope);
                        pin.drive_resistance_ohm = Some(steepest.max(slope));
                    }
                }
                Event::Open(..) => self.scanner.skip_group()?,
                Event::Simple(..) | Event::Complex(..) => {}
                Event::Close | Event::End => return Ok(()),
            }
        }
    }

    fn first(&self, arguments: Arguments<'_>, group: &'static str) -> Result<String, Fault> {
        arguments
            .first()
            .filter(|name| !name.is_empty())
            .map(|name| name.into_owned())
            .ok_or_else(|| self.scanner.fault(Problem::NoName(group)))
    }

    fn pin_names(&self, arguments: Arguments<'_>) -> Result<Vec<String>, Fault> {
        let mut names = Vec::new();
        for text in arguments.texts() {
            let expanded = self.bit_style.expand(&text);
            names.extend(expanded.map_err(|problem| self.scanner.fault(problem))?);
        }
        if names.is_empty() {
            return Err(self.scanner.fault(Problem::NoName("pin")));
        }
        Ok(names)
    }

    fn number(&self, name: &[u8], value: Value<'_>) -> Result<Option<f64>, Fault> {
        let text = value.text();
        match text.trim().parse::<f64>() {
            Ok(number) if number.is_finite() => Ok(Some(number)),
            _ => Err(self.scanner.fault(Problem::Number {
                attribute: String::from_utf8_lossy(name).into_owned(),
                text: text.into_owned(),
            })),
        }
    }

    fn boolean(&self, name: &[u8], value: Value<'_>) -> Result<bool, Fault> {
        let text = value.text();
        match text.trim().to_ascii_lowercase().as_str() {
            "true" | "1" => Ok(true),
            "false" | "0" => Ok(false),
            _ => Err(self.scanner.fault(Problem::Boolean {
                attribute: String::from_utf8_lossy(name).into_owned(),
                text: text.into_owned(),
            })),
        }
    }

    /// A unit such as `100ps` or `1nW`, in the unit `base` divided by ten to the `scale`.
    fn unit(&self, name: &[u8], value: Value<'_>, base: &str, scale: i32) -> Result<f64, Fault> {
        let text = value.text();
        unit_of(&text, base, scale).ok_or_else(|| {
            self.scanner.fault(Problem::Unit {
                attribute: String::from_utf8_lossy(name).into_owned(),
                text: text.into_owned(),
            })
        })
    }

    fn capacitance_unit(&self, arguments: Arguments<'_>) -> Result<f64, Fault> {
        let text: String = arguments.texts().collect();
        unit_of(&text, "F", 0).ok_or_else(|| {
            self.scanner.fault(Problem::Unit {
                attribute: "capacitive_load_unit".to_owned(),
                text,
            })
        })
    }

    /// Turns the library's units into farads, picoseconds, watts and ohms, once all units are known.
    fn convert_units(&mut self) {
        let library = &mut self.library;
        let time = library.time_unit_ps.unwrap_or(DEFAULT_TIME_UNIT_PS);
        let capacitance = library.capacitance_unit_f;
        scale(&mut library.default_max_transition_ps, Some(time));
        for value in [
            &mut library.default_max_capacitance_f,
            &mut library.default_input_capacitance_f,
            &mut library.default_output_capacitance_f,
            &mut library.default_inout_capacitance_f,
        ] {
            scale(value, capacitance);
        }
        for cell in library.cells.values_mut() {
            scale(&mut cell.leakage_w, self.leakage_unit_w);
            for pin in cell.pins.values_mut() {
                scale(&mut pin.capacitance_f, capacitance);
                scale(&mut pin.max_capacitance_f, capacitance);
                scale(&mut pin.max_transition_ps, Some(time));
                let resistance = capacitance.map(|farads| time * 1e-12 / farads);
                scale(&mut pin.drive_resistance_ohm, resistance);
            }
        }
    }
}

/// Multiplies by a unit. Without a unit the value is unknown.
fn scale(value: &mut Option<f64>, unit: Option<f64>) {
    *value = value
        .zip(unit)
        .map(|(value, unit)| value * unit)
        .filter(|value| value.is_finite());
}

fn text(value: Value<'_>) -> Option<String> {
    let text = value.text();
    let text = text.trim();
    (!text.is_empty()).then(|| text.to_owned())
}

/// What `signal_type` or `nextstate_type` says of a scan chain; `None` for what is no part of one.
fn scan_role(text: &str) -> Option<ScanRole> {
    Some(match text.trim() {
        "scan_in" | "test_scan_in" | "test_scan_in_inverted" => ScanRole::Input,
        "scan_enable" | "test_scan_enable" | "test_scan_enable_inverted" => ScanRole::Enable,
        "test_scan_clock" | "test_scan_clock_a" | "test_scan_clock_b" => ScanRole::Clock,
        "test_scan_out" | "test_scan_out_inverted" => ScanRole::Output,
        _ => return None,
    })
}

fn storage_kind(group: &[u8]) -> Option<StorageKind> {
    Some(match group {
        b"ff" => StorageKind::FlipFlop,
        b"ff_bank" => StorageKind::FlipFlopBank,
        b"latch" => StorageKind::Latch,
        b"latch_bank" => StorageKind::LatchBank,
        b"statetable" => StorageKind::StateTable,
        b"memory" => StorageKind::Memory,
        _ => return None,
    })
}

/// A number followed by an SI prefix and `base`, in any case: `1ns`, `10.0fF`. A missing number is 1.
/// The result is in `base` divided by ten to the `scale`. Exponents (`1e3pF`) are not unit notation.
fn unit_of(text: &str, base: &str, scale: i32) -> Option<f64> {
    let text = text.trim();
    let split = text
        .find(|character: char| !matches!(character, '0'..='9' | '.' | '+' | '-'))
        .unwrap_or(text.len());
    let (number, symbol) = text.split_at(split);
    let number = match number {
        "" => 1.0,
        number => number.parse::<f64>().ok().filter(|number| *number > 0.0)?,
    };
    let symbol = symbol.trim().to_ascii_lowercase();
    let prefix = symbol.strip_suffix(&base.to_ascii_lowercase())?;
    let exponent = match prefix {
        "" => 0,
        "m" => -3,
        "u" => -6,
        "n" => -9,
        "p" => -12,
        "f" => -15,
        "a" => -18,
        _ => return None,
    };
    // Read as one decimal, so that 1 ns is exactly 1000 ps.
    format!("{number}e{}", exponent + scale).parse().ok()
}

#[cfg(test)]
mod tests {
    use super::unit_of;

    #[test]
    fn units() {
        for (text, base, scale, expected) in [
            ("1ns", "s", 12, Some(1000.0)),
            ("10ps", "s", 12, Some(10.0)),
            ("1.0000000000pf", "F", 0, Some(1e-12)),
            ("1ff", "F", 0, Some(1e-15)),
            ("1nW", "W", 0, Some(1e-9)),
            ("s", "s", 0, Some(1.0)),
            ("0ns", "s", 12, None),
            ("-1ns", "s", 12, None),
            ("1xs", "s", 12, None),
            ("1", "s", 12, None),
            ("", "s", 12, None),
        ] {
            assert_eq!(unit_of(text, base, scale), expected, "{text:?}");
        }
    }
}
