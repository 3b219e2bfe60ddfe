//! The cards of one's own account: what it is about, what stands there, and the form that changes it.

use super::{Chip, Code, Field, part};
use crate::i18n::Text;
use askama::Template;

/// A page of one's own account in its navigation.
pub(crate) struct Tab {
    /// Its name.
    pub label: String,
    /// Where it leads.
    pub href: &'static str,
    /// The page shown.
    pub here: bool,
}

/// A card.
#[derive(Template)]
#[template(path = "parts/own.html")]
pub(crate) struct OwnCard {
    /// The voice of the page.
    pub t: Text,
    /// Its heading.
    pub title: String,
    /// What it is about.
    pub text: String,
    /// A state, beside the heading.
    pub chip: Option<Chip>,
    /// What happened just now; wrong or not.
    pub said: Option<(String, bool)>,
    /// A picture, as a `data:` URL, and what it shows.
    pub picture: Option<(String, String)>,
    /// Something to copy.
    pub code: Option<Code>,
    /// A text in pieces: its words, and where they lead (empty: nowhere).
    pub letter: Vec<(String, String)>,
    /// Codes shown once.
    pub codes: Vec<String>,
    /// What stands there.
    pub rows: Vec<OwnRow>,
    /// What is said where nothing stands there.
    pub nothing: String,
    /// What changes it.
    pub forms: Vec<OwnForm>,
    /// Where it goes on: the words and the page.
    pub link: Option<(String, String)>,
}

/// A line of what stands there.
#[derive(Default)]
pub(crate) struct OwnRow {
    /// What it is.
    pub title: String,
    /// More of it.
    pub sub: String,
    /// Lines of more, one under the other.
    pub lines: Vec<String>,
    /// A state.
    pub chip: Option<Chip>,
    /// What may be done with it: the forms' addresses, the buttons' words.
    pub actions: Vec<(String, String)>,
    /// Where it leads.
    pub href: String,
}

impl OwnRow {
    /// With lines of more under it.
    pub(crate) fn with_lines(self, lines: Vec<String>) -> Self {
        Self { lines, ..self }
    }
}

/// A form of a card.
pub(crate) struct OwnForm {
    /// Its address.
    pub action: String,
    /// Fields nobody sees.
    pub hidden: Vec<(&'static str, String)>,
    /// Its fields.
    pub fields: Vec<Field>,
    /// Boxes to tick.
    pub checks: Vec<Check>,
    /// The button's words.
    pub button: String,
    /// It sends a file.
    pub is_upload: bool,
    /// The one that is meant to be pressed.
    pub is_primary: bool,
    /// A ceremony of passkeys: `make`, `sign-in` or `second`; with where to ask and where to tell.
    pub passkey: Option<(&'static str, &'static str, &'static str)>,
}

/// A box to tick.
pub(crate) struct Check {
    /// In the form's body.
    pub name: &'static str,
    /// In the form's body, where ticked.
    pub value: &'static str,
    /// Before it.
    pub label: String,
    /// Ticked now.
    pub is_on: bool,
}

impl OwnCard {
    /// One with nothing but words.
    pub(crate) fn new(t: Text, title: String, text: String) -> Self {
        Self {
            t,
            title,
            text,
            chip: None,
            said: None,
            picture: None,
            code: None,
            letter: Vec::new(),
            codes: Vec::new(),
            rows: Vec::new(),
            nothing: String::new(),
            forms: Vec::new(),
            link: None,
        }
    }
}

impl OwnCard {
    /// All of its codes, a line each.
    fn all_codes(&self) -> String {
        self.codes.join("\n")
    }
}

impl OwnForm {
    /// One with fields, whose button is meant to be pressed.
    pub(crate) fn new(action: impl Into<String>, fields: Vec<Field>, button: String) -> Self {
        Self {
            action: action.into(),
            hidden: Vec::new(),
            fields,
            checks: Vec::new(),
            button,
            is_upload: false,
            is_primary: true,
            passkey: None,
        }
    }

    /// One that is a button and no more.
    pub(crate) fn button(action: impl Into<String>, button: String) -> Self {
        Self { is_primary: false, ..Self::new(action, Vec::new(), button) }
    }
}

part!(OwnCard);
