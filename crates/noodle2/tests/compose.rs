//! Joins that compose, on real designs: two strategies' gains in one design, better than either alone.

mod support;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;
use support::{completes, digest, ends, run, shared, summary, text};

/// A buffered design with two branches, each of one ECO, and a join that composes them.
struct Composed {
    folder: &'static str,
    library: &'static str,
    first: &'static str,
    second: &'static str,
    join: &'static str,
}

const UPSIZE: &str = "{name: upsize_critical, parameters: {max_cells: 60}}";

const DESIGNS: [Composed; 3] = [
    Composed {
        folder: "uart_buffered.nangate45",
        library: "nangate45_typ.lib.gz",
        first: UPSIZE,
        second: "isolate_critical",
        join: "{merge: compose, mode: replay, conflicts: first}",
    },
    Composed {
        folder: "riscv32i_buffered.sky130hd",
        library: "",
        first: UPSIZE,
        second: "pin_swap",
        join: "{merge: compose, mode: replay}",
    },
    Composed {
        folder: "uart_buffered.nangate45",
        library: "nangate45_typ.lib.gz",
        first: UPSIZE,
        second: "isolate_critical",
        join: "{merge: compose, mode: rerun, pairs: 1}",
    },
];

impl Composed {
    fn top(&self, root: &Path) -> String {
        let facts = root.join("designs").join(self.folder).join("design.txt");
        let facts = fs::read_to_string(facts).unwrap();
        let line = facts.lines().find_map(|line| line.strip_prefix("top: "));
        line.unwrap().trim().to_owned()
    }

    fn study(&self, folder: &Path, root: &Path) -> PathBuf {
        let source = root.join("designs").join(self.folder);
        let platform = self.folder.split('.').next_back().unwrap();
        let path = folder.join("study.yaml");
        fs::write(
            &path,
            format!(
                "name: composed\nseed: 1\ndesign: {{case_name: base, top: {top}, netlists: [{netlist}], platform: {platform}, platform_root: {pdk}}}\n\
                 scenes:\n  - {{name: typical, sdc: [{sdc}]}}\nengine: {{kind: opensta}}\n\
                 objective: {{rank: [setup_tns_ps, setup_wns_ps]}}\nstages:\n\
                 \x20 - {{name: first, trials: 1, ecos: [{first}]}}\n\
                 \x20 - {{name: second, trials: 1, ecos: [{second}]}}\n\
                 \x20 - {{name: both, after: [first, second], trials: 2, join: {join}}}\n",
                top = self.top(root),
                netlist = text(&source.join("netlist.v")),
                sdc = text(&source.join("constraints.sdc")),
                pdk = text(&root.join("pdk").join(platform)),
                first = self.first,
                second = self.second,
                join = self.join,
            ),
        )
        .unwrap();
        path
    }

    /// The setup TNS in ps and the hold worst slack in ps that a plain script prints of a netlist.
    fn by_hand(&self, netlist: &Path, folder: &Path, root: &Path) -> [f64; 2] {
        let source = root.join("designs").join(self.folder);
        let pdk = root
            .join("pdk")
            .join(self.folder.split('.').next_back().unwrap());
        let found = fs::read_dir(&pdk)
            .unwrap()
            .map(|entry| entry.unwrap().path());
        let mut script = String::new();
        for library in found.filter(|path| {
            let name = path.file_name().unwrap().to_str().unwrap();
            name.ends_with(".lib.gz") && (self.library.is_empty() || name == self.library)
        }) {
            let plain = folder.join(library.file_stem().unwrap());
            let unpacked = Command::new("gzip")
                .arg("-dc")
                .arg(&library)
                .output()
                .unwrap();
            fs::write(&plain, unpacked.stdout).unwrap();
            script += &format!("read_liberty {}\n", text(&plain));
        }
        script += &format!(
            "read_verilog {}\nlink_design {}\nread_sdc {}\nreport_tns -digits 9\nputs \"hold [worst_slack -min]\"\n",
            text(netlist),
            self.top(root),
            text(&source.join("constraints.sdc"))
        );
        let file = folder.join("hand.tcl");
        fs::write(&file, script).unwrap();
        let output = Command::new("sta")
            .args(["-no_init", "-no_splash", "-exit", text(&file)])
            .output()
            .unwrap();
        let printed = String::from_utf8(output.stdout).unwrap();
        ["tns ", "hold "].map(|name| {
            let line = printed.lines().find_map(|line| line.strip_prefix(name));
            let line = line.unwrap_or_else(|| panic!("no `{name}` in {printed}"));
            1000.0 * line.trim().parse::<f64>().unwrap()
        })
    }
}

fn shown(out: &Path, item: &str) -> Value {
    let (stdout, _) = ends(0, &["show", text(out), item, "--format", "json"]);
    serde_json::from_str(&stdout).unwrap()
}

fn tns(out: &Path, case: &str) -> f64 {
    shown(out, case)["metrics"]["setup_tns_ps"]
        .as_f64()
        .unwrap()
}

#[test]
fn a_composed_case_beats_both_of_its_parents() {
    let Some(root) = shared() else {
        return;
    };
    for design in &DESIGNS {
        let name = format!("{} {}", design.folder, design.join);
        let folder = tempfile::tempdir().unwrap();
        let out = folder.path().join("run");
        completes(&design.study(folder.path(), &root), &out);
        let base = tns(&out, "base_0_0");
        let (first, second) = (tns(&out, "base_0_1"), tns(&out, "base_1_1"));
        assert!(
            first > base && second > base,
            "{name}: both branches improved"
        );
        let best = summary(&out)["best"]["case"].as_str().unwrap().to_owned();
        let both = tns(&out, &best);
        assert!(
            both > first.max(second),
            "{name}: {both} against {first} and {second}"
        );
        let mut parents: Vec<String> =
            serde_json::from_value(shown(&out, &best)["parents"].clone()).unwrap();
        parents.sort();
        assert_eq!(parents, ["base_0_1", "base_1_1"], "{name}");
        let netlist = out.join("cases").join(&best).join("netlist.v");
        let [by_hand, hold] = design.by_hand(&netlist, folder.path(), &root);
        // The engine adds it up in single precision, in the order of addresses.
        assert!(
            (by_hand - both).abs() <= both.abs() * 1e-5,
            "{name}: {by_hand} by hand, {both}"
        );
        let recorded = shown(&out, &best)["metrics"]["hold_ws_ps"]
            .as_f64()
            .unwrap();
        assert!(
            (hold - recorded).abs() <= 0.001,
            "{name}: {hold} by hand, {recorded}"
        );
        let (_, stderr) = ends(0, &["verify", text(&out)]);
        assert_eq!(stderr, "");
    }
}

/// A study of the small built-in design with two branches that meet in compositions of both kinds.
const SMALL: &str = "  - {name: sizes, trials: 2, survivors: 2, ecos: [{name: upsize_critical, parameters: {max_cells: [5, 20]}}]}
  - {name: pins, trials: 1, ecos: [pin_swap]}
  - {name: replayed, after: [sizes, pins], trials: 3, survivors: 2, join: {merge: compose, conflicts: none}, ecos: [buffer_fanout]}
  - {name: rerun, after: [sizes, pins], trials: 2, survivors: 2, join: {merge: compose, mode: rerun}}
  - {name: again, after: [replayed, rerun], trials: 4, join: {merge: compose, conflicts: second}}
";

#[test]
fn compositions_give_one_digest_and_their_record_holds() {
    let folder = tempfile::tempdir().unwrap();
    let study = support::template(folder.path(), "sequential");
    let content = fs::read_to_string(&study).unwrap();
    let stages = content.find("stages:\n").unwrap() + "stages:\n".len();
    let content = content[..stages].to_owned() + SMALL;
    // Whatever the template's budget was.
    let content: String = content
        .lines()
        .filter(|line| !line.starts_with("budget"))
        .map(|line| format!("{line}\n"))
        .collect();
    fs::write(&study, content).unwrap();
    let digests: Vec<String> = ["1", "4"]
        .iter()
        .map(|workers| {
            let out = folder.path().join(format!("run-{workers}"));
            let arguments = ["run", text(&study), "--out", text(&out), "-j", workers];
            let (status, _, stderr) = run(&arguments);
            assert_eq!(status, 0, "{stderr}");
            digest(&out)
        })
        .collect();
    assert_eq!(digests[0], digests[1]);
    let out = folder.path().join("run-1");
    ends(0, &["verify", text(&out)]);
    let (report, _) = ends(0, &["report", text(&out)]);
    assert!(report.contains("compose:replay"), "{report}");
    assert!(report.contains("compose:rerun"), "{report}");
}
