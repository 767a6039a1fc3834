//! Where the boxes of a layered graph stand, left to right: `rust-sugiyama` places, this turns and packs.

use rust_sugiyama::configure::{Config, RankingType};

/// Boxes and where they stand.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Layout {
    /// The upper left corner of each box, in the order in which they were given.
    pub corners: Vec<(f64, f64)>,
    /// Width and height of all.
    pub size: (f64, f64),
}

/// Places boxes of one size so that each stands right of all that lead to it. Edges name boxes by their number, and form no
/// circle.
pub(crate) fn layered(
    boxes: usize,
    edges: &[(usize, usize)],
    (width, height): (f64, f64),
    (across, between): (f64, f64),
) -> Layout {
    // The library lays layers from top to bottom with one distance for both ways; they are turned here, and the
    // distances given by way of the sizes.
    let size = (height + between - 1.0, width + across - 1.0);
    let vertices: Vec<(u32, (f64, f64))> = (0..boxes).map(|number| (number as u32, size)).collect();
    let edges: Vec<(u32, u32)> = edges
        .iter()
        .filter(|(from, to)| from != to && *from < boxes && *to < boxes)
        .map(|(from, to)| (*from as u32, *to as u32))
        .collect();
    let config = Config {
        vertex_spacing: 1.0,
        dummy_size: 1.0,
        ranking_type: RankingType::Up,
        // Swapping neighbours costs more than it gives in graphs as large as this.
        transpose: boxes <= 120,
        ..Config::default()
    };
    let parts = rust_sugiyama::from_vertices_and_edges(&vertices, &edges, &config);
    let mut layout = Layout {
        corners: vec![(0.0, 0.0); boxes],
        size: (0.0, 0.0),
    };
    let mut below = 0.0_f64;
    for (places, ..) in parts {
        let least = |pick: fn(&(f64, f64)) -> f64| {
            let values = places.iter().map(|(_, place)| pick(place));
            values.fold(f64::INFINITY, f64::min)
        };
        let (first_x, first_y) = (least(|place| place.1), least(|place| place.0));
        let mut bottom = below;
        for (number, place) in &places {
            let corner = (place.1 - first_x, below + place.0 - first_y);
            bottom = bottom.max(corner.1 + height + between);
            layout.size.0 = layout.size.0.max(corner.0 + width);
            layout.corners[*number] = corner;
        }
        below = bottom;
    }
    layout.size.1 = (below - between).max(0.0);
    layout
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn boxes_never_overlap_and_stand_right_of_what_leads_to_them(
            boxes in 1_usize..40,
            pairs in proptest::collection::vec((0_usize..40, 0_usize..40), 0..80),
        ) {
            let edges: Vec<(usize, usize)> = pairs
                .into_iter()
                .map(|(from, to)| (from.min(to), from.max(to)))
                .filter(|(from, to)| from < to && *to < boxes)
                .collect();
            let layout = layered(boxes, &edges, (100.0, 40.0), (50.0, 12.0));
            // The library keeps places in hash maps, whose order differs each time.
            prop_assert_eq!(&layout, &layered(boxes, &edges, (100.0, 40.0), (50.0, 12.0)));
            for (from, to) in edges {
                prop_assert!(layout.corners[to].0 >= layout.corners[from].0 + 100.0);
            }
            for left in 0..boxes {
                let (x, y) = layout.corners[left];
                prop_assert!(x >= 0.0 && y >= 0.0);
                prop_assert!(x + 100.0 <= layout.size.0 + 0.5 && y + 40.0 <= layout.size.1 + 0.5);
                for right in left + 1..boxes {
                    let (other_x, other_y) = layout.corners[right];
                    let apart = (x - other_x).abs() >= 99.5 || (y - other_y).abs() >= 39.5;
                    prop_assert!(apart, "{left} {right} {:?}", layout.corners);
                }
            }
        }
    }
}
