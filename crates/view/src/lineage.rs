//! Which case came from which: the lineage as DOT, SVG and JSON.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use noodle2_control::{Case, Controller, StageStanding};
use noodle2_model::{CaseName, Composition, FellBack, Metric, Parameters, StageEnd, StageIndex};
use serde::Serialize;

use crate::metric_text;

/// Widths and distances of the picture, in pixels.
const BOX: (f64, f64) = (176.0, 50.0);
const GAP: (f64, f64) = (64.0, 14.0);
const MARGIN: f64 = 24.0;
const HEAD: f64 = 30.0;

/// The cases of a run and how they were derived.
#[derive(Debug, Clone, Serialize)]
pub struct Lineage {
    study: String,
    label: Option<&'static str>,
    metric: Option<Metric>,
    stages: Vec<LineageStage>,
    cases: Vec<LineageCase>,
}

#[derive(Debug, Clone, Serialize)]
struct LineageStage {
    name: String,
    /// The length of the longest chain of stages before it: stages of one wave stand in one column.
    wave: usize,
    survivors: Vec<CaseName>,
    /// That it passes on an earlier case in the place of its own.
    #[serde(skip_serializing_if = "Option::is_none")]
    fallback: Option<FellBack>,
}

#[derive(Debug, Clone, Serialize)]
struct LineageCase {
    case: CaseName,
    /// `None` for the base case, which belongs to no stage.
    stage: Option<usize>,
    /// The one that was changed first; then, of a composition, the other; then those of the same design.
    parents: Vec<CaseName>,
    /// The case that was composed with the first parent.
    #[serde(skip_serializing_if = "Option::is_none")]
    composed_with: Option<CaseName>,
    eco: Option<String>,
    parameters: Parameters,
    value: Option<f64>,
    survivor: bool,
    winning: bool,
}

impl LineageCase {
    /// The parents that were the same design as the one that was changed.
    fn twins_of_parent(&self) -> Option<String> {
        let changed = 1 + usize::from(self.composed_with.is_some());
        let others: Vec<String> = self
            .parents
            .iter()
            .skip(changed)
            .map(ToString::to_string)
            .collect();
        (!others.is_empty()).then(|| format!("(the same design as {})", others.join(", ")))
    }
}

fn composition_of(case: &Case) -> Option<&Composition> {
    case.eco.as_ref()?.composition.as_deref()
}

impl Lineage {
    /// The survivors of all stages and the best case with all their ancestors; with `all`, every case.
    pub fn new(controller: &Controller, all: bool) -> Self {
        let study = controller.program().study();
        let metric = study.objective.rank.first().copied();
        let waves = controller.program().dag().waves();
        let stages: Vec<LineageStage> = study
            .stages
            .iter()
            .zip(controller.stages())
            .enumerate()
            .map(|(position, (declared, stage))| LineageStage {
                name: declared.name.clone(),
                wave: waves
                    .iter()
                    .position(|wave| wave.contains(&StageIndex::from(position)))
                    .unwrap_or(0),
                survivors: stage.survivors().to_vec(),
                fallback: match &stage.standing {
                    StageStanding::Finished(StageEnd::Completed { fallback, .. }) => {
                        fallback.clone()
                    }
                    _ => None,
                },
            })
            .collect();
        let survivors: BTreeSet<&CaseName> =
            stages.iter().flat_map(|stage| &stage.survivors).collect();
        let base = controller.base_case().map(|case| &case.name);
        let best = controller.best_case();
        let kept = with_ancestors(
            controller,
            survivors.iter().copied().chain(base).chain(best).chain(
                stages
                    .iter()
                    .filter_map(|stage| Some(&stage.fallback.as_ref()?.from)),
            ),
        );
        let winning = with_ancestors(controller, best);
        let cases = controller
            .cases()
            .values()
            .filter(|case| all || kept.contains(&case.name))
            .map(|case| LineageCase {
                case: case.name.clone(),
                stage: case
                    .eco
                    .is_some()
                    .then(|| case.name.trial().stage.position()),
                parents: case.parents.clone(),
                composed_with: composition_of(case).map(|found| found.with.clone()),
                eco: case.eco.as_ref().map(|eco| eco.name.clone()),
                parameters: case
                    .eco
                    .as_ref()
                    .map(|eco| eco.parameters.clone())
                    .unwrap_or_default(),
                value: metric.and_then(|metric| case.measurement.overall.get(metric)),
                survivor: survivors.contains(&case.name),
                winning: winning.contains(&case.name),
            })
            .collect();
        Self {
            study: study.name.clone(),
            label: study.result_label(),
            metric,
            stages,
            cases,
        }
    }

    /// The lineage as JSON.
    pub fn json(&self) -> serde_json::Value {
        serde_json::to_value(self).unwrap_or_default()
    }

    /// The lineage in Graphviz' DOT language.
    pub fn dot(&self) -> String {
        let mut text = format!(
            "digraph {} {{\n  rankdir=LR;\n  node [shape=box, fontname=\"sans-serif\", fontsize=10];\n",
            quoted(&self.study)
        );
        for case in &self.cases {
            let style = match (case.winning, case.survivor) {
                (true, _) => ", penwidth=2.5, color=\"#00204c\"",
                (false, true) => ", penwidth=1.5",
                (false, false) => ", style=dashed",
            };
            let label: Vec<String> = [
                Some(case.case.to_string()),
                case.eco.clone(),
                self.value(case),
            ]
            .into_iter()
            .flatten()
            .collect();
            let _ = writeln!(
                text,
                "  {} [label={}{style}];",
                quoted(&case.case.to_string()),
                quoted(&label.join("\n"))
            );
        }
        for (parent, case) in self.edges() {
            let style = if case.winning && self.is_winning(parent) {
                " [penwidth=2.5, color=\"#00204c\"]"
            } else {
                ""
            };
            let _ = writeln!(
                text,
                "  {} -> {}{style};",
                quoted(&parent.to_string()),
                quoted(&case.case.to_string())
            );
        }
        for stage in &self.stages {
            if let Some(FellBack { from, to, .. }) = &stage.fallback {
                let _ = writeln!(
                    text,
                    "  {} -> {} [style=dashed, constraint=false, label={}];",
                    quoted(&from.to_string()),
                    quoted(&to.to_string()),
                    quoted(&format!("{} falls back", stage.name))
                );
            }
        }
        text.push_str("}\n");
        text
    }

    /// The stages that went on from an earlier case, where this is it.
    fn fallbacks_to(&self, case: &LineageCase) -> Option<String> {
        let stages = self.stages.iter().filter_map(|stage| {
            let fell = stage.fallback.as_ref()?;
            (fell.to == case.case)
                .then(|| format!("`{}` falls back here from {}", stage.name, fell.from))
        });
        let stages: Vec<String> = stages.collect();
        (!stages.is_empty()).then(|| format!("({})", stages.join("; ")))
    }

    /// The lineage as a tree for a terminal: each case below its first parent, the winning path marked.
    pub(crate) fn text(&self) -> String {
        let mut children: BTreeMap<&CaseName, Vec<&LineageCase>> = BTreeMap::new();
        for case in &self.cases {
            if let Some(parent) = case.parents.first() {
                children.entry(parent).or_default().push(case);
            }
        }
        let mut text = String::new();
        // Depth first without recursion: a chain of stages may be long.
        let roots = self.cases.iter().filter(|case| case.parents.is_empty());
        let mut open: Vec<(&LineageCase, String, &str)> =
            roots.rev().map(|case| (case, String::new(), "")).collect();
        while let Some((case, indent, branch)) = open.pop() {
            let mark = if case.winning { "●" } else { "○" };
            let words: Vec<String> = [
                Some(format!("{mark} {}", case.case)),
                Some(self.step(case)),
                self.metric.map(|metric| metric_text(metric, case.value)),
                case.composed_with
                    .as_ref()
                    .map(|other| format!("(composed with {other})")),
                case.twins_of_parent(),
                self.fallbacks_to(case),
            ]
            .into_iter()
            .flatten()
            .collect();
            let _ = writeln!(text, "{indent}{branch}{}", words.join("  "));
            let below = match branch {
                "" => String::new(),
                "└─ " => indent + "   ",
                _ => indent + "│  ",
            };
            let children = children.get(&case.case).map_or(&[][..], Vec::as_slice);
            for (number, child) in children.iter().enumerate().rev() {
                let branch = if number + 1 == children.len() {
                    "└─ "
                } else {
                    "├─ "
                };
                open.push((child, below.clone(), branch));
            }
        }
        text
    }

    fn step(&self, case: &LineageCase) -> String {
        let (Some(eco), Some(stage)) = (&case.eco, case.stage) else {
            return "base case".to_owned();
        };
        format!("{}: {eco}", self.stages[stage].name)
    }

    fn edges(&self) -> impl Iterator<Item = (&CaseName, &LineageCase)> {
        self.cases
            .iter()
            .flat_map(|case| case.parents.iter().map(move |parent| (parent, case)))
    }

    fn is_winning(&self, name: &CaseName) -> bool {
        self.cases
            .iter()
            .any(|case| case.case == *name && case.winning)
    }

    fn value(&self, case: &LineageCase) -> Option<String> {
        let metric = self.metric?;
        Some(format!("{metric} {}", metric_text(metric, case.value)))
    }

    /// The lineage as a picture: a column for each wave of stages, stages that run at the same time one
    /// below the other, the winning path in bold.
    pub fn svg(&self) -> String {
        let layout = Layout::new(self);
        let (width, height) = (layout.width, layout.height);
        let mut svg = format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} {height}\" width=\"{width}\" \
             height=\"{height}\" font-family=\"sans-serif\" font-size=\"11\" role=\"img\">\n\
             <title>Lineage of study {}</title>\n<rect width=\"100%\" height=\"100%\" fill=\"#ffffff\"/>\n",
            escaped(&self.study)
        );
        if let Some(label) = self.label {
            let _ = writeln!(
                svg,
                "<text x=\"{}\" y=\"{}\" text-anchor=\"end\" fill=\"#7c7b78\">{label}</text>",
                width - MARGIN,
                height - 8.0
            );
        }
        for ((x, y), title) in &layout.titles {
            let _ = writeln!(
                svg,
                "<text x=\"{x}\" y=\"{y}\" font-size=\"14\" font-weight=\"bold\" fill=\"#00204c\">{}</text>",
                escaped(title)
            );
        }
        for bold in [false, true] {
            for (parent, case) in self.edges() {
                if bold == (case.winning && self.is_winning(parent)) {
                    svg.push_str(&edge(&layout.places, parent, case, bold));
                }
            }
        }
        for case in &self.cases {
            svg.push_str(&self.node(layout.places[&case.case], case));
        }
        svg.push_str("</svg>\n");
        svg
    }

    fn node(&self, (x, y): (f64, f64), case: &LineageCase) -> String {
        let (stroke, width, fill) = match (case.winning, case.survivor) {
            (true, _) => ("#00204c", 2.5, "#fff3bf"),
            (false, true) => ("#414d6b", 1.2, "#eef1f6"),
            (false, false) => ("#7c7b78", 0.8, "#ffffff"),
        };
        let lines = [
            (case.case.to_string(), "bold"),
            (
                case.eco.clone().unwrap_or_else(|| "base case".to_owned()),
                "normal",
            ),
            (self.value(case).unwrap_or_default(), "normal"),
        ];
        let mut node = format!(
            "<rect x=\"{x}\" y=\"{y}\" width=\"{}\" height=\"{}\" rx=\"4\" fill=\"{fill}\" stroke=\"{stroke}\" stroke-width=\"{width}\"/>\n",
            BOX.0, BOX.1
        );
        for (number, (line, weight)) in lines.iter().enumerate() {
            let _ = writeln!(
                node,
                "<text x=\"{}\" y=\"{}\" font-weight=\"{weight}\" fill=\"#1a1a1a\">{}</text>",
                x + 8.0,
                y + 15.0 + 14.0 * number as f64,
                escaped(&shortened(line, 28))
            );
        }
        node
    }
}

/// Where everything in the picture stands.
struct Layout<'a> {
    titles: Vec<((f64, f64), &'a str)>,
    places: BTreeMap<&'a CaseName, (f64, f64)>,
    width: f64,
    height: f64,
}

impl<'a> Layout<'a> {
    fn new(lineage: &'a Lineage) -> Self {
        let mut blocks: BTreeMap<Option<usize>, Vec<&'a CaseName>> = BTreeMap::new();
        for case in &lineage.cases {
            blocks.entry(case.stage).or_default().push(&case.case);
        }
        let mut layout = Self {
            titles: Vec::new(),
            places: BTreeMap::new(),
            width: 0.0,
            height: 0.0,
        };
        let mut filled: BTreeMap<usize, f64> = BTreeMap::new();
        for (stage, cases) in blocks {
            let stage = stage.and_then(|stage| lineage.stages.get(stage));
            // The base case stands before the first wave.
            let column = stage.map_or(0, |stage| stage.wave + 1);
            let x = MARGIN + column as f64 * (BOX.0 + GAP.0);
            let y = filled.entry(column).or_insert(MARGIN);
            let title = stage.map_or("base", |stage| stage.name.as_str());
            layout.titles.push(((x, *y + 18.0), title));
            *y += HEAD;
            for case in cases {
                layout.places.insert(case, (x, *y));
                *y += BOX.1 + GAP.1;
            }
            layout.width = layout.width.max(x + BOX.0 + MARGIN);
            layout.height = layout.height.max(*y - GAP.1 + MARGIN);
        }
        layout
    }
}

fn edge(
    places: &BTreeMap<&CaseName, (f64, f64)>,
    parent: &CaseName,
    case: &LineageCase,
    bold: bool,
) -> String {
    let (Some(from), Some(to)) = (places.get(parent), places.get(&case.case)) else {
        return String::new();
    };
    let (start, end) = (
        (from.0 + BOX.0, from.1 + BOX.1 / 2.0),
        (to.0, to.1 + BOX.1 / 2.0),
    );
    let bend = GAP.0 / 2.0;
    let (stroke, width) = if bold {
        ("#00204c", 2.5)
    } else {
        ("#a0a0a0", 1.0)
    };
    format!(
        "<path d=\"M{} {} C{} {} {} {} {} {}\" fill=\"none\" stroke=\"{stroke}\" stroke-width=\"{width}\"/>\n",
        start.0,
        start.1,
        start.0 + bend,
        start.1,
        end.0 - bend,
        end.1,
        end.0,
        end.1
    )
}

pub(crate) fn with_ancestors<'a>(
    controller: &'a Controller,
    names: impl IntoIterator<Item = &'a CaseName>,
) -> BTreeSet<CaseName> {
    let mut open: Vec<&CaseName> = names.into_iter().collect();
    let mut found = BTreeSet::new();
    while let Some(name) = open.pop() {
        if let Some(Case { parents, .. }) = controller.cases().get(name)
            && found.insert(name.clone())
        {
            open.extend(parents);
        }
    }
    found
}

fn quoted(text: &str) -> String {
    let escaped = text.replace('\\', "\\\\").replace('"', "\\\"");
    format!("\"{}\"", escaped.replace('\n', "\\n"))
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
}

fn shortened(text: &str, limit: usize) -> String {
    if text.chars().count() <= limit {
        return text.to_owned();
    }
    let kept: String = text.chars().take(limit - 1).collect();
    format!("{kept}…")
}
