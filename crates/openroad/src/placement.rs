//! What global and detailed placement print: density, overflow, wire length, displacement, checks that failed.

use serde::Serialize;

use crate::lines::{Lines, count, number};
use crate::messages::Code;

/// A run of global placement, from its first message to the end of its last iteration.
#[derive(Clone, PartialEq, Debug, Default, Serialize)]
pub struct GlobalPlacement {
    /// Database units in a micrometre.
    pub dbu: Option<f64>,
    /// Instances that it places.
    pub instances: Option<u64>,
    /// Area of the core in µm².
    pub core_area_um2: Option<f64>,
    /// Area of what it places in µm², with padding.
    pub instance_area_um2: Option<f64>,
    /// Utilisation in percent, padding included.
    pub utilization_percent: Option<f64>,
    /// The density that it aims at.
    pub target_density: Option<f64>,
    /// The number of the last iteration that it printed.
    pub last_iteration: Option<u64>,
    /// Overflow at that iteration.
    pub last_overflow: Option<f64>,
    /// Half-perimeter wire length at that iteration in µm; none where it is in database units and those are not told.
    pub hpwl_um: Option<f64>,
    /// Overflow with which it finished; none where it did not say that it had.
    pub final_overflow: Option<f64>,
}

impl GlobalPlacement {
    /// Takes a message of global placement; whether it did. Names changed between versions.
    pub(crate) fn take_message(&mut self, code: Code<'_>, text: &str) -> bool {
        if code.tool() != "GPL" {
            return false;
        }
        if text.starts_with("Global placement finished at iteration") {
            self.final_overflow = self.last_overflow;
            return true;
        }
        let Some((name, value)) = text.split_once(':') else {
            return false;
        };
        let value = value.trim();
        let first = value.split(' ').next().and_then(number);
        let slot = match name.trim() {
            "DBU" => &mut self.dbu,
            "CoreArea" | "Core area" => &mut self.core_area_um2,
            "PlaceInstsArea" | "Movable instances area" => &mut self.instance_area_um2,
            "Util" | "Utilization" => &mut self.utilization_percent,
            "TargetDensity" | "Placement target density" => &mut self.target_density,
            "NumPlaceInstances" | "Movable instances" => {
                self.instances = count(value);
                return true;
            }
            _ => return false,
        };
        *slot = first;
        true
    }

    /// Takes a line of progress; whether it was one: `[NesterovSolve] Iter: 10 overflow: 0.536 HPWL: 12578610`, in later
    /// versions a row of a table with `|` between overflow and wire length in µm.
    pub(crate) fn take_progress(&mut self, line: &str) -> bool {
        let Some(rest) = line.strip_prefix("[NesterovSolve]") else {
            return self.take_row(line).is_some();
        };
        let rest = rest.trim();
        if let Some(overflow) = rest.strip_prefix("Finished with Overflow:") {
            self.final_overflow = number(overflow.trim());
            return true;
        }
        let after = |words: &str| {
            let (_, rest) = rest.split_once(words)?;
            rest.split_ascii_whitespace().next()
        };
        let Some(iteration) = after("Iter:").and_then(count) else {
            return false;
        };
        let hpwl = after("HPWL:").and_then(number);
        let dbu = self.dbu.filter(|dbu| *dbu > 0.0);
        self.last_iteration = Some(iteration);
        self.last_overflow = after("overflow:").and_then(number);
        self.hpwl_um = hpwl.zip(dbu).map(|(hpwl, dbu)| hpwl / dbu);
        true
    }

    fn take_row(&mut self, line: &str) -> Option<()> {
        let cells: Vec<&str> = line.split('|').map(str::trim).collect();
        let [iteration, overflow, hpwl, _, _, _] = cells[..] else {
            return None;
        };
        let (iteration, overflow) = (count(iteration)?, number(overflow)?);
        self.hpwl_um = Some(number(hpwl)?);
        self.last_iteration = Some(iteration);
        self.last_overflow = Some(overflow);
        Some(())
    }

    /// Whether a line is the head of the table of its progress.
    pub(crate) fn is_head(line: &str) -> bool {
        let cells = line.split('|').map(str::trim);
        cells.take(3).eq(["Iteration", "Overflow", "HPWL (um)"])
    }

    /// Whether a message begins another run.
    pub(crate) fn begins(code: Code<'_>, text: &str) -> bool {
        code.tool() == "GPL" && text.starts_with("DBU:")
    }
}

/// The analysis that detailed placement prints. Lengths in µm.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct PlacementAnalysis {
    /// Sum of displacements over instances.
    pub total_displacement_um: f64,
    /// Their mean, rounded to a tenth.
    pub average_displacement_um: f64,
    /// Their greatest.
    pub max_displacement_um: f64,
    /// Half-perimeter wire length before.
    pub original_hpwl_um: f64,
    /// Half-perimeter wire length after.
    pub legalized_hpwl_um: f64,
    /// How much more, in percent, rounded to a whole number.
    pub hpwl_change_percent: f64,
}

impl PlacementAnalysis {
    pub(crate) fn read(lines: &mut Lines<'_>) -> Option<Self> {
        if lines.peek()? != "Placement Analysis" {
            return None;
        }
        let row = |ahead: usize, name: &str, unit: &str| {
            let rest = lines.look(ahead)?.strip_prefix(name)?;
            number(rest.strip_suffix(unit)?.trim())
        };
        let analysis = Self {
            total_displacement_um: row(2, "total displacement", "u")?,
            average_displacement_um: row(3, "average displacement", "u")?,
            max_displacement_um: row(4, "max displacement", "u")?,
            original_hpwl_um: row(5, "original HPWL", "u")?,
            legalized_hpwl_um: row(6, "legalized HPWL", "u")?,
            hpwl_change_percent: row(7, "delta HPWL", "%")?,
        };
        lines.skip(8);
        Some(analysis)
    }
}

/// A check of the placement that failed, `[WARNING DPL-0005] Overlap check failed (2).`, or a placement that did: `[INFO
/// DPL-0034] Detailed placement failed on the following 2 instances:`
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct PlacementCheckFailure {
    /// The check, as printed: `Placed`, `Placed in rows`, `Overlap`, `Site aligned`, …, or `Detailed placement`.
    pub check: String,
    /// How many instances failed it.
    pub instances: u64,
}

impl PlacementCheckFailure {
    pub(crate) fn of(code: Code<'_>, text: &str) -> Option<Self> {
        if code.tool() != "DPL" {
            return None;
        }
        if let Some((placement, rest)) = text.split_once(" failed on the following ") {
            let (number, _) = rest.split_once(" instances")?;
            return Some(Self {
                check: placement.to_owned(),
                instances: count(number)?,
            });
        }
        let (check, rest) = text.split_once(" check failed (")?;
        Some(Self {
            check: check.to_owned(),
            instances: count(rest.split_once(')')?.0)?,
        })
    }
}
