//! What goes wrong with simulated attempts.

use std::fmt;
use std::str::FromStr;

use noodle2_model::FailureClass;

use crate::draw::Draw;

/// How likely an attempt of a trial goes wrong, by how. None of the base case does.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Faults {
    /// It crashes after a part of its time.
    pub crash: f64,
    /// It takes the whole time limit, and ends when told to.
    pub timeout: f64,
    /// It takes the whole time limit, and must be killed.
    pub hang: f64,
    /// Its worker is lost after a part of its time, and there again at once: the attempt is made again.
    pub kill_worker: f64,
}

/// Faults that cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FaultsError {
    /// There is no such fault.
    #[error(
        "`{0}` is no fault: `crash`, `timeout`, `hang` and `kill-worker` are, each with a share as in `crash=0.05`"
    )]
    Unknown(String),
    /// It is no share.
    #[error("`{0}`: the share of a fault is a number from 0 to 1")]
    NoShare(String),
    /// It is told twice.
    #[error("`{0}` is told twice")]
    Twice(String),
    /// More goes wrong than there is.
    #[error("`{0}`: the shares of all faults together are more than 1")]
    TooMany(String),
}

impl FromStr for Faults {
    type Err = FaultsError;

    fn from_str(text: &str) -> Result<Self, FaultsError> {
        let mut faults = Self::default();
        let mut told: Vec<&str> = Vec::new();
        for part in text.split(',').map(str::trim) {
            let unknown = || FaultsError::Unknown(part.to_owned());
            let (name, share) = part.split_once('=').ok_or_else(unknown)?;
            let field = match name {
                "crash" => &mut faults.crash,
                "timeout" => &mut faults.timeout,
                "hang" => &mut faults.hang,
                "kill-worker" => &mut faults.kill_worker,
                _ => return Err(unknown()),
            };
            if told.contains(&name) {
                return Err(FaultsError::Twice(name.to_owned()));
            }
            told.push(name);
            *field = match share.parse::<f64>() {
                Ok(share) if (0.0..=1.0).contains(&share) => share,
                _ => return Err(FaultsError::NoShare(part.to_owned())),
            };
        }
        match faults.sum() > 1.0 {
            true => Err(FaultsError::TooMany(text.to_owned())),
            false => Ok(faults),
        }
    }
}

impl fmt::Display for Faults {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let percent = |share: f64| (share * 1e6).round() / 1e4;
        let told: Vec<String> = [
            (self.crash, "crash"),
            (self.timeout, "run into their time limit"),
            (self.hang, "hang until they are killed"),
            (self.kill_worker, "lose their worker"),
        ]
        .iter()
        .filter(|(share, _)| *share > 0.0)
        .map(|(share, what)| format!("{} % {what}", percent(*share)))
        .collect();
        match told.is_empty() {
            true => formatter.write_str("no attempt fails"),
            false => write!(formatter, "of the attempts of trials {}", told.join(", ")),
        }
    }
}

/// How an attempt goes wrong, and after which share of its time.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Fault {
    pub class: FailureClass,
    /// `None`: at its time limit.
    pub after: Option<f64>,
}

impl Faults {
    fn sum(&self) -> f64 {
        self.crash + self.timeout + self.hang + self.kill_worker
    }

    /// What goes wrong with an attempt, if anything does.
    pub(crate) fn draw(&self, draw: &mut Draw) -> Option<Fault> {
        if self.sum() <= 0.0 {
            return None;
        }
        let mut drawn = draw.unit();
        let part = draw.unit();
        let kinds = [
            (self.crash, FailureClass::Segfault, Some(part)),
            (self.timeout, FailureClass::Timeout, None),
            (self.hang, FailureClass::TimeoutHard, None),
            (self.kill_worker, FailureClass::WorkerLost, Some(part)),
        ];
        for (share, class, after) in kinds {
            if drawn < share {
                return Some(Fault { class, after });
            }
            drawn -= share;
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn faults_are_read_and_others_refused() {
        let faults: Faults = "crash=0.05, timeout=0.01,hang=0,kill-worker=0.001"
            .parse()
            .unwrap();
        assert_eq!(
            faults,
            Faults {
                crash: 0.05,
                timeout: 0.01,
                hang: 0.0,
                kill_worker: 0.001
            }
        );
        let refused = |text: &str| text.parse::<Faults>().unwrap_err();
        for text in ["", "crash", "burn=0.1"] {
            assert!(matches!(refused(text), FaultsError::Unknown(_)), "{text}");
        }
        for text in ["crash=2", "crash=-0.1", "crash=x", "crash=NaN"] {
            assert!(matches!(refused(text), FaultsError::NoShare(_)), "{text}");
        }
        assert!(matches!(
            refused("crash=0.1,crash=0.1"),
            FaultsError::Twice(_)
        ));
        assert!(matches!(
            refused("crash=0.6,hang=0.6"),
            FaultsError::TooMany(_)
        ));
    }

    #[test]
    fn as_many_fail_as_were_asked_for() {
        let faults: Faults = "crash=0.2,hang=0.1".parse().unwrap();
        let drawn: Vec<Option<Fault>> = (0..10_000_u32)
            .map(|derived| {
                let trial = noodle2_model::TrialId {
                    stage: noodle2_model::StageIndex(1),
                    derived,
                };
                let role = noodle2_control::AttemptRole::Derives;
                faults.draw(&mut Draw::of(3, trial, role, 0, "fault"))
            })
            .collect();
        let count = |class: FailureClass| {
            let hit = drawn.iter().flatten().filter(|fault| fault.class == class);
            hit.count()
        };
        assert!((1800..2200).contains(&count(FailureClass::Segfault)));
        assert!((850..1150).contains(&count(FailureClass::TimeoutHard)));
        assert_eq!(count(FailureClass::WorkerLost), 0);
    }
}
