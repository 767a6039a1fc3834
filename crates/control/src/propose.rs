//! Which trials a stage proposes: ECOs × parameters × parents, deterministic from the study's seed.
//!
//! Where all combinations fit the stage's budget they are all tried, in the order of the file. Where
//! they do not, every pair of ECO and parent gets its turn in rotation, and each draws its parameters
//! without replacement. Chance is BLAKE3 keyed by seed, stage, ECO and parent position: no generator
//! state, so what one pair draws does not depend on another.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use noodle2_model::{
    CaseName, Containment, ContentHash, EcoDefinition, EcoProposal, ParameterValue, Parameters,
    ProposerKind, Stage, StageEco, StageIndex, StageInput, Veto,
};

use crate::recipe::{AxisValues, Recipe, rounded};

/// Combinations up to this many are shuffled whole; beyond it they are drawn and repeats dropped.
const SHUFFLE_LIMIT: u128 = 1 << 16;

/// Draws without anything new after which a pair of ECO and parent counts as exhausted.
const FRUITLESS_DRAWS: usize = 64;

/// What the proposals of a stage depend on.
pub(crate) struct ProposalContext<'a> {
    pub seed: u64,
    pub index: StageIndex,
    /// What may be tried.
    pub recipes: &'a [Recipe<'a>],
    pub inputs: &'a [StageInput],
    /// The design of each input.
    pub designs: &'a [ContentHash],
    /// What ancestors of the stage have tried already.
    pub tried: BTreeSet<TrialKey>,
    /// What the stage itself has tried already.
    pub own: BTreeSet<TrialKey>,
    /// What is contained: not proposed any more.
    pub contained: &'a [Containment],
    /// How many trials may be proposed.
    pub budget: usize,
    /// What evidence keeps out on some inputs.
    pub vetoed: &'a [Veto],
}

/// A trial that a stage is to make.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Planned {
    pub parent: CaseName,
    pub eco: Arc<EcoProposal>,
    pub reason: Option<String>,
}

/// What makes two trials the same: parent design, ECO with its content, parameters; as their hash.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) struct TrialKey(ContentHash);

impl From<(CaseName, EcoProposal)> for Planned {
    fn from((parent, eco): (CaseName, EcoProposal)) -> Self {
        Self {
            parent,
            eco: Arc::new(eco),
            reason: None,
        }
    }
}

impl TrialKey {
    pub fn new(design: ContentHash, eco: &EcoProposal) -> Self {
        let mut hasher = blake3::Hasher::new();
        hasher.update(design.as_bytes());
        hasher.update(eco.content.as_bytes());
        let steps = eco.sequence.iter().map(|step| &step.parameters);
        for parameters in std::iter::once(&eco.parameters).chain(steps) {
            hasher.update(parameter_text(parameters).as_bytes());
        }
        Self(ContentHash::from_bytes(*hasher.finalize().as_bytes()))
    }
}

fn parameter_text(parameters: &Parameters) -> String {
    serde_json::to_string(parameters).expect("parameters are plain data")
}

/// In which order a pair gives its combinations.
enum Order {
    /// As the file has them, from this one on.
    File(u128),
    /// Shuffled; the last comes next.
    Shuffled(Vec<u128>),
    /// Drawn one by one, so many times so far.
    Drawn(u64),
}

/// One recipe on one of the stage's inputs: gives proposals until none are left.
pub(crate) struct Pair<'a> {
    recipe: &'a Recipe<'a>,
    pub input: usize,
    combinations: Option<u128>,
    order: Order,
    key: [u8; 32],
    pub exhausted: bool,
}

/// The trials that a stage proposes at its start: all combinations in the order of the file where they fit or
/// are asked for, else seeded draws in rotation.
pub(crate) fn propose(context: &ProposalContext<'_>, kind: ProposerKind) -> Vec<Planned> {
    let mut pairs = context.pairs();
    let total = pairs.iter().try_fold(0_u128, |sum, pair| {
        pair.combinations.map(|count| sum.saturating_add(count))
    });
    let in_order = match kind {
        ProposerKind::Grid => total.is_some(),
        ProposerKind::Random => false,
        _ => total.is_some_and(|total| total <= context.budget as u128),
    };
    if in_order {
        pairs.iter_mut().for_each(Pair::keep_file_order);
        return collect(context, pairs, usize::MAX);
    }
    collect(context, pairs, 1)
}

/// The next round of a bandit: for each place in it every ECO's chance to improve on its parent is drawn from
/// what is known of it, and the one with the best draw gets the place (Thompson 1933, as in Chapelle and Li,
/// *An empirical evaluation of Thompson sampling*, NIPS 2011). `evidence` counts, for each ECO, the trials
/// that improved on their parents and those that did not; a chance is drawn from Beta(1 + improved, 1 + not).
pub(crate) fn bandit(
    context: &ProposalContext<'_>,
    round: u32,
    evidence: &BTreeMap<&str, (u32, u32)>,
) -> Vec<Planned> {
    let mut pairs = context.pairs();
    let mut seen = context.seen();
    let mut proposals = Vec::new();
    while proposals.len() < context.budget && pairs.iter().any(|pair| !pair.exhausted) {
        let draw = |arm: usize, pair: &Pair<'_>| {
            let name = pair.recipe.name;
            let (improved, not) = evidence.get(name).copied().unwrap_or_default();
            let key = format!(
                "noodle2 bandit {} {} {round} {} {arm} {name}",
                context.seed,
                context.index,
                proposals.len()
            );
            beta(improved, not, &key)
        };
        let arms = pairs.iter().enumerate().filter(|(_, pair)| !pair.exhausted);
        let drawn = arms.map(|(arm, pair)| (arm, draw(arm, pair)));
        let best =
            drawn.max_by(|left, right| left.1.total_cmp(&right.1).then(right.0.cmp(&left.0)));
        let Some((arm, chance)) = best else {
            break;
        };
        let pair = &mut pairs[arm];
        if let Some(eco) = pair.next(context, &mut seen) {
            let (improved, not) = evidence.get(pair.recipe.name).copied().unwrap_or_default();
            let reason = format!(
                "bandit, round {round}: {improved} of {} known trials improved; drew {chance:.3}, the highest",
                improved + not
            );
            proposals.push(context.planned(pair.input, eco, Some(reason)));
        }
    }
    proposals
}

/// A draw from Beta(1 + improved, 1 + not): the (1 + improved)-th smallest of 1 + improved + not uniform
/// draws (Devroye, *Non-Uniform Random Variate Generation*, 1986, IX.3).
fn beta(improved: u32, not: u32, key: &str) -> f64 {
    let mut reader = blake3::Hasher::new().update(key.as_bytes()).finalize_xof();
    let mut draws: Vec<f64> = (0..=u64::from(improved) + u64::from(not))
        .map(|_| {
            let mut bytes = [0; 8];
            reader.fill(&mut bytes);
            (u64::from_le_bytes(bytes) >> 11) as f64 / (1_u64 << 53) as f64
        })
        .collect();
    draws.sort_by(f64::total_cmp);
    draws[improved as usize]
}

/// Takes up to `turn` proposals of each pair in rotation until the budget is spent or nothing is left.
fn collect(context: &ProposalContext<'_>, mut pairs: Vec<Pair<'_>>, turn: usize) -> Vec<Planned> {
    let mut seen = context.seen();
    let mut proposals = Vec::new();
    while proposals.len() < context.budget && pairs.iter().any(|pair| !pair.exhausted) {
        for pair in &mut pairs {
            for _ in 0..turn.min(context.budget - proposals.len()) {
                let Some(eco) = pair.next(context, &mut seen) else {
                    break;
                };
                proposals.push(context.planned(pair.input, eco, None));
            }
        }
    }
    proposals
}

/// How many different trials a stage could propose for each of its inputs; `None` when a parameter is
/// sampled from a continuous range and there is no end to them.
pub fn proposal_count(stage: &Stage, ecos: &BTreeMap<String, EcoDefinition>) -> Option<u128> {
    stage.ecos.iter().try_fold(0_u128, |sum, eco: &StageEco| {
        Some(sum.saturating_add(Recipe::new(eco, ecos)?.combinations()?))
    })
}

impl<'a> ProposalContext<'a> {
    /// Every recipe that may be tried, on every input where it may.
    pub fn pairs(&self) -> Vec<Pair<'a>> {
        let mut pairs = Vec::new();
        for (entry, recipe) in self.recipes.iter().enumerate() {
            let inputs = (0..self.inputs.len()).filter(|input| self.is_open(recipe, *input));
            pairs.extend(inputs.map(|input| self.pair(entry, recipe, input)));
        }
        pairs
    }

    /// One recipe on one input; `entry` is its place in the stage, by which it draws.
    pub fn pair(&self, entry: usize, recipe: &'a Recipe<'a>, input: usize) -> Pair<'a> {
        let text = format!(
            "noodle2 proposal {} {} {entry} {} {input}",
            self.seed, self.index, recipe.name
        );
        Pair::new(recipe, input, *blake3::hash(text.as_bytes()).as_bytes())
    }

    /// Whether a recipe may be tried on an input: it is not contained, and no evidence speaks against it.
    pub fn is_open(&self, recipe: &Recipe<'_>, input: usize) -> bool {
        let mut contained = self.contained.iter();
        let mut vetoed = self.vetoed.iter();
        let case = &self.inputs[input].case;
        !contained.any(|containment| recipe.is_kept_out(containment))
            && !vetoed.any(|veto| veto.case == *case && recipe.holds(&veto.eco))
    }

    /// What is not proposed again.
    pub fn seen(&self) -> BTreeSet<TrialKey> {
        self.tried.union(&self.own).cloned().collect()
    }

    pub fn planned(&self, input: usize, eco: EcoProposal, reason: Option<String>) -> Planned {
        Planned {
            parent: self.inputs[input].case.clone(),
            eco: Arc::new(eco),
            reason,
        }
    }
}

impl<'a> Pair<'a> {
    fn new(recipe: &'a Recipe<'a>, input: usize, key: [u8; 32]) -> Self {
        let combinations = recipe.combinations();
        let has_empty_axis = recipe
            .axes
            .iter()
            .any(|axis| matches!(&axis.values, AxisValues::Listed(values) if values.is_empty()));
        let order = match combinations.filter(|count| *count <= SHUFFLE_LIMIT) {
            Some(count) => {
                let mut order: Vec<u128> = (0..count).collect();
                order.sort_by_cached_key(|number| pair_hash(&key, *number as u64, "shuffle"));
                order.reverse();
                Order::Shuffled(order)
            }
            None => Order::Drawn(0),
        };
        Self {
            recipe,
            input,
            combinations,
            order,
            key,
            exhausted: combinations == Some(0) || has_empty_axis,
        }
    }

    fn keep_file_order(&mut self) {
        if self.combinations.is_some() {
            self.order = Order::File(0);
        }
    }

    /// The next proposal that was not seen yet, or `None` when there is none.
    pub fn next(
        &mut self,
        context: &ProposalContext<'_>,
        seen: &mut BTreeSet<TrialKey>,
    ) -> Option<EcoProposal> {
        let mut fruitless = 0;
        while !self.exhausted {
            let Some(given) = self.next_values() else {
                break;
            };
            let proposal = self.recipe.proposal(&given);
            if seen.insert(TrialKey::new(context.designs[self.input], &proposal)) {
                return Some(proposal);
            }
            fruitless += 1;
            // Draws of earlier rounds come again: they do not tell that nothing is left.
            let patience = FRUITLESS_DRAWS + context.own.len();
            if matches!(self.order, Order::Drawn(_)) && fruitless >= patience {
                break;
            }
        }
        self.exhausted = true;
        None
    }

    fn next_values(&mut self) -> Option<Parameters> {
        match &mut self.order {
            Order::File(next) => {
                let number = *next;
                *next += 1;
                (Some(number) < self.combinations).then(|| self.recipe.combination(number))
            }
            Order::Shuffled(order) => order.pop().map(|number| self.recipe.combination(number)),
            Order::Drawn(draws) => {
                *draws += 1;
                let draw = *draws;
                Some(self.draw(draw))
            }
        }
    }

    fn draw(&self, draw: u64) -> Parameters {
        self.recipe
            .axes
            .iter()
            .filter_map(|axis| {
                let hash = pair_hash(&self.key, draw, &axis.name);
                let chance = u64::from_le_bytes(hash[..8].try_into().ok()?);
                let value = match &axis.values {
                    AxisValues::Listed(values) => {
                        values[(chance % values.len() as u64) as usize].clone()
                    }
                    AxisValues::Sampled { from, to } => {
                        let share = (chance >> 11) as f64 / (1_u64 << 53) as f64;
                        let value = rounded(from + share * (to - from), 6);
                        ParameterValue::Real(value.clamp(*from, *to))
                    }
                };
                Some((axis.name.clone(), value))
            })
            .collect()
    }
}

fn pair_hash(key: &[u8; 32], number: u64, word: &str) -> [u8; 32] {
    let mut hasher = blake3::Hasher::new_keyed(key);
    hasher.update(&number.to_le_bytes());
    hasher.update(word.as_bytes());
    *hasher.finalize().as_bytes()
}
