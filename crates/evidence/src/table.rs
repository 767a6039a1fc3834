//! Evidence on many ECOs under many conditions.

use std::collections::{BTreeMap, BTreeSet};

use noodle2_model::{ContentHash, Context, Evidence, Observation, Prior};

type Key = (String, ContentHash, Context);

/// Evidence by ECO, content of the ECO, and conditions.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct EvidenceTable {
    evidence: BTreeMap<Key, Evidence>,
    seen: BTreeSet<ContentHash>,
}

impl EvidenceTable {
    /// The table of what earlier runs found.
    pub fn of_priors<'a>(priors: impl IntoIterator<Item = &'a Prior>) -> Self {
        let mut table = Self::default();
        for prior in priors {
            let key = (prior.eco.clone(), prior.content, prior.context);
            let found = table.evidence.entry(key).or_default();
            found.merge(&prior.evidence);
        }
        table
    }

    /// Takes in an observation with this weight, unless it was made before: the same trial on the same design
    /// tells nothing new. Returns whether it was new.
    pub fn observe(&mut self, observation: &Observation, weight: f64) -> bool {
        if !self.seen.insert(observation.key) {
            return false;
        }
        let key = (
            observation.eco.clone(),
            observation.content,
            observation.context,
        );
        let found = self.evidence.entry(key).or_default();
        found.merge(&Evidence::of(&observation.result, weight));
        true
    }

    /// What is known of an ECO under these very conditions.
    pub fn about(&self, eco: &str, content: ContentHash, context: Context) -> Option<&Evidence> {
        self.evidence.get(&(eco.to_owned(), content, context))
    }

    /// What is known of an ECO under all conditions together.
    pub fn overall(&self, eco: &str, content: ContentHash) -> Evidence {
        let mut sum = Evidence::default();
        self.iter()
            .filter(|(name, other, ..)| *name == eco && *other == content)
            .for_each(|(.., evidence)| sum.merge(evidence));
        sum
    }

    /// Everything, by ECO, content and conditions.
    pub fn iter(&self) -> impl Iterator<Item = (&str, ContentHash, Context, &Evidence)> {
        self.evidence
            .iter()
            .map(|((eco, content, context), evidence)| (eco.as_str(), *content, *context, evidence))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use noodle2_model::TrialResult;

    #[test]
    fn the_same_trial_counts_once() {
        let content = ContentHash::of("eco");
        let observation = |key: &str| Observation {
            key: ContentHash::of(key),
            eco: "resize".to_owned(),
            content,
            context: Context::default(),
            result: TrialResult::NoEffect,
        };
        let mut table = EvidenceTable::default();
        assert!(table.observe(&observation("a"), 1.0));
        assert!(!table.observe(&observation("a"), 1.0));
        assert!(table.observe(&observation("b"), 1.0));
        assert_eq!(table.overall("resize", content).tries(), 2.0);
        let about = |eco| table.about(eco, content, Context::default());
        assert_eq!(about("resize").map(Evidence::tries), Some(2.0));
        assert_eq!(about("buffer"), None);
        assert_eq!(
            table.overall("resize", ContentHash::of("edited")).tries(),
            0.0
        );
    }
}
