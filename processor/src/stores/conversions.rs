//! Conversions as decided: the accepted ones take their key or lose it, the refused ones take none.

use schemas::{
    event::{ClickRef, Conversion},
    reason::Refusal,
    status::Via,
};
use serde_json::Value;
use sqlx::PgConnection;
use std::collections::HashMap;

use super::{bigint, signed, timestamp};
use crate::{
    batch::Decided,
    error::{Error, Result},
    outcome::ConversionOutcome,
};

/// Columns of a set of conversions, for `unnest`.
#[derive(Default)]
struct Columns {
    site: Vec<i64>,
    program: Vec<i64>,
    affiliate: Vec<i64>,
    link: Vec<i64>,
    event: Vec<String>,
    txn: Vec<String>,
    revision: Vec<i64>,
    status: Vec<String>,
    reason: Vec<String>,
    amount: Vec<i64>,
    currency: Vec<String>,
    at: Vec<chrono::DateTime<chrono::Utc>>,
    journal: Vec<i64>,
    shard: Vec<i32>,
    seq: Vec<i64>,
    via: Vec<String>,
    trusted: Vec<bool>,
    click_at: Vec<Option<chrono::DateTime<chrono::Utc>>>,
    click_journal: Vec<Option<i64>>,
    click_shard: Vec<Option<i32>>,
    click_seq: Vec<Option<i64>>,
    click_key: Vec<Option<i16>>,
    trace: Vec<String>,
    parameters: Vec<String>,
}

impl Columns {
    fn push(&mut self, decided: &Decided) {
        let Decided { record, outcome, .. } = decided;
        let event = &record.event;
        self.site.push(event.site.into());
        self.program.push(outcome.program.into());
        self.affiliate.push(outcome.affiliate.into());
        self.link.push(outcome.link.into());
        self.event.push(clean(&event.event));
        self.txn.push(clean(&event.txn_id));
        self.revision.push(event.revision.into());
        self.status.push(outcome.status().name().to_owned());
        self.reason
            .push(outcome.refusal().map_or(String::new(), |reason| reason.name().to_owned()));
        self.amount.push(outcome.amount.map_or(0, |amount| amount.units()));
        self.currency.push(
            outcome.amount.map_or(String::new(), |amount| amount.currency().code().to_owned()),
        );
        self.at.push(timestamp(event.time_ms));
        self.journal.push(signed(record.journal));
        self.shard.push(i32::try_from(event.shard).unwrap_or(i32::MAX));
        self.seq.push(bigint(record.seq));
        self.via.push(Via::from_code(event.via).map_or("", Via::name).to_owned());
        self.trusted.push(event.has(schemas::event::Flags::Trusted));
        let click = event.click.as_ref();
        self.click_at.push(click.map(|click| timestamp(click.time_ms)));
        self.click_journal.push(click.map(|click| signed(decided.click_journal(click))));
        self.click_shard.push(click.map(|click| i32::try_from(click.shard).unwrap_or(i32::MAX)));
        self.click_seq.push(click.map(|click| bigint(click.seq)));
        self.click_key.push(click.map(|click| i16::try_from(click.key_version).unwrap_or(0)));
        self.trace.push(outcome.trace.clone());
        self.parameters.push(parameters(event).to_string());
    }
}

impl Decided {
    /// The click's journal: its full id where it is known, else the 20 bits that its token carries.
    pub(crate) fn click_journal(&self, click: &ClickRef) -> u64 {
        self.click_journal.unwrap_or(click.journal.into())
    }
}

/// What else the call said and no column keeps, as sent; only what was sent.
fn parameters(event: &Conversion) -> Value {
    let named = [
        ("payout", &event.payout),
        ("revenue", &event.revenue),
        ("status", &event.status),
        ("coupon", &event.coupon),
        ("customer_id", &event.customer_id),
        ("click_id", &event.click_id),
    ];
    let named = named.into_iter().map(|(name, text)| (name.to_owned(), text));
    let adv = event.adv.iter().enumerate().map(|(n, text)| (format!("adv{}", n + 1), text));
    let sent = named.chain(adv.take(10)).filter(|(_, text)| !text.is_empty());
    Value::Object(sent.map(|(name, text)| (name, clean(text).into())).collect())
}

/// PostgreSQL's text has no NUL.
fn clean(text: &str) -> String {
    text.replace('\0', "\u{fffd}")
}

/// Inserts all and gives their ids by position. An accepted one whose key is taken becomes refused
/// (`duplicate_txn`), in this batch as between batches; the first in order wins. `before` gets what
/// such a one was, should the caller have to take all of this back.
pub(crate) async fn insert(
    db: &mut PgConnection,
    decided: &mut [Decided],
    before: &mut Vec<(usize, ConversionOutcome)>,
) -> Result<Vec<i64>> {
    let mut ids: HashMap<(i64, i32, i64), i64> = HashMap::new();
    let accepted: Vec<usize> = sorted(decided, |one| one.outcome.refusal().is_none());
    ids.extend(insert_some(db, decided, &accepted).await?);
    for &n in &accepted {
        if !ids.contains_key(&identity(&decided[n])) {
            before.push((n, decided[n].outcome.clone()));
            decided[n].outcome.refuse(Refusal::DuplicateTxn);
        }
    }
    let refused: Vec<usize> =
        sorted(decided, |one| one.outcome.refusal().is_some() && !ids.contains_key(&identity(one)));
    ids.extend(insert_some(db, decided, &refused).await?);
    let id = |one| ids.get(&identity(one)).copied().ok_or(Error::Stored { what: "a conversion" });
    decided.iter().map(id).collect()
}

fn identity(one: &Decided) -> (i64, i32, i64) {
    let shard = i32::try_from(one.record.event.shard).unwrap_or(i32::MAX);
    (signed(one.record.journal), shard, bigint(one.record.seq))
}

/// Positions in the order of their keys, so that two transactions never wait for each other; equal
/// keys stay in the order of arrival.
fn sorted(decided: &[Decided], wanted: impl Fn(&Decided) -> bool) -> Vec<usize> {
    let mut order: Vec<usize> = (0..decided.len()).filter(|&n| wanted(&decided[n])).collect();
    order.sort_by_key(|&n| {
        let Decided { record, outcome, .. } = &decided[n];
        let event = &record.event;
        (event.site, outcome.program, &event.event, &event.txn_id, event.revision, n)
    });
    order
}

async fn insert_some(
    db: &mut PgConnection,
    decided: &[Decided],
    which: &[usize],
) -> Result<Vec<((i64, i32, i64), i64)>> {
    if which.is_empty() {
        return Ok(Vec::new());
    }
    let mut columns = Columns::default();
    which.iter().for_each(|&n| columns.push(&decided[n]));
    let rows = sqlx::query_file!(
        "src/stores/conversions.insert.sql",
        &columns.site,
        &columns.program,
        &columns.affiliate,
        &columns.link,
        &columns.event,
        &columns.txn,
        &columns.revision,
        &columns.status,
        &columns.reason,
        &columns.amount,
        &columns.currency,
        &columns.at,
        &columns.journal,
        &columns.shard,
        &columns.seq,
        &columns.via,
        &columns.trusted,
        &columns.click_at as &[Option<chrono::DateTime<chrono::Utc>>],
        &columns.click_journal as &[Option<i64>],
        &columns.click_shard as &[Option<i32>],
        &columns.click_seq as &[Option<i64>],
        &columns.click_key as &[Option<i16>],
        &columns.trace,
        &columns.parameters,
    )
    .fetch_all(db)
    .await?;
    Ok(rows.into_iter().map(|row| ((row.journal, row.shard, row.seq), row.id)).collect())
}
