//! Why something ran, was not run, was stopped, was chosen, dropped or contained: told from the journal alone; and what
//! the words mean that Noodle 2 says.

mod eco;
mod stage;
mod topic;
mod trial;

use noodle2_control::{Attempt, Controller};
use noodle2_model::{CacheAnswer, CaseName, StageIndex, TrialId};
use serde::Serialize;

use crate::noise::repeat_lines;
use crate::{History, NoiseSummary, metric_text};

pub use topic::{Topic, TopicKind, nearest_topic, topics};

/// What is explained, and in which sentences.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Explanation {
    /// What is explained: `trial 1_4`, `stage timing`, …
    pub subject: String,
    /// The sentences, in the order in which things happened.
    pub lines: Vec<String>,
}

impl Explanation {
    /// Explains `item` of a run: a stage by name or index, a case, a trial, an ECO by name, or a branch as
    /// `branch:STAGE`; `None` when the run has nothing of that name.
    pub fn of(history: &History, item: &str) -> Option<Self> {
        let controller = history.controller();
        let explainer = Explainer {
            history,
            controller,
        };
        if let Some(name) = item.strip_prefix("branch:") {
            return Some(explainer.branch(explainer.stage_named(name)?));
        }
        let design = &controller.program().study().design.case_name;
        let trial = item
            .parse::<CaseName>()
            .ok()
            .filter(|name| name.design() == design)
            .map(|name| name.trial())
            .or_else(|| item.parse::<TrialId>().ok());
        if let Some(id) = trial {
            if id.is_base() {
                return Some(explainer.base());
            }
            if let Some(trial) = controller.trial(id) {
                return Some(explainer.trial(trial));
            }
        }
        if let Some(stage) = explainer.stage_named(item) {
            return Some(explainer.stage(stage));
        }
        let knows = controller.program().identity().ecos.contains_key(item);
        knows.then(|| explainer.eco(item))
    }

    /// The explanation for people.
    pub fn text(&self) -> String {
        let lines = self.lines.iter();
        let lines: String = lines.map(|line| format!("  {line}\n")).collect();
        format!("{}\n{lines}", self.subject)
    }
}

/// What was known of an attempt before it ran; `None` where nobody asked.
pub fn known_line(attempt: &Attempt) -> Option<String> {
    Some(match attempt.cache.as_ref()? {
        CacheAnswer::Hit(hit) => format!(
            "not run: its result was known from attempt {} of study `{}` (run {}, entry {})",
            hit.attempt,
            hit.study,
            hit.run.short(),
            hit.entry.short()
        ),
        CacheAnswer::Miss(miss) => format!("it ran, since its result was not known: {miss}"),
    })
}

struct Explainer<'a> {
    history: &'a History,
    controller: &'a Controller,
}

impl Explainer<'_> {
    fn stage_named(&self, name: &str) -> Option<StageIndex> {
        (0..self.controller.stages().len())
            .map(StageIndex::from)
            .find(|stage| self.name(*stage) == name || stage.to_string() == name)
    }

    fn name(&self, stage: StageIndex) -> &str {
        &self.controller.program().stage(stage).name
    }

    fn base(&self) -> Explanation {
        let mut lines =
            vec!["measured first, as it is: everything else is held against it".to_owned()];
        if let Some(reasons) = self.controller.block_reasons() {
            lines.push("it is not fit to be worked on, and nothing else runs:".to_owned());
            lines.extend(reasons.iter().map(|reason| format!("  {reason}")));
        } else if self.controller.base_case().is_some() {
            lines.push("gate 0 found it fit to be worked on".to_owned());
        }
        lines.extend(self.controller.base_attempts().last().and_then(known_line));
        lines.extend(repeat_lines(self.controller.base_repeats()));
        let noise = NoiseSummary::new(self.controller);
        lines.extend(noise.iter().flat_map(NoiseSummary::lines));
        let floor = noise.iter().flat_map(|noise| noise.floor.iter());
        let widths: Vec<String> = floor
            .map(|(metric, width)| format!("{metric} {}", metric_text(metric, Some(width))))
            .collect();
        if !widths.is_empty() {
            lines.push(format!("noise floor: {}", widths.join(", ")));
        }
        Explanation {
            subject: format!("case {}, the base case", self.controller.base_name()),
            lines,
        }
    }

    fn case_of(&self, trial: TrialId) -> CaseName {
        trial.case(&self.controller.program().study().design.case_name)
    }
}
