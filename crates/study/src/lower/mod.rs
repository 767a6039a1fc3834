//! The tree to a [`Study`](noodle2_model::Study): keys, types and words.
//!
//! Goes on after every problem. Where a value is missing or of the wrong type, a placeholder takes its
//! place and the field is marked as broken, so that later checks do not judge the placeholder; lists
//! keep their length, so that positions in the file and in the study agree.

mod fields;
mod noise;
mod people;
mod priors;
mod proposer;
mod safety;
mod selection;
mod stage;
mod study;
mod value;

pub(crate) use study::study;

use crate::report::Report;
use crate::source::Span;
use crate::tree::Node;

/// The problem was reported; there is no value.
#[derive(Clone, Copy)]
struct Reported;

type Lowered<T> = Result<T, Reported>;

/// A node, and which field of the study it gives.
struct Place<'a> {
    node: &'a Node,
    field: String,
}

impl Place<'_> {
    /// The name of the field without what is around it, as messages call it.
    fn label(&self) -> &str {
        let start = self.field.rfind('.').map_or(0, |at| at + 1);
        &self.field[start..]
    }

    /// Where to point at: the value, or its key where the value is empty.
    fn span(&self, report: &Report) -> Span {
        if self.node.span.is_empty() {
            return report.locations().nearest(&self.field).span();
        }
        self.node.span
    }
}
