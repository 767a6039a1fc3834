//! The pages of `docs/` and the README: their commands run, their links lead somewhere, each page is in the book, and
//! the reference is what the code gives.
//!
//! A page is a test. What stands in its blocks marked `sh` is run in their order by one shell, with the real `noodle2` and
//! the real engine, from where the page says that it starts:
//!
//! ```text
//! > Commands start from: `noodle2 init demo --template branching && cd demo`
//! ```
//!
//! or else from an empty folder. A block of `text` right after one of `sh` is what it prints: its lines come in that order,
//! and `…` stands for anything. A block that no test can run says why, by a reason of the list below:
//! `sh,untested: needs a Ray cluster`.

mod book;

use std::path::Path;
use std::process::Command;

use book::{Block, Page};
use libtest_mimic::{Arguments, Failed, Trial};

/// Why the commands of a block cannot be run here.
const REASONS: &[&str] = &[
    "builds Noodle 2",
    "changes this machine",
    "needs OpenROAD",
    "needs a Ray cluster",
    "needs a collector of traces",
    "needs a repository's service",
    "needs libraries that are not ours to ship",
    "never ends by itself",
];

fn main() {
    let arguments = Arguments::from_args();
    let pages = book::pages();
    let mut trials: Vec<Trial> = Vec::new();
    for page in &pages {
        let of_page = page.clone();
        let all = pages.clone();
        trials.push(Trial::test(format!("links of {}", page.name), move || {
            links(&of_page, &all)
        }));
        let of_page = page.clone();
        trials.push(Trial::test(format!("blocks of {}", page.name), move || {
            blocks(&of_page)
        }));
        if !page.commands().is_empty() {
            let of_page = page.clone();
            trials.push(Trial::test(
                format!("commands of {}", page.name),
                move || commands(&of_page),
            ));
        }
    }
    trials.push(Trial::test("every page is in the book", move || {
        contents(&pages)
    }));
    trials.push(Trial::test(
        "the reference is what the code gives",
        reference,
    ));
    trials.push(Trial::test(
        "the README has the exit statuses of the help",
        exit_statuses,
    ));
    trials.push(Trial::test(
        "what is wrong with a page is found",
        broken_pages,
    ));
    libtest_mimic::run(&arguments, trials).exit();
}

/// Every link leads to a file that is there, and to a heading that it has.
fn links(page: &Page, pages: &[Page]) -> Result<(), Failed> {
    let problems = broken_links(page, pages);
    fail_on(&problems)
}

fn broken_links(page: &Page, pages: &[Page]) -> Vec<String> {
    let mut problems = Vec::new();
    for link in &page.links {
        if link.contains("://") || link.starts_with("mailto:") {
            continue;
        }
        let (file, anchor) = link.split_once('#').unwrap_or((link, ""));
        let path = match file {
            "" => page.path.clone(),
            file => page.path.with_file_name("").join(file),
        };
        let Ok(path) = path.canonicalize() else {
            problems.push(format!("`{link}` leads to no file"));
            continue;
        };
        if anchor.is_empty() {
            continue;
        }
        let target = if file.is_empty() {
            Some(page)
        } else {
            pages.iter().find(|page| page.path == path)
        };
        if !target.is_some_and(|target| target.anchors.iter().any(|known| known == anchor)) {
            problems.push(format!("`{link}` leads to no heading"));
        }
    }
    problems
}

/// Commands are where they are run, or say why they are not.
fn blocks(page: &Page) -> Result<(), Failed> {
    fail_on(&odd_blocks(page))
}

fn odd_blocks(page: &Page) -> Vec<String> {
    let mut problems = Vec::new();
    for Block { line, info, text } in &page.blocks {
        match info.as_str() {
            "sh" => {}
            "bash" | "shell" | "console" => {
                problems.push(format!(
                    "line {line}: mark commands by `sh`, not by `{info}`"
                ));
            }
            _ => {
                if let Some(reason) = info.strip_prefix("sh,") {
                    let reason = reason.strip_prefix("untested: ");
                    if !reason.is_some_and(|reason| REASONS.contains(&reason)) {
                        problems.push(format!(
                            "line {line}: `{info}` gives none of the reasons that are known: {REASONS:?}"
                        ));
                    }
                }
                let first = text.lines().next().unwrap_or_default();
                if info.is_empty() && first.starts_with("noodle2 ") && !first.contains('─') {
                    problems.push(format!("line {line}: mark these commands by `sh`"));
                }
            }
        }
    }
    problems
}

/// The commands of a page do what it says.
fn commands(page: &Page) -> Result<(), Failed> {
    let folder = tempfile::tempdir()?;
    let place = folder.path().join("place");
    let told = folder.path().join("told");
    let home = folder.path().join("home");
    for made in [&place, &told, &home] {
        std::fs::create_dir(made)?;
    }
    let mut script = String::from("set -euo pipefail\n");
    script += &format!("{{ {}\n}} > \"$TOLD/start\" 2>&1\n", page.start);
    let commands = page.commands();
    for (number, (block, _)) in commands.iter().enumerate() {
        script += &format!("{{\n{}}} > \"$TOLD/{number}\" 2>&1\n", block.text);
    }
    let program = Path::new(env!("CARGO_BIN_EXE_noodle2"));
    let path = std::env::var("PATH").unwrap_or_default();
    let path = format!("{}:{path}", program.with_file_name("").display());
    let ended = Command::new("bash")
        .args(["-c", &script])
        .current_dir(&place)
        .env("PATH", path)
        .env("TOLD", &told)
        .env("HOME", &home)
        .env("NO_COLOR", "1")
        .env_remove("XDG_CACHE_HOME")
        .env_remove("XDG_DATA_HOME")
        .env_remove("NOODLE2_CACHE")
        .env_remove("NOODLE2_PRIORS")
        .stdin(std::process::Stdio::null())
        .output()?;
    let read = |name: &str| std::fs::read_to_string(told.join(name)).ok();
    if !ended.status.success() {
        let last = (0..commands.len()).rev().find_map(|number| {
            let said = read(&number.to_string())?;
            Some(format!("line {}: {said}", commands[number].0.line))
        });
        let last = last.or_else(|| Some(format!("{}: {}", page.start, read("start")?)));
        let shell = String::from_utf8_lossy(&ended.stderr);
        return Err(format!("{}: {}{shell}", ended.status, last.unwrap_or_default()).into());
    }
    let mut problems = Vec::new();
    for (number, (block, output)) in commands.iter().enumerate() {
        let said = read(&number.to_string()).unwrap_or_default();
        if let Some(missing) = output.and_then(|output| book::missing_line(&output.text, &said)) {
            problems.push(format!(
                "line {}: `{missing}` was not printed, or not in that place, but:\n{said}",
                block.line
            ));
        }
    }
    fail_on(&problems)
}

/// Every page can be found in the table of contents of the book.
fn contents(pages: &[Page]) -> Result<(), Failed> {
    let summary = pages.iter().find(|page| page.name == "docs/SUMMARY.md");
    let summary = summary.ok_or("there is no docs/SUMMARY.md")?;
    let is_listed = |page: &&Page| {
        let name = page.name.strip_prefix("docs/").unwrap_or(&page.name);
        summary.links.iter().any(|link| link == name)
    };
    let in_book = |page: &&Page| page.name.starts_with("docs/") && page.name != summary.name;
    let lost: Vec<String> = (pages.iter())
        .filter(in_book)
        .filter(|page| !is_listed(page))
        .map(|page| format!("`{}` is not in docs/SUMMARY.md", page.name))
        .collect();
    fail_on(&lost)
}

/// The pages of the reference are those that `make reference` writes.
fn reference() -> Result<(), Failed> {
    let ended = Command::new(env!("CARGO_BIN_EXE_noodle2"))
        .args(["reference", "--check"])
        .arg(book::root().join("docs/reference"))
        .output()?;
    match ended.status.success() {
        true => Ok(()),
        false => Err(String::from_utf8_lossy(&ended.stderr).into_owned().into()),
    }
}

/// What scripts rely on is told in one way, in the help and in the README.
fn exit_statuses() -> Result<(), Failed> {
    let ended = Command::new(env!("CARGO_BIN_EXE_noodle2"))
        .arg("--help")
        .output()?;
    let help = String::from_utf8(ended.stdout)?;
    let (_, statuses) = help
        .split_once("Exit status:\n")
        .ok_or("the help has no exit statuses")?;
    let statuses = statuses.lines().map(str::trim);
    let statuses: Vec<&str> = statuses.take_while(|line| !line.is_empty()).collect();
    let told = format!("Exit statuses: {}.", statuses.join("; "));
    let readme = std::fs::read_to_string(book::root().join("README.md"))?;
    let readme = readme.split_whitespace().collect::<Vec<_>>().join(" ");
    match readme.contains(&told) {
        true => Ok(()),
        false => Err(format!("the README does not say: {told}").into()),
    }
}

/// The guards above see what they are there for.
fn broken_pages() -> Result<(), Failed> {
    let page = |text: &str| Page::of("docs/index.md", book::root().join("docs/index.md"), text);
    let broken = page("[a](none.md) and [b](#nowhere)\n\n# Here\n\n[c](#here)\n");
    let links = broken_links(&broken, &[]);
    if links.len() != 2 {
        return Err(format!("{links:?}").into());
    }
    let odd = page(
        "```console\n$ noodle2\n```\n```\nnoodle2 run\n```\n```sh,untested: no time\nx\n```\n",
    );
    let odd = odd_blocks(&odd);
    if odd.len() != 3 {
        return Err(format!("{odd:?}").into());
    }
    if commands(&page("```sh\nfalse\n```\n")).is_ok() {
        return Err("a command that fails was not found".into());
    }
    if commands(&page("```sh\necho one\n```\n```text\ntwo\n```\n")).is_ok() {
        return Err("other output was not found".into());
    }
    commands(&page(
        "```sh\necho one; echo two\n```\n```text\n…\nt…o\n```\n",
    ))
}

fn fail_on(problems: &[String]) -> Result<(), Failed> {
    match problems.is_empty() {
        true => Ok(()),
        false => Err(problems.join("\n").into()),
    }
}
