//! What an ECO really did to its parent counts, not what it declares. The edits here are raw commands of the
//! engine, which does most of them without a word.

mod support;

use noodle2_model::{
    DesignGuard, EcoClass, FailureClass, LogicalReach, Outcome, Parasitics, PhysicalReach,
    ProtectedObjects, RiskEnvelope,
};
use support::{Bench, eco_of_class, failed, measured, run, try_eco, try_eco_under};

/// What came of the Tcl of an ECO of `class` on the tiny design.
fn tried(class: &str, changes_connectivity: bool, tcl: &str) -> Outcome {
    let mut bench = Bench::tiny();
    tried_on(&mut bench, class, changes_connectivity, tcl)
}

fn tried_on(bench: &mut Bench, class: &str, changes_connectivity: bool, tcl: &str) -> Outcome {
    let context = bench.context();
    let base = bench.measured_base(&context);
    let implementation = "implementation:\n  tcl: eco.tcl\n";
    let eco = eco_of_class(
        class,
        implementation,
        changes_connectivity,
        &[("eco.tcl", tcl)],
    );
    let folder = bench.attempt();
    try_eco(&context, &base, &eco, &folder, &mut run)
}

#[track_caller]
fn assert_exceeded(class: &str, tcl: &str, said: &str) {
    let failure = failed(tried(class, true, tcl));
    assert_eq!(
        failure.class,
        FailureClass::BlastRadiusExceeded,
        "{failure:#?}"
    );
    assert!(failure.message.contains(said), "{failure:#?}");
}

const WRONG_GATE: &str =
    "::sta::replace_cell [::sta::find_instance u1] [::sta::find_liberty_cell NOR2X1]\n";
const DROPPED_INVERTER: &str = "\
    ::sta::disconnect_pin [::sta::find_net n2] u3/A\n\
    ::sta::connect_pin [::sta::find_net q1] u3/A\n\
    ::sta::delete_instance u2\n";
const OPEN_PIN: &str = "::sta::disconnect_pin [::sta::find_net n3] r2/D\n";

#[test]
fn logic_that_changes_is_no_local_edit() {
    assert_exceeded("placement_local", WRONG_GATE, "`r1/D`");
    assert_exceeded("routing_affecting", WRONG_GATE, "`global_disruptive`");
    assert_exceeded("placement_local", DROPPED_INVERTER, "`r2/D`");
    assert_exceeded("placement_local", OPEN_PIN, "`r2/D`");
}

#[test]
fn an_eco_may_do_what_it_declares() {
    let change = measured(tried("global_disruptive", true, WRONG_GATE));
    let radius = change.blast_radius.unwrap();
    assert_eq!(radius.logical, LogicalReach::Restructure);
    assert_eq!(radius.physical, PhysicalReach::Unknown);
    assert_eq!(radius.class(), EcoClass::GlobalDisruptive);
    assert_eq!((radius.cells_touched, radius.nets_touched), (1, 0));
    // What it may do is still measured: an endpoint without a path is told.
    let failure = failed(tried("global_disruptive", true, OPEN_PIN));
    assert_eq!(
        failure.class,
        FailureClass::ConstraintCoverageLost,
        "{failure:#?}"
    );
}

#[test]
fn a_resize_to_another_area_is_more_than_neutral() {
    let resize = "::sta::replace_cell [::sta::find_instance u2] [::sta::find_liberty_cell INVX8]\n";
    assert_exceeded("topology_neutral", resize, "`placement_local`");
    let change = measured(tried("placement_local", false, resize));
    assert_eq!(
        change.edits.into_iter().collect::<Vec<_>>(),
        [("resize".to_owned(), 1)]
    );
    let swap = "::sta::disconnect_pin [::sta::find_net n2] u3/A\n\
        ::sta::disconnect_pin [::sta::find_net b] u3/B\n\
        ::sta::connect_pin [::sta::find_net b] u3/A\n::sta::connect_pin [::sta::find_net n2] u3/B\n";
    let change = measured(tried("topology_neutral", true, swap));
    assert_eq!(
        change.blast_radius.unwrap().logical,
        LogicalReach::SameFootprint
    );
}

#[test]
fn connections_that_change_undeclared_are_noticed() {
    let buffer = "\
        ::sta::make_net_cmd w [::sta::top_instance]\n\
        ::sta::make_instance_cmd b1 [::sta::find_liberty_cell BUFX2] [::sta::top_instance]\n\
        ::sta::disconnect_pin [::sta::find_net n3] r2/D\n\
        ::sta::connect_pin [::sta::find_net n3] b1/A\n\
        ::sta::connect_pin [::sta::find_net w] b1/Y\n\
        ::sta::connect_pin [::sta::find_net w] r2/D\n";
    let change = measured(tried("placement_local", true, buffer));
    assert_eq!(change.blast_radius.unwrap().logical, LogicalReach::Local);
    let failure = failed(tried("placement_local", false, buffer));
    assert_eq!(failure.class, FailureClass::BlastRadiusExceeded);
    assert!(
        failure.message.contains("changes no connections"),
        "{failure:#?}"
    );
    // With wires from a file, the new net would have none.
    let mut bench = Bench::tiny();
    bench.write("tiny.spef", support::TINY_PARASITICS);
    bench.study.scenes[0].parasitics = Parasitics::Spef("tiny.spef".into());
    let failure = failed(tried_on(&mut bench, "placement_local", false, buffer));
    assert_eq!(
        failure.class,
        FailureClass::ParasiticsIncomplete,
        "{failure:#?}"
    );
}

/// What came of harmless Tcl under a guard.
fn guarded(guard: DesignGuard, tcl: &str) -> Outcome {
    let mut bench = Bench::tiny();
    let context = bench.context();
    let base = bench.measured_base(&context);
    let implementation = "implementation:\n  tcl: eco.tcl\n";
    let eco = eco_of_class("placement_local", implementation, true, &[("eco.tcl", tcl)]);
    let folder = bench.attempt();
    try_eco_under(&context, &base, &eco, &folder, guard, &mut run)
}

const RESIZE: &str =
    "::sta::replace_cell [::sta::find_instance u2] [::sta::find_liberty_cell INVX8]\n";

#[test]
fn what_is_protected_may_not_be_touched() {
    let words = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect();
    let protect = |protect| DesignGuard {
        protect,
        ..DesignGuard::default()
    };
    let swap = "::sta::disconnect_pin [::sta::find_net n2] u3/A\n\
        ::sta::disconnect_pin [::sta::find_net b] u3/B\n\
        ::sta::connect_pin [::sta::find_net b] u3/A\n::sta::connect_pin [::sta::find_net n2] u3/B\n";
    let none = ProtectedObjects::default;
    for (objects, tcl, said) in [
        (
            ProtectedObjects {
                instances: words(&["x", "u?"]),
                ..none()
            },
            RESIZE,
            "`u2` (resize), which `u?` protects",
        ),
        (
            ProtectedObjects {
                cells: words(&["INVX1"]),
                ..none()
            },
            RESIZE,
            "of cell `INVX1`",
        ),
        (
            ProtectedObjects {
                cells: words(&["*X8"]),
                ..none()
            },
            RESIZE,
            "of cell `INVX8`, which `*X8` protects",
        ),
        (
            ProtectedObjects {
                nets: words(&["n*"]),
                ..none()
            },
            swap,
            "net `n2`",
        ),
    ] {
        let failure = failed(guarded(protect(objects), tcl));
        assert_eq!(
            failure.class,
            FailureClass::BlastRadiusExceeded,
            "{failure:#?}"
        );
        assert!(failure.message.contains(said), "{failure:#?}");
    }
    let others = ProtectedObjects {
        instances: words(&["r*"]),
        nets: words(&["clk"]),
        ..none()
    };
    measured(guarded(protect(others.clone()), RESIZE));
    measured(guarded(protect(others), swap));
}

#[test]
fn the_editing_library_leaves_alone_what_is_protected() {
    let guard = DesignGuard {
        protect: ProtectedObjects {
            instances: vec!["u[2]".to_owned(), "u2".to_owned()],
            ..ProtectedObjects::default()
        },
        ..DesignGuard::default()
    };
    let tcl = "resize [::sta::find_instance u2] INVX2\n";
    assert_eq!(guarded(guard, tcl), Outcome::NoEffect);
}

#[test]
fn the_clock_network_is_no_place_for_an_edit() {
    let buffer = "\
        ::sta::make_net_cmd w [::sta::top_instance]\n\
        ::sta::make_instance_cmd b1 [::sta::find_liberty_cell BUFX2] [::sta::top_instance]\n\
        ::sta::disconnect_pin [::sta::find_net clk] r2/CLK\n\
        ::sta::connect_pin [::sta::find_net clk] b1/A\n\
        ::sta::connect_pin [::sta::find_net w] b1/Y\n\
        ::sta::connect_pin [::sta::find_net w] r2/CLK\n";
    let guard = |clock_network| DesignGuard {
        clock_network,
        ..DesignGuard::default()
    };
    measured(guarded(guard(false), buffer));
    let failure = failed(guarded(guard(true), buffer));
    assert!(failure.message.contains("clock network"), "{failure:#?}");
    measured(guarded(guard(true), RESIZE));
}

#[test]
fn a_risk_envelope_bounds_what_one_eco_does() {
    let guard = |envelope| DesignGuard {
        envelope,
        ..DesignGuard::default()
    };
    for (envelope, said) in [
        (
            RiskEnvelope {
                max_cells: Some(0),
                ..RiskEnvelope::default()
            },
            "touched 1 cells",
        ),
        (
            RiskEnvelope {
                max_area_percent: Some(1.0),
                ..RiskEnvelope::default()
            },
            "of the area",
        ),
    ] {
        let failure = failed(guarded(guard(envelope), RESIZE));
        assert_eq!(failure.class, FailureClass::BlastRadiusExceeded);
        assert!(failure.message.contains(said), "{failure:#?}");
    }
    let wide = RiskEnvelope {
        max_cells: Some(1),
        max_nets_percent: Some(0.0),
        max_area_percent: Some(50.0),
    };
    measured(guarded(guard(wide), RESIZE));
}
