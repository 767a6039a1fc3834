//! A seeded bandit: Thompson sampling (Thompson 1933; Chapelle and Li, "An Empirical Evaluation of Thompson
//! Sampling", 2011) over pairs of ECO and parent, in rounds.
//!
//! An arm is a pair of ECO and parent. A try is a success when its case is better than its parent by the
//! stage's objective; failures and trials without effect are none. With the uniform prior the chance of success
//! of an arm with `s` successes in `n` tries is distributed as Beta(1 + s, 1 + n − s). For each place in a
//! round every arm draws from its own, and the highest draw takes the place. Within a round nothing is learned:
//! that is what makes rounds independent of the order in which trials end.
//!
//! A draw from Beta(a, b) with whole a and b is the a-th smallest of a + b − 1 uniform numbers (David and
//! Nagaraja, "Order Statistics", 3rd edition, section 2.3). So it takes comparisons alone, and is the same to
//! the bit on every machine, which logarithms and roots are not.

use std::collections::BTreeMap;

use noodle2_model::BanditRules;

use crate::propose::{Pair, Planned, ProposalContext};

/// Evidence of more tries than this is scaled down to it: the draw is then as sharp as anyone needs.
const MOST_TRIES: u64 = 1000;

/// What is known of an arm.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ArmEvidence {
    /// Trials that ended.
    pub tries: u64,
    /// Those whose case was better than its parent.
    pub improved: u64,
}

impl ArmEvidence {
    /// Adds what is known from elsewhere.
    pub fn add(&mut self, other: Self) {
        self.tries += other.tries;
        self.improved += other.improved.min(other.tries);
    }

    /// The parameters of the distribution of its chance of success: Beta(a, b).
    fn beta(self) -> (u64, u64) {
        let (mut tries, mut improved) = (self.tries, self.improved.min(self.tries));
        if tries > MOST_TRIES {
            let scaled = u128::from(improved) * u128::from(MOST_TRIES) / u128::from(tries);
            improved = scaled as u64;
            tries = MOST_TRIES;
        }
        (1 + improved, 1 + tries - improved)
    }
}

/// What is known of the arms of a stage: of an ECO wherever it was tried before the stage, and of an ECO on
/// one input, by its position, within the stage.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct StageEvidence {
    /// By ECO: what was found before the stage.
    pub before: BTreeMap<String, ArmEvidence>,
    /// By ECO and position of the input: what the rounds of the stage itself found.
    pub within: BTreeMap<(String, usize), ArmEvidence>,
}

impl StageEvidence {
    /// All that is known of an arm.
    pub fn of(&self, eco: &str, input: usize) -> ArmEvidence {
        let mut all = self.before.get(eco).copied().unwrap_or_default();
        let within = self.within.get(&(eco.to_owned(), input));
        all.add(within.copied().unwrap_or_default());
        all
    }
}

struct Arm<'a> {
    name: &'a str,
    pair: Pair<'a>,
    evidence: ArmEvidence,
}

/// The proposals of a round; fewer than the round has room for only when nothing is left to try.
pub(crate) fn round(
    context: &ProposalContext<'_>,
    rules: &BanditRules,
    round: u32,
    evidence: &StageEvidence,
) -> Vec<Planned> {
    let mut arms = Vec::new();
    for (entry, recipe) in context.recipes.iter().enumerate() {
        if context.is_contained(recipe) {
            continue;
        }
        arms.extend((0..context.inputs.len()).map(|input| Arm {
            name: recipe.name,
            pair: context.pair(entry, recipe, input),
            evidence: evidence.of(recipe.name, input),
        }));
    }
    let mut seen = context.seen();
    let mut planned = Vec::new();
    let room = context.budget.min(rules.round as usize);
    while planned.len() < room {
        let place = planned.len();
        let draws = arms.iter().enumerate().map(|(position, arm)| {
            let draw = arm.draw(context, round, place);
            (draw, std::cmp::Reverse(position))
        });
        let Some((chance, std::cmp::Reverse(best))) = draws.max() else {
            break;
        };
        let arm = &mut arms[best];
        match arm.pair.next(context, &mut seen) {
            Some(eco) => {
                let reason = arm.reason(round, chance);
                planned.push(context.planned(arm.pair.input, eco, Some(reason)));
            }
            None => drop(arms.remove(best)),
        }
    }
    planned
}

impl Arm<'_> {
    /// A draw from the distribution of its chance of success, as a share of 2⁶⁴.
    fn draw(&self, context: &ProposalContext<'_>, round: u32, place: usize) -> u64 {
        let (a, b) = self.evidence.beta();
        let text = format!(
            "noodle2 bandit {} {} {round} {place} {} {}",
            context.seed, context.index, self.name, self.pair.input
        );
        let key = *blake3::hash(text.as_bytes()).as_bytes();
        let mut bytes = blake3::Hasher::new_keyed(&key).finalize_xof();
        let mut uniform = || {
            let mut number = [0; 8];
            bytes.fill(&mut number);
            u64::from_le_bytes(number)
        };
        let mut numbers: Vec<u64> = (0..a + b - 1).map(|_| uniform()).collect();
        *numbers.select_nth_unstable(a as usize - 1).1
    }

    fn reason(&self, round: u32, chance: u64) -> String {
        let ArmEvidence { tries, improved } = self.evidence;
        let chance = chance as f64 / 2_f64.powi(64);
        format!(
            "bandit, round {round}: {improved} of {tries} known trials improved; drew {chance:.3}, the highest"
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn much_evidence_is_scaled_and_keeps_its_share() {
        let evidence = |tries, improved| ArmEvidence { tries, improved };
        assert_eq!(evidence(0, 0).beta(), (1, 1));
        assert_eq!(evidence(10, 4).beta(), (5, 7));
        assert_eq!(evidence(4_000_000, 1_000_000).beta(), (251, 751));
        assert_eq!(evidence(3, 9).beta(), (4, 1));
    }
}
