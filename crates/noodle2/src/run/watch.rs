//! What a person sees of a run while it goes on: bars on a terminal, plain lines elsewhere. All on stderr.

use std::io::{IsTerminal, Write};
use std::time::{Duration, Instant};

use indicatif::{MultiProgress, ProgressBar, ProgressStyle};
use noodle2_control::Controller;
use noodle2_model::{BudgetOwner, Event, StageEnd, StopCause};
use noodle2_view::{Progress, SummaryStatus, count_text, mending_text, metric_text, seconds_text};

/// How often a line is printed where nobody can watch bars.
const LINE_EVERY: Duration = Duration::from_secs(5);

/// How often bars are drawn at most: looking through all trials has its price.
const DRAW_EVERY: Duration = Duration::from_millis(100);

/// How many times as long as the last look took nobody looks again.
const REST: u32 = 50;

/// Shows a run on stderr.
pub(crate) enum Watch {
    /// Bars that are redrawn in place.
    Bars(Bars),
    /// One line at a time.
    Lines {
        last: Option<Instant>,
        shown: usize,
        took: Duration,
    },
    /// Nothing.
    Quiet,
}

/// One bar for each stage and one for the whole.
pub(crate) struct Bars {
    display: MultiProgress,
    stages: Vec<ProgressBar>,
    whole: Option<ProgressBar>,
    drawn: Option<Instant>,
    took: Duration,
}

impl Watch {
    /// Bars on a terminal, lines elsewhere, nothing where that is asked for.
    pub fn new(quiet: bool) -> Self {
        let dumb = std::env::var_os("TERM").is_some_and(|term| term == "dumb");
        if quiet {
            Self::Quiet
        } else if std::io::stderr().is_terminal() && !dumb {
            Self::Bars(Bars {
                display: MultiProgress::new(),
                stages: Vec::new(),
                whole: None,
                drawn: None,
                took: Duration::ZERO,
            })
        } else {
            Self::Lines {
                last: None,
                shown: 0,
                took: Duration::ZERO,
            }
        }
    }

    /// Says one line.
    pub fn say(&mut self, line: &str) {
        match self {
            Self::Quiet => {}
            Self::Bars(bars) => {
                let _ = bars.display.println(line);
            }
            // Nobody may be listening any more (a closed pipe); the run goes on.
            Self::Lines { .. } => drop(writeln!(std::io::stderr(), "{line}")),
        }
    }

    /// Tells of an event, if it is one that a person wants to hear of.
    pub fn tell(&mut self, controller: &Controller, event: &Event) {
        let study = controller.program().study();
        let name = |stage: &noodle2_model::StageIndex| &study.stages[stage.position()].name;
        match event {
            Event::StageStarted {
                stage,
                inputs,
                missing,
                vetoed,
                extra_trials,
            } => {
                let inputs: Vec<String> =
                    inputs.iter().map(|input| input.case.to_string()).collect();
                self.say(&format!(
                    "{}: starts from {}",
                    name(stage),
                    inputs.join(", ")
                ));
                for (branch, cause) in missing {
                    self.say(&format!(
                        "{}: goes on without `{}`: {cause}",
                        name(stage),
                        name(branch)
                    ));
                }
                for (source, trials) in extra_trials {
                    let trials = count_text(*trials as usize, "extra trial");
                    self.say(&format!(
                        "{}: {trials} that {} did not use",
                        name(stage),
                        name(source)
                    ));
                }
                for veto in vetoed {
                    let text = noodle2_view::veto_text(veto);
                    self.say(&format!("{}: does not try {text}", name(stage)));
                }
            }
            Event::StageFinished { stage, end } => {
                let text = match end {
                    StageEnd::Completed {
                        survivors,
                        fallback,
                    } => {
                        let metric = controller.program().objective(*stage).rank.first().copied();
                        let survivors: Vec<String> = survivors
                            .iter()
                            .map(|name| {
                                let value = metric.and_then(|metric| {
                                    let case = controller.cases().get(name)?;
                                    let value = case.measurement.overall.get(metric);
                                    Some(format!(" ({metric} {})", metric_text(metric, value)))
                                });
                                format!("{name}{}", value.unwrap_or_default())
                            })
                            .collect();
                        let instead = fallback.as_ref().map(|fell| {
                            format!(
                                ", an earlier case, instead of {}: {}",
                                fell.from, fell.cause
                            )
                        });
                        let instead = instead.unwrap_or_default();
                        format!("passes on {}{instead}", survivors.join(", "))
                    }
                    StageEnd::Failed { cause, .. } => format!("failed: {cause}"),
                    StageEnd::Skipped { cause } => format!("skipped: {cause}"),
                };
                self.say(&format!("{}: {text}", name(stage)));
            }
            Event::NoiseMeasured { differences, floor } => {
                if !differences.is_empty() {
                    self.say(&format!(
                        "nondeterministic: measured again, the base case differs: {}",
                        differences.join("; ")
                    ));
                }
                let first = study.objective.rank.first();
                if let Some((metric, width)) =
                    first.and_then(|metric| Some((*metric, floor.get(*metric)?)))
                {
                    let width = metric_text(metric, Some(width));
                    self.say(&format!("the noise floor of {metric} is {width}"));
                }
            }
            Event::AttemptFinished { attempt, .. } => {
                if let Some(failure) = controller
                    .trial(attempt.trial)
                    .and_then(noodle2_control::Trial::failure)
                {
                    self.say(&format!(
                        "trial {} failed: {}: {}",
                        attempt.trial, failure.class, failure.message
                    ));
                }
            }
            Event::StageSatisfied { stage, at, cause } => {
                self.say(&format!("{}: enough at trial {at}: {cause}", name(stage)));
            }
            Event::TimeSpent { owner, time } => {
                let whose = match owner {
                    BudgetOwner::Stage(stage) => name(stage).clone(),
                    BudgetOwner::Branch(first) => format!("branch from {}", name(first)),
                };
                self.say(&format!("{whose}: the budget of {time} is spent"));
            }
            Event::Contained { stage, containment } => self.say(&format!(
                "{}: {} is not tried any more: {}",
                name(stage),
                containment.scope,
                containment.cause
            )),
            Event::PromotionsRefused { stage, cases } => {
                for (case, gates) in cases {
                    let gates = gates.join("; ");
                    self.say(&format!("{}: {case} may not survive: {gates}", name(stage)));
                }
            }
            Event::StudyRailCrossed { at, cause } => self.say(&format!(
                "a rail of the study was crossed at trial {at}: {cause}"
            )),
            Event::ApprovalGiven { stage, by, .. } => {
                self.say(&format!("{}: approved by {by}", name(stage)));
            }
            Event::ApprovalRefused { stage, by, .. } => {
                self.say(&format!("{}: refused by {by}", name(stage)));
            }
            Event::ApprovalExpired { stage } => {
                self.say(&format!("{}: the time to approve it is over", name(stage)));
            }
            Event::JournalMended {
                offset,
                foreign,
                restored,
                kept_in,
            } => {
                let text = mending_text(*offset, *foreign, *restored, kept_in.as_deref());
                self.say(&format!("warning: N2-STORE-032: {text}"));
            }
            Event::RunBlocked { reasons } => {
                for reason in reasons {
                    self.say(&format!("blocked: {reason}"));
                }
            }
            _ => {}
        }
    }

    /// Brings the display up to date.
    pub fn show(&mut self, controller: &Controller, elapsed_s: f64) {
        match self {
            Self::Quiet => {}
            Self::Bars(bars) => {
                let rest = DRAW_EVERY.max(bars.took * REST);
                if bars.drawn.is_some_and(|at| at.elapsed() < rest) {
                    return;
                }
                let began = Instant::now();
                bars.show(&progress_of(controller), elapsed_s);
                bars.drawn = Some(began);
                bars.took = began.elapsed();
            }
            Self::Lines { last, shown, took } => {
                let rest = LINE_EVERY.max(*took * REST);
                if last.is_some_and(|last| last.elapsed() < rest) {
                    return;
                }
                let began = Instant::now();
                let progress = progress_of(controller);
                let news = last.is_none() || progress.done != *shown;
                *last = Some(began);
                *took = began.elapsed();
                if news {
                    *shown = progress.done;
                    self.say(&progress.line(elapsed_s));
                }
            }
        }
    }
}

/// Where the run stands that this process works on: until it was asked to stop and nothing runs any more.
fn progress_of(controller: &Controller) -> Progress {
    let leaving = controller.stop_cause().is_some_and(StopCause::is_resumable)
        && controller.running_attempts().is_empty();
    Progress::new(controller, SummaryStatus::new(controller, !leaving))
}

impl Bars {
    fn show(&mut self, progress: &Progress, elapsed_s: f64) {
        if self.stages.is_empty() {
            let widest = progress
                .stages
                .iter()
                .map(|stage| stage.name.chars().count())
                .max()
                .unwrap_or(0)
                .min(24);
            let style = ProgressStyle::with_template(&format!(
                "{{prefix:{widest}}} {{bar:20}} {{wide_msg}}"
            ))
            .unwrap_or_else(|_| ProgressStyle::default_bar())
            .progress_chars("━━─");
            for stage in &progress.stages {
                let bar = self.display.add(ProgressBar::new(stage.total as u64));
                bar.set_style(style.clone());
                bar.set_prefix(stage.name.clone());
                self.stages.push(bar);
            }
            let whole = self.display.add(ProgressBar::new(progress.total as u64));
            whole.set_style(style);
            whole.set_prefix("all");
            self.whole = Some(whole);
        }
        for (bar, stage) in self.stages.iter().zip(&progress.stages) {
            bar.set_length(stage.total as u64);
            bar.set_position(stage.done as u64);
            bar.set_message(stage.line());
        }
        if let Some(whole) = &self.whole {
            whole.set_length(progress.total as u64);
            whole.set_position(progress.done as u64);
            whole.set_message(progress.line(elapsed_s));
        }
    }
}

impl Drop for Bars {
    fn drop(&mut self) {
        for bar in self.stages.iter().chain(&self.whole) {
            bar.abandon();
        }
    }
}

/// A line about how long something took, for the end of a run.
pub(crate) fn took(elapsed_s: f64) -> String {
    seconds_text(elapsed_s)
}
