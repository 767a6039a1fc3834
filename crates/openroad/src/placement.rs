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
    /// Half-perimeter wire length at the last iteration that it printed, in database units.
    pub hpwl_dbu: Option<f64>,
    /// Overflow with which it finished; none where it did not.
    pub final_overflow: Option<f64>,
}

impl GlobalPlacement {
    /// Half-perimeter wire length at the last iteration that it printed, in µm.
    pub fn hpwl_um(&self) -> Option<f64> {
        let dbu = self.dbu.filter(|dbu| *dbu > 0.0)?;
        Some(self.hpwl_dbu? / dbu)
    }

    /// Takes a message of global placement; whether it did.
    pub(crate) fn take_message(&mut self, code: Code<'_>, text: &str) -> bool {
        let Some((name, value)) = text.split_once(':').filter(|_| code.tool() == "GPL") else {
            return false;
        };
        let value = value.trim();
        let first = value.split(' ').next().and_then(number);
        let slot = match name.trim() {
            "DBU" => &mut self.dbu,
            "CoreArea" => &mut self.core_area_um2,
            "PlaceInstsArea" => &mut self.instance_area_um2,
            "Util" => &mut self.utilization_percent,
            "TargetDensity" => &mut self.target_density,
            "NumPlaceInstances" => {
                self.instances = count(value);
                return true;
            }
            _ => return false,
        };
        *slot = first;
        true
    }

    /// Takes a line of progress; whether it was one.
    pub(crate) fn take_progress(&mut self, line: &str) -> bool {
        let Some(rest) = line.strip_prefix("[NesterovSolve]") else {
            return false;
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
        self.last_iteration = Some(iteration);
        self.hpwl_dbu = after("HPWL:").and_then(number);
        true
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

/// A check of the placement that failed: `[WARNING DPL-0005] Overlap check failed (2).`
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct PlacementCheckFailure {
    /// The check, as printed: `Placed`, `Placed in rows`, `Overlap`, `Site aligned`, …
    pub check: String,
    /// How many instances failed it.
    pub instances: u64,
}

impl PlacementCheckFailure {
    pub(crate) fn of(code: Code<'_>, text: &str) -> Option<Self> {
        if code.tool() != "DPL" {
            return None;
        }
        let (check, rest) = text.split_once(" check failed (")?;
        Some(Self {
            check: check.to_owned(),
            instances: count(rest.split_once(')')?.0)?,
        })
    }
}
