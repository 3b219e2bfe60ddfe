//! Conversions beside the click each is attributed to.
//!
//! A server's postback has no country, device or referrer of its own: what people mean by those of a
//! conversion are its click's. They are looked up when asked for, along the primary key of `clicks`,
//! so that a click of another day is found as quickly, and nothing is stored twice.

use schemas::ids::SiteId;

use super::{
    bind::{self, Bind},
    clicks::JOURNAL_BITS,
    stats::{Dimension, Filter},
};
use crate::params::range::Range;

/// Whether a conversion has this of its click.
pub(super) const fn is_of_click(by: Dimension) -> bool {
    use Dimension::{Browser, City, Country, Device, Language, Os, Referrer, Region, Source, Sub};
    matches!(
        by,
        Country | Region | City | Device | Os | Browser | Language | Referrer | Source | Sub(_)
    )
}

/// The tables of a statement about the conversions of a span, `t`, with their clicks, `k`, where one
/// of `asked` needs them.
pub(super) fn tables(
    site: SiteId,
    range: Range,
    asked: &[Dimension],
    binds: &mut Vec<Bind>,
) -> String {
    const SPAN: &str =
        "site = ? AND time >= fromUnixTimestamp64Milli(?) AND time < fromUnixTimestamp64Milli(?)";
    let site = Bind::Number(site.to_sql());
    let span = [site.clone(), Bind::Number(range.from_ms), Bind::Number(range.to_ms)];
    binds.extend(span.clone());
    let conversions = format!("(SELECT * FROM conversions WHERE {SPAN}) AS t");
    let mut names: Vec<&str> =
        asked.iter().filter(|by| is_of_click(**by)).map(|by| by.name()).collect();
    names.sort_unstable();
    names.dedup();
    if names.is_empty() {
        return conversions;
    }
    binds.push(site);
    binds.extend(span);
    format!(
        "{conversions} ANY LEFT JOIN (
             SELECT toUInt8(1) AS found, affiliate, link, time, shard, seq, bitAnd(journal, {JOURNAL_BITS}) AS origin,
                 {names} FROM clicks
             WHERE site = ? AND count = 1 AND (affiliate, link, time) IN (
                 SELECT affiliate, link, click_time FROM conversions WHERE {SPAN})
         ) AS k ON k.affiliate = t.affiliate AND k.link = t.link AND k.time = t.click_time
             AND k.shard = t.click_shard AND k.seq = t.click_seq
             AND k.origin = bitAnd(t.click_journal, {JOURNAL_BITS})",
        names = names.join(", ")
    )
}

/// A dimension of a conversion: its click's, its own only where it has no click. A sub-id that came
/// with the conversion is more exact than the click's.
pub(super) fn column(by: Dimension) -> String {
    let name = by.name();
    match by {
        Dimension::Region | Dimension::City | Dimension::Language => format!("k.{name}"),
        Dimension::Sub(_) => format!("if(t.{name} = '', k.{name}, t.{name})"),
        _ if is_of_click(by) => format!("if(k.found = 1, k.{name}, t.{name})"),
        _ => bind::column(by),
    }
}

/// ` AND column IN ?`, of a conversion.
pub(super) fn condition(filter: &Filter, binds: &mut Vec<Bind>) -> String {
    bind::condition(&column(filter.dimension), filter, binds)
}
