//! What a person sees of a run while it goes on: a screen at the foot of a terminal, plain lines elsewhere. All on
//! stderr.
//!
//! Never touches the run: whoever works on it, or follows its journal, says what to show.

use std::io::{IsTerminal, Stderr, Write};
use std::time::{Duration, Instant};

use jiff::Timestamp;
use noodle2_control::Controller;
use noodle2_model::{BudgetOwner, Event, StageEnd, StopCause};
use noodle2_view::{
    Progress, Pulse, Screen, SummaryStatus, count_text, mending_text, metric_text, seconds_text,
};

use crate::print;
use crate::terminal::{Look, Size, Terminal};

/// How often a line is printed where nobody can watch a screen.
const LINE_EVERY: Duration = Duration::from_secs(5);

/// How often the screen is drawn at most.
const DRAW_EVERY: Duration = Duration::from_millis(100);

/// How many times as long as the last look took nobody looks again: looking through all trials has its price.
const REST: u32 = 50;

/// Shows a run on stderr.
pub(crate) struct Watch {
    pulse: Pulse,
    /// What the run is called in a shell.
    called: String,
    manner: Manner,
    /// When it was shown last, and how long that took.
    last: Option<(Instant, Duration)>,
}

/// In which way a run is shown.
enum Manner {
    /// Lines at the foot of a terminal, redrawn in place.
    Screen {
        terminal: Terminal<Stderr>,
        held: print::Held,
    },
    /// One line at a time.
    Lines { shown: Option<usize> },
    /// Not at all.
    Quiet,
}

impl Watch {
    /// A screen on a terminal, lines elsewhere, nothing where that is asked for. `pulse` knows the run so far.
    pub fn new(quiet: bool, pulse: Pulse, called: String) -> Self {
        let dumb = std::env::var_os("TERM").is_none_or(|term| term == "dumb");
        let manner = if quiet {
            Manner::Quiet
        } else if std::io::stderr().is_terminal() && !dumb {
            Manner::Screen {
                terminal: Terminal::new(std::io::stderr(), Look::of_environment()),
                held: print::Held::new(),
            }
        } else {
            Manner::Lines { shown: None }
        };
        Self {
            pulse,
            called,
            manner,
            last: None,
        }
    }

    /// Forgets the events that were taken in: they are told anew.
    pub fn forget(&mut self) {
        self.pulse = Pulse::default();
    }

    /// Says one line.
    pub fn say(&mut self, line: &str) {
        match &mut self.manner {
            Manner::Quiet => {}
            Manner::Screen { terminal, .. } => terminal.say(line),
            // Nobody may be listening any more (a closed pipe); the run goes on.
            Manner::Lines { .. } => drop(writeln!(std::io::stderr(), "{line}")),
        }
    }

    /// Takes in an event that was just folded, and tells of it if it is one that a person wants to hear of.
    pub fn tell(&mut self, at: Timestamp, controller: &Controller, event: &Event) {
        self.note(at, controller, event);
        self.tell_only(controller, event);
    }

    /// Takes in an event that was just folded, and says nothing of it.
    pub fn note(&mut self, at: Timestamp, controller: &Controller, event: &Event) {
        self.pulse.note(at, controller, event);
    }

    /// Tells of an event, if it is one that a person wants to hear of.
    pub fn tell_only(&mut self, controller: &Controller, event: &Event) {
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
            Event::ApprovalRequested { stage, .. } => {
                let (stage, called) = (name(stage), self.called.clone());
                self.say(&format!(
                    "{stage}: waits for approval: noodle2 approve {called} {stage} --by NAME"
                ));
            }
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

    /// Brings the display of the run up to date that this process works on, unless it was just shown.
    pub fn show(&mut self, controller: &Controller) {
        self.show_as(controller, is_going_on(controller));
    }

    /// Brings the display up to date of a run that somebody works on, or nobody, unless it was just shown.
    pub fn show_as(&mut self, controller: &Controller, at_work: bool) {
        let pause = match self.manner {
            Manner::Lines { .. } => LINE_EVERY,
            Manner::Screen { .. } | Manner::Quiet => DRAW_EVERY,
        };
        let is_due = |(at, took): (Instant, Duration)| at.elapsed() >= pause.max(took * REST);
        if self.last.is_none_or(is_due) {
            self.draw(controller, at_work);
        } else if let Manner::Screen { terminal, held } = &mut self.manner {
            held.take().iter().for_each(|line| terminal.say(line));
            terminal.flush(Size::of_stderr());
        }
    }

    /// Shows the run for the last time.
    pub fn close(&mut self, controller: &Controller, at_work: bool) {
        if let Manner::Screen { .. } = self.manner {
            self.draw(controller, at_work);
        }
    }

    fn draw(&mut self, controller: &Controller, at_work: bool) {
        let began = Instant::now();
        let status = SummaryStatus::new(controller, at_work);
        let now = (at_work && !status.has_ended()).then(Timestamp::now);
        match &mut self.manner {
            Manner::Quiet => {}
            Manner::Screen { terminal, held } => {
                held.take().iter().for_each(|line| terminal.say(line));
                let screen = Screen::new(controller, &self.pulse, status, now, &self.called);
                let (size, charset) = (Size::of_stderr(), terminal.look().charset);
                terminal.draw(screen.lines(size.width(), size.height(), charset), size);
            }
            Manner::Lines { shown } => {
                let progress = Progress::new(controller, status);
                let has_news = *shown != Some(progress.done);
                *shown = Some(progress.done);
                if has_news {
                    self.say(&progress.line(self.pulse.worked_s(now)));
                }
            }
        }
        self.last = Some((began, began.elapsed()));
    }
}

/// Whether this process still works on the run: until it was asked to stop and nothing runs any more.
pub(crate) fn is_going_on(controller: &Controller) -> bool {
    let leaving = controller.stop_cause().is_some_and(StopCause::is_resumable)
        && controller.running_attempts().is_empty();
    !leaving
}

/// A line about how long something took, for the end of a run.
pub(crate) fn took(elapsed_s: f64) -> String {
    seconds_text(elapsed_s)
}
