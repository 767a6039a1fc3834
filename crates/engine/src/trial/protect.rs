//! The objects of a parent that an ECO may not touch: by name, as part of the clock network or of a scan chain, and
//! by what netlist, constraints and libraries mark.
//!
//! Owns both sides of it: what the editing library is told to leave alone, and which edits of what came out are
//! refused, whoever made them.

use std::collections::BTreeSet;

use noodle2_liberty::LibraryIndex;
use noodle2_model::{DesignGuard, DesignMarks, Failure, matches_pattern};
use noodle2_netlist::{ClockNetwork, Design, Edit, Ledger, NetId, ScanChain};

use super::attempt::TrialRequest;
use super::context::StudyContext;
use super::parents::ReadDesign;

/// What is protected of one design.
pub(crate) struct Protected<'a> {
    guard: &'a DesignGuard,
    parent: &'a Design,
    cells: &'a LibraryIndex,
    /// `None` where the guard does not protect it.
    clocks: Option<&'a ClockNetwork>,
    scan: Option<&'a ScanChain>,
    /// The names of the nets that are marked, in every module that they go through.
    marked_nets: BTreeSet<&'a str>,
    ties: BTreeSet<&'a str>,
}

impl<'a> Protected<'a> {
    /// What `guard` protects of `parent`, as it was `read`, whose cells `cells` describes.
    pub(crate) fn of(
        guard: &'a DesignGuard,
        read: &'a ReadDesign,
        parent: &'a Design,
        cells: &'a LibraryIndex,
    ) -> Self {
        let ties = cells.tie_cells().iter();
        Self {
            guard,
            parent,
            cells,
            clocks: (guard.clock_network).then(|| read.clocks(parent, cells)),
            scan: guard.scan.then(|| read.scan(parent, cells)),
            marked_nets: match guard.dont_touch {
                true => every_name(&guard.marks.nets, parent),
                false => BTreeSet::new(),
            },
            ties: ties.map(|tie| tie.cell.as_str()).collect(),
        }
    }

    /// The first edit of something that is protected, and why it is.
    pub(crate) fn violation(&self, ledger: &Ledger) -> Option<String> {
        ledger.edits.iter().find_map(|edit| {
            let kind = edit.kind();
            if let Some(name) = edit.instance()
                && let Some(why) = self.instance(name, edit)
            {
                return Some(format!("touched instance `{name}` ({kind}), {why}"));
            }
            if let Edit::Disconnect { instance, pin, .. } | Edit::Connect { instance, pin, .. } =
                edit
                && (self.scan)
                    .is_some_and(|scan| scan.pins.contains(&(instance.clone(), pin.clone())))
            {
                return Some(format!(
                    "touched pin `{instance}/{pin}` ({kind}), which is part of a scan chain"
                ));
            }
            let net = edit.net()?;
            let why = self.net(net)?;
            Some(format!("touched net `{net}` ({kind}), {why}"))
        })
    }

    fn instance(&self, name: &str, edit: &Edit) -> Option<String> {
        let protect = &self.guard.protect;
        let before = self.parent.instance(name);
        let before = before.map(|instance| instance.cell.as_str());
        let after = match edit {
            Edit::Resize { to, .. } => Some(to.as_str()),
            _ => None,
        };
        let by_cell = |cell: &str| {
            let why = named(&protect.cells, cell)?;
            Some(format!("of cell `{cell}`, {why}"))
        };
        named(&protect.instances, name)
            .or_else(|| before.into_iter().chain(after).find_map(by_cell))
            .or_else(|| {
                let part = self
                    .clocks
                    .is_some_and(|clocks| clocks.instances.contains(name));
                part.then(|| "which is part of the clock network".to_owned())
            })
            .or_else(|| self.marked_instance(name, before))
            .or_else(|| self.unusable(edit))
            .or_else(|| self.other_scan_cell(name, edit))
    }

    fn marked_instance(&self, name: &str, cell: Option<&str>) -> Option<String> {
        if !self.guard.dont_touch {
            return None;
        }
        let marks = &self.guard.marks;
        if let Some(marked) = within(name, &marks.instances) {
            return Some(match marked == name {
                true => "which is marked as `dont_touch`".to_owned(),
                false => format!("which is in `{marked}`, which is marked as `dont_touch`"),
            });
        }
        let cell = cell?;
        let by_library = self.cells.cell(cell).is_some_and(|cell| cell.dont_touch);
        (by_library || marks.cells.contains(cell))
            .then(|| format!("of cell `{cell}`, which is marked as `dont_touch`"))
    }

    /// Whether an edit makes an instance of a cell that is not to be used. Libraries mark their tie cells so
    /// that nobody takes them for gates; a constant may still need one.
    fn unusable(&self, edit: &Edit) -> Option<String> {
        let (Edit::Resize { to: cell, .. } | Edit::Insert { cell, .. }) = edit else {
            return None;
        };
        let marked = self.guard.marks.unusable.iter();
        let by_constraints = marked.clone().any(|mark| matches_pattern(mark, cell));
        let by_library = self.cells.cell(cell).is_some() && !self.cells.is_usable(cell);
        let is_refused = self.guard.dont_touch
            && !self.ties.contains(cell.as_str())
            && (by_constraints || by_library);
        is_refused.then(|| format!("with cell `{cell}`, which is marked as `dont_use`"))
    }

    /// Whether an edit makes another kind of cell of a register with scan pins, or of a cell of a chain.
    fn other_scan_cell(&self, name: &str, edit: &Edit) -> Option<String> {
        let Edit::Resize { from, to, .. } = edit else {
            return None;
        };
        let shifts = (self.scan)
            .is_some_and(|scan| scan.registers.contains(name) || scan.instances.contains(name));
        (shifts && !self.cells.same_function(from, to)).then(|| {
            format!(
                "which is part of a scan chain, and `{to}` is not known to do what `{from}` does"
            )
        })
    }

    fn net(&self, net: &str) -> Option<String> {
        named(&self.guard.protect.nets, net)
            .or_else(|| {
                let part = self.clocks.is_some_and(|clocks| clocks.nets.contains(net));
                part.then(|| "which is part of the clock network".to_owned())
            })
            .or_else(|| {
                let marks = &self.guard.marks.instances;
                let is_within = || {
                    within(net, marks)
                        .filter(|_| self.guard.dont_touch)
                        .is_some()
                };
                let marked = self.marked_nets.contains(net) || is_within();
                marked.then(|| "which is marked as `dont_touch`".to_owned())
            })
            .or_else(|| {
                let part = self.scan.is_some_and(|scan| scan.nets.contains(net));
                part.then(|| "which is part of a scan chain".to_owned())
            })
    }
}

/// What the editing library is told by name, beside patterns.
#[derive(Clone, Default)]
pub(crate) struct Withheld {
    /// Instances, each with all that is in it.
    pub instances: BTreeSet<String>,
    /// Nets.
    pub nets: BTreeSet<String>,
    /// Cells whose instances stay as they are.
    pub cells: BTreeSet<String>,
    /// Cells by pattern, of which no instance is made.
    pub unusable: BTreeSet<String>,
    /// Pins of scan chains, as `instance/pin`.
    pub scan_pins: BTreeSet<String>,
}

impl Withheld {
    /// What is withheld of `parent`, as far as no pattern says it. The clock network is found by the
    /// editing library itself.
    fn of(guard: &DesignGuard, read: &ReadDesign, parent: &Design, cells: &LibraryIndex) -> Self {
        let mut withheld = Self::default();
        if guard.dont_touch {
            let DesignMarks {
                instances,
                nets,
                cells: marked_cells,
                unusable,
            } = &guard.marks;
            withheld.instances.extend(instances.iter().cloned());
            let nets = every_name(nets, parent);
            withheld.nets.extend(nets.into_iter().map(str::to_owned));
            let by_library = cells
                .cells()
                .filter(|name| cells.cell(name).is_some_and(|cell| cell.dont_touch));
            withheld.cells.extend(marked_cells.iter().cloned());
            withheld.cells.extend(by_library.map(str::to_owned));
            withheld.unusable.extend(unusable.iter().cloned());
        }
        if guard.scan {
            let scan = read.scan(parent, cells);
            let pins = scan.pins.iter();
            withheld.nets.extend(scan.nets.iter().cloned());
            withheld
                .scan_pins
                .extend(pins.map(|(instance, pin)| format!("{instance}/{pin}")));
        }
        withheld
    }
}

impl StudyContext {
    /// What the editing library is told to leave alone in the parent of a trial.
    pub(crate) fn withheld(&self, request: &TrialRequest<'_>) -> Result<Withheld, Failure> {
        let guard = &request.guard;
        if !guard.dont_touch && !guard.scan {
            return Ok(Withheld::default());
        }
        let parent = self.parent(&request.netlists)?;
        Ok(Withheld::of(guard, &parent, parent.design()?, self.cells()))
    }

    /// What the constraints mark, and the netlists beside them.
    pub(crate) fn marks(
        &self,
        request: &TrialRequest<'_>,
        of_constraints: DesignMarks,
    ) -> Result<DesignMarks, Failure> {
        let mut marks = of_constraints;
        let marked = self.read_design(&request.netlists)?.marked;
        marks.instances.extend(marked.instances);
        marks.nets.extend(marked.nets);
        Ok(marks)
    }
}

fn named(patterns: &[String], name: &str) -> Option<String> {
    let found = patterns
        .iter()
        .find(|pattern| matches_pattern(pattern, name));
    found.map(|pattern| format!("which `{pattern}` protects"))
}

/// The marked instance that an object is, or is in.
fn within<'n>(name: &'n str, marked: &BTreeSet<String>) -> Option<&'n str> {
    let ends = name.match_indices('/').map(|(end, _)| end);
    ends.chain([name.len()])
        .map(|end| &name[..end])
        .find(|part| marked.contains(*part))
}

/// All names under which nets go by in the modules of a design.
fn every_name<'d>(names: &BTreeSet<String>, design: &'d Design) -> BTreeSet<&'d str> {
    let nets = design.nets.iter();
    let roots: BTreeSet<NetId> = nets
        .clone()
        .filter(|net| names.contains(&net.name))
        .map(|net| net.root)
        .collect();
    nets.filter(|net| roots.contains(&net.root) && net.constant.is_none())
        .map(|net| net.name.as_str())
        .collect()
}
