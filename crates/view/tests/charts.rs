//! Charts and graphs of runs that are made up here: read back from their SVG, and held against the numbers that they show.

mod support;

use std::collections::BTreeMap;

use noodle2_control::Verdict;
use noodle2_model::{CaseName, Metric, StageIndex, TrialId};
use noodle2_view::History;
use noodle2_view::chart::{
    self, FIGURE_STYLE, Figure, Links, NoLinks, TrajectoryAxis, branch_gains, eco_standings,
    failure_counts, pareto_points, slack_histogram, trajectory_points,
};
use noodle2_view::graph::{case_graph, stage_graph};
use support::{MadeUp, branching};

/// Everything has an address.
struct Everywhere;

impl Links for Everywhere {
    fn case(&self, case: &CaseName) -> Option<String> {
        Some(format!("/case/{case}?a=1&b=2"))
    }

    fn trial(&self, trial: TrialId) -> Option<String> {
        Some(format!("/trial/{trial}"))
    }

    fn stage(&self, stage: StageIndex) -> Option<String> {
        Some(format!("/stage/{stage}"))
    }
}

/// Every figure of a run, by name.
fn figures(history: &History, links: &dyn Links) -> BTreeMap<&'static str, Figure> {
    let all = [
        ("stages", stage_graph(history, links)),
        ("cases", case_graph(history, links)),
        ("timeline", chart::timeline(history, links)),
        (
            "trajectory",
            chart::trajectory(history, links, TrajectoryAxis::Seconds),
        ),
        (
            "trajectory by trial",
            chart::trajectory(history, links, TrajectoryAxis::Trials),
        ),
        ("pareto", chart::pareto(history, links, None)),
        ("ecos", chart::eco_leaderboard(history, links)),
        ("branches", chart::branch_comparison(history, links)),
        ("failures", chart::failures(history, links)),
        ("budget", chart::budget(history, links)),
    ];
    all.into_iter()
        .filter_map(|(name, figure)| Some((name, figure?)))
        .collect()
}

/// Elements of a kind, with the class among theirs.
fn of_class<'a, 'input>(
    document: &'a roxmltree::Document<'input>,
    class: &'a str,
) -> impl Iterator<Item = roxmltree::Node<'a, 'input>> {
    document.descendants().filter(move |node| {
        let classes = node.attribute("class").unwrap_or_default();
        classes.split(' ').any(|found| found == class)
    })
}

fn number(node: roxmltree::Node<'_, '_>, name: &str) -> f64 {
    node.attribute(name).unwrap().parse().unwrap()
}

/// A number as ticks have it.
fn tick_number(text: &str) -> f64 {
    text.replace('−', "-")
        .replace('\u{202f}', "")
        .parse()
        .unwrap()
}

/// Where a value stands, by two of the axis' own ticks.
fn by_ticks(document: &roxmltree::Document<'_>, axis: &str, value: f64) -> f64 {
    let place = if axis == "x" { "x" } else { "y" };
    let shift = if axis == "x" { 0.0 } else { 4.0 };
    let ticks: Vec<(f64, f64)> = of_class(document, axis)
        .map(|tick| {
            (
                tick_number(tick.text().unwrap()),
                number(tick, place) - shift,
            )
        })
        .collect();
    let (first, last) = (ticks[0], ticks[ticks.len() - 1]);
    assert_ne!(first.0, last.0);
    first.1 + (value - first.0) / (last.0 - first.0) * (last.1 - first.1)
}

/// The title of each mark that links to something, with the link and the mark.
fn marks<'a, 'input>(
    document: &'a roxmltree::Document<'input>,
) -> Vec<(&'a str, &'a str, roxmltree::Node<'a, 'input>)> {
    document
        .descendants()
        .filter(|node| node.tag_name().name() == "a")
        .map(|node| {
            let title = node
                .children()
                .find(|child| child.tag_name().name() == "title");
            let title = title
                .and_then(|title| title.text())
                .expect("every mark has a title");
            assert_eq!(node.attribute("aria-label"), Some(title));
            let mark = node
                .children()
                .filter(roxmltree::Node::is_element)
                .nth(1)
                .unwrap();
            (node.attribute("href").unwrap(), title, mark)
        })
        .collect()
}

#[test]
fn every_figure_is_sound_and_says_what_it_shows() {
    let history = MadeUp::new(branching(12)).pausing().history();
    let all = figures(&history, &Everywhere);
    assert_eq!(all.len(), 10, "{:?}", all.keys());
    for (name, figure) in &all {
        for svg in [figure.inline(), figure.file()] {
            let document = roxmltree::Document::parse(&svg)
                .unwrap_or_else(|error| panic!("{name}: {error}\n{svg}"));
            let root = document.root_element();
            let (width, height) = figure.size();
            assert_eq!(
                root.attribute("viewBox"),
                Some(&*format!(
                    "0 0 {width} {}",
                    root.attribute("height").unwrap()
                ))
            );
            assert_eq!(number(root, "height"), (height * 1e4).round() / 1e4);
            assert!(["group", "img"].contains(&root.attribute("role").unwrap()));
            let words: Vec<&str> = root
                .children()
                .filter(roxmltree::Node::is_element)
                .take(2)
                .filter_map(|node| node.text())
                .collect();
            assert_eq!(words, [figure.title(), figure.description()]);
            assert!(
                figure
                    .description()
                    .bytes()
                    .any(|byte| byte.is_ascii_digit()),
                "{name}"
            );
            assert!(
                figure.description().ends_with('.'),
                "{name}: {}",
                figure.description()
            );
            for node in document.descendants().filter(roxmltree::Node::is_element) {
                assert!(!["script", "image", "foreignObject"].contains(&node.tag_name().name()));
                assert_eq!(
                    node.attribute("style"),
                    None,
                    "a page may forbid styles of elements"
                );
                for attribute in node.attributes() {
                    assert!(
                        !attribute.value().contains("NaN") && !attribute.value().contains("inf"),
                        "{name}: {node:?}"
                    );
                }
                let (x, y) = (node.attribute("x"), node.attribute("y"));
                for (place, limit) in [(x, width), (y, height)] {
                    let place: f64 = place.unwrap_or("0").parse().unwrap();
                    assert!(
                        (-0.5..=limit + 0.5).contains(&place),
                        "{name}: {node:?} is outside"
                    );
                }
            }
        }
        assert!(!figure.inline().contains("<style"), "{name}");
        assert!(!figure.file().contains("var("), "{name}");
    }
}

#[test]
fn every_mark_has_a_title_and_its_link() {
    let history = MadeUp::new(branching(12)).history();
    for (name, figure) in figures(&history, &Everywhere) {
        let svg = figure.inline();
        let document = roxmltree::Document::parse(&svg).unwrap();
        assert!(!marks(&document).is_empty(), "{name}");
        assert_eq!(document.root_element().attribute("role"), Some("group"));
        let bare = figures(&history, &NoLinks)[name].inline();
        assert!(
            !bare.contains("href") && bare.contains("role=\"img\""),
            "{name}"
        );
    }
}

/// All classes that figures use are in the style sheet, or only name what a text is.
#[test]
fn every_class_has_its_style() {
    let history = MadeUp::new(branching(12)).history();
    let names = [
        "tick",
        "x",
        "y",
        "label",
        "legend",
        "note",
        "cell",
        "front",
        "density",
        "noodle2-figure",
    ];
    for (name, figure) in figures(&history, &Everywhere) {
        let svg = figure.inline();
        let document = roxmltree::Document::parse(&svg).unwrap();
        for node in document.descendants() {
            for class in node
                .attribute("class")
                .unwrap_or_default()
                .split_whitespace()
            {
                let styled = FIGURE_STYLE.contains(&format!(".{class}"));
                assert!(styled || names.contains(&class), "{name}: {class}");
            }
        }
    }
}

#[test]
fn cases_stand_where_the_ticks_say() {
    let history = MadeUp::new(branching(12)).history();
    let controller = history.controller();
    for (axis, figure) in [
        (
            TrajectoryAxis::Seconds,
            chart::trajectory(&history, &Everywhere, TrajectoryAxis::Seconds),
        ),
        (
            TrajectoryAxis::Trials,
            chart::trajectory(&history, &Everywhere, TrajectoryAxis::Trials),
        ),
    ] {
        let svg = figure.unwrap().inline();
        let document = roxmltree::Document::parse(&svg).unwrap();
        let circles = marks(&document);
        let points = trajectory_points(&history);
        let measured: Vec<_> = points
            .iter()
            .filter(|point| point.value.is_some())
            .collect();
        assert!(measured.len() > 20);
        let mut seen = 0;
        for point in measured.iter().filter(|point| point.stage == StageIndex(0)) {
            let case = point.case.as_ref().unwrap();
            let (_, _, mark) = circles
                .iter()
                .find(|(link, ..)| *link == format!("/case/{case}?a=1&b=2"))
                .unwrap();
            assert_eq!(
                mark.tag_name().name(),
                "circle",
                "the first stage's marks are circles"
            );
            let across = match axis {
                TrajectoryAxis::Seconds => point.ended_s,
                TrajectoryAxis::Trials => point.number as f64,
            };
            let wanted = (
                by_ticks(&document, "x", across),
                by_ticks(&document, "y", point.value.unwrap()),
            );
            assert!(
                (number(*mark, "cx") - wanted.0).abs() < 0.3,
                "{case}: {mark:?} {wanted:?}"
            );
            assert!(
                (number(*mark, "cy") - wanted.1).abs() < 0.3,
                "{case}: {mark:?} {wanted:?}"
            );
            seen += 1;
        }
        assert!(seen > 5);
        assert_eq!(
            measured.len() + 1,
            controller.cases().len(),
            "and the base case is a line"
        );
    }
}

#[test]
fn the_best_so_far_never_gets_worse_and_ends_at_the_best() {
    let history = MadeUp::new(branching(30)).history();
    let points = trajectory_points(&history);
    let mut last = f64::NEG_INFINITY;
    for point in &points {
        let best = point.best_so_far.unwrap();
        assert!(best >= last && point.value.is_none_or(|value| value <= best));
        last = best;
    }
    let values = history.controller().cases().values();
    let best = values
        .filter_map(|case| case.measurement.overall.get(Metric::SetupWns))
        .fold(f64::MIN, f64::max);
    assert_eq!(last, best);
    assert!(
        points
            .windows(2)
            .all(|pair| pair[0].ended_s <= pair[1].ended_s)
    );
}

#[test]
fn fronts_and_missing_values_are_told() {
    let history = MadeUp::new(branching(20)).without_power_of(3).history();
    let metrics = (Metric::Power, Metric::SetupWns);
    let (points, missing) = pareto_points(&history, metrics);
    assert!(missing > 0);
    for point in points.iter().filter(|point| point.stage.is_some()) {
        let dominated = points.iter().any(|other| {
            other.stage == point.stage
                && other.x <= point.x
                && other.y >= point.y
                && (other.x < point.x || other.y > point.y)
        });
        assert_eq!(point.on_front, !dominated, "{point:?}");
    }
    let figure = chart::pareto(&history, &NoLinks, Some(metrics)).unwrap();
    let cases = if missing == 1 { "case" } else { "cases" };
    let told = format!("{missing} {cases} without power: not drawn.");
    assert!(
        figure.description().contains(&told),
        "{}",
        figure.description()
    );
    assert!(figure.inline().contains(&format!("{told}</text>")));
    let nothing = chart::pareto(
        &history,
        &NoLinks,
        Some((Metric::DrcViolations, Metric::SetupWns)),
    );
    assert_eq!(nothing, None, "nothing is made up of what was not measured");
}

#[test]
fn attempts_lie_on_their_workers_lanes_and_nowhere_at_once() {
    let history = MadeUp::new(branching(12)).history();
    let figure = chart::timeline(&history, &Everywhere).unwrap();
    let svg = figure.inline();
    assert!(!svg.contains("is not known for all"));
    let document = roxmltree::Document::parse(&svg).unwrap();
    let mut lanes: BTreeMap<String, Vec<(f64, f64)>> = BTreeMap::new();
    for (_, title, mark) in marks(&document) {
        if let Some((_, rest)) = title.split_once(" on ") {
            let lane = rest.split(':').next().unwrap().to_owned();
            let group = mark.parent().unwrap();
            let boxes: Vec<_> = group
                .children()
                .filter(|node| node.tag_name().name() == "rect")
                .collect();
            let from = boxes
                .iter()
                .map(|node| number(*node, "x"))
                .fold(f64::MAX, f64::min);
            let until = boxes
                .iter()
                .map(|node| number(*node, "x") + number(*node, "width"))
                .fold(f64::MIN, f64::max);
            lanes.entry(lane).or_default().push((from, until));
        }
    }
    assert_eq!(
        lanes.keys().collect::<Vec<_>>(),
        ["worker 1", "worker 2", "worker 3"]
    );
    for (lane, mut spans) in lanes {
        spans.sort_by(|left, right| left.0.total_cmp(&right.0));
        for pair in spans.windows(2) {
            assert!(pair[0].1 <= pair[1].0 + 0.7, "{lane}: {pair:?}");
        }
    }
    let unknown = MadeUp::new(branching(12)).without_workers().history();
    let svg = chart::timeline(&unknown, &NoLinks).unwrap().inline();
    assert!(svg.contains("is not known for all") && svg.contains("lane 1:"));
}

/// Who carried attempts out is no part of what the run found.
#[test]
fn the_digest_is_blind_to_workers() {
    let of = |made_up: MadeUp| made_up.history().controller().recorded_digest().unwrap();
    let (known, unknown) = (
        of(MadeUp::new(branching(6))),
        of(MadeUp::new(branching(6)).without_workers()),
    );
    assert_eq!(known, unknown);
}

#[test]
fn pauses_are_gaps_and_no_time_of_the_run() {
    let straight = MadeUp::new(branching(12)).history();
    let paused = MadeUp::new(branching(12)).pausing().history();
    assert!((straight.makespan_s() - paused.makespan_s()).abs() < straight.makespan_s());
    let svg = chart::timeline(&paused, &NoLinks).unwrap().inline();
    assert!(
        svg.contains("nobody worked on the run for 8 h 00 min"),
        "{svg}"
    );
    assert!(
        !chart::timeline(&straight, &NoLinks)
            .unwrap()
            .inline()
            .contains("nobody worked")
    );
    let last = trajectory_points(&paused).last().unwrap().ended_s;
    assert!(
        last <= paused.makespan_s() + 1e-6,
        "{last} of {}",
        paused.makespan_s()
    );
}

#[test]
fn eco_standings_are_what_the_trials_say() {
    let history = MadeUp::new(branching(20)).history();
    let controller = history.controller();
    let standings = eco_standings(&history);
    assert!(standings.len() >= 3);
    for standing in &standings {
        let trials: Vec<_> = controller
            .trials()
            .filter(|trial| trial.eco.name == standing.eco && trial.verdict().is_some())
            .collect();
        assert_eq!(standing.tries, trials.len());
        let gains: Vec<f64> = trials
            .iter()
            .filter(|trial| trial.verdict() == Some(&Verdict::Derived))
            .map(|trial| {
                let value = |case: &CaseName| {
                    controller.cases()[case]
                        .measurement
                        .overall
                        .get(Metric::SetupWns)
                        .unwrap()
                };
                value(&trial.id.case("core")) - value(&trial.parent)
            })
            .collect();
        assert_eq!(standing.effects, gains.len());
        let Some(gain) = standing.gain else {
            assert!(gains.is_empty());
            continue;
        };
        let mean = gains.iter().sum::<f64>() / gains.len() as f64;
        assert!((gain.mean - mean).abs() < 1e-6 && gain.count == gains.len());
        assert_eq!(gain.deviation.is_some(), gains.len() > 1);
    }
    let means: Vec<f64> = standings
        .iter()
        .filter_map(|standing| Some(standing.gain?.mean))
        .collect();
    assert!(means.windows(2).all(|pair| pair[0] >= pair[1]));
    let svg = chart::eco_leaderboard(&history, &NoLinks).unwrap().inline();
    for standing in &standings {
        assert!(svg.contains(&format!(">{}</text>", standing.eco)));
    }
}

#[test]
fn branches_are_compared_where_there_are_several() {
    let history = MadeUp::new(branching(12)).history();
    let gains = branch_gains(&history);
    let names: Vec<&str> = gains.iter().map(|gain| gain.name.as_str()).collect();
    assert_eq!(names, ["timing", "timing_more", "area"]);
    let controller = history.controller();
    let base = controller
        .base_case()
        .unwrap()
        .measurement
        .overall
        .get(Metric::SetupWns)
        .unwrap();
    for gain in &gains {
        let best = &controller.stages()[gain.stage.position()].survivors()[0];
        let value = controller.cases()[best]
            .measurement
            .overall
            .get(Metric::SetupWns)
            .unwrap();
        assert_eq!(gain.gain, Some(value - base));
    }
    let mut single = branching(6);
    single.study.stages.truncate(1);
    let history = MadeUp::new(single).history();
    assert_eq!(chart::branch_comparison(&history, &NoLinks), None);
}

#[test]
fn failures_are_counted_by_class_and_code() {
    let history = MadeUp::new(branching(40)).history();
    let counts = failure_counts(&history);
    let failed = history
        .controller()
        .trials()
        .filter(|trial| trial.failure().is_some())
        .count();
    assert_eq!(
        counts.iter().map(|count| count.trials).sum::<usize>(),
        failed
    );
    assert!(
        counts.len() > 1
            && counts
                .windows(2)
                .all(|pair| pair[0].trials >= pair[1].trials)
    );
    assert!(
        counts
            .iter()
            .any(|count| count.tool_code.as_deref() == Some("STA-0101"))
    );
    let svg = chart::failures(&history, &Everywhere).unwrap().inline();
    let document = roxmltree::Document::parse(&svg).unwrap();
    for (link, title, mark) in marks(&document) {
        let count = counts
            .iter()
            .find(|count| link == format!("/trial/{}", count.first))
            .unwrap();
        let end = number(mark, "x") + number(mark, "width");
        assert!(
            (end - by_ticks(&document, "x", count.trials as f64)).abs() < 0.3,
            "{title}"
        );
    }
}

#[test]
fn slacks_are_counted_into_bins() {
    let before = [-50.0, -45.0, -1.0, 3.0, 80.0, f64::NAN];
    let after = [-20.0, 2.0, 4.0, 60.0, 90.0];
    let figure = slack_histogram(("core_0_0", &before), ("core_1_2", &after)).unwrap();
    assert_eq!(
        figure.description(),
        "1 of 5 endpoints of core_1_2 below zero, 3 of 5 endpoints of core_0_0 below zero."
    );
    assert!(
        figure
            .inline()
            .contains("1 endpoint without a slack: not drawn.")
    );
    assert_eq!(
        slack_histogram(("core_0_0", &before), ("core_1_2", &[])),
        None
    );
}

/// Whatever of a run there is yet, every figure can be drawn or is none.
#[test]
fn runs_that_have_just_begun_or_broke_off_are_drawn_too() {
    let events = MadeUp::new(branching(6)).pausing().events();
    let mut none = 0;
    for until in 1..=events.len() {
        for at_work in [true, false] {
            let history = History::new(&events[..until]).unwrap().at_work(at_work);
            let all = figures(&history, &Everywhere);
            none += 10 - all.len();
            for (name, figure) in all {
                let svg = figure.inline();
                assert!(
                    !svg.contains("NaN") && !svg.contains("inf\""),
                    "{name} after {until} events"
                );
                roxmltree::Document::parse(&svg).unwrap();
            }
        }
    }
    assert!(none > 0);
    let created = History::new(&events[..1]).unwrap();
    assert_eq!(
        figures(&created, &NoLinks).into_keys().collect::<Vec<_>>(),
        ["budget", "stages"]
    );
}

#[test]
fn large_runs_give_pictures_of_bounded_size_that_keep_what_matters() {
    let history = MadeUp::new(branching(4000)).history();
    let controller = history.controller();
    assert!(
        controller.trials().count() >= 10_000,
        "{}",
        controller.trials().count()
    );
    for (name, figure) in figures(&history, &Everywhere) {
        let size = figure.inline().len();
        assert!(size < 1_500_000, "{name} takes {size} bytes");
    }
    let graph = case_graph(&history, &Everywhere).unwrap().inline();
    let document = roxmltree::Document::parse(&graph).unwrap();
    let links: Vec<&str> = marks(&document)
        .into_iter()
        .map(|(link, ..)| link)
        .collect();
    let survivors = controller
        .stages()
        .iter()
        .flat_map(|stage| stage.survivors());
    let joins = controller
        .cases()
        .values()
        .filter(|case| case.parents.len() > 1);
    let mut way = vec![controller.best_case().unwrap()];
    while let Some(parent) = controller.cases()[way[way.len() - 1]].parents.first() {
        way.push(parent);
    }
    for case in survivors.chain(joins.map(|case| &case.name)).chain(way) {
        assert!(
            links.contains(&&*format!("/case/{case}?a=1&b=2")),
            "{case} is folded"
        );
    }
    assert!(graph.contains(">+ "), "others are folded");
    let trajectory = chart::trajectory(&history, &Everywhere, TrajectoryAxis::Seconds)
        .unwrap()
        .inline();
    let best = controller.best_case().unwrap();
    assert!(trajectory.contains(&format!("/case/{best}?")));
}

#[test]
fn names_that_mean_something_to_xml_are_names() {
    let mut identity = branching(4);
    identity.study.stages[0].name = "<b>&\"'".to_owned();
    identity.study.stages[1].after = vec!["<b>&\"'".to_owned()];
    identity.study.stages[2].after = vec!["<b>&\"'".to_owned()];
    let history = MadeUp::new(identity).history();
    for (name, figure) in figures(&history, &Everywhere) {
        let svg = figure.inline();
        assert!(roxmltree::Document::parse(&svg).is_ok(), "{name}");
        assert!(!svg.contains("<b>"), "{name}");
    }
}

#[test]
fn a_small_run_looks_like_this() {
    let history = MadeUp::new(branching(3)).history();
    let all = figures(&history, &Everywhere);
    insta::assert_snapshot!("stage_graph", all["stages"].inline());
    insta::assert_snapshot!("branch_comparison", all["branches"].inline());
    let told: Vec<String> = all
        .iter()
        .map(|(name, figure)| format!("{name}: {}\n  {}", figure.title(), figure.description()))
        .collect();
    insta::assert_snapshot!("descriptions", told.join("\n"));
}
