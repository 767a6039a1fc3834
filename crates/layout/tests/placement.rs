//! Two placements compared, and one checked, with made-up designs.

mod common;

use std::collections::BTreeSet;
use std::fmt::Write as _;

use common::{TINY_DEF, tiny_def, tiny_lef};
use noodle2_layout::{Def, PlacementChange, PlacementCheck};
use proptest::prelude::*;

fn changed(changes: &[(&str, &str)]) -> Def {
    let mut text = TINY_DEF.to_owned();
    for (from, to) in changes {
        assert!(text.contains(from), "{from}");
        text = text.replacen(from, to, 1);
    }
    Def::read(text.as_bytes()).unwrap()
}

fn names<T: AsRef<str>>(list: &[T]) -> Vec<&str> {
    list.iter().map(AsRef::as_ref).collect()
}

#[test]
fn what_became_of_each_cell_is_told() {
    let child = changed(&[
        (
            "- u1 INV + PLACED ( 4000 4000 ) N",
            "- u1 INV + PLACED ( 5000 6000 ) FS",
        ),
        (
            "- u2 INV + PLACED ( 4400 4000 ) FN",
            "- u2 BUF + PLACED ( 4400 4500 ) FN",
        ),
        (
            "- u3 INV + SOURCE TIMING + PLACED ( 8000 6000 ) FS",
            "- u3 INV + UNPLACED",
        ),
        ("- fill1 FILL + SOURCE DIST", "- fill2 FILL + SOURCE DIST"),
        ("- u5 INV + UNPLACED", "- u5 INV + PLACED ( 9000 4000 ) N"),
    ]);
    let change = PlacementChange::between(&tiny_def(), &child);
    let moved: Vec<(&str, f64)> = change
        .moved
        .iter()
        .map(|cell| (&*cell.name, cell.distance))
        .collect();
    assert_eq!(moved, [("u1", 3.0), ("u2", 0.5)]);
    assert_eq!(
        (change.moved[0].from, change.moved[0].to),
        ((4.0, 4.0), (5.0, 6.0))
    );
    assert_eq!(change.total_distance, 3.5);
    assert_eq!(
        (change.mean_distance(), change.max_distance()),
        (Some(1.75), Some(3.0))
    );
    assert_eq!(names(&change.turned), ["u1"]);
    assert_eq!(names(&change.added), ["fill2"]);
    assert_eq!(names(&change.removed), ["fill1"]);
    assert_eq!(names(&change.unplaced), ["u3"]);
    assert_eq!(names(&change.newly_placed), ["u5"]);
    assert_eq!(change.retyped.len(), 1);
    assert_eq!(
        (&*change.retyped[0].from, &*change.retyped[0].to),
        ("INV", "BUF")
    );
    assert_eq!(change.compared, 7);

    let same = PlacementChange::between(&tiny_def(), &tiny_def());
    assert!(same.is_empty() && !change.is_empty());
    assert_eq!(
        (same.mean_distance(), same.max_distance(), same.compared),
        (None, None, 9)
    );
}

/// The same places in other units are the same places.
#[test]
fn units_of_two_files_may_differ() {
    let mut text = String::new();
    for token in TINY_DEF.split_inclusive([' ', '\n']) {
        // Every coordinate of the sample has four digits or more.
        match token.trim().parse::<i64>() {
            Ok(number) if token.trim().len() >= 4 => {
                let _ = write!(text, "{}{}", number * 2, &token[token.len() - 1..]);
            }
            _ => text.push_str(token),
        }
    }
    let doubled = Def::read(text.as_bytes()).unwrap();
    assert_eq!(doubled.units_per_micron, 2000);
    assert!(PlacementChange::between(&tiny_def(), &doubled).is_empty());
}

#[test]
fn a_check_counts_what_is_wrong() {
    let check = PlacementCheck::of(&tiny_def(), &tiny_lef());
    // Four inverters, three flip-flops and the memory.
    assert_eq!(check.cells, 8);
    let area = 4.0 * 0.8 + 3.0 * 4.0 + 80.0;
    assert!((check.cell_area - area).abs() < 1e-9, "{}", check.cell_area);
    let rows = 4.0 * 64.0 + 4.0 * 40.0;
    assert_eq!(check.row_area, Some(rows));
    assert!((check.utilisation.unwrap() - area / rows).abs() < 1e-12);
    assert_eq!(check.overlaps.count, 0);
    assert_eq!(
        (
            check.off_grid.count,
            check.outside_core.count,
            check.unknown.count
        ),
        (0, 0, 0)
    );
    // Of all that can be wrong, one cell has no place.
    assert_eq!(names(&check.unplaced.first), ["u5"]);
    assert!(!check.is_legal());
    let placed = changed(&[("- u5 INV + UNPLACED", "- u5 INV + PLACED ( 9000 4000 ) N")]);
    assert!(PlacementCheck::of(&placed, &tiny_lef()).is_legal());

    let broken = changed(&[
        (
            "- u2 INV + PLACED ( 4400 4000 )",
            "- u2 INV + PLACED ( 4200 4000 )",
        ),
        (
            "- u3 INV + SOURCE TIMING + PLACED ( 8000 6000 )",
            "- u3 INV + PLACED ( 8100 6000 )",
        ),
        (
            "- u4 INV + PLACED ( 16000 10000 )",
            "- u4 BUF + PLACED ( 16000 10000 )",
        ),
        ("- u5 INV + UNPLACED", "- u5 INV + PLACED ( 35800 8000 ) N"),
    ]);
    let check = PlacementCheck::of(&broken, &tiny_lef());
    assert_eq!(check.overlaps.count, 1);
    assert_eq!(check.overlaps.first, [("u1".into(), "u2".into())]);
    assert_eq!(names(&check.off_grid.first), ["u3", "u5"]);
    assert_eq!(names(&check.outside_core.first), ["u5"]);
    assert_eq!(names(&check.unknown.first), ["u4"]);
    assert_eq!((check.cells, check.unplaced.count), (8, 0));
    assert!(!check.is_legal());

    // A row without STEP has its sites side by side; one that goes upwards holds cells at each of its steps.
    let plain = changed(&[("DO 160 BY 1 STEP 200 0", "DO 160 BY 1")]);
    assert_eq!(
        PlacementCheck::of(&plain, &tiny_lef()),
        PlacementCheck::of(&tiny_def(), &tiny_lef())
    );
    let upright = changed(&[
        (
            "unit 4000 18000 FS DO 100 BY 1 STEP 200 0",
            "unit 38000 4000 N DO 1 BY 3 STEP 0 2000",
        ),
        (
            "- fill1 FILL + SOURCE DIST + PLACED ( 16400 10000 ) FS",
            "- fill1 FILL + PLACED ( 38000 6000 ) N",
        ),
        ("- u5 INV + UNPLACED", "- u5 INV + PLACED ( 38000 8000 ) N"),
    ]);
    let check = PlacementCheck::of(&upright, &tiny_lef());
    // A filler is as wide as its site, an inverter wider than the row.
    assert_eq!(names(&check.off_grid.first), ["u5"]);

    // A site that no LEF has: the area of the rows is not known.
    let strange = changed(&[("ROW ROW_3 unit", "ROW ROW_3 other")]);
    let check = PlacementCheck::of(&strange, &tiny_lef());
    assert_eq!((check.row_area, check.utilisation), (None, None));
}

fn design(cells: &[(i64, i64, bool)]) -> Def {
    let mut text = String::from("DESIGN random ;\nUNITS DISTANCE MICRONS 1000 ;\n");
    let _ = writeln!(text, "COMPONENTS {} ;", cells.len());
    for (place, (x, y, is_wide)) in cells.iter().enumerate() {
        let master = if *is_wide { "RAM" } else { "INV" };
        let _ = writeln!(text, "- c{place} {master} + PLACED ( {x} {y} ) N ;");
    }
    text.push_str("END COMPONENTS\nEND DESIGN\n");
    Def::read(text.as_bytes()).unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 128, failure_persistence: None, ..ProptestConfig::default() })]

    /// The sweep finds the very pairs that comparing every two cells finds.
    #[test]
    fn overlaps_are_those_of_every_two_cells(
        cells in prop::collection::vec((-20_000i64..20_000, -20_000i64..20_000, prop::bool::weighted(0.2)), 0..60)
    ) {
        let (def, lef) = (design(&cells), tiny_lef());
        let boxes: Vec<_> = def.placed_boxes(&lef).collect();
        let mut expected = BTreeSet::new();
        for (place, (a, box_a)) in boxes.iter().enumerate() {
            for (b, box_b) in &boxes[place + 1..] {
                if box_a.overlaps(box_b) {
                    let (a, b) = (a.name.clone(), b.name.clone());
                    expected.insert(if a < b { (a, b) } else { (b, a) });
                }
            }
        }
        let check = PlacementCheck::of(&def, &lef);
        prop_assert_eq!(check.overlaps.count, expected.len());
        let first: Vec<_> = expected.into_iter().take(10).collect();
        prop_assert_eq!(check.overlaps.first, first);
    }
}
