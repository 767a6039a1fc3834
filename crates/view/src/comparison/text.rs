//! A comparison for people.

use noodle2_model::Metric;

use super::{
    Better, Comparison, ContextDifference, LineageStep, MetricComparison, SettingDifference, Side,
};
use crate::summary::step_text;
use crate::{Table, count_text, gain_text, metric_text, seconds_text};

/// How many settings are told before the rest is only counted.
const SETTINGS_TOLD: usize = 20;

impl Comparison {
    /// The comparison for people. Gains of steps are shown for the metrics of the two rankings.
    pub fn text(&self, ranked: &[Metric]) -> String {
        let mut parts = vec![self.head()];
        if !self.fair {
            parts.push(unfair(&self.unfair));
        }
        parts.push(self.metrics_text());
        parts.extend(self.lineage_text(ranked));
        parts.push(self.cost());
        parts.extend(self.ecos_text());
        parts.extend(self.failures_text());
        parts.extend(settings(&self.settings));
        parts.join("\n")
    }

    /// Where the two lineages part and what each step since then gained, for people.
    pub fn lineage_alone(&self, ranked: &[Metric]) -> String {
        let lineage = self.lineage_text(ranked);
        let lineage =
            lineage.unwrap_or_else(|| "A side has no case, and so no lineage.\n".to_owned());
        format!("{}\n{lineage}", self.head())
    }

    fn head(&self) -> String {
        format!(
            "left   {}\nright  {}\n",
            side(&self.left),
            side(&self.right)
        )
    }

    fn metrics_text(&self) -> String {
        if self.left.case.is_none() && self.right.case.is_none() {
            return "Neither side has a case to compare.\n".to_owned();
        }
        let mut text = values("Metrics over all scenes", &self.metrics);
        if self.scenes.len() > 1 || !self.fair {
            for (scene, metrics) in &self.scenes {
                text += &format!("\n{}", values(&format!("Scene {scene}"), metrics));
            }
        }
        text
    }

    fn lineage_text(&self, ranked: &[Metric]) -> Option<String> {
        let lineage = self.lineage.as_ref()?;
        let mut text = match &lineage.last_common[..] {
            [] => "Lineage\n\n  not even the base cases are of the same design\n".to_owned(),
            common => {
                let names = common.iter().map(|both| match both.left == both.right {
                    true => both.left.to_string(),
                    false => format!("{} (there {})", both.left, both.right),
                });
                let names: Vec<String> = names.collect();
                format!("Lineage\n\n  they part at {}\n", names.join(" and "))
            }
        };
        for (name, steps, gained) in [
            ("left", &lineage.left, &lineage.left_gained),
            ("right", &lineage.right, &lineage.right_gained),
        ] {
            if steps.is_empty() {
                text += &format!("\n  {name}: no step since then\n");
                continue;
            }
            let mut titles = vec!["case".to_owned(), "stage".to_owned(), "by".to_owned()];
            titles.extend(ranked.iter().map(|metric| format!(">{metric}")));
            let titles: Vec<&str> = titles.iter().map(String::as_str).collect();
            let mut table = Table::new(&titles);
            for step in steps {
                let gains = ranked.iter().map(|metric| gain(step, *metric));
                let named = [
                    step.case.to_string(),
                    step.stage.clone().unwrap_or_default(),
                    made_by(step),
                ];
                table.row(named.into_iter().chain(gains));
            }
            let all = ranked.iter().map(|metric| {
                let delta = gained.get(metric);
                delta.map_or_else(|| "—".to_owned(), |delta| signed(*metric, delta.gain))
            });
            let named = ["all steps", "", ""].map(str::to_owned);
            table.row(named.into_iter().chain(all));
            text += &format!(
                "\n  {name}, what each step gained (+ is better)\n\n{}",
                table.text()
            );
        }
        Some(text)
    }

    fn cost(&self) -> String {
        let mut table = Table::new(&["cost", ">left", ">right"]);
        let (left, right) = (&self.left.cost, &self.right.cost);
        let counts = [
            ("trials", left.trials, right.trials),
            ("attempts", left.attempts, right.attempts),
            ("known before", left.cached, right.cached),
            ("failed", left.failed, right.failed),
        ];
        for (what, left, right) in counts {
            table.row([what.to_owned(), left.to_string(), right.to_string()]);
        }
        table.row([
            "processor time".to_owned(),
            seconds_text(left.cpu_s),
            seconds_text(right.cpu_s),
        ]);
        let wall = |seconds: Option<f64>| seconds.map_or_else(|| "—".to_owned(), seconds_text);
        table.row([
            "wall time".to_owned(),
            wall(left.wall_s),
            wall(right.wall_s),
        ]);
        table.text()
    }

    fn ecos_text(&self) -> Option<String> {
        let mut table = Table::new(&["ECO", ">left tries", ">effects", ">right tries", ">effects"]);
        for eco in &self.ecos {
            let counts = [
                eco.left.tries,
                eco.left.effects,
                eco.right.tries,
                eco.right.effects,
            ];
            let named = std::iter::once(eco.name.clone());
            table.row(named.chain(counts.map(|count| count.to_string())));
        }
        (!self.ecos.is_empty()).then(|| table.text())
    }

    fn failures_text(&self) -> Option<String> {
        let mut table = Table::new(&["failure", ">left", ">right"]);
        for failure in &self.failures {
            table.row([
                failure.class.to_owned(),
                failure.left.to_string(),
                failure.right.to_string(),
            ]);
        }
        (!self.failures.is_empty()).then(|| table.text())
    }
}

fn side(side: &Side) -> String {
    let case = side.case.as_ref();
    let case = case.map_or_else(|| "no case".to_owned(), ToString::to_string);
    let mut text = format!("{}: {case} of {}", side.called, side.study);
    if !side.chain.is_empty() {
        text += &format!(" by {}", side.chain.join(" → "));
    }
    if side.discarded {
        text += ", discarded";
    }
    if let Some(label) = side.label {
        text += &format!(" ({label})");
    }
    text
}

fn unfair(differences: &[ContextDifference]) -> String {
    let mut text = "NOT COMPARABLE: the two were measured differently. Values are shown, and not subtracted where \
                    that touches them.\n"
        .to_owned();
    for found in differences {
        let told = |value: &Option<String>| value.clone().unwrap_or_else(|| "none".to_owned());
        let of = found.scene.as_ref();
        let of = of.map_or_else(String::new, |scene| format!(" of scene {scene}"));
        let (left, right) = (told(&found.left), told(&found.right));
        text += &format!("  {}{of}: left {left}, right {right}\n", found.what);
    }
    text
}

fn values(title: &str, metrics: &[MetricComparison]) -> String {
    let mut table = Table::new(&[title, ">left", ">right", ">right is"]);
    for found in metrics {
        let verdict = match found.better {
            None if found.left.is_none() || found.right.is_none() => "—".to_owned(),
            None => "not compared".to_owned(),
            Some(Better::Indistinguishable) => "indistinguishable".to_owned(),
            Some(_) => gain_text(found.metric, found.left, found.right),
        };
        table.row([
            found.metric.to_string(),
            metric_text(found.metric, found.left),
            metric_text(found.metric, found.right),
            verdict,
        ]);
    }
    table.text()
}

fn made_by(step: &LineageStep) -> String {
    let eco = step.eco.as_deref();
    let eco = eco.map_or_else(|| "the base".to_owned(), step_text);
    let others: Vec<String> = step.other_parents.iter().map(ToString::to_string).collect();
    match others.is_empty() {
        true => eco,
        false => format!("{eco}, also of {}", others.join(", ")),
    }
}

fn gain(step: &LineageStep, metric: Metric) -> String {
    match step.gains.get(&metric) {
        None => "—".to_owned(),
        Some(_) if step.is_noise => "noise".to_owned(),
        Some(delta) => signed(metric, delta.gain),
    }
}

fn signed(metric: Metric, gain: f64) -> String {
    let sign = if gain > 0.0 { "+" } else { "" };
    format!("{sign}{}", metric_text(metric, Some(gain)))
}

fn settings(settings: &[SettingDifference]) -> Option<String> {
    if settings.is_empty() {
        return None;
    }
    let told = |value: &Option<serde_json::Value>| match value {
        None => "—".to_owned(),
        Some(serde_json::Value::String(text)) => text.clone(),
        Some(other) => other.to_string(),
    };
    let mut table = Table::new(&["setting", "left", "right"]);
    for found in settings.iter().take(SETTINGS_TOLD) {
        let (left, right) = (told(&found.left), told(&found.right));
        table.row([found.setting.clone(), left, right]);
    }
    let more = settings.len().saturating_sub(SETTINGS_TOLD);
    let more = match more {
        0 => String::new(),
        more => format!(
            "and {}: see --format json\n",
            count_text(more, "more setting")
        ),
    };
    Some(table.text() + &more)
}
