//! What global and detailed routing print: resources, congestion, wire length, antennas, violations.

use serde::Serialize;

use crate::lines::{Lines, count, is_rule, number, percent};
use crate::messages::{Code, MessageLevel};

/// Routing resources of a layer, of `Routing resources analysis`.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct LayerResources {
    /// The layer.
    pub layer: String,
    /// Its direction, as printed: `Horizontal` or `Vertical`.
    pub direction: String,
    /// Resources before adjustments.
    pub original: u64,
    /// Resources after adjustments.
    pub derated: u64,
    /// How much that took away, in percent; negative where there are more.
    pub reduction_percent: f64,
}

/// The table of `Routing resources analysis`, in the order of layers.
pub(crate) fn read_resources(lines: &mut Lines<'_>) -> Option<Vec<LayerResources>> {
    let head: Vec<&str> = lines.peek()?.split_ascii_whitespace().collect();
    if head
        != [
            "Layer",
            "Direction",
            "Resources",
            "Resources",
            "Reduction",
            "(%)",
        ]
    {
        return None;
    }
    lines.skip(1);
    let rows = lines.rows(|line| {
        let words: Vec<&str> = line.split_ascii_whitespace().collect();
        let [layer, direction, original, derated, reduction] = words[..] else {
            return None;
        };
        Some(LayerResources {
            layer: layer.to_owned(),
            direction: direction.to_owned(),
            original: count(original)?,
            derated: count(derated)?,
            reduction_percent: percent(reduction)?,
        })
    });
    (!rows.is_empty()).then_some(rows)
}

/// The final congestion report of global routing.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct CongestionReport {
    /// By layer, in the order of layers.
    pub layers: Vec<LayerCongestion>,
    /// Over all layers, as printed: maxima are summed over layers there. Resources of large designs overflow in some
    /// versions and are then no count; the row is then missing.
    pub total: Option<LayerCongestion>,
}

/// The congestion of a layer.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct LayerCongestion {
    /// The layer, or `Total`.
    pub layer: String,
    /// What there is to route with.
    pub resource: u64,
    /// What is used.
    pub demand: u64,
    /// The demand over the resource, in percent; above 100 where it overflows.
    pub usage_percent: f64,
    /// The greatest overflow of an edge in horizontal direction.
    pub max_horizontal_overflow: u64,
    /// The greatest overflow of an edge in vertical direction.
    pub max_vertical_overflow: u64,
    /// The sum of overflows over edges.
    pub total_overflow: u64,
}

impl CongestionReport {
    pub(crate) fn read(lines: &mut Lines<'_>) -> Option<Self> {
        let head: Vec<&str> = lines.peek()?.split_ascii_whitespace().collect();
        if head.get(..5) != Some(&["Layer", "Resource", "Demand", "Usage", "(%)"][..]) {
            return None;
        }
        lines.skip(1);
        let mut layers = lines.rows(congestion_row);
        let total = layers.iter().position(|row| row.layer == "Total");
        let total = total.map(|at| {
            let total = layers.remove(at);
            layers.truncate(at);
            total
        });
        (!layers.is_empty() || total.is_some()).then_some(Self { layers, total })
    }
}

fn congestion_row(line: &str) -> Option<LayerCongestion> {
    let mut words = line.split_ascii_whitespace();
    let layer = words.next()?;
    let (resource, demand) = (count(words.next()?)?, count(words.next()?)?);
    let usage_percent = percent(words.next()?)?;
    let rest: Vec<&str> = words.filter(|word| *word != "/").collect();
    let [horizontal, vertical, total] = rest[..] else {
        return None;
    };
    Some(LayerCongestion {
        layer: layer.to_owned(),
        resource,
        demand,
        usage_percent,
        max_horizontal_overflow: count(horizontal)?,
        max_vertical_overflow: count(vertical)?,
        total_overflow: count(total)?,
    })
}

/// A value that routing states in a message of its own.
#[derive(Clone, PartialEq, Debug, Serialize)]
#[serde(tag = "of", content = "value", rename_all = "snake_case")]
pub enum RoutingFact {
    /// The wire length of global routing in µm.
    GlobalWireLengthUm(f64),
    /// The vias of global routing.
    GlobalVias(u64),
    /// Nets that were routed.
    RoutedNets(u64),
    /// Whether global routing ended with congestion left: that it did, as an error or as a warning.
    FinishedWithCongestion(MessageLevel),
    /// Violations of antenna rules that global routing found, before or after a repair.
    AntennaViolations(u64),
    /// Nets that violate antenna rules, of `check_antennas`.
    AntennaNets(u64),
    /// Pins that violate antenna rules, of `check_antennas`.
    AntennaPins(u64),
    /// Violations of design rules after an iteration of detailed routing: the last is the one that counts.
    DetailedViolations(u64),
}

impl RoutingFact {
    /// The fact that a message states. Numbers of messages moved between versions, so that the words decide.
    pub(crate) fn of(level: MessageLevel, code: Code<'_>, text: &str) -> Option<Self> {
        let after = |words: &str| text.strip_prefix(words).map(str::trim);
        let found = |what: &str| {
            let rest = after("Found ")?;
            let number = rest.trim_end_matches('.').strip_suffix(what)?;
            count(number.trim())
        };
        match code.tool() {
            "GRT" => {
                if let Some(rest) = after("Total wirelength:") {
                    return number(rest.strip_suffix("um")?.trim()).map(Self::GlobalWireLengthUm);
                }
                if let Some(rest) = after("Final number of vias:") {
                    return count(rest).map(Self::GlobalVias);
                }
                if let Some(rest) = after("Routed nets:") {
                    return count(rest).map(Self::RoutedNets);
                }
                let congested = text.starts_with("Global routing finished with congestion")
                    || text.starts_with("Global routing finished with overflow")
                    || text.starts_with("Routing congestion too high");
                if congested {
                    return Some(Self::FinishedWithCongestion(level));
                }
                found("antenna violations").map(Self::AntennaViolations)
            }
            "ANT" => found("net violations")
                .map(Self::AntennaNets)
                .or_else(|| found("pin violations").map(Self::AntennaPins)),
            "DRT" => {
                let rest = after("Number of violations =")?;
                count(rest.trim_end_matches('.')).map(Self::DetailedViolations)
            }
            _ => None,
        }
    }
}

/// The wire length of a net, of the table that `report_wire_length -file` writes.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct NetWireLength {
    /// `grt` for global, `drt` for detailed routing.
    pub router: String,
    /// The net.
    pub net: String,
    /// In µm.
    pub length_um: f64,
    /// How many pins it has.
    pub pins: u64,
}

/// A line of a table of wire lengths that cannot be read.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("line {line} of the table of wire lengths is not `ROUTER: NET LENGTH PINS`")]
pub struct WireLengthError {
    /// The line, from 1.
    pub line: usize,
}

/// Reads the table that `report_wire_length -file` writes: a line of heads, then `grt: NET LENGTH PINS` for each net.
/// Columns that other versions add after those are left out.
///
/// # Errors
/// When the first line has no such heads, or a later one no such values.
pub fn read_wire_lengths(text: &str) -> Result<Vec<NetWireLength>, WireLengthError> {
    let mut lines = (1..).zip(text.lines());
    let is_head = |text: &str| {
        text.split_ascii_whitespace()
            .take(4)
            .eq(["tool", "net", "total_wl", "#pins"])
    };
    if !lines.next().is_some_and(|(_, text)| is_head(text)) {
        return Err(WireLengthError { line: 1 });
    }
    let rows = lines.filter(|(_, text)| !text.trim().is_empty());
    rows.map(|(line, text)| {
        let row = || {
            let mut words = text.split_ascii_whitespace();
            Some(NetWireLength {
                router: words.next()?.strip_suffix(':')?.to_owned(),
                net: words.next()?.to_owned(),
                length_um: number(words.next()?)?,
                pins: count(words.next()?)?,
            })
        };
        row().ok_or(WireLengthError { line })
    })
    .collect()
}

/// Whether the reader stands at the heads of the table of resources, which take two lines.
pub(crate) fn skip_first_head(lines: &mut Lines<'_>) {
    let words = |line: &str| {
        line.split_ascii_whitespace()
            .eq(["Routing", "Original", "Derated", "Resource"])
    };
    if lines
        .peek()
        .is_some_and(|line| !is_rule(line) && words(line))
    {
        lines.skip(1);
    }
}
