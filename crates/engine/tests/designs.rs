//! Real designs on real platforms: base metrics are what `sta` prints by hand.

mod support;

use std::path::Path;
use std::process::Command;

use noodle2_liberty::LibraryCache;
use noodle2_model::{Check, EngineKind, Measurement, Metric, MetricSet, Outcome, Scene};
use support::{Bench, eco, measured, run, scene, shared, try_eco};

/// What an independent, plain script prints for one corner, read from its reports.
struct ByHand {
    setup_ws: f64,
    setup_wns: f64,
    /// As `report_tns` prints it: added up in single precision, in the order of addresses.
    setup_tns: f64,
    /// The printed slacks of the violating endpoints, added up.
    setup_slacks: f64,
    hold_ws: f64,
    violating: f64,
    /// Internal, switching, leakage, total.
    power: [f64; 4],
    slew_violations: f64,
}

/// Runs `sta` without this program's scripts, in one process of one corner, and reads its reports.
/// Times are in the platform's unit, `unit_ps` picoseconds.
fn by_hand(folder: &Path, libraries: &[&Path], top: &str, unit_ps: f64) -> ByHand {
    let temporary = tempfile::tempdir().unwrap();
    let mut script = String::new();
    for library in libraries {
        script += &format!("read_liberty {}\n", library.display());
    }
    script += &format!(
        "read_verilog {0}/netlist.v\nlink_design {top}\nread_sdc {0}/constraints.sdc\n\
         puts MARK\nreport_worst_slack -digits 12\nreport_wns -digits 12\nreport_tns -digits 12\n\
         puts \"hold [worst_slack -min]\"\n\
         report_checks -path_delay max -group_count 100000 -format end -digits 12 > ends.txt\n\
         report_power -digits 12\nreport_check_types -max_transition -all_violators > slew.txt\n",
        folder.display()
    );
    std::fs::write(temporary.path().join("plain.tcl"), script).unwrap();
    let output = Command::new("sta")
        .args(["-no_init", "-no_splash", "-exit", "plain.tcl"])
        .current_dir(&temporary)
        .output()
        .unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    let after = text.split_once("MARK\n").expect("the script ran").1;
    let number = |label: &str| -> f64 {
        let line = after
            .lines()
            .find_map(|line| line.strip_prefix(label))
            .expect(label);
        line.split_whitespace().next().unwrap().parse().unwrap()
    };
    let total = after
        .lines()
        .find_map(|line| line.strip_prefix("Total"))
        .unwrap();
    let power: Vec<f64> = total
        .split_whitespace()
        .take(4)
        .map(|word| word.parse().unwrap())
        .collect();
    let ends = std::fs::read_to_string(temporary.path().join("ends.txt")).unwrap();
    let violated = |text: &str| {
        text.lines()
            .filter(|line| line.contains("VIOLATED"))
            .count() as f64
    };
    let slacks: f64 = ends
        .lines()
        .filter(|line| line.contains("VIOLATED"))
        .map(|line| {
            let numbers = line.split_whitespace().rev();
            let mut numbers = numbers.filter_map(|word| word.parse::<f64>().ok());
            numbers.next().expect("a slack")
        })
        .sum();
    let slew = std::fs::read_to_string(temporary.path().join("slew.txt")).unwrap();
    ByHand {
        setup_ws: number("worst slack ") * unit_ps,
        setup_wns: number("wns ") * unit_ps,
        setup_tns: number("tns ") * unit_ps,
        setup_slacks: slacks * unit_ps,
        hold_ws: number("hold ") * unit_ps,
        violating: violated(&ends),
        power: power.try_into().unwrap(),
        slew_violations: violated(&slew),
    }
}

#[track_caller]
fn assert_same(metrics: &MetricSet, hand: &ByHand, what: &str) {
    let [internal, switching, leakage, total] = hand.power;
    let tns = metrics.get(Metric::SetupTns).expect("a TNS");
    assert!(
        (tns - hand.setup_tns).abs() <= hand.setup_tns.abs() * 1e-5,
        "{what}: TNS is {tns}, by hand {}",
        hand.setup_tns
    );
    for (metric, expected) in [
        (Metric::SetupWs, hand.setup_ws),
        (Metric::SetupWns, hand.setup_wns),
        (Metric::SetupTns, hand.setup_slacks),
        (Metric::HoldWs, hand.hold_ws),
        (Metric::SetupViolatingEndpoints, hand.violating),
        (Metric::MaxSlewViolations, hand.slew_violations),
        (Metric::PowerInternal, internal),
        (Metric::PowerSwitching, switching),
        (Metric::PowerLeakage, leakage),
        (Metric::Power, total),
    ] {
        let found = metrics
            .get(metric)
            .unwrap_or_else(|| panic!("{what}: no {metric}"));
        let expected = metric.canonical(expected).unwrap();
        // Power is printed in six digits; the command for hold, which has no report, and printed slacks
        // convert times with a factor in single precision.
        let step = match metric {
            Metric::HoldWs => 0.001_01,
            Metric::SetupTns => 0.001_01 + expected.abs() * 1e-7,
            _ if metric.name().starts_with("power") => expected.abs() * 1.01e-5,
            _ => 0.0,
        };
        assert!(
            (found - expected).abs() <= step,
            "{what}: {metric} is {found}, by hand {expected}"
        );
    }
}

/// Names, platform, and the designs' unit of time in ps.
const DESIGNS: [(&str, &[&str], f64); 10] = [
    ("aes.nangate45", &["nangate45_typ"], 1000.0),
    ("aes_buffered.nangate45", &["nangate45_typ"], 1000.0),
    ("gcd.nangate45", &["nangate45_typ"], 1000.0),
    ("uart.nangate45", &["nangate45_typ"], 1000.0),
    ("uart_buffered.nangate45", &["nangate45_typ"], 1000.0),
    ("gcd.sky130hd", &["sky130hd_tt"], 1000.0),
    ("riscv32i.sky130hd", &["sky130hd_tt"], 1000.0),
    ("riscv32i_buffered.sky130hd", &["sky130hd_tt"], 1000.0),
    ("gcd.asap7", ASAP7, 1.0),
    ("uart.asap7", ASAP7, 1.0),
];

const ASAP7: &[&str] = &[
    "asap7sc7p5t_AO_RVT_TT_nldm_211120",
    "asap7sc7p5t_INVBUF_RVT_TT_nldm_220122",
    "asap7sc7p5t_OA_RVT_TT_nldm_211120",
    "asap7sc7p5t_SEQ_RVT_TT_nldm_220123",
    "asap7sc7p5t_SIMPLE_RVT_TT_nldm_211120",
];

fn hand_of(shared: &Path, name: &str, libraries: &[&str], unit_ps: f64) -> ByHand {
    let (top, platform) = about(shared, name);
    let cache = LibraryCache::new(concat!(env!("CARGO_TARGET_TMPDIR"), "/libraries")).unwrap();
    let plain: Vec<_> = libraries
        .iter()
        .map(|library| {
            let path = shared
                .join("pdk")
                .join(&platform)
                .join(format!("{library}.lib.gz"));
            std::path::absolute(cache.plain(&path).unwrap()).unwrap()
        })
        .collect();
    let plain: Vec<&Path> = plain.iter().map(AsRef::as_ref).collect();
    by_hand(&shared.join("designs").join(name), &plain, &top, unit_ps)
}

fn about(shared: &Path, name: &str) -> (String, String) {
    let bench = Bench::real(shared, name, |sdc| vec![scene("typical", sdc)]);
    (bench.study.design.top, bench.study.design.platform)
}

fn base_of(
    shared: &Path,
    name: &str,
    scenes: impl FnOnce(&Path) -> Vec<Scene>,
) -> (Bench, std::path::PathBuf, Measurement) {
    let mut bench = Bench::real(shared, name, scenes);
    let context = bench.context();
    let (folder, base) = bench.measured_base(&context);
    let blocking: Vec<_> = base
        .findings
        .iter()
        .filter(|finding| finding.kind.blocks())
        .collect();
    assert!(blocking.is_empty(), "{name}: {blocking:#?}");
    (bench, folder, base)
}

#[test]
fn base_metrics_are_what_sta_prints_by_hand_and_survive_the_written_netlist() {
    let Some(shared) = shared() else { return };
    for (name, libraries, unit_ps) in DESIGNS {
        let (mut bench, folder, base) = base_of(&shared, name, |sdc| vec![scene("typical", sdc)]);
        assert_same(
            &base.overall,
            &hand_of(&shared, name, libraries, unit_ps),
            name,
        );

        let context = bench.context();
        let again = bench.attempt();
        let mut request = support::base_request(&context, &again);
        request.netlists = vec![folder.join("netlist.v")];
        let again = measured(context.run_trial(&request, &mut run));
        assert_eq!(again.overall, base.overall, "{name}");
        assert_eq!(again.design, base.design, "{name}");
    }
}

#[test]
fn slow_and_fast_scenes_share_a_process_and_are_what_each_is_alone() {
    let Some(shared) = shared() else { return };
    for name in ["gcd.nangate45", "uart_buffered.nangate45"] {
        let corner = |name: &str, sdc: &Path| Scene {
            liberty: vec![format!("platform:{name}")],
            ..scene(name, sdc)
        };
        let (bench, _, base) = base_of(&shared, name, |sdc| {
            vec![corner("slow", sdc), corner("fast", sdc)]
        });
        // One for the timing of both, and one for the power of the other where the engine takes it from
        // the wrong libraries.
        assert!(bench.context().processes() <= 2);
        for scene in ["slow", "fast"] {
            let library = format!("nangate45_{scene}");
            let hand = hand_of(&shared, name, &[&library], 1000.0);
            assert_same(&base.scenes[scene], &hand, &format!("{name} {scene}"));
        }
        let worst = |metric| {
            let of = |scene: &str| base.scenes[scene].get(metric).unwrap();
            metric.worse(of("slow"), of("fast"))
        };
        for metric in [Metric::SetupWs, Metric::HoldWs, Metric::Power, Metric::Area] {
            assert_eq!(base.overall.get(metric), Some(worst(metric)), "{metric}");
        }
    }
}

#[test]
fn a_scene_counts_for_its_checks_alone() {
    let Some(shared) = shared() else { return };
    let (_, _, base) = base_of(&shared, "gcd.nangate45", |sdc| {
        let only = |name: &str, check| Scene {
            liberty: vec![format!("platform:{name}")],
            checks: vec![check],
            ideal_hold: None,
            ..scene(name, sdc)
        };
        vec![only("slow", Check::Setup), only("fast", Check::Hold)]
    });
    assert_eq!(base.scenes["slow"].get(Metric::HoldWs), None);
    assert_eq!(base.scenes["fast"].get(Metric::SetupWs), None);
    assert_eq!(
        base.overall.get(Metric::SetupWs),
        base.scenes["slow"].get(Metric::SetupWs)
    );
    assert_eq!(
        base.overall.get(Metric::HoldWs),
        base.scenes["fast"].get(Metric::HoldWs)
    );
}

#[test]
fn wireload_models_load_nets() {
    let Some(shared) = shared() else { return };
    let (_, _, free) = base_of(&shared, "gcd.nangate45", |sdc| vec![scene("typical", sdc)]);
    let (_, _, loaded) = base_of(&shared, "gcd.nangate45", |sdc| {
        let parasitics = noodle2_model::Parasitics::Wireload("5K_hvratio_1_4".to_owned());
        vec![Scene {
            parasitics,
            ..scene("typical", sdc)
        }]
    });
    assert!(loaded.overall.get(Metric::SetupWs) < free.overall.get(Metric::SetupWs));
}

#[test]
fn edits_made_in_memory_measure_as_they_do_when_read_back() {
    let Some(shared) = shared() else { return };
    let tcl = "foreach inst [lrange [leaf_instances] 0 200] {\n  set cell [stronger [cell_of $inst] 1]\n  \
        if {$cell ne \"\" && [may_edit $inst]} { resize $inst $cell }\n}\n";
    for name in [
        "gcd.asap7",
        "uart_buffered.nangate45",
        "gcd.sky130hd",
        "aes_buffered.nangate45",
    ] {
        let (mut bench, folder, base) = base_of(&shared, name, |sdc| vec![scene("typical", sdc)]);
        let context = bench.context();
        let eco = eco(
            "implementation:\n  tcl: eco.tcl\n",
            false,
            &[("eco.tcl", tcl)],
        );
        let attempt = bench.attempt();
        let child = measured(try_eco(&context, &(folder, base), &eco, &attempt, &mut run));
        assert!(child.edits["resize"] > 10, "{name}: {:?}", child.edits);
        let again = bench.attempt();
        let mut request = support::base_request(&context, &again);
        request.netlists = vec![attempt.join("netlist.v")];
        let again = measured(context.run_trial(&request, &mut run));
        assert_eq!(again.overall, child.overall, "{name}");
    }
}

#[test]
fn every_built_in_eco_runs_and_leaves_what_reads_back_the_same() {
    let Some(shared) = shared() else { return };
    let catalogue = noodle2_engine::Catalogue::load(&[]).unwrap();
    for design in ["gcd.nangate45", "gcd.asap7"] {
        let (mut bench, folder, base) = base_of(&shared, design, |sdc| vec![scene("typical", sdc)]);
        let context = bench.context();
        let parent = (folder, base);
        for (name, eco) in catalogue.iter() {
            if !eco.manifest.engines.contains(&EngineKind::Opensta) {
                continue;
            }
            let attempt = bench.attempt();
            let child = match try_eco(&context, &parent, eco, &attempt, &mut run) {
                Outcome::Measured(child) => child,
                Outcome::NoEffect => continue,
                Outcome::Failed(failure) => panic!("{design}, {name}: {failure:#?}"),
            };
            let again = bench.attempt();
            let mut request = support::base_request(&context, &again);
            request.netlists = vec![attempt.join("netlist.v")];
            let again = measured(context.run_trial(&request, &mut run));
            assert_eq!(again.overall, child.overall, "{design}, {name}");
            assert_eq!(again.design, child.design, "{design}, {name}");
        }
    }
}
