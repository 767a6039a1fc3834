//! Which address shows what.

use std::cmp::Reverse;
use std::sync::Arc;

use axum::Router;
use axum::extract::{Form, Path, Query, State};
use axum::http::header::{CONTENT_TYPE, HeaderName};
use axum::http::{HeaderMap, StatusCode};
use axum::middleware;
use axum::response::{Html, IntoResponse, Response};
use axum::routing::{get, post};
use jiff::{SignedDuration, Timestamp};
use noodle2_model::{AttemptId, CaseName, TrialId};
use noodle2_page::{
    Asset, CasePage, ComparePage, RunEntry, RunPage, RunsPage, TrialFilter, TrialPage, TrialsPage,
    answer_page, error_page, report,
};
use noodle2_telemetry::{OPEN_METRICS_TYPE, RunMetrics, open_metrics};
use serde::Deserialize;

use super::live::{LiveRun, Snapshot};
use super::{Desk, answer, guard, news};
use crate::catalogue::ListedRun;
use crate::commands::{best_maps, compared, ranked, reproduction};
use crate::left;
use crate::shell;

/// Events that a page shows at first.
const EVENTS: usize = 200;
/// The largest file that is sent.
const LARGEST: u64 = 256 << 20;

/// All addresses.
pub(super) fn router(desk: Desk) -> Router {
    Router::new()
        .route("/", get(runs))
        .route("/events", get(news_of_all))
        .route("/metrics", get(metrics))
        .route("/assets/{name}", get(asset))
        .route("/runs/{run}", get(run))
        .route("/runs/{run}/events", get(news_of_run))
        .route("/runs/{run}/trials", get(trials))
        .route("/runs/{run}/trials/{trial}", get(trial))
        .route("/runs/{run}/cases/{case}", get(case))
        .route("/runs/{run}/compare", get(compare))
        .route("/runs/{run}/report", get(report_of))
        .route("/runs/{run}/approve", post(approve))
        .route("/runs/{run}/files/{trial}/{number}/{*name}", get(file))
        .fallback(async || {
            nothing(
                "There is no such page.",
                "The runs are all on the first page.",
            )
        })
        .layer(middleware::from_fn_with_state(desk.clone(), guard::watch))
        .with_state(desk)
}

fn nothing(what: &str, help: &str) -> Response {
    (
        StatusCode::NOT_FOUND,
        Html(error_page("Nothing here", what, help)),
    )
        .into_response()
}

/// Does what reads files away from the threads that answer.
async fn apart(work: impl FnOnce() -> Response + Send + 'static) -> Response {
    let done = tokio::task::spawn_blocking(work).await;
    done.unwrap_or_else(|_| {
        let page = error_page(
            "Something went wrong",
            "The page could not be made.",
            "Please report this with its address.",
        );
        (StatusCode::INTERNAL_SERVER_ERROR, Html(page)).into_response()
    })
}

/// Shows something of a run as it is now.
async fn of_run(
    desk: Desk,
    name: String,
    show: impl FnOnce(&str, &LiveRun, &Snapshot) -> Option<Response> + Send + 'static,
) -> Response {
    apart(move || {
        let help = "The runs that can be shown are all on the first page.";
        let run = match desk.shelf.run(&name) {
            None => return nothing(&format!("There is no run `{name}`."), help),
            Some(Err(failure)) => return nothing(&failure.report.to_string(), help),
            Some(Ok(run)) => run,
        };
        match run.look() {
            Ok(snapshot) => show(&name, &run, &snapshot).unwrap_or_else(|| {
                nothing(
                    &format!("Run `{name}` has nothing of that name."),
                    "Its own page leads to all that it has.",
                )
            }),
            Err(trouble) => nothing(
                &format!("Run `{name}` cannot be shown: {trouble}"),
                "`noodle2 verify` says more.",
            ),
        }
    })
    .await
}

fn page(html: String) -> Option<Response> {
    Some(Html(html).into_response())
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Find {
    find: String,
}

async fn runs(State(desk): State<Desk>, Query(Find { find }): Query<Find>) -> Response {
    apart(move || {
        let listed = desk.shelf.glances();
        let tags: Vec<Vec<String>> = listed
            .iter()
            .map(|(_, run)| run.tags.iter().map(ToString::to_string).collect())
            .collect();
        let entry = |((name, run), tags): (&'_ (String, ListedRun), &'_ Vec<String>)| {
            let problem = run.problem.as_ref();
            let problem = problem.map_or("it cannot be read", |problem| &problem.message);
            (
                name.clone(),
                run.owner.clone(),
                tags.clone(),
                run.glance.clone().ok_or(problem.to_owned()),
            )
        };
        let told: Vec<_> = listed.iter().zip(&tags).map(entry).collect();
        let mut entries: Vec<RunEntry<'_>> = told
            .iter()
            .map(|(name, owner, tags, glance)| RunEntry {
                name,
                owner: owner.as_deref(),
                tags,
                glance: glance.as_ref().map_err(String::as_str),
            })
            .filter(|entry| entry.has(&find))
            .collect();
        entries
            .sort_by_key(|entry| Reverse(entry.glance.ok().and_then(|glance| glance.started_at)));
        let folder = desk.shelf.root().display().to_string();
        let runs = RunsPage {
            folder: &folder,
            runs: &entries,
            total: listed.len(),
            wanted: &find,
        };
        Html(runs.html()).into_response()
    })
    .await
}

/// What monitoring systems read: of runs that go on, and of those that ended within a day.
async fn metrics(State(desk): State<Desk>) -> Response {
    apart(move || {
        let since = Timestamp::now() - SignedDuration::from_hours(24);
        let recent = desk.shelf.glances().into_iter().filter(|(_, run)| {
            let glance = run.glance.as_ref();
            glance.is_some_and(|glance| !glance.status.has_ended() || glance.last_at > Some(since))
        });
        let runs = recent.filter_map(|(name, _)| {
            let seen = desk.shelf.run(&name)?.ok()?.look().ok()?;
            Some(RunMetrics::new(&name, &seen.history))
        });
        let runs: Vec<RunMetrics> = runs.collect();
        ([(CONTENT_TYPE, OPEN_METRICS_TYPE)], open_metrics(&runs)).into_response()
    })
    .await
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Sides {
    left: String,
    right: String,
    other: String,
}

async fn compare(
    State(desk): State<Desk>,
    Path(name): Path<String>,
    Query(sides): Query<Sides>,
) -> Response {
    let shelf = Arc::clone(&desk.shelf);
    of_run(desk, name, move |name, run, seen| {
        let other = if sides.other.is_empty() {
            name
        } else {
            &sides.other
        };
        let there = shelf.run(other)?.ok()?;
        let second = if other == name {
            None
        } else {
            Some(there.look().ok()?)
        };
        let histories = (
            &seen.history,
            second.as_ref().map_or(&seen.history, |seen| &seen.history),
        );
        let compared = compared(
            (run.path(), histories.0, &sides.left),
            (there.path(), histories.1, &sides.right),
        );
        let trouble = compared
            .as_ref()
            .err()
            .map(|failure| failure.report.to_string());
        let side = |run: &LiveRun, item: &str| match item.is_empty() {
            true => shell::word(run.path()),
            false => shell::word(std::path::Path::new(&format!(
                "{}:{item}",
                run.path().display()
            ))),
        };
        let command = format!(
            "noodle2 compare {} {}",
            side(run, &sides.left),
            side(&there, &sides.right)
        );
        let shown = ComparePage {
            name,
            history: &seen.history,
            other,
            runs: &shelf.names(),
            left: &sides.left,
            right: &sides.right,
            comparison: compared
                .as_ref()
                .map_err(|_| trouble.as_deref().unwrap_or_default()),
            ranked: &ranked(histories.0, histories.1),
            command: &command,
        };
        page(shown.html())
    })
    .await
}

async fn run(State(desk): State<Desk>, Path(name): Path<String>) -> Response {
    of_run(desk, name, |name, run, seen| {
        let shown = RunPage {
            name,
            history: &seen.history,
            summary: &seen.summary,
            seq: seen.seq,
            events: &run.latest(seen.seq, EVENTS),
            trouble: seen.trouble.as_deref(),
        };
        page(shown.html())
    })
    .await
}

async fn trials(
    State(desk): State<Desk>,
    Path(name): Path<String>,
    Query(filter): Query<TrialFilter>,
) -> Response {
    of_run(desk, name, move |name, _, seen| {
        let shown = TrialsPage {
            name,
            history: &seen.history,
            summary: &seen.summary,
            filter: &filter,
        };
        page(shown.html())
    })
    .await
}

async fn trial(State(desk): State<Desk>, Path((name, id)): Path<(String, String)>) -> Response {
    of_run(desk, name, move |name, run, seen| {
        let controller = seen.history.controller();
        let id: TrialId = id.parse().ok()?;
        if !id.is_base() && controller.trial(id).is_none() {
            return None;
        }
        let design = &controller.program().study().design.case_name;
        let attempts = controller.attempts().filter(|attempt| attempt.trial == id);
        let left: Vec<_> = attempts
            .filter_map(|attempt| left::of_attempt(run.folder(), design, attempt))
            .collect();
        let shown = TrialPage {
            name,
            history: &seen.history,
            summary: &seen.summary,
            trial: id,
            attempts: &left,
        };
        page(shown.html())
    })
    .await
}

async fn case(State(desk): State<Desk>, Path((name, case)): Path<(String, String)>) -> Response {
    of_run(desk, name, move |name, run, seen| {
        let controller = seen.history.controller();
        let case: CaseName = case.parse().ok()?;
        let case = controller.cases().get(&case)?;
        let design = &controller.program().study().design.case_name;
        let parent = case
            .parents
            .first()
            .and_then(|parent| controller.cases().get(parent));
        let kept = left::of_attempt(run.folder(), design, case.attempt);
        let maps = left::maps(run.folder(), &seen.history, case, parent);
        let slacks = parent
            .and_then(|parent| left::slacks(run.folder(), design, case.attempt, parent.attempt));
        let shown = CasePage {
            name,
            history: &seen.history,
            summary: &seen.summary,
            case,
            files: kept.as_ref(),
            maps: &maps,
            slacks: slacks.as_ref(),
        };
        page(shown.html())
    })
    .await
}

async fn report_of(State(desk): State<Desk>, Path(name): Path<String>) -> Response {
    of_run(desk, name, |_, run, seen| {
        page(report(
            &seen.history,
            &seen.summary,
            &reproduction(run.folder(), &seen.history),
            &best_maps(run.folder(), &seen.history),
        ))
    })
    .await
}

async fn file(
    State(desk): State<Desk>,
    Path((name, trial, number, file)): Path<(String, String, u32, String)>,
) -> Response {
    of_run(desk, name, move |_, run, seen| {
        let design = &seen.history.controller().program().study().design.case_name;
        let trial: TrialId = trial.parse().ok()?;
        let (opened, kind) = left::named(run.folder(), design, AttemptId { trial, number }, &file)?;
        let length = opened.metadata().ok()?.len();
        if length > LARGEST {
            let text = format!("`{file}` is too large for a browser: open it in the run's folder.");
            return Some((StatusCode::PAYLOAD_TOO_LARGE, text).into_response());
        }
        let mut bytes = Vec::new();
        std::io::Read::read_to_end(&mut &opened, &mut bytes).ok()?;
        // What a tool wrote is text to look at, never a page.
        let shown = match kind.starts_with("text/") || kind == "application/json" {
            true => "text/plain; charset=utf-8",
            false => "application/octet-stream",
        };
        Some(([(CONTENT_TYPE, shown)], bytes).into_response())
    })
    .await
}

async fn approve(
    State(desk): State<Desk>,
    Path(name): Path<String>,
    Form(form): Form<answer::Form>,
) -> Response {
    if !desk.guard.knows(&form.token) {
        let page = error_page(
            "The token is not right",
            "The answer was not given.",
            "The server printed the token when it began.",
        );
        return (StatusCode::FORBIDDEN, Html(page)).into_response();
    }
    of_run(desk, name, move |name, run, _| {
        let told = answer::give(run, &form);
        let page = answer_page(name, told.title, &told.text, "approvals");
        Some((told.status, Html(page)).into_response())
    })
    .await
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct After {
    after: u64,
}

async fn news_of_run(
    State(desk): State<Desk>,
    Path(name): Path<String>,
    Query(After { after }): Query<After>,
    headers: HeaderMap,
) -> Response {
    let Some(Ok(run)) = desk.shelf.run(&name) else {
        return nothing(
            &format!("There is no run `{name}`."),
            "The runs are all on the first page.",
        );
    };
    // A browser that comes back says what it had last; the address still says what the page had at first.
    let last = headers.get(HeaderName::from_static("last-event-id"));
    let last = last.and_then(|id| id.to_str().ok()?.parse().ok());
    news::of_run(run, last.unwrap_or(after)).into_response()
}

async fn news_of_all(State(desk): State<Desk>) -> Response {
    news::of_all(Arc::clone(&desk.shelf)).into_response()
}

async fn asset(Path(name): Path<String>) -> Response {
    match Asset::named(&name) {
        Some(asset) => ([(CONTENT_TYPE, asset.media_type())], asset.text()).into_response(),
        None => nothing(
            "There is no such file.",
            "The runs are all on the first page.",
        ),
    }
}
