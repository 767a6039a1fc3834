//! `noodle2 export` of real runs, read by real pandas and DuckDB.
#![allow(clippy::print_stderr, reason = "a skipped test says so out loud")]

mod support;

use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;
use support::{completes, ends, journal, run, summary, template, text};

/// The Python that has pandas and DuckDB; `scripts/tables.sh` brings it.
fn python() -> Option<PathBuf> {
    let found = Path::new(env!("CARGO_BIN_EXE_noodle2"))
        .ancestors()
        .map(|folder| folder.join("tables/bin/python"))
        .find(|path| path.exists());
    if found.is_none() {
        eprintln!("SKIPPED: pandas and DuckDB are not there: please run scripts/tables.sh");
    }
    found
}

/// Prints, as JSON, what each reader finds in each table: rows, types, and a sum.
const READ: &str = r#"
import json, sys
import duckdb, pandas
folder, told = sys.argv[1], {}
for ending in ["csv", "ndjson"]:
    for name in ["trials", "cases", "stages", "ecos", "attempts", "metrics", "events"]:
        path = f"{folder}/{name}.{ending}"
        if ending == "csv":
            frame = pandas.read_csv(path)
        else:
            frame = pandas.read_json(path, lines=True)
        types = duckdb.sql(f"describe select * from '{path}'").fetchall()
        told[f"{name}.{ending}"] = {
            "pandas_rows": len(frame),
            "duckdb_rows": duckdb.sql(f"select count(*) from '{path}'").fetchall()[0][0],
            "pandas": {column: str(kind) for column, kind in frame.dtypes.items()},
            "duckdb": {row[0]: row[1] for row in types},
            "missing": {column: int(frame[column].isna().sum()) for column in frame},
            "sums": {column: float(frame[column].sum()) for column in frame.select_dtypes("number")},
        }
    query = f"select sum(cpu_s), min(started_at)::varchar from '{folder}/attempts.{ending}'"
    told[f"query.{ending}"] = duckdb.sql(query).fetchall()[0]
    best = f"select \"case\", setup_wns_ps from '{folder}/cases.{ending}' where best"
    told[f"best.{ending}"] = duckdb.sql(best).fetchall()[0]
print(json.dumps(told))
"#;

fn near(found: &Value, wanted: &Value) {
    let (found, wanted) = (found.as_f64().unwrap(), wanted.as_f64().unwrap());
    assert!(
        (found - wanted).abs() <= 1e-9 * wanted.abs().max(1.0),
        "{found}, not {wanted}"
    );
}

#[test]
fn pandas_and_duckdb_read_every_table_as_it_is() {
    let Some(python) = python() else { return };
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("first");
    completes(&template(folder.path(), "branching"), &out);
    let tables = folder.path().join("tables");
    for format in ["csv", "ndjson"] {
        ends(
            0,
            &[
                "export",
                text(&out),
                "--to",
                text(&tables),
                "--format",
                format,
            ],
        );
    }
    let output = Command::new(python)
        .args(["-c", READ, text(&tables)])
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let told: Value = serde_json::from_slice(&output.stdout).unwrap();

    let summary = summary(&out);
    let attempts = journal(&out)
        .iter()
        .filter(|record| record["event"]["type"] == "attempt_finished")
        .count();
    let rows = |name: &str| match name {
        "trials" => summary["trials_total"].as_u64(),
        "stages" => Some(summary["stages"].as_array().unwrap().len() as u64),
        "ecos" => Some(summary["ecos"].as_array().unwrap().len() as u64),
        "attempts" => Some(attempts as u64),
        "events" => Some(journal(&out).len() as u64),
        _ => None,
    };
    for ending in ["csv", "ndjson"] {
        for name in [
            "trials", "cases", "stages", "ecos", "attempts", "metrics", "events",
        ] {
            let table = &told[format!("{name}.{ending}")];
            assert_eq!(
                table["pandas_rows"], table["duckdb_rows"],
                "{name}.{ending}"
            );
            if let Some(rows) = rows(name) {
                assert_eq!(table["pandas_rows"], rows, "{name}.{ending}");
            }
        }
        let table = |name: &str| &told[format!("{name}.{ending}")];
        let attempts = table("attempts");
        assert_eq!(attempts["duckdb"]["started_at"], "TIMESTAMP WITH TIME ZONE");
        assert_eq!(attempts["duckdb"]["number"], "BIGINT");
        assert_eq!(attempts["duckdb"]["cached"], "BOOLEAN");
        assert_eq!(attempts["pandas"]["cpu_s"], "float64");
        assert_eq!(attempts["pandas"]["cached"], "bool");
        // No name is taken for a number.
        for (name, column) in [
            ("attempts", "attempt"),
            ("attempts", "case"),
            ("trials", "case"),
        ] {
            assert_eq!(table(name)["pandas"][column], "str", "{name}.{column}");
            assert_eq!(table(name)["duckdb"][column], "VARCHAR", "{name}.{column}");
        }
        near(&attempts["sums"]["cpu_s"], &summary["cpu_s"]);
        near(&attempts["sums"]["disk_bytes"], &summary["disk_bytes"]);
        near(&told[format!("query.{ending}")][0], &summary["cpu_s"]);
        let of_stages: u64 = summary["stages"]
            .as_array()
            .unwrap()
            .iter()
            .map(|stage| stage["failures"].as_u64().unwrap())
            .sum();
        assert_eq!(
            table("stages")["sums"]["failures"].as_f64(),
            Some(of_stages as f64)
        );
        let tries = table("ecos")["sums"]["tries"].as_f64();
        assert_eq!(
            tries,
            summary["trials_run"].as_u64().map(|count| count as f64)
        );
        // The base case has no stage; what a netlist without wires has no value of is missing, and no 0.
        let cases = table("cases");
        assert_eq!(cases["missing"]["stage"], 1);
        assert_eq!(cases["missing"]["setup_wns_ps"], 0);
        assert_eq!(cases["missing"]["routing_overflow"], cases["pandas_rows"]);
        let best = &told[format!("best.{ending}")];
        assert_eq!(best[0], summary["best"]["case"]);
        assert_eq!(best[1], summary["best"]["metrics"]["setup_wns_ps"]);
    }
}

#[test]
fn names_of_metrics21_carry_values_in_their_units() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("first");
    completes(&template(folder.path(), "sequential"), &out);
    let to = folder.path().join("metrics");
    ends(
        0,
        &[
            "export",
            text(&out),
            "--to",
            text(&to),
            "--format",
            "metrics21",
            "--stage",
            "cts",
        ],
    );
    let summary = summary(&out);
    let case = summary["best"]["case"].as_str().unwrap();
    let file = std::fs::read(to.join(format!("{case}.metrics.json"))).unwrap();
    let values: Value = serde_json::from_slice(&file).unwrap();
    let slack = summary["best"]["metrics"]["setup_ws_ps"].as_f64().unwrap() / 1000.0;
    near(&values["cts__timing__setup__ws"], &Value::from(slack));
    let area = &summary["best"]["metrics"]["area_um2"];
    near(&values["cts__design__instance__area"], area);
}

#[test]
fn what_cannot_be_exported_is_refused_and_nothing_is_written() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("first");
    completes(&template(folder.path(), "sequential"), &out);
    let to = folder.path().join("tables");
    for (arguments, code) in [
        (
            vec!["--to", text(&to), "--tables", "trials,nothing"],
            "N2-EXPORT-001",
        ),
        (vec!["--to", text(&to), "--stage", "cts"], "N2-EXPORT-001"),
        (vec!["--to", text(&out)], "N2-EXPORT-002"),
        (
            vec!["--to", text(&out), "--format", "ndjson"],
            "N2-EXPORT-002",
        ),
    ] {
        let arguments = [vec!["export", text(&out)], arguments].concat();
        let (status, _, stderr) = run(&arguments);
        assert_eq!(status, 2, "{arguments:?}: {stderr}");
        assert!(stderr.contains(code), "{stderr}");
    }
    assert!(!to.exists());
    // A file that stands where the folder is to be.
    std::fs::write(&to, "mine").unwrap();
    let (status, _, stderr) = run(&["export", text(&out), "--to", text(&to)]);
    assert_eq!(status, 6);
    assert!(stderr.contains("N2-EXPORT-003"), "{stderr}");
    assert_eq!(std::fs::read(&to).unwrap(), b"mine");
}
