//! `noodle2 export`: a run as tables for other programs. Rows go to disk as they are made.

use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use noodle2_openroad::metrics_of;
use noodle2_store::{RunFolder, fold_journal};
use noodle2_view::{Cell, Column, ExportTable, History, count_text};
use serde::Serializer as _;
use serde::ser::SerializeMap;
use tempfile::NamedTempFile;

use crate::cli::{ExportFormat, ExportOption};
use crate::commands::inspect::look_at;
use crate::exit::{CommandFailure, Exit};
use crate::print;

/// Picoseconds of a time of 1 in METRICS2.1 as LibreLane and OpenROAD-flow-scripts write it: nanoseconds.
const METRICS21_TIME_PS: f64 = 1000.0;

/// `noodle2 export`.
pub(crate) fn export(option: &ExportOption) -> Result<Exit, CommandFailure> {
    let tables = tables(option)?;
    let (folder, history) = look_at(&option.run)?;
    refuse_run_folder(&option.to)?;
    std::fs::create_dir_all(&option.to).map_err(|error| unwritten(&option.to, error))?;
    let written = match option.format {
        ExportFormat::Metrics21 => {
            let cases = metrics21(&history, option)?;
            vec![format!("{} of METRICS2.1", count_text(cases, "file"))]
        }
        _ => {
            let mut written = Vec::new();
            for table in tables {
                let (path, rows) = write_table(table, &folder, &history, option)?;
                written.push(format!("{}: {}", path.display(), count_text(rows, "row")));
            }
            written
        }
    };
    print::talk(&written.join("\n"));
    Ok(Exit::Done)
}

/// The tables that are asked for, each once; all unless some are named.
fn tables(option: &ExportOption) -> Result<Vec<ExportTable>, CommandFailure> {
    let usage = |text: String, help: String| {
        Err(CommandFailure::new(
            Exit::Usage,
            "N2-EXPORT-001",
            text,
            help,
        ))
    };
    let is_metrics21 = option.format == ExportFormat::Metrics21;
    if is_metrics21 && !option.tables.is_empty() {
        let help = "leave --tables out, or choose another --format";
        return usage("METRICS2.1 has no tables".to_owned(), help.to_owned());
    }
    if !is_metrics21 && option.stage.is_some() {
        let help = "leave it out, or add --format metrics21";
        return usage(
            "--stage is for METRICS2.1 alone".to_owned(),
            help.to_owned(),
        );
    }
    let known = |name: &String| ExportTable::ALL.iter().any(|table| table.name() == name);
    let unknown: Vec<&String> = option.tables.iter().filter(|name| !known(name)).collect();
    if !unknown.is_empty() {
        let unknown: Vec<String> = unknown.iter().map(|name| format!("`{name}`")).collect();
        let names: Vec<&str> = ExportTable::ALL.iter().map(|table| table.name()).collect();
        let text = format!("a run has no table {}", unknown.join(", "));
        return usage(text, format!("the tables are {}", names.join(", ")));
    }
    let wanted = |table: &ExportTable| {
        option.tables.is_empty() || option.tables.iter().any(|name| name == table.name())
    };
    Ok(ExportTable::ALL.into_iter().filter(wanted).collect())
}

/// Nothing is written into a run folder: it holds its record and nothing else.
fn refuse_run_folder(to: &Path) -> Result<(), CommandFailure> {
    let absolute = std::path::absolute(to).unwrap_or_else(|_| to.to_owned());
    let inside = absolute.ancestors();
    match { inside }.find(|folder| RunFolder::open(folder).is_ok()) {
        None => Ok(()),
        Some(run) => Err(CommandFailure::new(
            Exit::Usage,
            "N2-EXPORT-002",
            format!(
                "`{}` lies in the run folder `{}`",
                to.display(),
                run.display()
            ),
            "name a folder outside of it: a run folder holds its own record alone".to_owned(),
        )),
    }
}

fn unwritten(path: &Path, error: impl std::fmt::Display) -> CommandFailure {
    CommandFailure::new(
        Exit::Stopped,
        "N2-EXPORT-003",
        format!("`{}` cannot be written: {error}", path.display()),
        "name a folder that may be written to and has room; files that were finished before are whole"
            .to_owned(),
    )
}

/// A file that appears whole or not at all.
struct Target {
    file: BufWriter<NamedTempFile>,
    path: PathBuf,
}

impl Target {
    fn new(folder: &Path, name: &str) -> Result<Self, CommandFailure> {
        let path = folder.join(name);
        let file = tempfile::Builder::new()
            .prefix(".noodle2-tmp-")
            .permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666))
            .tempfile_in(folder);
        let file = BufWriter::new(file.map_err(|error| unwritten(&path, error))?);
        Ok(Self { file, path })
    }

    fn finish(self) -> Result<PathBuf, CommandFailure> {
        let Self { file, path } = self;
        let file = file.into_inner();
        let file = file.map_err(|error| unwritten(&path, error.error()))?;
        let persisted = file.persist(&path);
        persisted.map_err(|error| unwritten(&path, error.error))?;
        Ok(path)
    }
}

/// Writes a table and returns its file and how many rows that has.
fn write_table(
    table: ExportTable,
    folder: &RunFolder,
    history: &History,
    option: &ExportOption,
) -> Result<(PathBuf, usize), CommandFailure> {
    let columns = table.columns();
    let ending = match option.format {
        ExportFormat::Csv => "csv",
        ExportFormat::Ndjson => "ndjson",
        _ => "json",
    };
    let mut target = Target::new(&option.to, &format!("{}.{ending}", table.name()))?;
    let path = target.path.clone();
    let failed = |error: io::Error| unwritten(&path, error);
    let mut sink: Box<dyn RowSink> = match option.format {
        ExportFormat::Csv => Box::new(CsvSink::new(&mut target.file, &columns).map_err(failed)?),
        format => Box::new(JsonSink {
            file: &mut target.file,
            columns: &columns,
            is_array: format == ExportFormat::Json,
            rows: 0,
        }),
    };
    let mut rows = 0;
    let mut take = |row: Vec<Cell>| {
        rows += 1;
        sink.row(&row)
    };
    if table == ExportTable::Events {
        let design = &history.controller().program().study().design.case_name;
        let mut result = Ok(());
        fold_journal(&folder.journal(), |record| {
            if result.is_ok() {
                result = take(ExportTable::event_row(
                    record.seq,
                    record.at,
                    &record.event,
                    design,
                ));
            }
        })?;
        result
    } else {
        table.rows(history, take)
    }
    .and_then(|()| sink.end())
    .map_err(failed)?;
    drop(sink);
    Ok((target.finish()?, rows))
}

/// A table as CSV; [`ExportTable::Events`], of which a history knows nothing, has no rows.
pub(crate) fn csv_text(table: ExportTable, history: &History) -> io::Result<Vec<u8>> {
    let mut text = Vec::new();
    let mut sink = CsvSink::new(&mut text, &table.columns())?;
    table.rows(history, |row| sink.row(&row))?;
    sink.end()?;
    drop(sink);
    Ok(text)
}

/// What takes the rows of a table one after the other.
trait RowSink {
    fn row(&mut self, cells: &[Cell]) -> io::Result<()>;
    fn end(&mut self) -> io::Result<()>;
}

struct CsvSink<W: Write> {
    writer: csv::Writer<W>,
}

impl<W: Write> CsvSink<W> {
    fn new(to: W, columns: &[Column]) -> io::Result<Self> {
        let mut writer = csv::WriterBuilder::new()
            .terminator(csv::Terminator::CRLF)
            .from_writer(to);
        writer.write_record(columns.iter().map(|column| column.name))?;
        Ok(Self { writer })
    }
}

impl<W: Write> RowSink for CsvSink<W> {
    fn row(&mut self, cells: &[Cell]) -> io::Result<()> {
        Ok(self.writer.write_record(cells.iter().map(Cell::text))?)
    }

    fn end(&mut self) -> io::Result<()> {
        self.writer.flush()
    }
}

struct JsonSink<'a> {
    file: &'a mut BufWriter<NamedTempFile>,
    columns: &'a [Column],
    is_array: bool,
    rows: usize,
}

impl RowSink for JsonSink<'_> {
    fn row(&mut self, cells: &[Cell]) -> io::Result<()> {
        if self.is_array {
            let before = if self.rows == 0 { "[\n" } else { ",\n" };
            self.file.write_all(before.as_bytes())?;
        }
        self.rows += 1;
        let mut writer = serde_json::Serializer::new(&mut *self.file);
        let mut object = writer.serialize_map(Some(cells.len()))?;
        for (column, cell) in self.columns.iter().zip(cells) {
            object.serialize_entry(column.name, cell)?;
        }
        object.end()?;
        match self.is_array {
            true => Ok(()),
            false => self.file.write_all(b"\n"),
        }
    }

    fn end(&mut self) -> io::Result<()> {
        match (self.is_array, self.rows) {
            (false, _) => Ok(()),
            (true, 0) => self.file.write_all(b"[]\n"),
            (true, _) => self.file.write_all(b"\n]\n"),
        }
    }
}

/// Writes the metrics of each case that counts under their names in METRICS2.1; returns how many files.
fn metrics21(history: &History, option: &ExportOption) -> Result<usize, CommandFailure> {
    let cases = history.controller().cases();
    for case in cases.values() {
        let (overall, scenes) = (&case.measurement.overall, &case.measurement.scenes);
        let values = metrics_of(overall, scenes, option.stage.as_deref(), METRICS21_TIME_PS);
        let mut target = Target::new(&option.to, &format!("{}.metrics.json", case.name))?;
        let path = target.path.clone();
        let written = serde_json::to_writer_pretty(&mut target.file, &values);
        written.map_err(|error| unwritten(&path, error))?;
        target
            .file
            .write_all(b"\n")
            .map_err(|error| unwritten(&path, error))?;
        target.finish()?;
    }
    Ok(cases.len())
}
