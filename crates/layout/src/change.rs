//! How the placement of a child differs from that of its parent.

use std::sync::Arc;

use serde::Serialize;

use crate::def::{Component, Def, Placement};

/// A cell that stands elsewhere than in the parent.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct MovedCell {
    /// The component.
    pub name: Arc<str>,
    /// Where its lower left corner was, in µm.
    pub from: (f64, f64),
    /// Where it is, in µm.
    pub to: (f64, f64),
    /// How far that is in µm, along x plus along y.
    pub distance: f64,
}

/// A cell that is another macro than in the parent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RetypedCell {
    /// The component.
    pub name: Arc<str>,
    /// The macro that it was.
    pub from: Arc<str>,
    /// The macro that it is.
    pub to: Arc<str>,
}

/// What became of the cells of a parent in a child. Every list is in order of name, moved cells the farthest first.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct PlacementChange {
    /// Cells of both that have a place in both.
    pub compared: usize,
    /// Cells that stand elsewhere: at another lower left corner.
    pub moved: Vec<MovedCell>,
    /// Cells that are turned or mirrored otherwise, moved or not.
    pub turned: Vec<Arc<str>>,
    /// Cells that only the child has.
    pub added: Vec<Arc<str>>,
    /// Cells that only the parent has.
    pub removed: Vec<Arc<str>>,
    /// Cells that are another macro.
    pub retyped: Vec<RetypedCell>,
    /// Cells of both that lost their place.
    pub unplaced: Vec<Arc<str>>,
    /// Cells of both that had no place and have one.
    pub newly_placed: Vec<Arc<str>>,
    /// The distances of all moved cells together, in µm.
    pub total_distance: f64,
}

impl PlacementChange {
    /// What becomes of the placement of `parent` in `child`. Both may have database units of their own: all is told in µm.
    ///
    /// Two designs of different names are compared all the same; whether they may be is for the caller to say.
    pub fn between(parent: &Def, child: &Def) -> Self {
        let mut change = Self::default();
        for after in &child.components {
            match parent.component(&after.name) {
                None => change.added.push(after.name.clone()),
                Some(before) => change.compare((parent, before), (child, after)),
            }
        }
        let is_gone = |before: &&Component| child.component(&before.name).is_none();
        let removed = parent.components.iter().filter(is_gone);
        change.removed = removed.map(|before| before.name.clone()).collect();
        change.sort();
        // Summed in order of the list, so that the order of a file changes no digit.
        change.total_distance = change.moved.iter().map(|cell| cell.distance).sum();
        change
    }

    /// The mean distance of the moved cells in µm; `None` where none moved.
    pub fn mean_distance(&self) -> Option<f64> {
        let count = self.moved.len();
        (count > 0).then(|| self.total_distance / count as f64)
    }

    /// The greatest distance of a moved cell in µm; `None` where none moved.
    pub fn max_distance(&self) -> Option<f64> {
        self.moved.first().map(|cell| cell.distance)
    }

    /// Whether both placements are the same.
    pub fn is_empty(&self) -> bool {
        let lists = [
            &self.turned,
            &self.added,
            &self.removed,
            &self.unplaced,
            &self.newly_placed,
        ];
        self.moved.is_empty() && self.retyped.is_empty() && lists.iter().all(|list| list.is_empty())
    }

    fn compare(
        &mut self,
        (parent, before): (&Def, &Component),
        (child, after): (&Def, &Component),
    ) {
        if before.master != after.master {
            self.retyped.push(RetypedCell {
                name: after.name.clone(),
                from: before.master.clone(),
                to: after.master.clone(),
            });
        }
        match (before.placement, after.placement) {
            (Some(from), Some(to)) => {
                self.compared += 1;
                self.compare_places(&after.name, (parent, from), (child, to));
            }
            (Some(_), None) => self.unplaced.push(after.name.clone()),
            (None, Some(_)) => self.newly_placed.push(after.name.clone()),
            (None, None) => {}
        }
    }

    fn compare_places(
        &mut self,
        name: &Arc<str>,
        (parent, from): (&Def, Placement),
        (child, to): (&Def, Placement),
    ) {
        if from.orientation != to.orientation {
            self.turned.push(name.clone());
        }
        let place = |def: &Def, placement: Placement| {
            (
                def.to_microns(placement.at.x),
                def.to_microns(placement.at.y),
            )
        };
        let (from, to) = (place(parent, from), place(child, to));
        if from == to {
            return;
        }
        self.moved.push(MovedCell {
            name: name.clone(),
            from,
            to,
            distance: (to.0 - from.0).abs() + (to.1 - from.1).abs(),
        });
    }

    fn sort(&mut self) {
        let by_distance = |a: &MovedCell, b: &MovedCell| {
            b.distance
                .total_cmp(&a.distance)
                .then_with(|| a.name.cmp(&b.name))
        };
        self.moved.sort_by(by_distance);
        self.retyped.sort_by(|a, b| a.name.cmp(&b.name));
        for list in [
            &mut self.turned,
            &mut self.added,
            &mut self.removed,
            &mut self.unplaced,
            &mut self.newly_placed,
        ] {
            list.sort();
        }
    }
}
