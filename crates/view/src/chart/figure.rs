//! A picture with the words that tell what is to be seen on it, and the style that all pictures share.

use noodle2_model::{CaseName, StageIndex, TrialId};

use crate::svg::{Svg, length};

/// Style sheet of all figures. A page that shows figures holds it once; whatever it names `--ink`, `--muted`, `--rule`,
/// `--paper`, `--accent`, `--bad` or `--series-0` to `--series-5` is drawn in the page's own colours. Without, colours are
/// those for white paper. The series colours are of Okabe and Ito (2008) and of Tol, of a lightness that stands out from
/// white and from black.
pub const FIGURE_STYLE: &str = include_str!("figure.css");

/// Values of the custom properties of [`FIGURE_STYLE`] for a dark background, to be put between braces.
pub const FIGURE_DARK_COLOURS: &str = "--ink:#e6e6e6;--muted:#a9a9a9;--rule:#3d3d3d;--paper:#1b1b1b;--accent:#f0e442;\
--bad:#ff8566;--series-0:#4aa8e0;--series-1:#f0803c;--series-2:#2fc49a;--series-3:#d890bd;--series-4:#c9a53b;\
--series-5:#a0a0a0;";

/// Where what a figure shows can be looked at. What has no address is drawn without a link.
pub trait Links {
    /// The address of a case.
    fn case(&self, _case: &CaseName) -> Option<String> {
        None
    }

    /// The address of a trial.
    fn trial(&self, _trial: TrialId) -> Option<String> {
        None
    }

    /// The address of a stage.
    fn stage(&self, _stage: StageIndex) -> Option<String> {
        None
    }
}

/// No links at all.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoLinks;

impl Links for NoLinks {}

/// A picture as SVG, with the words for those who do not see it.
#[derive(Debug, Clone, PartialEq)]
pub struct Figure {
    title: String,
    description: String,
    size: (f64, f64),
    body: String,
}

impl Figure {
    pub(crate) fn new(
        title: impl Into<String>,
        description: impl Into<String>,
        size: (f64, f64),
        body: Svg,
    ) -> Self {
        Self {
            title: title.into(),
            description: description.into(),
            size,
            body: body.into_text(),
        }
    }

    /// What is drawn, in a few words.
    pub fn title(&self) -> &str {
        &self.title
    }

    /// What is to be seen, in sentences with numbers.
    pub fn description(&self) -> &str {
        &self.description
    }

    /// Width and height in CSS pixels.
    pub const fn size(&self) -> (f64, f64) {
        self.size
    }

    /// The picture for a page that holds [`FIGURE_STYLE`]: without style and background of its own.
    pub fn inline(&self) -> String {
        self.element("")
    }

    /// The picture as a file of its own, on white paper. Colours stand as they are, since few programs but browsers
    /// know custom properties.
    pub fn file(&self) -> String {
        let (width, height) = (length(self.size.0), length(self.size.1));
        let head = format!(
            "<style>{}</style>\n<rect class=\"paper\" width=\"{width}\" height=\"{height}\"/>\n",
            without_properties(FIGURE_STYLE)
        );
        self.element(&head)
    }

    fn element(&self, head: &str) -> String {
        let (width, height) = (length(self.size.0), length(self.size.1));
        // What is an image has no parts for a screen reader; links must stay reachable.
        let role = match self.body.contains("<a ") {
            true => "group",
            false => "img",
        };
        let view = format!("0 0 {width} {height}");
        let mut svg = Svg::new();
        svg.open(
            "svg",
            &[
                ("xmlns", "http://www.w3.org/2000/svg"),
                ("class", "noodle2-figure"),
                ("role", role),
                ("aria-label", &self.title),
                ("width", &width),
                ("height", &height),
                ("viewBox", &view),
            ],
        );
        svg.leaf("title", &[], &self.title);
        svg.leaf("desc", &[], &self.description);
        svg.raw(head);
        svg.raw(&self.body);
        svg.close("svg");
        svg.into_text()
    }
}

/// A style sheet in which each `var(--name, value)` is its value.
fn without_properties(style: &str) -> String {
    let mut parts = style.split("var(");
    let mut plain = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let (property, rest) = part.split_once(')').unwrap_or((part, ""));
        plain.push_str(
            property
                .split_once(',')
                .map_or("inherit", |(_, value)| value.trim()),
        );
        plain.push_str(rest);
    }
    plain
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_needs_no_custom_properties() {
        assert_eq!(
            without_properties("a{fill:var(--x, #123);b:c}"),
            "a{fill:#123;b:c}"
        );
        let style = without_properties(FIGURE_STYLE);
        assert!(
            !style.contains("var(") && !style.contains("inherit"),
            "{style}"
        );
        assert_eq!(style.matches('{').count(), style.matches('}').count());
    }

    #[test]
    fn every_colour_has_a_dark_counterpart() {
        for part in FIGURE_STYLE.split("var(").skip(1) {
            let name = part.split(',').next().unwrap_or_default();
            assert!(FIGURE_DARK_COLOURS.contains(&format!("{name}:")), "{name}");
        }
    }
}
