//! What makes and changes a program and its terms, and which programs are asked for.

mod plan;

pub use plan::PlanBody;

use schemas::{ids::ProgramId, money::Currency};
use serde::Deserialize;
use std::net::IpAddr;

use super::{
    Errors, cursor, destination,
    links::{flag, given},
    pairs::Pairs,
    text,
};
use crate::{
    error::{Error, Field},
    queries::{
        Cursor,
        programs::{Find, NewProgram, ProgramChange, Terms},
    },
};

const HOUR_MS: i64 = 3_600_000;
const DAY_MS: i64 = 24 * HOUR_MS;
const MAX_NETWORKS: usize = 100;

/// A program as it comes in, by JSON or by a form.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ProgramBody {
    /// 1 to 200 characters.
    pub name: String,
    /// Empty: made of the name.
    pub slug: Option<String>,
    /// Where links lead.
    pub destination: String,
    /// ISO 4217; empty: the site's.
    pub currency: Option<String>,
    /// Without it, 30 days.
    pub click_window_ms: Option<i64>,
    /// Without it, 24 hours.
    pub unique_window_ms: Option<i64>,
    /// Without it, 30 days.
    pub hold_ms: Option<i64>,
    /// Without it, off.
    pub too_fast_ms: Option<i64>,
    /// Without it, off.
    pub velocity_per_hour: Option<i64>,
    /// Without it, any network.
    pub postback_networks: Option<Vec<String>>,
    /// Without it, `open`.
    pub admission: Option<String>,
}

/// A change as it comes in; what is missing stays.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
#[expect(missing_docs, reason = "as in ProgramBody")]
pub struct ProgramChangeBody {
    pub name: Option<String>,
    pub destination: Option<String>,
    /// `false` pauses it.
    pub is_active: Option<bool>,
    pub click_window_ms: Option<i64>,
    pub unique_window_ms: Option<i64>,
    pub hold_ms: Option<i64>,
    /// Null switches it off.
    #[serde(deserialize_with = "given")]
    pub too_fast_ms: Option<Option<i64>>,
    /// Null switches it off.
    #[serde(deserialize_with = "given")]
    pub velocity_per_hour: Option<Option<i64>>,
    pub postback_networks: Option<Vec<String>>,
    /// `open`, `approval`, `invitation`.
    pub admission: Option<String>,
}

impl ProgramBody {
    /// Checks every field; `currency` is the site's.
    ///
    /// # Errors
    /// `Invalid` with each wrong field.
    pub fn read(self, currency: &str) -> Result<NewProgram, Error> {
        let mut errors = Errors::default();
        let usual = Terms::default();
        let name = errors.take(text("name", &self.name, 1, 200)).unwrap_or_default();
        let slug = match self.slug.as_deref().map(str::trim).filter(|slug| !slug.is_empty()) {
            Some(slug) => slug.to_owned(),
            None => slug_of(&name),
        };
        let slug = errors.take(check_slug(slug)).unwrap_or_default();
        let destination =
            errors.take(destination("destination", &self.destination)).unwrap_or_default();
        let asked = self.currency.as_deref().map(str::trim).filter(|code| !code.is_empty());
        let currency = errors.take(check_currency(asked.unwrap_or(currency))).unwrap_or_default();
        let mut span = |field, value: Option<i64>, usual| {
            value.map_or(usual, |value| errors.take(check_span(field, value)).unwrap_or(usual))
        };
        let click_window_ms = span("click_window_ms", self.click_window_ms, usual.click_window_ms);
        let unique_window_ms =
            span("unique_window_ms", self.unique_window_ms, usual.unique_window_ms);
        let hold_ms = span("hold_ms", self.hold_ms, usual.hold_ms);
        let too_fast_ms =
            self.too_fast_ms.and_then(|value| errors.take(check_span("too_fast_ms", value)));
        let velocity_per_hour = self
            .velocity_per_hour
            .and_then(|value| errors.take(check_span("velocity_per_hour", value)));
        let networks = errors.take(check_networks(self.postback_networks.unwrap_or_default()));
        let admission = match self.admission {
            Some(admission) => errors.take(check_admission(admission)).unwrap_or_default(),
            None => usual.admission,
        };
        errors.finish()?;
        let postback_networks = networks.unwrap_or_default();
        let terms = Terms {
            click_window_ms,
            unique_window_ms,
            hold_ms,
            too_fast_ms,
            velocity_per_hour,
            postback_networks,
            admission,
        };
        Ok(NewProgram { slug, name, destination, currency, terms })
    }
}

impl ProgramChangeBody {
    /// Checks every field.
    ///
    /// # Errors
    /// `Invalid` with each wrong field.
    pub fn read(self) -> Result<ProgramChange, Error> {
        let mut errors = Errors::default();
        let name = self.name.and_then(|name| errors.take(text("name", &name, 1, 200)));
        let destination =
            self.destination.and_then(|url| errors.take(destination("destination", &url)));
        let mut span = |field, value: Option<i64>| {
            value.and_then(|value| errors.take(check_span(field, value)))
        };
        let click_window_ms = span("click_window_ms", self.click_window_ms);
        let unique_window_ms = span("unique_window_ms", self.unique_window_ms);
        let hold_ms = span("hold_ms", self.hold_ms);
        let too_fast_ms = self.too_fast_ms.map(|value| span("too_fast_ms", value));
        let velocity_per_hour =
            self.velocity_per_hour.map(|value| span("velocity_per_hour", value));
        let postback_networks =
            self.postback_networks.and_then(|networks| errors.take(check_networks(networks)));
        let admission = self.admission.and_then(|word| errors.take(check_admission(word)));
        errors.finish()?;
        Ok(ProgramChange {
            name,
            destination,
            is_active: self.is_active,
            click_window_ms,
            unique_window_ms,
            hold_ms,
            too_fast_ms,
            velocity_per_hour,
            postback_networks,
            admission,
        })
    }
}

/// Takes which programs are asked for, and where the list goes on.
pub fn take(pairs: &mut Pairs, errors: &mut Errors) -> (Find, Cursor) {
    let (is_active, q) = (pairs.take("is_active"), pairs.take("q"));
    let find = Find {
        id: None,
        is_active: is_active.and_then(|text| errors.take(flag("is_active", &text))),
        q: q.and_then(|q| errors.take(text("q", &q, 1, 200))),
    };
    (find, cursor::take::<ProgramId>(pairs, errors))
}

fn check_span(field: &str, value: i64) -> Result<i64, Field> {
    let range = match field {
        "click_window_ms" => 1000..=366 * DAY_MS,
        "unique_window_ms" => 1000..=7 * DAY_MS,
        "hold_ms" => 0..=366 * DAY_MS,
        "too_fast_ms" => 1..=DAY_MS,
        _ => 1..=1_000_000,
    };
    match range.contains(&value) {
        true => Ok(value),
        false => {
            let detail = format!("{} to {}", range.start(), range.end());
            Err(Field::new(field, "out_of_range", detail))
        }
    }
}

fn check_admission(word: String) -> Result<String, Field> {
    match word.as_str() {
        "open" | "approval" | "invitation" => Ok(word),
        _ => Err(Field::new("admission", "unknown", "open, approval or invitation")),
    }
}

pub(crate) fn check_currency(code: &str) -> Result<String, Field> {
    let currency: Result<Currency, _> = code.parse();
    currency
        .map(|currency| currency.code().to_owned())
        .map_err(|error| Field::new("currency", "invalid_currency", error.to_string()))
}

fn check_slug(slug: String) -> Result<String, Field> {
    let plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
    match slug.len() {
        1..=63 if slug.bytes().all(plain) && !slug.starts_with('-') => Ok(slug),
        _ => Err(Field::new("slug", "invalid_slug", "1 to 63 of a-z 0-9 -")),
    }
}

/// `Ünder 50 %` becomes `nder-50`: what is left of a name, or nothing.
fn slug_of(name: &str) -> String {
    let plain = |c: char| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '-' };
    let words: String = name.chars().map(plain).collect();
    let words: Vec<&str> = words.split('-').filter(|word| !word.is_empty()).collect();
    let slug: String = words.join("-").chars().take(63).collect();
    slug.trim_end_matches('-').to_owned()
}

fn check_networks(networks: Vec<String>) -> Result<Vec<String>, Field> {
    if networks.len() > MAX_NETWORKS {
        let detail = format!("at most {MAX_NETWORKS} networks");
        return Err(Field::new("postback_networks", "too_many", detail));
    }
    let networks = networks.into_iter().map(|network| network.trim().to_owned());
    let networks: Vec<String> = networks.filter(|network| !network.is_empty()).collect();
    match networks.iter().position(|network| !is_network(network)) {
        None => Ok(networks),
        Some(n) => Err(Field::new(
            format!("postback_networks[{n}]"),
            "invalid_network",
            "an address or a network, as 203.0.113.7 or 2001:db8::/32",
        )),
    }
}

fn is_network(text: &str) -> bool {
    let (address, bits) = text.split_once('/').unwrap_or((text, "0"));
    let Ok(address) = address.parse::<IpAddr>() else { return false };
    let most = if address.is_ipv4() { 32 } else { 128 };
    let digits = bits.bytes().all(|b| b.is_ascii_digit());
    digits && bits.parse::<u8>().is_ok_and(|bits| bits <= most)
}

#[cfg(test)]
mod tests;
