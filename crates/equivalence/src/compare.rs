//! From two designs to a verdict.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use noodle2_liberty::{LibraryIndex, TruthTable};
use noodle2_netlist::{Design, EndName, LogicEnds, LogicGraph, Value};

use crate::aig::Literal;
use crate::cones::{Common, Cones};
use crate::register::Register;
use crate::replay::{Evaluation, Netlist};
use crate::solver::{Answer, IsStopped};
use crate::sweep::{Pair, Sweep};
use crate::verdict::{Budget, Cost, Counterexample, Reason, Report, Side, Stopped, Verdict};

/// Whether `child` does what `parent` does, as far as `budget` reaches. `cells` says what their cells do.
pub fn compare(parent: &Design, child: &Design, cells: &LibraryIndex, budget: &Budget) -> Report {
    let mut cost = Cost::default();
    let verdict = settle(parent, child, cells, budget, &|| false, &mut cost);
    Report { verdict, cost }
}

/// As [`compare`], unless `is_stopped` says that it is not wanted any more. It is asked again and again, at least
/// once for each decision of the solver, and must not take it back.
///
/// # Errors
/// [`Stopped`] when it was; what had been found until then is no verdict.
pub fn compare_until(
    parent: &Design,
    child: &Design,
    cells: &LibraryIndex,
    budget: &Budget,
    is_stopped: &dyn Fn() -> bool,
) -> Result<Report, Stopped> {
    let mut cost = Cost::default();
    let verdict = settle(parent, child, cells, budget, is_stopped, &mut cost);
    // Asked last, so that no verdict is given that a stop had a part in.
    match is_stopped() {
        true => Err(Stopped),
        false => Ok(Report { verdict, cost }),
    }
}

fn settle(
    parent: &Design,
    child: &Design,
    cells: &LibraryIndex,
    budget: &Budget,
    is_stopped: IsStopped<'_>,
    cost: &mut Cost,
) -> Verdict {
    for (design, side) in [(parent, Side::Parent), (child, Side::Child)] {
        if let Some(name) = ambiguous_name(design) {
            return undecided(Reason::AmbiguousName { name, side });
        }
    }
    let mut graph = LogicGraph::default();
    let before = graph.add(parent, cells);
    let after = graph.add(child, cells);
    let matched = match Matched::new(&before, &after) {
        Ok(matched) => matched,
        Err(reason) => return undecided(reason),
    };
    cost.points = matched.points;
    cost.by_structure = matched.points - matched.open.len();
    if matched.open.is_empty() {
        return Verdict::Equal;
    }
    let common = common(parent, child, cells, &before, &after);
    let mut cones = Cones::new(&graph, &common);
    let mut points = points(&matched, parent, &before, &after, &mut cones);
    let consistent = cones.states_are_consistent();
    for point in &mut points {
        let (left, right) = point.pair;
        point.pair = (
            cones.aig.and(consistent, left),
            cones.aig.and(consistent, right),
        );
    }
    let netlists = [Netlist::new(parent, cells), Netlist::new(child, cells)];
    cost.cells = netlists
        .iter()
        .map(|netlist| {
            let ends = matched.open.iter();
            let roots = ends.filter_map(|end| netlist.net_of(end));
            netlist.gates_behind(roots).len()
        })
        .sum();
    cost.nodes = cones.aig.len();
    let mut sweep = Sweep::new(budget, points.len(), is_stopped);
    let verdict = prove(&points, &cones, &netlists, &mut sweep, cost);
    if verdict == Verdict::Equal {
        cost.by_proof = matched.open.len();
    }
    verdict
}

const fn undecided(reason: Reason) -> Verdict {
    Verdict::Undecided { reason }
}

/// A name that two ports or two leaf instances of one design have.
fn ambiguous_name(design: &Design) -> Option<String> {
    let mut ports = HashSet::new();
    let mut instances = HashSet::new();
    let ports = (design.ports.iter().map(|port| &port.name)).find(|name| !ports.insert(*name));
    let leaves = design.instances.iter().filter(|instance| instance.is_leaf);
    let instances = leaves
        .map(|leaf| &leaf.name)
        .find(|name| !instances.insert(*name));
    ports.or(instances).cloned()
}

/// The ends of both designs, matched by name.
struct Matched {
    /// Ports and pins that both designs have.
    points: usize,
    /// Those of them that structure leaves open.
    open: Vec<EndName>,
}

impl Matched {
    fn new(before: &LogicEnds, after: &LogicEnds) -> Result<Self, Reason> {
        let mut matched = Self {
            points: 0,
            open: Vec::new(),
        };
        let names: BTreeSet<&EndName> = before.ends.keys().chain(after.ends.keys()).collect();
        for name in names {
            let (left, right) = match (before.ends.get(name), after.ends.get(name)) {
                (Some(left), Some(right)) => (left, right),
                (left, _) => {
                    let side = match left {
                        Some(_) => Side::Parent,
                        None => Side::Child,
                    };
                    let end = name.to_string();
                    return Err(Reason::Unmatched { end, side });
                }
            };
            if left.behaviour != right.behaviour {
                let end = name.to_string();
                return Err(Reason::Unlike { end });
            }
            if left.value.is_none() && right.value.is_none() {
                continue;
            }
            matched.points += 1;
            if left.value != right.value {
                matched.open.push(name.clone());
            }
        }
        Ok(matched)
    }
}

/// What both designs have in common and hold the same way.
fn common(
    parent: &Design,
    child: &Design,
    cells: &LibraryIndex,
    before: &LogicEnds,
    after: &LogicEnds,
) -> Common {
    let mut common = Common::default();
    for name in before.ends.keys() {
        match name {
            EndName::Port(port) => drop(common.ports.insert(port.clone())),
            EndName::Instance(instance) => {
                // A gate in a loop holds nothing that an assignment may choose.
                let is_cut =
                    before.cut_loops.contains(instance) || after.cut_loops.contains(instance);
                let cell = |design: &Design| Some(design.instance(instance)?.cell.clone());
                let (Some(left), Some(right)) = (cell(parent), cell(child)) else {
                    continue;
                };
                if !is_cut && holds_state(&left, cells) && holds_state(&right, cells) {
                    let register = Register::of(&left, cells);
                    let same = register == Register::of(&right, cells);
                    common
                        .holders
                        .insert(instance.clone(), register.filter(|_| same));
                }
            }
            EndName::Pin(..) => {}
        }
    }
    common
}

fn holds_state(cell: &str, cells: &LibraryIndex) -> bool {
    cells
        .cell(cell)
        .is_some_and(|cell| !cell.storage.is_empty() || cell.clock_gate.is_some() || cell.is_macro)
}

/// Something that must be equal in both designs.
struct Point {
    end: EndName,
    /// What is compared at a register: one of its functions, rather than a pin.
    function: Option<RegisterFunction>,
    pair: Pair,
}

/// A function of a register's pins and state.
#[derive(Clone)]
struct RegisterFunction {
    register: Register,
    table: TruthTable,
    /// Whether it counts only where the register takes its data.
    is_data: bool,
}

/// The points that are to be proved: ports and pins themselves, and of registers whose functions are known
/// in full what they make of their pins.
fn points(
    matched: &Matched,
    parent: &Design,
    before: &LogicEnds,
    after: &LogicEnds,
    cones: &mut Cones<'_>,
) -> Vec<Point> {
    let mut points = Vec::new();
    let mut registers = BTreeSet::new();
    for end in &matched.open {
        let register = match end {
            EndName::Pin(instance, _) => cones.register(instance).map(|known| (instance, known)),
            _ => None,
        };
        if let Some((instance, register)) = register {
            if registers.insert(instance.clone()) {
                register_points(
                    instance,
                    &register,
                    parent,
                    [before, after],
                    cones,
                    &mut points,
                );
            }
            continue;
        }
        let mut literal = |ends: &LogicEnds| match ends.ends[end].value {
            Some(value) => cones.literal(value),
            None => Literal::FALSE,
        };
        let pair = (literal(before), literal(after));
        points.push(Point {
            end: end.clone(),
            function: None,
            pair,
        });
    }
    points
}

fn register_points(
    instance: &str,
    register: &Register,
    parent: &Design,
    designs: [&LogicEnds; 2],
    cones: &mut Cones<'_>,
    points: &mut Vec<Point>,
) {
    let mut tables: Vec<(TruthTable, bool)> = Vec::new();
    tables.extend(register.controls.iter().map(|table| (table.clone(), false)));
    tables.push((register.data.clone(), true));
    for (table, is_data) in tables {
        let [left, right] = designs.map(|ends| {
            let value = register_value(instance, register, &table, ends, cones);
            match is_data {
                true => {
                    let taken = taken(instance, register, ends, cones);
                    cones.aig.and(taken, value)
                }
                false => value,
            }
        });
        // The pin by which people know the function: the first that it looks at.
        let pins = table.inputs().iter();
        let pin = pins.clone().find(|pin| register.state(pin).is_none());
        let of_parent = parent
            .instance(instance)
            .and_then(|instance| instance.pins.first());
        let pin = pin
            .cloned()
            .or_else(|| of_parent.map(|connection| connection.pin.clone()))
            .unwrap_or_default();
        points.push(Point {
            end: EndName::Pin(instance.to_owned(), pin),
            function: Some(RegisterFunction {
                register: register.clone(),
                table,
                is_data,
            }),
            pair: (left, right),
        });
    }
}

/// A node that holds where a register takes its data.
fn taken(instance: &str, register: &Register, ends: &LogicEnds, cones: &mut Cones<'_>) -> Literal {
    let mut taken = Literal::TRUE;
    for table in &register.overrides {
        let overridden = register_value(instance, register, table, ends, cones);
        taken = cones.aig.and(taken, !overridden);
    }
    if let Some(enable) = &register.enable {
        let enabled = register_value(instance, register, enable, ends, cones);
        taken = cones.aig.and(taken, enabled);
    }
    taken
}

/// The node of a function of a register's pins and state.
fn register_value(
    instance: &str,
    register: &Register,
    table: &TruthTable,
    ends: &LogicEnds,
    cones: &mut Cones<'_>,
) -> Literal {
    let rows: Vec<bool> = (0..1 << table.inputs().len())
        .map(|row| table.value(row))
        .collect();
    let inputs: Vec<Literal> = table
        .inputs()
        .iter()
        .map(|name| match register.state(name) {
            Some((state, inverted)) => cones.state(instance, register, state).inverted_if(inverted),
            None => {
                let pin = EndName::Pin(instance.to_owned(), name.clone());
                let value: Option<Value> = ends.ends.get(&pin).and_then(|end| end.value);
                match value {
                    Some(value) => cones.literal(value),
                    // A pin that is not connected may have any value.
                    None => cones.unknown(),
                }
            }
        })
        .collect();
    cones.aig.table(&inputs, &rows)
}

fn prove(
    points: &[Point],
    cones: &Cones<'_>,
    netlists: &[Netlist<'_>; 2],
    sweep: &mut Sweep<'_>,
    cost: &mut Cost,
) -> Verdict {
    let pairs: Vec<Pair> = points.iter().map(|point| point.pair).collect();
    sweep.try_random(&cones.aig, &pairs);
    let mut reason = None;
    let shown = |sweep: &Sweep<'_>| {
        let seen = sweep.seen_differing.iter().zip(points);
        seen.filter_map(|(values, point)| Some((values.as_ref()?, point)))
            .find_map(|(values, point)| counterexample(point, values, cones, netlists))
    };
    if let Some(counterexample) = shown(sweep) {
        note_effort(sweep, cost);
        return Verdict::Different { counterexample };
    }
    sweep.run(&cones.aig, &pairs);
    if let Some(counterexample) = shown(sweep) {
        note_effort(sweep, cost);
        return Verdict::Different { counterexample };
    }
    for point in points {
        let (answer, values) = sweep.settle(point.pair, cones.source_count());
        note_effort(sweep, cost);
        match answer {
            Answer::Never => {}
            Answer::Sometimes => match counterexample(point, &values, cones, netlists) {
                Some(counterexample) => return Verdict::Different { counterexample },
                None => {
                    reason = reason.or_else(|| {
                        Some(Reason::Unmodelled {
                            end: point.end.to_string(),
                        })
                    })
                }
            },
            Answer::Unknown => {
                let end = point.end.to_string();
                reason = reason.or(Some(Reason::BudgetExhausted { end }));
            }
        }
    }
    reason.map_or(Verdict::Equal, undecided)
}

fn note_effort(sweep: &Sweep<'_>, cost: &mut Cost) {
    let effort = sweep.effort();
    cost.sat_calls = effort.calls;
    cost.conflicts = effort.conflicts;
    cost.steps = effort.steps;
}

/// The difference at a point under these values of the sources, when both netlists show it.
fn counterexample(
    point: &Point,
    values: &[bool],
    cones: &Cones<'_>,
    netlists: &[Netlist<'_>; 2],
) -> Option<Counterexample> {
    let assignment = cones.assignment(values)?;
    let mut sources: BTreeMap<String, bool> = BTreeMap::new();
    let mut value_in = |netlist: &Netlist<'_>| {
        let mut evaluation = Evaluation::new(netlist, &assignment);
        let value = match &point.function {
            None => evaluation.at(&point.end),
            Some(function) => function.value_in(&mut evaluation, netlist, &point.end),
        };
        let used = evaluation.used.iter();
        sources.extend(used.map(|(source, value)| (source.to_string(), *value)));
        value
    };
    let (parent, child) = (value_in(&netlists[0])?, value_in(&netlists[1])?);
    (parent != child).then(|| Counterexample {
        end: point.end.to_string(),
        parent,
        child,
        sources,
    })
}

impl RegisterFunction {
    /// The value of the function in a netlist; `None` where it is not known, or does not count.
    fn value_in(
        &self,
        evaluation: &mut Evaluation<'_, '_, '_>,
        netlist: &Netlist<'_>,
        end: &EndName,
    ) -> Option<bool> {
        let EndName::Pin(instance, _) = end else {
            return None;
        };
        let instance = netlist.instance(instance)?;
        if self.is_data {
            for table in &self.register.overrides {
                if evaluation.register(instance, &self.register, table)? {
                    return None;
                }
            }
            if let Some(enable) = &self.register.enable
                && !evaluation.register(instance, &self.register, enable)?
            {
                return None;
            }
        }
        evaluation.register(instance, &self.register, &self.table)
    }
}
