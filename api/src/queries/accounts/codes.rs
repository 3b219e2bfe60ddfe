//! Secrets sent by mail, each good once: links, and codes to type.

use chrono::{DateTime, TimeDelta, Utc};
use sqlx::{PgConnection, PgExecutor};

use crate::accounts::secret::Hash;

/// Tries a code has before it dies.
pub const TRIES: i16 = 5;

/// What it is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// That somebody reads an address.
    Confirm,
    /// A new password.
    Reset,
    /// Signing in where passwords are being guessed.
    SignIn,
    /// That somebody reads a further address.
    AddEmail,
}

impl Kind {
    /// The word in the table.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Confirm => "confirm",
            Self::Reset => "reset",
            Self::SignIn => "sign_in",
            Self::AddEmail => "add_email",
        }
    }

    /// How long it is good (ASVS 6.6.3: codes ten minutes at most, links an hour).
    pub fn life(self) -> TimeDelta {
        match self {
            Self::Confirm | Self::Reset | Self::AddEmail => TimeDelta::minutes(60),
            Self::SignIn => TimeDelta::minutes(10),
        }
    }
}

/// A secret to be sent.
#[derive(Debug, Clone)]
pub struct New<'a> {
    /// What for.
    pub kind: Kind,
    /// Whose.
    pub user: i64,
    /// The address it proves.
    pub email: &'a str,
    /// Where it is good.
    pub host: &'a str,
    /// Of the link.
    pub token: Hash,
    /// Of the code, and of the browser that may type it.
    pub code: Option<(Hash, Hash)>,
    /// Now.
    pub now: DateTime<Utc>,
}

/// One that is good.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Code {
    /// Its number.
    pub id: i64,
    /// Whose.
    pub user_id: i64,
    /// The address it proves.
    pub email: String,
    /// The browser that asked for it.
    pub browser_hash: Option<Vec<u8>>,
}

/// Keeps one and ends the older ones of its kind.
///
/// # Errors
/// `sqlx::Error` when PostgreSQL does not answer.
pub async fn insert(db: &mut PgConnection, new: &New<'_>) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "DELETE FROM accounts_code WHERE user_id = $1 AND kind = $2",
        new.user,
        new.kind.name()
    )
    .execute(&mut *db)
    .await?;
    let (code, browser) = new.code.unzip();
    sqlx::query!(
        "INSERT INTO accounts_code (kind, user_id, email, host, token_hash, code_hash, browser_hash, created_at, expires_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
        new.kind.name(),
        new.user,
        new.email,
        new.host,
        &new.token[..],
        code.as_ref().map(|hash| &hash[..]),
        browser.as_ref().map(|hash| &hash[..]),
        new.now,
        new.now + new.kind.life(),
    )
    .execute(db)
    .await
    .map(drop)
}

/// The one of a link, still good.
///
/// # Errors
/// `sqlx::Error` when PostgreSQL does not answer.
pub async fn by_token(
    db: impl PgExecutor<'_>,
    (kind, host): (Kind, &str),
    token: &Hash,
    now: DateTime<Utc>,
) -> Result<Option<Code>, sqlx::Error> {
    sqlx::query_as!(
        Code,
        "SELECT id, user_id, email, browser_hash FROM accounts_code
         WHERE kind = $1 AND host = $2 AND token_hash = $3 AND expires_at > $4",
        kind.name(),
        host,
        &token[..],
        now,
    )
    .fetch_optional(db)
    .await
}

/// The one whose code a browser typed within ten minutes. Counts the try before it compares, in one statement:
/// parallel tries are counted one by one.
///
/// # Errors
/// `sqlx::Error` when PostgreSQL does not answer.
pub async fn by_code(
    db: impl PgExecutor<'_>,
    (kind, host): (Kind, &str),
    (code, browser): (&Hash, &Hash),
    now: DateTime<Utc>,
) -> Result<Option<Code>, sqlx::Error> {
    let tried = sqlx::query!(
        r#"UPDATE accounts_code SET tries = tries + 1
           WHERE kind = $1 AND host = $2 AND browser_hash = $3 AND expires_at > $4 AND tries < $5
             AND created_at > $4::timestamptz - interval '10 minutes'
           RETURNING id, user_id, email, browser_hash, code_hash"#,
        kind.name(),
        host,
        &browser[..],
        now,
        TRIES,
    )
    .fetch_optional(db)
    .await?;
    Ok(tried.filter(|row| row.code_hash.as_deref() == Some(&code[..])).map(|row| Code {
        id: row.id,
        user_id: row.user_id,
        email: row.email,
        browser_hash: row.browser_hash,
    }))
}

/// Uses it up; `false` where somebody was quicker.
///
/// # Errors
/// `sqlx::Error` when PostgreSQL does not answer.
pub async fn delete(db: impl PgExecutor<'_>, id: i64) -> Result<bool, sqlx::Error> {
    let done = sqlx::query!("DELETE FROM accounts_code WHERE id = $1", id);
    Ok(done.execute(db).await?.rows_affected() == 1)
}

/// Ends all of somebody's.
///
/// # Errors
/// `sqlx::Error` when PostgreSQL does not answer.
pub async fn delete_of(db: impl PgExecutor<'_>, user: i64) -> Result<(), sqlx::Error> {
    sqlx::query!("DELETE FROM accounts_code WHERE user_id = $1", user).execute(db).await.map(drop)
}
