//! SVG as text: elements and their attributes, escaped.

use std::fmt::Write as _;

/// An SVG that grows.
pub(crate) struct Svg {
    text: String,
}

impl Svg {
    pub(crate) const fn new() -> Self {
        Self {
            text: String::new(),
        }
    }

    /// An element without content.
    pub(crate) fn element(&mut self, name: &str, attributes: &[(&str, &str)]) {
        self.open(name, attributes);
        self.text.truncate(self.text.len() - 2);
        self.text.push_str("/>\n");
    }

    /// Begins an element.
    pub(crate) fn open(&mut self, name: &str, attributes: &[(&str, &str)]) {
        let _ = write!(self.text, "<{name}");
        for (key, value) in attributes {
            let _ = write!(self.text, " {key}=\"{}\"", escaped(value));
        }
        self.text.push_str(">\n");
    }

    /// Ends an element.
    pub(crate) fn close(&mut self, name: &str) {
        let _ = writeln!(self.text, "</{name}>");
    }

    /// An element that holds nothing but words.
    pub(crate) fn leaf(&mut self, name: &str, attributes: &[(&str, &str)], words: &str) {
        self.open(name, attributes);
        self.text.truncate(self.text.len() - 1);
        let _ = writeln!(self.text, "{}</{name}>", escaped(words));
    }

    /// A line of text that begins, ends or is centred (`start`, `end`, `middle`) at a place.
    pub(crate) fn words(&mut self, at: (f64, f64), anchor: &str, style: &str, words: &str) {
        let (x, y) = (length(at.0), length(at.1));
        let _ = writeln!(
            self.text,
            "<text x=\"{x}\" y=\"{y}\" text-anchor=\"{anchor}\" class=\"{style}\">{}</text>",
            escaped(words)
        );
    }

    /// Adds text as it is.
    pub(crate) fn raw(&mut self, text: &str) {
        self.text.push_str(text);
    }

    pub(crate) fn into_text(self) -> String {
        self.text
    }
}

/// A length with at most four decimals and no more than it needs.
pub(crate) fn length(value: f64) -> String {
    let text = format!("{value:.4}");
    let text = text.trim_end_matches('0').trim_end_matches('.');
    if text == "-0" {
        "0".to_owned()
    } else {
        text.to_owned()
    }
}

/// Text that means nothing to XML. Characters that XML cannot hold become `?`.
pub(crate) fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\u{0}'..='\u{1f}' | '\u{7f}' | '\u{fffe}' | '\u{ffff}' => escaped.push('?'),
            _ => escaped.push(character),
        }
    }
    escaped
}
