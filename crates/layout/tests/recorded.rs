//! What a real OpenROAD wrote: every file is read, and what is found agrees with what the tool said of it.
#![allow(clippy::print_stderr)]

mod common;

use std::collections::{BTreeMap, BTreeSet};

use common::{RECORDED, platform, recorded, shared_bytes};
use noodle2_layout::{
    Bin, CongestionDiagnosis, CongestionRecord, CongestionReport, DENSITY_BIN, HotRatio, MapKind,
    PlacementChange, PlacementCheck, SpatialMap, Terminal, VerilogName,
};
use noodle2_netlist::Design;

#[test]
fn every_lef_of_the_platforms_is_read() {
    let expected = [
        ("nangate45", 10, 135),
        ("sky130hd", 6, 437),
        ("asap7", 10, 424),
    ];
    for (name, routing, macros) in expected {
        let Some(lef) = platform(name) else { return };
        assert_eq!(lef.routing_layers().count(), routing, "{name}");
        assert_eq!(lef.macros.len(), macros, "{name}");
        assert!(
            lef.routing_layers()
                .all(|layer| layer.width.is_some() && layer.pitch.is_some())
        );
        assert!(!lef.sites.is_empty());
    }
}

/// Counts and areas as the tool's own metrics have them.
#[test]
fn a_placement_is_what_the_tool_says_of_it() {
    for (folder, name) in RECORDED {
        let Some((def, lef)) = recorded(folder, name) else {
            return;
        };
        let check = PlacementCheck::of(&def, &lef);
        let metrics = shared_bytes(&format!("openroad/{folder}/metrics.json")).unwrap();
        let metrics: BTreeMap<String, f64> = serde_json::from_slice(&metrics).unwrap();
        assert_eq!(
            check.cells as f64, metrics["design__instance__count"],
            "{folder}"
        );
        let area = metrics["design__instance__area"];
        assert!(
            (check.cell_area - area).abs() < 1e-5 * area,
            "{folder}: {} {area}",
            check.cell_area
        );
        // The tool's legaliser has run.
        assert!(check.is_legal(), "{folder}: {check:?}");
        assert!(PlacementChange::between(&def, &def).is_empty());
    }
}

/// Every component and net of a DEF is in the netlist that the tool wrote beside it, under the name that is told.
#[test]
fn names_of_a_def_are_those_of_the_netlist() {
    for (folder, name) in RECORDED {
        let Some((def, _)) = recorded(folder, name) else {
            return;
        };
        let verilog = shared_bytes(&format!("openroad/{folder}/placed.v")).unwrap();
        let design = Design::read(&verilog, &def.design).unwrap();
        let plain = |name: &str| VerilogName::from_def(name, def.bus_characters).plain();
        let instances: BTreeMap<&str, &str> = design
            .instances
            .iter()
            .map(|instance| (instance.name.as_str(), instance.cell.as_str()))
            .collect();
        for component in &def.components {
            assert_eq!(
                instances.get(plain(&component.name).as_str()),
                Some(&&*component.master),
                "{}",
                component.name
            );
        }
        assert_eq!(instances.len(), def.components.len());
        // Each end of each net: the instance of that name has that pin on a net of that name.
        let mut ends = 0;
        let by_name: BTreeMap<&str, usize> = design
            .instances
            .iter()
            .enumerate()
            .map(|(place, instance)| (instance.name.as_str(), place))
            .collect();
        for net in &def.nets {
            let expected = plain(&net.name);
            for terminal in &net.terminals {
                let Terminal::Component { component, pin } = terminal else {
                    continue;
                };
                let component = &def.components[component.0 as usize];
                let instance = &design.instances[by_name[plain(&component.name).as_str()]];
                let id = instance.net(pin).unwrap();
                let mut names = design
                    .nets
                    .iter()
                    .filter(|other| other.root == design.nets[id.0 as usize].root);
                if design.nets[id.0 as usize].name != expected {
                    assert!(names.any(|other| other.name == expected), "{expected}");
                }
                ends += 1;
            }
        }
        assert!(ends > def.components.len() / 4, "{folder}: {ends}");
    }
}

fn csv(folder: &str, name: &str, kind: MapKind) -> SpatialMap {
    let bytes = shared_bytes(&format!("openroad/{folder}/heatmap_{name}.csv")).unwrap();
    SpatialMap::read_csv(&bytes, kind, None).unwrap_or_else(|error| panic!("{folder}: {error}"))
}

/// Our density is the tool's, bin by bin and to the last digit that it prints.
#[test]
fn density_is_that_of_openroad_to_its_last_digit() {
    for (folder, name) in RECORDED {
        let Some((def, lef)) = recorded(folder, name) else {
            return;
        };
        let ours = SpatialMap::density(&def, &lef, DENSITY_BIN).unwrap();
        let theirs = csv(folder, "placement", MapKind::Placement).extended_to(ours.die.unwrap());
        assert_eq!(
            (ours.columns(), ours.rows()),
            (theirs.columns(), theirs.rows()),
            "{folder}"
        );
        let mut compared = 0;
        for (a, b) in ours.bins().zip(theirs.bins()) {
            assert_eq!(
                a.value.is_some(),
                b.value.is_some(),
                "{folder}: {a:?} {b:?}"
            );
            let printed = |bin: Bin| bin.value.map(|value| format!("{value:.6e}"));
            let close = a
                .value
                .zip(b.value)
                .is_none_or(|(a, b)| (a - b).abs() <= b.abs() * 5.1e-7);
            assert!(close, "{folder}: {:?} {:?}", printed(a), printed(b));
            compared += usize::from(a.value.is_some());
        }
        let lines = shared_bytes(&format!("openroad/{folder}/heatmap_placement.csv")).unwrap();
        let lines = lines.iter().filter(|byte| **byte == b'\n').count();
        assert_eq!(compared, lines - 1, "{folder}");
    }
}

/// The demand of nets is that of the tool; what it adds is the share of capacity that its router takes away.
#[test]
fn rudy_is_that_of_openroad_but_for_reduced_capacity() {
    for (folder, name) in RECORDED {
        let Some((def, lef)) = recorded(folder, name) else {
            return;
        };
        let ours = SpatialMap::rudy(&def, &lef, layers(name)).unwrap();
        let theirs = csv(folder, "rudy", MapKind::Rudy);
        assert_eq!(
            (ours.columns(), ours.rows()),
            (theirs.columns(), theirs.rows()),
            "{folder}"
        );
        // What is left is a share of few tracks: the capacity of a tile is a whole number of them, and so is what is taken
        // away. Where our demand was wrong in any net, tiles of many demands would be left with as many shares.
        let mut shares = BTreeSet::new();
        for (a, b) in ours.bins().zip(theirs.bins()) {
            let rest = b.value.unwrap() - a.value.unwrap();
            let fraction = (1..=255).find_map(|capacity| {
                let taken = rest / 100.0 * f64::from(capacity);
                // Sums of single precision in the tool, seven digits in the file.
                ((taken - taken.round()).abs() < 1.5e-6 * f64::from(capacity))
                    .then_some((taken.round() as u32, capacity))
            });
            let fraction = fraction.unwrap_or_else(|| panic!("{folder}: {a:?} {b:?} {rest}"));
            shares.insert(fraction);
            let greatest = if name == "asap7" { 31.0 } else { 68.0 };
            assert!((25.0..greatest).contains(&rest), "{folder}: {rest}");
        }
        assert!(shares.len() <= 20, "{folder}: {shares:?}");
        assert!(ours.range().unwrap().1 > 15.0);
    }
}

/// The layers on which the recorded runs routed.
fn layers(platform: &str) -> Option<(&'static str, &'static str)> {
    Some(match platform {
        "nangate45" => ("metal2", "metal10"),
        "sky130hd" => ("met1", "met5"),
        _ => ("M2", "M7"),
    })
}

/// Counts and sums as plain searches in the file give them; every bin is one of the router's grid.
#[test]
fn the_recorded_report_of_congestion_is_read_whole() {
    let Some(bytes) = shared_bytes("openroad/errors/17_congestion.rpt") else {
        return;
    };
    let report = CongestionReport::read(&bytes).unwrap();
    let text = String::from_utf8(bytes).unwrap();
    assert_eq!(
        report.records.len(),
        text.matches("violation type:").count()
    );
    let overflow = text.split("overflow:").skip(1);
    let overflow: u64 = overflow
        .map(|rest| {
            rest.split_whitespace()
                .next()
                .unwrap()
                .parse::<u64>()
                .unwrap()
        })
        .sum();
    assert_eq!(report.total_overflow(), overflow);
    let nets: usize = report.records.iter().map(|record| record.nets.len()).sum();
    assert_eq!(nets, text.matches("net:").count());
    let Some((def, _)) = recorded("aes_nangate45", "nangate45") else {
        return;
    };
    let names: BTreeSet<&str> = def.nets.iter().map(|net| &*net.name).collect();
    let known = |record: &CongestionRecord| record.nets.iter().all(|net| names.contains(&**net));
    assert!(report.records.iter().all(known));
    let grid = csv("aes_nangate45", "rudy", MapKind::Rudy);
    let ratio = HotRatio::of_report(&report, &grid).unwrap();
    let boxes: BTreeSet<&str> = text.lines().filter(|line| line.contains("bbox")).collect();
    assert_eq!((ratio.hot, ratio.bins), (boxes.len(), 99 * 99));
    let diagnosis = CongestionDiagnosis::of(&report, None).unwrap().unwrap();
    assert_eq!((diagnosis.bins, diagnosis.nets.len()), (ratio.hot, 10));
    assert!(!diagnosis.remedies.is_empty());
    // Each recorded heat map of routing is one without congestion, as its log says.
    for folder in ["gcd_nangate45", "gcd_sky130hd", "gcd_asap7"] {
        let ratio = HotRatio::of_map(&csv(folder, "routing", MapKind::Routing)).unwrap();
        assert_eq!(ratio.hot, 0, "{folder}");
    }
}
