//! What engines and those who write for them leave.

use std::collections::BTreeMap;
use std::path::Path;

use noodle2_engine::trial::{LogRemarks, ResultFile};
use noodle2_engine::{Eco, EcoOrigin, PlatformFile, ReadLimits, missing_clock, read_timing_report};

use crate::Target;

pub(crate) const TIMING_REPORT: Target = Target {
    name: "timing_report",
    feed: timing_report,
    samples: || {
        let full = "Startpoint: r1 (rising edge-triggered flip-flop clocked by clk)\nEndpoint: r2 (x)\n\
                    Path Group: clk\nPath Type: max\nCorner: slow\n\n  Delay    Time   Description\n----\n\
                    \x20  0.00    0.00 ^ r1/CK (DFF_X1)\n   0.10    0.10 ^ r1/Q (DFF_X1)\n   0.00    0.10 ^ r2/D (DFF_X1)\n\
                    \x20          0.10   data arrival time\n\n           0.05   data required time\n----\n\
                    \x20         -0.05   slack (VIOLATED)\n\n";
        let ends = "max_delay/setup group clk\n\nEndpoint    Delay   Delay   Slack\n----\n\
                    r2/D (DFF_X1)   0.26   1.17   -0.91 (VIOLATED)\n\nmin_delay/hold group clk\n\n";
        let lists = "Startpoint    Endpoint    Slack\n----\n\nr1/Q (DFF_X1)  r2/D (DFF_X1)  -0.91\n\n\
                     Group    Slack\n----\nclk   -0.91\n\nNo paths found.\n";
        let json = "{\"checks\": [\n{\n  \"path_group\": \"clk\",\n  \"path_type\": \"max\",\n  \"startpoint\": \"a/Q\",\n\
                    \x20 \"endpoint\": \"b/D\",\n  \"slack\": -2.945e-12\n}\n]\n}\n";
        [full, ends, lists, json]
            .map(|text| text.as_bytes().to_vec())
            .into()
    },
};

fn timing_report(bytes: &[u8]) {
    let limits = ReadLimits {
        memory: 1 << 16,
        worst_paths: 3,
    };
    let mut report = read_timing_report(bytes, limits).expect("bytes can always be read");
    for group in &report.groups {
        assert!(group.violating_paths <= group.paths && group.paths <= report.paths);
        assert!(group.ends.violating_endpoints <= group.ends.endpoints);
    }
    let finite = |time: Option<f64>| time.is_none_or(f64::is_finite);
    report.scale(3);
    for check in &report.checks {
        assert!(finite(check.worst_slack) && finite(check.total_negative_slack));
        assert!(check.total_negative_slack.is_none_or(|sum| sum <= 0.0));
    }
    assert!(report.worst_paths.len() <= 9);
    assert!(report.worst_paths.iter().all(|path| path.slack.is_finite()));
}

pub(crate) const RESULT_FILE: Target = Target {
    name: "result_file",
    feed: |bytes| drop(ResultFile::parse(bytes)),
    samples: || {
        let text = "noodle2-result 1\ntime_unit\t1e-9\nclock\tclk\t1000\t1\nmetric\tdefault\tsetup_wns_ps\t-1.5\n\
                    cell\tNAND2\t3\t1\tu1\nno_paths\tdefault\thold\nnote\tkey\tval\\tue\nend\t6\n";
        vec![
            text.as_bytes().to_vec(),
            text.replace('\n', "\r\n").into_bytes(),
        ]
    },
};

pub(crate) const ENGINE_LOG: Target = Target {
    name: "engine_log",
    feed: engine_log,
    samples: || {
        let text = "Warning: top.v, line 3 module X not found.  Creating black box for u1.\n\
                    Error: constraints.sdc, 4 get_ports `clk` not found.\n[ERROR STA-0340] file x.v not found\n\
                    [WARNING GRT-0116] something\nSegmentation fault\n";
        vec![text.as_bytes().to_vec()]
    },
};

fn engine_log(bytes: &[u8]) {
    let log = String::from_utf8_lossy(bytes);
    let _ = LogRemarks::read(&log, [Path::new("constraints.sdc"), Path::new("top.v")]);
    let excerpt = LogRemarks::excerpt(&log);
    assert!(excerpt.lines().count() <= noodle2_engine::trial::MAX_EXCERPT_LINES);
    let _ = missing_clock(&log, |_| Some(log.to_string()));
}

pub(crate) const ECO_MANIFEST: Target = Target {
    name: "eco_manifest",
    feed: eco_manifest,
    samples: || {
        let manifests = [
            include_str!("../../../ecos/upsize_critical/eco.yaml"),
            include_str!("../../../ecos/buffer_fanout/eco.yaml"),
        ];
        manifests.map(|text| text.as_bytes().to_vec()).into()
    },
};

fn eco_manifest(bytes: &[u8]) {
    let files = BTreeMap::from([
        ("eco.yaml".to_owned(), bytes.to_vec()),
        ("eco.tcl".to_owned(), Vec::new()),
    ]);
    for name in ["upsize_critical", "buffer_fanout"] {
        let eco = Eco::new(name, files.clone(), EcoOrigin::BuiltIn);
        if let Err(problems) = &eco {
            assert!(!problems.is_empty());
        }
    }
}

pub(crate) const PLATFORM: Target = Target {
    name: "platform",
    feed: |bytes| {
        drop(PlatformFile::parse(
            &String::from_utf8_lossy(bytes),
            Path::new("platform.yaml"),
        ))
    },
    samples: || vec![include_bytes!("../../../platforms/osu018.yaml").to_vec()],
};
