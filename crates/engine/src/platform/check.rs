//! Whether all that a platform names is there, fits together, and means what the platform says.
//!
//! Reads every library and LEF file. What a run would refuse is told under the code that the run gives it.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Display;
use std::sync::Arc;

use noodle2_layout::{LayerDirection, Lef, Macro};
use noodle2_liberty::{Library, LibraryCache, LibraryIndex, PinDirection};
use noodle2_model::matches_pattern;
use serde::Serialize;

use super::{LayoutData, Platform, PlatformFile};
use crate::openroad::{not_in_lef, read_lefs};
use crate::trial::PrepareProblem;

/// How many names of a group are listed.
const NAMES: usize = 5;

/// What is wrong with a platform, or worth knowing of it.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct PlatformFinding {
    /// The stable code of its kind.
    pub code: &'static str,
    /// Whether a study on the platform can go on as if it were not there.
    pub is_remark: bool,
    /// What it is, on what, and what to do.
    pub text: String,
}

/// What a corner's libraries say.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct CornerFacts {
    /// How many libraries were read.
    pub libraries: usize,
    /// How many cells they have together.
    pub cells: usize,
    /// Their unit of time in ps; absent where they state none or not the same.
    pub time_unit_ps: Option<f64>,
    /// The voltage that they are made for, in V; absent where they state none or not the same.
    pub voltage: Option<f64>,
    /// The temperature that they are made for, in °C; absent where they state none or not the same.
    pub temperature: Option<f64>,
}

/// What the LEF files say.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct LefFacts {
    /// How many files were read.
    pub files: usize,
    /// The layers of wires, from the lowest up.
    pub routing_layers: Vec<String>,
    /// How many macros stand in rows.
    pub core_macros: usize,
    /// How many of those have a cell in the libraries of the default corner.
    pub with_library_cell: usize,
}

/// What was found when a platform was looked through.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct PlatformCheck {
    /// What each corner's libraries say; a corner with a library that cannot be read is missing.
    pub corners: BTreeMap<String, CornerFacts>,
    /// What the LEF files say; absent where the platform only times, or one of them cannot be read.
    pub lef: Option<LefFacts>,
    /// What is wrong, then what is worth knowing.
    pub findings: Vec<PlatformFinding>,
}

impl PlatformCheck {
    /// Looks a platform through. Libraries are read by way of `cache`.
    pub fn of(platform: &Platform, cache: &LibraryCache) -> Self {
        let mut work = Work {
            platform,
            declared: &platform.declaration,
            findings: Vec::new(),
        };
        let corners = work.read_corners(cache);
        let facts = (corners.iter())
            .map(|(name, libraries)| (name.clone(), corner_facts(libraries)))
            .collect();
        work.compare_corners(&corners);
        let index = corners
            .get(&work.declared.default_corner)
            .map(|libraries| LibraryIndex::build(libraries, &platform.index_options()));
        if let Some(index) = &index {
            work.check_cells(index);
        }
        let lef = work.read_lef();
        if let Some((data, lef, _)) = &lef {
            work.check_layers(data, lef);
            work.check_site(data, lef);
            work.check_tie_macros(lef);
            if let Some(index) = &index {
                work.compare_with_macros(index, lef);
            }
        }
        let mut findings = work.findings;
        findings.sort_by_key(|finding| finding.is_remark);
        let lef = lef.map(|(_, lef, files)| LefFacts {
            files,
            routing_layers: lef
                .routing_layers()
                .map(|layer| layer.name.clone())
                .collect(),
            core_macros: lef
                .macros
                .values()
                .filter(|cell| cell.is_core_cell())
                .count(),
            with_library_cell: (lef.macros.values())
                .filter(|cell| cell.is_core_cell())
                .filter(|cell| {
                    index
                        .as_ref()
                        .is_some_and(|index| index.cell(&cell.name).is_some())
                })
                .count(),
        });
        Self {
            corners: facts,
            lef,
            findings,
        }
    }

    /// Whether something is wrong, and not only worth knowing.
    pub fn has_faults(&self) -> bool {
        self.findings.iter().any(|finding| !finding.is_remark)
    }
}

struct Work<'a> {
    platform: &'a Platform,
    declared: &'a PlatformFile,
    findings: Vec<PlatformFinding>,
}

impl<'a> Work<'a> {
    fn fault(&mut self, code: &'static str, text: impl Display) {
        let text = text.to_string();
        self.findings.push(PlatformFinding {
            code,
            is_remark: false,
            text,
        });
    }

    fn remark(&mut self, code: &'static str, text: impl Display) {
        let text = text.to_string();
        self.findings.push(PlatformFinding {
            code,
            is_remark: true,
            text,
        });
    }

    fn refused(&mut self, problem: &PrepareProblem) {
        self.fault(problem.code(), problem);
    }

    /// The libraries of every corner whose libraries can all be read.
    fn read_corners(&mut self, cache: &LibraryCache) -> BTreeMap<String, Vec<Arc<Library>>> {
        let mut corners = BTreeMap::new();
        for (corner, files) in &self.declared.corners {
            let mut libraries = Vec::new();
            for file in files {
                let path = match self.platform.existing(file) {
                    Ok(path) => path,
                    Err(error) => {
                        self.fault(error.code(), error);
                        continue;
                    }
                };
                match cache.library(&path) {
                    Ok(library) => libraries.push(library),
                    Err(error) => self.fault(error.code(), error),
                }
            }
            if libraries.len() == files.len() {
                corners.insert(corner.clone(), libraries);
            }
        }
        corners
    }

    /// Units that differ, cells that one corner has and another has not, and cells that a corner has twice.
    fn compare_corners(&mut self, corners: &BTreeMap<String, Vec<Arc<Library>>>) {
        let mut units: BTreeMap<String, Vec<&str>> = BTreeMap::new();
        for library in corners.values().flatten() {
            let unit = unit_text(library.time_unit_ps);
            units.entry(unit).or_default().push(&library.name);
        }
        if units.len() > 1 {
            let told: Vec<String> = (units.iter())
                .map(|(unit, names)| format!("{unit} in {}", first_of(names.iter().copied())))
                .collect();
            let text = format!(
                "the libraries do not agree in their unit of time: {}; constraints can be read in one unit alone",
                told.join("; ")
            );
            self.fault("N2-PLATFORM-008", text);
        }
        for (corner, libraries) in corners {
            let index = LibraryIndex::build(libraries, &self.platform.index_options());
            let twice = index
                .conflicts()
                .iter()
                .map(|conflict| conflict.cell.as_str());
            if let Some(names) = some_of(twice) {
                let text = format!(
                    "corner `{corner}` has two libraries that define {names} differently, and the first counts; list one of them"
                );
                self.fault("N2-PLATFORM-009", text);
            }
        }
        let cells = |libraries: &[Arc<Library>]| -> BTreeSet<String> {
            let names = libraries.iter().flat_map(|library| library.cells.keys());
            names.cloned().collect()
        };
        let Some(usual) = corners
            .get(&self.declared.default_corner)
            .map(|of| cells(of))
        else {
            return;
        };
        for (corner, libraries) in corners {
            let here = cells(libraries);
            if let Some(names) = some_of(usual.difference(&here).map(String::as_str)) {
                let text = format!(
                    "corner `{corner}` lacks {names}, which `{}` has",
                    self.declared.default_corner
                );
                self.remark("N2-PLATFORM-010", text);
            }
        }
    }

    /// Whether patterns and names of cells fit the libraries.
    fn check_cells(&mut self, index: &LibraryIndex) {
        let declared = self.declared;
        let lists = [
            ("dont_use", &declared.dont_use),
            ("delay_cells", &declared.delay_cells),
            ("clock_cells", &declared.clock_cells),
        ];
        for (key, patterns) in lists {
            for pattern in patterns {
                if !index.cells().any(|cell| matches_pattern(pattern, cell)) {
                    let text = format!("`{key}`: no cell of the libraries fits `{pattern}`");
                    self.remark("N2-PLATFORM-011", text);
                }
            }
        }
        for suffix in &declared.threshold_suffixes {
            if !index.cells().any(|cell| cell.ends_with(suffix.as_str())) {
                let text =
                    format!("`threshold_suffixes`: no cell of the libraries ends with `{suffix}`");
                self.remark("N2-PLATFORM-011", text);
            }
        }
        for (key, cells, inverts) in [
            ("buffers", &declared.buffers, false),
            ("inverters", &declared.inverters, true),
        ] {
            for cell in cells {
                let problem = match (index.cell(cell), index.wire_pins(cell)) {
                    (None, _) => "which no library of the default corner has",
                    (Some(_), Some((input, output)))
                        if (index.function(cell, output))
                            .is_some_and(|function| function.is_wire(input, inverts)) =>
                    {
                        continue;
                    }
                    _ => "which is no such cell by its function",
                };
                let text = format!("`{key}` names `{cell}`, {problem}");
                self.fault("N2-PLATFORM-012", text);
            }
        }
        for (key, tie, value) in self.ties() {
            let Some((cell, pin)) = tie.split_once('/') else {
                continue;
            };
            let problem = match (index.cell(cell), index.pin(cell, pin)) {
                (None, _) => "is of a cell that no library of the default corner has".to_owned(),
                (Some(_), None) => format!("is no pin of `{cell}` in the libraries"),
                (_, Some((_, found))) if found.direction != Some(PinDirection::Output) => {
                    "is no output in the libraries".to_owned()
                }
                _ => match index
                    .function(cell, pin)
                    .and_then(|function| function.constant())
                {
                    Some(found) if found == value => continue,
                    Some(_) => "holds its net at the other value".to_owned(),
                    None => "is no constant in the libraries".to_owned(),
                },
            };
            let text = format!("`tie_cells.{key}`: `{tie}` {problem}");
            self.fault("N2-PLATFORM-013", text);
        }
    }

    fn ties(&self) -> impl Iterator<Item = (&'static str, &'a str, bool)> + use<'a> {
        let ties = self.declared.tie_cells.iter();
        ties.flat_map(|ties| {
            [
                ("high", ties.high.as_str(), true),
                ("low", ties.low.as_str(), false),
            ]
        })
    }

    fn check_tie_macros(&mut self, lef: &Lef) {
        for (key, tie, _) in self.ties() {
            let Some((cell, pin)) = tie.split_once('/') else {
                continue;
            };
            let problem = match lef.macros.get(cell) {
                None => "is of a cell that no LEF file has",
                Some(found) if found.pin(pin).is_none() => "is no pin of its macro in the LEF",
                Some(_) => continue,
            };
            self.fault(
                "N2-PLATFORM-013",
                format!("`tie_cells.{key}`: `{tie}` {problem}"),
            );
        }
    }

    /// What placing and routing needs, and its LEF files with how many they are, where all are there.
    fn read_lef(&mut self) -> Option<(&'a LayoutData, Lef, usize)> {
        let data = self.declared.layout.as_ref()?;
        let others = [&data.rc, &data.tracks];
        for file in others.into_iter().flatten() {
            if let Err(error) = self.platform.layout_file(file) {
                self.fault(error.code(), error);
            }
        }
        let mut paths = Vec::new();
        for file in &data.lefs {
            match self.platform.layout_file(file) {
                Ok(path) => paths.push(path),
                Err(error) => self.fault(error.code(), error),
            }
        }
        self.check_numbers(data);
        match read_lefs(&paths) {
            // Names are looked for where all of them must be.
            Ok(lef) if paths.len() == data.lefs.len() => Some((data, lef, paths.len())),
            Ok(_) => None,
            Err(problems) => {
                problems.iter().for_each(|problem| self.refused(problem));
                None
            }
        }
    }

    fn check_numbers(&mut self, data: &LayoutData) {
        let range = data.utilisation_percent;
        if !(range.min > 0.0 && range.min <= range.max && range.max <= 100.0) {
            let text = format!(
                "`utilisation_percent` goes from {} to {}: it is a range within 0 to 100",
                range.min, range.max
            );
            self.fault("N2-PLATFORM-014", text);
        }
        for (layers, share) in &data.layer_adjustments {
            if !(0.0..=1.0).contains(share) {
                let text = format!(
                    "`layer_adjustments` leaves {share} of `{layers}` free: a share is from 0 to 1"
                );
                self.fault("N2-PLATFORM-014", text);
            }
        }
        if let Some(taps) = &data.tap_cells
            && !(taps.distance_um > 0.0 && taps.distance_um.is_finite())
        {
            let text = format!(
                "`tap_cells.distance_um` is {}: it is above 0",
                taps.distance_um
            );
            self.fault("N2-PLATFORM-014", text);
        }
    }

    /// Whether layers are there, ranges go up the stack, and pins stand on layers of their direction.
    fn check_layers(&mut self, data: &LayoutData, lef: &Lef) {
        for problem in not_in_lef(&self.declared.name, data, lef) {
            self.refused(&problem);
        }
        let stack: Vec<&str> = lef
            .routing_layers()
            .map(|layer| layer.name.as_str())
            .collect();
        let height = |name: &str| stack.iter().position(|layer| *layer == name);
        let adjusted = (data.layer_adjustments.keys()).filter_map(|range| {
            range
                .split_once('-')
                .map(|ends| ("layer_adjustments", ends))
        });
        let ranges = [
            ("routing_layers.signal", &data.routing_layers.signal),
            ("routing_layers.clock", &data.routing_layers.clock),
        ];
        let ranges = ranges.map(|(key, [first, last])| (key, (first.as_str(), last.as_str())));
        for (key, (first, last)) in ranges.into_iter().chain(adjusted) {
            if let (Some(low), Some(high)) = (height(first), height(last))
                && low > high
            {
                let text = format!(
                    "`{key}` goes from `{first}` to `{last}`, and `{last}` is the lower one: the stack is {}",
                    stack.join(", ")
                );
                self.fault("N2-PLATFORM-015", text);
            }
        }
        for (key, name, wanted) in [
            (
                "horizontal",
                &data.pin_layers.horizontal,
                LayerDirection::Horizontal,
            ),
            (
                "vertical",
                &data.pin_layers.vertical,
                LayerDirection::Vertical,
            ),
        ] {
            let found = lef.layer(name).and_then(|layer| layer.direction);
            if found.is_some_and(|found| found != wanted) {
                let fitting: Vec<&str> = (lef.routing_layers())
                    .filter(|layer| layer.direction == Some(wanted))
                    .map(|layer| layer.name.as_str())
                    .collect();
                let text = format!(
                    "`pin_layers.{key}` is `{name}`, whose wires go another way; {key} ones are {}",
                    fitting.join(", ")
                );
                self.fault("N2-PLATFORM-016", text);
            }
        }
    }

    fn check_site(&mut self, data: &LayoutData, lef: &Lef) {
        let class = lef
            .sites
            .get(&data.site)
            .and_then(|site| site.class.as_deref());
        if class.is_some_and(|class| !class.eq_ignore_ascii_case("CORE")) {
            let text = format!("the site `{}` is not one of the core", data.site);
            self.fault("N2-PLATFORM-017", text);
        }
        let elsewhere = (lef.macros.values())
            .filter(|cell| cell.is_core_cell())
            .filter(|cell| cell.site.as_ref().is_some_and(|site| *site != data.site))
            .map(|cell| cell.name.as_str());
        if let Some(names) = some_of(elsewhere) {
            let text = format!("on another site than `{}` stand {names}", data.site);
            self.remark("N2-PLATFORM-017", text);
        }
    }

    /// Cells without a macro cannot be placed; macros without a cell cannot be timed.
    fn compare_with_macros(&mut self, index: &LibraryIndex, lef: &Lef) {
        let unplaced = index.cells().filter(|cell| !lef.macros.contains_key(*cell));
        if let Some(names) = some_of(unplaced) {
            let text =
                format!("no LEF file has {names}: designs with such a cell cannot be placed");
            self.remark("N2-PLATFORM-018", text);
        }
        // Fillers, taps and antenna diodes have nothing to time.
        let is_gate = |cell: &&Macro| cell.class.as_deref() == Some("CORE");
        let untimed = (lef.macros.values())
            .filter(is_gate)
            .map(|cell| cell.name.as_str())
            .filter(|cell| index.cell(cell).is_none());
        if let Some(names) = some_of(untimed) {
            let text = format!(
                "the libraries lack {names}, macros of class CORE: OpenROAD warns of each (ORD-2011), and times \
                 an instance of one as if it were not there"
            );
            self.remark("N2-PLATFORM-019", text);
        }
    }
}

fn corner_facts(libraries: &[Arc<Library>]) -> CornerFacts {
    let agreed = |of: fn(&Library) -> Option<f64>| {
        let first = libraries.first().and_then(|library| of(library));
        first.filter(|value| libraries.iter().all(|library| of(library) == Some(*value)))
    };
    let cells: BTreeSet<&String> = libraries
        .iter()
        .flat_map(|library| library.cells.keys())
        .collect();
    CornerFacts {
        libraries: libraries.len(),
        cells: cells.len(),
        time_unit_ps: agreed(|library| library.time_unit_ps),
        voltage: agreed(|library| library.nominal_voltage),
        temperature: agreed(|library| library.nominal_temperature),
    }
}

fn unit_text(unit_ps: Option<f64>) -> String {
    unit_ps.map_or("none".to_owned(), |unit| format!("{unit} ps"))
}

/// How many names there are and the first of them; `None` where there is none.
fn some_of<'n>(names: impl Iterator<Item = &'n str>) -> Option<String> {
    let mut names = names.peekable();
    names.peek()?;
    Some(first_of(names))
}

fn first_of<'n>(names: impl Iterator<Item = &'n str>) -> String {
    let names: BTreeSet<&str> = names.collect();
    let listed: Vec<String> = names
        .iter()
        .take(NAMES)
        .map(|name| format!("`{name}`"))
        .collect();
    match names.len() - listed.len() {
        0 => listed.join(", "),
        more => format!("{} and {more} more", listed.join(", ")),
    }
}
