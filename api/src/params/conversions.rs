//! Which conversions and commissions are asked for, and what an id of any kind names.

use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use schemas::{
    click_id::ClickId,
    ids::{CommissionId, ConversionId},
    keys::Keys,
    reason::Refusal,
};

use super::{Errors, cursor, id, pairs::Pairs, range::Range, text};
use crate::{
    error::{Error, Field},
    queries::{Cursor, commissions, conversions},
};

/// What stands before the token of a receipt.
const RECEIPT: &str = "evt_";

/// What a text in a search field names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Needle {
    /// `cnv_…`
    Conversion(ConversionId),
    /// `evt_…`, proven ours.
    Receipt(ClickId),
    /// A click id, proven ours.
    Click(ClickId),
    /// Anything else: an advertiser's transaction.
    Txn(String),
}

impl Needle {
    /// Reads one; a token that is not ours is taken for a transaction.
    pub fn read(keys: &Keys, value: &str) -> Self {
        let value = value.trim();
        if let Ok(id) = value.parse() {
            return Self::Conversion(id);
        }
        let token = value.strip_prefix(RECEIPT);
        match (keys.click_ids().verify(token.unwrap_or(value)), token) {
            (Ok(id), Some(_)) => Self::Receipt(id),
            (Ok(id), None) => Self::Click(id),
            (Err(_), _) => Self::Txn(value.to_owned()),
        }
    }
}

/// A receipt out of a URL.
///
/// # Errors
/// `NotFound` for one that was not issued here: whoever guesses learns nothing.
pub fn receipt(keys: &Keys, value: &str) -> Result<ClickId, Error> {
    let token = value.strip_prefix(RECEIPT);
    let id = token.and_then(|token| keys.click_ids().verify(token).ok());
    id.filter(|id| id.link == 0).ok_or(Error::NotFound("event"))
}

/// What reading spans of time needs.
#[derive(Debug, Clone, Copy)]
pub struct Clock {
    /// The site's zone.
    pub zone: Tz,
    /// Now.
    pub now: DateTime<Utc>,
}

/// Takes which conversions are asked for, and where the list goes on.
pub fn take(
    pairs: &mut Pairs,
    errors: &mut Errors,
    keys: &Keys,
    clock: Clock,
) -> (conversions::Find, Cursor) {
    let token = |field: &'static str, value: &str, prefix: &str| {
        let wrong = || Field::new(field, "not_ours", "no such id was issued here");
        let token = value.strip_prefix(prefix).ok_or_else(wrong)?;
        keys.click_ids().verify(token).map_err(|_| wrong())
    };
    let mut read = |key: &str| pairs.take(key);
    let click = read("click_id").map(|value| token("click_id", &value, ""));
    let receipt = read("receipt_id").map(|value| token("receipt_id", &value, RECEIPT));
    let (affiliate, program, link) = (read("affiliate"), read("program"), read("link"));
    let (status, reason) = (read("status"), read("reason"));
    let (event, txn_id) = (read("event"), read("txn_id"));
    let (from, to) = span(pairs, errors, clock);
    let find = conversions::Find {
        id: None,
        ids: None,
        affiliate: affiliate.and_then(|text| errors.take(id("affiliate", &text))),
        program: program.and_then(|text| errors.take(id("program", &text))),
        link: link.and_then(|text| errors.take(id("link", &text))),
        status: status.and_then(|text| errors.take(word("status", text, &conversions::STATUSES))),
        reason: reason.and_then(|text| errors.take(refusal(text))),
        event: event.and_then(|value| errors.take(text("event", &value, 1, 64))),
        txn_id: txn_id.and_then(|value| errors.take(text("txn_id", &value, 1, 512))),
        click: click.and_then(|click| errors.take(click)),
        receipt: receipt.and_then(|receipt| errors.take(receipt)),
        from,
        to,
    };
    (find, cursor::take::<ConversionId>(pairs, errors))
}

/// Takes which commissions are asked for, and where the list goes on.
pub fn take_commissions(
    pairs: &mut Pairs,
    errors: &mut Errors,
    clock: Clock,
) -> (commissions::Find, Cursor) {
    let mut read = |key: &str| pairs.take(key);
    let (affiliate, program) = (read("affiliate"), read("program"));
    let (conversion, status) = (read("conversion"), read("status"));
    let (from, to) = span(pairs, errors, clock);
    let find = commissions::Find {
        id: None,
        conversion: conversion.and_then(|text| errors.take(id("conversion", &text))),
        affiliate: affiliate.and_then(|text| errors.take(id("affiliate", &text))),
        program: program.and_then(|text| errors.take(id("program", &text))),
        status: status.and_then(|text| errors.take(word("status", text, &commissions::STATUSES))),
        from,
        to,
    };
    (find, cursor::take::<CommissionId>(pairs, errors))
}

/// A list has no span unless one is given.
fn span(
    pairs: &mut Pairs,
    errors: &mut Errors,
    clock: Clock,
) -> (Option<DateTime<Utc>>, Option<DateTime<Utc>>) {
    if !["range", "from", "to"].iter().any(|key| pairs.has(key)) {
        // A time zone alone says nothing here.
        pairs.take("tz");
        return (None, None);
    }
    let range = errors.take(Range::take(pairs, clock.zone, clock.now));
    let moment = |at_ms| DateTime::from_timestamp_millis(at_ms);
    range.map_or((None, None), |range| (moment(range.from_ms), moment(range.to_ms)))
}

fn word(field: &str, value: String, words: &[&str]) -> Result<String, Field> {
    match words.contains(&value.as_str()) {
        true => Ok(value),
        false => Err(Field::new(field, "unknown", format!("one of {}", words.join(", ")))),
    }
}

fn refusal(value: String) -> Result<String, Field> {
    match Refusal::from_name(&value) {
        Some(_) => Ok(value),
        None => Err(Field::new("reason", "unknown", "a refusal reason of the published list")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEYS: &str = "1 000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f";

    fn click(link: u32) -> ClickId {
        ClickId { key_version: 1, time_ms: 1_795_000_000_000, shard: 7, journal: 9, seq: 3, link }
    }

    #[test]
    fn a_text_names_what_it_is() {
        let keys = Keys::parse(KEYS).unwrap();
        let token = keys.click_ids().reprint(&click(5)).unwrap().to_string();
        assert_eq!(Needle::read(&keys, "cnv_12"), Needle::Conversion(ConversionId(12)));
        assert_eq!(Needle::read(&keys, &format!(" {token} ")), Needle::Click(click(5)));
        assert_eq!(Needle::read(&keys, &format!("evt_{token}")), Needle::Receipt(click(5)));
        for text in ["order-7", "cnv_x", "evt_x", "'; drop table", &token[1..]] {
            assert_eq!(Needle::read(&keys, text), Needle::Txn(text.to_owned()));
        }
    }

    #[test]
    fn only_receipts_of_ours_are_looked_up() {
        let keys = Keys::parse(KEYS).unwrap();
        let token = |link| keys.click_ids().reprint(&click(link)).unwrap().to_string();
        assert_eq!(receipt(&keys, &format!("evt_{}", token(0))).unwrap(), click(0));
        for text in
            [format!("evt_{}", token(1)), token(0), "evt_".to_owned(), "evt_\u{e9}".to_owned()]
        {
            assert!(matches!(receipt(&keys, &text), Err(Error::NotFound(_))), "{text}");
        }
    }

    #[test]
    fn what_names_no_conversion_is_refused_by_field() {
        let keys = Keys::parse(KEYS).unwrap();
        let clock =
            Clock { zone: Tz::UTC, now: DateTime::from_timestamp(1_795_000_000, 0).unwrap() };
        for (query, field) in [
            ("click_id=forged", "click_id"),
            ("receipt_id=evt_forged", "receipt_id"),
            ("status=paid", "status"),
            ("reason=because", "reason"),
            ("program=1", "program"),
            ("range=forever", "range"),
        ] {
            let (mut pairs, mut errors) = (Pairs::parse(query).unwrap(), Errors::default());
            take(&mut pairs, &mut errors, &keys, clock);
            let found = errors.finish().unwrap_err();
            assert!(matches!(found, Error::Invalid(fields) if fields[0].field == field), "{query}");
        }
    }
}
