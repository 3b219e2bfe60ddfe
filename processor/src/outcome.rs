//! What the rules say of one event. Every event ends in exactly one outcome; a refusal is one too.
//!
//! Values only: nothing here decides.

use schemas::{
    money::Money,
    reason::{Invalid, Refusal},
    status::ConversionStatus,
};

use crate::lookup::words::Word;

/// Version of the rules; a row says which decided it. Raised with every change of an answer.
pub const RULES: u16 = 1;

/// What is known of a visit beside its ids; empty where unknown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Dimensions {
    /// ISO 3166 alpha-2, upper case.
    pub country: Word,
    /// Name of the first subdivision, English; empty without a city database.
    pub region: Word,
    /// City, English; empty without a city database.
    pub city: Word,
    /// `desktop`, `mobile`, `tablet`, `tv`, `console` or `bot`.
    pub device: Word,
    /// Operating system, without version.
    pub os: Word,
    /// Browser, without version.
    pub browser: Word,
    /// Primary subtag of the language preferred, lower case.
    pub language: Word,
    /// Host of the referrer, lower case, without `www.`.
    pub referrer: Word,
}

/// What became of a click or an impression.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ClickOutcome {
    /// Why it does not count; `None` for a valid one.
    pub invalid: Option<Invalid>,
    /// First of its visitor in the program's window; never with `invalid`.
    pub unique: bool,
    /// Days since 1970 in the site's reporting time zone.
    pub day: u16,
    /// Of the request.
    pub dimensions: Dimensions,
}

impl ClickOutcome {
    /// `unique`, `duplicate` or `invalid`: they sum to gross.
    pub const fn name(&self) -> &'static str {
        match (self.invalid, self.unique) {
            (Some(_), _) => "invalid",
            (None, true) => "unique",
            (None, false) => "duplicate",
        }
    }
}

/// What a conversion earns its affiliate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CommissionLine {
    /// `affiliate_plan.id`.
    pub plan: i64,
    /// Never zero, never negative.
    pub amount: Money,
    /// It can be released after this, milliseconds since 1970.
    pub hold_until_ms: u64,
}

/// Accepted or refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Decision {
    /// It counts, pending; `None` where its plan pays nothing.
    Accepted(Option<CommissionLine>),
    /// It is stored with this reason and earns nothing.
    Refused(Refusal),
}

/// What became of a conversion. Event, transaction, revision and click stand in its record.
#[derive(Debug, Clone, PartialEq)]
pub struct ConversionOutcome {
    /// Accepted or refused.
    pub decision: Decision,
    /// Where it belongs, as far as known; 0 else.
    pub program: u32,
    /// Whose link was followed; 0 when unknown.
    pub affiliate: u32,
    /// The link followed; 0 when unknown.
    pub link: u32,
    /// Value of the order; `None` when it could not be read. Zero when none was sent.
    pub amount: Option<Money>,
    /// Days since 1970 in the site's reporting time zone.
    pub day: u16,
    /// Of the request; empty for calls of servers, whose address and agent are not a visitor's.
    pub dimensions: Dimensions,
    /// Why, as JSON in the shape of `docs/trace.md`. Text, since thousands of them wait for their commit, and take
    /// twenty times the memory as values.
    pub trace: String,
}

impl ConversionOutcome {
    /// Accepted ones begin as pending.
    pub const fn status(&self) -> ConversionStatus {
        match self.decision {
            Decision::Accepted(_) => ConversionStatus::Pending,
            Decision::Refused(_) => ConversionStatus::Invalid,
        }
    }

    /// The commission, where there is one.
    pub const fn commission(&self) -> Option<CommissionLine> {
        match self.decision {
            Decision::Accepted(commission) => commission,
            Decision::Refused(_) => None,
        }
    }

    /// The reason of a refusal.
    pub const fn refusal(&self) -> Option<Refusal> {
        match self.decision {
            Decision::Accepted(_) => None,
            Decision::Refused(reason) => Some(reason),
        }
    }

    /// The trace as a value; `Null` for what is no JSON.
    pub fn traced(&self) -> serde_json::Value {
        serde_json::from_str(&self.trace).unwrap_or_default()
    }

    /// Refuses afterwards, when the store finds what no rule could know (`duplicate_txn`).
    pub fn refuse(&mut self, reason: Refusal) {
        self.decision = Decision::Refused(reason);
        crate::stages::trace::put_refusal(&mut self.trace, reason);
    }
}
