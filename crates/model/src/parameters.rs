//! Parameter values by name.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize, Serializer};

use crate::ParameterValue;

/// Parameter values by name, in alphabetical order. A run holds those of every trial, so they lie side by side: a tree
/// would take five times the memory for the two or three that an ECO has.
#[derive(Clone, PartialEq, Debug, Default, Deserialize, JsonSchema)]
#[serde(from = "BTreeMap<String, ParameterValue>")]
#[schemars(with = "BTreeMap<String, ParameterValue>")]
pub struct Parameters(Box<[(Box<str>, ParameterValue)]>);

impl Parameters {
    /// None at all.
    pub fn new() -> Self {
        Self::default()
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The value of a parameter; `None` where it has none.
    pub fn get(&self, name: &str) -> Option<&ParameterValue> {
        Some(&self.0[self.place_of(name).ok()?].1)
    }

    /// Whether a parameter has a value.
    pub fn contains_key(&self, name: &str) -> bool {
        self.place_of(name).is_ok()
    }

    /// Gives a parameter a value in the place of the one that it had, which is returned.
    pub fn insert(&mut self, name: String, value: ParameterValue) -> Option<ParameterValue> {
        match self.place_of(&name) {
            Ok(place) => Some(std::mem::replace(&mut self.0[place].1, value)),
            Err(place) => {
                let mut values = std::mem::take(&mut self.0).into_vec();
                values.insert(place, (name.into_boxed_str(), value));
                self.0 = values.into_boxed_slice();
                None
            }
        }
    }

    /// Names and values, in alphabetical order of names.
    pub fn iter(&self) -> <&Self as IntoIterator>::IntoIter {
        self.into_iter()
    }

    /// The names, in alphabetical order.
    pub fn keys(&self) -> impl ExactSizeIterator<Item = &str> {
        self.iter().map(|(name, _)| name)
    }

    /// The values, in alphabetical order of names.
    pub fn values(&self) -> impl ExactSizeIterator<Item = &ParameterValue> {
        self.iter().map(|(_, value)| value)
    }

    fn place_of(&self, name: &str) -> Result<usize, usize> {
        self.0.binary_search_by(|(other, _)| (**other).cmp(name))
    }
}

impl Serialize for Parameters {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.iter())
    }
}

impl From<BTreeMap<String, ParameterValue>> for Parameters {
    fn from(values: BTreeMap<String, ParameterValue>) -> Self {
        let values = values.into_iter();
        Self(
            values
                .map(|(name, value)| (name.into_boxed_str(), value))
                .collect(),
        )
    }
}

impl<const COUNT: usize> From<[(String, ParameterValue); COUNT]> for Parameters {
    fn from(values: [(String, ParameterValue); COUNT]) -> Self {
        values.into_iter().collect()
    }
}

impl FromIterator<(String, ParameterValue)> for Parameters {
    /// Of several values of one parameter the last holds.
    fn from_iter<I: IntoIterator<Item = (String, ParameterValue)>>(values: I) -> Self {
        BTreeMap::from_iter(values).into()
    }
}

impl<'a> IntoIterator for &'a Parameters {
    type Item = (&'a str, &'a ParameterValue);
    type IntoIter = std::iter::Map<
        std::slice::Iter<'a, (Box<str>, ParameterValue)>,
        fn(&'a (Box<str>, ParameterValue)) -> (&'a str, &'a ParameterValue),
    >;

    fn into_iter(self) -> Self::IntoIter {
        self.0.iter().map(|(name, value)| (&**name, value))
    }
}

impl IntoIterator for Parameters {
    type Item = (String, ParameterValue);
    type IntoIter = std::iter::Map<
        std::vec::IntoIter<(Box<str>, ParameterValue)>,
        fn((Box<str>, ParameterValue)) -> (String, ParameterValue),
    >;

    fn into_iter(self) -> Self::IntoIter {
        self.0
            .into_vec()
            .into_iter()
            .map(|(name, value)| (name.into_string(), value))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn they_are_found_changed_and_written_like_a_map() {
        let value = ParameterValue::Integer;
        let mut parameters = Parameters::new();
        assert_eq!(parameters.insert("paths".to_owned(), value(3)), None);
        assert_eq!(parameters.insert("cells".to_owned(), value(1)), None);
        assert_eq!(
            parameters.insert("paths".to_owned(), value(4)),
            Some(value(3))
        );
        assert_eq!(parameters.keys().collect::<Vec<_>>(), ["cells", "paths"]);
        assert_eq!(parameters.get("paths"), Some(&value(4)));
        assert_eq!(parameters.get("nets"), None);
        let text = serde_json::to_string(&parameters).unwrap();
        assert_eq!(text, r#"{"cells":1,"paths":4}"#);
        assert_eq!(
            serde_json::from_str::<Parameters>(&text).unwrap(),
            parameters
        );
        let again: Parameters = parameters.clone().into_iter().collect();
        assert_eq!(again, parameters);
    }
}
