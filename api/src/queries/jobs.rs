//! What is done for all sites, with the role of jobs.

use chrono::{DateTime, Utc};
use sqlx::PgPool;

/// A letter that is due.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Due {
    /// Its number.
    pub id: i64,
    /// Whose.
    pub site_id: i64,
    /// What it is.
    pub kind: String,
    /// To whom.
    pub address: String,
    /// What it says.
    pub sealed: Vec<u8>,
    /// How often it was tried, this time counted.
    pub tries: i16,
}

/// Tries a letter has.
pub const TRIES: i16 = 8;

/// Takes one that is due: nobody else takes it until it is due again, a minute later at first and twice as long each
/// time, four hours at most.
///
/// # Errors
/// `sqlx::Error` when PostgreSQL does not answer.
pub async fn take_letter(db: &PgPool, now: DateTime<Utc>) -> Result<Option<Due>, sqlx::Error> {
    sqlx::query_as!(
        Due,
        "UPDATE mail_message SET tries = tries + 1,
             next_at = $1::timestamptz + least(interval '1 minute' * (1 << tries::int), interval '4 hours')
         WHERE id = (SELECT id FROM mail_message WHERE sent_at IS NULL AND given_up_at IS NULL AND next_at <= $1
                     ORDER BY next_at, id LIMIT 1 FOR UPDATE SKIP LOCKED)
         RETURNING id, site_id, kind, address, sealed, tries",
        now
    )
    .fetch_optional(db)
    .await
}

/// It is sent: what it said is gone.
///
/// # Errors
/// `sqlx::Error` when PostgreSQL does not answer.
pub async fn letter_sent(db: &PgPool, id: i64, now: DateTime<Utc>) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "UPDATE mail_message SET sent_at = $2, sealed = '', error = '' WHERE id = $1",
        id,
        now
    )
    .execute(db)
    .await
    .map(drop)
}

/// It is not sent yet, or never will be.
///
/// # Errors
/// `sqlx::Error` when PostgreSQL does not answer.
pub async fn letter_failed(
    db: &PgPool,
    id: i64,
    (error, gives_up): (&str, bool),
    now: DateTime<Utc>,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "UPDATE mail_message SET error = left($2, 500),
             given_up_at = CASE WHEN $3 THEN $4 ELSE given_up_at END,
             sealed = CASE WHEN $3 THEN '' ELSE sealed END
         WHERE id = $1",
        id,
        error,
        gives_up,
        now
    )
    .execute(db)
    .await
    .map(drop)
}

/// Removes sessions, links and steps that are over, and letters of more than thirty days ago.
///
/// # Errors
/// `sqlx::Error` when PostgreSQL does not answer.
pub async fn sweep(db: &PgPool, now: DateTime<Utc>) -> Result<(), sqlx::Error> {
    sqlx::query!("DELETE FROM accounts_session WHERE expires_at < $1", now).execute(db).await?;
    sqlx::query!("DELETE FROM accounts_code WHERE expires_at < $1", now).execute(db).await?;
    sqlx::query!("DELETE FROM accounts_pending WHERE expires_at < $1", now).execute(db).await?;
    sqlx::query!(
        "DELETE FROM mail_message WHERE coalesce(sent_at, given_up_at) < $1::timestamptz - interval '30 days'",
        now
    )
    .execute(db)
    .await
    .map(drop)
}
