//! Which trials a stage proposes: ECOs × parameters × parents, deterministic from the study's seed.
//!
//! Where all combinations fit the stage's budget they are all tried, in the order of the file. Where
//! they do not, every pair of ECO and parent gets its turn in rotation, and each draws its parameters
//! without replacement. Chance is BLAKE3 keyed by seed, stage, ECO and parent position: no generator
//! state, so what one pair draws does not depend on another.

use std::collections::{BTreeMap, BTreeSet};

use noodle2_model::{
    CaseName, Containment, ContentHash, EcoDefinition, EcoProposal, ParameterDomain, ParameterKind,
    ParameterValue, Parameters, ProposerKind, Stage, StageEco, StageIndex, StageInput, Veto,
};

/// Combinations up to this many are shuffled whole; beyond it they are drawn and repeats dropped.
const SHUFFLE_LIMIT: u128 = 1 << 16;

/// Draws without anything new after which a pair of ECO and parent counts as exhausted.
const FRUITLESS_DRAWS: u32 = 64;

/// What the proposals of a stage depend on.
pub(crate) struct ProposalContext<'a> {
    /// How many may be proposed.
    pub budget: usize,
    pub seed: u64,
    pub index: StageIndex,
    pub stage: &'a Stage,
    pub ecos: &'a BTreeMap<String, EcoDefinition>,
    pub inputs: &'a [StageInput],
    /// The design of each input.
    pub designs: &'a [ContentHash],
    /// What ancestors of the stage have tried already.
    pub tried: BTreeSet<TrialKey>,
    /// What ancestors of the stage contain: not proposed any more.
    pub contained: &'a [Containment],
    /// What evidence keeps out on some inputs.
    pub vetoed: &'a [Veto],
}

/// What makes two trials the same: parent design, ECO with its content, parameters.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) struct TrialKey {
    design: ContentHash,
    eco: ContentHash,
    parameters: String,
}

impl TrialKey {
    pub fn new(design: ContentHash, eco: &EcoProposal) -> Self {
        Self {
            design,
            eco: eco.content,
            parameters: parameter_text(&eco.parameters),
        }
    }
}

fn parameter_text(parameters: &Parameters) -> String {
    serde_json::to_string(parameters).expect("parameters are plain data")
}

/// One ECO of the stage on one of its inputs: draws parameters until none are left.
struct Pair<'a> {
    definition: &'a EcoDefinition,
    input: usize,
    axes: Vec<(&'a str, Axis)>,
    /// All combinations, or `None` when a parameter is sampled from a continuous range.
    combinations: Option<u128>,
    /// Whether `order` holds all combinations; else they are drawn one by one.
    is_listed: bool,
    order: Vec<u128>,
    key: [u8; 32],
    draws: u64,
    exhausted: bool,
}

/// The values of one parameter.
enum Axis {
    Listed(Vec<ParameterValue>),
    Sampled { from: f64, to: f64 },
}

/// The trials that a stage proposes, in proposal order: parent and ECO.
pub(crate) fn propose(context: &ProposalContext<'_>) -> Vec<(CaseName, EcoProposal)> {
    let budget = context.budget;
    let mut pairs = pairs_of(context);
    let total = pairs.iter().try_fold(0_u128, |sum, pair| {
        pair.combinations.map(|count| sum.saturating_add(count))
    });
    let fits = total.is_some_and(|total| total <= budget as u128);
    let in_order = match context.stage.proposer.kind {
        ProposerKind::Grid => total.is_some(),
        ProposerKind::Random => false,
        _ => fits,
    };
    if in_order {
        pairs.iter_mut().for_each(Pair::keep_file_order);
        return collect(context, pairs, budget, usize::MAX);
    }
    collect(context, pairs, budget, 1)
}

/// The next round of a bandit: for each place in it every ECO's chance to improve on its parent is drawn from
/// what is known of it, and the one with the best draw gets the place (Thompson 1933, as in Chapelle and Li,
/// *An empirical evaluation of Thompson sampling*, NIPS 2011). `evidence` counts, for each ECO, the trials
/// that improved on their parents and those that did not; a chance is drawn from Beta(1 + improved, 1 + not).
pub(crate) fn bandit(
    context: &ProposalContext<'_>,
    round: u32,
    size: usize,
    evidence: &BTreeMap<&str, (u32, u32)>,
) -> Vec<(CaseName, EcoProposal)> {
    let mut pairs = pairs_of(context);
    let mut seen = context.tried.clone();
    let mut proposals = Vec::new();
    while proposals.len() < size && pairs.iter().any(|pair| !pair.exhausted) {
        let draw = |arm: usize, pair: &Pair<'_>| {
            let name = pair.definition.manifest.name.as_str();
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
        let Some((arm, _)) = best else {
            break;
        };
        let pair = &mut pairs[arm];
        if let Some(eco) = pair.next(context.designs[pair.input], &mut seen) {
            proposals.push((context.inputs[pair.input].case.clone(), eco));
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

/// Every ECO of the stage on every input, but for what is contained.
fn pairs_of<'a>(context: &ProposalContext<'a>) -> Vec<Pair<'a>> {
    let mut pairs: Vec<Pair<'a>> = Vec::new();
    for (entry, eco) in context.stage.ecos.iter().enumerate() {
        let Some(definition) = context.ecos.get(&eco.name) else {
            continue;
        };
        let keeps_out = |containment: &Containment| {
            containment.keeps_out(&definition.manifest.name, definition.manifest.class)
        };
        if context.contained.iter().any(keeps_out) {
            continue;
        }
        let is_vetoed = |input: &StageInput| {
            let mut vetoed = context.vetoed.iter();
            vetoed.any(|veto| veto.eco == eco.name && veto.case == input.case)
        };
        for (input, given) in context.inputs.iter().enumerate() {
            if is_vetoed(given) {
                continue;
            }
            pairs.push(Pair::new(context, entry, eco, definition, input));
        }
    }
    pairs
}

/// Takes up to `turn` proposals of each pair in rotation until the budget is spent or nothing is left.
fn collect(
    context: &ProposalContext<'_>,
    mut pairs: Vec<Pair<'_>>,
    budget: usize,
    turn: usize,
) -> Vec<(CaseName, EcoProposal)> {
    let mut seen = context.tried.clone();
    let mut proposals = Vec::new();
    while proposals.len() < budget && pairs.iter().any(|pair| !pair.exhausted) {
        for pair in &mut pairs {
            for _ in 0..turn.min(budget - proposals.len()) {
                let design = context.designs[pair.input];
                let Some(eco) = pair.next(design, &mut seen) else {
                    break;
                };
                proposals.push((context.inputs[pair.input].case.clone(), eco));
            }
        }
    }
    proposals
}

/// How many different trials a stage could propose for each of its inputs; `None` when a parameter is
/// sampled from a continuous range and there is no end to them.
pub fn proposal_count(stage: &Stage, ecos: &BTreeMap<String, EcoDefinition>) -> Option<u128> {
    stage.ecos.iter().try_fold(0_u128, |sum, eco| {
        let definition = ecos.get(&eco.name)?;
        Some(sum.saturating_add(combinations(&axes(eco, definition))?))
    })
}

fn axes<'a>(eco: &'a StageEco, definition: &EcoDefinition) -> Vec<(&'a str, Axis)> {
    eco.parameters
        .iter()
        .filter_map(|(name, domain)| {
            let spec = definition.manifest.parameters.get(name)?;
            Some((name.as_str(), axis(domain, &spec.kind)))
        })
        .collect()
}

fn axis(domain: &ParameterDomain, kind: &ParameterKind) -> Axis {
    let admit = |value: &ParameterValue| kind.admit(value);
    match domain {
        ParameterDomain::Value(value) => Axis::Listed(admit(value).into_iter().collect()),
        ParameterDomain::Values(values) => Axis::Listed(values.iter().filter_map(admit).collect()),
        ParameterDomain::Range { from, to, step } => {
            let whole = matches!(kind, ParameterKind::Integer { .. });
            match step.or(whole.then_some(1.0)) {
                None => Axis::Sampled {
                    from: *from,
                    to: *to,
                },
                Some(step) => Axis::Listed(stepped(*from, *to, step, whole)),
            }
        }
    }
}

/// The points from `from` to `to`. Each is computed from its number, so that no error accumulates,
/// and rounded to nine digits, so that 0.1 + 2 × 0.1 is written as 0.3.
fn stepped(from: f64, to: f64, step: f64, whole: bool) -> Vec<ParameterValue> {
    let last = ((to - from) / step + 1e-9).floor().max(0.0) as u64;
    (0..=last)
        .map(|number| {
            let value = rounded(from + number as f64 * step, 9);
            if whole {
                ParameterValue::Integer(value as i64)
            } else {
                ParameterValue::Real(value)
            }
        })
        .collect()
}

fn rounded(value: f64, digits: usize) -> f64 {
    format!("{value:.*e}", digits - 1).parse().unwrap_or(value)
}

fn combinations(axes: &[(&str, Axis)]) -> Option<u128> {
    axes.iter()
        .try_fold(1_u128, |product, (_, axis)| match axis {
            Axis::Listed(values) => Some(product.saturating_mul(values.len() as u128)),
            Axis::Sampled { .. } => None,
        })
}

impl<'a> Pair<'a> {
    fn new(
        context: &ProposalContext<'a>,
        entry: usize,
        eco: &'a StageEco,
        definition: &'a EcoDefinition,
        input: usize,
    ) -> Self {
        let axes = axes(eco, definition);
        let key = *blake3::hash(
            format!(
                "noodle2 proposal {} {} {entry} {} {input}",
                context.seed, context.index, eco.name
            )
            .as_bytes(),
        )
        .as_bytes();
        let combinations = combinations(&axes);
        let has_empty_axis = axes
            .iter()
            .any(|(_, axis)| matches!(axis, Axis::Listed(values) if values.is_empty()));
        let mut pair = Self {
            definition,
            input,
            axes,
            combinations,
            is_listed: combinations.is_some_and(|count| count <= SHUFFLE_LIMIT),
            order: Vec::new(),
            key,
            draws: 0,
            exhausted: combinations == Some(0) || has_empty_axis,
        };
        if let Some(count) = combinations.filter(|count| *count <= SHUFFLE_LIMIT) {
            pair.order = (0..count).collect();
            pair.order
                .sort_by_cached_key(|number| pair_hash(&pair.key, *number as u64, "shuffle"));
            pair.order.reverse();
        }
        pair
    }

    fn keep_file_order(&mut self) {
        self.is_listed = true;
        self.order = (0..self.combinations.unwrap_or(0)).rev().collect();
    }

    /// The next proposal that was not seen yet, or `None` when there is none.
    fn next(&mut self, design: ContentHash, seen: &mut BTreeSet<TrialKey>) -> Option<EcoProposal> {
        let listed = self.is_listed;
        let mut fruitless = 0;
        while !self.exhausted {
            let given = if listed {
                match self.order.pop() {
                    Some(number) => self.combination(number),
                    None => break,
                }
            } else {
                self.draws += 1;
                self.draw(self.draws)
            };
            let manifest = &self.definition.manifest;
            let proposal = EcoProposal {
                name: manifest.name.clone(),
                version: manifest.version,
                content: self.definition.content,
                class: manifest.class,
                parameters: manifest.complete(&given),
                composition: None,
            };
            if seen.insert(TrialKey::new(design, &proposal)) {
                return Some(proposal);
            }
            fruitless += 1;
            if !listed && fruitless == FRUITLESS_DRAWS {
                break;
            }
        }
        self.exhausted = true;
        None
    }

    /// The combination with this number, the last parameter running fastest.
    fn combination(&self, mut number: u128) -> Parameters {
        let mut parameters = Parameters::new();
        for (name, axis) in self.axes.iter().rev() {
            if let Axis::Listed(values) = axis {
                let count = values.len() as u128;
                parameters.insert(
                    (*name).to_owned(),
                    values[(number % count) as usize].clone(),
                );
                number /= count;
            }
        }
        parameters
    }

    fn draw(&self, draw: u64) -> Parameters {
        self.axes
            .iter()
            .filter_map(|(name, axis)| {
                let hash = pair_hash(&self.key, draw, name);
                let chance = u64::from_le_bytes(hash[..8].try_into().ok()?);
                let value = match axis {
                    Axis::Listed(values) => values[(chance % values.len() as u64) as usize].clone(),
                    Axis::Sampled { from, to } => {
                        let share = (chance >> 11) as f64 / (1_u64 << 53) as f64;
                        let value = rounded(from + share * (to - from), 6);
                        ParameterValue::Real(value.clamp(*from, *to))
                    }
                };
                Some(((*name).to_owned(), value))
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
