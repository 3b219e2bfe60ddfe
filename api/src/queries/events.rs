//! A receipt (`evt_…`): what became of what an advertiser sent.

use chrono::{DateTime, Utc};
use schemas::click_id::ClickId;

use super::{
    Cursor, clicks,
    conversions::{self, Conversion},
};
use crate::tenant::TenantCtx;

/// Where an event stands.
#[derive(Debug, Clone, PartialEq)]
pub enum Standing {
    /// Decided: accepted or refused.
    Decided(Box<Conversion>),
    /// Read, and waiting for its click until then.
    Waiting {
        /// The end of the wait.
        until: DateTime<Utc>,
    },
    /// It could not be read by the processor; a person looks at it.
    DeadLetter,
    /// Taken, and not read yet.
    Taken,
}

/// What became of the event whose receipt (proven ours) this is.
///
/// # Errors
/// `sqlx::Error` when PostgreSQL does not answer.
pub async fn get(ctx: &TenantCtx, receipt: &ClickId) -> Result<Standing, sqlx::Error> {
    if let Some(conversion) = decided(ctx, receipt).await? {
        return Ok(conversion);
    }
    if let Some(standing) = undecided(ctx, receipt).await? {
        return Ok(standing);
    }
    // It may have been decided between the two questions.
    Ok(decided(ctx, receipt).await?.unwrap_or(Standing::Taken))
}

async fn decided(ctx: &TenantCtx, receipt: &ClickId) -> Result<Option<Standing>, sqlx::Error> {
    let find = conversions::Find { receipt: Some(*receipt), ..Default::default() };
    let page = conversions::list(ctx, &find, Cursor::default()).await?;
    let found = page.rows.into_iter().find(|conversion| {
        conversion.occurred_at.timestamp_millis() == receipt.time_ms.cast_signed()
    });
    Ok(found.map(|conversion| Standing::Decided(Box::new(conversion))))
}

async fn undecided(ctx: &TenantCtx, receipt: &ClickId) -> Result<Option<Standing>, sqlx::Error> {
    let row = sqlx::query!(
        r#"SELECT w.expires_at AS "expires_at?", d.id AS "dead_letter?"
         FROM pipeline_journal j
         LEFT JOIN pipeline_waiting w
             ON w.journal = j.journal AND w.partition = $2 % j.partitions AND w.seq = $3
         LEFT JOIN pipeline_dead_letter d
             ON d.journal = j.journal AND d.partition = $2 % j.partitions AND d.seq = $3
             AND d.topic = 2 AND d.resolved_by IS NULL
         WHERE j.journal & $4 = $1 AND (w.seq IS NOT NULL OR d.id IS NOT NULL)
         LIMIT 1"#,
        i64::from(receipt.journal),
        i32::from(receipt.shard),
        receipt.seq.cast_signed(),
        clicks::JOURNAL_BITS.cast_signed(),
    )
    .fetch_optional(ctx.db.of_no_site())
    .await?;
    Ok(row.map(|row| match row.expires_at {
        Some(until) => Standing::Waiting { until },
        None => Standing::DeadLetter,
    }))
}
