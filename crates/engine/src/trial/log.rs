//! What `sta` remarks in its log.

use std::collections::BTreeSet;
use std::path::Path;

/// The most lines of a log that are shown with a failure.
pub const MAX_EXCERPT_LINES: usize = 20;

/// The most different warnings that are kept of one log.
const MAX_WARNINGS: usize = 100;

/// The end of the name of a step in which what was read before is read again.
const AGAIN: &str = " again";

/// The errors and warnings of a log, in order.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct LogRemarks {
    /// Lines that begin with `Error`, without that word.
    pub errors: Vec<Remark>,
    /// Lines that begin with `Warning`, without that word; equal ones once.
    pub warnings: Vec<Remark>,
    /// How many more different warnings there were.
    pub more_warnings: usize,
}

/// An error or a warning.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Remark {
    /// The step of the script in which it was printed.
    pub step: String,
    /// What it says, with file names in place of paths.
    pub text: String,
    /// The engine's number for it, where it has one.
    pub code: Option<String>,
}

impl LogRemarks {
    /// Finds the remarks of `log`. Paths of `files` are shortened to file names, so that remarks are the
    /// same wherever a study lies.
    pub fn read<'a>(log: &str, files: impl IntoIterator<Item = &'a Path>) -> Self {
        let names: Vec<(String, String)> = files
            .into_iter()
            .filter_map(|path| {
                let name = path.file_name()?.to_str()?;
                Some((path.to_str()?.to_owned(), name.to_owned()))
            })
            .collect();
        let mut remarks = Self::default();
        let mut more: BTreeSet<Remark> = BTreeSet::new();
        let mut step = "start";
        let mut known_design = false;
        for line in log.lines() {
            if let Some(name) = line.strip_prefix("noodle2: ") {
                step = name.strip_suffix(AGAIN).unwrap_or(name);
                // The engine remarks on a design that it wrote itself what it remarked on the one that it had read.
                known_design = step != name && matches!(step, "netlist" | "link");
            }
            let remark = |(code, text): (Option<String>, &str)| Remark {
                step: step.to_owned(),
                text: names.iter().fold(text.to_owned(), |text, (path, name)| {
                    text.replace(path, name)
                }),
                code,
            };
            if let Some(found) = split(line, "Error", "[ERROR ") {
                remarks.errors.push(remark(found));
            } else if let Some(found) = split(line, "Warning", "[WARNING ") {
                let found = remark(found);
                if known_design || remarks.warnings.contains(&found) {
                    continue;
                }
                if remarks.warnings.len() < MAX_WARNINGS {
                    remarks.warnings.push(found);
                } else {
                    more.insert(found);
                }
            }
        }
        remarks.more_warnings = more.len();
        remarks
    }

    /// The lines of a log that show best what went wrong: its errors, else its end.
    pub fn excerpt(log: &str) -> String {
        let errors: Vec<&str> = log
            .lines()
            .filter(|line| split(line, "Error", "[ERROR ").is_some())
            .take(MAX_EXCERPT_LINES)
            .collect();
        if !errors.is_empty() {
            return errors.join("\n");
        }
        let lines: Vec<&str> = log.lines().collect();
        lines[lines.len().saturating_sub(MAX_EXCERPT_LINES)..].join("\n")
    }
}

/// The code and text of a line such as `Error: text`, `Error 12: text` or `[ERROR STA-0012] text`.
fn split<'a>(line: &'a str, word: &str, bracket: &str) -> Option<(Option<String>, &'a str)> {
    if let Some(rest) = line.strip_prefix(bracket) {
        let (code, text) = rest.split_once(']')?;
        return Some((Some(code.to_owned()), text.trim()));
    }
    let (head, text) = line.strip_prefix(word)?.split_once(':')?;
    let number = head.trim();
    if !number.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let code = (!number.is_empty()).then(|| format!("STA-{number:0>4}"));
    Some((code, text.trim()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn remarks_of_old_and_new_engines_are_found_with_their_step() {
        let log = "noodle2: libraries\nError: cannot read file /a/b/x.lib.\nnoodle2: link\n\
            Warning: /a/b/x.v, line 382 module Z not found.\nWarning: /a/b/x.v, line 382 module Z not found.\n\
            Error 12: odd\n[ERROR STA-0340] newer\nErrors are bad: no remark\nwns 0.00\n";
        let remarks = LogRemarks::read(log, [Path::new("/a/b/x.lib"), Path::new("/a/b/x.v")]);
        let error = |step: &str, text: &str, code: Option<&str>| Remark {
            step: step.to_owned(),
            text: text.to_owned(),
            code: code.map(str::to_owned),
        };
        assert_eq!(
            remarks.errors,
            [
                error("libraries", "cannot read file x.lib.", None),
                error("link", "odd", Some("STA-0012")),
                error("link", "newer", Some("STA-0340")),
            ]
        );
        assert_eq!(remarks.warnings.len(), 1);
        assert_eq!(
            remarks.warnings[0].text,
            "x.v, line 382 module Z not found."
        );
    }
}
