//! What the outline of a run says, held against the run: on a made-up one, whose hold slacks were never read.

mod support;

use noodle2_model::Metric;
use noodle2_view::{Outline, Summary};
use support::{MadeUp, branching};

#[test]
fn the_branch_that_lost_is_told_by_its_best_and_what_was_not_read_is_not_told() {
    let history = MadeUp::new(branching(12)).history();
    let summary = Summary::new(&history);
    let outline = Outline::new(&history, &summary);
    let controller = history.controller();
    let best = summary.best.as_ref().unwrap().case.to_string();
    assert!(outline.happened[1].contains(&best), "{outline:?}");
    assert!(!outline.happened.concat().contains("Timing is"));

    let lost = |line: &&String| line.starts_with("What came of branch `");
    let line = outline.why.iter().find(lost).unwrap();
    let branch = line.split('`').nth(1).unwrap();
    let stages = controller.program().study().stages.iter();
    let position = stages
        .map(|stage| &stage.name)
        .position(|name| name == branch);
    let survivors = controller.stages()[position.unwrap()].survivors();
    // The best case of the join whose parent is a survivor of that branch.
    let join = controller.stages().len() - 1;
    let of_join = controller.cases().values().filter(|case| {
        let is_own = case.eco.is_some() && case.name.trial().stage.position() == join;
        is_own && case.parents.iter().any(|parent| survivors.contains(parent))
    });
    let values = of_join.filter_map(|case| case.measurement.overall.get(Metric::SetupWns));
    let reached = values.fold(f64::NEG_INFINITY, f64::max);
    assert!(
        line.contains(&format!("reached {reached:.1} ps")),
        "{line}, not {reached}"
    );

    let wanted = format!("noodle2 rebuild RUN {best} --out {best}");
    assert!(outline.next.iter().any(|step| step.command == wanted));
}
