//! Clicks one by one, as they were decided: what a number opens into.

use chrono::{DateTime, Utc};
use clickhouse::Row;
use schemas::{
    click_id::ClickId,
    ids::{AffiliateId, LinkId, ProgramId},
    keys::Keys,
};
use serde::Deserialize;

use super::{
    Page,
    bind::{self, Bind},
    owners::Owners,
    stats::{Dimension, Filter, Query, Side},
};
use crate::{clock, params::range::Range, tenant::TenantCtx};

/// The lower bits of a journal's id that a click id carries.
pub(super) const JOURNAL_BITS: u64 = (1 << 20) - 1;

/// A click or impression with its outcome.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Click {
    /// Its signed id, as its destination received it.
    pub id: String,
    /// When, to the millisecond.
    pub at: DateTime<Utc>,
    /// The link followed; 0 for an orphan.
    pub link: LinkId,
    /// The link's program then.
    pub program: ProgramId,
    /// The link's affiliate then.
    pub affiliate: AffiliateId,
    /// `click` or `impression`.
    pub kind: String,
    /// `unique`, `duplicate` or `invalid`.
    pub outcome: String,
    /// Why it is invalid, else empty.
    pub reason: String,
    /// The version of the rules that decided.
    pub rules: u16,
    /// Where and with what; empty where not known.
    pub traits: Traits,
    /// sub1 to sub10.
    pub subs: [String; 10],
    /// The code asked for, where no link has it.
    pub code: String,
}

/// What stands in the table of clicks; a report counts each by itself.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Kind {
    /// A link that was followed.
    #[default]
    Click,
    /// A picture that was shown.
    Impression,
}

impl Kind {
    /// The word in URLs and in the store.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Click => "click",
            Self::Impression => "impression",
        }
    }

    /// From its word.
    pub fn from_name(name: &str) -> Option<Self> {
        [Self::Click, Self::Impression].into_iter().find(|kind| kind.name() == name)
    }
}

/// What is known of a visit.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[expect(missing_docs, reason = "named as the dimensions")]
pub struct Traits {
    pub country: String,
    pub region: String,
    pub city: String,
    pub device: String,
    pub os: String,
    pub browser: String,
    pub language: String,
    pub referrer: String,
    pub source: String,
}

#[derive(Row, Deserialize)]
struct Found {
    at_ms: i64,
    journal: u64,
    shard: u16,
    seq: u64,
    key_version: u8,
    link: u32,
    program: u32,
    affiliate: u32,
    kind: String,
    outcome: String,
    reason: String,
    rules: u16,
    country: String,
    region: String,
    city: String,
    device: String,
    os: String,
    browser: String,
    language: String,
    referrer: String,
    source: String,
    subs: Vec<String>,
    code: String,
}

const COLUMNS: &str = "toUnixTimestamp64Milli(t.time) AS at_ms, t.journal, t.shard, t.seq, t.key_version, \
    t.link, t.program, t.affiliate, toString(t.kind) AS kind, t.outcome, t.reason, t.rules, t.country, \
    t.region, t.city, t.device, t.os, t.browser, t.language, t.referrer, t.source, \
    CAST([t.sub1, t.sub2, t.sub3, t.sub4, t.sub5, t.sub6, t.sub7, t.sub8, t.sub9, t.sub10], 'Array(String)') AS subs, \
    t.code";

/// How far back is looked first, and how many times further each time after: most often the newest hour has
/// enough, and rows of a short time lie together.
const FIRST_MS: i64 = 3_600_000;
const FURTHER: i64 = 12;

/// Newest first, of one kind, within the span and filters of `query` (the rest of it is not looked
/// at): those a report counts. `after` is the last click of the page before.
///
/// # Errors
/// When ClickHouse does not answer.
pub async fn list(
    ctx: &TenantCtx,
    (kind, query): (Kind, &Query),
    after: Option<&ClickId>,
    limit: u16,
) -> Result<Page<Click>, clickhouse::error::Error> {
    // What says nothing about clicks: a report counts none either.
    if query.filters.iter().any(|filter| filter.dimension.side() == Side::OfConversions) {
        return Ok(Page { rows: Vec::new(), has_more: false });
    }
    let filters = ctx.within(&query.filters);
    let limit = usize::from(limit);
    let mut rows: Vec<Click> = Vec::new();
    let Range { from_ms, to_ms, .. } = query.range;
    let owners = Owners::ask(ctx, &filters, (from_ms, to_ms)).await?;
    // Rows of a few lie together, the newest of each at the end.
    let of_links = |filter: &Filter| filter.dimension == Dimension::Link && !filter.exclude;
    let spans = match owners.are_few() || filters.iter().any(of_links) {
        true => vec![(from_ms, to_ms)],
        false => stretches(query.range, newest_ms(after)),
    };
    for span in spans {
        let wanted = limit + 1 - rows.len();
        let whose = (filters.as_slice(), &owners);
        let found = within(ctx, (kind, whose, span), after, wanted).await?;
        rows.extend(found.into_iter().map(|found| found.click(&ctx.keys)));
        if rows.len() > limit {
            break;
        }
    }
    let has_more = rows.len() > limit;
    rows.truncate(limit);
    Ok(Page { rows, has_more })
}

/// Nothing of a page is newer: neither the future, nor what the page before showed.
fn newest_ms(after: Option<&ClickId>) -> i64 {
    let now_ms = clock::now().timestamp_millis();
    // A clock that is ahead of ours is not.
    let most = now_ms.saturating_add(FIRST_MS);
    after.and_then(|after| i64::try_from(after.time_ms).ok()).map_or(most, |ms| ms.min(most))
}

/// A span in stretches, the newest first, each longer than all before it.
fn stretches(range: Range, newest_ms: i64) -> Vec<(i64, i64)> {
    let (mut all, mut to_ms, mut length) = (Vec::new(), range.to_ms, FIRST_MS);
    // Whatever is there beyond the newest is asked with the first stretch.
    let mut from_ms = to_ms.min(newest_ms.saturating_add(1)).saturating_sub(length);
    while to_ms > range.from_ms {
        let start = from_ms.max(range.from_ms);
        all.push((start, to_ms));
        to_ms = start;
        length = length.saturating_mul(FURTHER);
        from_ms = start.saturating_sub(length);
    }
    all
}

async fn within(
    ctx: &TenantCtx,
    (kind, (filters, owners), (from_ms, to_ms)): (Kind, (&[Filter], &Owners), (i64, i64)),
    after: Option<&ClickId>,
    limit: usize,
) -> Result<Vec<Found>, clickhouse::error::Error> {
    let site = Bind::Number(ctx.site.to_sql());
    let mut binds = vec![site, Bind::Number(from_ms), Bind::Number(to_ms)];
    let mut text = format!(
        "SELECT {COLUMNS} FROM clicks AS t WHERE t.site = ? AND t.count = 1 AND t.kind = '{}'
         AND t.time >= fromUnixTimestamp64Milli(?) AND t.time < fromUnixTimestamp64Milli(?)",
        kind.name()
    );
    text.push_str(&bind::conditions(filters, &mut binds));
    text.push_str(&owners.condition(&mut binds));
    if let Some(after) = after {
        text.push_str(
            " AND t.time <= fromUnixTimestamp64Milli(?)
              AND (toUnixTimestamp64Milli(t.time), t.shard, t.seq, bitAnd(t.journal, 1048575)) < (?, ?, ?, ?)",
        );
        binds.extend([number(after.time_ms), number(after.time_ms), number(after.shard.into())]);
        binds.extend([number(after.seq), number(after.journal.into())]);
    }
    text.push_str(&format!(
        " ORDER BY t.time DESC, t.shard DESC, t.seq DESC, bitAnd(t.journal, 1048575) DESC LIMIT {limit}"
    ));
    let asked = bind::all(ctx.ch.query(&text), &binds);
    bind::in_time(asked.fetch_all::<Found>()).await
}

/// The newest of the last minutes, for the live stream.
///
/// # Errors
/// When ClickHouse does not answer.
pub async fn newest(
    ctx: &TenantCtx,
    since: DateTime<Utc>,
    limit: u16,
) -> Result<Vec<Click>, clickhouse::error::Error> {
    let mut binds = vec![Bind::Number(ctx.site.to_sql()), Bind::Number(since.timestamp_millis())];
    let within = bind::conditions(&ctx.reach.filters(), &mut binds);
    let text = format!(
        "SELECT {COLUMNS} FROM clicks AS t
         WHERE t.site = ? AND t.time >= fromUnixTimestamp64Milli(?){within}
         ORDER BY t.time DESC, t.shard DESC, t.seq DESC LIMIT {limit}"
    );
    let asked = bind::all(ctx.ch.query(&text), &binds);
    let found = bind::in_time(asked.fetch_all::<Found>()).await?;
    Ok(found.into_iter().map(|found| found.click(&ctx.keys)).collect())
}

/// One by its proven id; `None` while it is not decided, or when it is another site's.
///
/// # Errors
/// When ClickHouse does not answer.
pub async fn find(
    ctx: &TenantCtx,
    id: &ClickId,
) -> Result<Option<Click>, clickhouse::error::Error> {
    let mut binds = vec![Bind::Number(ctx.site.to_sql()), number(id.link.into())];
    binds.extend([number(id.time_ms), number(id.shard.into()), number(id.seq)]);
    binds.push(number(id.journal.into()));
    let within = bind::conditions(&ctx.reach.filters(), &mut binds);
    let text = format!(
        "SELECT {COLUMNS} FROM clicks AS t
         WHERE t.site = ? AND t.link = ? AND t.time = fromUnixTimestamp64Milli(?) AND t.shard = ?
           AND t.seq = ? AND bitAnd(t.journal, 1048575) = ? AND t.count = 1{within} LIMIT 1"
    );
    let asked = bind::all(ctx.ch.query(&text), &binds);
    let found = bind::in_time(asked.fetch_optional::<Found>()).await?;
    Ok(found.map(|found| found.click(&ctx.keys)))
}

/// A click id printed again from what the stores keep; empty when its key is gone.
pub(super) fn print(keys: &Keys, id: &ClickId) -> String {
    keys.click_ids().reprint(id).map(|token| token.to_string()).unwrap_or_default()
}

impl Found {
    fn click(self, keys: &Keys) -> Click {
        let id = ClickId {
            key_version: self.key_version,
            time_ms: u64::try_from(self.at_ms).unwrap_or_default(),
            shard: self.shard,
            journal: (self.journal & JOURNAL_BITS) as u32,
            seq: self.seq,
            link: self.link,
        };
        Click {
            id: print(keys, &id),
            at: DateTime::from_timestamp_millis(self.at_ms).unwrap_or_default(),
            link: LinkId(self.link),
            program: ProgramId(self.program),
            affiliate: AffiliateId(self.affiliate),
            kind: self.kind,
            outcome: self.outcome,
            reason: self.reason,
            rules: self.rules,
            traits: Traits {
                country: self.country,
                region: self.region,
                city: self.city,
                device: self.device,
                os: self.os,
                browser: self.browser,
                language: self.language,
                referrer: self.referrer,
                source: self.source,
            },
            subs: self.subs.try_into().unwrap_or_default(),
            code: self.code,
        }
    }
}

fn number(value: u64) -> Bind {
    Bind::Number(i64::try_from(value).unwrap_or(i64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_span_is_looked_through_from_its_newest_hour_on_and_whole() {
        let range = |from_ms, to_ms| Range { from_ms, to_ms, zone: chrono_tz::Tz::UTC };
        let hour = FIRST_MS;
        assert_eq!(stretches(range(0, hour / 2), i64::MAX), [(0, hour / 2)]);
        let all = stretches(range(0, 100 * hour), i64::MAX);
        assert_eq!(all, [(99 * hour, 100 * hour), (87 * hour, 99 * hour), (0, 87 * hour)]);
        // Today's rest has nothing yet, and is asked with the newest hour.
        let all = stretches(range(0, 24 * hour), 6 * hour - 1);
        assert_eq!(all, [(5 * hour, 24 * hour), (0, 5 * hour)]);
        assert_eq!(stretches(range(10 * hour, 20 * hour), hour), [(10 * hour, 20 * hour)]);
    }
}
