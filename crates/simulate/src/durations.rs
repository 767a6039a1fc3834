//! How long simulated attempts take: a distribution, or what a run took.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use noodle2_control::{Attempt, AttemptRole, Controller};
use noodle2_model::Outcome;

use crate::draw::Draw;

/// What an attempt uses.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Sample {
    /// Seconds on the clock.
    pub wall_s: f64,
    /// Seconds of processor time.
    pub cpu_s: f64,
    /// The most memory that it holds, in bytes; absent where it is not known.
    pub peak_memory_bytes: Option<u64>,
}

impl Sample {
    /// So many seconds of one processor.
    const fn busy(wall_s: f64) -> Self {
        Self {
            wall_s,
            cpu_s: wall_s,
            peak_memory_bytes: None,
        }
    }
}

/// Where durations come from.
#[derive(Debug, Clone, PartialEq)]
pub enum Durations {
    /// Every attempt takes so many seconds.
    Constant(f64),
    /// Any number of seconds between two, each as likely as any other.
    Uniform {
        /// The least.
        low: f64,
        /// The most.
        high: f64,
    },
    /// Seconds whose logarithms are normally distributed: most near the median, few very long.
    Lognormal {
        /// The median in seconds.
        median: f64,
        /// The standard deviation of the logarithm.
        sigma: f64,
    },
    /// What attempts of a run took, drawn again by what they were made for.
    Learned(Learned),
}

/// What the attempts of a run used.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Learned {
    ecos: BTreeMap<String, Vec<Sample>>,
    trials: Vec<Sample>,
    base: Vec<Sample>,
    confirmations: Vec<Sample>,
    repeats: Vec<Sample>,
}

/// Durations that cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DurationsError {
    /// It is no distribution.
    #[error(
        "`{0}` is neither `constant:SECONDS`, `uniform:LOW..HIGH` nor `lognormal:MEDIAN,SIGMA`"
    )]
    Unknown(String),
    /// It has no such numbers.
    #[error("`{text}`: {why}")]
    Numbers {
        /// What was given.
        text: String,
        /// What is wrong with it.
        why: &'static str,
    },
    /// No attempt of the run was made to its end.
    #[error("no attempt of the run was timed to its end")]
    Nothing,
}

impl FromStr for Durations {
    type Err = DurationsError;

    fn from_str(text: &str) -> Result<Self, DurationsError> {
        let unknown = || DurationsError::Unknown(text.to_owned());
        let (kind, numbers) = text.split_once(':').ok_or_else(unknown)?;
        let refuse = |why| {
            Err(DurationsError::Numbers {
                text: text.to_owned(),
                why,
            })
        };
        let seconds = |text: &str| {
            text.trim()
                .parse::<f64>()
                .ok()
                .filter(|value| value.is_finite())
        };
        let pair = |separator| {
            let (first, second) = numbers.split_once(separator)?;
            Some((seconds(first)?, seconds(second)?))
        };
        match kind {
            "constant" => match seconds(numbers) {
                Some(value) if value > 0.0 => Ok(Self::Constant(value)),
                _ => refuse("it needs a number of seconds above 0, such as `constant:2.5`"),
            },
            "uniform" => match pair("..") {
                Some((low, high)) if low > 0.0 && high >= low => Ok(Self::Uniform { low, high }),
                _ => refuse(
                    "it needs two numbers of seconds above 0, the smaller first, such as `uniform:1..4`",
                ),
            },
            "lognormal" => match pair(",") {
                Some((median, sigma)) if median > 0.0 && (0.0..=5.0).contains(&sigma) => {
                    Ok(Self::Lognormal { median, sigma })
                }
                _ => refuse(
                    "it needs a median of seconds above 0 and a deviation from 0 to 5, such as `lognormal:2,0.5`",
                ),
            },
            _ => Err(unknown()),
        }
    }
}

impl fmt::Display for Durations {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Constant(seconds) => write!(formatter, "every attempt takes {seconds} s"),
            Self::Uniform { low, high } => {
                write!(formatter, "attempts take {low} to {high} s, evenly spread")
            }
            Self::Lognormal { median, sigma } => write!(
                formatter,
                "attempts take {median} s in the median, lognormal with sigma {sigma}"
            ),
            Self::Learned(learned) => write!(
                formatter,
                "attempts take what {} of {} ECOs took in the run, drawn again",
                learned.trials.len(),
                learned.ecos.len()
            ),
        }
    }
}

impl Durations {
    /// What the attempts of a run used that it made to their end, each kind in order of trials. Known results, and what
    /// the machine cut short, are left out.
    ///
    /// # Errors
    /// When there is none.
    pub fn learned(run: &Controller) -> Result<Self, DurationsError> {
        let mut learned = Learned {
            base: samples(run.base_attempts()),
            repeats: run
                .base_repeats()
                .values()
                .flat_map(|made| samples(made))
                .collect(),
            ..Learned::default()
        };
        for trial in run.trials() {
            let own = samples(&trial.attempts);
            learned.trials.extend(&own);
            learned
                .ecos
                .entry(trial.eco.name.clone())
                .or_default()
                .extend(own);
            learned.confirmations.extend(samples(&trial.confirmations));
            let repeats = trial.repeats.values();
            learned
                .repeats
                .extend(repeats.flat_map(|made| samples(made)));
        }
        learned.ecos.retain(|_, samples| !samples.is_empty());
        let is_empty = learned.trials.is_empty() && learned.base.is_empty();
        match is_empty {
            true => Err(DurationsError::Nothing),
            false => Ok(Self::Learned(learned)),
        }
    }

    /// What an attempt uses. An ECO that the run did not try takes what any of its trials took, and so does whatever
    /// else the run did not do.
    pub(crate) fn draw(&self, draw: &mut Draw, role: AttemptRole, eco: Option<&str>) -> Sample {
        match self {
            Self::Constant(seconds) => Sample::busy(*seconds),
            Self::Uniform { low, high } => Sample::busy(draw.between(*low, *high)),
            Self::Lognormal { median, sigma } => {
                Sample::busy(median * (sigma * draw.normal()).exp())
            }
            Self::Learned(learned) => {
                let own: &[Sample] = match (role, eco) {
                    (AttemptRole::Derives, Some(eco)) => {
                        learned.ecos.get(eco).map(Vec::as_slice).unwrap_or_default()
                    }
                    (AttemptRole::Derives, None) => &learned.base,
                    (AttemptRole::Confirms, _) => &learned.confirmations,
                    (AttemptRole::Repeats(_), _) => &learned.repeats,
                };
                let known = [own, &learned.trials, &learned.base];
                let samples = known.into_iter().find(|samples| !samples.is_empty());
                let samples = samples.unwrap_or_default();
                samples[draw.below(samples.len())]
            }
        }
    }
}

fn samples(attempts: &[Attempt]) -> Vec<Sample> {
    let made = attempts.iter().filter(|attempt| {
        let is_cut_short = match &attempt.outcome {
            Some(Outcome::Failed(failure)) => failure.class.is_transient(),
            Some(_) => false,
            None => true,
        };
        !is_cut_short && attempt.hit().is_none() && attempt.usage.wall_s > 0.0
    });
    made.map(|attempt| Sample {
        wall_s: attempt.usage.wall_s,
        cpu_s: attempt.usage.cpu_s,
        peak_memory_bytes: attempt.usage.peak_memory_bytes,
    })
    .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distributions_are_read_and_others_refused() {
        assert_eq!("constant:2.5".parse(), Ok(Durations::Constant(2.5)));
        let uniform = Durations::Uniform {
            low: 1.0,
            high: 4.0,
        };
        assert_eq!("uniform:1..4".parse(), Ok(uniform));
        let lognormal = Durations::Lognormal {
            median: 2.0,
            sigma: 0.5,
        };
        assert_eq!("lognormal:2,0.5".parse(), Ok(lognormal));
        for text in [
            "constant:0",
            "constant:-1",
            "constant:inf",
            "constant:x",
            "uniform:4..1",
            "uniform:0..1",
            "uniform:3",
            "lognormal:2",
            "lognormal:0,1",
            "lognormal:1,-1",
            "lognormal:1,9",
        ] {
            let told = text.parse::<Durations>();
            assert!(
                matches!(told, Err(DurationsError::Numbers { .. })),
                "{text}"
            );
        }
        for text in ["", "2", "normal:1,2"] {
            let told = text.parse::<Durations>();
            assert!(matches!(told, Err(DurationsError::Unknown(_))), "{text}");
        }
    }

    #[test]
    fn drawn_durations_have_the_shape_that_was_asked_for() {
        let drawn = |durations: &Durations| -> Vec<f64> {
            let trials = (1..4001).map(|derived| noodle2_model::TrialId {
                stage: noodle2_model::StageIndex(0),
                derived,
            });
            let mut seconds: Vec<f64> = trials
                .map(|trial| {
                    let role = AttemptRole::Derives;
                    let mut draw = Draw::of(1, trial, role, 0, "duration");
                    durations.draw(&mut draw, role, None).wall_s
                })
                .collect();
            seconds.sort_by(f64::total_cmp);
            seconds
        };
        let uniform = drawn(&"uniform:1..3".parse().unwrap());
        assert!(uniform[0] >= 1.0 && uniform[3999] < 3.0);
        assert!((uniform[2000] - 2.0).abs() < 0.1);
        let lognormal = drawn(&"lognormal:2,0.5".parse().unwrap());
        assert!((lognormal[2000] - 2.0).abs() < 0.1, "{}", lognormal[2000]);
        let upper = lognormal[3365];
        assert!(
            (upper / 2.0 - 0.5_f64.exp()).abs() < 0.15,
            "one sigma above: {upper}"
        );
    }
}
