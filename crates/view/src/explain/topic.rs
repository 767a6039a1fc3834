//! What the words mean that Noodle 2 says: codes, kinds of failure, metrics, safety domains, classes of ECOs.

use noodle2_codes::{KINDS, find};
use noodle2_model::{Direction, EcoClass, FailureClass, Metric, SafetyDomain};
use serde::Serialize;

use super::Explanation;

/// What a topic is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum TopicKind {
    /// A code, as in `N2-STUDY-007`.
    Code,
    /// A kind of failure.
    Failure,
    /// A metric.
    Metric,
    /// A safety domain.
    Domain,
    /// A class of ECOs.
    EcoClass,
}

/// A word that can be explained.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Topic {
    /// What it is.
    pub kind: TopicKind,
    /// The part of its kind that it belongs to: for codes what they are about, else the kind in words.
    pub group: String,
    /// The word itself.
    pub name: &'static str,
    /// What it means in a few words.
    pub title: String,
}

/// Every word that can be explained without a run, by kind.
pub fn topics() -> Vec<Topic> {
    let topic = |kind, group: &str, name, title: &str| Topic {
        kind,
        group: group.to_owned(),
        name,
        title: title.trim().trim_end_matches('.').to_owned(),
    };
    let codes = KINDS.iter().flat_map(|kind| {
        let group = format!("N2-{}: {}", kind.word, kind.about);
        let codes = kind.codes.iter();
        codes.map(move |code| topic(TopicKind::Code, &group, code.code, code.title))
    });
    let failures = FailureClass::ALL.iter().map(|class| {
        let kind = TopicKind::Failure;
        topic(kind, "kinds of failure", class.name(), class.meaning())
    });
    let metrics = (Metric::ALL.iter()).map(|metric| {
        let kind = TopicKind::Metric;
        topic(kind, "metrics", metric.name(), metric.meaning())
    });
    let domains = SafetyDomain::ALL.iter().map(|domain| {
        let kind = TopicKind::Domain;
        topic(kind, "safety domains", domain.name(), domain.meaning())
    });
    let classes = EcoClass::ALL.iter().map(|class| {
        let kind = TopicKind::EcoClass;
        topic(kind, "classes of ECOs", class.name(), class.meaning())
    });
    (codes.chain(failures).chain(metrics))
        .chain(domains)
        .chain(classes)
        .collect()
}

/// The topic whose writing is nearest to `text`; `None` when none is near.
pub fn nearest_topic(text: &str) -> Option<&'static str> {
    if let Some(code) = noodle2_codes::nearest(text) {
        return Some(code.code);
    }
    let text = text.trim().to_lowercase();
    // A slip is no more than a third of a word.
    let words = words().filter(|word| strsim::damerau_levenshtein(word, &text) * 3 <= word.len());
    words.min_by_key(|word| strsim::damerau_levenshtein(word, &text))
}

/// Every word but codes.
fn words() -> impl Iterator<Item = &'static str> {
    let metrics = Metric::ALL.iter().map(|metric| metric.name());
    let failures = FailureClass::ALL.iter().map(|class| class.name());
    let domains = SafetyDomain::ALL.iter().map(|domain| domain.name());
    let classes = EcoClass::ALL.iter().map(|class| class.name());
    failures.chain(metrics).chain(domains).chain(classes)
}

impl Explanation {
    /// Explains a word that means the same in every run: a code, a kind of failure (`segfault`), a metric, also without
    /// its unit (`setup_ws`), a safety domain, a class of ECOs; `None` when it is none of these.
    pub fn of_topic(name: &str) -> Option<Self> {
        Self::of_code(name)
            .or_else(|| Self::of_failure(name))
            .or_else(|| Self::of_metric(name))
            .or_else(|| Self::of_domain(name))
            .or_else(|| Self::of_class(name))
    }

    fn of_code(name: &str) -> Option<Self> {
        let code = find(name)?;
        let mut lines = vec![code.text.meaning.to_owned(), "usual causes:".to_owned()];
        lines.extend(code.text.causes.iter().map(|cause| format!("  {cause}")));
        lines.push(format!("what to do: {}", code.text.advice));
        lines.push(format!("example: {}", code.text.example));
        Some(Self {
            subject: format!("{code}: {}", code.title),
            lines,
        })
    }

    fn of_failure(name: &str) -> Option<Self> {
        let class = (FailureClass::ALL.iter()).find(|class| class.name() == name)?;
        let again = match class.is_transient() {
            true => "transient: the attempt is made again, unless it comes too often",
            false => "not transient: the same input would fail again, so it is not repeated",
        };
        Some(Self {
            subject: format!("failure {name}"),
            lines: vec![
                class.meaning().trim().to_owned(),
                format!(
                    "{}; it tells something about the {}; {again}",
                    class.severity(),
                    class.scope()
                ),
                format!("what to do: {}", class.advice()),
            ],
        })
    }

    fn of_metric(name: &str) -> Option<Self> {
        let without_unit = |metric: &Metric| metric.name().rsplit_once('_').map(|(stem, _)| stem);
        let mut metrics = Metric::ALL.iter();
        let metric = metrics
            .clone()
            .find(|metric| metric.name() == name)
            .or_else(|| metrics.find(|metric| without_unit(metric) == Some(name)))?;
        let unit = match metric.unit().symbol() {
            "" => "a count".to_owned(),
            symbol => format!("in {symbol}"),
        };
        let better = match metric.direction() {
            Direction::Higher => "higher",
            Direction::Lower => "lower",
        };
        let mut lines = vec![
            metric.meaning().trim().to_owned(),
            format!("{unit}; {better} is better; a value that was not read is missing, never 0"),
        ];
        if metric.tells_of_parent() {
            lines.push(
                "it tells how a case differs from its parent; the base case has none".to_owned(),
            );
        }
        Some(Self {
            subject: format!("metric {metric}"),
            lines,
        })
    }

    fn of_domain(name: &str) -> Option<Self> {
        let domain = (SafetyDomain::ALL.iter()).find(|domain| domain.name() == name)?;
        let permitted = EcoClass::ALL.iter().filter(|class| domain.permits(**class));
        let permitted: Vec<&str> = permitted.map(|class| class.name()).collect();
        Some(Self {
            subject: format!("safety domain {domain}"),
            lines: vec![
                domain.meaning().trim().to_owned(),
                format!("it permits ECOs of the classes {}", permitted.join(", ")),
                "a stage may be stricter than its study, never freer".to_owned(),
            ],
        })
    }

    fn of_class(name: &str) -> Option<Self> {
        let class = (EcoClass::ALL.iter()).find(|class| class.name() == name)?;
        let domains = SafetyDomain::ALL
            .iter()
            .filter(|domain| domain.permits(*class));
        let domains: Vec<&str> = domains.map(|domain| domain.name()).collect();
        Some(Self {
            subject: format!("class of ECOs {class}"),
            lines: vec![
                class.meaning().trim().to_owned(),
                format!("permitted in the safety domains {}", domains.join(", ")),
                "an ECO declares its class, and what it really touched is measured".to_owned(),
            ],
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_topic_is_explained_in_whole_sentences() {
        for topic in topics() {
            let explanation = Explanation::of_topic(topic.name).unwrap();
            assert!(explanation.subject.contains(topic.name), "{explanation:?}");
            assert!(explanation.lines.len() > 1, "{explanation:?}");
            assert!(!topic.title.is_empty(), "{topic:?}");
        }
        assert_eq!(Explanation::of_topic("bad luck"), None);
    }

    #[test]
    fn a_metric_is_known_without_its_unit() {
        let whole = Explanation::of_topic("setup_ws_ps");
        assert!(whole.is_some());
        assert_eq!(Explanation::of_topic("setup_ws"), whole);
    }

    #[test]
    fn a_slip_leads_to_the_nearest_topic() {
        assert_eq!(nearest_topic("n2-studi-007"), Some("N2-STUDY-007"));
        assert_eq!(nearest_topic("lockd"), Some("locked"));
        assert_eq!(nearest_topic("setup_tsn_ps"), Some("setup_tns_ps"));
        assert_eq!(nearest_topic("segfalt"), Some("segfault"));
        assert_eq!(nearest_topic("weather"), None);
    }
}
