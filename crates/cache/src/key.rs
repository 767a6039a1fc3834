//! Keys: what a result depends on, part by part, by content alone.

use std::collections::{BTreeMap, BTreeSet};

use noodle2_model::{ContentHash, KeyPart};
use serde::{Deserialize, Serialize};

/// What the result of an attempt depends on.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CacheKey {
    /// The hash of what is tried by name: ECOs with their parameters. Part of the key; entries of one subject are
    /// what a miss is held against.
    pub subject: ContentHash,
    /// The hash of each part. A part that is absent makes no difference to the result.
    pub parts: BTreeMap<KeyPart, ContentHash>,
}

impl CacheKey {
    /// The key as one hash.
    pub fn hash(&self) -> ContentHash {
        let text = serde_json::to_vec(self).expect("names and hashes are always JSON");
        ContentHash::of(text)
    }

    /// In which parts two keys differ.
    pub fn differing(&self, other: &Self) -> BTreeSet<KeyPart> {
        let parts = self.parts.keys().chain(other.parts.keys());
        parts
            .filter(|part| self.parts.get(part) != other.parts.get(part))
            .copied()
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_that_one_key_lacks_is_a_difference() {
        let subject = ContentHash::of("noop");
        let key = |parts: &[(KeyPart, &str)]| CacheKey {
            subject,
            parts: parts
                .iter()
                .map(|(part, text)| (*part, ContentHash::of(text)))
                .collect(),
        };
        let one = key(&[(KeyPart::Engine, "a"), (KeyPart::Guard, "b")]);
        let other = key(&[(KeyPart::Engine, "a"), (KeyPart::Seed, "b")]);
        assert_eq!(
            one.differing(&other),
            BTreeSet::from([KeyPart::Guard, KeyPart::Seed])
        );
        assert_ne!(one.hash(), other.hash());
        let elsewhere = CacheKey {
            subject: ContentHash::of("other"),
            ..one.clone()
        };
        assert!(one.differing(&elsewhere).is_empty());
        assert_ne!(one.hash(), elsewhere.hash());
    }
}
