//! YAML to a tree of nodes that know their place.
//!
//! Built from the parser's events with an explicit stack, so that no input can exhaust the real one;
//! sizes are counted after aliases are expanded, so that no input can exhaust memory.

use std::collections::HashMap;
use std::sync::Arc;

use saphyr_parser::{Event, Parser, ScalarStyle, ScanError};

use crate::codes;
use crate::report::Report;
use crate::source::{Source, Span};
use crate::suggest::quoted;

const MAX_DEPTH: usize = 64;
const MAX_NODES: usize = 200_000;

/// A value and its place.
#[derive(Clone, Debug)]
pub(crate) struct Node {
    pub span: Span,
    pub kind: Kind,
    /// How many nodes it holds, itself included.
    size: usize,
    /// How many levels it nests, 1 for a scalar.
    depth: usize,
}

#[derive(Clone, Debug)]
pub(crate) enum Kind {
    /// A scalar; `plain` when it stands without quotes, so that it may be a number or a word like `true`.
    Scalar {
        text: String,
        plain: bool,
    },
    Sequence(Vec<Node>),
    Mapping(Vec<Entry>),
}

/// A key and its value; keys are unique within a mapping.
#[derive(Clone, Debug)]
pub(crate) struct Entry {
    pub key: String,
    pub key_span: Span,
    pub value: Node,
}

/// The one document of the file, or `None` when it cannot be read as YAML; then a problem is reported.
/// Duplicate keys and the like are reported and left out of the tree.
pub(crate) fn parse(report: &mut Report) -> Option<Node> {
    let source = Arc::clone(report.source());
    match Builder::new(&source, report).run() {
        Ok(root) => Some(root),
        Err(Fatal {
            code,
            span,
            message,
            help,
        }) => {
            report.add(code, span, message, help);
            None
        }
    }
}

/// A problem after which nothing of the file can be understood.
struct Fatal {
    code: codes::Code,
    span: Span,
    message: String,
    help: Option<String>,
}

impl Fatal {
    fn new(code: codes::Code, span: Span, message: impl Into<String>, help: &str) -> Self {
        Self {
            code,
            span,
            message: message.into(),
            help: Some(help.to_owned()),
        }
    }
}

/// A list or mapping whose end was not met yet.
struct Frame {
    start: usize,
    anchor: usize,
    content: Content,
}

enum Content {
    Sequence(Vec<Node>),
    Mapping {
        entries: Vec<Entry>,
        /// Where each key was first given.
        seen: HashMap<String, Span>,
        pending: Pending,
    },
}

/// What stands before the next node of a mapping.
enum Pending {
    /// Nothing: the node is a key.
    Nothing,
    /// A key: the node is its value.
    Key(String, Span),
    /// A key that was refused: the node is dropped.
    Refused,
}

struct Builder<'a> {
    source: &'a Source,
    report: &'a mut Report,
    /// The byte of each character, unless each character is a byte.
    bytes: Option<Vec<usize>>,
    frames: Vec<Frame>,
    anchors: HashMap<usize, Node>,
    nodes: usize,
    documents: usize,
    root: Option<Node>,
}

impl<'a> Builder<'a> {
    fn new(source: &'a Source, report: &'a mut Report) -> Self {
        let text = source.text();
        let bytes = (!text.is_ascii()).then(|| {
            let mark = source.mark_length();
            let characters = text[mark..].char_indices();
            characters.map(|(at, _)| at + mark).collect()
        });
        Self {
            source,
            report,
            bytes,
            frames: Vec::new(),
            anchors: HashMap::new(),
            nodes: 0,
            documents: 0,
            root: None,
        }
    }

    /// The byte at which a character, counted from 0 after the byte-order mark, starts.
    fn byte(&self, character: usize) -> usize {
        let end = self.source.text().len();
        match &self.bytes {
            None => character.min(end),
            Some(bytes) => bytes.get(character).copied().unwrap_or(end),
        }
    }

    fn run(mut self) -> Result<Node, Fatal> {
        let text = &self.source.text()[self.source.mark_length()..];
        let mut parser = Parser::new_from_str(text);
        while let Some(event) = parser.next_event() {
            let (event, span) = event.map_err(|error| self.syntax_error(&error))?;
            let span = Span::new(self.byte(span.start.index()), self.byte(span.end.index()));
            self.take(event, span)?;
        }
        let is_empty = |root: &Node| matches!(&root.kind, Kind::Scalar { text, plain: true } if text.is_empty());
        self.root.filter(|root| !is_empty(root)).ok_or_else(|| {
            Fatal::new(
                codes::EMPTY,
                Span::default(),
                "the file holds no study",
                "`noodle2 init` writes a study that runs",
            )
        })
    }

    fn take(&mut self, event: Event<'_>, span: Span) -> Result<(), Fatal> {
        match event {
            Event::Nothing | Event::StreamStart | Event::StreamEnd | Event::DocumentEnd => Ok(()),
            Event::DocumentStart(_) if self.documents == 0 => {
                self.documents = 1;
                Ok(())
            }
            Event::DocumentStart(_) => Err(Fatal::new(
                codes::YAML_FEATURE,
                span,
                "a second document starts here",
                "a study file holds one study; give the other a file of its own",
            )),
            Event::Scalar(text, style, anchor, tag) => {
                self.refuse_tag(tag.is_some(), span);
                let span = self.without_properties(span, anchor != 0 || tag.is_some());
                let kind = Kind::Scalar {
                    text: text.into_owned(),
                    plain: style == ScalarStyle::Plain,
                };
                self.place(
                    Node {
                        span,
                        kind,
                        size: 1,
                        depth: 1,
                    },
                    anchor,
                )
            }
            Event::SequenceStart(anchor, tag) => {
                self.refuse_tag(tag.is_some(), span);
                self.open(span, anchor, Content::Sequence(Vec::new()))
            }
            Event::MappingStart(anchor, tag) => {
                self.refuse_tag(tag.is_some(), span);
                let content = Content::Mapping {
                    entries: Vec::new(),
                    seen: HashMap::new(),
                    pending: Pending::Nothing,
                };
                self.open(span, anchor, content)
            }
            Event::SequenceEnd | Event::MappingEnd => self.close(span),
            Event::Alias(anchor) => {
                let node = self.anchors.get(&anchor).cloned().ok_or_else(|| {
                    let alias = quoted(self.source.slice(span));
                    Fatal::new(
                        codes::YAML_FEATURE,
                        span,
                        format!("{alias} stands inside of what it names"),
                        "write out what is meant",
                    )
                })?;
                self.place(node, 0)
            }
        }
    }

    fn refuse_tag(&mut self, tagged: bool, span: Span) {
        if tagged {
            let help = "remove it; quotes make a text of what looks like a number".to_owned();
            self.report.add(
                codes::YAML_FEATURE,
                span,
                "tags such as `!!str` are not used in study files",
                Some(help),
            );
        }
    }

    /// `span` after the anchor and tag that stand before a node.
    fn without_properties(&self, span: Span, has_some: bool) -> Span {
        let mut rest = self.source.slice(span);
        while has_some && rest.starts_with(['&', '!']) {
            let property = rest.find(char::is_whitespace).unwrap_or(rest.len());
            rest = rest[property..].trim_start();
        }
        Span::new(span.end - rest.len(), span.end)
    }

    fn open(&mut self, span: Span, anchor: usize, content: Content) -> Result<(), Fatal> {
        self.frames.push(Frame {
            start: span.start,
            anchor,
            content,
        });
        self.check_depth(1, span)
    }

    fn check_depth(&self, depth: usize, span: Span) -> Result<(), Fatal> {
        if self.frames.len() + depth <= MAX_DEPTH + 1 {
            return Ok(());
        }
        let message = format!("the file nests lists and mappings more than {MAX_DEPTH} deep");
        Err(Fatal::new(
            codes::TOO_LARGE,
            span,
            message,
            "is this the right file?",
        ))
    }

    fn close(&mut self, span: Span) -> Result<(), Fatal> {
        // The parser closes only what it opened.
        let Some(Frame {
            start,
            anchor,
            content,
        }) = self.frames.pop()
        else {
            return Ok(());
        };
        let (kind, size, depth, last) = match content {
            Content::Sequence(items) => {
                let size: usize = items.iter().map(|item| item.size).sum();
                let depth = items.iter().map(|item| item.depth).max();
                let last = items.last().map(|item| item.span.end);
                (Kind::Sequence(items), size, depth, last)
            }
            Content::Mapping { entries, .. } => {
                let size: usize = entries.iter().map(|entry| entry.value.size).sum();
                let depth = entries.iter().map(|entry| entry.value.depth).max();
                let last = entries
                    .last()
                    .map(|entry| entry.value.span.end.max(entry.key_span.end));
                (Kind::Mapping(entries), size, depth, last)
            }
        };
        // The end of a block has no text of its own and stands where the next thing starts.
        let end = match last {
            Some(last) if span.is_empty() => last.max(start),
            _ => span.end,
        };
        let span = self.without_properties(Span::new(start, end.max(start)), true);
        let node = Node {
            span,
            kind,
            size: 1 + size,
            depth: 1 + depth.unwrap_or(0),
        };
        self.nodes -= size;
        self.place(node, anchor)
    }

    /// Puts a finished node where it belongs.
    fn place(&mut self, node: Node, anchor: usize) -> Result<(), Fatal> {
        self.nodes += node.size;
        if self.nodes > MAX_NODES {
            let message =
                format!("the file holds more than {MAX_NODES} values after aliases are expanded");
            return Err(Fatal::new(
                codes::TOO_LARGE,
                node.span,
                message,
                "is this the right file?",
            ));
        }
        self.check_depth(node.depth, node.span)?;
        if anchor != 0 {
            self.nodes += node.size;
            self.anchors.insert(anchor, node.clone());
        }
        match self.frames.last_mut().map(|frame| &mut frame.content) {
            None => self.root = Some(node),
            Some(Content::Sequence(items)) => items.push(node),
            Some(Content::Mapping {
                entries,
                seen,
                pending,
            }) => match std::mem::replace(pending, Pending::Nothing) {
                Pending::Nothing => *pending = key(self.source, self.report, seen, node),
                Pending::Key(key, key_span) => entries.push(Entry {
                    key,
                    key_span,
                    value: node,
                }),
                Pending::Refused => self.nodes -= node.size,
            },
        }
        Ok(())
    }

    fn syntax_error(&self, error: &ScanError) -> Fatal {
        let at = self.byte(error.marker().index());
        let rest = self.source.text()[self.source.floor(at)..].chars().next();
        let length = rest
            .filter(|next| !next.is_whitespace())
            .map_or(0, char::len_utf8);
        let (line, _) = self.source.place(at);
        let help = syntax_help(error.info(), self.source.line(line));
        Fatal {
            code: codes::SYNTAX,
            span: Span::new(at, at + length),
            message: format!("not YAML: {}", error.info()),
            help: Some(help.to_owned()),
        }
    }
}

/// Takes `node` as the key of a mapping, or reports why it cannot be one.
fn key(
    source: &Source,
    report: &mut Report,
    seen: &mut HashMap<String, Span>,
    node: Node,
) -> Pending {
    let span = node.span;
    let Kind::Scalar { text, plain } = node.kind else {
        let help = "keys are names".to_owned();
        report.add(
            codes::YAML_FEATURE,
            span,
            "a list or mapping cannot be a key",
            Some(help),
        );
        return Pending::Refused;
    };
    if plain && text == "<<" {
        let help = "write out the keys that are meant; aliases of whole values (`*name`) are fine"
            .to_owned();
        report.add(
            codes::YAML_FEATURE,
            span,
            "merge keys are not used in study files",
            Some(help),
        );
        return Pending::Refused;
    }
    if let Some(first) = seen.get(&text) {
        let (line, _) = source.place(first.start);
        let message = format!("the key {} is given twice", quoted(&text));
        let help = format!("it was first given in line {line}; remove one, or merge the two");
        report.add(codes::DUPLICATE_KEY, span, message, Some(help));
        return Pending::Refused;
    }
    seen.insert(text.clone(), span);
    Pending::Key(text, span)
}

/// What usually causes the parser's complaint.
fn syntax_help(complaint: &str, line: &str) -> &'static str {
    let indent: &str = &line[..line.len() - line.trim_start().len()];
    if complaint.contains("tab") || indent.contains('\t') {
        "YAML is indented with spaces; replace the tabs"
    } else if complaint.contains("mapping values are not allowed")
        || complaint.contains("illegal placement of ':'")
    {
        "is the line indented like its neighbours? a text that holds `: ` needs quotes"
    } else if complaint.contains("unknown anchor") {
        "a word that starts with `*` names an anchor `&` given earlier in the file; put a text in quotes"
    } else if complaint.contains("quoted scalar") {
        "is the closing quote missing? within double quotes a backslash starts an escape"
    } else if complaint.contains("flow") || complaint.contains("bracket") {
        "is a closing `]` or `}`, or a comma, missing?"
    } else if complaint.contains("'-'") || complaint.contains("block collection") {
        "do all entries of the list start in the same column, with a space after `-`?"
    } else if complaint.contains("cannot start any token")
        || complaint.contains("expected alphabetic")
    {
        "put a text that starts with one of `@`, `%`, `&`, `*`, `!` or a backtick in quotes"
    } else {
        "do all keys of one mapping start in the same column, each followed by `: `?"
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::Path;

    /// Code, line and text of a problem.
    type Found = (String, usize, String);

    fn parse_text(text: &str) -> (Option<Node>, Vec<Found>, Arc<Source>) {
        let (source, flaw) = Source::read(text.as_bytes(), Path::new("study.yaml"));
        assert!(flaw.is_none());
        let source = Arc::new(source);
        let mut report = Report::new(Arc::clone(&source));
        let root = parse(&mut report);
        let (problems, _) = report.finish();
        let problems = problems
            .into_iter()
            .map(|problem| (problem.code.to_string(), problem.line, problem.text));
        (root, problems.collect(), source)
    }

    /// Every plain or quoted scalar on one line with the text that its span covers.
    fn scalars(node: &Node, source: &Source, found: &mut Vec<(String, String)>) {
        match &node.kind {
            Kind::Scalar { text, .. } => {
                found.push((text.clone(), source.slice(node.span).to_owned()))
            }
            Kind::Sequence(items) => items.iter().for_each(|item| scalars(item, source, found)),
            Kind::Mapping(entries) => entries.iter().for_each(|entry| {
                found.push((entry.key.clone(), source.slice(entry.key_span).to_owned()));
                scalars(&entry.value, source, found);
            }),
        }
    }

    #[test]
    fn spans_cover_exactly_their_text() {
        for text in [
            "a: 1\nb: [x, 'y']\nc:\n  - d: e f\n    g: h\n",
            "\u{feff}ä: ö # ü\r\nb: [ß, \"é\"]\r\nc:\r\n  - d: e\r\n",
        ] {
            let (root, problems, source) = parse_text(text);
            assert_eq!(problems, []);
            let mut found = Vec::new();
            scalars(&root.unwrap(), &source, &mut found);
            assert!(found.len() > 6);
            for (text, covered) in found {
                assert_eq!(
                    text,
                    covered.trim_matches(['\'', '"']),
                    "in {found_in:?}",
                    found_in = source.text()
                );
            }
        }
    }

    #[test]
    fn blocks_end_with_their_last_value() {
        let (root, _, source) = parse_text("a:\n  - x\n  - y\n\nb: 1\n");
        let Kind::Mapping(entries) = root.unwrap().kind else {
            panic!("a mapping was expected")
        };
        assert_eq!(source.slice(entries[0].value.span), "- x\n  - y");
    }

    #[test]
    fn what_would_be_lost_or_misread_is_refused() {
        let refused = |text: &str| parse_text(text).1;
        let one =
            |code: &str, line: usize, text: &str| vec![(code.to_owned(), line, text.to_owned())];
        assert_eq!(refused("a: 1\nb: 2\na: 3\n"), one("N2-STUDY-006", 3, "a"));
        assert_eq!(
            refused("a: &x {b: 1}\nc:\n  <<: *x\n"),
            one("N2-STUDY-003", 3, "<<")
        );
        assert_eq!(refused("? [a]\n: 1\n"), one("N2-STUDY-003", 1, "[a]"));
        assert_eq!(refused("a: 1\n---\nb: 2\n"), one("N2-STUDY-003", 2, "---"));
        assert_eq!(refused("a: !!str 5\n"), one("N2-STUDY-003", 1, "!!str 5"));
        assert_eq!(refused("a: &x [*x]\n"), one("N2-STUDY-003", 1, "*x"));
        assert_eq!(refused("# nothing\n"), one("N2-STUDY-005", 1, ""));
        assert_eq!(refused("a: {b: 1\n").len(), 1);
    }

    #[test]
    fn aliases_stand_for_their_values() {
        let (root, problems, source) = parse_text("a: &x [1, 2]\nb: *x\n");
        assert_eq!(problems, []);
        let Kind::Mapping(entries) = root.unwrap().kind else {
            panic!("a mapping was expected")
        };
        assert_eq!(source.slice(entries[1].value.span), "[1, 2]");
    }

    #[test]
    fn neither_depth_nor_aliases_exhaust_anything() {
        let too_large = |text: &str| {
            let (root, problems, _) = parse_text(text);
            assert!(root.is_none());
            assert_eq!(problems.len(), 1, "{problems:?}");
            problems[0].0.clone()
        };
        assert_eq!(too_large(&"[".repeat(80)), "N2-STUDY-004");
        assert_eq!(too_large(&"- ".repeat(100_000)), "N2-STUDY-004");
        let mut laughs = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n".to_owned();
        for level in 1..12 {
            let aliases = vec![format!("*a{}", level - 1); 10].join(", ");
            laughs.push_str(&format!("a{level}: &a{level} [{aliases}]\n"));
        }
        assert_eq!(too_large(&laughs), "N2-STUDY-004");
        let mut deep = "a0: &a0 [x]\n".to_owned();
        for level in 1..100 {
            deep.push_str(&format!("a{level}: &a{level} [*a{}]\n", level - 1));
        }
        assert_eq!(too_large(&deep), "N2-STUDY-004");
    }
}
