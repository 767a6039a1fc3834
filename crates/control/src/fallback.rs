//! Stages that go on from an earlier case, since what they found is worse.

use noodle2_model::{CaseName, FellBack, StageIndex};

use crate::rank::is_within;
use crate::select;
use crate::state::{Case, Controller};

impl Controller {
    /// Whether a stage that would pass these cases on passes on the best case so far instead: the best, by the
    /// stage's own objective, of the base case and of what the stages before it passed on, as far as it keeps
    /// the objective's bounds.
    pub(crate) fn fallback(&self, stage: StageIndex, survivors: &[CaseName]) -> Option<FellBack> {
        let rule = self.program.stage(stage).fallback?;
        let yardstick = self.yardstick(stage);
        let metric = *yardstick.objective.rank.first()?;
        let best_of = |cases: Vec<&'_ Case>| {
            let ranked = yardstick.ranking(cases, |case| (&case.name, &case.measurement.overall));
            ranked.into_iter().next().map(|case| case.name.clone())
        };
        let known = |name: &CaseName| self.cases.get(name);
        let best = best_of(survivors.iter().filter_map(known).collect())?;
        let before = self.program.dag().ancestors(stage).into_iter();
        let passed_on = before.flat_map(|before| self.stages[before.position()].survivors());
        let base = self.base_name();
        let earlier = passed_on.chain([&base]).filter_map(known).filter(|case| {
            let bounds = &yardstick.objective.bounds;
            select::keeps_bounds(bounds, yardstick.base, &case.measurement.overall)
        });
        let earlier = best_of(earlier.collect())?;
        let value = |name: &CaseName| known(name)?.measurement.overall.get(metric);
        let (from, to) = (value(&best)?, value(&earlier)?);
        let loss = metric.canonical(metric.gain(from, to))?;
        let is_worse = loss > rule.tolerated(to) && !is_within(yardstick.floor, metric, from, to);
        is_worse.then(|| FellBack {
            cause: format!("`{metric}` is {from}, which is {loss} worse than {to}"),
            from: best,
            to: earlier,
        })
    }
}
