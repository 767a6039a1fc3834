//! LEF and DEF: what is read of made-up files, and what is wrong with damaged ones.

mod common;

use common::{TINY_DEF, TINY_LEF, tiny_def, tiny_lef};
use noodle2_layout::{
    Axis, Bounds, Def, LayerDirection, LayerType, Lef, Orientation, PinDirection, PinPlaces, Point,
    Problem, Rect, Status, Terminal, Use,
};

#[test]
fn a_lef_gives_layers_sites_and_macros() {
    let lef = tiny_lef();
    assert_eq!(lef.units_per_micron, Some(1000));
    assert_eq!(lef.manufacturing_grid, Some(0.005));
    let layers: Vec<&str> = lef.layers.iter().map(|layer| layer.name.as_str()).collect();
    assert_eq!(layers, ["poly", "m1", "v1", "m2"]);
    let routing: Vec<&str> = lef
        .routing_layers()
        .map(|layer| layer.name.as_str())
        .collect();
    assert_eq!(routing, ["m1", "m2"]);
    let m1 = lef.layer("m1").unwrap();
    assert_eq!(m1.kind, Some(LayerType::Routing));
    assert_eq!(m1.direction, Some(LayerDirection::Horizontal));
    // The widths of the table of currents are not its width.
    assert_eq!((m1.pitch, m1.width), (Some((0.2, 0.2)), Some(0.1)));
    let m2 = lef.layer("m2").unwrap();
    assert_eq!((m2.pitch, m2.width), (Some((0.2, 0.4)), Some(0.1)));
    assert_eq!(lef.sites["unit"].class.as_deref(), Some("CORE"));
    assert_eq!(lef.sites["unit"].size, (0.2, 2.0));
    let inverter = &lef.macros["INV"];
    assert_eq!(inverter.size, (0.4, 2.0));
    assert!(inverter.is_core_cell() && !inverter.is_filler() && !inverter.is_block());
    let output = inverter.pin("Y").unwrap();
    assert_eq!(output.direction, Some(PinDirection::Output));
    assert_eq!(
        (output.usage, inverter.pin("A").unwrap().usage),
        (Some(Use::Signal), None)
    );
    assert_eq!(output.shapes.len(), 2);
    let polygon = Bounds {
        x0: 0.25,
        y0: 0.5,
        x1: 0.35,
        y1: 0.6,
    };
    assert_eq!(
        (output.shapes[1].layer.as_str(), output.shapes[1].bounds),
        ("m2", polygon)
    );
    assert!(lef.macros["FILL"].is_filler() && lef.macros["RAM"].is_block());
}

#[test]
fn files_of_one_platform_are_joined_and_contradictions_told() {
    let (technology, cells) = TINY_LEF.split_once("MACRO INV").unwrap();
    let cells = format!("MACRO INV{cells}");
    let parts = [technology, &cells].map(|text| Lef::read(text.as_bytes()).unwrap());
    assert_eq!(Lef::join(parts.clone()).unwrap(), tiny_lef());
    // The same file twice says nothing new.
    assert_eq!(Lef::join([tiny_lef(), tiny_lef()]).unwrap(), tiny_lef());
    let changes = [
        ("SIZE 0.4 BY 2", "SIZE 0.6 BY 2", "macro `INV`"),
        (
            "SIZE 0.2 BY 2 ;\nEND unit",
            "SIZE 0.3 BY 2 ;\nEND unit",
            "site `unit`",
        ),
        ("WIDTH 0.1 ;\n  ACC", "WIDTH 0.2 ;\n  ACC", "layer `m1`"),
        ("MICRONS 1000", "MICRONS 2000", "units `DATABASE MICRONS`"),
    ];
    for (from, to, told) in changes {
        let other = TINY_LEF.replacen(from, to, 1);
        assert_ne!(other, TINY_LEF);
        let other = Lef::read(other.as_bytes()).unwrap();
        let error = Lef::join([tiny_lef(), other]).unwrap_err();
        let expected = format!("{told} is defined in two LEF files, and not alike");
        assert_eq!(error.to_string(), expected);
    }
}

#[test]
fn what_is_no_lef_is_told_with_its_line() {
    let cases = [
        (
            "SIZE 0.4 BY 2 ;",
            "SIZE 0.4 2 ;",
            "line 48: `2` where BY was expected",
        ),
        (
            "SIZE 0.4 BY 2 ;",
            "SIZE 0.4 BY -2 ;",
            "line 48: `-2` is not a size",
        ),
        (
            "RECT 0.05 0.9 0.15 1.1 ;",
            "RECT 0.05 0.9 x 1.1 ;",
            "line 54: `x` is not a number",
        ),
        (
            "RECT 0.05 0.9 0.15 1.1 ;",
            "RECT 0.05 0.9 0.15 ;",
            "line 54: `;` where the corners of a shape was expected",
        ),
        (
            "END INV",
            "END INVX",
            "line 71: `INVX` where the name of the block that ends here was expected",
        ),
        ("MACRO DFF", "MACRO INV", "line 98: `DFF` where the name"),
        (
            "DIRECTION INPUT",
            "DIRECTION UP",
            "line 51: `UP` where a direction of a pin was expected",
        ),
        (
            "MICRONS 1000",
            "MICRONS 0",
            "line 6: `0` is not a number of database units in a µm, above 0",
        ),
        (
            "\"a ; in a string\"",
            "\"a ;",
            "line 23: a quoted string starts here and never ends",
        ),
    ];
    for (from, to, told) in cases {
        let text = TINY_LEF.replacen(from, to, 1);
        assert_ne!(text, TINY_LEF);
        let error = Lef::read(text.as_bytes()).unwrap_err();
        assert!(error.to_string().starts_with(told), "{error} — {told}");
    }
    let twice = format!("{}{TINY_LEF}", TINY_LEF.replace("END LIBRARY", ""));
    let error = Lef::read(twice.as_bytes()).unwrap_err();
    assert_eq!(
        error.problem,
        Problem::Duplicate {
            kind: "layer",
            name: "poly".to_owned()
        }
    );
    assert!(Lef::read(b"").is_err());
    assert!(Lef::read(b"module top (a); endmodule").is_err());
    let error = Lef::read(b"VERSION 5.8 ;\n\xff").unwrap_err();
    assert_eq!((error.line, error.problem), (2, Problem::Encoding));
}

#[test]
fn a_def_gives_rows_components_pins_and_nets() {
    let def = tiny_def();
    assert_eq!(
        (def.design.as_str(), def.version.as_deref()),
        ("tiny", Some("5.8"))
    );
    assert_eq!((def.divider, def.bus_characters), ('/', ('[', ']')));
    let die = Rect {
        x0: 0,
        y0: 0,
        x1: 40_000,
        y1: 30_000,
    };
    assert_eq!(def.die(), Some(die));
    assert_eq!(def.rows.len(), 8);
    assert_eq!((def.rows[1].count, def.rows[1].step), ((160, 1), (200, 0)));
    assert_eq!(def.rows[1].orientation, Orientation::FS);
    assert_eq!(
        (def.tracks[0].axis, &*def.tracks[0].layers[0]),
        (Axis::X, "m2")
    );

    assert_eq!(def.components.len(), 10);
    let cell = def.component(r"r\[1\]").unwrap();
    let placement = cell.placement.unwrap();
    assert_eq!(
        (placement.at, placement.orientation),
        (
            Point {
                x: 12_000,
                y: 8_000
            },
            Orientation::N
        )
    );
    assert_eq!(
        def.component("u3").unwrap().source.as_deref(),
        Some("TIMING")
    );
    assert_eq!(def.component("ram").unwrap().status, Status::Fixed);
    let unplaced = def.component("u5").unwrap();
    assert_eq!(
        (unplaced.status, unplaced.placement),
        (Status::Unplaced, None)
    );

    let output = &def.pins[1];
    assert_eq!(
        (&*output.name, output.direction),
        ("out", Some(PinDirection::Output))
    );
    // ( -50 -100 ) ( 50 300 ), turned by 90° against the clock, at ( 39950 15000 ).
    let shapes: Vec<(&str, Rect)> = output.ports[0].placed_shapes().collect();
    let expected = Rect {
        x0: 39_650,
        y0: 14_950,
        x1: 40_050,
        y1: 15_050,
    };
    assert_eq!(shapes, [("m1", expected)]);

    assert_eq!(def.nets.len(), 6);
    let net = &def.nets[2];
    let ends: Vec<String> = net
        .terminals
        .iter()
        .map(|end| match end {
            Terminal::Io(pin) => format!("io {pin}"),
            Terminal::Every(pin) => format!("every {pin}"),
            Terminal::Component { component, pin } => {
                format!("{} {pin}", def.components[component.0 as usize].name)
            }
        })
        .collect();
    assert_eq!(ends, ["u2 Y", "u3 A", "top/r2 D"]);
    assert_eq!((net.usage, def.nets[4].usage), (None, Some(Use::Clock)));
    // The wires of `n1` are no ends of it.
    assert_eq!(def.nets[1].terminals.len(), 3);
    assert_eq!(def.special_nets[0].usage, Some(Use::Power));

    let lef = tiny_lef();
    let core = Rect {
        x0: 4_000,
        y0: 4_000,
        x1: 36_000,
        y1: 20_000,
    };
    assert_eq!(def.core(&lef), Some(core));
}

/// A die may be a polygon; its box is around all corners.
#[test]
fn a_die_may_be_a_polygon() {
    let corners =
        "DIEAREA ( 0 0 ) ( 0 20000 ) ( 10000 20000 ) ( 10000 30000 ) ( 40000 30000 ) ( 40000 0 ) ;";
    let text = TINY_DEF.replace("DIEAREA ( 0 0 ) ( 40000 30000 ) ;", corners);
    let def = Def::read(text.as_bytes()).unwrap();
    assert_eq!(def.die_corners.len(), 6);
    assert_eq!(def.die(), tiny_def().die());
}

#[test]
fn what_is_no_def_is_told_with_its_line() {
    let cases = [
        (
            "END DESIGN\n",
            "",
            "line 52: the file ends inside the design, before `END DESIGN`",
        ),
        (
            "COMPONENTS 10 ;",
            "COMPONENTS 11 ;",
            "line 32: section COMPONENTS states 11 entries and holds 10",
        ),
        (
            "- u2 INV",
            "- u1 INV",
            "line 23: component `u1` is defined twice",
        ),
        (
            "( u2 A )",
            "( u9 A )",
            "line 47: component `u9` is used and not defined",
        ),
        (
            "( 8000 6000 ) FS",
            "( 8000 6000 ) UP",
            "line 24: `UP` where an orientation was expected",
        ),
        (
            "( 8000 6000 ) FS",
            "( 8000 * ) FS",
            "line 24: `*` is not a whole number of 32 bits",
        ),
        (
            "( 8000 6000 ) FS",
            "( 8000 3000000000 ) FS",
            "line 24: `3000000000` is not a whole number",
        ),
        (
            "UNITS DISTANCE MICRONS 1000",
            "UNITS DISTANCE MICRONS 0",
            "line 6: `UNITS` is not a number of database units",
        ),
        (
            "UNITS DISTANCE MICRONS 1000 ;",
            "",
            "line 53: there is no UNITS DISTANCE MICRONS",
        ),
        ("DESIGN tiny ;", "", "line 53: there is no DESIGN"),
        (
            "DO 160 BY 1",
            "DO 0 BY 1",
            "line 8: `0` is not a count above 0",
        ),
        (
            "VERSION 5.8 ;",
            "module tiny ;",
            "line 2: `module` where a statement of DEF was expected",
        ),
        (
            "\"a ; within\"",
            "\"a ;",
            "line 26: a quoted string starts here and never ends",
        ),
        ("NETS 6 ;", "NETS -6 ;", "line 45: `-6` is not a count"),
        (
            "DIEAREA ( 0 0 ) ( 40000 30000 )",
            "DIEAREA ( 0 0 )",
            "line 7: `;` where a second corner",
        ),
    ];
    for (from, to, told) in cases {
        let text = if from.starts_with("NETS") {
            TINY_DEF.replacen(&format!("\n{from}"), &format!("\n{to}"), 1)
        } else {
            TINY_DEF.replacen(from, to, 1)
        };
        assert_ne!(text, TINY_DEF, "{from}");
        let error = Def::read(text.as_bytes()).unwrap_err();
        assert!(error.to_string().starts_with(told), "{error} — {told}");
    }
}

/// Wherever a file is cut off, that is noticed.
#[test]
fn a_def_cut_off_anywhere_is_an_error() {
    let whole = TINY_DEF.trim_end();
    for end in 0..whole.len() {
        assert!(Def::read(&whole.as_bytes()[..end]).is_err(), "cut at {end}");
    }
    assert!(Def::read(whole.as_bytes()).is_ok());
}

/// Pins by the names of a timing tool: through turned cells, in µm.
#[test]
fn pins_are_found_by_the_names_of_a_timing_tool() {
    let (def, lef) = (tiny_def(), tiny_lef());
    let places = PinPlaces::of(&def, &lef);
    let near = |name: &str, x: f64, y: f64| {
        let place = places.place(name).unwrap();
        assert!(
            (place.0 - x).abs() < 1e-9 && (place.1 - y).abs() < 1e-9,
            "{name}: {place:?}"
        );
    };
    near("u1/A", 4.1, 5.0);
    // Mirrored: its input is as far from its right edge as it was from its left.
    near("u2/A", 4.7, 5.0);
    near("r[0]/Q", 11.85, 7.0);
    near(r"r\[0\]/Q", 11.85, 7.0);
    near("in[0]", 20.0, 0.05);
    for name in ["u1/B", "u9/A", "u5/A", "u1", ""] {
        assert_eq!(places.place(name), None, "{name}");
    }
}
