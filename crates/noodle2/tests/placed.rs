//! Studies on placed designs, from the snapshot to the digest, by the stand-in for OpenROAD: it places and routes nothing,
//! and is called so in everything that it leaves.

mod support;

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;
use support::served::Served;
use support::{edit, ends, run, template, text};

const STAND_IN: &str = concat!(
    env!("CARGO_MANIFEST_DIR"),
    "/../engine/tests/stand_in/openroad"
);

/// A resize that the stand-in's OpenROAD can make, more or fewer cells of it.
const RESIZE: &str = "\
variable parameter
set done 0
foreach {name cell} [instances_on_worst max 20] {
  if {$done >= $parameter(cells)} { break }
  incr done [resize $name [sized $cell 1]]
}
note resized $done
";

/// The sequential template on a placed design, with stages of their own.
fn study(folder: &Path, stages: &str) -> PathBuf {
    let study = template(folder, "sequential");
    let source = fs::read_to_string(&study).unwrap();
    let head = source.split("\nstages:\n").next().unwrap();
    fs::write(&study, format!("{head}\nstages:\n{stages}")).unwrap();
    edit(
        &study,
        "{kind: opensta}",
        &format!("{{kind: openroad, path: {STAND_IN}, snapshot: placed.odb}}"),
    );
    let eco = study.with_file_name("ecos").join("grow");
    fs::create_dir_all(&eco).unwrap();
    fs::write(eco.join("eco.tcl"), RESIZE).unwrap();
    let manifest = "name: grow\nversion: 1\ndescription: Grows.\nclass: placement_local\nengines: [openroad]\n\
        parameters:\n  cells: {description: How many., type: integer, min: 1, max: 50, default: 1}\n\
        expected: {}\nchanges_connectivity: false\nimplementation: {tcl: eco.tcl}\n";
    fs::write(eco.join("eco.yaml"), manifest).unwrap();
    let source = fs::read_to_string(&study).unwrap();
    if !source.contains("eco_path:") {
        edit(&study, "\nengine:", "\neco_path: [ecos]\nengine:");
    }
    study
}

const STAGES: &str = "  - {name: one, trials: 3, survivors: 2, mode: sta_congestion, ecos: [{name: grow, parameters: {cells: [1, 2, 4]}}]}\n  \
    - {name: two, after: one, trials: 4, survivors: 1, mode: sta_congestion, ecos: [{name: grow, parameters: {cells: [3, 5]}}]}\n";

fn summary(out: &Path) -> Value {
    serde_json::from_str(&fs::read_to_string(out.join("summary.json")).unwrap()).unwrap()
}

#[test]
fn a_study_runs_from_its_snapshot_to_its_digest_whatever_the_workers() {
    let folder = tempfile::tempdir().unwrap();
    let study = study(folder.path(), STAGES);
    // There is no snapshot yet, which is told; then it is made, and says how.
    let (status, _, told) = run(&["check", text(&study)]);
    assert_eq!(status, 3, "{told}");
    ends(
        0,
        &["snapshot", "create", text(&study), "--utilisation", "50"],
    );
    let (status, _, told) = run(&["snapshot", "create", text(&study)]);
    assert_eq!(status, 2);
    assert!(told.contains("N2-SNAPSHOT-001"), "{told}");
    let record = study.with_file_name("placed.json");
    let record: Value = serde_json::from_str(&fs::read_to_string(record).unwrap()).unwrap();
    assert_eq!(record["engine"], "OpenROAD stand-in-0");
    assert_eq!(record["options"]["utilisation_percent"], 50.0);
    let (told, _) = ends(0, &["snapshot", "check", text(&study)]);
    assert!(told.contains("routing_overflow"), "{told}");
    let digests = ["1", "3"].map(|workers| {
        let out = folder.path().join(format!("run-{workers}"));
        ends(
            0,
            &["run", text(&study), "--out", text(&out), "-j", workers],
        );
        ends(0, &["verify", text(&out)]);
        summary(&out)["digest"].clone()
    });
    assert_eq!(digests[0], digests[1]);
    let out = folder.path().join("run-1");
    let best = summary(&out)["best"]["case"].as_str().unwrap().to_owned();
    for name in ["netlist.v", "placed.def", "placed.odb"] {
        assert!(out.join("cases").join(&best).join(name).is_file(), "{name}");
    }
    // Every tool that a record names is the stand-in.
    let plan = fs::read_to_string(out.join("summary.json")).unwrap();
    assert!(
        plan.contains("stand-in-0") || !plan.contains("openroad"),
        "{plan}"
    );
    // Its heat maps stand in the report, and on its page, beside those that it is compared with.
    let (report, _) = ends(0, &["report", text(&out), "--format", "html"]);
    let served = Served::start(&out);
    let page = served.get(&format!("/runs/run-1/cases/{best}"));
    for (text, compared) in [(&report, "counter_0_0"), (&page, "counter_0_")] {
        for title in [
            format!("placement density: {compared}"),
            format!("what changed from {compared}"),
        ] {
            assert!(text.to_lowercase().contains(&title), "{title}");
        }
        assert!(text.contains("data:image/svg+xml,%3Csvg"));
    }
    // Made again it is the same, and what is taken home has its placement.
    for trial in ["0_0", &best] {
        let (told, _) = ends(0, &["replay", text(&out), trial]);
        assert!(told.contains("netlist  same\n"), "{told}");
    }
    let winner = folder.path().join("winner");
    let (_, told) = ends(0, &["rebuild", text(&out), &best, "--out", text(&winner)]);
    assert!(told.contains("not checked"), "{told}");
    assert!(winner.join("placed.odb").is_file());
    let readme = fs::read_to_string(winner.join("README.md")).unwrap();
    assert!(readme.contains("**not checked**"), "{readme}");
}

#[test]
fn a_changed_placement_of_a_parent_is_noticed() {
    let folder = tempfile::tempdir().unwrap();
    let study = study(folder.path(), STAGES);
    ends(0, &["snapshot", "create", text(&study)]);
    let out = folder.path().join("run");
    ends(0, &["run", text(&study), "--out", text(&out)]);
    let best = summary(&out)["best"]["case"].as_str().unwrap().to_owned();
    let def = out.join("cases").join(best).join("placed.def");
    let moved = fs::read_to_string(&def).unwrap() + "\n";
    fs::write(&def, moved).unwrap();
    let (status, told, _) = run(&["verify", text(&out)]);
    assert_eq!(status, 1, "{told}");
    assert!(told.contains("placed.def"), "{told}");
}

#[test]
fn a_survivor_that_loses_its_gain_on_the_way_to_routed_wires_is_none() {
    let folder = tempfile::tempdir().unwrap();
    let stages = "  - {name: one, trials: 2, survivors: 1, safety: {gates: {gain_audit: {max_loss_percent: 20}}}, \
        ecos: [{name: grow, parameters: {cells: [1, 4]}}]}\n";
    let study = study(folder.path(), stages);
    ends(0, &["snapshot", "create", text(&study)]);
    let kept = folder.path().join("kept");
    ends(0, &["run", text(&study), "--out", text(&kept)]);
    assert_ne!(summary(&kept)["best"]["case"], "counter_0_0");
    // The same with routes that cost more than stronger cells gain: no survivor but the parent.
    edit(
        &study.with_file_name("constraints.sdc"),
        "create_clock",
        "set ::stand_in::routed_penalty 0.05\ncreate_clock",
    );
    let out = folder.path().join("lost");
    ends(0, &["run", text(&study), "--out", text(&out)]);
    assert_eq!(summary(&out)["best"]["case"], "counter_0_0");
    let (told, _) = ends(0, &["explain", text(&out), "one"]);
    assert!(told.contains("gain audit: `setup_wns_ps` gained"), "{told}");
}

/// Stands in for `docker`: takes down what it is told, and runs the command of the container as its own.
const DOCKER: &str = "#!/bin/sh
# STAND-IN for docker, for tests alone: nothing is contained.
echo \"$*\" >> HERE/told
if [ \"$1\" != run ]; then exit 0; fi
while [ \"${1#registry.example/}\" = \"$1\" ]; do
  case \"$1\" in
    --workdir) cd \"$2\" ;;
    --env) export \"$2\" ;;
  esac
  shift
done
shift
exec \"$@\"
";

#[test]
fn a_container_sees_its_inputs_alone_and_is_ended_with_its_trial() {
    use std::os::unix::fs::PermissionsExt as _;
    let folder = tempfile::tempdir().unwrap();
    let stages = "  - {name: one, trials: 1, survivors: 1, ecos: [{name: grow}]}\n";
    let study = study(folder.path(), stages);
    let here = text(folder.path()).to_owned();
    let docker = folder.path().join("docker");
    fs::write(&docker, DOCKER.replace("HERE", &here)).unwrap();
    fs::set_permissions(&docker, fs::Permissions::from_mode(0o755)).unwrap();
    ends(0, &["snapshot", "create", text(&study)]);
    let digest = "0123456789abcdef".repeat(4);
    edit(
        &study,
        "snapshot: placed.odb}",
        &format!(
            "snapshot: placed.odb, container: {{runtime: docker, image: \"registry.example/openroad@sha256:{digest}\"}}}}"
        ),
    );
    let path = format!("{here}:{}", std::env::var("PATH").unwrap());
    let run = |arguments: &[&str]| {
        support::finish(
            support::noodle2()
                .env("PATH", &path)
                .args(arguments)
                .output()
                .unwrap(),
        )
    };
    let (status, _, told) = run(&["snapshot", "check", text(&study)]);
    assert_eq!(status, 0, "{told}");
    let told = || fs::read_to_string(folder.path().join("told")).unwrap();
    let last = told().lines().last().unwrap().to_owned();
    for words in [
        "--network none",
        "--memory ",
        "--rm ",
        "--pull=never",
        ":rw",
    ] {
        assert!(last.contains(words), "{words}: {last}");
    }
    let snapshot = text(study.parent().unwrap()).to_owned();
    assert!(
        last.contains(&format!("--volume {snapshot}:{snapshot}:ro")),
        "{last}"
    );
    assert!(!told().contains("rm --force"), "it ended by itself");
    // One that does not end is ended, and so is what its daemon runs.
    let eco = study.with_file_name("ecos").join("grow").join("eco.tcl");
    fs::write(eco, "after 600000").unwrap();
    edit(&study, "\nstages:", "\nlimits: {wall_time_s: 2}\nstages:");
    let out = folder.path().join("run");
    let (_, report, _) = run(&["run", text(&study), "--out", text(&out)]);
    assert!(report.contains("timeout"), "{report}");
    let ended: Vec<String> = told()
        .lines()
        .filter_map(|line| line.strip_prefix("rm --force --volumes "))
        .map(str::to_owned)
        .collect();
    assert!(!ended.is_empty(), "{}", told());
    let begun = |name: &String| told().contains(&format!("--name {name} "));
    assert!(ended.iter().all(begun), "{}", told());
}

#[test]
fn an_eco_whose_command_the_version_lacks_is_refused_where_it_is_named_and_not_suggested() {
    let folder = tempfile::tempdir().unwrap();
    let suggested =
        "{name: one, trials: 3, survivors: 1, proposer: {kind: diagnosis, catalogue: true}}";
    let study = study(folder.path(), &format!("  - {suggested}\n"));
    let eco = study.with_file_name("ecos").join("shrink");
    fs::create_dir_all(&eco).unwrap();
    fs::write(eco.join("eco.tcl"), "shrink_design\n").unwrap();
    let manifest = "name: shrink\nversion: 1\ndescription: Shrinks.\nclass: placement_local\nengines: [openroad]\n\
        remedies: {cell_dominated: {}, wire_dominated: {}}\nchanges_connectivity: false\n\
        implementation: {tcl: eco.tcl}\nneeds: [{command: shrink_design, known_in: v9}]\n";
    fs::write(eco.join("eco.yaml"), manifest).unwrap();
    ends(0, &["snapshot", "create", text(&study)]);
    let out = folder.path().join("suggested");
    ends(0, &["run", text(&study), "--out", text(&out)]);
    let ecos = summary(&out)["ecos"].to_string();
    assert!(!ecos.contains("shrink"), "{ecos}");
    let named = "{name: one, trials: 1, survivors: 1, ecos: [{name: shrink}]}";
    edit(&study, suggested, named);
    let out = folder.path().join("named");
    let (status, _, stderr) = run(&["run", text(&study), "--out", text(&out)]);
    assert_ne!(status, 0);
    assert!(
        stderr.contains("N2-RUN-022") && stderr.contains("`shrink_design`"),
        "{stderr}"
    );
}
