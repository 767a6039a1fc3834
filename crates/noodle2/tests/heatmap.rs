//! `noodle2 heatmap` on made-up maps and a made-up design: figures, pictures, and each way to ask for what cannot be.

use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

const LEF: &str = concat!(
    env!("CARGO_MANIFEST_DIR"),
    "/../layout/tests/samples/tiny.lef"
);
const DEF: &str = concat!(
    env!("CARGO_MANIFEST_DIR"),
    "/../layout/tests/samples/tiny.def"
);

fn noodle2(arguments: &[&str]) -> (Option<i32>, String, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_noodle2"))
        .arg("heatmap")
        .args(arguments)
        .env("NO_COLOR", "1")
        .output()
        .unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (
        output.status.code(),
        text(output.stdout),
        text(output.stderr),
    )
}

fn json(arguments: &[&str]) -> Value {
    let (status, stdout, stderr) = noodle2(&[arguments, &["--format", "json"]].concat());
    assert_eq!(status, Some(0), "{stderr}");
    serde_json::from_str(&stdout).unwrap()
}

/// Files in a folder that goes with the returned guard.
fn files(texts: &[(&str, &str)]) -> (tempfile::TempDir, Vec<String>) {
    let folder = tempfile::tempdir().unwrap();
    let write = |(name, text): &(&str, &str)| {
        let path: PathBuf = folder.path().join(name);
        std::fs::write(&path, text).unwrap();
        path.to_str().unwrap().to_owned()
    };
    let paths = texts.iter().map(write).collect();
    (folder, paths)
}

const BEFORE: &str =
    "x0,y0,x1,y1,value\n0,0,10,10,50\n10,0,20,10,120\n20,0,30,10,130\n0,10,10,20,110\n";
const AFTER: &str =
    "x0,y0,x1,y1,value\n0,0,10,10,50\n10,0,20,10,90\n20,0,30,10,140\n0,10,10,20,112\n";

#[test]
fn a_map_is_summed_up_and_its_hotspots_listed() {
    let (_folder, paths) = files(&[("heatmap_routing.csv", BEFORE)]);
    let told = json(&[&paths[0], "--hotspots"]);
    let map = &told["maps"][0];
    assert_eq!(
        (&map["kind"], &map["unit"]),
        (&Value::from("routing"), &Value::from("%"))
    );
    assert_eq!(
        (&map["bins"], &map["missing"]),
        (&Value::from(6), &Value::from(2))
    );
    assert_eq!(
        (&map["min"], &map["max"]),
        (&Value::from(50.0), &Value::from(130.0))
    );
    // Four bins have a value, three are over their capacity.
    assert_eq!(map["hot_ratio"]["ratio"], Value::from(0.75));
    assert_eq!(map["hotspots"]["value"], Value::from(100.0));
    let spots = map["hotspots"]["spots"].as_array().unwrap();
    let severities: Vec<f64> = spots
        .iter()
        .map(|spot| spot["severity"].as_f64().unwrap())
        .collect();
    assert_eq!(severities, [5000.0, 1000.0]);
    assert_eq!(spots[0].get("cells"), None);

    let (_, text, _) = noodle2(&[&paths[0], "--hotspots", "--over", "125"]);
    assert!(
        text.contains("3 of 4 (75.00 %)") && text.contains("1 hotspot above 125 %"),
        "{text}"
    );
    // A map of anything else has no such share.
    let told = json(&[&paths[0], "--kind", "placement"]);
    assert_eq!(told["maps"][0].get("hot_ratio"), None);
}

#[test]
fn two_maps_are_compared() {
    let (folder, paths) = files(&[("routing_before.csv", BEFORE), ("routing_after.csv", AFTER)]);
    let picture = folder.path().join("change.svg");
    let out = picture.to_str().unwrap();
    let told = json(&[
        "--compare",
        &paths[0],
        &paths[1],
        "--tolerance",
        "5",
        "--hotspots",
        "--out",
        out,
    ]);
    let comparison = &told["comparison"];
    let counts = ["improved", "worse", "unchanged", "missing"]
        .map(|name| comparison[name].as_u64().unwrap());
    assert_eq!(counts, [1, 1, 2, 2]);
    assert_eq!(comparison["is_resampled"], Value::from(false));
    let fates: Vec<&str> = comparison["hotspots"]
        .as_array()
        .unwrap()
        .iter()
        .map(|found| found["fate"].as_str().unwrap())
        .collect();
    assert_eq!(fates, ["shrunk", "grown"]);
    let svg = std::fs::read_to_string(picture).unwrap();
    assert!(svg.contains("1 worse, 1 better, 2 unchanged (± 5 %), 2 missing"));
    // Of two maps that share no place nothing is said but that.
    let (_elsewhere, other) = files(&[("routing.csv", "x0,y0,x1,y1,value\n500,500,510,510,1\n")]);
    let (_, text, _) = noodle2(&["--compare", &paths[0], &other[0]]);
    assert!(
        text.contains("no bin has a value in both: nothing was compared"),
        "{text}"
    );
    let (_, text, _) = noodle2(&["--compare", &paths[0], &paths[1]]);
    assert!(
        text.contains("2 worse, 1 better, 1 unchanged (within ± 0 %), 2 missing"),
        "{text}"
    );
}

/// A picture as PNG is as large as 300 dots an inch make it, and says so.
#[test]
fn maps_of_a_design_are_made_and_drawn() {
    let folder = tempfile::tempdir().unwrap();
    let picture = folder.path().join("density.png");
    let out = picture.to_str().unwrap();
    let design = ["--def", DEF, "--lef", LEF, "--map", "density"];
    let told = json(
        &[
            &design[..],
            &[
                "--bin",
                "4",
                "--hotspots",
                "--over",
                "90",
                "--out",
                out,
                "--path",
                "u1/Y,u2/A,r[0]/D",
            ],
        ]
        .concat(),
    );
    let spot = &told["maps"][0]["hotspots"]["spots"][0];
    assert_eq!(spot["cells"]["first"][0], Value::from("ram"));
    if std::fs::exists("/usr/share/fonts/truetype/dejavu/DejaVuSans.ttf").unwrap() {
        let bytes = std::fs::read(&picture).unwrap();
        assert!(bytes.starts_with(b"\x89PNG"));
        let place = bytes
            .windows(4)
            .position(|window| window == b"pHYs")
            .unwrap();
        let dots = u32::from_be_bytes(bytes[place + 4..place + 8].try_into().unwrap());
        assert_eq!(dots, 11_811);
        let width = u32::from_be_bytes(bytes[16..20].try_into().unwrap());
        assert!(width > 1000, "{width}");
    }
    // Demand needs every cell at a place, and one of the sample has none.
    let (status, _, stderr) = noodle2(&["--def", DEF, "--lef", LEF, "--map", "rudy"]);
    assert_eq!(status, Some(2));
    assert!(
        stderr.contains("N2-MAP-005") && stderr.contains("`u5` is not placed"),
        "{stderr}"
    );
}

#[test]
fn a_report_of_congestion_is_told() {
    let report = "violation type: Horizontal congestion\n\tsrcs: net:a net:b\n\tcomment: capacity:1 usage:10 overflow:9\n\t\
                  bbox = (4.0000, 4.0000) - (6.0000, 6.0000) on Layer -\n";
    let (_folder, paths) = files(&[("congestion.rpt", report), ("empty.rpt", "")]);
    let told = json(&[
        "--congestion",
        &paths[0],
        "--def",
        DEF,
        "--lef",
        LEF,
        "--hotspots",
    ]);
    assert_eq!(told["congestion"]["total_overflow"], Value::from(9));
    assert!(told["congestion"]["density"].as_f64().unwrap() > 0.0);
    assert_eq!(
        told["congestion"]["remedies"][0]["kind"],
        Value::from("layer_adjustment")
    );
    assert_eq!(
        told["maps"][0]["hotspots"]["spots"][0]["bins"],
        Value::from(1)
    );
    let (status, text, _) = noodle2(&["--congestion", &paths[1]]);
    assert_eq!(status, Some(0));
    assert!(text.contains("no edge is congested"), "{text}");
    assert_eq!(
        json(&["--congestion", &paths[1]])["congestion"],
        Value::Null
    );
}

#[test]
fn what_cannot_be_is_said_with_a_code() {
    let (folder, paths) = files(&[
        ("heatmap_routing.csv", BEFORE),
        ("heatmap_rudy.csv", AFTER),
        ("broken.csv", "x0,y0,x1,y1,value\n0,0,10,10,x\n"),
        ("broken.def", "DESIGN a ;\n"),
        ("broken.lef", "MACRO a\n"),
        ("broken.rpt", "violation\n"),
        ("table.csv", "column,row,value\n0,0,1\n"),
        ("other.lef", "SITE unit\n  SIZE 9 BY 9 ;\nEND unit\n"),
    ]);
    let [routing, rudy, csv, def, lef, report, table, other] =
        std::array::from_fn(|place| &paths[place]);
    let nowhere = folder.path().join("nowhere/a.svg");
    let nowhere = nowhere.to_str().unwrap();
    let odd = folder.path().join("a.pdf");
    let odd = odd.to_str().unwrap();
    let svg = folder.path().join("a.svg");
    let svg = svg.to_str().unwrap();
    let cases: [(&[&str], &str, &str); 14] = [
        (&["/nowhere/a.csv"], "N2-MAP-001", "/nowhere/a.csv"),
        (&[csv], "N2-MAP-002", "line 2: `x` is not a number"),
        (&[table], "N2-MAP-002", "there is no size of a bin"),
        (
            &["--def", DEF, "--lef", lef, "--map", "density"],
            "N2-MAP-003",
            "the file ends inside",
        ),
        (
            &[
                "--def", DEF, "--lef", LEF, "--lef", other, "--map", "density",
            ],
            "N2-MAP-003",
            "site `unit` is defined in two",
        ),
        (
            &["--def", def, "--lef", LEF, "--map", "density"],
            "N2-MAP-004",
            "before `END DESIGN`",
        ),
        (
            &["--def", DEF, "--lef", other, "--map", "density"],
            "N2-MAP-005",
            "macros are in no LEF",
        ),
        (
            &["--compare", routing, rudy],
            "N2-MAP-006",
            "cannot be compared",
        ),
        (
            &["--congestion", report],
            "N2-MAP-007",
            "line 1: `violation`",
        ),
        (
            &[routing, "--out", nowhere],
            "N2-MAP-008",
            "cannot be written",
        ),
        (
            &[routing, "--out", odd],
            "N2-MAP-008",
            "neither .svg nor .png",
        ),
        (
            &[routing, rudy, "--out", svg],
            "N2-MAP-010",
            "cannot share one scale",
        ),
        (
            &[
                "--def",
                DEF,
                "--lef",
                LEF,
                "--map",
                "density",
                "--path",
                "u1/Y,u9/A",
                "--out",
                svg,
            ],
            "N2-MAP-011",
            "`u9/A`",
        ),
        (&[routing, "--bin=0"], "not a length above 0", "--bin"),
    ];
    for (arguments, code, words) in cases {
        let (status, _, stderr) = noodle2(arguments);
        // Long lines are broken where they are shown.
        let plain: String = stderr
            .split_whitespace()
            .filter(|word| *word != "│")
            .collect::<Vec<_>>()
            .join(" ");
        assert_eq!(status, Some(2), "{arguments:?}: {stderr}");
        assert!(
            plain.contains(code) && plain.contains(words),
            "{arguments:?}: {stderr}"
        );
    }
    // Nothing to look at, two sources at once, and a map without its design.
    for arguments in [
        &[][..],
        &[routing.as_str(), "--congestion", report],
        &["--map", "density"],
    ] {
        assert_eq!(noodle2(arguments).0, Some(2), "{arguments:?}");
    }
    assert!(!Path::new(odd).exists());
}
