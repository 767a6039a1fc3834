//! `noodle2 priors`: evidence between runs, shown, carried and forgotten.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Read;
use std::path::Path;

use jiff::Timestamp;
use noodle2_evidence::{Gathering, RecordedRun, Standing, anti_pattern, gather, standing};
use noodle2_model::{
    ContentHash, Context, Evidence, FailureClass, Gains, Metric, Prior, PriorRules,
};
use noodle2_priors::{Access, Addition, Exchange, ExchangeError, Selection};
use noodle2_store::RunFolder;
use noodle2_view::{Table, count_text, metric_text, weight_text};
use serde::Serialize;

use crate::cli::{Format, PriorsCommand, PriorsOption, SelectionOption};
use crate::exit::{CommandFailure, Exit};
use crate::print;
use crate::priors::{addition_text, open, open_to_write, recorded_run, store_path};

const SECONDS_A_DAY: i64 = 86_400;

/// `noodle2 priors …`.
pub(crate) fn priors(command: PriorsCommand) -> Result<Exit, CommandFailure> {
    match command {
        PriorsCommand::Show {
            selection,
            metric,
            store,
            format,
        } => show(&selection, metric, &store, format.format),
        PriorsCommand::Export { selection, store } => export(&selection, &store),
        PriorsCommand::Import {
            file,
            store,
            format,
        } => import(&file, &store, format.format),
        PriorsCommand::Forget {
            selection,
            all,
            dry_run,
            store,
            format,
        } => forget(&selection, all, dry_run, &store, format.format),
        PriorsCommand::Record {
            runs,
            store,
            format,
        } => record(&runs, &store, format.format),
    }
}

fn selection_of(option: &SelectionOption) -> Selection {
    let now_s = Timestamp::now().as_second();
    Selection {
        project: option.project.clone(),
        study: option.study.clone(),
        platform: option.platform.clone(),
        eco: option.eco.clone(),
        before_s: option
            .older_than_days
            .map(|days| now_s - i64::from(days) * SECONDS_A_DAY),
    }
}

fn selected(option: &SelectionOption, path: &Path) -> Result<Vec<RecordedRun>, CommandFailure> {
    match open(path, Access::Read)? {
        Some(store) => Ok(store.select(&selection_of(option))?),
        None => {
            print::talk(&format!(
                "{} is not there: nothing is kept yet",
                path.display()
            ));
            Ok(Vec::new())
        }
    }
}

/// What is known of one ECO on one platform under one set of conditions.
#[derive(Debug, Serialize)]
struct Known {
    eco: String,
    /// The hash over the ECO's manifest and files.
    content: ContentHash,
    platform: String,
    context: Context,
    tries: f64,
    effects: f64,
    no_effects: f64,
    failures: BTreeMap<FailureClass, f64>,
    gains: BTreeMap<Metric, KnownGains>,
    standing: Standing,
    /// The least share of tries that fail, in percent, where that is above one half.
    fails_at_least_percent: Option<f64>,
    last_use: Option<Timestamp>,
}

#[derive(Debug, Serialize)]
struct KnownGains {
    count: f64,
    mean: f64,
    deviation: Option<f64>,
    better: f64,
    worse: f64,
}

impl KnownGains {
    fn new(gains: &Gains) -> Self {
        Self {
            count: gains.count,
            mean: gains.mean,
            deviation: gains.deviation(),
            better: gains.better,
            worse: gains.worse,
        }
    }
}

impl Known {
    fn new(platform: &str, prior: Prior, metric: Metric) -> Self {
        let evidence: &Evidence = &prior.evidence;
        let gains = evidence.gains.iter();
        Self {
            platform: platform.to_owned(),
            context: prior.context,
            tries: evidence.tries(),
            effects: evidence.effects,
            no_effects: evidence.no_effects,
            gains: gains
                .map(|(metric, gains)| (*metric, KnownGains::new(gains)))
                .collect(),
            standing: standing(evidence, Some(metric)),
            fails_at_least_percent: anti_pattern(evidence).map(|share| share * 100.0),
            last_use: Timestamp::from_second(prior.last_use_s).ok(),
            content: prior.content,
            failures: prior.evidence.failures,
            eco: prior.eco,
        }
    }

    fn row(&self, metric: Metric, is_one_of_several: bool) -> [String; 9] {
        let eco = match is_one_of_several {
            true => format!("{} ({})", self.eco, self.content.short()),
            false => self.eco.clone(),
        };
        let failures = self.failures.iter();
        let failures: Vec<String> = failures
            .map(|(class, count)| format!("{class} {}", weight_text(*count)))
            .collect();
        let gain = self.gains.get(&metric).map(|gains| {
            let spread = gains.deviation;
            let spread = spread.map(|spread| format!(" ± {}", metric_text(metric, Some(spread))));
            let mean = metric_text(metric, Some(gains.mean));
            format!("{mean}{}", spread.unwrap_or_default())
        });
        let standing = match self.fails_at_least_percent {
            Some(percent) => format!("{}: {percent:.0} % or more fail", self.standing),
            None => self.standing.to_string(),
        };
        let last_use = self.last_use.map(|at| at.strftime("%Y-%m-%d").to_string());
        [
            eco,
            self.platform.clone(),
            self.context.to_string(),
            weight_text(self.tries),
            weight_text(self.no_effects),
            failures.join(", "),
            gain.unwrap_or_else(|| "—".to_owned()),
            standing,
            last_use.unwrap_or_else(|| "—".to_owned()),
        ]
    }
}

/// What is known, each observation once and in full.
fn known(runs: &[RecordedRun], metric: Metric) -> Vec<Known> {
    let in_full = PriorRules {
        sources: vec![noodle2_model::PriorSource {
            project: "*".to_owned(),
            study: "*".to_owned(),
            weight: 1.0,
        }],
        max_age_days: f64::INFINITY,
        half_life_days: f64::INFINITY,
        ..PriorRules::default()
    };
    let contents = runs.iter().flat_map(|run| &run.observations);
    let contents: BTreeSet<ContentHash> = contents.map(|seen| seen.content).collect();
    let platforms: BTreeSet<&str> = runs.iter().map(|run| run.platform.as_str()).collect();
    let mut known: Vec<Known> = Vec::new();
    for platform in platforms {
        let gathering = Gathering {
            rules: &in_full,
            project: "",
            platform,
            contents: &contents,
            now_s: 0,
        };
        let entries = gather(runs, &gathering).entries.into_iter();
        known.extend(entries.map(|prior| Known::new(platform, prior, metric)));
    }
    known.sort_by(|left, right| {
        let key = |known: &Known| (known.eco.clone(), known.platform.clone(), known.context);
        key(left).cmp(&key(right))
    });
    known
}

fn show(
    option: &SelectionOption,
    metric: Metric,
    store: &PriorsOption,
    format: Format,
) -> Result<Exit, CommandFailure> {
    let path = store_path(store)?;
    let runs = selected(option, &path)?;
    let known = known(&runs, metric);
    if format == Format::Json {
        let runs = runs.iter().map(|run| {
            serde_json::json!({
                "id": run.id,
                "project": run.project,
                "study": run.study,
                "platform": run.platform,
                "digest": run.digest,
                "ended_at": Timestamp::from_second(run.ended_s).ok(),
                "observations": run.observations.len(),
            })
        });
        let runs: Vec<_> = runs.collect();
        print::json(&serde_json::json!({
            "store": path,
            "metric": metric,
            "runs": runs,
            "ecos": known,
        }))?;
        return Ok(Exit::Done);
    }
    let gain = format!("gain in {metric}");
    let mut table = Table::new(&[
        "ECO",
        "platform",
        "conditions",
        ">tries",
        ">no effect",
        "failed",
        &gain,
        "standing",
        "last use",
    ]);
    for entry in &known {
        let several = known
            .iter()
            .any(|other| other.eco == entry.eco && other.content != entry.content);
        table.row(entry.row(metric, several));
    }
    let projects: BTreeSet<&str> = runs.iter().map(|run| run.project.as_str()).collect();
    let count = runs.iter().map(|run| run.observations.len()).sum::<usize>();
    let head = format!(
        "{}: {} of {} in {}\n",
        path.display(),
        count_text(count, "trial"),
        count_text(runs.len(), "run"),
        count_text(projects.len(), "project")
    );
    match known.is_empty() {
        true => print::data(&head),
        false => print::data(&format!("{head}\n{}", table.text())),
    }
    Ok(Exit::Done)
}

fn export(option: &SelectionOption, store: &PriorsOption) -> Result<Exit, CommandFailure> {
    let path = store_path(store)?;
    let runs = selected(option, &path)?;
    print::talk(&format!(
        "{} from {}",
        count_text(runs.len(), "run"),
        path.display()
    ));
    print::data(&Exchange::new(runs).text());
    Ok(Exit::Done)
}

fn import(file: &Path, store: &PriorsOption, format: Format) -> Result<Exit, CommandFailure> {
    let refuse = |cause: String, help: &str| {
        let text = format!("nothing is imported from `{}`: {cause}", file.display());
        CommandFailure::new(Exit::Usage, "N2-PRIORS-011", text, help.to_owned())
    };
    let bytes = read(file).map_err(|error| refuse(error.to_string(), "is it the right file?"))?;
    let exchange = Exchange::read(&bytes).map_err(|error: ExchangeError| {
        refuse(
            error.to_string(),
            "`noodle2 priors export` writes what is read here",
        )
    })?;
    let path = store_path(store)?;
    let additions = open_to_write(&path)?.add(&exchange.runs)?;
    let count = |wanted| additions.iter().filter(|found| **found == wanted).count();
    let (added, known, different) = (
        count(Addition::Added),
        count(Addition::Known),
        count(Addition::Different),
    );
    match format {
        Format::Json => print::json(&serde_json::json!({
            "store": path, "added": added, "known": known, "different": different,
        }))?,
        Format::Text => print::data(&format!(
            "{} added, {known} known already, {different} left as they are here, where they hold other evidence",
            count_text(added, "run")
        )),
    }
    Ok(match different {
        0 => Exit::Done,
        _ => Exit::Findings,
    })
}

fn read(file: &Path) -> std::io::Result<Vec<u8>> {
    if file == Path::new("-") {
        let mut bytes = Vec::new();
        std::io::stdin().lock().read_to_end(&mut bytes)?;
        return Ok(bytes);
    }
    std::fs::read(file)
}

fn forget(
    option: &SelectionOption,
    all: bool,
    dry_run: bool,
    store: &PriorsOption,
    format: Format,
) -> Result<Exit, CommandFailure> {
    let SelectionOption {
        project,
        study,
        platform,
        eco,
        older_than_days,
    } = option;
    let names = [project, study, platform, eco];
    if names.iter().all(|name| name.is_none()) && older_than_days.is_none() && !all {
        return Err(CommandFailure::new(
            Exit::Usage,
            "N2-PRIORS-012",
            "nothing is forgotten: what is to be forgotten was not named",
            "name a project, study, platform, ECO or age; --all forgets everything".to_owned(),
        ));
    }
    let path = store_path(store)?;
    let forgotten = match open(&path, Access::Read)? {
        Some(_) => open_to_write(&path)?.forget(&selection_of(option), dry_run)?,
        None => Default::default(),
    };
    match format {
        Format::Json => print::json(&serde_json::json!({
            "store": path, "dry_run": dry_run, "forgotten": forgotten,
        }))?,
        Format::Text => print::data(&format!(
            "{} {} of {}; nothing is left of {}",
            if dry_run { "would forget" } else { "forgot" },
            count_text(forgotten.observations, "trial"),
            count_text(forgotten.touched_runs, "run"),
            count_text(forgotten.runs, "run"),
        )),
    }
    Ok(Exit::Done)
}

fn record(
    runs: &[std::path::PathBuf],
    store: &PriorsOption,
    format: Format,
) -> Result<Exit, CommandFailure> {
    let mut recorded = Vec::new();
    for path in runs {
        let run = recorded_run(&RunFolder::open(path)?)?;
        recorded.push(run.ok_or_else(|| {
            CommandFailure::new(
                Exit::Usage,
                "N2-PRIORS-013",
                format!("the run `{}` has not ended", path.display()),
                "`noodle2 resume` it first: evidence is taken from runs as a whole".to_owned(),
            )
        })?);
    }
    let path = store_path(store)?;
    let additions = open_to_write(&path)?.add(&recorded)?;
    if format == Format::Json {
        let told = recorded.iter().zip(&additions).map(|(run, addition)| {
            let addition = match addition {
                Addition::Added => "added",
                Addition::Known => "known",
                Addition::Different => "different",
            };
            serde_json::json!({"id": run.id, "study": run.study, "addition": addition})
        });
        let told: Vec<_> = told.collect();
        print::json(&serde_json::json!({"store": path, "runs": told}))?;
    } else {
        for (run, addition) in recorded.iter().zip(&additions) {
            print::data(&addition_text(run, *addition, &path));
        }
    }
    Ok(match additions.contains(&Addition::Different) {
        true => Exit::Findings,
        false => Exit::Done,
    })
}
