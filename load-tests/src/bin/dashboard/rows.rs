//! What PostgreSQL keeps of conversions: themselves and their commissions, copied in. The ledger stays empty: no list
//! shows it.

use std::fmt::Write;

use anyhow::Result;
use processor::{batch::Record, outcome::ConversionOutcome};
use schemas::{event::Conversion, ids::PLATFORM, money::decimal, reason::Refusal, status::Via};
use sqlx::PgPool;

/// Lines of `COPY`.
#[derive(Default)]
pub(crate) struct Rows {
    conversions: String,
    commissions: String,
}

impl Rows {
    /// One more, under its id.
    pub(crate) fn put(
        &mut self,
        record: &Record<Conversion>,
        outcome: &ConversionOutcome,
        id: u64,
    ) {
        let (event, site) = (&record.event, PLATFORM.to_sql());
        let (ConversionOutcome { program, affiliate, link, .. }, at) =
            (outcome, time(event.time_ms));
        let click = event.click.unwrap_or_default();
        let amount = outcome.amount.map_or(0, |amount| amount.units());
        // A String takes everything.
        let _ = writeln!(
            self.conversions,
            "{id}\t{site}\t{program}\t{affiliate}\t{link}\t{}\t{}\t{}\t{}\t{amount}\t{}\t{at}\t{}\t{}\t{}\t{}\tt\t{}\t{}\t{}\t{}\t1\t{}",
            event.event,
            event.txn_id,
            outcome.status().name(),
            outcome.refusal().map_or("", Refusal::name),
            event.currency,
            record.journal,
            event.shard,
            record.seq,
            Via::from_code(event.via).map_or("", Via::name),
            time(click.time_ms),
            record.journal,
            click.shard,
            click.seq,
            outcome.trace.replace('\\', "\\\\"),
        );
        let Some(line) = outcome.commission() else { return };
        let (units, code) = (line.amount.units(), line.amount.currency().code());
        let _ = writeln!(
            self.commissions,
            "{site}\t{affiliate}\t{program}\t{link}\t{id}\t{}\t{units}\t{code}\tpending\t{at}\t{}\t{}",
            line.plan,
            decimal(line.amount.minor(), line.amount.currency()),
            time(line.hold_until_ms),
        );
    }

    /// Both, conversions first.
    pub(crate) async fn copy(self, owner: &PgPool) -> Result<()> {
        const CONVERSIONS: &str = "COPY affiliate_conversion (id, site_id, program_id, affiliate_id, link_id, event, txn_id,
            status, reason, amount_units, currency, occurred_at, journal, shard, seq, via, trusted, click_at, click_journal,
            click_shard, click_seq, click_key_version, trace) FROM STDIN";
        const COMMISSIONS: &str = "COPY affiliate_commission (site_id, affiliate_id, program_id, link_id, conversion_id, plan_id,
            amount_units, currency, status, occurred_at, amount, hold_until) FROM STDIN";
        let mut db = owner.acquire().await?;
        for (statement, lines) in [(CONVERSIONS, self.conversions), (COMMISSIONS, self.commissions)]
        {
            let mut copy = db.copy_in_raw(statement).await?;
            copy.send(lines.into_bytes()).await?;
            copy.finish().await?;
        }
        Ok(())
    }
}

fn time(ms: u64) -> String {
    let at = i64::try_from(ms).ok().and_then(chrono::DateTime::from_timestamp_millis);
    at.unwrap_or_default().to_rfc3339()
}
