//! The problems found so far, and which fields are too broken to be judged further.

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::codes::Code;
use crate::locations::{Location, Locations, enclosing};
use crate::problem::Problem;
use crate::source::{Source, Span};

/// More problems than a person will read; a hostile file must not make us collect millions.
const MAX_PROBLEMS: usize = 1000;

pub(crate) struct Report {
    problems: Vec<Problem>,
    locations: Locations,
    broken: BTreeSet<String>,
}

impl Report {
    pub fn new(source: Arc<Source>) -> Self {
        Self {
            problems: Vec::new(),
            locations: Locations::new(source),
            broken: BTreeSet::new(),
        }
    }

    pub fn source(&self) -> &Arc<Source> {
        self.locations.source()
    }

    pub fn locations(&self) -> &Locations {
        &self.locations
    }

    /// Whether further problems are dropped, so that costly hints can be spared.
    pub fn is_full(&self) -> bool {
        self.problems.len() >= MAX_PROBLEMS
    }

    /// Reports a problem at a place of the text.
    pub fn add(
        &mut self,
        code: Code,
        span: Span,
        message: impl Into<String>,
        help: Option<String>,
    ) {
        if !self.is_full() {
            let source = self.locations.source();
            let problem = Problem::new(source, code, span, message.into(), help);
            self.problems.push(problem);
        }
    }

    /// Reports a problem of `field`, unless the field holds a placeholder for what was already reported.
    pub fn at(
        &mut self,
        code: Code,
        field: &str,
        message: impl Into<String>,
        help: impl Into<Option<String>>,
    ) {
        if !self.is_full() && self.is_sound(field) {
            let problem = self.locations.problem(code, field, message, help.into());
            self.problems.push(problem);
        }
    }

    /// Notes where a field stands.
    pub fn locate(&mut self, field: &str, location: Location) {
        self.locations.insert(field, location);
    }

    /// Notes that the value of `field` is a placeholder.
    pub fn mark_broken(&mut self, field: &str) {
        self.broken.insert(field.to_owned());
    }

    /// Whether neither `field` nor anything around it is a placeholder.
    pub fn is_sound(&self, field: &str) -> bool {
        self.broken.is_empty() || enclosing(field).all(|field| !self.broken.contains(field))
    }

    /// Whether `field` is sound and so is everything inside it.
    pub fn is_sound_throughout(&self, field: &str) -> bool {
        let inside = |other: &String| {
            other
                .strip_prefix(field)
                .is_some_and(|rest| rest.starts_with(['.', '[']))
        };
        self.is_sound(field)
            && !self
                .broken
                .range(field.to_owned()..)
                .take_while(|other| other.starts_with(field))
                .any(inside)
    }

    /// All problems in the order of the file; a problem met twice through an alias is listed once.
    pub fn finish(mut self) -> (Vec<Problem>, Locations) {
        debug_assert!(
            self.broken.is_empty() || !self.problems.is_empty(),
            "placeholders without a problem: {:?}",
            self.broken
        );
        self.problems
            .sort_by(|left, right| left.order().cmp(&right.order()));
        self.problems.dedup();
        (self.problems, self.locations)
    }
}
