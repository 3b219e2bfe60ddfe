//! Form field: label, what to type, what is wrong with it, and every word kept.

use super::part;
use askama::Template;

/// One field of a form.
#[derive(Template)]
#[template(path = "parts/field.html")]
pub(crate) struct Field {
    /// In the form's body.
    pub name: &'static str,
    /// Whose form it stands in: a page with two forms has two fields of a name.
    pub form: &'static str,
    /// Before it.
    pub label: String,
    /// What a person typed, or what stands there already.
    pub value: String,
    /// What to type.
    pub hint: String,
    /// What is wrong; empty when nothing is.
    pub error: String,
    /// How it is asked.
    pub kind: Kind,
    /// May not be empty.
    pub required: bool,
    /// What a browser or a password manager may fill it with; `off` for nothing.
    pub filled_by: &'static str,
}

/// How a field is asked.
pub(crate) enum Kind {
    /// One line, with the `type` of the input.
    Line(&'static str),
    /// One of several.
    Select(Vec<Choice>),
}

/// One of several.
pub(crate) struct Choice {
    /// In the form's body.
    pub value: String,
    /// As a person reads it.
    pub label: String,
}

impl Field {
    /// A line of text.
    pub(crate) fn line(name: &'static str, label: String, value: &str) -> Self {
        Self {
            name,
            form: "f",
            label,
            value: value.to_owned(),
            hint: String::new(),
            error: String::new(),
            kind: Kind::Line("text"),
            required: false,
            filled_by: "off",
        }
    }

    /// A choice.
    pub(crate) fn select(
        name: &'static str,
        label: String,
        value: &str,
        choices: Vec<Choice>,
    ) -> Self {
        Self { kind: Kind::Select(choices), ..Self::line(name, label, value) }
    }

    /// With the input's `type`.
    #[must_use]
    pub(crate) fn typed(self, kind: &'static str) -> Self {
        Self { kind: Kind::Line(kind), ..self }
    }

    /// With what to type.
    #[must_use]
    pub(crate) fn hint(self, hint: String) -> Self {
        Self { hint, ..self }
    }

    /// With what is wrong, if anything.
    #[must_use]
    pub(crate) fn error(self, error: String) -> Self {
        Self { error, ..self }
    }

    /// In a form of this name.
    #[must_use]
    pub(crate) fn within(self, form: &'static str) -> Self {
        Self { form, ..self }
    }

    /// May not be empty.
    #[must_use]
    pub(crate) fn required(self) -> Self {
        Self { required: true, ..self }
    }

    /// May be filled by a browser or a password manager, with this.
    #[must_use]
    pub(crate) fn filled_by(self, filled_by: &'static str) -> Self {
        Self { filled_by, ..self }
    }

    fn described(&self) -> bool {
        !self.hint.is_empty() || !self.error.is_empty()
    }
}

part!(Field);
