//! Asks the SAT solver about nodes of an [`Aig`], within limits that do not depend on the machine.

use batsat::{Callbacks, ClauseKind, Lit, Solver, SolverInterface, SolverOpts, Var, lbool};

use crate::aig::{Aig, Literal, Node};

/// Variables after which a solver makes place for a new one: answers of "yes" give every variable a value,
/// so that old ones cost time.
const MOST_VARIABLES: usize = 3_000;

/// What came of a question.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Answer {
    /// No assignment does it.
    Never,
    /// Some assignment does; [`Questions::value`] tells it.
    Sometimes,
    /// The limits were reached first.
    Unknown,
}

/// How much was asked.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Effort {
    pub(crate) calls: u64,
    pub(crate) conflicts: u64,
    pub(crate) steps: u64,
}

/// Stops the solver after a number of learnt clauses, which is the number of conflicts, or when it is asked to.
struct Limit<'b> {
    learnt: u64,
    most: u64,
    is_stopped: IsStopped<'b>,
}

/// Asked again and again while something is computed: whether somebody wants it to stop. Once it said so, it goes
/// on to say so.
pub(crate) type IsStopped<'b> = &'b dyn Fn() -> bool;

impl Callbacks for Limit<'_> {
    fn on_start(&mut self) {
        self.learnt = 0;
    }

    fn on_new_clause(&mut self, _: &[Lit], kind: ClauseKind) {
        if kind == ClauseKind::Learnt {
            self.learnt += 1;
        }
    }

    fn stop(&self) -> bool {
        self.learnt >= self.most || (self.is_stopped)()
    }
}

/// A solver with the part of a graph that was asked about.
pub(crate) struct Questions<'b> {
    solver: Solver<Limit<'b>>,
    is_stopped: IsStopped<'b>,
    /// By node.
    variables: Vec<Option<Var>>,
    loaded: Vec<u32>,
    pub(crate) effort: Effort,
}

impl<'b> Questions<'b> {
    pub(crate) fn new(is_stopped: IsStopped<'b>) -> Self {
        Self {
            solver: new_solver(is_stopped),
            is_stopped,
            variables: Vec::new(),
            loaded: Vec::new(),
            effort: Effort::default(),
        }
    }

    /// Whether all of `wanted` can hold at once, after at most `conflicts` conflicts.
    pub(crate) fn ask(&mut self, aig: &Aig, wanted: &[Literal], conflicts: u64) -> Answer {
        if wanted.contains(&Literal::FALSE) {
            return Answer::Never;
        }
        if self.loaded.len() > MOST_VARIABLES {
            for place in self.loaded.drain(..) {
                self.variables[place as usize] = None;
            }
            self.solver = new_solver(self.is_stopped);
        }
        self.variables.resize(aig.len(), None);
        let assumptions: Vec<Lit> = wanted
            .iter()
            .map(|literal| self.load(aig, *literal))
            .collect();
        let before = (self.solver.num_conflicts(), self.solver.num_propagations());
        self.solver.cb_mut().most = conflicts.max(1);
        let result = self.solver.solve_limited(&assumptions);
        self.effort.calls += 1;
        self.effort.conflicts += self.solver.num_conflicts() - before.0;
        self.effort.steps += self.solver.num_propagations() - before.1;
        match truth(result) {
            Some(true) => Answer::Sometimes,
            Some(false) => Answer::Never,
            None => Answer::Unknown,
        }
    }

    /// Tells the solver what was proved: that two nodes of the graph are equal.
    pub(crate) fn learn_equal(&mut self, aig: &Aig, left: Literal, right: Literal) {
        let (left, right) = (self.load(aig, left), self.load(aig, right));
        self.clause(&[!left, right]);
        self.clause(&[left, !right]);
    }

    /// The value of a node in the last assignment; `None` where it does not matter.
    pub(crate) fn value(&self, node: u32) -> Option<bool> {
        let variable = (*self.variables.get(node as usize)?)?;
        truth(self.solver.value_var(variable))
    }

    /// The nodes that the solver knows.
    pub(crate) fn loaded(&self) -> &[u32] {
        &self.loaded
    }

    fn clause(&mut self, literals: &[Lit]) {
        let mut literals = literals.to_vec();
        self.solver.add_clause_reuse(&mut literals);
    }

    fn variable(&mut self, node: u32, waiting: &mut Vec<u32>) -> Var {
        if let Some(variable) = self.variables[node as usize] {
            return variable;
        }
        let variable = self.solver.new_var_default();
        self.variables[node as usize] = Some(variable);
        self.loaded.push(node);
        self.effort.steps += 1;
        waiting.push(node);
        variable
    }

    fn load(&mut self, aig: &Aig, literal: Literal) -> Lit {
        let mut waiting = Vec::new();
        let variable = self.variable(literal.node(), &mut waiting);
        while let Some(place) = waiting.pop() {
            self.load_node(aig, place, &mut waiting);
        }
        Lit::new(variable, !literal.is_inverted())
    }

    fn load_node(&mut self, aig: &Aig, place: u32, waiting: &mut Vec<u32>) {
        let mut literal = |solver: &mut Self, literal: Literal| {
            let variable = solver.variable(literal.node(), waiting);
            Lit::new(variable, !literal.is_inverted())
        };
        let output = literal(self, Literal::of(place));
        match aig.node(place) {
            Node::Source(_) => {}
            Node::False => self.clause(&[!output]),
            Node::And(left, right) => match choice(aig, left, right) {
                Some((select, high, low)) => {
                    let select = literal(self, select);
                    let is_exclusive = high == !low;
                    let (high, low) = (literal(self, high), literal(self, low));
                    // The inverse of the choice.
                    self.clause(&[!select, !high, !output]);
                    self.clause(&[!select, high, output]);
                    self.clause(&[select, !low, !output]);
                    self.clause(&[select, low, output]);
                    if !is_exclusive {
                        self.clause(&[!high, !low, !output]);
                        self.clause(&[high, low, output]);
                    }
                }
                None => {
                    let (left, right) = (literal(self, left), literal(self, right));
                    self.clause(&[!output, left]);
                    self.clause(&[!output, right]);
                    self.clause(&[output, !left, !right]);
                }
            },
        }
    }
}

fn truth(value: lbool) -> Option<bool> {
    if value == lbool::TRUE {
        Some(true)
    } else if value == lbool::FALSE {
        Some(false)
    } else {
        None
    }
}

fn new_solver(is_stopped: IsStopped<'_>) -> Solver<Limit<'_>> {
    let limit = Limit {
        learnt: 0,
        most: 0,
        is_stopped,
    };
    Solver::new(SolverOpts::default(), limit)
}

/// Select, high and low where an and of `left` and `right` is the inverse of a choice between two.
fn choice(aig: &Aig, left: Literal, right: Literal) -> Option<(Literal, Literal, Literal)> {
    if !left.is_inverted() || !right.is_inverted() {
        return None;
    }
    let (Node::And(a, b), Node::And(c, d)) = (aig.node(left.node()), aig.node(right.node())) else {
        return None;
    };
    if a == !c {
        Some((a, b, d))
    } else if a == !d {
        Some((a, b, c))
    } else if b == !c {
        Some((b, a, d))
    } else if b == !d {
        Some((b, a, c))
    } else {
        None
    }
}
