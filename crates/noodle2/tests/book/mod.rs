//! Reading the pages of the book: headings, links, blocks of commands.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use pulldown_cmark::{CodeBlockKind, Event, Options, Parser, Tag, TagEnd};

/// How the line begins that says where the commands of a page start.
const START: &str = "> Commands start from: `";

/// A block of code.
#[derive(Clone)]
pub struct Block {
    /// The line that it begins in, from 1.
    pub line: usize,
    /// What stands behind its fence.
    pub info: String,
    pub text: String,
}

/// A page of Markdown.
#[derive(Clone)]
pub struct Page {
    /// Its path from the root of the project.
    pub name: String,
    pub path: PathBuf,
    /// What its links and pictures lead to.
    pub links: Vec<String>,
    /// The names of its headings.
    pub anchors: Vec<String>,
    pub blocks: Vec<Block>,
    /// The command that brings about what its commands start from.
    pub start: String,
}

/// The root of the project.
pub fn root() -> PathBuf {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    root.canonicalize().unwrap()
}

/// The pages of the book, and those beside it.
pub fn pages() -> Vec<Page> {
    let root = root();
    let mut paths = vec!["README.md", "ARCHITECTURE.md", "CONTRIBUTING.md"]
        .into_iter()
        .map(|name| root.join(name))
        .collect::<Vec<_>>();
    let mut folders = vec![root.join("docs")];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|ending| ending == "md") {
                paths.push(path);
            }
        }
    }
    paths.sort();
    let page = |path: PathBuf| {
        let name = path.strip_prefix(&root).unwrap().display().to_string();
        let text = fs::read_to_string(&path).unwrap();
        Page::of(&name, path, &text)
    };
    paths.into_iter().map(page).collect()
}

impl Page {
    pub fn of(name: &str, path: PathBuf, text: &str) -> Self {
        let mut page = Self {
            name: name.to_owned(),
            path,
            links: Vec::new(),
            anchors: Vec::new(),
            blocks: Vec::new(),
            start: "true".to_owned(),
        };
        let start = text.lines().find_map(|line| line.strip_prefix(START));
        if let Some((start, _)) = start.and_then(|line| line.split_once('`')) {
            page.start = start.to_owned();
        }
        let mut seen: BTreeMap<String, usize> = BTreeMap::new();
        let mut heading: Option<String> = None;
        let mut block: Option<Block> = None;
        let options = Options::ENABLE_TABLES | Options::ENABLE_STRIKETHROUGH;
        for (event, range) in Parser::new_ext(text, options).into_offset_iter() {
            match event {
                Event::Start(Tag::Link { dest_url, .. } | Tag::Image { dest_url, .. }) => {
                    page.links.push(dest_url.to_string());
                }
                Event::Start(Tag::Heading { .. }) => heading = Some(String::new()),
                Event::End(TagEnd::Heading(_)) => {
                    let slug = slug(&heading.take().unwrap_or_default());
                    let times = seen.entry(slug.clone()).or_default();
                    page.anchors.push(match *times {
                        0 => slug,
                        more => format!("{slug}-{more}"),
                    });
                    *times += 1;
                }
                Event::Start(Tag::CodeBlock(CodeBlockKind::Fenced(info))) => {
                    block = Some(Block {
                        line: text[..range.start].lines().count() + 1,
                        info: info.to_string(),
                        text: String::new(),
                    });
                }
                Event::End(TagEnd::CodeBlock) => page.blocks.extend(block.take()),
                Event::Text(text) | Event::Code(text) => {
                    if let Some(block) = &mut block {
                        block.text += &text;
                    }
                    if let Some(heading) = &mut heading {
                        *heading += &text;
                    }
                }
                _ => {}
            }
        }
        page
    }

    /// The blocks that are run, each with what it prints where the page says so.
    pub fn commands(&self) -> Vec<(&Block, Option<&Block>)> {
        let blocks = self.blocks.iter().enumerate();
        let run = blocks.filter(|(_, block)| block.info == "sh");
        run.map(|(index, block)| {
            let next = self.blocks.get(index + 1);
            let end = block.line + block.text.lines().count() + 2;
            // With a line between them at most.
            let output = next.filter(|next| next.info == "text" && next.line <= end + 1);
            (block, output)
        })
        .collect()
    }
}

/// The name of a heading, as GitHub and mdBook give it.
fn slug(heading: &str) -> String {
    let letters = heading.trim().chars().filter_map(|letter| match letter {
        ' ' => Some('-'),
        '-' | '_' => Some(letter),
        _ if letter.is_alphanumeric() => Some(letter.to_ascii_lowercase()),
        _ => None,
    });
    letters.collect()
}

/// The first line of what should be printed that was not, in this order; `…` stands for anything.
pub fn missing_line<'a>(wanted: &'a str, said: &str) -> Option<&'a str> {
    let mut said = said.lines();
    let wanted = wanted.lines().map(str::trim);
    let mut wanted = wanted.filter(|line| !line.is_empty() && *line != "…");
    wanted.find(|line| !said.any(|found| fits(line, found.trim())))
}

/// Whether a line is as it should be, with `…` for anything.
fn fits(wanted: &str, found: &str) -> bool {
    let mut parts = wanted.split('…');
    let first = parts.next().unwrap_or_default();
    let Some(mut rest) = found.strip_prefix(first) else {
        return false;
    };
    let mut last = None;
    for part in parts {
        let Some(at) = rest.find(part) else {
            return false;
        };
        rest = &rest[at + part.len()..];
        last = Some(part);
    }
    match last {
        None => rest.is_empty(),
        Some(part) => part.is_empty() || found.ends_with(part),
    }
}
