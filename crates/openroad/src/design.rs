//! Reports on the design as a whole: power, area, cells, nets that float.

use serde::Serialize;

use crate::lines::{Lines, count, last_words, number, percent};
use crate::units::LogUnit;

/// What `report_power` says.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct PowerReport {
    /// The corner that a line `corner NAME` or `Corner: NAME` before the report announces, as scripts print it; the report
    /// itself names none.
    pub announced_corner: Option<String>,
    /// The unit of its numbers, in watts.
    pub unit: LogUnit,
    /// By group, in the order of the report.
    pub groups: Vec<PowerGroup>,
    /// The sum.
    pub total: PowerGroup,
}

/// A row of a report on power, in the unit of the report. A number that is none is missing.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct PowerGroup {
    /// `Sequential`, `Combinational`, `Clock`, `Macro`, `Pad`, `Total`.
    pub name: String,
    /// Spent inside cells.
    pub internal: Option<f64>,
    /// Spent charging nets.
    pub switching: Option<f64>,
    /// Leakage.
    pub leakage: Option<f64>,
    /// The sum.
    pub total: Option<f64>,
}

impl PowerReport {
    /// The total in watts; none where the unit or the number is not known.
    pub fn total_watts(&self) -> Option<f64> {
        Some(self.total.total? * self.unit.factor?)
    }

    pub(crate) fn read(lines: &mut Lines<'_>) -> Option<Self> {
        let head: Vec<&str> = lines.peek()?.split_ascii_whitespace().collect();
        if head != ["Group", "Internal", "Switching", "Leakage", "Total"] {
            return None;
        }
        let second = lines.look(1)?;
        let (_, unit) = second.rsplit_once('(')?;
        let unit = LogUnit::parse(unit.trim_end_matches(')'), &["Watts", "watts", "W"]);
        lines.skip(2);
        let mut rows = lines.rows(power_row);
        let at = rows.iter().position(|row| row.name == "Total")?;
        let total = rows.remove(at);
        rows.truncate(at);
        Some(Self {
            announced_corner: None,
            unit,
            groups: rows,
            total,
        })
    }
}

fn power_row(line: &str) -> Option<PowerGroup> {
    let (name, [internal, switching, leakage, total, share]) = last_words(line)?;
    if name.is_empty() || !share.ends_with('%') {
        return None;
    }
    Some(PowerGroup {
        name: name.to_owned(),
        internal: number(internal),
        switching: number(switching),
        leakage: number(leakage),
        total: number(total),
    })
}

/// The corner of a line `corner NAME` or `Corner: NAME`.
pub(crate) fn announced_corner(line: &str) -> Option<&str> {
    let name = line
        .strip_prefix("corner ")
        .or_else(|| line.strip_prefix("Corner: "))?
        .trim();
    (!name.is_empty() && !name.contains(char::is_whitespace)).then_some(name)
}

/// What `report_design_area` says. Cells without a function, such as tap cells, are not in it, unlike in
/// [`CellUsage`].
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct DesignArea {
    /// In µm², rounded to a whole number by OpenROAD.
    pub area_um2: f64,
    /// In percent of the core, rounded to a whole number by OpenROAD.
    pub utilization_percent: f64,
}

impl DesignArea {
    pub(crate) fn parse(line: &str) -> Option<Self> {
        let rest = line.strip_prefix("Design area ")?;
        let words: Vec<&str> = rest.split_ascii_whitespace().collect();
        let [area, "u^2" | "um^2", share, "utilization."] = words[..] else {
            return None;
        };
        Some(Self {
            area_um2: number(area)?,
            utilization_percent: percent(share)?,
        })
    }
}

/// What `report_cell_usage` says: every instance, those without a function too.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct CellUsage {
    /// By type, in the order of the report.
    pub types: Vec<CellType>,
    /// The sum.
    pub total: CellType,
}

/// A row of a report on cells.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct CellType {
    /// The type, as printed.
    pub name: String,
    /// How many instances.
    pub count: u64,
    /// Their area in µm².
    pub area_um2: f64,
}

impl CellUsage {
    pub(crate) fn read(lines: &mut Lines<'_>) -> Option<Self> {
        if !lines.peek()?.starts_with("Cell type report:") {
            return None;
        }
        lines.skip(1);
        let mut types = lines.rows(|line| {
            let (name, [number_of, area]) = last_words(line.strip_prefix("  ")?)?;
            Some(CellType {
                name: name.trim().to_owned(),
                count: count(number_of)?,
                area_um2: number(area)?,
            })
        });
        let at = types.iter().position(|row| row.name == "Total")?;
        let total = types.remove(at);
        types.truncate(at);
        Some(Self { types, total })
    }
}

/// A line of `report_floating_nets`, which prints none where nothing floats.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct FloatingReport {
    /// `nets` or `pins`.
    pub of: String,
    /// How many.
    pub count: u64,
}

impl FloatingReport {
    /// Of the text of a message, since its number differs between versions.
    pub(crate) fn parse(line: &str) -> Option<Self> {
        let (_, text) = line.strip_prefix("[WARNING ")?.split_once("] found ")?;
        let (number, of) = text.split_once(" floating ")?;
        let of = of.trim_end_matches('.');
        matches!(of, "nets" | "pins").then_some(())?;
        Some(Self {
            of: of.to_owned(),
            count: count(number)?,
        })
    }
}
