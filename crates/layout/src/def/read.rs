//! Reads DEF section by section.

use std::collections::HashMap;
use std::sync::Arc;

use crate::def::{Axis, Component, ComponentId, Def, Placement, Row, Status, Track};
use crate::error::{LayoutError, Problem};
use crate::geometry::{Orientation, Point};
use crate::tokens::{Tokens, shortened, unquoted};

/// One name once: masters, pins and layers are named again and again.
#[derive(Default)]
pub(crate) struct Names<'a>(HashMap<&'a str, Arc<str>>);

impl<'a> Names<'a> {
    pub(crate) fn get(&mut self, name: &'a str) -> Arc<str> {
        self.0
            .entry(name)
            .or_insert_with(|| Arc::from(name))
            .clone()
    }
}

pub(crate) struct Reader<'a> {
    pub(crate) tokens: Tokens<'a>,
    pub(crate) names: Names<'a>,
    pub(crate) def: Def,
}

impl<'a> Reader<'a> {
    pub(crate) fn new(tokens: Tokens<'a>) -> Self {
        let def = Def {
            version: None,
            divider: '/',
            bus_characters: ('[', ']'),
            design: String::new(),
            units_per_micron: 0,
            die_corners: Vec::new(),
            rows: Vec::new(),
            tracks: Vec::new(),
            components: Vec::new(),
            pins: Vec::new(),
            nets: Vec::new(),
            special_nets: Vec::new(),
            by_name: HashMap::new(),
            pin_by_name: HashMap::new(),
        };
        Self {
            tokens,
            names: Names::default(),
            def,
        }
    }

    pub(crate) fn read(mut self) -> Result<Def, LayoutError> {
        loop {
            let Some(token) = self.tokens.next()? else {
                let inside = "the design, before `END DESIGN`".to_owned();
                return Err(self.tokens.error(Problem::CutOff(inside)));
            };
            match token {
                "VERSION" => {
                    self.def.version = Some(self.tokens.need("VERSION")?.to_owned());
                    self.tokens.expect(";")?;
                }
                "DIVIDERCHAR" => self.divider()?,
                "BUSBITCHARS" => self.bus_characters()?,
                "DESIGN" => {
                    self.def.design = self.tokens.need("DESIGN")?.to_owned();
                    self.tokens.expect(";")?;
                }
                "UNITS" => self.units()?,
                "DIEAREA" => self.die()?,
                "ROW" => self.row()?,
                "TRACKS" => self.track()?,
                "COMPONENTS" => {
                    self.section("COMPONENTS", Self::component)?;
                }
                "PINS" => self.section("PINS", Self::io_pin)?,
                "NETS" => self.section("NETS", Self::net)?,
                "SPECIALNETS" => self.section("SPECIALNETS", Self::special_net)?,
                // Sections that are not asked for end with their own name.
                "VIAS"
                | "STYLES"
                | "NONDEFAULTRULES"
                | "REGIONS"
                | "PINPROPERTIES"
                | "BLOCKAGES"
                | "SLOTS"
                | "FILLS"
                | "SCANCHAINS"
                | "GROUPS"
                | "PROPERTYDEFINITIONS"
                | "DEFAULTCAP"
                | "ASSERTIONS"
                | "CONSTRAINTS"
                | "IOTIMINGS"
                | "PARTITIONS"
                | "TIMINGDISABLES" => self.tokens.skip_block(token)?,
                "BEGINEXT" => self.tokens.skip_extension()?,
                "END" => {
                    self.tokens.expect("DESIGN")?;
                    return self.finish();
                }
                "NAMESCASESENSITIVE" | "ARRAY" | "FLOORPLAN" | "CANPLACE" | "CANNOTOCCUPY"
                | "TECHNOLOGY" | "HISTORY" | "GCELLGRID" | "COMPONENTMASKSHIFT" => {
                    self.tokens.skip_statement()?;
                }
                _ => return Err(self.tokens.unexpected(token, "a statement of DEF")),
            }
        }
    }

    fn finish(self) -> Result<Def, LayoutError> {
        if self.def.design.is_empty() {
            return Err(self.tokens.error(Problem::Missing("DESIGN with a name")));
        }
        // Without it no coordinate means anything.
        if self.def.units_per_micron == 0 {
            return Err(self
                .tokens
                .error(Problem::Missing("UNITS DISTANCE MICRONS")));
        }
        Ok(self.def)
    }

    fn divider(&mut self) -> Result<(), LayoutError> {
        let token = self.tokens.need("DIVIDERCHAR")?;
        let mut characters = unquoted(token).chars();
        let (Some(divider), None) = (characters.next(), characters.next()) else {
            return Err(self.tokens.unexpected(token, "one character in quotes"));
        };
        self.def.divider = divider;
        self.tokens.expect(";")
    }

    fn bus_characters(&mut self) -> Result<(), LayoutError> {
        let token = self.tokens.need("BUSBITCHARS")?;
        let mut characters = unquoted(token).chars();
        let (Some(open), Some(close), None) =
            (characters.next(), characters.next(), characters.next())
        else {
            return Err(self.tokens.unexpected(token, "two characters in quotes"));
        };
        self.def.bus_characters = (open, close);
        self.tokens.expect(";")
    }

    fn units(&mut self) -> Result<(), LayoutError> {
        self.tokens.expect("DISTANCE")?;
        self.tokens.expect("MICRONS")?;
        let units = self.tokens.integer()?;
        let units = u32::try_from(units).ok().filter(|units| *units > 0);
        self.def.units_per_micron = units.ok_or_else(|| {
            let text = "UNITS".to_owned();
            let wanted = "a number of database units in a µm, above 0";
            self.tokens.error(Problem::Number { text, wanted })
        })?;
        self.tokens.expect(";")
    }

    fn die(&mut self) -> Result<(), LayoutError> {
        let mut corners = Vec::new();
        loop {
            match self.tokens.need("DIEAREA")? {
                ";" => break,
                "(" => corners.push(self.point_after_parenthesis()?),
                token => return Err(self.tokens.unexpected(token, "a corner of the die")),
            }
        }
        if corners.len() < 2 {
            return Err(self.tokens.unexpected(";", "a second corner of the die"));
        }
        self.def.die_corners = corners;
        Ok(())
    }

    fn point_after_parenthesis(&mut self) -> Result<Point, LayoutError> {
        let x = self.tokens.integer()?;
        let y = self.tokens.integer()?;
        self.tokens.expect(")")?;
        Ok(Point { x, y })
    }

    pub(crate) fn point(&mut self) -> Result<Point, LayoutError> {
        self.tokens.expect("(")?;
        self.point_after_parenthesis()
    }

    fn orientation(&mut self) -> Result<Orientation, LayoutError> {
        let token = self.tokens.need("a placement")?;
        Orientation::parse(token).ok_or_else(|| self.tokens.unexpected(token, "an orientation"))
    }

    pub(crate) fn placement(&mut self) -> Result<Placement, LayoutError> {
        let at = self.point()?;
        let orientation = self.orientation()?;
        Ok(Placement { at, orientation })
    }

    fn repetitions(&mut self) -> Result<u32, LayoutError> {
        let count = self.tokens.count()?;
        u32::try_from(count)
            .ok()
            .filter(|count| *count > 0)
            .ok_or_else(|| {
                let (text, wanted) = (count.to_string(), "a count above 0");
                self.tokens.error(Problem::Number { text, wanted })
            })
    }

    fn row(&mut self) -> Result<(), LayoutError> {
        let name = self.tokens.need("ROW")?.to_owned();
        let site = self.tokens.need("ROW")?;
        let site = self.names.get(site);
        let at = Point {
            x: self.tokens.integer()?,
            y: self.tokens.integer()?,
        };
        let orientation = self.orientation()?;
        let (mut count, mut step) = ((1, 1), (0, 0));
        loop {
            match self.tokens.need("ROW")? {
                ";" => break,
                "DO" => {
                    let columns = self.repetitions()?;
                    self.tokens.expect("BY")?;
                    count = (columns, self.repetitions()?);
                }
                "STEP" => step = (self.tokens.integer()?, self.tokens.integer()?),
                "+" => {
                    self.tokens.skip_statement()?;
                    break;
                }
                token => return Err(self.tokens.unexpected(token, "DO, STEP or `;`")),
            }
        }
        self.def.rows.push(Row {
            name,
            site,
            at,
            orientation,
            count,
            step,
        });
        Ok(())
    }

    fn track(&mut self) -> Result<(), LayoutError> {
        let axis = match self.tokens.need("TRACKS")? {
            "X" => Axis::X,
            "Y" => Axis::Y,
            token => return Err(self.tokens.unexpected(token, "X or Y")),
        };
        let start = self.tokens.integer()?;
        self.tokens.expect("DO")?;
        let count = self.repetitions()?;
        self.tokens.expect("STEP")?;
        let step = self.tokens.integer()?;
        let mut layers = Vec::new();
        let mut in_layers = false;
        loop {
            match self.tokens.need("TRACKS")? {
                ";" => break,
                "LAYER" => in_layers = true,
                layer if in_layers => layers.push(self.names.get(layer)),
                // `MASK 1 SAMEMASK`, which only says how a layer is made.
                _ => {}
            }
        }
        self.def.tracks.push(Track {
            axis,
            start,
            count,
            step,
            layers,
        });
        Ok(())
    }

    /// A section of entries that begin with `-`, behind its name.
    fn section(
        &mut self,
        name: &'static str,
        entry: fn(&mut Self) -> Result<(), LayoutError>,
    ) -> Result<(), LayoutError> {
        let stated = self.tokens.count()?;
        self.tokens.expect(";")?;
        let mut held = 0;
        loop {
            match self.tokens.need(name)? {
                "-" => {
                    entry(self)?;
                    held += 1;
                }
                "END" => {
                    self.tokens.expect(name)?;
                    break;
                }
                token => return Err(self.tokens.unexpected(token, "`-` or END of the section")),
            }
        }
        if held == stated {
            return Ok(());
        }
        Err(self.tokens.error(Problem::Count {
            section: name,
            stated,
            held,
        }))
    }

    /// Skips to the next `+` or `;` and returns it.
    pub(crate) fn skip_option(&mut self) -> Result<&'a str, LayoutError> {
        loop {
            let token = self.tokens.need("an entry")?;
            if matches!(token, "+" | ";") {
                return Ok(token);
            }
        }
    }

    fn component(&mut self) -> Result<(), LayoutError> {
        let name: Arc<str> = Arc::from(self.tokens.need("COMPONENTS")?);
        let master = self.tokens.need("COMPONENTS")?;
        let mut component = Component {
            name,
            master: self.names.get(master),
            status: Status::Unplaced,
            placement: None,
            source: None,
        };
        let mut next = self.skip_option()?;
        while next == "+" {
            match self.tokens.need("COMPONENTS")? {
                "SOURCE" => {
                    let source = self.tokens.need("COMPONENTS")?;
                    component.source = Some(self.names.get(source));
                }
                "PLACED" => component.set(Status::Placed, self.placement()?),
                "FIXED" => component.set(Status::Fixed, self.placement()?),
                "COVER" => component.set(Status::Cover, self.placement()?),
                _ => {}
            }
            next = self.skip_option()?;
        }
        let id = u32::try_from(self.def.components.len()).map_err(|_| {
            let (text, wanted) = (
                "COMPONENTS".to_owned(),
                "a section of less than 2³² entries",
            );
            self.tokens.error(Problem::Number { text, wanted })
        })?;
        let known = self
            .def
            .by_name
            .insert(component.name.clone(), ComponentId(id));
        if known.is_some() {
            let (kind, name) = ("component", shortened(&component.name));
            return Err(self.tokens.error(Problem::Duplicate { kind, name }));
        }
        self.def.components.push(component);
        Ok(())
    }

    /// The component of a name that something else uses.
    pub(crate) fn used_component(&self, name: &str) -> Result<ComponentId, LayoutError> {
        self.def.by_name.get(name).copied().ok_or_else(|| {
            let (kind, name) = ("component", shortened(name));
            self.tokens.error(Problem::Unknown { kind, name })
        })
    }
}

impl Component {
    const fn set(&mut self, status: Status, placement: Placement) {
        self.status = status;
        self.placement = Some(placement);
    }
}
