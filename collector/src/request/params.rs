//! Parameters: which name means what, for links (`product.md` §4) and for conversions (§6).
//!
//! A canonical name wins over its aliases; of equals the first that says something. Refuses to guess:
//! a name not listed is passed over.

use std::borrow::Cow;

use super::text;

/// Most pairs looked at in one query or form.
const MOST_PAIRS: usize = 200;
/// sub1 to sub10, adv1 to adv10.
pub const NUMBERED: usize = 10;

/// The raw pairs of a query or form, in order; keys and values still encoded.
pub fn pairs(query: &str) -> impl Iterator<Item = (&str, &str)> {
    query
        .split('&')
        .filter(|pair| !pair.is_empty())
        .take(MOST_PAIRS)
        .map(|pair| pair.split_once('=').unwrap_or((pair, "")))
}

/// A value and whether an alias brought it, so that the canonical name can still replace it.
#[derive(Debug, Clone, Default)]
pub struct Slot<'a> {
    /// UTF-8.
    text: Cow<'a, [u8]>,
    by_alias: bool,
}

impl<'a> Slot<'a> {
    fn put(&mut self, raw: &'a str, alias: bool) {
        let replaces = self.text.is_empty() || (self.by_alias && !alias);
        if replaces && !raw.is_empty() {
            self.text = text::clean(text::decode(raw), text::PARAMETER_BYTES);
            self.by_alias = alias;
        }
    }

    /// The value; empty when absent.
    pub fn get(&self) -> &str {
        std::str::from_utf8(&self.text).unwrap_or_default()
    }

    /// The value's bytes, UTF-8; empty when absent.
    pub fn bytes(&self) -> &[u8] {
        &self.text
    }

    /// Takes every occurrence of a secret out of the value.
    pub fn strip(&mut self, secret: &str) {
        if let Some(rest) = text::without(self.get(), secret) {
            self.text = Cow::Owned(rest.into_bytes());
        }
    }
}

/// What a link's query may say.
#[derive(Debug, Clone, Default)]
pub struct ClickParams<'a> {
    /// sub1 to sub10.
    pub sub: [Slot<'a>; NUMBERED],
    /// `source`.
    pub source: Slot<'a>,
    /// `aff_click_id`.
    pub aff_click_id: Slot<'a>,
    /// `coupon`.
    pub coupon: Slot<'a>,
    /// Whether there is any `utm_…` to pass through.
    pub has_utm: bool,
}

impl<'a> ClickParams<'a> {
    /// Reads a query.
    pub fn read(query: &'a str) -> Self {
        let mut params = Self::default();
        for (key, value) in pairs(query) {
            params.put(key, value);
        }
        params
    }

    fn put(&mut self, key: &str, value: &'a str) {
        match key {
            "source" => self.source.put(value, false),
            "source_id" => self.source.put(value, true),
            "aff_click_id" => self.aff_click_id.put(value, false),
            "coupon" => self.coupon.put(value, false),
            _ if key.starts_with("utm_") => self.has_utm = true,
            _ => {
                if let Some((n, alias)) = sub(key) {
                    self.sub[n].put(value, alias);
                }
            }
        }
    }
}

/// The `utm_…` pairs of a query: key as is, value decoded and cleaned.
pub fn utm(query: &str) -> impl Iterator<Item = (&str, Cow<'_, [u8]>)> {
    let plain = |key: &str| {
        key.len() <= 32 && key.bytes().all(|b| matches!(b, b'a'..=b'z' | b'0'..=b'9' | b'_'))
    };
    pairs(query)
        .filter(move |(key, value)| key.starts_with("utm_") && plain(key) && !value.is_empty())
        .take(NUMBERED)
        .map(|(key, value)| (key, text::clean(text::decode(value), text::PARAMETER_BYTES)))
}

/// What a postback or pixel may say.
#[derive(Debug, Clone, Default)]
pub struct ConversionParams<'a> {
    /// The click named.
    pub click_id: Slot<'a>,
    /// The caller's own number of the transaction.
    pub txn_id: Slot<'a>,
    /// `prg_NUMBER`, its number or its slug.
    pub program: Slot<'a>,
    /// An event of the program.
    pub event: Slot<'a>,
    /// Value of the order, decimal.
    pub amount: Slot<'a>,
    /// What the advertiser pays the operator, decimal.
    pub revenue: Slot<'a>,
    /// The affiliate's commission, decimal.
    pub payout: Slot<'a>,
    /// ISO 4217.
    pub currency: Slot<'a>,
    /// The caller's word for where the conversion stands.
    pub status: Slot<'a>,
    /// Proves the caller; never kept.
    pub token: Slot<'a>,
    /// sub1 to sub10.
    pub sub: [Slot<'a>; NUMBERED],
    /// adv1 to adv10.
    pub adv: [Slot<'a>; NUMBERED],
    /// `source`.
    pub source: Slot<'a>,
    /// `coupon`.
    pub coupon: Slot<'a>,
    /// The advertiser's own number of the customer.
    pub customer_id: Slot<'a>,
    /// A pair could not be read exactly (encoding, control characters, length), or there are too many.
    pub malformed: bool,
}

impl<'a> ConversionParams<'a> {
    /// Reads a query or form; called for the query first, then for the body.
    pub fn read(&mut self, query: &'a str) {
        let more = query.split('&').filter(|pair| !pair.is_empty()).nth(MOST_PAIRS);
        self.malformed |= more.is_some();
        for (key, value) in pairs(query) {
            let known = self.put(key, value);
            self.malformed |= known
                && !(text::is_well_encoded(value)
                    && text::is_text(&text::decode(value), text::PARAMETER_BYTES));
        }
    }

    fn put(&mut self, key: &str, value: &'a str) -> bool {
        let (slot, alias) = match key {
            "click_id" => (&mut self.click_id, false),
            "clickid" | "cid" | "transaction_id" | "subid" | "cnv_id" | "clickId" | "dub_id" => {
                (&mut self.click_id, true)
            }
            "txn_id" => (&mut self.txn_id, false),
            "txid" | "tid" | "order_id" | "conversion_unique_id" | "action_id" | "invoiceId" => {
                (&mut self.txn_id, true)
            }
            "program" => (&mut self.program, false),
            "event" => (&mut self.event, false),
            "event_id" | "goal" | "goal_id" | "et" | "eventName" => (&mut self.event, true),
            "amount" => (&mut self.amount, false),
            "revenue" => (&mut self.revenue, false),
            "payout" => (&mut self.payout, false),
            "currency" => (&mut self.currency, false),
            "status" => (&mut self.status, false),
            "token" => (&mut self.token, false),
            "security_token" | "secure" => (&mut self.token, true),
            "source" => (&mut self.source, false),
            "source_id" => (&mut self.source, true),
            "coupon" => (&mut self.coupon, false),
            "customer_id" => (&mut self.customer_id, false),
            _ => match numbered(key, "adv").map(|n| (&mut self.adv[n], false)) {
                Some(adv) => adv,
                None => match sub(key) {
                    Some((n, alias)) => (&mut self.sub[n], alias),
                    None => return false,
                },
            },
        };
        slot.put(value, alias);
        true
    }

    /// Takes a secret out of everything that will be kept.
    pub fn strip(&mut self, secret: &str) {
        let named = [
            &mut self.click_id,
            &mut self.txn_id,
            &mut self.program,
            &mut self.event,
            &mut self.amount,
            &mut self.revenue,
            &mut self.payout,
            &mut self.currency,
            &mut self.status,
            &mut self.source,
            &mut self.coupon,
            &mut self.customer_id,
        ];
        for slot in named.into_iter().chain(&mut self.sub).chain(&mut self.adv) {
            slot.strip(secret);
        }
    }
}

/// Which sub-id a name is, from 0, and whether by an alias.
fn sub(key: &str) -> Option<(usize, bool)> {
    if let Some(n) = numbered(key, "sub") {
        return Some((n, false));
    }
    if key == "aff_sub" {
        return Some((0, true));
    }
    let short = numbered(key, "s").filter(|n| *n < 5);
    let alias = numbered(key, "sub_id_")
        .or(numbered(key, "aff_sub").filter(|n| *n > 0))
        .or(numbered(key, "t"))
        .or(short);
    alias.map(|n| (n, true))
}

/// The number behind a prefix, 1 to 10, counted from 0.
fn numbered(key: &str, prefix: &str) -> Option<usize> {
    match key.strip_prefix(prefix)?.as_bytes() {
        [digit @ b'1'..=b'9'] => Some(usize::from(digit - b'1')),
        b"10" => Some(9),
        _ => None,
    }
}

#[cfg(test)]
mod tests;
