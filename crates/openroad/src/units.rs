//! Units: what `report_units` says, and what that makes of numbers in a log.

use serde::Serialize;

use crate::lines::{Lines, number};

/// A unit of a log: how much of the SI unit one of its numbers is.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct LogUnit {
    /// As printed, such as `1ns`.
    pub text: String,
    /// How many seconds, farads, ohms, volts, amperes, watts or metres a 1 stands for; none where the unit is not known.
    pub factor: Option<f64>,
}

impl LogUnit {
    /// The unit that a text such as `1ns`, `1fF` or `(mWatts)` names, of a quantity whose own symbols are `symbols`.
    pub(crate) fn parse(text: &str, symbols: &[&str]) -> Self {
        Self {
            text: text.to_owned(),
            factor: factor(text, symbols),
        }
    }
}

fn factor(text: &str, symbols: &[&str]) -> Option<f64> {
    let split = text
        .find(|letter: char| letter.is_ascii_alphabetic())
        .unwrap_or(text.len());
    let (amount, unit) = text.split_at(split);
    let amount = match amount.trim() {
        "" => 1.0,
        amount => number(amount)?,
    };
    let prefix = symbols
        .iter()
        .find_map(|symbol| unit.strip_suffix(symbol))?;
    let scale = match prefix {
        "" => 1.0,
        "f" => 1e-15,
        "p" => 1e-12,
        "n" => 1e-9,
        "u" => 1e-6,
        "m" => 1e-3,
        "k" | "K" => 1e3,
        "M" => 1e6,
        _ => return None,
    };
    Some(amount * scale)
}

/// What `report_units` says.
#[derive(Clone, PartialEq, Debug, Default, Serialize)]
pub struct Units {
    /// Of time, in seconds.
    pub time: Option<LogUnit>,
    /// Of capacitance, in farads.
    pub capacitance: Option<LogUnit>,
    /// Of resistance, in ohms.
    pub resistance: Option<LogUnit>,
    /// Of voltage, in volts.
    pub voltage: Option<LogUnit>,
    /// Of current, in amperes.
    pub current: Option<LogUnit>,
    /// Of power, in watts.
    pub power: Option<LogUnit>,
    /// Of distance, in metres.
    pub distance: Option<LogUnit>,
}

impl Units {
    /// How many picoseconds a time of 1 in the log is; none where it does not tell.
    pub fn picoseconds(&self) -> Option<f64> {
        // Times in ps and ns come out exactly.
        let seconds = self.time.as_ref()?.factor?;
        Some((seconds * 1e15).round() / 1e3)
    }

    pub(crate) fn read(lines: &mut Lines<'_>) -> Option<Self> {
        // The first line is what tells that it is this report.
        if !lines.peek()?.starts_with(" time ") {
            return None;
        }
        let mut units = Self::default();
        lines.rows(|line| {
            let mut words = line.strip_prefix(' ')?.split(' ');
            let (name, text) = (words.next()?, words.next()?);
            if words.next().is_some() {
                return None;
            }
            let (slot, symbols): (_, &[&str]) = match name {
                "time" => (&mut units.time, &["s"]),
                "capacitance" => (&mut units.capacitance, &["F"]),
                "resistance" => (&mut units.resistance, &["ohm"]),
                "voltage" => (&mut units.voltage, &["v", "V"]),
                "current" => (&mut units.current, &["A"]),
                "power" => (&mut units.power, &["W"]),
                "distance" => (&mut units.distance, &["m"]),
                _ => return None,
            };
            *slot = Some(LogUnit::parse(text, symbols));
            Some(())
        });
        units.time.as_ref()?;
        Some(units)
    }
}
