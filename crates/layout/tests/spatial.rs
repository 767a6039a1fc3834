//! Maps compared, hotspots found and followed, congestion told: made-up maps of which everything is known by hand.

mod common;

use common::{tiny_def, tiny_lef};
use noodle2_layout::{
    Bounds, CongestionDiagnosis, CongestionReport, DifferenceError, Fate, HotRatio, Hotspots,
    MapDifference, MapKind, RemedyKind, SpatialMap, Threshold, WireDirection, match_hotspots,
};

/// A map of bins of 2 µm by 1 µm; rows from above, `.` for a missing bin.
fn picture(rows: &[&str]) -> SpatialMap {
    let mut text = "x0,y0,x1,y1,value\n".to_owned();
    for (row, line) in rows.iter().rev().enumerate() {
        for (column, value) in line.split_whitespace().enumerate() {
            let value = if value == "." { "nan" } else { value };
            let (x, y) = (2 * column, row);
            text.push_str(&format!("{x},{y},{},{},{value}\n", x + 2, y + 1));
        }
    }
    SpatialMap::read_csv(text.as_bytes(), MapKind::Routing, None).unwrap()
}

const BEFORE: [&str; 4] = [
    "10 10 10 90 90",
    "10 95 10 10  .",
    "10 99 10 10 80",
    "10 10 10 10 10",
];

#[test]
fn changes_are_counted_and_grouped() {
    let after = picture(&[
        "10 10 10 70 60",
        "10 97 10 10 5",
        "20 99 10 10 .",
        "20 10 10 10.5 10",
    ]);
    let difference = MapDifference::between(&picture(&BEFORE), &after, 1.0).unwrap();
    assert_eq!(
        (
            difference.improved,
            difference.worse,
            difference.unchanged,
            difference.missing
        ),
        (2, 3, 13, 2)
    );
    assert!(!difference.is_resampled);
    assert_eq!(difference.map.value(3, 3), Some(-20.0));
    // Missing before or after is missing: no gain of a bin that was not measured.
    assert_eq!(
        (difference.map.value(4, 2), difference.map.value(4, 1)),
        (None, None)
    );
    let improved = &difference.improved_regions;
    assert_eq!(
        (
            improved.len(),
            improved[0].bins,
            improved[0].weight,
            improved[0].peak
        ),
        (1, 2, -100.0, -30.0)
    );
    let worse = &difference.worse_regions;
    assert_eq!((worse.len(), worse[0].bins, worse[0].weight), (2, 2, 40.0));
    assert_eq!(
        worse[0].bounds,
        Bounds {
            x0: 0.0,
            y0: 0.0,
            x1: 2.0,
            y1: 2.0
        }
    );
    // With no tolerance the half percent counts too.
    let exact = MapDifference::between(&picture(&BEFORE), &after, 0.0).unwrap();
    assert_eq!(exact.worse, 4);
}

#[test]
fn maps_on_two_grids_are_compared_by_area_and_that_is_said() {
    let before = picture(&["10 20", "30 40"]);
    let text = "x0,y0,x1,y1,value\n0,0,4,2,30\n";
    let after = SpatialMap::read_csv(text.as_bytes(), MapKind::Routing, None).unwrap();
    let difference = MapDifference::between(&before, &after, 0.0).unwrap();
    assert!(difference.is_resampled);
    assert_eq!(difference.map.values, [Some(5.0)]);
    let other = SpatialMap::read_csv(text.as_bytes(), MapKind::Rudy, None).unwrap();
    let error = MapDifference::between(&before, &other, 0.0).unwrap_err();
    assert_eq!(
        error.to_string(),
        "Routing congestion in % cannot be compared with Estimated routing demand (RUDY) in %"
    );
    for tolerance in [-1.0, f64::NAN, f64::INFINITY] {
        assert_eq!(
            MapDifference::between(&before, &after, tolerance),
            Err(DifferenceError::Tolerance)
        );
    }
}

#[test]
fn hotspots_are_ranked_by_what_they_have_above_the_threshold() {
    let map = picture(&BEFORE);
    let hotspots = Hotspots::of(&map, Threshold::Value(75.0)).unwrap();
    let told: Vec<(usize, usize, f64, f64)> = hotspots
        .spots
        .iter()
        .map(|spot| (spot.rank, spot.bins.len(), spot.severity, spot.peak))
        .collect();
    // (20 + 24) · 2 µm², (15 + 15) · 2 µm², 5 · 2 µm². The missing bin joins nothing.
    assert_eq!(
        told,
        [(1, 2, 88.0, 99.0), (2, 2, 60.0, 90.0), (3, 1, 10.0, 80.0)]
    );
    assert_eq!(
        hotspots.spots[0].bounds,
        Bounds {
            x0: 2.0,
            y0: 1.0,
            x1: 4.0,
            y1: 3.0
        }
    );
    // Of 19 values, the quantile 0.75 is the 15th: 80; only what is above counts.
    let hotspots = Hotspots::of(&map, Threshold::Quantile(0.75)).unwrap();
    assert_eq!((hotspots.value, hotspots.spots.len()), (80.0, 2));
    assert!(
        Hotspots::of(&map, Threshold::Value(99.0))
            .unwrap()
            .spots
            .is_empty()
    );
    assert_eq!(Hotspots::of(&picture(&["."]), Threshold::Value(1.0)), None);
}

#[test]
fn hotspots_are_followed_from_one_map_to_another() {
    let before = picture(&BEFORE);
    let after = picture(&[
        "10 10 10 10 80",
        "99 95 10 10 .",
        "10 99 10 10 10",
        "10 10 10 90 10",
    ]);
    let of = |map| Hotspots::of(map, Threshold::Value(75.0)).unwrap();
    let (old, new) = (of(&before), of(&after));
    let fates: Vec<_> = match_hotspots((&before, &old), (&after, &new))
        .iter()
        .map(|found| (found.fate, found.before, found.after, found.shared_area))
        .collect();
    let expected = [
        (Fate::Grown, Some(1), Some(1), 4.0),
        (Fate::New, None, Some(2), 0.0),
        (Fate::Shrunk, Some(2), Some(3), 2.0),
        (Fate::Gone, Some(3), None, 0.0),
    ];
    assert_eq!(fates, expected);
    let same = match_hotspots((&before, &old), (&before, &old));
    assert!(
        same.iter()
            .all(|found| found.fate == Fate::Same && found.before == found.after)
    );
}

#[test]
fn cells_of_a_hotspot_are_those_in_its_bins() {
    let (def, lef) = (tiny_def(), tiny_lef());
    let map = SpatialMap::density(&def, &lef, 4.0).unwrap();
    let hotspots = Hotspots::of(&map, Threshold::Value(90.0)).unwrap();
    let cells = hotspots.cells(&map, &def, &lef);
    // Only the memory covers whole bins.
    assert_eq!(hotspots.spots.len(), 1);
    assert_eq!((cells[0].count, &*cells[0].first[0]), (1, "ram"));
    let all = Hotspots::of(&map, Threshold::Value(-1.0)).unwrap();
    let count: usize = all
        .cells(&map, &def, &lef)
        .iter()
        .map(|cells| cells.count)
        .sum();
    assert_eq!(count, 9);
}

fn record(direction: &str, nets: &str, tracks: (u32, u32, u32), at: (u32, u32)) -> String {
    format!(
        "violation type: {direction} congestion\n\tsrcs: {nets}\n\tcomment: capacity:{} usage:{} overflow:{}\n\t\
         bbox = ({}.0000, {}.0000) - ({}.0000, {}.0000) on Layer -\n",
        tracks.0,
        tracks.1,
        tracks.2,
        at.0,
        at.1,
        at.0 + 2,
        at.1 + 2
    )
}

#[test]
fn a_report_of_congestion_is_read_and_told() {
    let text = [
        record("Horizontal", r"net:a net:b\[1\]", (1, 4, 3), (0, 0)),
        record("Vertical", "net:a", (2, 3, 1), (0, 0)),
        record("Horizontal", "net:a net:c", (1, 6, 5), (2, 0)),
        record("Horizontal", "net:c", (4, 5, 1), (8, 4)),
    ]
    .concat();
    let report = CongestionReport::read(text.as_bytes()).unwrap();
    assert_eq!(report.records.len(), 4);
    let first = &report.records[0];
    assert_eq!(
        (first.direction, first.capacity, first.usage, first.overflow),
        (WireDirection::Horizontal, 1, 4, 3)
    );
    assert_eq!((&*first.nets[1], first.layer.as_deref()), (r"b\[1\]", None));
    assert_eq!(report.total_overflow(), 10);
    let map = report.overflow_map().unwrap();
    assert_eq!(
        (map.columns(), map.rows(), map.present().count()),
        (5, 3, 3)
    );
    assert_eq!(
        (map.value(0, 0), map.value(2, 0), map.unit.as_str()),
        (Some(3.0), None, "tracks")
    );

    let diagnosis = CongestionDiagnosis::of(&report, None).unwrap().unwrap();
    assert_eq!(
        (diagnosis.edges, diagnosis.bins, diagnosis.greatest_overflow),
        (4, 3, 5)
    );
    assert_eq!(
        (diagnosis.horizontal_overflow, diagnosis.vertical_overflow),
        (9, 1)
    );
    assert_eq!(diagnosis.median_capacity, 1);
    let nets: Vec<(&str, usize)> = diagnosis
        .nets
        .iter()
        .map(|net| (&*net.name, net.edges))
        .collect();
    assert_eq!(nets, [("a", 3), ("c", 2), (r"b\[1\]", 1)]);
    assert_eq!((diagnosis.regions.len(), diagnosis.regions[0].bins), (2, 2));
    assert!((diagnosis.regions[0].share - 8.0 / 9.0).abs() < 1e-12);
    assert_eq!(diagnosis.bins_share, 3.0 / 15.0);
    // Nine tenths go along x, and the tracks are few; two small regions hold all of it.
    let kinds = |diagnosis: &CongestionDiagnosis| -> Vec<RemedyKind> {
        diagnosis
            .remedies
            .iter()
            .map(|remedy| remedy.kind)
            .collect()
    };
    use RemedyKind::{LayerAdjustment, PlacementDensity, RipUp, SpreadCells};
    assert_eq!(
        kinds(&diagnosis),
        [LayerAdjustment, LayerAdjustment, SpreadCells]
    );
    let reasons: Vec<&str> = diagnosis
        .remedies
        .iter()
        .map(|remedy| remedy.reason.as_str())
        .collect();
    assert!(
        reasons[0]
            .starts_with("90 % of the overflow is horizontal, at a median capacity of 1 tracks")
    );
    assert!(reasons[1].starts_with("half of the congested edges have 1 tracks or fewer"));
    assert!(reasons[2].ends_with("and how densely cells stand there is not known"));

    let density = |value: u32| {
        let text = format!("x0,y0,x1,y1,value\n0,0,100,100,{value}\n");
        SpatialMap::read_csv(text.as_bytes(), MapKind::Placement, None).unwrap()
    };
    let told = |text: &str, value: u32| {
        let report = CongestionReport::read(text.as_bytes()).unwrap();
        CongestionDiagnosis::of(&report, Some(&density(value)))
            .unwrap()
            .unwrap()
    };
    // Where cells stand loosely there is nothing to spread.
    let loose = told(&text, 30);
    assert_eq!(
        (loose.density, kinds(&loose)),
        (Some(30.0), vec![LayerAdjustment, LayerAdjustment])
    );
    assert_eq!(
        kinds(&told(&text, 85)),
        [LayerAdjustment, LayerAdjustment, SpreadCells]
    );
    // A little overflow in both directions, with tracks enough, is for the router.
    let mild = [
        record("Horizontal", "net:a", (4, 5, 1), (0, 0)),
        record("Vertical", "net:a", (4, 6, 2), (4, 4)),
    ]
    .concat();
    assert_eq!(kinds(&told(&mild, 30)), [RipUp]);
    // Much in many dense bins side by side is for the placer.
    let many: String = (0..5)
        .map(|at| {
            record("Horizontal", "net:a", (4, 9, 5), (at * 2, 0))
                + &record("Vertical", "net:a", (4, 9, 5), (at * 2, 0))
        })
        .collect();
    let many = told(&many, 85);
    assert_eq!(
        (many.bins_share, kinds(&many)),
        (1.0, vec![PlacementDensity])
    );
    assert!(
        many.remedies[0]
            .reason
            .starts_with("cells cover 85 % of congested bins, and these are 100 %")
    );

    let none = CongestionReport::read(b"").unwrap();
    assert_eq!(CongestionDiagnosis::of(&none, None).unwrap(), None);
}

#[test]
fn the_hot_ratio_is_told_of_nothing_but_routing() {
    let map = picture(&["10 110 .", "100 101 99"]);
    let ratio = HotRatio::of_map(&map).unwrap();
    assert_eq!((ratio.hot, ratio.bins, ratio.ratio), (2, 5, 0.4));
    let mut other = map.clone();
    other.kind = MapKind::Rudy;
    assert_eq!(HotRatio::of_map(&other), None);
    let mut tracks = map.clone();
    tracks.unit = "tracks".to_owned();
    assert_eq!(HotRatio::of_map(&tracks), None);
    assert_eq!(HotRatio::of_map(&picture(&[". ."])), None);

    let text = [
        record("Horizontal", "net:a", (1, 4, 3), (0, 0)),
        record("Vertical", "net:a", (1, 4, 3), (0, 0)),
        record("Vertical", "net:a", (1, 4, 3), (2, 1)),
    ]
    .concat();
    let report = CongestionReport::read(text.as_bytes()).unwrap();
    let ratio = HotRatio::of_report(&report, &map).unwrap();
    assert_eq!((ratio.hot, ratio.bins), (2, 6));
    let outside = record("Vertical", "net:a", (1, 4, 3), (31, 1));
    let outside = CongestionReport::read(outside.as_bytes()).unwrap();
    assert_eq!(HotRatio::of_report(&outside, &map), None);
}

#[test]
fn what_is_no_report_of_congestion_is_told_with_its_line() {
    let good = record("Horizontal", "net:a", (1, 4, 3), (0, 0));
    let cases = [
        (
            "Horizontal congestion",
            "short",
            "line 1: `violation type: short` where horizontal or vertical congestion",
        ),
        (
            "violation type",
            "type",
            "line 1: `type: Horizontal congestion` where `violation type:`",
        ),
        (
            "net:a",
            "pin:a",
            "line 2: `srcs: pin:a` where `net:` with a name",
        ),
        (
            "capacity:1",
            "capacity:x",
            "line 3: `comment: capacity:x usage:4 overflow:3` where capacity, usage and overflow",
        ),
        ("(2.0000, 2.0000)", "(0.0000, 2.0000)", "line 4: `bbox ="),
        (" on Layer -", "", "line 4: `bbox ="),
        (
            "srcs:",
            "source:",
            "line 2: `source: net:a` where `srcs:`, `comment:` or `bbox =`",
        ),
    ];
    for (from, to, told) in cases {
        let text = good.replacen(from, to, 1);
        assert_ne!(text, good, "{from}");
        let error = CongestionReport::read(text.as_bytes())
            .unwrap_err()
            .to_string();
        assert!(error.starts_with(told), "{error} — {told}");
    }
    for line in good.lines() {
        let rest = good.split_at(good.find(line).unwrap()).0;
        assert_eq!(
            CongestionReport::read(rest.as_bytes()).is_ok(),
            rest.is_empty(),
            "{rest}"
        );
    }
}
