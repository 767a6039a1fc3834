//! Where links lead: to the other pages of the server, or into the report itself.

use noodle2_model::{AttemptId, CaseName, StageIndex, TrialId};
use noodle2_view::chart::Links;

/// Where what is shown stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place<'a> {
    /// On a server, under the run of this name.
    Served(&'a str),
    /// In a report, which is one file.
    Report,
}

/// A text as one segment of an address: everything but letters, digits and `-._~` in percent signs (RFC 3986).
pub fn encoded(text: &str) -> String {
    let mut address = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
                address.push(char::from(byte));
            }
            _ => address.push_str(&format!("%{byte:02X}")),
        }
    }
    address
}

impl Place<'_> {
    /// The run's own page.
    pub fn run(&self) -> String {
        match self {
            Self::Served(run) => format!("/runs/{}", encoded(run)),
            Self::Report => "#top".to_owned(),
        }
    }

    /// A page below the run's own; in a report, its part of that name.
    pub fn below(&self, name: &str) -> String {
        match self {
            Self::Served(run) => format!("/runs/{}/{name}", encoded(run)),
            Self::Report => format!("#{name}"),
        }
    }

    /// The page of a case.
    pub fn case(&self, case: &CaseName) -> String {
        match self {
            Self::Served(run) => {
                format!(
                    "/runs/{}/cases/{}",
                    encoded(run),
                    encoded(&case.to_string())
                )
            }
            Self::Report => format!("#trial-{}", case.trial()),
        }
    }

    /// The page of a trial.
    pub fn trial(&self, trial: TrialId) -> String {
        match self {
            Self::Served(run) => format!("/runs/{}/trials/{trial}", encoded(run)),
            Self::Report => format!("#trial-{trial}"),
        }
    }

    /// A file of an attempt; a report holds none.
    pub fn file(&self, attempt: AttemptId, name: &str) -> Option<String> {
        match self {
            Self::Served(run) => {
                let name: Vec<String> = name.split('/').map(encoded).collect();
                let AttemptId { trial, number } = attempt;
                let run = encoded(run);
                Some(format!(
                    "/runs/{run}/files/{trial}/{number}/{}",
                    name.join("/")
                ))
            }
            Self::Report => None,
        }
    }
}

impl Links for Place<'_> {
    fn case(&self, case: &CaseName) -> Option<String> {
        Some(Place::case(self, case))
    }

    fn trial(&self, trial: TrialId) -> Option<String> {
        Some(Place::trial(self, trial))
    }

    fn stage(&self, stage: StageIndex) -> Option<String> {
        Some(match self {
            Self::Served(_) => format!("{}?stage={stage}", self.below("trials")),
            Self::Report => format!("#stage-{stage}"),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_an_address_cannot_hold_is_encoded() {
        assert_eq!(encoded("a/b c?#%é"), "a%2Fb%20c%3F%23%25%C3%A9");
        assert_eq!(encoded("mac_0_1"), "mac_0_1");
    }
}
