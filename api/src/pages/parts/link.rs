//! Choices that are links: the range picker, the dimensions, the sort order. Each choice is a URL,
//! so that a page can be shared, bookmarked, reloaded, and works without a script.

use super::part;
use askama::Template;

/// One choice that is a URL.
pub(crate) struct Pick {
    /// As a person reads it.
    pub label: String,
    /// The page with this choice.
    pub href: String,
    /// Chosen now.
    pub chosen: bool,
}

/// A menu of choices that opens below its button.
#[derive(Template)]
#[template(path = "parts/picker.html")]
pub(crate) struct Picker {
    /// Names it in the page's ids.
    pub id: &'static str,
    /// What is chosen.
    pub label: String,
    /// Read before the label by a screen reader.
    pub title: String,
    /// Groups of choices, each with its heading (may be empty).
    pub groups: Vec<(String, Vec<Pick>)>,
}

/// A step of the way back.
pub(crate) struct Crumb {
    /// Its name.
    pub label: String,
    /// Where it leads.
    pub href: String,
}

part!(Picker);
