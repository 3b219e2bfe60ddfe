//! How many accepted conversions a click had in the hour before: what the velocity rule asks.
//!
//! Loaded for the clicks of a batch whose program has that rule, then kept up while the batch is
//! decided. Decides nothing.

use hashbrown::HashMap;
use schemas::event::ClickRef;
use sqlx::PgExecutor;

use crate::error::Result;

/// The rule looks this far back.
pub const HOUR_MS: u64 = 3_600_000;

/// Times of accepted conversions, by click.
#[derive(Debug, Default)]
pub struct Recent {
    times: HashMap<ClickKey, Vec<u64>>,
}

type ClickKey = (u64, u32, u32, u64);

const fn key(click: &ClickRef) -> ClickKey {
    (click.time_ms, click.journal, click.shard, click.seq)
}

impl Recent {
    /// The accepted conversions of these clicks in PostgreSQL.
    ///
    /// # Errors
    /// `Postgres`.
    pub async fn load(executor: impl PgExecutor<'_>, clicks: &[ClickRef]) -> Result<Self> {
        let column = |get: fn(&ClickRef) -> i64| clicks.iter().map(get).collect::<Vec<i64>>();
        let rows = sqlx::query!(
            r#"SELECT (extract(epoch FROM click_at) * 1000)::bigint AS "click_ms!",
                      (click_journal & 1048575)::bigint AS "journal!", click_shard AS "shard!",
                      click_seq AS "seq!", (extract(epoch FROM occurred_at) * 1000)::bigint AS "at_ms!"
               FROM affiliate_conversion
               JOIN unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::bigint[])
                 AS named (at_ms, journal, shard, seq)
                 ON click_seq = named.seq AND click_shard = named.shard
                AND click_journal & 1048575 = named.journal
                AND click_at = to_timestamp(named.at_ms / 1000.0)
               WHERE status <> 'invalid'"#,
            &column(|click| click.time_ms.cast_signed()),
            &column(|click| click.journal.into()),
            &column(|click| click.shard.into()),
            &column(|click| click.seq.cast_signed()),
        )
        .fetch_all(executor)
        .await?;
        let mut recent = Self::default();
        for row in rows {
            let key = (
                row.click_ms.cast_unsigned(),
                row.journal.cast_unsigned() as u32,
                row.shard.cast_unsigned(),
                row.seq.cast_unsigned(),
            );
            recent.times.entry(key).or_default().push(row.at_ms.cast_unsigned());
        }
        Ok(recent)
    }

    /// Counts a conversion of the batch once it is accepted.
    pub fn put(&mut self, click: &ClickRef, time_ms: u64) {
        self.times.entry(key(click)).or_default().push(time_ms);
    }

    /// How many there were in the hour before a time.
    pub fn count(&self, click: &ClickRef, time_ms: u64) -> u32 {
        let times = self.times.get(&key(click)).map_or(&[][..], Vec::as_slice);
        times.iter().filter(|&&at| at <= time_ms && time_ms - at < HOUR_MS).count() as u32
    }
}

#[cfg(test)]
mod tests;
