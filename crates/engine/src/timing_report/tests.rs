//! Reports in the layouts that tools print, written by hand after theirs.

use super::*;

fn read(text: &str) -> TimingReport {
    read_with(text, ReadLimits::default())
}

fn read_with(text: &str, limits: ReadLimits) -> TimingReport {
    read_timing_report(text.as_bytes(), limits).unwrap()
}

/// A path in the layout `full` with input pins.
fn full(start: &str, end: &str, kind: &str, rows: &[(&str, f64)], slack: f64) -> String {
    let mut text = format!(
        "Startpoint: {start} (rising edge-triggered flip-flop clocked by clk)\nEndpoint: {end} (rising\
         \x20edge-triggered flip-flop clocked by clk)\nPath Group: clk\nPath Type: {kind}\n\n\
         \x20 Delay    Time   Description\n{}\n   0.00    0.00   clock clk (rise edge)\n\
         \x20  0.00    0.00   clock network delay (ideal)\n",
        "-".repeat(57)
    );
    let mut time = 0.0;
    for (pin, delay) in rows {
        time += delay;
        text += &format!("{delay:7.2} {time:7.2} ^ {pin} (CELL_X1)\n");
    }
    let status = if slack < 0.0 { "VIOLATED" } else { "MET" };
    text + &format!(
        "        {time:7.2}   data arrival time\n\n   1.00    1.00   clock clk (rise edge)\n\
         \x20          1.00 ^ {end}/CK (DFF_X1)\n        {:7.2}   data required time\n{}\n{slack:15.2}   slack ({status})\n\n\n",
        time + slack,
        "-".repeat(57)
    )
}

const PATH: [(&str, f64); 6] = [
    ("r1/CK", 0.0),
    ("r1/Q", 0.10),
    ("u1/A", 0.02),
    ("u1/Z", 0.20),
    ("u2/A", 0.03),
    ("u2/Z", 0.05),
];

fn path_to(end: &str) -> Vec<(&str, f64)> {
    PATH.into_iter().chain([(end, 0.01)]).collect()
}

#[test]
fn a_path_tells_its_slack_its_ends_and_what_its_delay_is_spent_in() {
    let report = read(&full("r1", "r2", "max", &path_to("r2/D"), -0.41));
    assert_eq!((report.paths, report.fewest_decimals), (1, Some(2)));
    let path = &report.worst_paths[0];
    assert_eq!(path.start.as_deref(), Some("r1"));
    assert_eq!((path.end.as_str(), path.slack), ("r2/D", -0.41));
    assert_eq!((path.check, path.is_violated), (ReportCheck::Setup, true));
    let delays = path.delays.unwrap();
    assert_eq!(delays.cells, 3);
    assert!((delays.cell_delay - 0.35).abs() < 1e-12);
    assert!((delays.net_delay - 0.06).abs() < 1e-12);
    assert!((delays.net_share().unwrap() - 0.06 / 0.41).abs() < 1e-12);
    assert_eq!(report.groups[0].group.as_deref(), Some("clk"));
    assert_eq!(report.groups[0].violating_paths, 1);
}

/// Without input pins the delay of a cell and that of the net before it are one number.
#[test]
fn shares_of_delay_are_missing_where_the_table_does_not_tell_them_apart() {
    let rows = [
        ("r1/CK", 0.0),
        ("r1/Q", 0.1),
        ("u1/Z", 0.2),
        ("u2/Z", 0.1),
        ("r2/D", 0.0),
    ];
    let report = read(&full("r1", "r2", "max", &rows, 0.1));
    assert_eq!(report.worst_paths[0].delays, None);
    assert_eq!(report.worst_paths[0].end, "r2/D");
}

/// What stands before the start belongs to the clock.
#[test]
fn the_clock_on_its_way_to_the_start_is_no_part_of_the_path() {
    let mut rows = vec![
        ("clk", 0.0),
        ("buffer/A", 0.3),
        ("buffer/Z", 0.4),
        ("r1/CK", 0.1),
    ];
    rows.extend(path_to("r2/D").into_iter().skip(1));
    let report = read(&full("r1", "r2", "max", &rows, 0.1));
    let delays = report.worst_paths[0].delays.unwrap();
    assert_eq!(delays.cells, 3);
    assert!((delays.cell_delay - 0.35).abs() < 1e-12);
}

#[test]
fn each_endpoint_counts_once_by_its_worst_path() {
    let text = full("r1", "r2", "max", &path_to("r2/D"), -0.3)
        + &full("r3", "r2", "max", &path_to("r2/D"), -0.1)
        + &full("r1", "r4", "max", &path_to("r4/D"), -0.2)
        + &full("r1", "r5", "max", &path_to("r5/D"), 0.5)
        + &full("r1", "r2", "min", &path_to("r2/D"), 0.05);
    let report = read(&text);
    let setup = &report.checks[0];
    assert_eq!(
        (setup.check, setup.worst_slack),
        (ReportCheck::Setup, Some(-0.3))
    );
    assert_eq!(
        (setup.endpoints, setup.violating_endpoints),
        (Some(3), Some(2))
    );
    assert_eq!(setup.total_negative_slack, Some(-0.5));
    let hold = &report.checks[1];
    assert_eq!(
        (hold.check, hold.total_negative_slack),
        (ReportCheck::Hold, Some(0.0))
    );
    assert_eq!(report.groups[0].paths, 4);
    let slacks: Vec<f64> = report.worst_paths.iter().map(|path| path.slack).collect();
    assert_eq!(slacks, [-0.3, -0.2, -0.1, 0.5, 0.05]);
}

/// An endpoint of two groups counts once for the design.
#[test]
fn over_all_groups_an_endpoint_counts_once() {
    let text = full("r1", "r2", "max", &path_to("r2/D"), -0.3)
        + &full("r1", "r2", "max", &path_to("r2/D"), -0.2).replace("Group: clk", "Group: other");
    let report = read(&text);
    assert_eq!(report.groups.len(), 2);
    assert_eq!(report.checks[0].total_negative_slack, Some(-0.3));
    assert_eq!(report.checks[0].endpoints, Some(1));
}

#[test]
fn at_few_digits_the_tool_knows_what_is_violated() {
    let text = full("r1", "r2", "max", &path_to("r2/D"), -0.0).replace("(MET)", "(VIOLATED)");
    let report = read(&text);
    assert_eq!(report.checks[0].violating_endpoints, Some(1));
    let sum = report.checks[0].total_negative_slack.unwrap();
    assert!(sum == 0.0 && sum.is_sign_positive());
}

#[test]
fn what_is_not_known_of_endpoints_is_missing() {
    let text = full("r1", "r2", "max", &path_to("r2/D"), -0.3)
        + &full("r1", "r4", "max", &path_to("r4/D"), -0.2);
    let limits = ReadLimits {
        memory: 200,
        worst_paths: 1,
    };
    let report = read_with(&text, limits);
    let setup = &report.checks[0];
    assert_eq!((setup.endpoints, setup.total_negative_slack), (None, None));
    assert_eq!(setup.violating_endpoints, None);
    assert_eq!(
        (setup.worst_slack, report.worst_paths.len()),
        (Some(-0.3), 1)
    );
    // Not one group can be told of.
    let limits = ReadLimits {
        memory: 10,
        ..limits
    };
    let report = read_with(&text, limits);
    assert_eq!((report.paths, report.further_groups), (2, 2));
    assert_eq!(report.checks, []);
}

#[test]
fn the_short_layouts_are_read() {
    let ends = "max_delay/setup group clk\n\n                                     Required  Actual\n\
                Endpoint                               Delay   Delay   Slack\n\
                ------------------------------------------------------------\n\
                r2/D (DFF_X1)                           0.26    1.17   -0.91 (VIOLATED)\n\
                a_very_long_name_that_takes_a_line_of_its_own/D (DFF_X1)\n\
                \x20                                       0.26    1.00   -0.74 (VIOLATED)\n\
                out[3] (output)                         0.26    0.17    0.09 (MET)\n\n";
    // At more digits the columns are further apart.
    let wide = ends.replace("Required  Actual", "Required        Actual");
    assert_eq!(read(&wide), read(ends));
    let report = read(ends);
    let setup = &report.checks[0];
    assert_eq!(
        (setup.endpoints, setup.violating_endpoints),
        (Some(3), Some(2))
    );
    assert_eq!(setup.total_negative_slack, Some(-1.65));
    assert_eq!(report.groups[0].group.as_deref(), Some("clk"));
    assert_eq!(
        report.worst_paths[1].end,
        "a_very_long_name_that_takes_a_line_of_its_own/D"
    );

    let summary = "Startpoint                           Endpoint                               Slack\n\
                   --------------------------------------------------------------------------------\n\n\
                   r1/Q (DFF_X1)                     r2/D (DFF_X1)                       -0.91\n\
                   in[0] (input)                     r4/D (DFF_X1)                        0.10\n\n";
    let report = read(summary);
    assert_eq!(report.checks[0].check, ReportCheck::Unknown);
    assert_eq!(report.checks[0].violating_endpoints, Some(1));
    assert_eq!(report.worst_paths[0].start.as_deref(), Some("r1/Q"));
    assert_eq!(report.worst_paths[0].end, "r2/D");

    let slacks = "Group                                  Slack\n\
                  --------------------------------------------\n\
                  clk                                    -0.91\nclk                                     0.02\n\n";
    let report = read(slacks);
    assert_eq!(
        (report.groups[0].paths, report.groups[0].violating_paths),
        (2, 1)
    );
    assert_eq!(report.checks[0].worst_slack, Some(-0.91));
    assert_eq!(report.checks[0].endpoints, None);
}

#[test]
fn paths_without_a_slack_are_counted_and_nothing_else() {
    let short = "Startpoint: r1 (x)\nEndpoint: r2 (x)\nPath Group: clk\nPath Type: max\n\n\n";
    let report = read(&(short.to_owned() + short));
    assert_eq!((report.paths, report.paths_without_slack), (2, 2));
    assert_eq!(report.checks, []);
    assert_eq!(report.fewest_decimals, None);

    let free = full("r1", "r2", "max", &path_to("r2/D"), 0.0);
    let free = free.split("\n\n   1.00").next().unwrap().to_owned()
        + "\n---------\n(Path is unconstrained)\n\n\n";
    let report = read(&free);
    assert_eq!((report.paths, report.unconstrained_paths), (1, 1));
    assert!(!report.is_cut_off);
    assert_eq!(read("No paths found.\n").no_paths, 1);
}

#[test]
fn a_report_that_ends_within_a_path_says_so() {
    let whole = full("r1", "r2", "max", &path_to("r2/D"), -0.3);
    assert!(!read(&whole).is_cut_off);
    let cut = whole.split("data arrival").next().unwrap();
    let report = read(&(whole.clone() + cut));
    assert!(report.is_cut_off);
    assert_eq!((report.paths, report.paths_without_slack), (2, 1));
}

#[test]
fn a_report_is_found_among_the_other_lines_of_a_log() {
    let text = format!(
        "[INFO GPL-0002] DBU: 2000\nslack (VIOLATED)\n  -9.99   slack (VIOLATED)\n=== paths\n{}wns -0.3\ntns -0.3\n",
        full("r1", "r2", "max", &path_to("r2/D"), -0.3)
    );
    let report = read(&text);
    assert_eq!(
        (report.paths, report.checks[0].worst_slack),
        (1, Some(-0.3))
    );
    // Told twice, it is one path.
    let twice = read(&(text.clone() + &text));
    assert_eq!((twice.paths, twice.worst_paths.len()), (2, 1));
    assert_eq!(twice.checks, report.checks);
}

/// Lists end where they end: what stands behind them in a log is no part of them.
#[test]
fn nothing_behind_a_list_is_taken_for_a_row() {
    let slacks = "Group                                  Slack\n---------\nclk   -0.91\n";
    let summary = "Startpoint                           Endpoint                               Slack\n---\n\n\
                   r1/Q (DFF_X1)                     r2/D (DFF_X1)                       -0.91\n";
    let ends = "min_delay/hold group clk\n\nEndpoint   Delay   Delay   Slack\n----\n\
                r2/D (DFF_X1)                           0.26    1.17   -0.91 (VIOLATED)\n";
    for list in [slacks, summary, ends] {
        for behind in [
            "\nother -7.00\n",
            "Tap cell   114   30.3\n",
            "a word (BUF) -3.00\n",
        ] {
            let report = read(&format!(
                "{list}{behind}wns -9.00\nr9/D (X) 1.0 1.0 -8.00 (VIOLATED)\n"
            ));
            assert_eq!(
                (report.paths, report.checks[0].worst_slack),
                (1, Some(-0.91)),
                "{list}{behind}"
            );
        }
    }
}

#[test]
fn in_another_unit_times_have_as_many_digits_as_before() {
    let mut report = read(&full("r1", "r2", "max", &path_to("r2/D"), -0.41));
    report.scale(3);
    assert_eq!(report.fewest_decimals, Some(0));
    assert_eq!(report.checks[0].total_negative_slack, Some(-410.0));
    assert_eq!(report.worst_paths[0].delays.unwrap().cell_delay, 350.0);
}

#[test]
fn carriage_returns_change_nothing() {
    let text = full("r1", "r2", "max", &path_to("r2/D"), -0.3);
    assert_eq!(read(&text.replace('\n', "\r\n")), read(&text));
}

/// A path in the layout `json`, with a name that no JSON could hold.
fn json(slack: &str) -> String {
    format!(
        "{{\"checks\": [\n{{\n  \"type\": \"check\",\n  \"path_group\": \"clk\",\n  \"path_type\": \"max\",\n  \"startpoint\": \
         \"r1\\[0]/CK\",\n  \"endpoint\": \"r2/D\",\n  \"source_path\": [\n    {{\n      \"slack\": 1.0e-9\n    }}\n  ],\n{slack}}}\n"
    )
}

#[test]
fn paths_in_json_are_in_seconds_and_are_told_apart() {
    let text = json("  \"slack\": -8.092e-10\n")
        + "]\n}\n"
        + &full("r1", "r2", "max", &path_to("r2/D"), -0.41);
    let report = read(&text);
    assert_eq!((report.paths, report.worst_paths[0].slack), (1, -0.41));
    let told = report.json.unwrap();
    let path = &told.worst_paths[0];
    assert_eq!((told.paths, told.fewest_decimals), (1, Some(1)));
    assert_eq!((path.slack, path.is_violated), (-809.2, true));
    assert_eq!(path.start.as_deref(), Some("r1\\[0]/CK"));
    assert_eq!(
        (path.end.as_str(), path.group.as_deref()),
        ("r2/D", Some("clk"))
    );
}

#[test]
fn json_that_is_not_whole_is_told() {
    let cut = read(&json("  \"slack\": -8.092e-10\n"));
    assert!(cut.is_cut_off);
    let without = read(&(json("") + "]\n}\n")).json.unwrap();
    assert_eq!((without.paths, without.paths_without_slack), (1, 1));
    let none = read("{\"checks\": [\n]\n}\n").json.unwrap();
    assert_eq!((none.paths, none.no_paths), (0, 1));
    // What the tool says in between is no JSON, and what follows is read as ever.
    let other = read(
        &(json("").replace("}\n", "")
            + "[ERROR STA-0001] no\n"
            + &full("r1", "r2", "max", &path_to("r2/D"), -0.41)),
    );
    assert_eq!((other.paths, other.is_cut_off), (1, false));
    let far = read(&(json("  \"slack\": 1.0e+99\n") + "]\n}\n"))
        .json
        .unwrap();
    assert_eq!(far.paths_without_slack, 1);
}
