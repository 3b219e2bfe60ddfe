//! Filling a destination's macros: one pass over its bytes, no allocation beside the buffer given.
//!
//! Whatever fills a macro is percent-encoded down to letters, digits, `-`, `.`, `_` and `~`, which
//! means itself in path, query and fragment alike; a path segment can't be made of dots.

use data_encoding::HEXLOWER;
use schemas::{
    destination::{FRAGMENT, HASH, Item, MACRO, Macro, QUERY, RAW, put_code, split},
    ids::{AffiliateId, LinkId, ProgramId},
};
use sha2::{Digest, Sha256};
use std::io::Write;

use crate::request::params::{ClickParams, utm};

/// Longest URL a visitor is sent to.
const MOST_BYTES: usize = 8192;

/// What macros are filled with.
#[derive(Debug, Clone, Copy)]
pub struct Facts<'a> {
    /// The click's signed id; empty when the click is not recorded.
    pub click_id: &'a str,
    /// The link followed and whose it is.
    pub link: LinkId,
    /// Who promotes.
    pub affiliate: AffiliateId,
    /// What is promoted.
    pub program: ProgramId,
    /// What the visitor's URL said.
    pub params: &'a ClickParams<'a>,
    /// The visitor's query, for what is passed through.
    pub query: &'a str,
    /// Cleaned.
    pub referrer: &'a [u8],
    /// Cleaned.
    pub language: &'a [u8],
    /// Milliseconds since 1970.
    pub time_ms: u64,
    /// Another one for every click.
    pub random: u64,
    /// Where the visitor is and with what.
    pub visit: &'a Visit,
}

/// What only some destinations ask for; empty where unknown.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Visit {
    /// ISO 3166 alpha-2.
    pub country: String,
    /// First subdivision.
    pub region: String,
    /// City.
    pub city: String,
    /// desktop, mobile, …
    pub device: &'static str,
    /// Operating system.
    pub os: String,
    /// Browser.
    pub browser: String,
}

/// The filled destination can't be sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the filled destination is no URL to send a visitor to")]
pub struct Unfit;

/// Fills a template (`Template::as_bytes`) into `out`, which is emptied first.
///
/// # Errors
/// `Unfit` when the result is too long or, looked at again, is not under the template's origin.
pub fn fill(template: &[u8], facts: &Facts<'_>, out: &mut Vec<u8>) -> Result<(), Unfit> {
    out.clear();
    let (origin, rest) = split(template).ok_or(Unfit)?;
    out.extend_from_slice(origin);
    let mut has_query = false;
    let mut passed = !facts.params.has_utm;
    let mut in_path = true;
    let mut rest = rest;
    while let Some(at) = rest.iter().position(|byte| *byte < 0x20) {
        out.extend_from_slice(&rest[..at]);
        match rest[at] {
            MACRO => {
                let code = *rest.get(at + 1).ok_or(Unfit)?;
                put_macro(out, code, facts, in_path);
                rest = &rest[at + 2..];
                continue;
            }
            QUERY => (has_query, in_path) = (true, false),
            FRAGMENT => {
                in_path = false;
                if !passed {
                    pass_through(out, has_query, facts.query);
                    passed = true;
                }
            }
            _ => return Err(Unfit),
        }
        rest = &rest[at + 1..];
    }
    out.extend_from_slice(rest);
    if !passed {
        pass_through(out, has_query, facts.query);
    }
    look_again(origin, out)
}

/// The result parsed again, as far as it could have gone wrong: same origin, a path behind it, and
/// nothing that a URL or a header can't hold.
fn look_again(origin: &[u8], out: &[u8]) -> Result<(), Unfit> {
    let path = out.strip_prefix(origin).and_then(|rest| rest.first()) == Some(&b'/');
    // Looks at every byte, so that the compiler looks at many at once.
    let clean =
        out.iter().fold(true, |clean, byte| clean & (0x21..0x7f).contains(byte) & (*byte != b'\\'));
    if path && clean && out.len() <= MOST_BYTES { Ok(()) } else { Err(Unfit) }
}

/// Puts one macro. `:raw` frees from encoding what is harmless without: our own values need none, and
/// a visitor's are encoded whatever the destination says.
fn put_macro(out: &mut Vec<u8>, code: u8, facts: &Facts<'_>, in_path: bool) {
    let Some(item) = Item::from_code(code) else { return };
    let start = out.len();
    if code & (HASH | RAW) == HASH {
        put_value(out, item, facts, Vec::extend_from_slice);
        if out.len() > start {
            let digest = Sha256::digest(&out[start..]);
            out.truncate(start);
            out.extend_from_slice(HEXLOWER.encode(&digest).as_bytes());
        }
        return;
    }
    put_value(out, item, facts, put_encoded);
    if in_path && item.is_visitors() && out[start..].iter().all(|byte| *byte == b'.') {
        // `.` and `..` as a segment would climb.
        out.truncate(start);
    }
}

fn put_value(out: &mut Vec<u8>, item: Item, facts: &Facts<'_>, put: fn(&mut Vec<u8>, &[u8])) {
    let visit = facts.visit;
    match item {
        Item::Sub(n) => put(out, facts.params.sub[n].bytes()),
        Item::Named(Macro::ClickId) => out.extend_from_slice(facts.click_id.as_bytes()),
        Item::Named(Macro::Link) => put_number(out, LinkId::PREFIX, facts.link.get().into()),
        Item::Named(Macro::AffiliateId) => {
            put_number(out, AffiliateId::PREFIX, facts.affiliate.get().into())
        }
        Item::Named(Macro::ProgramId) => {
            put_number(out, ProgramId::PREFIX, facts.program.get().into())
        }
        Item::Named(Macro::Source) => put(out, facts.params.source.bytes()),
        Item::Named(Macro::Country) => put(out, visit.country.as_bytes()),
        Item::Named(Macro::Region) => put(out, visit.region.as_bytes()),
        Item::Named(Macro::City) => put(out, visit.city.as_bytes()),
        Item::Named(Macro::Device) => put(out, visit.device.as_bytes()),
        Item::Named(Macro::Os) => put(out, visit.os.as_bytes()),
        Item::Named(Macro::Browser) => put(out, visit.browser.as_bytes()),
        Item::Named(Macro::Lang) => put(out, facts.language),
        Item::Named(Macro::Referrer) => put(out, facts.referrer),
        Item::Named(Macro::Ts) => put_number(out, "", facts.time_ms / 1000),
        Item::Named(Macro::Random) => put_number(out, "", facts.random),
    }
}

fn put_number(out: &mut Vec<u8>, prefix: &str, number: u64) {
    // Writing to a Vec can't fail.
    let _ = write!(out, "{prefix}{number}");
}

/// Percent-encodes everything that is not unreserved (RFC 3986 §2.3).
fn put_encoded(out: &mut Vec<u8>, text: &[u8]) {
    for &byte in text {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => out.push(byte),
            _ => put_code(out, byte),
        }
    }
}

/// Appends the visitor's `utm_…` that the destination does not set itself.
fn pass_through(out: &mut Vec<u8>, mut has_query: bool, query: &str) {
    let stored = out.len();
    for (key, value) in utm(query) {
        if sets(&out[..stored], key) {
            continue;
        }
        out.push(if has_query { b'&' } else { b'?' });
        has_query = true;
        out.extend_from_slice(key.as_bytes());
        out.push(b'=');
        put_encoded(out, &value);
    }
}

/// Whether a URL's query has a key.
fn sets(url: &[u8], key: &str) -> bool {
    let query = url.splitn(2, |byte| *byte == b'?').nth(1).unwrap_or_default();
    query
        .split(|byte| *byte == b'&')
        .any(|pair| pair.split(|byte| *byte == b'=').next() == Some(key.as_bytes()))
}
