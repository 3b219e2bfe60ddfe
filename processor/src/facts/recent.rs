//! How many accepted conversions a click had in the hour before: what the velocity rule asks.
//!
//! Loaded for the clicks of a batch whose program has that rule, then kept up while the batch is
//! decided. Decides nothing.

use hashbrown::{HashMap, HashSet};
use schemas::event::{ClickRef, Conversion};
use sqlx::PgExecutor;

use crate::error::Result;

/// The rule looks this far back.
pub const HOUR_MS: u64 = 3_600_000;

/// Times of accepted conversions, by click.
#[derive(Debug, Default)]
pub struct Recent {
    times: HashMap<ClickKey, Vec<u64>>,
    /// What was counted already: the store takes each of these once, so that a repeated call is no
    /// further conversion.
    taken: HashSet<Taken>,
}

/// Site, and the click's key.
type ClickKey = (u32, u64, u32, u32, u64);

/// A transaction counts once; without a transaction id, a click once per event.
#[derive(Debug, PartialEq, Eq, Hash)]
struct Taken {
    site: u32,
    program: u32,
    event: String,
    txn_id: String,
    revision: u32,
    click: Option<ClickKey>,
}

const fn key(site: u32, click: &ClickRef) -> ClickKey {
    (site, click.time_ms, click.journal, click.shard, click.seq)
}

impl Recent {
    /// The accepted conversions of these sites' clicks in PostgreSQL.
    ///
    /// # Errors
    /// `Postgres`.
    pub async fn load(executor: impl PgExecutor<'_>, clicks: &[(u32, ClickRef)]) -> Result<Self> {
        let column =
            |get: fn(&ClickRef) -> i64| clicks.iter().map(|(_, c)| get(c)).collect::<Vec<i64>>();
        let sites: Vec<i64> = clicks.iter().map(|(site, _)| i64::from(*site)).collect();
        let rows = sqlx::query!(
            r#"SELECT site_id, program_id, event, txn_id, revision,
                      (extract(epoch FROM click_at) * 1000)::bigint AS "click_ms!",
                      (click_journal & 1048575)::bigint AS "journal!", click_shard AS "shard!",
                      click_seq AS "seq!", (extract(epoch FROM occurred_at) * 1000)::bigint AS "at_ms!"
               FROM affiliate_conversion
               JOIN (SELECT DISTINCT * FROM
                     unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::bigint[], $5::bigint[]) AS asked)
                 AS named (site, at_ms, journal, shard, seq)
                 ON site_id = named.site AND click_seq = named.seq AND click_shard = named.shard
                AND click_journal & 1048575 = named.journal
                AND click_at = to_timestamp(named.at_ms / 1000.0)
               WHERE status <> 'invalid'"#,
            &sites,
            &column(|click| click.time_ms.cast_signed()),
            &column(|click| click.journal.into()),
            &column(|click| click.shard.into()),
            &column(|click| click.seq.cast_signed()),
        )
        .fetch_all(executor)
        .await?;
        let mut recent = Self::default();
        for row in rows {
            let number = |value: i64| u32::try_from(value).unwrap_or(0);
            let click = (
                number(row.site_id),
                row.click_ms.cast_unsigned(),
                row.journal.cast_unsigned() as u32,
                row.shard.cast_unsigned(),
                row.seq.cast_unsigned(),
            );
            let taken = Taken {
                site: number(row.site_id),
                program: number(row.program_id),
                click: row.txn_id.is_empty().then_some(click),
                event: row.event,
                txn_id: row.txn_id,
                revision: number(row.revision),
            };
            recent.add(click, row.at_ms.cast_unsigned(), taken);
        }
        Ok(recent)
    }

    fn add(&mut self, click: ClickKey, time_ms: u64, taken: Taken) {
        if self.taken.insert(taken) {
            self.times.entry(click).or_default().push(time_ms);
        }
    }

    /// Counts a conversion of the batch once it is accepted, unless the store is to refuse it as one
    /// that was there before.
    pub fn put(&mut self, event: &Conversion, program: u32) {
        let Some(click) = event.click.as_ref().map(|click| key(event.site, click)) else { return };
        let taken = Taken {
            site: event.site,
            program,
            event: event.event.clone(),
            txn_id: event.txn_id.clone(),
            revision: event.revision,
            click: event.txn_id.is_empty().then_some(click),
        };
        self.add(click, event.time_ms, taken);
    }

    /// How many there were in the hour before a time.
    pub fn count(&self, site: u32, click: &ClickRef, time_ms: u64) -> u32 {
        let times = self.times.get(&key(site, click)).map_or(&[][..], Vec::as_slice);
        times.iter().filter(|&&at| at <= time_ms && time_ms - at < HOUR_MS).count() as u32
    }
}

#[cfg(test)]
mod tests;
