//! Joins that compose: which pairs of cases of different branches are brought together, and in which order.

use noodle2_model::{
    CaseName, ComposeMode, Composition, EcoClass, EcoProposal, JoinMerge, StageIndex, StageInput,
};

use crate::state::{Case, Controller};

impl Controller {
    /// The compositions that a stage proposes before any ECO: the best pairs of its inputs first. A pair is
    /// two designs of different branches of which neither descends from the other. ECOs run anew on either.
    pub(crate) fn compositions(
        &self,
        stage: StageIndex,
        inputs: &[StageInput],
        most: u32,
    ) -> Vec<(CaseName, EcoProposal)> {
        let declared = self.program.stage(stage);
        let Some(join) = &declared.join else {
            return Vec::new();
        };
        if join.merge != JoinMerge::Compose {
            return Vec::new();
        }
        let budget = most as usize;
        let pairs = join.pairs.map_or(budget, |pairs| pairs as usize);
        let mode = join.mode.unwrap_or_default();
        let contained = self.inherited_tally(stage).contained;
        let proposals = self
            .ranked_pairs(stage, inputs)
            .into_iter()
            .take(pairs)
            .flat_map(|(first, second)| match mode {
                ComposeMode::Replay => vec![(first, second)],
                ComposeMode::Rerun => vec![(first, second), (second, first)],
            })
            .filter_map(|(parent, with)| self.composition(stage, mode, parent, with));
        let is_open = |proposal: &EcoProposal| {
            let chain = proposal.composition.iter().flat_map(|found| &found.chain);
            let reruns = chain.filter(|_| mode == ComposeMode::Rerun);
            let mut tried = std::iter::once(proposal).chain(reruns);
            let keeps_out = |eco: &EcoProposal| {
                contained
                    .iter()
                    .any(|found| found.keeps_out(&eco.name, eco.class))
            };
            !tried.any(keeps_out)
        };
        proposals
            .filter(|(_, proposal)| is_open(proposal))
            .take(budget)
            .collect()
    }

    /// Pairs of inputs, best first: by the ranks of both together, then by the better of the two. In each,
    /// the case of the branch that stands first in the study comes first.
    fn ranked_pairs(&self, stage: StageIndex, inputs: &[StageInput]) -> Vec<(&Case, &Case)> {
        let cases: Vec<&Case> = inputs
            .iter()
            .filter_map(|input| self.cases.get(&input.case))
            .collect();
        let places: Vec<(usize, &Case)> = cases.iter().copied().enumerate().collect();
        let yardstick = self.yardstick(stage);
        let ranking =
            yardstick.ranking(places, |(_, case)| (&case.name, &case.measurement.overall));
        let rank = |place: usize| ranking.iter().position(|(other, _)| *other == place);
        let branches: Vec<Vec<StageIndex>> = inputs
            .iter()
            .map(|input| self.branches_of(stage, input))
            .collect();
        let mut pairs = Vec::new();
        for second in 0..cases.len() {
            for first in 0..second {
                let apart = branches[first]
                    .iter()
                    .any(|one| branches[second].iter().any(|other| one != other));
                let related = self.descends(cases[first], cases[second])
                    || self.descends(cases[second], cases[first]);
                if apart && !related {
                    pairs.push((first, second));
                }
            }
        }
        pairs.sort_by_key(|(first, second)| {
            let (one, other) = (rank(*first), rank(*second));
            let sum = one.zip(other).map(|(one, other)| one + other);
            (sum, one.min(other), *first, *second)
        });
        // Inputs stand in the order of their branches.
        pairs
            .into_iter()
            .map(|(first, second)| (cases[first], cases[second]))
            .collect()
    }

    /// The stages before a join that passed an input, or a case of the same design, on.
    fn branches_of(&self, stage: StageIndex, input: &StageInput) -> Vec<StageIndex> {
        let before = self.program.dag().dependencies(stage).iter();
        let passed = |branch: &&StageIndex| {
            let survivors = self.stages[branch.position()].survivors();
            let same = |case: &CaseName| *case == input.case || input.identical.contains(case);
            survivors.iter().any(same)
        };
        before.filter(passed).copied().collect()
    }

    /// A case and all that it was derived from, along first parents, to the base.
    fn line<'c>(&'c self, case: &'c Case) -> impl Iterator<Item = &'c Case> {
        std::iter::successors(Some(case), |case| self.cases.get(case.parents.first()?))
    }

    fn descends(&self, case: &Case, from: &Case) -> bool {
        self.line(case).any(|other| other.name == from.name)
    }

    fn composition(
        &self,
        stage: StageIndex,
        mode: ComposeMode,
        parent: &Case,
        with: &Case,
    ) -> Option<(CaseName, EcoProposal)> {
        let ancestor = self
            .line(parent)
            .find(|case| self.descends(with, case))
            .map(|case| case.name.clone())?;
        let own = self.chain(parent, &ancestor);
        let chain = self.chain(with, &ancestor);
        let class = |ecos: &[EcoProposal]| ecos.iter().map(|eco| eco.class).max();
        let class = match mode {
            // Edits of either branch may be taken back.
            ComposeMode::Replay => class(&own).max(class(&chain)),
            ComposeMode::Rerun => class(&chain),
        };
        let join = self.program.stage(stage).join.as_ref();
        let rule = join.and_then(|join| join.conflicts).unwrap_or_default();
        let composition = Composition {
            mode,
            with: with.name.clone(),
            ancestor,
            conflicts: (mode == ComposeMode::Replay).then_some(rule),
            chain,
        };
        let class = class.unwrap_or(EcoClass::TopologyNeutral);
        Some((parent.name.clone(), composition.proposal(class)))
    }

    /// The ECOs that led from one case to another, in order. In the place of a composition stand the ECOs that
    /// it brought in.
    fn chain(&self, case: &Case, ancestor: &CaseName) -> Vec<EcoProposal> {
        let line = self.line(case).take_while(|case| case.name != *ancestor);
        let mut steps: Vec<&EcoProposal> = line.filter_map(|case| case.eco.as_deref()).collect();
        steps.reverse();
        let ecos = steps.into_iter().flat_map(|eco| match &eco.composition {
            Some(composition) => composition.chain.clone(),
            None => vec![eco.clone()],
        });
        ecos.collect()
    }
}
