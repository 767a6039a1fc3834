//! Heat maps: what is read of a file, what is missing stays missing, maps of a made-up design by hand.

mod common;

use common::{tiny_def, tiny_lef};
use noodle2_layout::{BinSize, Bounds, DENSITY_BIN, MapError, MapKind, SpatialMap};

fn read(text: &str) -> SpatialMap {
    SpatialMap::read_csv(text.as_bytes(), MapKind::Routing, None).unwrap()
}

fn refused(text: &str) -> String {
    let error = SpatialMap::read_csv(text.as_bytes(), MapKind::Routing, None);
    error.unwrap_err().to_string()
}

#[test]
fn bins_without_a_line_are_missing() {
    let map = read("x0,y0,x1,y1,value\n0,0,10,10,5.0e+01\n0,10,10,15,0\n30,0,35,10,nan\n");
    // The gap from 10 to 30 is two columns of bins that have no line.
    assert_eq!(map.x_edges, [0.0, 10.0, 20.0, 30.0, 35.0]);
    assert_eq!(map.y_edges, [0.0, 10.0, 15.0]);
    let values: Vec<Option<f64>> = map.bins().map(|bin| bin.value).collect();
    let missing = None;
    let expected = [
        Some(50.0),
        missing,
        missing,
        missing,
        Some(0.0),
        missing,
        missing,
        missing,
    ];
    assert_eq!(values, expected);
    assert_eq!(map.range(), Some((0.0, 50.0)));
    assert_eq!((map.unit.as_str(), map.columns(), map.rows()), ("%", 4, 2));
    assert_eq!(map.quantile(0.5), Some(0.0));
    assert_eq!(map.quantile(0.51), Some(50.0));
    assert_eq!(read("x0,y0,x1,y1,value (mW)\n0,0,1,1,2\n").unit, "mW");
    let empty = read("x0,y0,x1,y1,value\n");
    assert_eq!(
        (empty.columns(), empty.range(), empty.bounds()),
        (0, None, None)
    );
}

#[test]
fn a_map_is_extended_to_the_die_with_missing_bins() {
    let die = Bounds {
        x0: 0.0,
        y0: 0.0,
        x1: 44.0,
        y1: 30.0,
    };
    let map = read("x0,y0,x1,y1,value\n20,10,30,20,7\n").extended_to(die);
    assert_eq!(map.x_edges, [0.0, 10.0, 20.0, 30.0, 40.0, 44.0]);
    assert_eq!(map.y_edges, [0.0, 10.0, 20.0, 30.0]);
    assert_eq!((map.value(2, 1), map.present().count()), (Some(7.0), 1));
    assert_eq!(map.die, Some(die));
}

#[test]
fn tables_of_columns_and_rows_need_the_size_of_a_bin() {
    let text = b"column,row,value\n0,0,1\n2,1,3\n";
    let bins = BinSize {
        width: 5.0,
        height: 4.0,
    };
    let map = SpatialMap::read_csv(text, MapKind::Routing, Some(bins)).unwrap();
    assert_eq!(
        (map.x_edges.as_slice(), map.y_edges.as_slice()),
        (
            [0.0, 5.0, 10.0, 15.0].as_slice(),
            [0.0, 4.0, 8.0].as_slice()
        )
    );
    assert_eq!((map.value(2, 1), map.value(1, 0)), (Some(3.0), None));
    let error = SpatialMap::read_csv(text, MapKind::Routing, None).unwrap_err();
    assert_eq!(
        error.to_string(),
        "line 1: there is no size of a bin, which a table of columns and rows does not tell"
    );
    let error = SpatialMap::read_csv(b"column,row,value\n0.5,0,1\n", MapKind::Routing, Some(bins))
        .unwrap_err();
    assert!(
        error
            .to_string()
            .starts_with("line 2: `0.5,0,1` where a column and a row"),
        "{error}"
    );
}

#[test]
fn what_is_no_heat_map_is_told_with_its_line() {
    let head = "x0,y0,x1,y1,value\n";
    assert!(refused("").starts_with("line 1: there is no line with names of columns"));
    assert!(refused("a,b\n").starts_with("line 1: `a,b` where `x0,y0,x1,y1,value`"));
    assert!(
        refused(&format!("{head}0,0,1,1\n")).starts_with("line 2: `0,0,1,1` where five fields")
    );
    assert!(refused(&format!("{head}0,0,1,x,2\n")).starts_with("line 2: `x` is not a number"));
    assert!(
        refused(&format!("{head}0,0,0,1,2\n"))
            .starts_with("line 2: `0,0,0,1,2` where a box with a width")
    );
    assert!(refused(&format!("{head}0,0,1e300,1,2\n")).contains("places below"));
    assert!(
        refused(&format!("{head}0,0,1,1,2\n0,0,1,1,2\n"))
            .starts_with("line 3: the bin stands twice")
    );
    assert!(
        refused(&format!("{head}0,0,2,2,2\n1,0,3,2,2\n"))
            .starts_with("line 2: the bin overlaps others")
    );
    // Ten thousand bins on a diagonal span a grid of a hundred million.
    let diagonal: String = (0..10_000)
        .map(|at| format!("{at},{at},{},{},1\n", at + 1, at + 1))
        .collect();
    assert!(refused(&format!("{head}{diagonal}")).contains("10000 columns and 10000 rows"));
}

/// Two inverters of 0.8 µm² and nothing else touch the first bin of 4 µm by 4 µm to the right of x = 4 µm and above y = 4 µm.
#[test]
fn density_of_a_design_by_hand() {
    let (def, lef) = (tiny_def(), tiny_lef());
    let map = SpatialMap::density(&def, &lef, 4.0).unwrap();
    assert_eq!((map.columns(), map.rows()), (10, 8));
    assert_eq!(map.y_edges[8], 30.0);
    let value = map.value(1, 1).unwrap();
    assert!((value - 100.0 * 1.6 / 16.0).abs() < 1e-9, "{value}");
    // A filler counts for nothing, and the inverter left of it ends where the next bin begins: it is touched by 0.4 µm.
    let value = map.value(4, 2).unwrap();
    assert!((value - 100.0 * 0.8 / 16.0).abs() < 1e-9, "{value}");
    // The bin to the left of the first cell is touched by it, and holds 0; one further away is missing.
    assert_eq!((map.value(0, 1), map.value(3, 7)), (Some(0.0), None));
    assert_eq!(SpatialMap::density(&def, &lef, 1e-9), Err(MapError::Bins));
    let mut unknown = lef.clone();
    unknown.macros.remove("DFF");
    let error = SpatialMap::density(&def, &unknown, DENSITY_BIN).unwrap_err();
    assert_eq!(
        error.to_string(),
        "1 macros are in no LEF file, the first `DFF`"
    );
}

#[test]
fn demand_of_a_design_by_hand() {
    let (mut def, lef) = (tiny_def(), tiny_lef());
    assert_eq!(
        SpatialMap::rudy(&def, &lef, None),
        Err(MapError::Unplaced("u5".to_owned()))
    );
    assert_eq!(
        SpatialMap::rudy(&def, &lef, Some(("m1", "m9"))),
        Err(MapError::Unplaced("u5".to_owned()))
    );
    def.components.pop();
    // Only the net from the pin of the design at ( 20, 0.05 ) to the first inverter's input at ( 4.1, 5 ) is left.
    def.nets.truncate(1);
    assert_eq!(
        SpatialMap::rudy(&def, &lef, Some(("m1", "m9"))),
        Err(MapError::UnknownLayer("m9".to_owned()))
    );
    let map = SpatialMap::rudy(&def, &lef, None).unwrap();
    // Fifteen pitches of 0.2 µm are a tile, 1.25 / (1/0.2 + 1/0.2) = 0.125 µm the wire.
    assert_eq!((map.x_edges[1], map.columns(), map.rows()), (3.0, 13, 10));
    assert_eq!(map.x_edges[13], 40.0);
    let (width, height) = (20.0 - 4.1, 5.0 - 0.05);
    let demand = 100.0 * (width + height) * 0.125 / (width * height);
    let value = map.value(3, 0).unwrap();
    assert!(
        (value - demand * (3.0 - 0.05) / 3.0).abs() < 1e-9,
        "{value} {demand}"
    );
    assert_eq!(map.value(8, 8), Some(0.0));
}

#[test]
fn a_map_on_another_grid_has_means_by_area() {
    let map = read("x0,y0,x1,y1,value\n0,0,10,10,1\n10,0,20,10,3\n20,0,30,10,nan\n");
    let grid = read("x0,y0,x1,y1,value\n0,0,15,10,1\n15,0,20,10,1\n20,0,30,10,1\n");
    let resampled = map.resampled(&grid);
    let value = resampled.value(0, 0).unwrap();
    assert!((value - (10.0 + 15.0) / 15.0).abs() < 1e-12, "{value}");
    assert_eq!(
        (resampled.value(1, 0), resampled.value(2, 0)),
        (Some(3.0), None)
    );
    assert_eq!(map.resampled(&map), map);
}
