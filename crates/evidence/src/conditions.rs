//! The conditions under which an ECO is tried, from what was measured of the case that it is applied to.

use noodle2_model::{Context, Domination, Measurement, Metric, SizeClass, ViolationDepth};

/// The conditions of a measured case. `wire_share` is the share of the delay of its worst setup path that is
/// spent in wires, from 0 to 1, where an engine read it. What was not measured is unknown.
pub fn conditions(measurement: &Measurement, wire_share: Option<f64>) -> Context {
    let value = |metric| measurement.overall.get(metric);
    Context {
        domination: wire_share.map_or(Domination::Unknown, |share| match share {
            share if share > 0.5 => Domination::Wire,
            _ => Domination::Cell,
        }),
        size: value(Metric::CellCount).map_or(SizeClass::Unknown, size),
        depth: value(Metric::SetupWns).map_or(ViolationDepth::Unknown, depth),
    }
}

fn size(cells: f64) -> SizeClass {
    match cells {
        cells if cells < 1e3 => SizeClass::Under1k,
        cells if cells < 1e4 => SizeClass::Under10k,
        cells if cells < 1e5 => SizeClass::Under100k,
        _ => SizeClass::Over100k,
    }
}

fn depth(wns_ps: f64) -> ViolationDepth {
    match -wns_ps {
        violation if violation <= 0.0 => ViolationDepth::Met,
        violation if violation < 1e1 => ViolationDepth::Under10Ps,
        violation if violation < 1e2 => ViolationDepth::Under100Ps,
        violation if violation < 1e3 => ViolationDepth::Under1Ns,
        violation if violation < 1e4 => ViolationDepth::Under10Ns,
        _ => ViolationDepth::Over10Ns,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use noodle2_model::{ContentHash, DesignState};

    fn measured(metrics: &[(Metric, f64)]) -> Measurement {
        let hash = ContentHash::of("design");
        Measurement {
            design: DesignState {
                canonical: hash,
                netlist: hash,
                placement: None,
            },
            overall: metrics.iter().copied().collect(),
            scenes: Default::default(),
            estimated: Default::default(),
            routed: Default::default(),
            findings: Vec::new(),
            edits: Default::default(),
            blast_radius: None,
            equivalence: None,
            paths: Vec::new(),
            steps: Vec::new(),
            marks: Default::default(),
            conflicts: Default::default(),
        }
    }

    #[test]
    fn what_was_not_measured_is_unknown() {
        assert_eq!(conditions(&measured(&[]), None), Context::default());
        let size = conditions(&measured(&[(Metric::CellCount, 40.0)]), None);
        assert_eq!(size.size, SizeClass::Under1k);
        assert_eq!(size.depth, ViolationDepth::Unknown);
    }

    #[test]
    fn classes_are_orders_of_magnitude() {
        let depth = |wns| conditions(&measured(&[(Metric::SetupWns, wns)]), None).depth;
        assert_eq!(depth(0.0), ViolationDepth::Met);
        assert_eq!(depth(-0.001), ViolationDepth::Under10Ps);
        assert_eq!(depth(-99.999), ViolationDepth::Under100Ps);
        assert_eq!(depth(-100.0), ViolationDepth::Under1Ns);
        assert_eq!(depth(-9999.0), ViolationDepth::Under10Ns);
        assert_eq!(depth(-1e4), ViolationDepth::Over10Ns);
        let size = |cells| conditions(&measured(&[(Metric::CellCount, cells)]), None).size;
        assert_eq!(size(999.0), SizeClass::Under1k);
        assert_eq!(size(1000.0), SizeClass::Under10k);
        assert_eq!(size(99_999.0), SizeClass::Under100k);
        assert_eq!(size(1e5), SizeClass::Over100k);
        let domination = |share| conditions(&measured(&[]), Some(share)).domination;
        assert_eq!(domination(0.5), Domination::Cell);
        assert_eq!(domination(0.51), Domination::Wire);
    }
}
