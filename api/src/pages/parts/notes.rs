//! What a page says besides its numbers: code to copy, an empty state, the result of one's own act.

use super::part;
use crate::i18n::Text;
use askama::Template;

/// Text to copy: a URL, a line of code.
#[derive(Template)]
#[template(path = "parts/code.html")]
pub(crate) struct Code {
    /// The voice of the page.
    pub t: Text,
    /// What it is; read by a screen reader, shown above where `titled`.
    pub label: String,
    /// What is copied.
    pub text: String,
    /// Show the label.
    pub titled: bool,
}

/// What will be here, and the first step to it.
#[derive(Template)]
#[template(path = "parts/empty.html")]
pub(crate) struct Empty {
    /// What is not here yet.
    pub title: String,
    /// What will be, and how it comes.
    pub text: String,
    /// The first step: words and where they lead; empty words without one.
    pub action: (String, String),
    /// A line to copy, where that is the first step.
    pub code: Option<Code>,
}

/// The result of a person's own act, with its undoing.
#[derive(Template)]
#[template(path = "parts/toast.html")]
pub(crate) struct Toast {
    /// The voice of the page.
    pub t: Text,
    /// What was done.
    pub text: String,
    /// What to look at again, a sentence each.
    pub warnings: Vec<String>,
    /// Where a form posts to undo it, with its fields; `None` where it cannot be.
    pub undo: Option<(String, Vec<(&'static str, String)>)>,
}

/// What a saved destination's author should know, in words.
pub(crate) fn warnings(t: Text, destination: &str) -> Vec<String> {
    let unknown = crate::params::unknown_macros(destination);
    unknown.iter().map(|name| t.say1("warning-unknown-macro", "name", name)).collect()
}

part!(Code, Empty, Toast);
