//! Platforms that do not fit their libraries and LEF files, and those that do.

mod support;

use std::path::{Path, PathBuf};

use noodle2_engine::{DraftError, Platform, PlatformCheck, PlatformDraft, PlatformFile};
use noodle2_liberty::LibraryCache;
use support::shared;

const LIBRARY: &str = r#"library (small) {
  time_unit : "1ns";
  capacitive_load_unit (1, pf);
  cell (BUF) { area : 2; pin (A) { direction : input; capacitance : 0.01; } pin (Y) { direction : output; function : "A"; } }
  cell (INV) { area : 1; pin (A) { direction : input; capacitance : 0.01; } pin (Y) { direction : output; function : "!A"; } }
  cell (ONE) { area : 1; pin (Y) { direction : output; function : "1"; } }
  cell (ZERO) { area : 1; pin (Y) { direction : output; function : "0"; } }
}
"#;

const LEF: &str = "VERSION 5.8 ;\nUNITS\n  DATABASE MICRONS 1000 ;\nEND UNITS\n\
LAYER m1\n  TYPE ROUTING ;\n  DIRECTION HORIZONTAL ;\n  PITCH 0.2 ;\n  WIDTH 0.1 ;\nEND m1\n\
LAYER m2\n  TYPE ROUTING ;\n  DIRECTION VERTICAL ;\n  PITCH 0.2 ;\n  WIDTH 0.1 ;\nEND m2\n\
LAYER m3\n  TYPE ROUTING ;\n  DIRECTION HORIZONTAL ;\n  PITCH 0.2 ;\n  WIDTH 0.1 ;\nEND m3\n\
SITE unit\n  CLASS CORE ;\n  SIZE 0.2 BY 2 ;\nEND unit\n";

const PLATFORM: &str = "\
name: small
description: Four cells.
default_corner: typical
corners: {typical: [small.lib]}
tie_cells: {high: ONE/Y, low: ZERO/Y}
buffers: [BUF]
inverters: [INV]
layout:
  lefs: [small.lef]
  site: unit
  routing_layers: {signal: [m1, m3], clock: [m2, m3]}
  pin_layers: {horizontal: m3, vertical: m2}
  wire_layers: {signal: m2, clock: m3}
  layer_adjustments: {m1-m3: 0.3}
  utilisation_percent: {min: 40, max: 70}
  tap_cells: {distance_um: 20, cell: TAP}
";

fn macro_text(name: &str, class: &str, pins: &[&str]) -> String {
    let pins = pins.iter().map(|pin| {
        format!("  PIN {pin}\n    PORT\n      LAYER m1 ;\n        RECT 0 0 0.1 0.1 ;\n    END\n  END {pin}\n")
    });
    let pins: String = pins.collect();
    format!("MACRO {name}\n  CLASS {class} ;\n  SIZE 0.4 BY 2 ;\n  SITE unit ;\n{pins}END {name}\n")
}

struct Kit(tempfile::TempDir);

impl Kit {
    fn new() -> Self {
        let kit = Self(tempfile::tempdir().unwrap());
        let mut lef = LEF.to_owned();
        for (name, class, pins) in [
            ("BUF", "CORE", ["A", "Y"].as_slice()),
            ("INV", "CORE", &["A", "Y"]),
            ("ONE", "CORE TIEHIGH", &["Y"]),
            ("ZERO", "CORE TIELOW", &["Y"]),
            ("TAP", "CORE WELLTAP", &[]),
        ] {
            lef.push_str(&macro_text(name, class, pins));
        }
        kit.write("small.lib", LIBRARY);
        kit.write("small.lef", &(lef + "END LIBRARY\n"));
        kit.write("small.yaml", PLATFORM);
        kit
    }

    fn write(&self, name: &str, text: &str) -> PathBuf {
        let path = self.0.path().join(name);
        std::fs::write(&path, text).unwrap();
        path
    }

    /// Changes a file of the kit, in which the text to be replaced must be.
    fn edit(&self, name: &str, from: &str, to: &str) {
        let text = std::fs::read_to_string(self.0.path().join(name)).unwrap();
        assert!(text.contains(from), "{from}");
        self.write(name, &text.replacen(from, to, 1));
    }

    fn check(&self) -> PlatformCheck {
        let file = self.0.path().join("small.yaml");
        check(
            file.to_str().unwrap(),
            self.0.path(),
            &self.0.path().join("cache"),
        )
    }
}

fn check(platform: &str, root: &Path, cache: &Path) -> PlatformCheck {
    let platform = Platform::load(platform, Some(root)).unwrap();
    PlatformCheck::of(&platform, &LibraryCache::new(cache).unwrap())
}

#[test]
fn a_platform_that_fits_has_no_findings() {
    let found = Kit::new().check();
    assert_eq!(found.findings, []);
    assert_eq!(found.corners["typical"].cells, 4);
    assert_eq!(found.corners["typical"].time_unit_ps, Some(1000.0));
    let lef = found.lef.unwrap();
    assert_eq!(lef.routing_layers, ["m1", "m2", "m3"]);
    assert_eq!((lef.core_macros, lef.with_library_cell), (5, 4));
}

/// What breaks in which file: the text, what it becomes, the code, whether it is a remark, and what must be told.
type Break = (
    &'static str,
    &'static str,
    &'static str,
    &'static str,
    bool,
    &'static str,
);

#[test]
fn each_thing_that_does_not_fit_is_told_under_its_code_with_its_names() {
    let breaks: [Break; 24] = [
        (
            "small.yaml",
            "small.lib",
            "none.lib",
            "N2-PLATFORM-006",
            false,
            "none.lib",
        ),
        (
            "small.yaml",
            "small.lef",
            "none.lef",
            "N2-PLATFORM-006",
            false,
            "none.lef",
        ),
        (
            "small.yaml",
            "site: unit",
            "site: unti",
            "N2-ENGINE-018",
            false,
            "`unti`",
        ),
        (
            "small.yaml",
            "{signal: m2,",
            "{signal: m9,",
            "N2-ENGINE-018",
            false,
            "`m9`",
        ),
        (
            "small.yaml",
            "cell: TAP",
            "cell: TAPS",
            "N2-ENGINE-018",
            false,
            "`TAPS`",
        ),
        (
            "small.lef",
            "SITE unit\n  CLASS CORE",
            "LAYER",
            "N2-ENGINE-017",
            false,
            "small.lef",
        ),
        (
            "small.yaml",
            "[small.lib]}",
            "[small.lib], slow: [slow.lib]}",
            "N2-PLATFORM-008",
            false,
            "1 ps in `slow`",
        ),
        (
            "small.yaml",
            "[small.lib]}",
            "[small.lib, twin.lib]}",
            "N2-PLATFORM-009",
            false,
            "`BUF`",
        ),
        (
            "small.yaml",
            "[small.lib]}",
            "[small.lib], slow: [slow.lib]}",
            "N2-PLATFORM-010",
            true,
            "`BUF`, `INV`",
        ),
        (
            "small.yaml",
            "buffers:",
            "dont_use: [\"DLY*\"]\nbuffers:",
            "N2-PLATFORM-011",
            true,
            "`DLY*`",
        ),
        (
            "small.yaml",
            "buffers:",
            "delay_cells: [INV, SLOW]\nbuffers:",
            "N2-PLATFORM-011",
            true,
            "`SLOW`",
        ),
        (
            "small.yaml",
            "buffers: [BUF]",
            "buffers: [INV]",
            "N2-PLATFORM-012",
            false,
            "`INV`",
        ),
        (
            "small.yaml",
            "inverters: [INV]",
            "inverters: [INV, INV9]",
            "N2-PLATFORM-012",
            false,
            "`INV9`",
        ),
        (
            "small.yaml",
            "high: ONE/Y",
            "high: ONE/Z",
            "N2-PLATFORM-013",
            false,
            "no pin of `ONE` in the libraries",
        ),
        (
            "small.yaml",
            "high: ONE/Y",
            "high: ZERO/Y",
            "N2-PLATFORM-013",
            false,
            "other value",
        ),
        (
            "small.yaml",
            "low: ZERO/Y",
            "low: INV/A",
            "N2-PLATFORM-013",
            false,
            "no output",
        ),
        (
            "small.lef",
            "MACRO ONE",
            "MACRO TWO",
            "N2-PLATFORM-013",
            false,
            "no LEF file",
        ),
        (
            "small.yaml",
            "max: 70",
            "max: 30",
            "N2-PLATFORM-014",
            false,
            "40 to 30",
        ),
        (
            "small.yaml",
            "m1-m3: 0.3",
            "m1-m3: 30",
            "N2-PLATFORM-014",
            false,
            "`m1-m3`",
        ),
        (
            "small.yaml",
            "signal: [m1, m3]",
            "signal: [m3, m1]",
            "N2-PLATFORM-015",
            false,
            "m1, m2, m3",
        ),
        (
            "small.yaml",
            "horizontal: m3",
            "horizontal: m2",
            "N2-PLATFORM-016",
            false,
            "m1, m3",
        ),
        (
            "small.lef",
            "CLASS CORE ;\n  SIZE 0.2",
            "CLASS PAD ;\n  SIZE 0.2",
            "N2-PLATFORM-017",
            false,
            "`unit`",
        ),
        (
            "small.lef",
            "MACRO INV",
            "MACRO INVERT",
            "N2-PLATFORM-018",
            true,
            "`INV`",
        ),
        (
            "small.lib",
            "cell (INV)",
            "cell (INVERT)",
            "N2-PLATFORM-019",
            true,
            "`INV`",
        ),
    ];
    for (file, from, to, code, is_remark, told) in breaks {
        let kit = Kit::new();
        let slow = LIBRARY
            .replace("1ns", "1ps")
            .replace("small", "slow")
            .replace("(BUF)", "(BUG)");
        kit.write("slow.lib", &slow.replace("(INV)", "(INW)"));
        kit.write(
            "twin.lib",
            &LIBRARY.replace("\"A\"", "\"!A\"").replace("small", "twin"),
        );
        kit.edit(file, from, to);
        if file == "small.lef" {
            // The end of what was renamed.
            let name = |text: &str| {
                text.strip_prefix("MACRO ")
                    .map(|name| format!("END {name}\n"))
            };
            if let (Some(from), Some(to)) = (name(from), name(to)) {
                kit.edit(file, &from, &to);
            }
        }
        let found = kit.check();
        let fits = found.findings.iter().any(|finding| {
            finding.code == code && finding.is_remark == is_remark && finding.text.contains(told)
        });
        assert!(fits, "{to}: {:#?}", found.findings);
        assert_eq!(
            found.has_faults(),
            found.findings.iter().any(|finding| !finding.is_remark)
        );
    }
}

#[test]
fn everything_is_told_at_once() {
    let kit = Kit::new();
    kit.edit("small.yaml", "high: ONE/Y", "high: ONE/Z");
    kit.edit("small.yaml", "site: unit", "site: unti");
    kit.edit("small.yaml", "horizontal: m3", "horizontal: m2");
    kit.edit("small.yaml", "min: 40", "min: -4");
    let found = kit.check();
    let codes: Vec<&str> = found.findings.iter().map(|finding| finding.code).collect();
    for code in [
        "N2-PLATFORM-013",
        "N2-ENGINE-018",
        "N2-PLATFORM-016",
        "N2-PLATFORM-014",
    ] {
        assert!(codes.contains(&code), "{codes:?}");
    }
}

#[test]
fn the_built_in_platforms_fit_the_kits_that_they_are_of() {
    let cache = tempfile::tempdir().unwrap();
    let osu018 = Platform::load("osu018", None).unwrap();
    let found = PlatformCheck::of(&osu018, &LibraryCache::new(cache.path()).unwrap());
    assert!(!found.has_faults(), "{:#?}", found.findings);
    let Some(shared) = shared() else { return };
    for (name, unit) in [("nangate45", 1000.0), ("sky130hd", 1000.0), ("asap7", 1.0)] {
        let found = check(name, &shared.join("pdk").join(name), cache.path());
        assert!(!found.has_faults(), "{name}: {:#?}", found.findings);
        assert_eq!(found.corners["typical"].time_unit_ps, Some(unit), "{name}");
        let unknown = |code| found.findings.iter().any(|finding| finding.code == code);
        assert!(!unknown("N2-PLATFORM-018"), "{name}: {:#?}", found.findings);
    }
}

fn draft(folder: &Path) -> Result<(PlatformFile, PlatformDraft), DraftError> {
    let cache = tempfile::tempdir().unwrap();
    let cache = LibraryCache::new(cache.path()).unwrap();
    let draft = PlatformDraft::of(folder, "mine", Path::new("."), &cache)?;
    let file = PlatformFile::parse(&draft.text, Path::new("mine.yaml"));
    Ok((
        file.unwrap_or_else(|error| panic!("{error}\n{}", draft.text)),
        draft,
    ))
}

/// The keys of a draft whose values come from somewhere.
const EXPLAINED: [&str; 14] = [
    "lefs",
    "site",
    "signal",
    "clock",
    "horizontal",
    "vertical",
    "wire_layers",
    "tie_cells",
    "utilisation_percent",
    "rc",
    "tracks",
    "dont_use",
    "corners",
    "default_corner",
];

/// Every line that states a value stands below a comment that says where it comes from.
fn assert_each_value_is_explained(text: &str) {
    let lines: Vec<&str> = text.lines().collect();
    for (index, line) in lines.iter().enumerate() {
        let key = line.trim_start().split(':').next().unwrap();
        if EXPLAINED.contains(&key) {
            let before = lines[index - 1].trim_start();
            assert!(
                before.starts_with("# derived") || before.contains("of config.mk"),
                "{line}\n{text}"
            );
        }
    }
}

#[test]
fn a_folder_of_libraries_and_lef_files_becomes_a_platform_that_fits() {
    let kit = Kit::new();
    kit.write("small_ff_1p2.lib", &LIBRARY.replace("small", "quick"));
    kit.write("notes.txt", "nothing");
    let (file, draft) = draft(kit.0.path()).unwrap();
    assert_each_value_is_explained(&draft.text);
    assert_eq!(file.corners.keys().collect::<Vec<_>>(), ["fast", "typical"]);
    assert_eq!(file.default_corner, "typical");
    assert_eq!(file.tie_cells.unwrap().low, "ZERO/Y");
    let layout = file.layout.unwrap();
    assert_eq!(layout.site, "unit");
    assert_eq!(layout.routing_layers.signal, ["m2", "m3"]);
    assert_eq!(
        (
            layout.pin_layers.horizontal.as_str(),
            layout.pin_layers.vertical.as_str()
        ),
        ("m3", "m2")
    );
    kit.write("small.yaml", &draft.text);
    assert!(!kit.check().has_faults(), "{:#?}", kit.check().findings);
}

#[test]
fn what_config_mk_states_is_taken_and_what_it_leaves_open_is_told() {
    let kit = Kit::new();
    kit.write("other.lib", &LIBRARY.replace("small", "other"));
    kit.write(
        "setRC.tcl",
        "set_layer_rc -layer m1 -resistance 1 -capacitance 1\n",
    );
    kit.write(
        "config.mk",
        "export TECH_LEF = $(PLATFORM_DIR)/small.lef\nexport SC_LEF = $(PLATFORM_DIR)/small.lef\n\
         export LIB_FILES = $(PLATFORM_DIR)/small.lib $(ADDITIONAL_LIBS)\nexport DONT_USE_CELLS = BUF* INV\n\
         export PLACE_SITE = unit\nexport MIN_ROUTING_LAYER = m1\nexport MAX_ROUTING_LAYER = m2\n\
         export IO_PLACER_H = m1\nexport IO_PLACER_V = m2\nexport TIEHI_CELL_AND_PORT = ONE Y\n\
         export TIELO_CELL_AND_PORT = ZERO Y\nexport TAP_CELL_NAME = TAP\nexport PLACE_DENSITY ?= 0.60\n\
         export SET_RC_TCL = $(PLATFORM_DIR)/setRC.tcl\nexport FILL = $(shell ls)\n",
    );
    let (file, draft) = draft(kit.0.path()).unwrap();
    assert_each_value_is_explained(&draft.text);
    assert_eq!(file.corners["typical"], [PathBuf::from("small.lib")]);
    assert_eq!(file.dont_use, ["BUF*", "INV"]);
    let layout = file.layout.unwrap();
    assert_eq!(
        layout.lefs,
        [PathBuf::from("small.lef"), PathBuf::from("small.lef")]
    );
    assert_eq!(layout.routing_layers.signal, ["m1", "m2"]);
    assert_eq!(layout.pin_layers.horizontal, "m1");
    assert_eq!(
        (
            layout.utilisation_percent.min,
            layout.utilisation_percent.max
        ),
        (30.0, 60.0)
    );
    assert_eq!(layout.rc, Some(PathBuf::from("setRC.tcl")));
    assert_eq!(layout.tap_cells, None);
    assert!(
        draft.text.contains("PLACE_SITE, line 5 of config.mk"),
        "{}",
        draft.text
    );
    let told = draft.remarks.join("\n");
    assert!(
        told.contains("line 15: `FILL`: `$(shell ls)` is not read"),
        "{told}"
    );
    assert!(told.contains("how far apart `TAP` may stand"), "{told}");
}

#[test]
fn libraries_of_one_process_at_several_temperatures_are_corners_by_their_names() {
    let kit = Kit::new();
    kit.write("x_tt_025C.lib", LIBRARY);
    let (file, _) = draft(kit.0.path()).unwrap();
    assert_eq!(
        file.corners.keys().collect::<Vec<_>>(),
        ["small", "x_tt_025C"]
    );
}

#[test]
fn a_folder_of_which_no_platform_can_be_made_is_refused_and_half_a_layout_is_none() {
    let empty = tempfile::tempdir().unwrap();
    assert_eq!(draft(empty.path()).unwrap_err().code(), "N2-PLATFORM-022");
    assert_eq!(
        draft(&empty.path().join("none")).unwrap_err().code(),
        "N2-PLATFORM-020"
    );
    std::fs::write(empty.path().join("bad.lib"), "library (x) { cell").unwrap();
    let error = draft(empty.path()).unwrap_err();
    assert!(error.to_string().contains("bad.lib"), "{error}");
    let kit = Kit::new();
    kit.write("second.lef", LEF);
    let (file, told) = draft(kit.0.path()).unwrap();
    assert!(file.layout.is_none());
    assert!(
        told.remarks.join(" ").contains("`second.lef`, `small.lef`"),
        "{:?}",
        told.remarks
    );
}
