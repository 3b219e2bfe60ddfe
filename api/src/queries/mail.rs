//! Mail on its way.

use chrono::{DateTime, Utc};

use crate::tenant::Tx;

/// Letters of a site that may wait at once.
const MOST: i64 = 10_000;

/// Puts one into the queue; `false` when it is full.
///
/// # Errors
/// `sqlx::Error` when PostgreSQL does not answer.
pub async fn insert(
    tx: &mut Tx,
    (kind, address): (&str, &str),
    sealed: &[u8],
    now: DateTime<Utc>,
) -> Result<bool, sqlx::Error> {
    let done = sqlx::query!(
        "INSERT INTO mail_message (site_id, kind, address, sealed, created_at, next_at)
         SELECT $1, $2, $3, $4, $5, $5 WHERE (SELECT count(*) FROM (
             SELECT FROM mail_message WHERE site_id = $1 AND sent_at IS NULL AND given_up_at IS NULL LIMIT $6) AS due) < $6",
        tx.site.to_sql(),
        kind,
        address,
        sealed,
        now,
        MOST,
    )
    .execute(&mut **tx)
    .await?;
    Ok(done.rows_affected() == 1)
}
