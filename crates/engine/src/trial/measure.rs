//! Puts what the processes of a trial wrote together into one measurement.

use std::collections::{BTreeMap, BTreeSet};

use noodle2_model::{
    BlastRadius, Check, ContentHash, DesignMarks, Finding, FindingKind, Metric, MetricSet,
    PathExtreme, PathGroupSummary, PathProfile, PathStage, StepRecord, WorstPath,
};
use serde::Serialize;

use super::context::{Purpose, SceneGroup, StudyContext};
use super::endpoints::EndpointSlacks;
use super::log::LogRemarks;
use super::read::{MarkKind, Record, ResultFile};

/// The content of `metrics.json`: everything that was measured of a case. Units stand in the names.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct MetricsDocument {
    /// The version of this form.
    pub schema_version: u32,
    /// The trial that derived the case.
    pub trial: String,
    /// The engine and its version.
    pub engine: String,
    /// Numbers compare only with those of the same context.
    pub measurement_context: ContentHash,
    /// The hash of the design.
    pub design: ContentHash,
    /// The worst over scenes.
    pub overall: MetricSet,
    /// By scene.
    pub scenes: BTreeMap<String, SceneDocument>,
    /// How many edits of each kind lead from the parent to the design; `ledger.tsv` lists them.
    pub edits: BTreeMap<String, u64>,
    /// What each step of a sequence did.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub steps: Vec<StepRecord>,
    /// How far the ECO reached.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub blast_radius: Option<BlastRadius>,
    /// What the ECO noted about itself.
    pub notes: BTreeMap<String, String>,
    /// What the engine remarked.
    pub findings: Vec<Finding>,
}

/// What was measured in one scene.
#[derive(Clone, PartialEq, Debug, Default, Serialize)]
pub struct SceneDocument {
    /// Whether the results are without real wires.
    pub pre_layout: bool,
    /// The metrics.
    pub metrics: MetricSet,
    /// Slack by path group.
    pub path_groups: Vec<PathGroupSummary>,
    /// The worst setup path.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub worst_setup_path: Option<WorstPath>,
    /// The worst paths, setup before hold, worst first, with every driver on them.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub path_drivers: Vec<PathDrivers>,
    /// The worst hold path.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub worst_hold_path: Option<WorstPath>,
}

/// The drivers of a worst path, from start to end.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct PathDrivers {
    /// What it is made of, in all.
    #[serde(flatten)]
    pub profile: PathProfile,
    /// Its drivers.
    pub drivers: Vec<PathStage>,
}

/// What is gathered over the processes of a trial.
#[derive(Debug, Default)]
pub(crate) struct Gathered {
    pub(crate) scenes: BTreeMap<String, SceneDocument>,
    pub(crate) findings: BTreeSet<Finding>,
    pub(crate) notes: BTreeMap<String, String>,
    /// What the constraints mark.
    pub(crate) marks: DesignMarks,
    /// Slacks before cells were brought to legal places, by scene.
    pub(crate) estimated: BTreeMap<String, MetricSet>,
    /// Slacks with globally routed wires, by scene.
    pub(crate) routed: BTreeMap<String, MetricSet>,
    /// What of a database bears on routes and stands in no netlist or DEF.
    pub(crate) routing_state: BTreeSet<String>,
    /// Slacks of endpoints.
    pub(crate) endpoints: EndpointSlacks,
}

/// A name as netlists are read: the engine escapes what would divide it.
fn plain_name(name: &str) -> String {
    let mut plain = String::new();
    let mut characters = name.chars();
    while let Some(character) = characters.next() {
        plain.extend(match character {
            '\\' => characters.next(),
            other => Some(other),
        });
    }
    plain
}

impl Gathered {
    /// Adds what the process of `group` wrote and printed.
    pub(crate) fn add(
        &mut self,
        context: &StudyContext,
        group: &SceneGroup,
        result: &ResultFile,
        remarks: &LogRemarks,
    ) {
        for scene in &group.scenes {
            let document = self.scenes.entry(scene.name.clone()).or_default();
            document.pre_layout = group.parasitics.is_pre_layout();
        }
        if group.purpose == Purpose::Timing {
            self.add_cells(context, group, result);
            self.add_clocks(group, result);
        }
        for record in &result.records {
            self.add_record(group, record);
        }
        if group.purpose == Purpose::Timing {
            self.add_remarks(group, remarks);
            self.add_gaps(context, group);
        }
    }

    /// A remark about one scene, or about all where the group has several: they are one design under one set of
    /// constraints.
    fn find(&mut self, group: &SceneGroup, kind: FindingKind, detail: String) {
        let scene = match group.scenes.as_slice() {
            [only] => only.name.clone(),
            _ => String::new(),
        };
        self.findings.insert(Finding {
            kind,
            scene,
            detail,
        });
    }

    /// Records a value that a report holds.
    pub(crate) fn measured(&mut self, scene: &str, metric: Metric, value: f64) {
        self.document(scene).metrics.insert(metric, value);
    }

    /// Records a value where none is known.
    pub(crate) fn measured_unless_known(&mut self, scene: &str, metric: Metric, value: f64) {
        if self.document(scene).metrics.get(metric).is_none() {
            self.measured(scene, metric, value);
        }
    }

    /// Records a value of the design as a whole.
    pub(crate) fn measured_everywhere(&mut self, metric: Metric, value: f64) {
        for document in self.scenes.values_mut() {
            document.metrics.insert(metric, value);
        }
    }

    /// Records a remark on the design as a whole.
    pub(crate) fn find_everywhere(&mut self, kind: FindingKind, detail: String) {
        self.find_in("", kind, detail);
    }

    /// Records what the engine misses in the constraints of a scene.
    pub(crate) fn remark(&mut self, scene: &str, detail: String) {
        self.find_in(scene, FindingKind::EngineWarning, detail);
    }

    fn find_in(&mut self, scene: &str, kind: FindingKind, detail: String) {
        self.findings.insert(Finding {
            kind,
            scene: scene.to_owned(),
            detail,
        });
    }

    fn document(&mut self, scene: &str) -> &mut SceneDocument {
        self.scenes.entry(scene.to_owned()).or_default()
    }

    /// Cells, their areas, and those that nobody defines.
    fn add_cells(&mut self, context: &StudyContext, group: &SceneGroup, result: &ResultFile) {
        let mut cells = 0;
        let mut uses = Vec::new();
        for record in &result.records {
            let Record::Cell {
                name,
                instances,
                known,
                example,
            } = record
            else {
                continue;
            };
            cells += instances;
            uses.push((name.as_str(), *instances));
            if !known && !context.black_boxes.contains(name) {
                self.findings.insert(Finding {
                    kind: FindingKind::BlackBox,
                    scene: String::new(),
                    detail: format!(
                        "nobody defines `{name}`: {instances} instances, such as `{example}`"
                    ),
                });
            }
        }
        if uses.is_empty() {
            return;
        }
        // In a fixed order: sums of doubles depend on it.
        uses.sort_unstable();
        for scene in &group.scenes {
            let area = uses
                .iter()
                .map(|(cell, instances)| Some(scene.index.area(cell)? * *instances as f64))
                .sum::<Option<f64>>();
            let metrics = &mut self.document(&scene.name).metrics;
            metrics.insert(Metric::CellCount, cells as f64);
            if let Some(area) = area {
                metrics.insert(Metric::Area, area);
            }
        }
    }

    fn add_clocks(&mut self, group: &SceneGroup, result: &ResultFile) {
        let mut clocks = 0;
        for record in &result.records {
            let Record::Clock {
                name,
                period_ps,
                valid,
            } = record
            else {
                continue;
            };
            clocks += 1;
            let has_period = period_ps.is_some_and(|period| period > 0.0);
            if !has_period || !valid {
                let detail = format!("clock `{name}` has no period");
                self.find(group, FindingKind::ClockWithoutPeriod, detail);
            }
        }
        if clocks == 0 {
            let detail = "the constraints make no clock".to_owned();
            self.find(group, FindingKind::ClockWithoutPeriod, detail);
        }
    }

    fn add_record(&mut self, group: &SceneGroup, record: &Record) {
        match record {
            Record::Metric {
                scene,
                metric,
                value,
            } => {
                self.document(scene).metrics.insert(*metric, *value);
            }
            Record::NoPaths { scene, check } => {
                let detail = format!("no path has a {check} check");
                self.find_in(scene, FindingKind::NoPaths, detail);
            }
            Record::Group {
                scene,
                check,
                group,
                slack_ps,
            } => self.add_group(scene, check, group, *slack_ps),
            Record::Path {
                scene,
                check,
                start,
                end,
                slack_ps,
                cells,
            } => {
                let path = WorstPath {
                    start: start.clone(),
                    end: end.clone(),
                    slack_ps: *slack_ps,
                    stages: u32::try_from(cells.len()).unwrap_or(u32::MAX),
                    cells: cells.clone(),
                };
                let document = self.document(scene);
                match check.as_str() {
                    "setup" => document.worst_setup_path = Some(path),
                    _ => document.worst_hold_path = Some(path),
                }
            }
            Record::Endpoints {
                scene,
                check,
                slacks,
            } => self.endpoints.add(scene, *check, slacks),
            Record::PathProfile {
                scene,
                check,
                start,
                end,
                slack_ps,
                drivers,
            } => {
                let ends = (start.as_str(), end.as_str());
                let profile = profile(scene, *check, ends, *slack_ps, drivers);
                let drivers = drivers.clone();
                let paths = &mut self.document(scene).path_drivers;
                paths.push(PathDrivers { profile, drivers });
            }
            Record::NotAnnotated {
                scene,
                nets,
                example,
            } if *nets > 0 => {
                let detail = format!("{nets} nets have no annotated wires, such as `{example}`");
                self.find_in(scene, FindingKind::ParasiticsIncomplete, detail);
            }
            Record::Remark { text, example } => {
                let text = text.trim_start_matches("Warning:").trim();
                self.find(
                    group,
                    FindingKind::EngineWarning,
                    format!("{text} ({example})"),
                );
            }
            Record::ClockTakenAsIdeal { name } => {
                let detail = format!(
                    "the constraints time the tree of clock `{name}`; the scene takes it as ideal"
                );
                self.find(group, FindingKind::EngineWarning, detail);
            }
            Record::Unread { what, why } => {
                let detail = format!("could not read {what}: {why}");
                self.find(group, FindingKind::EngineWarning, detail);
            }
            Record::Note { key, value } => {
                self.notes.insert(key.clone(), value.clone());
            }
            Record::Mark { kind, name } => {
                let marks = &mut self.marks;
                let names = match kind {
                    MarkKind::Instance => &mut marks.instances,
                    MarkKind::Net => &mut marks.nets,
                    MarkKind::Cell => &mut marks.cells,
                    MarkKind::Unusable => &mut marks.unusable,
                };
                names.insert(plain_name(name));
            }
            Record::Estimated {
                scene,
                metric,
                value,
            } => {
                let metrics = self.estimated.entry(scene.clone()).or_default();
                metrics.insert(*metric, *value);
            }
            Record::Routed {
                scene,
                metric,
                value,
            } => {
                let metrics = self.routed.entry(scene.clone()).or_default();
                metrics.insert(*metric, *value);
            }
            Record::LayerAdjustment { layer, share } => {
                self.routing_state
                    .insert(format!("layer {layer} adjustment {share}"));
            }
            Record::Report { .. } | Record::Heatmap { .. } | Record::NoHeatmap { .. } => {}
            Record::Failed { .. }
            | Record::TimeUnit { .. }
            | Record::Clock { .. }
            | Record::Cell { .. }
            | Record::NotAnnotated { .. } => {}
        }
    }

    fn add_group(&mut self, scene: &str, check: &str, group: &str, slack_ps: f64) {
        let groups = &mut self.document(scene).path_groups;
        let at = match groups.iter().position(|known| known.group == group) {
            Some(at) => at,
            None => {
                groups.push(PathGroupSummary {
                    group: group.to_owned(),
                    setup_ws_ps: None,
                    hold_ws_ps: None,
                });
                groups.sort_by(|left, right| left.group.cmp(&right.group));
                groups
                    .iter()
                    .position(|known| known.group == group)
                    .unwrap_or(0)
            }
        };
        let slot = match check {
            "setup" => &mut groups[at].setup_ws_ps,
            _ => &mut groups[at].hold_ws_ps,
        };
        let slack = Metric::SetupWs.canonical(slack_ps);
        *slot = match (*slot, slack) {
            (Some(known), Some(slack)) => Some(known.min(slack)),
            (known, slack) => known.or(slack),
        };
    }

    fn add_remarks(&mut self, group: &SceneGroup, remarks: &LogRemarks) {
        for warning in &remarks.warnings {
            self.find(group, FindingKind::EngineWarning, warning.text.clone());
        }
        if remarks.more_warnings > 0 {
            let detail = format!("{} more warnings", remarks.more_warnings);
            self.find(group, FindingKind::EngineWarning, detail);
        }
    }

    /// What is missing in a scene, and what the study does not waive.
    fn add_gaps(&mut self, context: &StudyContext, group: &SceneGroup) {
        for scene in &group.scenes {
            let metrics = self.document(&scene.name).metrics.clone();
            for (check, metric) in [
                (Check::Setup, Metric::SetupWs),
                (Check::Hold, Metric::HoldWs),
            ] {
                let told = self.findings.iter().any(|finding| {
                    finding.kind == FindingKind::NoPaths && finding.scene == scene.name
                });
                if scene.has(check) && metrics.get(metric).is_none() && !told {
                    let detail = format!("{metric} could not be read");
                    self.find_in(&scene.name, FindingKind::SceneWithoutMetrics, detail);
                }
            }
            let waived = f64::from(context.waived_endpoints);
            if let Some(endpoints) = metrics.get(Metric::UnconstrainedEndpoints)
                && endpoints > waived
            {
                let detail =
                    format!("{endpoints} endpoints are unconstrained; the study waives {waived}");
                self.find_in(&scene.name, FindingKind::UnconstrainedEndpoints, detail);
            }
        }
    }

    /// The worst paths over scenes, setup before hold, worst first.
    pub(crate) fn worst_paths(&self) -> Vec<PathProfile> {
        let mut paths: Vec<&PathProfile> = (self.scenes.values())
            .flat_map(|document| &document.path_drivers)
            .map(|path| &path.profile)
            .collect();
        paths.sort_by(|left, right| {
            (left.check.cmp(&right.check))
                .then_with(|| left.slack_ps.total_cmp(&right.slack_ps))
                .then_with(|| (&left.scene, &left.end).cmp(&(&right.scene, &right.end)))
        });
        [Check::Setup, Check::Hold]
            .into_iter()
            .flat_map(|check| {
                let of_check = paths.iter().filter(move |path| path.check == check);
                of_check.take(WORST_PATHS).map(|path| (*path).clone())
            })
            .collect()
    }

    /// The worst over scenes, and the metrics by scene.
    pub(crate) fn metrics(&self) -> (MetricSet, BTreeMap<String, MetricSet>) {
        let scenes: BTreeMap<String, MetricSet> = self
            .scenes
            .iter()
            .map(|(name, document)| (name.clone(), document.metrics.clone()))
            .collect();
        let mut overall = MetricSet::new();
        for metrics in scenes.values() {
            overall.merge_worst(metrics);
        }
        (overall, scenes)
    }
}

/// How many of the worst paths of a check are told of a case.
const WORST_PATHS: usize = 3;

/// What a path is made of, in all.
fn profile(
    scene: &str,
    check: Check,
    (start, end): (&str, &str),
    slack_ps: f64,
    drivers: &[PathStage],
) -> PathProfile {
    let time = |value: f64| Metric::SetupWs.canonical(value).unwrap_or(value);
    let sum = |values: &mut dyn Iterator<Item = f64>| time(values.sum());
    let knows_wires = drivers.iter().any(|driver| driver.wire_delay_ps.is_some());
    let largest = |value: fn(&PathStage) -> Option<f64>| {
        let mut largest: Option<PathExtreme> = None;
        for driver in drivers {
            if let Some(value) = value(driver)
                && largest.as_ref().is_none_or(|known| value > known.value)
            {
                largest = Some(PathExtreme {
                    at: driver.instance.as_str().into(),
                    cell: driver.cell.as_str().into(),
                    value,
                });
            }
        }
        largest
    };
    let mut transitions: Vec<f64> = (drivers.iter())
        .filter_map(|driver| driver.transition_ps)
        .collect();
    transitions.sort_by(f64::total_cmp);
    let cells = drivers.iter().filter(|driver| !driver.cell.is_empty());
    PathProfile {
        scene: scene.into(),
        check,
        start: start.into(),
        end: end.into(),
        slack_ps: time(slack_ps),
        stages: u32::try_from(cells.count()).unwrap_or(u32::MAX),
        cell_delay_ps: sum(&mut drivers.iter().filter_map(|driver| driver.cell_delay_ps)),
        wire_delay_ps: knows_wires
            .then(|| sum(&mut drivers.iter().filter_map(|driver| driver.wire_delay_ps))),
        widest: largest(|driver| Some(f64::from(driver.fanout))),
        slowest_transition: largest(|driver| driver.transition_ps),
        median_transition_ps: transitions.get(transitions.len() / 2).copied(),
        slowest_cell: largest(|driver| driver.cell_delay_ps),
    }
}
