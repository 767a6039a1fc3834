//! From events to spans: each span is made once, when what it stands for is over.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};
use noodle2_control::{Attempt, Controller, Trial, Verdict, gain_over};
use noodle2_model::{
    AttemptId, CaseName, ContentHash, Event, Metric, Outcome, RunStatus, StageEnd, StageIndex,
    TrialId,
};
use noodle2_view::eco_text;
use opentelemetry_proto::tonic::trace::v1::span::Event as SpanEvent;

use super::Span;
use super::span::{Spans, Subject, attribute, fail, fail_with, happened};

/// Makes the spans of a run from its events.
#[derive(Debug, Clone)]
pub struct Tracer {
    spans: Spans,
    study: Option<Open>,
    approvals: BTreeMap<StageIndex, Open>,
    stages: BTreeMap<StageIndex, Open>,
    ended: BTreeSet<StageIndex>,
    trials: BTreeMap<TrialId, OpenTrial>,
    attempts: BTreeMap<AttemptId, OpenAttempt>,
    last_at: Timestamp,
}

/// What is not over.
#[derive(Debug, Clone)]
struct Open {
    from: Timestamp,
    events: Vec<SpanEvent>,
}

/// A trial that is not over; the base case is one too.
#[derive(Debug, Clone)]
struct OpenTrial {
    from: Timestamp,
    /// When its last attempt ended; `None` before the first did.
    to: Option<Timestamp>,
    /// Its attempts that run.
    running: usize,
}

#[derive(Debug, Clone)]
struct OpenAttempt {
    from: Timestamp,
    /// What it does, as the name of its span.
    name: &'static str,
    /// When its controller was last heard of, if that is gone.
    lost_at: Option<Timestamp>,
}

impl Tracer {
    /// Makes the spans of the run whose first record has this hash.
    pub fn of(run: ContentHash) -> Self {
        Self {
            spans: Spans::of(run),
            study: None,
            approvals: BTreeMap::new(),
            stages: BTreeMap::new(),
            ended: BTreeSet::new(),
            trials: BTreeMap::new(),
            attempts: BTreeMap::new(),
            last_at: Timestamp::UNIX_EPOCH,
        }
    }

    /// Takes in the next event, which the controller has folded already. Returns the spans of all that is over with it.
    pub fn hear(&mut self, controller: &Controller, at: Timestamp, event: &Event) -> Vec<Span> {
        let at = as_journalled(at);
        let before = std::mem::replace(&mut self.last_at, at);
        let mut made = Vec::new();
        let open = || Open {
            from: at,
            events: Vec::new(),
        };
        match event {
            Event::RunCreated { .. } => self.study = Some(open()),
            Event::RunResumed => {
                for attempt in self.attempts.values_mut() {
                    attempt.lost_at.get_or_insert(before);
                }
                self.note_of_study(at, "run resumed", "");
            }
            Event::StopRequested { cause } => {
                self.note_of_study(at, "stop requested", &format!("{cause:?}"));
            }
            Event::StudyRailCrossed { cause, .. } => {
                self.note_of_study(at, "rail crossed", cause);
            }
            Event::ApprovalRequested { stage, .. } => {
                self.approvals.insert(*stage, open());
            }
            Event::ApprovalGiven { stage, .. } => self.answer(*stage, at, "approved"),
            Event::ApprovalRefused { stage, .. } => self.answer(*stage, at, "refused"),
            Event::ApprovalExpired { stage } => self.answer(*stage, at, "expired"),
            Event::StageStarted { stage, .. } => {
                made.extend(self.base(controller));
                made.extend(self.approval(controller, *stage, at));
                self.stages.insert(*stage, open());
            }
            Event::TrialProposed { trial, .. } => self.open_trial(*trial, at),
            Event::AttemptStarted { attempt } => self.start(*attempt, at, "attempt"),
            Event::ConfirmationStarted { attempt } => self.start(*attempt, at, "confirmation"),
            Event::RepeatStarted { attempt, .. } => self.start(*attempt, at, "repeat"),
            Event::AttemptFinished { attempt, .. } => {
                made.extend(self.attempt(controller, *attempt, at));
                let trial = attempt.trial;
                if !trial.is_base() && self.ended.contains(&trial.stage) {
                    made.extend(self.trial(controller, trial));
                }
            }
            Event::Contained {
                stage, containment, ..
            } => self.note(*stage, at, "contained", &containment.cause),
            Event::StageSatisfied { stage, cause, .. } => {
                self.note(*stage, at, "satisfied", cause);
            }
            Event::StageFinished { stage, end } => {
                self.ended.insert(*stage);
                made.extend(self.approval(controller, *stage, at));
                made.extend(self.trials_of(controller, *stage));
                made.extend(self.stage(controller, *stage, at, Some(end)));
            }
            Event::RunFinished { .. } => made.extend(self.all(controller, at)),
            _ => {}
        }
        made
    }

    /// The spans of all that is not over, as if it ended with the last event; marked as unfinished. For a run that is
    /// looked at while it goes on, or can be resumed.
    pub fn unfinished(mut self, controller: &Controller) -> Vec<Span> {
        let mut spans = self.all(controller, self.last_at);
        for span in &mut spans {
            span.attributes.push(attribute("noodle2.unfinished", true));
        }
        spans
    }

    fn all(&mut self, controller: &Controller, at: Timestamp) -> Vec<Span> {
        let mut made = Vec::new();
        let running: Vec<AttemptId> = self.attempts.keys().copied().collect();
        for attempt in running {
            made.extend(self.attempt(controller, attempt, at));
        }
        made.extend(self.base(controller));
        let waiting: Vec<StageIndex> = self.approvals.keys().copied().collect();
        for stage in waiting {
            made.extend(self.approval(controller, stage, at));
        }
        let trials: Vec<TrialId> = self.trials.keys().copied().collect();
        for trial in trials {
            made.extend(self.trial(controller, trial));
        }
        let stages: Vec<StageIndex> = self.stages.keys().copied().collect();
        for stage in stages {
            made.extend(self.stage(controller, stage, at, None));
        }
        made.extend(self.study(controller, at));
        made
    }

    fn note_of_study(&mut self, at: Timestamp, name: &str, cause: &str) {
        note(self.study.as_mut(), at, name, cause);
    }

    fn note(&mut self, stage: StageIndex, at: Timestamp, name: &str, cause: &str) {
        note(self.stages.get_mut(&stage), at, name, cause);
    }

    /// Who answered is for the journal alone.
    fn answer(&mut self, stage: StageIndex, at: Timestamp, name: &str) {
        note(self.approvals.get_mut(&stage), at, name, "");
    }

    fn open_trial(&mut self, trial: TrialId, at: Timestamp) {
        self.trials.entry(trial).or_insert(OpenTrial {
            from: at,
            to: None,
            running: 0,
        });
    }

    fn start(&mut self, attempt: AttemptId, at: Timestamp, name: &'static str) {
        // The base case is proposed by nobody.
        self.open_trial(attempt.trial, at);
        if let Some(trial) = self.trials.get_mut(&attempt.trial) {
            trial.running += 1;
        }
        let open = OpenAttempt {
            from: at,
            name,
            lost_at: None,
        };
        self.attempts.insert(attempt, open);
    }

    fn attempt(&mut self, controller: &Controller, id: AttemptId, at: Timestamp) -> Option<Span> {
        let open = self.attempts.remove(&id)?;
        let to = open.lost_at.unwrap_or(at);
        if let Some(trial) = self.trials.get_mut(&id.trial) {
            trial.running = trial.running.saturating_sub(1);
            trial.to = trial.to.max(Some(to));
        }
        let found = attempt_of(controller, id);
        // What waited for a worker of a cluster was not at work.
        let waited = found.and_then(|found| found.usage.waited_s);
        let waited = waited.and_then(|s| SignedDuration::try_from_secs_f64(s.max(0.0)).ok());
        let began = waited.and_then(|waited| open.from.checked_add(waited).ok());
        let from = began.unwrap_or(open.from).min(to);
        let subject = Subject::Attempt(id);
        let within = Some(Subject::Trial(id.trial));
        let mut span = self
            .spans
            .span(subject, within, open.name.to_owned(), (from, to));
        span.attributes = vec![
            attribute("noodle2.case", case_of(controller, id.trial).to_string()),
            attribute("noodle2.attempt.number", u64::from(id.number)),
        ];
        let found = found.filter(|found| found.outcome.is_some());
        if let Some(found) = found {
            let add = &mut span.attributes;
            add.push(attribute("noodle2.cached", found.hit().is_some()));
            add.push(attribute("noodle2.cpu_s", found.usage.cpu_s));
            if let Some(bytes) = found.usage.peak_memory_bytes {
                add.push(attribute("noodle2.peak_memory_bytes", bytes));
            }
            if let Some(waited) = found.usage.waited_s {
                add.push(attribute("noodle2.waited_s", waited));
            }
            let outcome = match &found.outcome {
                Some(Outcome::Measured(_)) => "measured",
                Some(Outcome::NoEffect) => "no_effect",
                Some(Outcome::Failed(_)) => "failed",
                None => "running",
            };
            add.push(attribute("noodle2.outcome", outcome));
            if let Some(Outcome::Failed(failure)) = &found.outcome {
                fail_with(&mut span, to, failure);
            }
        }
        Some(span)
    }

    fn base(&mut self, controller: &Controller) -> Option<Span> {
        let id = TrialId::BASE;
        if self.trials.get(&id)?.running > 0 {
            return None;
        }
        let open = self.trials.remove(&id)?;
        let times = (open.from, open.to?);
        let within = Some(Subject::Study);
        let name = "base case".to_owned();
        let mut span = self.spans.span(Subject::Trial(id), within, name, times);
        let case = case_of(controller, id).to_string();
        span.attributes = vec![attribute("noodle2.case", case)];
        if let Some(reasons) = controller.block_reasons() {
            fail(&mut span, "blocked", &reasons.join("; "));
        }
        Some(span)
    }

    /// The trials of a stage of which no attempt runs any more.
    fn trials_of(&mut self, controller: &Controller, stage: StageIndex) -> Vec<Span> {
        let trials = self
            .trials
            .keys()
            .filter(|trial| !trial.is_base() && trial.stage == stage);
        let trials: Vec<TrialId> = trials.copied().collect();
        let made = trials
            .into_iter()
            .filter_map(|trial| self.trial(controller, trial));
        made.collect()
    }

    /// The span of a trial, unless it still runs. One that never ran has none.
    fn trial(&mut self, controller: &Controller, id: TrialId) -> Option<Span> {
        if id.is_base() || self.trials.get(&id)?.running > 0 {
            return None;
        }
        let open = self.trials.remove(&id)?;
        let to = open.to?;
        let trial = controller.trial(id)?;
        let name = format!("trial {}", trial.eco.name);
        let within = Some(Subject::Stage(id.stage));
        let mut span = self
            .spans
            .span(Subject::Trial(id), within, name, (open.from, to));
        span.attributes = vec![
            attribute("noodle2.trial", id.to_string()),
            attribute("noodle2.case", case_of(controller, id).to_string()),
            attribute("noodle2.parent.case", trial.parent.to_string()),
            attribute("noodle2.eco.name", trial.eco.name.as_str()),
            attribute("noodle2.eco", eco_text(&trial.eco)),
            attribute("noodle2.cached", trial.hit().is_some()),
            attribute("noodle2.discarded", controller.is_discarded(id)),
        ];
        if let Some(gates) = &trial.refused {
            span.attributes
                .push(attribute("noodle2.refused", gates.clone()));
        }
        if let Some(cause) = &trial.cancelled {
            span.attributes
                .push(attribute("noodle2.cancelled", cause.as_str()));
        }
        match trial.verdict() {
            Some(Verdict::Derived) => span
                .attributes
                .push(attribute("noodle2.outcome", "measured")),
            Some(Verdict::NoEffect) => {
                span.attributes
                    .push(attribute("noodle2.outcome", "no_effect"));
            }
            Some(Verdict::Failed(failure)) => {
                span.attributes.push(attribute("noodle2.outcome", "failed"));
                fail(&mut span, failure.class.name(), &failure.message);
            }
            None => {}
        }
        self.add_gains(&mut span, controller, trial);
        let case = controller.cases().get(&case_of(controller, id));
        let parents = match case {
            Some(case) => case.parents.as_slice(),
            None => std::slice::from_ref(&trial.parent),
        };
        let parents = parents.iter().map(|parent| Subject::Trial(parent.trial()));
        span.links = parents.map(|parent| self.spans.link(parent)).collect();
        Some(span)
    }

    /// What a trial gained over its parent, by metric, where anything changed.
    fn add_gains(&self, span: &mut Span, controller: &Controller, trial: &Trial) {
        let cases = controller.cases();
        let case = cases.get(&case_of(controller, trial.id));
        let (Some(case), Some(parent)) = (case, cases.get(&trial.parent)) else {
            return;
        };
        for metric in Metric::ALL {
            let (from, to) = (&parent.measurement.overall, &case.measurement.overall);
            let gain = gain_over(*metric, from, to).and_then(|gain| metric.canonical(gain));
            if let Some(gain) = gain.filter(|gain| *gain != 0.0) {
                let key = format!("noodle2.gain.{}", metric.name());
                span.attributes.push(attribute(key, gain));
            }
        }
    }

    fn approval(
        &mut self,
        controller: &Controller,
        stage: StageIndex,
        at: Timestamp,
    ) -> Option<Span> {
        let open = self.approvals.remove(&stage)?;
        let name = format!("approval of {}", controller.program().stage(stage).name);
        let subject = Subject::Approval(stage);
        let times = (open.from, at);
        let mut span = self.spans.span(subject, Some(Subject::Study), name, times);
        span.events = open.events;
        Some(span)
    }

    /// The span of a stage; without an end it was cut short with its run. One that never started has none.
    fn stage(
        &mut self,
        controller: &Controller,
        index: StageIndex,
        at: Timestamp,
        end: Option<&StageEnd>,
    ) -> Option<Span> {
        let open = self.stages.remove(&index)?;
        let name = &controller.program().stage(index).name;
        let subject = Subject::Stage(index);
        let titled = format!("stage {name}");
        let within = Some(Subject::Study);
        let mut span = self.spans.span(subject, within, titled, (open.from, at));
        span.events = open.events;
        let inputs = controller.stages()[index.position()].inputs.iter();
        span.attributes = vec![
            attribute("noodle2.stage.name", name.as_str()),
            attribute("noodle2.stage.index", index.position() as u64),
            attribute(
                "noodle2.stage.trials",
                controller.trials_of(index).count() as u64,
            ),
            attribute(
                "noodle2.stage.inputs",
                inputs
                    .map(|input| input.case.to_string())
                    .collect::<Vec<_>>(),
            ),
        ];
        match end {
            Some(StageEnd::Completed { survivors, .. }) => {
                let names: Vec<String> = survivors.iter().map(ToString::to_string).collect();
                span.attributes
                    .push(attribute("noodle2.stage.survivors", names));
            }
            Some(StageEnd::Failed { cause, .. }) => fail(&mut span, "stage_failed", cause),
            Some(StageEnd::Skipped { .. }) | None => {}
        }
        let edges = controller.program().study().edges().into_iter();
        let before = edges.filter(|(_, to)| *to == index);
        span.links = before
            .map(|(from, _)| self.spans.link(Subject::Stage(from)))
            .collect();
        Some(span)
    }

    fn study(&mut self, controller: &Controller, at: Timestamp) -> Option<Span> {
        let open = self.study.take()?;
        let study = controller.program().study();
        let name = format!("study {}", study.name);
        let mut span = self.spans.span(Subject::Study, None, name, (open.from, at));
        span.events = open.events;
        span.attributes = vec![
            attribute("noodle2.study.name", study.name.as_str()),
            attribute("noodle2.design", study.design.case_name.to_string()),
        ];
        if let Some(digest) = controller.recorded_digest() {
            span.attributes
                .push(attribute("noodle2.digest", digest.to_string()));
        }
        if let Some(best) = controller.best_case() {
            span.attributes
                .push(attribute("noodle2.best.case", best.to_string()));
        }
        match controller.status() {
            RunStatus::Blocked => {
                let reasons = controller.block_reasons().unwrap_or_default();
                fail(&mut span, "blocked", &reasons.join("; "));
            }
            RunStatus::Stopped => fail(&mut span, "stopped", "a rail or a failure ended the run"),
            RunStatus::Running | RunStatus::Completed | RunStatus::Interrupted => {}
        }
        Some(span)
    }
}

/// A time as the journal keeps it, to the microsecond: what is sent as it happens is what is read back.
fn as_journalled(at: Timestamp) -> Timestamp {
    Timestamp::from_microsecond(at.as_microsecond()).unwrap_or(at)
}

fn note(open: Option<&mut Open>, at: Timestamp, name: &str, cause: &str) {
    let cause = (!cause.is_empty()).then(|| attribute("noodle2.cause", cause));
    if let Some(open) = open {
        open.events
            .push(happened(at, name, cause.into_iter().collect()));
    }
}

fn case_of(controller: &Controller, trial: TrialId) -> CaseName {
    trial.case(&controller.program().study().design.case_name)
}

/// An execution by its id: of a trial or of the base case, a first one or one that measured again.
fn attempt_of(controller: &Controller, id: AttemptId) -> Option<&Attempt> {
    let (attempts, again, repeats): (_, &[Attempt], _) = if id.trial.is_base() {
        (controller.base_attempts(), &[], controller.base_repeats())
    } else {
        let trial = controller.trial(id.trial)?;
        (&*trial.attempts, &trial.confirmations, &trial.repeats)
    };
    let all = attempts
        .iter()
        .chain(again)
        .chain(repeats.values().flatten());
    let mut found = all.filter(|attempt| attempt.number == id.number);
    found.next()
}
