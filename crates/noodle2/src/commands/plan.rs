//! `noodle2 plan`: what a study would do, and how much of it is known already.

use noodle2_cache::{Found, ResultCache};
use noodle2_control::{Controller, Program};
use noodle2_model::{
    AttemptId, AttemptUsage, CacheAnswer, CacheHit, CacheMiss, Event, Outcome, StageIndex,
};
use noodle2_view::{KnownStage, KnownWork, PlanView};

use crate::cli::{CacheOption, Format, PriorsOption, StudyOption};
use crate::commands::cache::cache_of;
use crate::exit::{CommandFailure, Exit};
use crate::print;
use crate::priors;
use crate::run::{AttemptOrder, Keys};
use crate::study::{self, Loaded};

/// `noodle2 plan`.
pub(crate) fn plan(
    option: &StudyOption,
    cache: &CacheOption,
    format: Format,
) -> Result<Exit, CommandFailure> {
    if format == Format::Json {
        let (exit, value) = study::problems_as_json(option);
        if exit == Exit::InvalidStudy {
            print::json(&value)?;
            return Ok(exit);
        }
    }
    let loaded = study::load(option)?;
    let dag = Program::dag_of(&loaded.study).map_err(CommandFailure::internal)?;
    let known = cache_of(cache).map(|cache| known_of(&loaded, &cache));
    let plan = PlanView::new(&loaded.study, &dag).with_known(known);
    match format {
        Format::Json => print::json(&plan)?,
        Format::Text => print::data(&plan.text()),
    }
    Ok(Exit::Done)
}

/// How much of a study is known, as far as that can be told before it runs.
fn known_of(loaded: &Loaded, cache: &ResultCache) -> KnownWork {
    // Tools and libraries need not be looked at where nothing is known at all.
    let is_empty = std::fs::read_dir(cache.root().join("entries"))
        .map_or(true, |mut entries| entries.next().is_none());
    if is_empty {
        return KnownWork::nothing(format!("{} is empty", cache.root().display()));
    }
    match count(loaded, cache) {
        Ok(known) => known,
        Err(failure) => KnownWork::nothing(format!("it cannot be told: {}", failure.report)),
    }
}

/// Runs the study without running anything: what is known is answered, what is not is left open.
fn count(loaded: &Loaded, cache: &ResultCache) -> Result<KnownWork, CommandFailure> {
    let scratch = tempfile::tempdir().map_err(CommandFailure::internal)?;
    let mut prepared = study::prepare(loaded, scratch.path())?;
    priors::warm(&mut prepared.identity, &PriorsOption::default())?;
    let identity = &prepared.identity;
    let keys = Keys::new(identity)?;
    let mut controller = Controller::new(identity.clone()).map_err(CommandFailure::internal)?;
    let mut next = vec![Event::RunCreated {
        identity: Box::new(identity.clone()),
    }];
    let mut base_miss = None;
    while !next.is_empty() {
        let mut answers = Vec::new();
        for event in &next {
            controller.apply(event).map_err(CommandFailure::internal)?;
            let attempt = match event {
                Event::AttemptStarted { attempt } => attempt,
                // That the base case measures the same again, without noise, is taken for granted here and seen by the run.
                Event::RepeatStarted { attempt, .. } if attempt.trial.is_base() => {
                    let base = controller.base_case();
                    answers.extend(base.map(|base| Event::AttemptFinished {
                        attempt: *attempt,
                        outcome: Box::new(Outcome::Measured(base.measurement.clone())),
                        usage: AttemptUsage::default(),
                        cache: None,
                    }));
                    continue;
                }
                _ => continue,
            };
            let order = AttemptOrder::new(&controller, *attempt);
            let guard = order.guard(&identity.study);
            let miss = match keys.of(&order, &guard, &prepared.catalogue) {
                Ok(None) => continue,
                Err(why) => CacheMiss::NeverKept { why },
                Ok(Some(key)) => match cache.find(&key, &identity.study.limits) {
                    Found::Known(entry) => {
                        let hit = CacheHit {
                            entry: key.hash(),
                            run: entry.origin.run,
                            study: entry.origin.study.clone(),
                            attempt: entry.origin.attempt,
                        };
                        answers.push(answer(*attempt, entry.outcome, hit));
                        continue;
                    }
                    Found::Unknown(miss) => miss,
                    Found::Damaged(_) => CacheMiss::Lost,
                },
            };
            if attempt.trial.is_base() {
                base_miss = Some(miss.to_string());
            }
        }
        next = match answers.is_empty() {
            false => answers,
            true => controller.decide(MANY.saturating_sub(controller.running_attempts().len())),
        };
    }
    let stages = (0..controller.stages().len()).map(StageIndex::from);
    let known = stages.filter_map(|index| {
        let proposed = controller.trials_of(index).count();
        let known = controller.trials_of(index);
        (proposed > 0).then(|| KnownStage {
            stage: controller.program().stage(index).name.clone(),
            known: known.filter(|trial| trial.hit().is_some()).count(),
            proposed,
        })
    });
    Ok(KnownWork {
        base: controller.base_case().is_some(),
        stages: known.collect(),
        why_not: base_miss,
    })
}

/// More than any study runs at once.
const MANY: usize = 1 << 20;

fn answer(attempt: AttemptId, outcome: Outcome, hit: CacheHit) -> Event {
    Event::AttemptFinished {
        attempt,
        outcome: Box::new(outcome),
        usage: AttemptUsage::default(),
        cache: Some(CacheAnswer::Hit(hit)),
    }
}
