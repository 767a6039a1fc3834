//! Where each field of a study stands in its file.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::codes::Code;
use crate::problem::Problem;
use crate::source::{Source, Span};

/// Where one field stands.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Location {
    /// Its key; `None` for an item of a list.
    pub key: Option<Span>,
    /// Its value.
    pub value: Span,
}

impl Location {
    /// The place to point at: the value, or the key where the value is empty.
    pub fn span(&self) -> Span {
        match self.key {
            Some(key) if self.value.is_empty() => key,
            _ => self.value,
        }
    }
}

/// The place of every field that a study file spells out, by its path: `stages[2].ecos[0].parameters.paths`.
#[derive(Clone, Debug)]
pub struct Locations {
    source: Arc<Source>,
    fields: BTreeMap<String, Location>,
}

impl Locations {
    pub(crate) fn new(source: Arc<Source>) -> Self {
        Self {
            source,
            fields: BTreeMap::new(),
        }
    }

    pub(crate) fn source(&self) -> &Arc<Source> {
        &self.source
    }

    pub(crate) fn insert(&mut self, field: &str, location: Location) {
        self.fields.insert(field.to_owned(), location);
    }

    /// The text of the file, as far as it can be shown.
    pub fn text(&self) -> &str {
        self.source.text()
    }

    /// The place of `field`, or `None` where the file does not spell it out.
    pub fn get(&self, field: &str) -> Option<Location> {
        self.fields.get(field).copied()
    }

    /// The place of `field` or, where the file does not spell it out, of the nearest field around it.
    pub fn nearest(&self, field: &str) -> Location {
        enclosing(field)
            .find_map(|field| self.get(field))
            .unwrap_or(Location {
                key: None,
                value: Span::default(),
            })
    }

    /// A problem that points at `field`.
    pub fn problem(
        &self,
        code: Code,
        field: &str,
        message: impl Into<String>,
        help: Option<String>,
    ) -> Problem {
        let span = self.nearest(field).span();
        Problem::new(&self.source, code, span, message.into(), help)
    }
}

/// `field` and the fields around it, from the inside out; the empty path, the file as a whole, comes last.
pub(crate) fn enclosing(field: &str) -> impl Iterator<Item = &str> {
    std::iter::successors(Some(field), |field| {
        if field.is_empty() {
            return None;
        }
        Some(field.rfind(['.', '[']).map_or("", |at| &field[..at]))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_left_from_the_inside_out() {
        let all: Vec<_> = enclosing("stages[2].ecos[0].name").collect();
        let expected = [
            "stages[2].ecos[0].name",
            "stages[2].ecos[0]",
            "stages[2].ecos",
            "stages[2]",
            "stages",
            "",
        ];
        assert_eq!(all, expected);
    }
}
