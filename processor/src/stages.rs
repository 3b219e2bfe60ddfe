//! The order of decisions is data: two lists of small rules, run from top to bottom.
//!
//! A `put_` rule adds a fact to the case, a `reject_` rule ends it with a reason. Where several
//! reasons apply the first of the published precedence (`schemas::reason`) is recorded, so the rules
//! stand in that order. Pure: facts, times and claims come in as arguments, nothing is read here.

use schemas::{
    event::{Click, Conversion, Flags},
    money::Money,
    reason::{Invalid, Refusal},
    status::Via,
};

use crate::{
    batch::Record,
    facts::{Facts, Link, Plan, Program},
    lookup::{Lookups, agents::Agent},
    outcome::{ClickOutcome, CommissionLine, ConversionOutcome, Decision, Dimensions},
    stores::claims::Claims,
};

pub mod amount;
pub mod attribute;
pub mod classify;
pub mod hold;
pub mod price;
pub mod terms;
pub mod trace;
pub mod unique;

type ClickStage = fn(&mut ClickCase<'_>) -> Result<(), Invalid>;
type ConversionStage = fn(&mut ConversionCase<'_>) -> Result<(), Refusal>;

/// What is asked of a click, in order.
pub const CLICK_STAGES: [(&str, ClickStage); 2] =
    [("classify", classify::reject_invalid), ("unique", unique::put_claim)];

/// What is asked of a conversion, in order.
pub const CONVERSION_STAGES: [(&str, ConversionStage); 13] = [
    ("program", terms::put_program),
    ("classify", classify::reject_judged),
    ("amount", amount::put_amount),
    ("event", terms::reject_unknown_event),
    ("paused", terms::reject_paused),
    ("click", attribute::reject_unknown_click),
    ("ownership", attribute::reject_foreign_click),
    ("label", attribute::reject_blocked_click),
    ("window", attribute::reject_late),
    ("too_fast", attribute::reject_hasty),
    ("velocity", attribute::reject_frequent),
    ("price", price::put_commission),
    ("hold", hold::put_release_date),
];

/// A click while it is decided.
pub struct ClickCase<'a> {
    pub(crate) record: &'a Record<Click>,
    pub(crate) facts: &'a Facts,
    pub(crate) claims: &'a mut Claims,
    pub(crate) agent: Agent,
    pub(crate) unique: bool,
}

/// What is known of the click a conversion names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ClickFact {
    /// It names none.
    None,
    /// The click is in the set of decided ones.
    Decided {
        /// Why it is invalid, if it is.
        label: Option<Invalid>,
        /// Accepted conversions of the same click in the hour before (`facts::recent`); 0 where the
        /// program has no velocity rule.
        recent: u32,
    },
    /// The configured wait is over: it never came.
    Expired,
    /// It lies in the dead letters.
    DeadLettered,
}

/// A conversion while it is decided.
pub struct ConversionCase<'a> {
    pub(crate) record: &'a Record<Conversion>,
    pub(crate) click: ClickFact,
    pub(crate) facts: &'a Facts,
    pub(crate) link: Option<Link>,
    pub(crate) program: Option<&'a Program>,
    pub(crate) plan: Option<&'a Plan>,
    pub(crate) amount: Option<Money>,
    pub(crate) commission: Option<CommissionLine>,
}

/// Decides on a click. Looks up what its row shows, then runs `CLICK_STAGES`.
pub fn decide_click(
    record: &Record<Click>,
    facts: &Facts,
    lookups: &mut Lookups,
    claims: &mut Claims,
) -> ClickOutcome {
    let event = &record.event;
    let day = lookups.day(event.site, facts, event.time_ms);
    let (agent, dimensions) = lookups.visit(event);
    let mut case = ClickCase { record, facts, claims, agent, unique: false };
    let invalid = CLICK_STAGES.iter().find_map(|(_, stage)| stage(&mut case).err());
    ClickOutcome { invalid, unique: case.unique && invalid.is_none(), day, dimensions }
}

/// Decides on a conversion whose click is known to be decided, or known never to come. The store
/// may still refuse it afterwards as `duplicate_txn` (`ConversionOutcome::refuse`).
pub fn decide_conversion(
    record: &Record<Conversion>,
    click: ClickFact,
    facts: &Facts,
    lookups: &mut Lookups,
) -> ConversionOutcome {
    let event = &record.event;
    let mut case = ConversionCase::new(record, click, facts);
    let stopped = CONVERSION_STAGES
        .iter()
        .find_map(|(name, stage)| stage(&mut case).err().map(|reason| (*name, reason)));
    let decision = match stopped {
        Some((_, reason)) => Decision::Refused(reason),
        None => Decision::Accepted(case.commission),
    };
    let trace = trace::of(&case, stopped);
    ConversionOutcome {
        decision,
        program: case.program.map_or(event.program, |program| program.id),
        affiliate: case.link.map_or(0, |link| link.affiliate),
        link: case.link.and(event.click).map_or(0, |click| click.link),
        amount: case.amount,
        day: lookups.day(event.site, facts, event.time_ms),
        dimensions: dimensions(event, lookups),
        trace,
    }
}

/// A browser shows who converts; a server's address and agent say nothing of a visitor.
fn dimensions(event: &Conversion, lookups: &mut Lookups) -> Dimensions {
    match Via::from_code(event.via) {
        Some(via) if via.is_public() => lookups.conversion(event),
        _ => Dimensions::default(),
    }
}

impl<'a> ConversionCase<'a> {
    pub(crate) fn new(record: &'a Record<Conversion>, click: ClickFact, facts: &'a Facts) -> Self {
        let named = record.event.click.filter(|click| click.link != 0);
        // A link of another site is none: it lends its affiliate to nobody else's conversion.
        let link = named.and_then(|click| facts.links.get(&click.link)).copied();
        let link = link.filter(|link| link.site == record.event.site);
        Self {
            record,
            click,
            facts,
            link,
            program: None,
            plan: None,
            amount: None,
            commission: None,
        }
    }

    /// Why the click is invalid, if it is one.
    pub(crate) const fn label(&self) -> Option<Invalid> {
        match self.click {
            ClickFact::Decided { label, .. } => label,
            _ => None,
        }
    }

    /// Milliseconds from the click to the conversion; 0 when the clocks say it came before.
    pub(crate) fn age_ms(&self) -> Option<u64> {
        let click = self.record.event.click?;
        Some(self.record.event.time_ms.saturating_sub(click.time_ms))
    }

    /// Marks against it that do not refuse it, for the person who approves.
    pub(crate) fn signals(&self) -> Vec<&'static str> {
        let event = &self.record.event;
        let mut signals = Vec::new();
        signals
            .extend(self.label().filter(|label| attribute::is_signal(*label)).map(Invalid::name));
        if Via::from_code(event.via).is_some_and(Via::is_public) && !event.has(Flags::Trusted) {
            signals.push("unconfirmed");
        }
        if event.click.is_some_and(|click| click.time_ms > event.time_ms) {
            signals.push("before_click");
        }
        signals
    }
}

#[cfg(test)]
mod tests;
