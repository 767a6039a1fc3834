//! LEF: layers, sites and macros of a technology and its cells.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::error::{LayoutError, Problem};
use crate::geometry::Bounds;
use crate::tokens::Tokens;

mod read;

/// What a layer is for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum LayerType {
    /// Wires.
    Routing,
    /// Vias.
    Cut,
    /// Polysilicon, diffusion and the like.
    Masterslice,
    /// Any other type, in the words of the file.
    Other(String),
}

/// Which way most wires of a layer go.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum LayerDirection {
    /// Along x.
    Horizontal,
    /// Along y.
    Vertical,
    /// At 45° or 135°.
    Diagonal,
}

/// A layer; lengths in µm. What the file does not state is missing.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Layer {
    /// Its name.
    pub name: String,
    /// What it is for.
    pub kind: Option<LayerType>,
    /// Which way its wires go.
    pub direction: Option<LayerDirection>,
    /// The distance between tracks in x and y.
    pub pitch: Option<(f64, f64)>,
    /// The width of a wire.
    pub width: Option<f64>,
}

/// A site: where one unit of a cell may stand.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Site {
    /// Its name.
    pub name: String,
    /// Its class in capitals: `CORE` or `PAD`.
    pub class: Option<String>,
    /// Width and height in µm.
    pub size: (f64, f64),
}

/// Which way a signal goes through a pin.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum PinDirection {
    /// Into the cell or design.
    Input,
    /// Out of it.
    Output,
    /// Both.
    Inout,
    /// Through it.
    Feedthru,
}

/// What a pin or net is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Use {
    /// Signals, which is also what is meant where nothing is stated.
    Signal,
    /// A clock.
    Clock,
    /// Supply.
    Power,
    /// Ground.
    Ground,
    /// Anything analog.
    Analog,
    /// Scan chains.
    Scan,
    /// Resets.
    Reset,
    /// Tie-off.
    Tieoff,
}

impl Use {
    pub(crate) fn parse(text: &str) -> Option<Self> {
        const NAMES: [(&str, Use); 8] = [
            ("SIGNAL", Use::Signal),
            ("CLOCK", Use::Clock),
            ("POWER", Use::Power),
            ("GROUND", Use::Ground),
            ("ANALOG", Use::Analog),
            ("SCAN", Use::Scan),
            ("RESET", Use::Reset),
            ("TIEOFF", Use::Tieoff),
        ];
        let entry = NAMES
            .iter()
            .find(|(name, _)| text.eq_ignore_ascii_case(name));
        entry.map(|(_, meant)| *meant)
    }

    /// Whether it is power or ground.
    pub const fn is_supply(self) -> bool {
        matches!(self, Self::Power | Self::Ground)
    }
}

impl PinDirection {
    pub(crate) fn parse(text: &str) -> Option<Self> {
        const NAMES: [(&str, PinDirection); 4] = [
            ("INPUT", PinDirection::Input),
            ("OUTPUT", PinDirection::Output),
            ("INOUT", PinDirection::Inout),
            ("FEEDTHRU", PinDirection::Feedthru),
        ];
        let entry = NAMES
            .iter()
            .find(|(name, _)| text.eq_ignore_ascii_case(name));
        entry.map(|(_, meant)| *meant)
    }
}

/// A box on a layer.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Shape {
    /// The name of the layer.
    pub layer: String,
    /// The box in µm, from the origin of the macro as the file gives it; of a polygon, the box around it.
    pub bounds: Bounds,
}

/// A pin of a macro.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct MacroPin {
    /// Its name.
    pub name: String,
    /// Its direction; missing where the file states none.
    pub direction: Option<PinDirection>,
    /// What it is for; missing where the file states nothing, which means a signal.
    pub usage: Option<Use>,
    /// The shapes of all its ports, in the order of the file.
    pub shapes: Vec<Shape>,
}

/// A cell or block. Obstructions are not kept.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Macro {
    /// Its name.
    pub name: String,
    /// Its class in capitals with its subclass, as in `CORE SPACER`; missing where the file states none.
    pub class: Option<String>,
    /// Where the lower left corner of the cell lies from the origin of its shapes, with the sign of the file.
    pub origin: (f64, f64),
    /// Width and height in µm.
    pub size: (f64, f64),
    /// The first site that it may stand on.
    pub site: Option<String>,
    /// Its pins, in the order of the file.
    pub pins: Vec<MacroPin>,
}

impl Macro {
    /// The pin of this name.
    pub fn pin(&self, name: &str) -> Option<&MacroPin> {
        self.pins.iter().find(|pin| pin.name == name)
    }

    /// The class without its subclass, as in `CORE`.
    pub fn main_class(&self) -> Option<&str> {
        self.class.as_deref()?.split(' ').next()
    }

    /// Whether it stands in a row: a cell of the core or an end cap.
    pub fn is_core_cell(&self) -> bool {
        matches!(self.main_class(), Some("CORE" | "ENDCAP"))
    }

    /// Whether it only fills a gap.
    pub fn is_filler(&self) -> bool {
        self.class.as_deref() == Some("CORE SPACER")
    }

    /// Whether it is a macro in the narrow sense: a memory or another block.
    pub fn is_block(&self) -> bool {
        self.main_class() == Some("BLOCK")
    }
}

/// The layers, sites and macros of one LEF file, or of several that were joined.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Lef {
    /// Database units in a µm; missing where no file states them.
    pub units_per_micron: Option<u32>,
    /// The finest grid in µm.
    pub manufacturing_grid: Option<f64>,
    /// Layers, from the lowest up.
    pub layers: Vec<Layer>,
    /// Sites by name.
    pub sites: BTreeMap<String, Site>,
    /// Macros by name.
    pub macros: BTreeMap<String, Macro>,
}

/// LEF files that contradict each other.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{kind} `{name}` is defined in two LEF files, and not alike")]
pub struct LefConflict {
    /// What it is: `layer`, `site`, `macro`, `units`.
    pub kind: &'static str,
    /// Its name.
    pub name: String,
}

impl Lef {
    /// Reads one LEF file: that of a technology, of cells, or both.
    ///
    /// # Errors
    /// The first thing that is no LEF, with its line.
    pub fn read(bytes: &[u8]) -> Result<Self, LayoutError> {
        read::read(&mut Tokens::new(bytes)?)
    }

    /// Joins files, as of a technology and of its cells. What two files define alike is taken once.
    ///
    /// # Errors
    /// What two files define and not alike.
    pub fn join(files: impl IntoIterator<Item = Self>) -> Result<Self, LefConflict> {
        let mut all = Self::default();
        for file in files {
            let name = || "DATABASE MICRONS".to_owned();
            agree(
                &mut all.units_per_micron,
                file.units_per_micron,
                "units",
                name,
            )?;
            let name = || "MANUFACTURINGGRID".to_owned();
            agree(
                &mut all.manufacturing_grid,
                file.manufacturing_grid,
                "units",
                name,
            )?;
            for layer in file.layers {
                match all.layers.iter().find(|known| known.name == layer.name) {
                    None => all.layers.push(layer),
                    Some(known) => conflict_unless(*known == layer, "layer", &layer.name)?,
                }
            }
            for (name, site) in file.sites {
                let known = all
                    .sites
                    .entry(name.clone())
                    .or_insert_with(|| site.clone());
                conflict_unless(*known == site, "site", &name)?;
            }
            for (name, cell) in file.macros {
                match all.macros.get(&name) {
                    Some(known) => conflict_unless(*known == cell, "macro", &name)?,
                    None => drop(all.macros.insert(name, cell)),
                }
            }
        }
        Ok(all)
    }

    /// The layer of this name.
    pub fn layer(&self, name: &str) -> Option<&Layer> {
        self.layers.iter().find(|layer| layer.name == name)
    }

    /// The layers of wires, from the lowest up.
    pub fn routing_layers(&self) -> impl Iterator<Item = &Layer> {
        let is_routing = |layer: &&Layer| layer.kind == Some(LayerType::Routing);
        self.layers.iter().filter(is_routing)
    }
}

fn agree<T: PartialEq>(
    all: &mut Option<T>,
    file: Option<T>,
    kind: &'static str,
    name: impl Fn() -> String,
) -> Result<(), LefConflict> {
    match (&*all, file) {
        (_, None) => Ok(()),
        (None, file) => {
            *all = file;
            Ok(())
        }
        (Some(known), Some(file)) => conflict_unless(*known == file, kind, &name()),
    }
}

fn conflict_unless(alike: bool, kind: &'static str, name: &str) -> Result<(), LefConflict> {
    if alike {
        return Ok(());
    }
    let name = name.to_owned();
    Err(LefConflict { kind, name })
}

pub(crate) const fn duplicate(kind: &'static str, name: String) -> Problem {
    Problem::Duplicate { kind, name }
}
