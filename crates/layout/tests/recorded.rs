//! What a real OpenROAD wrote: every file is read, and what is found agrees with what the tool said of it.
#![allow(clippy::print_stderr)]

mod common;

use std::collections::BTreeMap;

use common::{RECORDED, platform, recorded, shared_bytes};
use noodle2_layout::{PlacementChange, PlacementCheck, Terminal, VerilogName};
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
            (check.cell_area - area).abs() < 1e-3 * area.max(1.0),
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
