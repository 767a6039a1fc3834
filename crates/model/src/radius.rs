//! How far a change really reached, as measured on the design that came of it.

use serde::{Deserialize, Serialize};

use crate::EcoClass;

/// How far a change reached in the logic of a design, from narrow to wide.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LogicalReach {
    /// Nothing changed.
    None,
    /// Cells were exchanged for others of the same function and area, or signals changed places between
    /// equivalent pins of one cell.
    SameFootprint,
    /// Other resizes, buffers, clones: what the registers and outputs compute is the same by structure.
    Local,
    /// What some register or output computes is made in another way, if it is the same at all.
    Restructure,
}

/// How far a change reached in the layout of a design, from narrow to wide.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PhysicalReach {
    /// The engine has no layout. Not the same as none.
    Unknown,
    /// No cell moved.
    None,
    /// The edited cells and some of their neighbours moved.
    Local,
    /// Nets beyond those of the edited cells were routed anew.
    Routing,
    /// Cells moved all over the design.
    Global,
}

/// How far a change really reached.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct BlastRadius {
    /// In the logic.
    pub logical: LogicalReach,
    /// In the layout.
    pub physical: PhysicalReach,
    /// How many instances were exchanged, made, removed or connected differently.
    pub cells_touched: u64,
    /// How many nets gained or lost a pin.
    pub nets_touched: u64,
    /// The area of all cells that were made or exchanged for others, in µm²; absent where a library states
    /// no area of one of them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub area_touched_um2: Option<f64>,
}

impl BlastRadius {
    /// The narrowest class that holds the change: the wider of what its two axes ask for. What an engine
    /// cannot see asks for nothing.
    pub fn class(&self) -> EcoClass {
        let logical = match self.logical {
            LogicalReach::None | LogicalReach::SameFootprint => EcoClass::TopologyNeutral,
            LogicalReach::Local => EcoClass::PlacementLocal,
            LogicalReach::Restructure => EcoClass::GlobalDisruptive,
        };
        let physical = match self.physical {
            PhysicalReach::Unknown | PhysicalReach::None => EcoClass::TopologyNeutral,
            PhysicalReach::Local => EcoClass::PlacementLocal,
            PhysicalReach::Routing => EcoClass::RoutingAffecting,
            PhysicalReach::Global => EcoClass::GlobalDisruptive,
        };
        logical.max(physical)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_wider_axis_decides_the_class() {
        let class = |logical, physical| {
            BlastRadius {
                logical,
                physical,
                cells_touched: 1,
                nets_touched: 0,
                area_touched_um2: None,
            }
            .class()
        };
        use {LogicalReach as L, PhysicalReach as P};
        assert_eq!(
            class(L::SameFootprint, P::Unknown),
            EcoClass::TopologyNeutral
        );
        assert_eq!(class(L::SameFootprint, P::Local), EcoClass::PlacementLocal);
        assert_eq!(class(L::Local, P::None), EcoClass::PlacementLocal);
        assert_eq!(class(L::Local, P::Routing), EcoClass::RoutingAffecting);
        assert_eq!(
            class(L::Restructure, P::Unknown),
            EcoClass::GlobalDisruptive
        );
        assert_eq!(class(L::None, P::Global), EcoClass::GlobalDisruptive);
    }
}
