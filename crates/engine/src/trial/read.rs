//! The result file that a script writes.
//!
//! Lines of tab-separated fields, `\\`, `\t`, `\n`, `\r` and `\0` escaped; first the line
//! `noodle2-result <version>`, last the line `end <number of records>`.

use noodle2_model::{Check, Metric, PathStage};

/// The version of the format that this program writes and reads.
const VERSION: &str = "1";

/// A result file that cannot be believed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ResultError {
    /// There is none.
    #[error("there is no result file")]
    Missing,
    /// It has no end: the engine stopped while, or before, it wrote it.
    #[error("the result file has no end: {records} records were written")]
    CutOff {
        /// How many records were written.
        records: usize,
    },
    /// It is no result file, or not one of this version.
    #[error("the result file, line {line}: {problem}: `{text}`")]
    Malformed {
        /// The line, counted from 1.
        line: usize,
        /// What is wrong with it.
        problem: &'static str,
        /// Its beginning.
        text: String,
    },
}

/// The records of a whole result file.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct ResultFile {
    /// The records in order.
    pub records: Vec<Record>,
}

/// One record of a result file. Corners bear the names of scenes.
#[derive(Clone, PartialEq, Debug)]
#[expect(missing_docs, reason = "the fields repeat what the variants say")]
pub enum Record {
    /// A step of the script failed.
    Failed { step: String, message: String },
    /// The engine's unit of time, in seconds.
    TimeUnit { seconds: f64 },
    /// A clock, its period in ps where the engine has one, and whether its waveform is known.
    Clock {
        name: String,
        period_ps: Option<f64>,
        valid: bool,
    },
    /// Something that the constraints mark as not to be touched or not to be used.
    Mark { kind: MarkKind, name: String },
    /// The constraints time the tree of this clock, the scene does not.
    ClockTakenAsIdeal { name: String },
    /// A library cell, its leaf instances, whether a library defines it, and one of the instances.
    Cell {
        name: String,
        instances: u64,
        known: bool,
        example: String,
    },
    /// A measured value.
    Metric {
        scene: String,
        metric: Metric,
        value: f64,
    },
    /// No path is constrained for this check.
    NoPaths { scene: String, check: String },
    /// The worst slack of a path group, in ps.
    Group {
        scene: String,
        check: String,
        group: String,
        slack_ps: f64,
    },
    /// The worst path of a check: its ends, slack in ps, and the instances that it goes through with
    /// their cells.
    Path {
        scene: String,
        check: String,
        start: String,
        end: String,
        slack_ps: f64,
        cells: Vec<(String, String)>,
    },
    /// The endpoints that a check constrains, each with the worst slack there in ps.
    Endpoints {
        scene: String,
        check: Check,
        slacks: Vec<(String, f64)>,
    },
    /// What a worst path of a check is made of: its ends, slack in ps, and its drivers from start to end.
    PathProfile {
        scene: String,
        check: Check,
        start: String,
        end: String,
        slack_ps: f64,
        drivers: Vec<PathStage>,
    },
    /// Nets that should have annotated wires and do not, and one of them.
    NotAnnotated {
        scene: String,
        nets: u64,
        example: String,
    },
    /// What the engine finds missing in the constraints, and one object that it is about.
    Remark { text: String, example: String },
    /// A reading that failed, and why.
    Unread { what: String, why: String },
    /// A slack metric as it was before cells were brought to legal places.
    Estimated {
        scene: String,
        metric: Metric,
        value: f64,
    },
    /// A slack metric with globally routed wires.
    Routed {
        scene: String,
        metric: Metric,
        value: f64,
    },
    /// A report that lies in the folder of the attempt.
    Report { path: String },
    /// A heat map that lies in the folder of the attempt.
    Heatmap { kind: String, path: String },
    /// A heat map that could not be had, and why.
    NoHeatmap { kind: String, why: String },
    /// The share of a layer's capacity that global routing leaves free.
    LayerAdjustment { layer: String, share: f64 },
    /// What the ECO noted.
    Note { key: String, value: String },
}

/// What a mark of the constraints is about.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum MarkKind {
    /// An instance.
    Instance,
    /// A net.
    Net,
    /// All instances of a cell.
    Cell,
    /// A cell, by a pattern, of which no instance may be made.
    Unusable,
}

impl ResultFile {
    /// Reads a result file.
    ///
    /// # Errors
    /// When it is not whole, or holds a line that no script writes.
    pub fn parse(bytes: &[u8]) -> Result<Self, ResultError> {
        let text = String::from_utf8_lossy(bytes);
        let malformed = |line: usize, problem, text: &str| ResultError::Malformed {
            line,
            problem,
            text: text.chars().take(120).collect(),
        };
        let mut lines = text
            .split('\n')
            .enumerate()
            .map(|(index, line)| (index + 1, line));
        match lines.next() {
            None | Some((_, "")) => return Err(ResultError::CutOff { records: 0 }),
            Some((_, line)) if line == format!("noodle2-result\t{VERSION}") => {}
            Some((number, line)) => {
                return Err(malformed(number, "not the head of a result file", line));
            }
        }
        let mut records = Vec::new();
        while let Some((number, line)) = lines.next() {
            let rest_is_empty = |rest: &str| rest.is_empty();
            if let Some(count) = line.strip_prefix("end\t") {
                // The line end after `end` proves that the count was written whole.
                let whole = lines.next().is_some_and(|(_, rest)| rest_is_empty(rest))
                    && lines.next().is_none();
                if !whole {
                    return Err(malformed(
                        number,
                        "something follows the end, or the end is cut off",
                        line,
                    ));
                }
                if count.parse() != Ok(records.len()) {
                    return Err(malformed(
                        number,
                        "the number of records is not what the end says",
                        line,
                    ));
                }
                return Ok(Self { records });
            }
            let Some(fields) = fields(line) else {
                return Err(malformed(number, "an escape that no script writes", line));
            };
            match record(&fields) {
                Some(record) => records.push(record),
                // The last line of a file that was cut off may be anything.
                None if lines.clone().next().is_none() => break,
                None => return Err(malformed(number, "not a record", line)),
            }
        }
        Err(ResultError::CutOff {
            records: records.len(),
        })
    }

    /// The step that failed and its message, if one did.
    pub fn failure(&self) -> Option<(&str, &str)> {
        self.records.iter().find_map(|record| match record {
            Record::Failed { step, message } => Some((step.as_str(), message.as_str())),
            _ => None,
        })
    }
}

/// The unescaped fields of a line.
pub(super) fn fields(line: &str) -> Option<Vec<String>> {
    line.split('\t')
        .map(|field| {
            let mut text = String::with_capacity(field.len());
            let mut characters = field.chars();
            while let Some(character) = characters.next() {
                text.push(match character {
                    '\\' => match characters.next()? {
                        '\\' => '\\',
                        't' => '\t',
                        'n' => '\n',
                        'r' => '\r',
                        '0' => '\0',
                        _ => return None,
                    },
                    other => other,
                });
            }
            Some(text)
        })
        .collect()
}

fn record(fields: &[String]) -> Option<Record> {
    let fields: Vec<&str> = fields.iter().map(String::as_str).collect();
    let own = str::to_owned;
    Some(match fields.as_slice() {
        ["failed", step, message, _trace] => Record::Failed {
            step: own(step),
            message: own(message),
        },
        ["time_unit", seconds] => Record::TimeUnit {
            seconds: number(seconds)?,
        },
        ["clock", name, period, valid] => Record::Clock {
            name: own(name),
            period_ps: match *period {
                "" => None,
                period => Some(number(period)?),
            },
            valid: *valid == "1",
        },
        ["mark", kind, name] => Record::Mark {
            kind: match *kind {
                "instance" => MarkKind::Instance,
                "net" => MarkKind::Net,
                "cell" => MarkKind::Cell,
                "unusable" => MarkKind::Unusable,
                _ => return None,
            },
            name: own(name),
        },
        ["clock_taken_as_ideal", name] => Record::ClockTakenAsIdeal { name: own(name) },
        ["cell", name, instances, known, example] => Record::Cell {
            name: own(name),
            instances: instances.parse().ok()?,
            known: *known == "1",
            example: own(example),
        },
        ["metric", scene, name, value] => Record::Metric {
            scene: own(scene),
            metric: Metric::from_name(name)?,
            value: number(value)?,
        },
        ["no_paths", scene, check] => Record::NoPaths {
            scene: own(scene),
            check: own(check),
        },
        ["group", scene, check, group, slack] => Record::Group {
            scene: own(scene),
            check: own(check),
            group: own(group),
            slack_ps: number(slack)?,
        },
        ["path", scene, check, start, end, slack, cells @ ..] => Record::Path {
            scene: own(scene),
            check: own(check),
            start: own(start),
            end: own(end),
            slack_ps: number(slack)?,
            cells: pairs(cells)?,
        },
        ["endpoints", scene, check, slacks @ ..] => Record::Endpoints {
            scene: own(scene),
            check: check_of(check)?,
            slacks: (pairs(slacks)?.into_iter())
                .map(|(pin, slack)| Some((pin, number(&slack)?)))
                .collect::<Option<_>>()?,
        },
        [
            "path_profile",
            scene,
            check,
            start,
            end,
            slack,
            drivers @ ..,
        ] => Record::PathProfile {
            scene: own(scene),
            check: check_of(check)?,
            start: own(start),
            end: own(end),
            slack_ps: number(slack)?,
            drivers: path_stages(drivers)?,
        },
        ["not_annotated", scene, nets, example] => Record::NotAnnotated {
            scene: own(scene),
            nets: nets.parse().ok()?,
            example: own(example),
        },
        ["remark", text, example] => Record::Remark {
            text: own(text),
            example: own(example),
        },
        ["unread", what, why] => Record::Unread {
            what: own(what),
            why: own(why),
        },
        ["estimated", scene, name, value] => Record::Estimated {
            scene: own(scene),
            metric: Metric::from_name(name)?,
            value: number(value)?,
        },
        ["routed", scene, name, value] => Record::Routed {
            scene: own(scene),
            metric: Metric::from_name(name)?,
            value: number(value)?,
        },
        ["report", path] => Record::Report { path: own(path) },
        ["heatmap", kind, path] => Record::Heatmap {
            kind: own(kind),
            path: own(path),
        },
        ["no_heatmap", kind, why] => Record::NoHeatmap {
            kind: own(kind),
            why: own(why),
        },
        ["layer_adjustment", layer, share] => Record::LayerAdjustment {
            layer: own(layer),
            share: number(share)?,
        },
        ["note", key, value] => Record::Note {
            key: own(key),
            value: own(value),
        },
        _ => return None,
    })
}

fn check_of(name: &str) -> Option<Check> {
    match name {
        "setup" => Some(Check::Setup),
        "hold" => Some(Check::Hold),
        _ => None,
    }
}

fn number(text: &str) -> Option<f64> {
    text.parse().ok().filter(|number: &f64| number.is_finite())
}

fn path_stages(fields: &[&str]) -> Option<Vec<PathStage>> {
    let (stages, rest) = fields.as_chunks::<7>();
    let time = |text: &str| match text {
        "" => Some(None),
        text => Some(Some(Metric::SetupWs.canonical(number(text)?)?)),
    };
    let stage = |[instance, cell, through, wire, transition, fanout, load]: &[&str; 7]| {
        Some(PathStage {
            instance: (*instance).to_owned(),
            cell: (*cell).to_owned(),
            cell_delay_ps: time(through)?,
            wire_delay_ps: time(wire)?,
            transition_ps: time(transition)?,
            fanout: fanout.parse().ok()?,
            load_ff: match *load {
                "" => None,
                farads => Metric::Area.canonical(number(farads)? * 1e15),
            },
        })
    };
    rest.is_empty()
        .then(|| stages.iter().map(stage).collect())
        .flatten()
}

fn pairs(cells: &[&str]) -> Option<Vec<(String, String)>> {
    let (pairs, rest) = cells.as_chunks::<2>();
    rest.is_empty().then(|| {
        pairs
            .iter()
            .map(|[first, second]| ((*first).to_owned(), (*second).to_owned()))
            .collect()
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const WHOLE: &str = "noodle2-result\t1\nmetric\tslow\tsetup_ws_ps\t-4145.9392648036309\n\
        path\tslow\tsetup\ta b\\tc/Q\tr2/D\t-1\tu1\tINV\tu2\tNAND\nnote\tk\t\\\\n\\0\nend\t3\n";

    #[test]
    fn records_are_read_with_all_their_digits() {
        let file = ResultFile::parse(WHOLE.as_bytes()).unwrap();
        assert_eq!(
            file.records[0],
            Record::Metric {
                scene: "slow".to_owned(),
                metric: Metric::SetupWs,
                value: -4_145.939_264_803_631,
            }
        );
        let Record::Path { start, cells, .. } = &file.records[1] else {
            panic!("{file:?}");
        };
        assert_eq!((start.as_str(), cells.len()), ("a b\tc/Q", 2));
        let note = ("k".to_owned(), "\\n\0".to_owned());
        assert_eq!(
            file.records[2],
            Record::Note {
                key: note.0,
                value: note.1
            }
        );
    }

    #[test]
    fn a_file_that_was_cut_off_is_noticed_wherever() {
        for end in 0..WHOLE.len() {
            assert!(
                ResultFile::parse(&WHOLE.as_bytes()[..end]).is_err(),
                "{}",
                &WHOLE[..end]
            );
        }
    }

    #[test]
    fn what_no_script_writes_is_refused() {
        for (from, to) in [
            ("noodle2-result\t1", "noodle2-result\t2"),
            ("setup_ws_ps", "setup_ws"),
            ("-4145.9392648036309", "nan"),
            ("-4145.9392648036309", "1e999"),
            ("\tu2\tNAND", "\tu2"),
            ("end\t3", "end\t4"),
            ("end\t3\n", "end\t3\nend\t3\n"),
            ("\\\\n", "\\q"),
            ("note\t", "notes\t"),
        ] {
            assert!(WHOLE.contains(from));
            let error = ResultFile::parse(WHOLE.replacen(from, to, 1).as_bytes()).unwrap_err();
            assert!(
                matches!(error, ResultError::Malformed { .. }),
                "{to}: {error:?}"
            );
        }
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_panic(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
            let _ = ResultFile::parse(&bytes);
            let mut tail = b"noodle2-result\t1\n".to_vec();
            tail.extend(bytes);
            let _ = ResultFile::parse(&tail);
        }
    }
}
