//! The document around a page: head, way back, style and script.

use maud::{DOCTYPE, Markup, PreEscaped, html};
use noodle2_view::chart::FIGURE_STYLE;

use crate::Place;

/// The style of all pages.
pub const STYLE: &str = include_str!("style.css");
/// The script of all pages: what it does can be left out, and every page be read.
pub const SCRIPT: &str = include_str!("script.js");

/// A file that pages need beside themselves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Asset {
    /// [`STYLE`], with that of the figures.
    Style,
    /// [`SCRIPT`].
    Script,
}

impl Asset {
    /// The asset of this name.
    pub fn named(name: &str) -> Option<Self> {
        [Self::Style, Self::Script]
            .into_iter()
            .find(|asset| asset.name() == name)
    }

    /// Its name below `/assets/`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Style => "style.css",
            Self::Script => "script.js",
        }
    }

    /// What it is, as HTTP tells it.
    pub const fn media_type(self) -> &'static str {
        match self {
            Self::Style => "text/css; charset=utf-8",
            Self::Script => "text/javascript; charset=utf-8",
        }
    }

    /// Its text.
    pub fn text(self) -> String {
        match self {
            Self::Style => format!("{STYLE}\n{FIGURE_STYLE}"),
            Self::Script => SCRIPT.to_owned(),
        }
    }
}

/// A page of the server. `crumbs` leads back: each a name and an address, the last one the page itself. While `live` says
/// where its news come from, they are listened to.
pub(crate) fn served(
    title: &str,
    crumbs: &[(&str, String)],
    live: Option<(&str, u64)>,
    body: &Markup,
) -> String {
    let style = format!("/assets/{}", Asset::Style.name());
    let script = format!("/assets/{}", Asset::Script.name());
    let (events, seq) = live.unzip();
    let head = html! {
        link rel="stylesheet" href=(style);
        script src=(script) defer {}
    };
    let last = crumbs.len().saturating_sub(1);
    let bar = html! {
        header {
            nav aria-label="Where you are" {
                a href="/" class="home" { "Noodle 2" }
                @for (position, (name, address)) in crumbs.iter().enumerate() {
                    span aria-hidden="true" { "/" }
                    @if position == last { span aria-current="page" { (name) } }
                    @else { a href=(address) { (name) } }
                }
            }
            div class="tools script" {
                @if live.is_some() { span id="connection" role="status" { "connecting" } }
                button type="button" id="theme" { "Light or dark" }
            }
        }
    };
    document(
        title,
        &head,
        &html! {
            (bar)
            main id="top" tabindex="-1" data-events=[events] data-seq=[seq] { (body) }
        },
    )
}

/// A document that needs nothing beside itself.
pub(crate) fn alone(title: &str, body: &Markup) -> String {
    let head = html! { style { (PreEscaped(Asset::Style.text())) } };
    document(
        title,
        &head,
        &html! { main id="top" class="report" { (body) } },
    )
}

fn document(title: &str, head: &Markup, body: &Markup) -> String {
    let document = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                title { (title) }
                link rel="icon" href="data:,";
                (head)
            }
            body { a href="#top" class="skip" { "Skip to the content" } (body) }
        }
    };
    document.into_string()
}

/// A page that says what went wrong, and what to do.
pub fn error_page(title: &str, what: &str, help: &str) -> String {
    word(title, &html! { p { (what) } p { (help) } })
}

/// A page that says what came of what somebody did with a run, and leads back to a part of its page.
pub fn answer_page(run: &str, title: &str, what: &str, part: &str) -> String {
    let address = format!("{}#{part}", Place::Served(run).run());
    word(
        title,
        &html! { p { (what) } p { a href=(address) { "Back to the run" } } },
    )
}

fn word(title: &str, body: &Markup) -> String {
    let crumbs = [(title, String::new())];
    served(title, &crumbs, None, &html! { h1 { (title) } (body) })
}
