//! State chip: one colour per state everywhere.

use super::part;
use crate::i18n::Text;
use askama::Template;

/// A state in one or two words.
#[derive(Template, Clone)]
#[template(path = "parts/chip.html")]
pub(crate) struct Chip {
    /// The words.
    pub text: String,
    /// The colour.
    pub tone: Tone,
}

/// What a state asks of a person.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Tone {
    /// Goes its way: counted, approved, on.
    Good,
    /// Waits.
    Wait,
    /// Is not counted, is off: nothing to do.
    Quiet,
    /// Needs a person.
    Bad,
}

impl Tone {
    /// The class in the style sheet.
    pub(crate) const fn class(self) -> &'static str {
        match self {
            Self::Good => "good",
            Self::Wait => "wait",
            Self::Quiet => "quiet",
            Self::Bad => "bad",
        }
    }
}

impl Chip {
    /// The chip of a stored state: of a click, conversion, commission, link or program.
    pub(crate) fn state(t: Text, state: &str) -> Self {
        let tone = match state {
            "unique" | "approved" | "accepted" | "processed" | "paid" | "active" | "on" => {
                Tone::Good
            }
            "pending" | "hold" | "duplicate" => Tone::Wait,
            "rejected" | "fraud" | "refunded" => Tone::Bad,
            _ => Tone::Quiet,
        };
        Self { text: t.word("state", state), tone }
    }
}

part!(Chip);
