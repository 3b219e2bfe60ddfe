//! Which conversions are asked for, and what an id of any kind names. Pages and JSON read the same.

use schemas::{click_id::ClickId, ids::ConversionId, keys::Keys};

use super::{
    Errors, cursor, filters,
    pairs::Pairs,
    range::{Clock, Range},
    text,
};
use crate::{
    error::{Error, Field},
    queries::{
        Cursor,
        conversions::{self, Find},
        stats::{Filter, Side},
    },
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

/// Parameters that name conversions by what is exactly theirs.
pub const NAMES: [&str; 3] = ["txn_id", "click_id", "receipt_id"];

/// Takes what names conversions exactly; the rest of the answer is empty.
pub fn take_named(pairs: &mut Pairs, errors: &mut Errors, keys: &Keys) -> Find {
    let token = |field: &'static str, value: &str, prefix: &str| {
        let wrong = || Field::new(field, "not_ours", "no such id was issued here");
        let token = value.strip_prefix(prefix).ok_or_else(wrong)?;
        keys.click_ids().verify(token).map_err(|_| wrong())
    };
    let mut read = |key: &str| pairs.take(key);
    let txn_id = read("txn_id").map(|value| text("txn_id", &value, 1, 512));
    let click = read("click_id").map(|value| token("click_id", &value, ""));
    let receipt = read("receipt_id").map(|value| token("receipt_id", &value, RECEIPT));
    Find {
        txn_id: txn_id.and_then(|txn_id| errors.take(txn_id)),
        click: click.and_then(|click| errors.take(click)),
        receipt: receipt.and_then(|receipt| errors.take(receipt)),
        ..Find::default()
    }
}

/// Whether something exactly theirs is named.
pub const fn is_named(find: &Find) -> bool {
    find.txn_id.is_some() || find.click.is_some() || find.receipt.is_some()
}

/// Takes which conversions are asked for, and where the list goes on.
pub fn take(pairs: &mut Pairs, errors: &mut Errors, keys: &Keys, clock: Clock) -> (Find, Cursor) {
    let named = take_named(pairs, errors, keys);
    let range = take_span(pairs, errors, clock, is_named(&named));
    let filters = filters::take(pairs, errors);
    let cursor = cursor::take::<ConversionId>(pairs, errors);
    let find = narrow(named, range, filters, errors);
    let by_click = find.filters.iter().any(|filter| !conversions::keeps(filter.dimension));
    if by_click && cursor.ending_before.is_some() {
        errors.add("ending_before", "conflict", "under these filters a list goes on one way only");
    }
    (find, cursor)
}

/// What is named, within a span and under filters: what no conversion has is refused.
pub fn narrow(
    named: Find,
    range: Option<Range>,
    filters: Vec<Filter>,
    errors: &mut Errors,
) -> Find {
    let exact = is_named(&named);
    for by in filters.iter().map(|filter| filter.dimension) {
        if by.side() == Side::OfClicks {
            errors.add(by.name(), "unknown", "a click has this, and no conversion");
        } else if exact && !conversions::keeps(by) {
            let detail = "what is named exactly is not narrowed by its click";
            errors.add(by.name(), "conflict", detail);
        }
    }
    Find { range, filters, ..named }
}

/// The span of a list: the usual one, but none where something is named exactly.
pub(super) fn take_span(
    pairs: &mut Pairs,
    errors: &mut Errors,
    clock: Clock,
    named: bool,
) -> Option<Range> {
    if named && !["range", "from", "to"].iter().any(|key| pairs.has(key)) {
        // A time zone alone says nothing here.
        pairs.take("tz");
        return None;
    }
    errors.take(Range::take(pairs, clock.zone, clock.now))
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
        let clock = Clock {
            zone: chrono_tz::Tz::UTC,
            now: chrono::DateTime::from_timestamp(1_795_000_000, 0).unwrap(),
        };
        for (query, field) in [
            ("click_id=forged", "click_id"),
            ("receipt_id=evt_forged", "receipt_id"),
            ("refusal=because", "refusal"),
            ("reason=bot", "reason"),
            ("outcome=unique", "outcome"),
            ("txn_id=7&country=FR", "country"),
            ("country=FR&ending_before=cnv_1", "ending_before"),
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
