//! A line of a program's terms as it comes in.

use chrono::{DateTime, Utc};
use schemas::money::UNITS_PER_MINOR;
use serde::Deserialize;

use crate::{
    error::{Error, Field},
    params::{Errors, links::moment},
    queries::programs::{NewPlan, PlanKind},
};

/// Which event pays what: `flat` with `amount_minor`, `percent` with `rate_ppm`, or `none`.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PlanBody {
    /// a-z 0-9 _ -, up to 64.
    pub event: String,
    /// `flat`, `percent` or `none`.
    pub kind: String,
    /// Minor units of the program's currency for each conversion: an integer.
    #[serde(default)]
    pub amount_minor: Option<i64>,
    /// Parts per million of the order's value: 5 % is 50000.
    #[serde(default)]
    pub rate_ppm: Option<i64>,
    /// RFC 3339; empty: from now on (from the beginning for the event's first line).
    #[serde(default)]
    pub valid_from: Option<String>,
}

impl PlanBody {
    /// Checks every field. Terms never change for what has happened: `valid_from` is not before
    /// `now`.
    ///
    /// # Errors
    /// `Invalid` with each wrong field.
    pub fn read(self, now: DateTime<Utc>) -> Result<NewPlan, Error> {
        let mut errors = Errors::default();
        let plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_' || b == b'-';
        let event = self.event.trim().to_owned();
        if !(1..=64).contains(&event.len()) || !event.bytes().all(plain) {
            errors.add("event", "invalid_event", "1 to 64 of a-z 0-9 _ -");
        }
        let kind = errors.take(self.kind());
        let valid_from = errors.take(moment("valid_from", self.valid_from.as_deref())).flatten();
        if valid_from.is_some_and(|from| from < now) {
            errors.add("valid_from", "in_the_past", "terms can change from now on, not before");
        }
        errors.finish()?;
        let kind = kind.unwrap_or(PlanKind::Nothing);
        Ok(NewPlan { event, kind, valid_from })
    }

    fn kind(&self) -> Result<PlanKind, Field> {
        let wrong = |field, code, detail: &str| Err(Field::new(field, code, detail));
        match (self.kind.as_str(), self.amount_minor, self.rate_ppm) {
            ("flat", Some(minor), None) => match minor.checked_mul(UNITS_PER_MINOR) {
                Some(units) if units > 0 => Ok(PlanKind::Flat(units)),
                _ => wrong("amount_minor", "out_of_range", "more than 0, in minor units"),
            },
            ("percent", None, Some(ppm)) => match ppm {
                1..=1_000_000 => Ok(PlanKind::Percent(ppm)),
                _ => wrong("rate_ppm", "out_of_range", "1 to 1000000: parts per million"),
            },
            ("none", None, None) => Ok(PlanKind::Nothing),
            ("flat", None, _) => wrong("amount_minor", "required", "a flat plan pays an amount"),
            ("percent", _, None) => wrong("rate_ppm", "required", "a percent plan pays a rate"),
            ("flat", _, Some(_)) => wrong("rate_ppm", "conflict", "a flat plan has no rate"),
            ("percent" | "none", Some(_), _) => {
                wrong("amount_minor", "conflict", "only a flat plan has an amount")
            }
            ("none", _, Some(_)) => wrong("rate_ppm", "conflict", "only a percent plan has a rate"),
            _ => wrong("kind", "invalid_kind", "flat, percent or none"),
        }
    }
}
