//! Pictures of maps, read back with a reader of XML: what is drawn is what the numbers say.

use std::collections::BTreeSet;
use std::path::Path;
use std::{env, fs};

use noodle2_layout::{
    Bounds, DENSITY_BIN, Def, Hotspots, Lef, MapDifference, MapKind, PinPlaces, SpatialMap,
    Threshold,
};
use noodle2_view::{
    DieOutline, Footer, MapPanel, difference_colour, difference_svg, magnitude_colour, maps_svg,
};
use roxmltree::{Document, Node};

fn design() -> (Def, Lef) {
    let lef = Lef::read(include_bytes!("../../layout/tests/samples/tiny.lef")).unwrap();
    let def = Def::read(include_bytes!("../../layout/tests/samples/tiny.def")).unwrap();
    (def, lef)
}

fn csv(text: &str) -> SpatialMap {
    let text = format!("x0,y0,x1,y1,value\n{text}");
    SpatialMap::read_csv(text.as_bytes(), MapKind::Routing, None).unwrap()
}

fn panel<'a>(title: &'a str, map: &'a SpatialMap) -> MapPanel<'a> {
    MapPanel {
        title,
        map,
        outline: None,
        hotspots: None,
        paths: &[],
    }
}

fn footer() -> Footer {
    Footer {
        source: "run a<b&\"c\"".to_owned(),
        hash: "0123abcd".to_owned(),
    }
}

fn number(node: &Node<'_, '_>, name: &str) -> f64 {
    node.attribute(name).unwrap().parse().unwrap()
}

fn of_class<'a, 'b>(document: &'a Document<'b>, class: &str) -> Vec<Node<'a, 'b>> {
    let all = document.descendants();
    all.filter(|node| node.attribute("class") == Some(class))
        .collect()
}

fn words(document: &Document<'_>) -> Vec<String> {
    let texts = document
        .descendants()
        .filter(|node| node.has_tag_name("text"));
    texts
        .map(|node| node.text().unwrap_or_default().to_owned())
        .collect()
}

/// The factors of a group of bins: pixels in a µm along x and upwards.
fn scale_of(bins: &Node<'_, '_>) -> (f64, f64) {
    let transform = bins.attribute("transform").unwrap();
    let (_, scale) = transform.split_once("scale(").unwrap();
    let (x, y) = scale.trim_end_matches(')').split_once(' ').unwrap();
    (x.parse().unwrap(), y.parse().unwrap())
}

/// Where a box in µm is on the page, by the transformation of a group of bins.
fn on_page(bins: &Node<'_, '_>, area: Bounds) -> [f64; 4] {
    let transform = bins.attribute("transform").unwrap();
    let (translate, _) = transform.split_once(") scale(").unwrap();
    let (x, y) = translate
        .strip_prefix("translate(")
        .unwrap()
        .split_once(' ')
        .unwrap();
    let (x, y): (f64, f64) = (x.parse().unwrap(), y.parse().unwrap());
    let scale = scale_of(bins).0;
    [
        x + area.x0 * scale,
        y - area.y1 * scale,
        area.width() * scale,
        area.height() * scale,
    ]
}

fn assert_box(node: &Node<'_, '_>, expected: [f64; 4]) {
    let found = ["x", "y", "width", "height"].map(|name| number(node, name));
    for (found, expected) in found.iter().zip(expected) {
        assert!((found - expected).abs() < 1e-3, "{found:?} {expected:?}");
    }
}

#[test]
fn bins_have_their_place_and_the_colour_of_their_value() {
    let map = csv("0,0,10,5,10\n10,0,20,5,20\n0,5,10,10,nan\n10,5,20,10,40\n20,0,24,5,25\n");
    let svg = maps_svg(&[panel("A map", &map)], &footer());
    let document = Document::parse(&svg).unwrap();
    let bins = &of_class(&document, "bins")[0];
    let (x, y) = scale_of(bins);
    assert_eq!(x, -y);
    let drawn: Vec<_> = bins
        .children()
        .filter(|node| node.has_tag_name("rect"))
        .collect();
    let there: Vec<_> = map.bins().filter(|bin| bin.value.is_some()).collect();
    assert_eq!(drawn.len(), there.len());
    for (rect, bin) in drawn.iter().zip(&there) {
        assert_box(
            rect,
            [
                bin.bounds.x0,
                bin.bounds.y0,
                bin.bounds.width(),
                bin.bounds.height(),
            ],
        );
        let colour = magnitude_colour((bin.value.unwrap() - 10.0) / 30.0);
        let expected = format!("#{:02x}{:02x}{:02x}", colour.0, colour.1, colour.2);
        assert_eq!(rect.attribute("fill"), Some(expected.as_str()));
    }
    // Two bins are missing: the paper below is hatched, and the legend says so.
    assert_eq!(of_class(&document, "missing").len(), 1);
    assert_eq!(of_class(&document, "legend").len(), 1);
    let words = words(&document);
    for wanted in [
        "A map",
        "no value",
        "min 10.0, median 20.0, max 40.0 %; 3 × 2 bins, 2 missing",
        "Routing congestion (%)",
        "run a<b&\"c\" · input 0123abcd",
    ] {
        assert!(
            words.iter().any(|word| word == wanted),
            "{wanted}: {words:?}"
        );
    }
    // Where nothing is missing nothing is hatched.
    let whole = csv("0,0,1,1,1\n");
    let svg = maps_svg(&[panel("", &whole)], &footer());
    let document = Document::parse(&svg).unwrap();
    assert!(of_class(&document, "missing").is_empty() && of_class(&document, "legend").is_empty());
}

#[test]
fn the_bar_of_lengths_is_as_long_as_it_says() {
    for (text, wanted) in [
        ("0,0,30,10,1\n30,0,60,10,2\n", 20.0),
        ("0,0,0.5,0.5,1\n", 0.1),
    ] {
        let map = csv(text);
        let svg = maps_svg(&[panel("", &map)], &footer());
        let document = Document::parse(&svg).unwrap();
        let scale = scale_of(&of_class(&document, "bins")[0]).0;
        let bar = &of_class(&document, "scale-bar")[0];
        assert!((number(bar, "width") - wanted * scale).abs() < 1e-3);
        let length = of_class(&document, "length")[0].text().unwrap();
        assert_eq!(length, format!("{wanted} µm"));
    }
}

#[test]
fn panels_share_one_scale_of_colours_and_of_lengths() {
    let (a, b) = (
        csv("0,0,10,10,10\n10,0,20,10,30\n"),
        csv("0,0,10,10,30\n10,0,14,10,50\n"),
    );
    let svg = maps_svg(&[panel("a", &a), panel("b", &b)], &footer());
    let document = Document::parse(&svg).unwrap();
    let bins = of_class(&document, "bins");
    assert_eq!((bins.len(), scale_of(&bins[0])), (2, scale_of(&bins[1])));
    let fills = |group: &Node<'_, '_>| -> Vec<String> {
        let rects = group.children().filter(|node| node.has_tag_name("rect"));
        rects
            .map(|rect| rect.attribute("fill").unwrap().to_owned())
            .collect()
    };
    // 30 % is one colour in both, halfway between 10 and 50.
    let (first, second) = (fills(&bins[0]), fills(&bins[1]));
    assert_eq!(first[1], second[0]);
    let half = magnitude_colour(0.5);
    assert_eq!(
        first[1],
        format!("#{:02x}{:02x}{:02x}", half.0, half.1, half.2)
    );
    assert_eq!(of_class(&document, "colour-bar").len(), 1);
    // A die of another size altogether has a scale of its own, and a bar that says so.
    let tiny = csv("0,0,1,1,10\n");
    let svg = maps_svg(&[panel("a", &a), panel("tiny", &tiny)], &footer());
    let document = Document::parse(&svg).unwrap();
    let bins = of_class(&document, "bins");
    assert!(scale_of(&bins[1]).0 > 10.0 * scale_of(&bins[0]).0);
    let lengths: BTreeSet<&str> = of_class(&document, "length")
        .iter()
        .map(|node| node.text().unwrap())
        .collect();
    assert_eq!(lengths, BTreeSet::from(["5 µm", "0.2 µm"]));
}

#[test]
fn die_core_blocks_hotspots_and_paths_are_where_they_are() {
    let (def, lef) = design();
    let map = SpatialMap::density(&def, &lef, DENSITY_BIN).unwrap();
    let outline = DieOutline::of(&def, &lef);
    let hotspots = Hotspots::of(&map, Threshold::Value(30.0)).unwrap();
    let places = PinPlaces::of(&def, &lef);
    let path: Vec<(f64, f64)> = ["u1/Y", "r[0]/D"]
        .iter()
        .map(|pin| places.place(pin).unwrap())
        .collect();
    let paths = [path.clone()];
    let shown = MapPanel {
        outline: Some(&outline),
        hotspots: Some(&hotspots),
        paths: &paths,
        ..panel("tiny", &map)
    };
    let svg = maps_svg(&[shown], &footer());
    let document = Document::parse(&svg).unwrap();
    let bins = &of_class(&document, "bins")[0];
    let core = Bounds {
        x0: 4.0,
        y0: 4.0,
        x1: 36.0,
        y1: 20.0,
    };
    assert_box(&of_class(&document, "core")[0], on_page(bins, core));
    let memory = Bounds {
        x0: 25.0,
        y0: 12.0,
        x1: 35.0,
        y1: 20.0,
    };
    assert_box(&of_class(&document, "block")[0], on_page(bins, memory));
    assert_eq!(
        hotspots.spots.len(),
        of_class(&document, "hotspot").len() / 2
    );
    assert_box(
        &of_class(&document, "hotspot")[0],
        on_page(bins, hotspots.spots[0].bounds),
    );
    let points = |node: &Node<'_, '_>| -> Vec<(f64, f64)> {
        let pairs = node.attribute("points").unwrap().split(' ');
        let pairs = pairs.map(|pair| pair.split_once(',').unwrap());
        pairs
            .map(|(x, y)| (x.parse().unwrap(), y.parse().unwrap()))
            .collect()
    };
    let page = |(x, y): (f64, f64)| {
        let found = on_page(
            bins,
            Bounds {
                x0: x,
                y0: y,
                x1: x,
                y1: y,
            },
        );
        (found[0], found[1])
    };
    let near = |found: Vec<(f64, f64)>, expected: Vec<(f64, f64)>| {
        assert_eq!(found.len(), expected.len());
        for (found, expected) in found.iter().zip(expected.into_iter().map(page)) {
            assert!((found.0 - expected.0).abs() < 1e-3 && (found.1 - expected.1).abs() < 1e-3);
        }
    };
    near(points(&of_class(&document, "path")[0]), path);
    let die = vec![(0.0, 0.0), (40.0, 0.0), (40.0, 30.0), (0.0, 30.0)];
    near(points(&of_class(&document, "die")[0]), die);
    // True to the die: 40 µm by 30 µm.
    let (columns, rows) = (map.x_edges.last().unwrap(), map.y_edges.last().unwrap());
    let whole = on_page(
        bins,
        Bounds {
            x0: 0.0,
            y0: 0.0,
            x1: *columns,
            y1: *rows,
        },
    );
    assert!((whole[2] / whole[3] - 4.0 / 3.0).abs() < 1e-9);
}

#[test]
fn a_difference_is_centred_on_no_change() {
    let before = csv("0,0,10,10,10\n10,0,20,10,30\n20,0,30,10,5\n30,0,40,10,5\n");
    let after = csv("0,0,10,10,50\n10,0,20,10,10\n20,0,30,10,5\n30,0,40,10,nan\n");
    let difference = MapDifference::between(&before, &after, 0.5).unwrap();
    let svg = difference_svg("Change", &difference, None, &footer());
    let document = Document::parse(&svg).unwrap();
    let bins = &of_class(&document, "bins")[0];
    let fills: Vec<&str> = bins
        .children()
        .filter_map(|node| node.attribute("fill"))
        .collect();
    let expected: Vec<String> = [1.0, -0.5, 0.0]
        .iter()
        .map(|share| {
            let colour = difference_colour(*share);
            format!("#{:02x}{:02x}{:02x}", colour.0, colour.1, colour.2)
        })
        .collect();
    assert_eq!(fills, expected);
    let words = words(&document);
    for wanted in [
        "1 worse, 1 better, 1 unchanged (± 0.5 %), 1 missing",
        "+1",
        "−1",
        "worse",
        "better",
        "change of routing congestion (%)",
        "0",
        "−40",
        "40",
    ] {
        assert!(
            words.iter().any(|word| word == wanted),
            "{wanted}: {words:?}"
        );
    }
    let resampled = MapDifference::between(&before, &csv("0,0,20,10,5\n"), 0.0).unwrap();
    let svg = difference_svg("Change", &resampled, None, &footer());
    assert!(svg.contains("the map before was on another grid: means by area"));
}

#[test]
fn maps_without_values_or_bins_are_drawn_as_such() {
    for text in ["", "0,0,1,1,nan\n"] {
        let map = csv(text);
        let svg = maps_svg(&[panel("empty", &map)], &footer());
        let document = Document::parse(&svg).unwrap();
        assert!(words(&document).iter().any(|word| word == "no values"));
        assert!(of_class(&document, "colour-bar").is_empty());
        assert_eq!(of_class(&document, "missing").len(), 1);
        let same = MapDifference::between(&map, &map, 0.0).unwrap();
        Document::parse(&difference_svg("", &same, None, &footer())).unwrap();
    }
    // One value everywhere is a range too.
    let even = csv("0,0,1,1,5\n");
    assert!(!maps_svg(&[panel("even", &even)], &footer()).contains("NaN"));
    let same = MapDifference::between(&even, &even, 0.0).unwrap();
    assert!(!difference_svg("", &same, None, &footer()).contains("NaN"));
}

/// The picture of the documentation is what is drawn today; `UPDATE_PICTURES=1` draws it anew.
#[test]
fn the_picture_of_the_documentation_is_up_to_date() {
    let (def, lef) = design();
    let map = SpatialMap::density(&def, &lef, 2.0).unwrap();
    let outline = DieOutline::of(&def, &lef);
    let hotspots = Hotspots::of(&map, Threshold::Value(60.0)).unwrap();
    let places = PinPlaces::of(&def, &lef);
    let pins = ["r[0]/Q", "u3/A", "u3/Y", "ram/D[0]"];
    let paths = [pins.iter().map(|pin| places.place(pin).unwrap()).collect()];
    let shown = MapPanel {
        outline: Some(&outline),
        hotspots: Some(&hotspots),
        paths: &paths,
        ..panel("Placement density of a made-up design", &map)
    };
    let footer = Footer {
        source: "crates/layout/tests/samples".to_owned(),
        hash: "tiny.def, tiny.lef".to_owned(),
    };
    let svg = maps_svg(&[shown], &footer);
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/pictures/heatmap.svg");
    if env::var_os("UPDATE_PICTURES").is_some() {
        fs::write(&path, &svg).unwrap();
    }
    let committed = fs::read_to_string(&path).unwrap_or_default();
    assert!(
        svg == committed,
        "UPDATE_PICTURES=1 cargo test -p noodle2-view --test maps"
    );
}
