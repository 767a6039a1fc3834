//! A platform's LEF files, and whether what it names is in them.

use std::path::PathBuf;

use noodle2_layout::Lef;

use crate::platform::LayoutData;
use crate::trial::PrepareProblem;

/// How many of the known names a message lists.
const NAMES: usize = 12;

/// What LEF files hold together; else everything that is wrong with them.
pub(crate) fn read_lefs(paths: &[PathBuf]) -> Result<Lef, Vec<PrepareProblem>> {
    let mut whole = Lef::default();
    let mut problems = Vec::new();
    for path in paths {
        let told = |problem: String| PrepareProblem::Lef {
            path: path.clone(),
            problem,
        };
        let read = std::fs::read(path).map_err(|error| told(error.to_string()));
        let read = read.and_then(|text| Lef::read(&text).map_err(|error| told(error.to_string())));
        match read {
            // The files before a contradiction are those that count.
            Ok(lef) => match Lef::join([whole.clone(), lef]) {
                Ok(joined) => whole = joined,
                Err(error) => problems.push(told(error.to_string())),
            },
            Err(problem) => problems.push(problem),
        }
    }
    match problems.is_empty() {
        true => Ok(whole),
        false => Err(problems),
    }
}

/// Every name of a platform that its LEF files do not know.
pub(crate) fn not_in_lef(platform: &str, data: &LayoutData, lef: &Lef) -> Vec<PrepareProblem> {
    let mut problems = Vec::new();
    let mut check = |what: &'static str, name: &str, known: &[&str]| {
        if known.contains(&name) {
            return;
        }
        let listed: Vec<&str> = known.iter().take(NAMES).copied().collect();
        let more = known.len().saturating_sub(listed.len());
        problems.push(PrepareProblem::NotInLef {
            platform: platform.to_owned(),
            what,
            name: name.to_owned(),
            known: match (listed.is_empty(), more) {
                (true, _) => "none".to_owned(),
                (false, 0) => listed.join(", "),
                (false, more) => format!("{} and {more} more", listed.join(", ")),
            },
        });
    };
    let sites: Vec<&str> = lef.sites.keys().map(String::as_str).collect();
    check("the site", &data.site, &sites);
    let layers: Vec<&str> = lef
        .routing_layers()
        .map(|layer| layer.name.as_str())
        .collect();
    let ranges = [&data.routing_layers.signal, &data.routing_layers.clock];
    let pins = [&data.pin_layers.horizontal, &data.pin_layers.vertical];
    let wires = [&data.wire_layers.signal, &data.wire_layers.clock];
    let adjusted = data.layer_adjustments.keys();
    // A range is named by its ends; no layer of a technology has a dash in its name.
    let adjusted = adjusted.flat_map(|range| range.split('-'));
    let named = ranges
        .into_iter()
        .flatten()
        .chain(pins)
        .chain(wires.into_iter().flatten())
        .map(String::as_str)
        .chain(adjusted);
    let mut told: Vec<&str> = named.collect();
    told.sort_unstable();
    told.dedup();
    for layer in told {
        check("the routing layer", layer, &layers);
    }
    let macros: Vec<&str> = lef.macros.keys().map(String::as_str).collect();
    if let Some(taps) = &data.tap_cells {
        for cell in std::iter::once(&taps.cell).chain(&taps.endcap) {
            check("the cell", cell, &macros);
        }
    }
    problems
}
