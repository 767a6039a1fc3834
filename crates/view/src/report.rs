//! The report of a run for people.

use noodle2_model::{FellBack, Metric, StageIndex};

use crate::noise::indistinguishable_lines;
use crate::spending::spent_table;
use crate::{
    ApprovalStanding, History, JournalMending, Lineage, NoiseSummary, StageStatus, Summary,
    SummaryStatus, Table, count_text, gain_text, metric_text, seconds_text,
};

/// The report in Markdown.
pub fn report_markdown(history: &History, summary: &Summary) -> String {
    render(history, summary, Form::Markdown)
}

/// The report for a terminal.
pub fn report_text(history: &History, summary: &Summary) -> String {
    render(history, summary, Form::Terminal)
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Form {
    Markdown,
    Terminal,
}

/// What stands below a heading.
enum Body {
    Table(Table),
    Lines(Vec<String>),
    /// Text whose spaces and line ends are kept.
    Drawing(String),
}

impl Body {
    fn is_empty(&self) -> bool {
        match self {
            Self::Table(table) => table.is_empty(),
            Self::Lines(lines) => lines.is_empty(),
            Self::Drawing(text) => text.is_empty(),
        }
    }

    fn text(&self, form: Form) -> String {
        let each = |lines: &mut dyn Iterator<Item = &str>, before: &str| {
            lines.map(|line| format!("{before}{line}\n")).collect()
        };
        match (self, form) {
            (Self::Table(table), Form::Markdown) => table.markdown(),
            (Self::Table(table), Form::Terminal) => table.text(),
            (Self::Lines(lines), Form::Markdown) => {
                each(&mut lines.iter().map(String::as_str), "- ")
            }
            (Self::Lines(lines), Form::Terminal) => {
                each(&mut lines.iter().map(String::as_str), "  ")
            }
            (Self::Drawing(text), Form::Markdown) => format!("```text\n{text}```\n"),
            (Self::Drawing(text), Form::Terminal) => each(&mut text.lines(), "  "),
        }
    }
}

fn render(history: &History, summary: &Summary, form: Form) -> String {
    let heading = match form {
        Form::Markdown => "## ",
        Form::Terminal => "",
    };
    let mut text = format!("# {}: {}\n", summary.study, headline(summary));
    for (title, body) in [
        ("Why", Body::Lines(summary.causes.clone())),
        ("Approvals", Body::Lines(approvals(history, summary))),
        ("Noise", Body::Lines(noise(summary))),
        ("Noise floor", Body::Table(noise_floor(summary))),
        ("Stages", Body::Table(stages(summary))),
        ("Branches at the same time", Body::Lines(overlaps(history))),
        ("ECOs", Body::Table(ecos(summary))),
        ("Failures", Body::Table(failures(summary))),
        (
            "Stopped, drawn, contained and refused",
            Body::Lines(kept_out_lines(summary)),
        ),
        (
            "Lineage of the survivors and the best case (● leads to the best case)",
            Body::Drawing(Lineage::new(history.controller(), false).text()),
        ),
        ("Base and best", Body::Table(metrics(summary))),
        ("By scene", Body::Table(scenes(summary))),
        ("Spent", Body::Table(spent_table(&summary.spending))),
        ("Cost and proof", Body::Lines(cost(summary))),
        ("Intrusions", Body::Lines(intrusions(summary))),
    ] {
        if !body.is_empty() {
            text.push_str(&format!("\n{heading}{title}\n\n{}", body.text(form)));
        }
    }
    text
}

/// What people were asked and said, with the command where they are still asked.
fn approvals(history: &History, summary: &Summary) -> Vec<String> {
    let mut lines = Vec::new();
    for approval in &summary.approvals {
        lines.push(approval.line());
        if approval.standing == ApprovalStanding::Waiting {
            lines.push(approval.command(history.called()));
        }
    }
    lines
}

/// How far the numbers can be trusted, and what they do not tell apart.
fn noise(summary: &Summary) -> Vec<String> {
    let known = summary.noise.iter();
    let mut lines: Vec<String> = known.flat_map(|noise| noise.lines()).collect();
    for stage in &summary.stages {
        let found = indistinguishable_lines(&stage.indistinguishable);
        lines.extend(found.map(|text| format!("`{}`: {text}", stage.name)));
    }
    if summary.best_is_noise {
        lines.push("the best case is indistinguishable from the base case".to_owned());
    }
    lines
}

fn noise_floor(summary: &Summary) -> Table {
    let base = summary.base.as_ref().map(|base| &base.metrics);
    let known = summary.noise.as_ref();
    known.map_or_else(|| Table::new(&[]), |noise| noise.table(base))
}

/// What wrote into the journal beside its controller.
fn intrusions(summary: &Summary) -> Vec<String> {
    let mended = summary.journal_mended.iter();
    mended.map(JournalMending::line).collect()
}

/// What the rules kept from being tried again and from surviving, stage by stage, in lines.
pub fn kept_out_lines(summary: &Summary) -> Vec<String> {
    let mut lines = Vec::new();
    for stage in &summary.stages {
        let vetoed = stage.vetoed.iter();
        lines.extend(vetoed.map(|text| format!("`{}` does not try {text}", stage.name)));
        let satisfied = stage.satisfied.iter();
        lines.extend(satisfied.map(|text| format!("`{}` had seen enough at {text}", stage.name)));
        lines.extend(stage.extra_trials.iter().map(|(source, trials)| {
            let trials = count_text(*trials as usize, "trial");
            format!("`{}` drew {trials} that `{source}` did not use", stage.name)
        }));
        let out_of_time = stage.out_of_time.iter();
        lines.extend(out_of_time.map(|text| format!("`{}` was cut short: {text}", stage.name)));
        let contained = stage.contained.iter();
        lines.extend(contained.map(|text| format!("`{}` does not try {text}", stage.name)));
        lines.extend(stage.refused.iter().map(|(case, gates)| {
            let gates = gates.join("; ");
            format!("`{}` does not pass on {case}: {gates}", stage.name)
        }));
        lines.extend(stage.fallback.iter().map(|fell| {
            let (name, FellBack { from, to, cause }) = (&stage.name, fell);
            format!("`{name}` passes on {to}, an earlier case, instead of {from}: {cause}")
        }));
    }
    lines
}

/// How a run stands, in a few words.
pub fn headline(summary: &Summary) -> String {
    let status = summary.status;
    let noise = summary.noise.as_ref();
    let trust = match noise.is_some_and(NoiseSummary::is_nondeterministic) {
        true => ", nondeterministic: its numbers cannot be repeated",
        false => "",
    };
    match summary.label {
        Some(label) => format!("{status}{trust} ({label}: wires are not modelled)"),
        None => format!("{status}{trust}"),
    }
}

fn metrics(summary: &Summary) -> Table {
    let mut table = Table::new(&["metric", ">base", ">best", ">gain"]);
    let (Some(base), Some(best)) = (&summary.base, &summary.best) else {
        return table;
    };
    for metric in Metric::ALL {
        let (from, to) = (base.metrics.get(*metric), best.metrics.get(*metric));
        if from.is_some() || to.is_some() {
            table.row([
                metric.to_string(),
                metric_text(*metric, from),
                metric_text(*metric, to),
                gain_text(*metric, from, to),
            ]);
        }
    }
    table
}

fn scenes(summary: &Summary) -> Table {
    let mut table = Table::new(&["scene", "metric", ">base", ">best", ">gain"]);
    let (Some(base), Some(best)) = (&summary.base, &summary.best) else {
        return table;
    };
    if base.scenes.len() < 2 {
        return table;
    }
    for (scene, values) in &base.scenes {
        for metric in [
            Metric::SetupWns,
            Metric::SetupTns,
            Metric::HoldWns,
            Metric::Power,
        ] {
            let from = values.get(metric);
            let to = best.scenes.get(scene).and_then(|values| values.get(metric));
            if from.is_some() || to.is_some() {
                table.row([
                    scene.clone(),
                    metric.to_string(),
                    metric_text(metric, from),
                    metric_text(metric, to),
                    gain_text(metric, from, to),
                ]);
            }
        }
    }
    table
}

fn stages(summary: &Summary) -> Table {
    let mut table = Table::new(&[
        ">#",
        "stage",
        "status",
        ">trials",
        ">ended",
        ">known",
        ">no effect",
        ">failed",
        ">discarded",
        ">time",
        "survivors, best first",
    ]);
    for stage in &summary.stages {
        let seconds = stage
            .started_at
            .zip(stage.ended_at)
            .map_or(f64::NAN, |(start, end)| {
                end.duration_since(start).as_secs_f64()
            });
        let survivors: Vec<String> = stage.survivors.iter().map(ToString::to_string).collect();
        table.row([
            stage.index.to_string(),
            stage.name.clone(),
            stage.status.to_string(),
            stage.trials.to_string(),
            stage.run.to_string(),
            stage.cached.to_string(),
            stage.no_effect.to_string(),
            stage.failures.to_string(),
            stage.discarded.to_string(),
            seconds_text(seconds),
            survivors.join(", "),
        ]);
    }
    table
}

/// Pairs of stages, neither of which waits for the other, and how long both ran.
fn overlaps(history: &History) -> Vec<String> {
    let controller = history.controller();
    let dag = controller.program().dag();
    let count = controller.stages().len();
    let name = |stage: StageIndex| controller.program().stage(stage).name.as_str();
    let mut lines = Vec::new();
    for left in (0..count).map(StageIndex::from) {
        for right in (left.position() + 1..count).map(StageIndex::from) {
            if dag.ancestors(left).contains(&right) || dag.ancestors(right).contains(&left) {
                continue;
            }
            let seconds = history.overlap_s(left, right);
            if seconds > 0.0 {
                lines.push(format!(
                    "`{}` and `{}` both had trials running for {}",
                    name(left),
                    name(right),
                    seconds_text(seconds)
                ));
            }
        }
    }
    lines
}

fn ecos(summary: &Summary) -> Table {
    let mut table = Table::new(&[
        "ECO",
        ">tries",
        ">effects",
        ">failed",
        ">mean gain in WS",
        ">in TNS",
        ">in area",
    ]);
    for eco in &summary.ecos {
        let gain = |metric: Metric| match eco.mean_gain.get(&metric) {
            None => "—".to_owned(),
            Some(gain) => format!("{gain:+.1} {}", metric.unit().symbol()),
        };
        table.row([
            eco.name.clone(),
            eco.tries.to_string(),
            eco.effects.to_string(),
            eco.failures.to_string(),
            gain(Metric::SetupWs),
            gain(Metric::SetupTns),
            gain(Metric::Area),
        ]);
    }
    table
}

fn failures(summary: &Summary) -> Table {
    let mut table = Table::new(&["failure", ">trials", "first", "what happened"]);
    for failure in &summary.failures {
        table.row([
            failure.class.to_owned(),
            failure.count.to_string(),
            failure.first.to_string(),
            failure.message.clone(),
        ]);
    }
    table
}

fn cost(summary: &Summary) -> Vec<String> {
    let mut lines: Vec<String> = best_case(summary).into_iter().collect();
    let trials = count_text(summary.trials_total, "trial");
    let run = match summary.trials_total - summary.trials_run {
        0 => String::new(),
        _ => format!("{} of ", summary.trials_run),
    };
    lines.push(format!(
        "{run}{trials} on {} in {}, {} of processor time",
        count_text(summary.workers as usize, "worker"),
        seconds_text(summary.makespan_s),
        seconds_text(summary.cpu_s)
    ));
    lines.extend(known(summary));
    lines.push(format!(
        "no schedule of these attempts could take less than {}; at most {} ran at one instant",
        seconds_text(summary.lower_bound_s),
        count_text(summary.peak_concurrent_stages, "stage")
    ));
    if summary.disk_bytes > 0 {
        let limit = summary
            .disk_limit_mib
            .map(|limit| format!(" of {limit} MiB"));
        lines.push(format!(
            "{:.1} MiB of disk space{} taken up by the attempts",
            summary.disk_bytes as f64 / f64::from(1 << 20),
            limit.unwrap_or_default()
        ));
    }
    if let Some(digest) = summary.digest {
        let promise = match summary.digest_promised {
            true => "",
            false => {
                " (a budget that depends on the machine cut the run short: another run may end otherwise)"
            }
        };
        lines.push(format!("digest: {digest}{promise}"));
    }
    lines
}

/// What was not run, since it was known: whoever signs off must see it.
fn known(summary: &Summary) -> Option<String> {
    let what = match (summary.base_cached, summary.trials_cached) {
        (false, 0) => return None,
        (true, 0) => "the base case".to_owned(),
        (false, count) => format!("{count} of {}", count_text(summary.trials_total, "trial")),
        (true, count) => format!(
            "the base case and {count} of {}",
            count_text(summary.trials_total, "trial")
        ),
    };
    let confirmed: usize = summary.stages.iter().map(|stage| stage.confirmed).sum();
    Some(format!(
        "{what}: not run, known from earlier runs; {} measured again (`--no-cache` runs everything)",
        match confirmed {
            1 => "1 survivor was".to_owned(),
            count => format!("{count} survivors were"),
        }
    ))
}

/// The best case, and how far it is chosen: a stage that did not complete has chosen nothing.
fn best_case(summary: &Summary) -> Option<String> {
    let best = summary.best.as_ref()?;
    let so_far = match summary.status {
        SummaryStatus::Running | SummaryStatus::Waiting | SummaryStatus::Interrupted => " so far",
        SummaryStatus::Completed | SummaryStatus::Blocked | SummaryStatus::Stopped => "",
    };
    let Some(origin) = &summary.best_origin else {
        let nothing = match summary.trials_run {
            0 => "nothing was tried",
            _ => "nothing tried was better",
        };
        return Some(format!(
            "best case{so_far}: {} (the base case: {nothing}{so_far})",
            best.case
        ));
    };
    let chosen = match origin.status {
        _ if origin.survivor => String::new(),
        StageStatus::Completed => ", which passed others on".to_owned(),
        StageStatus::Running | StageStatus::Interrupted => {
            ", which has not chosen its survivors yet".to_owned()
        }
        StageStatus::Failed => ", which failed and passed nothing on".to_owned(),
        status => format!(", which did not finish ({status}) and chose no survivors"),
    };
    let chain = summary.winning_chain.join(" → ");
    Some(format!(
        "best case{so_far}: {} by {chain}, found in stage `{}`{chosen}",
        best.case, origin.name
    ))
}
