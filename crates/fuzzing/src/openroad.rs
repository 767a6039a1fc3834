//! What OpenROAD leaves.

use noodle2_model::{AttemptUsage, CommandEnding, CommandReport};
use noodle2_openroad::{
    Completion, Log, MAX_EXCERPT_LINES, MetricsFile, Report, Run, judge, read_reports,
    read_wire_lengths,
};

use crate::Target;

pub(crate) const OPENROAD_LOG: Target = Target {
    name: "openroad_log",
    feed: openroad_log,
    samples: || {
        let messages = "OpenROAD v2.0-20250301-d4884860 \nFeatures included (+) or not (-): +GPU +GUI -Python\n\
                        noodle2: eco\n[INFO GPL-0002] DBU: 2000\n[WARNING ORD-2011] LEF master X has no liberty cell.\n\
                        [WARNING RSZ-0021] no estimated parasitics. Using wire load models.\n[ERROR GRT-0116] congested\n\
                        Error: a.tcl, 5 GRT-0116\nterminate called after throwing an instance of 'std::__ios_failure'\n\
                        \x20 what():  basic_ios::clear: iostream error\nSignal 6 received\nStack trace:\n\
                        \x200# 0x00 in openroad\n 1# write_db_cmd(char const*) in openroad\nopenroad> \n";
        let timing = " time 1ns\n capacitance 1fF\nwns -0.00\ntns max -1.5e+1\nworst slack INF\nmax slew\n\n\
                      Pin                                    Limit    Slew   Slack\n----\n\
                      _1_/Q                                   0.20    0.69   -0.50 (VIOLATED)\n\nClock clk\n\
                      \x20  0.13 source latency _1_/CK ^\n  -0.13 target latency _2_/CK ^\n   0.00 CRPR\n--------------\n\
                      \x20 -0.01 setup skew\n\nclk period_min = 1.61 fmax = 621.43\ncorner slow\n\
                      Group                  Internal  Switching    Leakage      Total\n\
                      \x20                         Power      Power      Power      Power (Watts)\n----\n\
                      Sequential             4.53e-04   6.72e-05   2.77e-06   5.23e-04  30.8%\n----\n\
                      Total                  9.95e-04   6.95e-04   1.22e-05   1.70e-03 100.0%\n";
        let tables = "   Iter   | Removed |   Area   |    WNS   | Worst\n          | Buffers |          |          | Endpt\n\
                      --------\n        0 |       0 |    +0.0% |   -0.280 | _1_/D\n    final |       0 |   +15.0% |   -0.109 | _1_/D\n\
                      --------\n          Routing      Original      Derated      Resource\n\
                      Layer     Direction    Resources     Resources    Reduction (%)\n----\n\
                      metal2     Vertical        25163         11146          55.70%\n----\n\
                      Layer         Resource        Demand        Usage (%)    Max H / Max V / Total Overflow\n----\n\
                      metal2           18885         30030          159.02%             3 /  8 / 13100\n----\n\
                      Total            18885         30030          159.02%             3 /  8 / 13100\n\n\
                      Placement Analysis\n----\ntotal displacement        271.1 u\naverage displacement        0.6 u\n\
                      max displacement            3.3 u\noriginal HPWL            4985.2 u\nlegalized HPWL           5168.7 u\n\
                      delta HPWL                    4 %\n\nCell type report:                       Count       Area\n\
                      \x20 Tap cell                                114      30.32\n  Total                                   114      30.32\n\
                      Design area 520 u^2 8% utilization.\n[INFO GRT-0018] Total wirelength: 8330 um\n\
                      [NesterovSolve] Iter:   10 overflow: 0.536 HPWL: 12578610\n";
        [messages, timing, tables]
            .map(|text| text.as_bytes().to_vec())
            .into()
    },
};

fn openroad_log(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    let log = Log::read(&text);
    let lines = text.lines().count();
    assert!(log.messages.len() + log.interpreter_errors.len() <= lines);
    assert!(log.messages.iter().all(|message| message.line <= lines));
    let report = |ending| CommandReport {
        ending,
        stopped_by: None,
        usage: AttemptUsage::default(),
        output_truncated: false,
        forked: false,
    };
    for ending in [
        CommandEnding::Exited(0),
        CommandEnding::Exited(1),
        CommandEnding::Signalled(6),
        CommandEnding::Signalled(11),
    ] {
        let clean = ending == CommandEnding::Exited(0);
        let report = report(ending);
        let verdict = judge(Run {
            report: Some(&report),
            text: &text,
            log: &log,
            completion: Completion::NotTold,
            black_boxes: &[],
        });
        assert!(clean || !verdict.is_believed());
        assert!(verdict.excerpt.lines().count() <= MAX_EXCERPT_LINES);
    }
    let reports = read_reports(&text);
    assert!(reports.windows(2).all(|pair| pair[0].line <= pair[1].line));
    for found in &reports {
        assert!((1..=lines).contains(&found.line));
        if let Report::Limit(limit) = &found.report {
            assert!(limit.violations <= limit.listed);
        }
    }
}

pub(crate) const OPENROAD_FILES: Target = Target {
    name: "openroad_files",
    feed: |bytes| {
        let text = String::from_utf8_lossy(bytes);
        if let Ok(file) = MetricsFile::parse(&text) {
            let _ = file.unknown();
            for set in file.sets(None, 1000.0).values() {
                assert!(set.iter().all(|(_, value)| value.is_finite()));
            }
        }
        if let Ok(nets) = read_wire_lengths(&text) {
            assert!(nets.len() < text.lines().count());
        }
    },
    samples: || {
        let metrics = r#"{"timing__setup__ws__corner:slow": -0.5, "design__instance__area": 550.088,
            "cts__timing__setup__tns__pre_repair": "Infinity", "design__instance__area": 1e400}"#;
        let lengths = "tool net total_wl #pins \ngrt: _000_ 10.5 2\ngrt: a[1] 0 2\n";
        [metrics, lengths]
            .map(|text| text.as_bytes().to_vec())
            .into()
    },
};
