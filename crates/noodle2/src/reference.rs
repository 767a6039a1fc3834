//! The reference of the book, made from the code: commands, study files, codes, metrics, failures, events.
//!
//! Owns what its pages look like. Never holds a text of its own that the code has too: a page that is wrong is
//! corrected where the code says it.

mod commands;
mod events;
mod schema;
mod tables;

/// A page: its file name, and its text.
type Page = (&'static str, String);

/// What stands under the title of each page.
const ORIGIN: &str = "*Made from the code by `make reference`; corrected there, never here.*";

/// Every page of the reference.
pub(crate) fn pages() -> Vec<Page> {
    vec![
        ("commands.md", commands::page()),
        ("study.md", schema::study_page()),
        ("codes.md", tables::codes()),
        ("metrics.md", tables::metrics()),
        ("failures.md", tables::failures()),
        ("events.md", events::events()),
    ]
}

/// A page with its title and first words.
fn page(title: &str, about: &str, body: &str) -> String {
    let body = body.trim_end();
    format!("# {title}\n\n{ORIGIN}\n\n{about}\n\n{body}\n")
}

/// Text as a cell of a table, in one line.
fn cell(text: &str) -> String {
    let words: Vec<&str> = text.split_whitespace().collect();
    plain(&words.join(" ")).replace('|', "\\|")
}

/// Text in which angle brackets are no tags, but for what stands between backticks, where nothing is.
fn plain(text: &str) -> String {
    let parts = text.split('`').enumerate();
    let parts: Vec<String> = parts
        .map(|(index, part)| match index % 2 {
            0 => part.replace('<', "\\<"),
            _ => part.to_owned(),
        })
        .collect();
    parts.join("`")
}

/// A row of a table.
fn row(cells: &[&str]) -> String {
    let cells: Vec<String> = cells.iter().map(|text| cell(text)).collect();
    format!("| {} |\n", cells.join(" | "))
}

/// The first rows of a table.
fn head(columns: &[&str]) -> String {
    let line = vec!["---"; columns.len()];
    format!("{}| {} |\n", row(columns), line.join(" | "))
}
