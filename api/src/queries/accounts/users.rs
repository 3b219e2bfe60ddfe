//! Users: a person, whichever sites they are on.

use chrono::{DateTime, Utc};
use sqlx::{PgConnection, PgExecutor};

/// A person, as far as signing in needs to know.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct User {
    /// Its number.
    pub id: i64,
    /// Unique, whatever the case of its letters.
    pub username: String,
    /// The address that mails go to.
    pub email: String,
    /// As they call themselves; may be empty.
    pub name: String,
    /// A hash, or `!`.
    pub password: String,
    /// Whether they may sign in at all.
    pub is_active: bool,
    /// Since when it is known that they read their address.
    pub email_verified_at: Option<DateTime<Utc>>,
    /// When the account was made.
    pub date_joined: DateTime<Utc>,
}

impl User {
    /// How a mail begins.
    pub fn called(&self) -> &str {
        if self.name.is_empty() { &self.username } else { &self.name }
    }
}

/// By address or by name, as somebody typed it.
///
/// # Errors
/// `sqlx::Error` when PostgreSQL does not answer.
pub async fn find(db: impl PgExecutor<'_>, login: &str) -> Result<Option<User>, sqlx::Error> {
    // A name with an @ is nobody's: they are refused when made.
    sqlx::query_as!(
        User,
        "SELECT id, username, email, name, password, is_active, email_verified_at, date_joined
         FROM accounts_user WHERE deleted_at IS NULL
           AND CASE WHEN position('@' IN $1) > 0
               THEN lower(email) = lower($1) OR id = (SELECT user_id FROM accounts_email WHERE lower(email) = lower($1))
               ELSE lower(username) = lower($1) END",
        login
    )
    .fetch_optional(db)
    .await
}

/// By number.
///
/// # Errors
/// `RowNotFound`, or PostgreSQL does not answer.
pub async fn get(db: impl PgExecutor<'_>, id: i64) -> Result<User, sqlx::Error> {
    sqlx::query_as!(
        User,
        "SELECT id, username, email, name, password, is_active, email_verified_at, date_joined
         FROM accounts_user WHERE id = $1",
        id
    )
    .fetch_one(db)
    .await
}

/// Somebody new, not confirmed yet. A name that is taken gets some letters behind it; an address that is taken
/// makes nobody (`None`).
///
/// # Errors
/// `sqlx::Error` when PostgreSQL does not answer.
pub async fn insert(
    db: &mut PgConnection,
    (username, email, name): (&str, &str, &str),
    password: &str,
    now: DateTime<Utc>,
) -> Result<Option<i64>, sqlx::Error> {
    // The lock of `keep_addresses_apart`, so that what is looked at stays so.
    sqlx::query!("SELECT pg_advisory_xact_lock(hashtextextended(lower($1), 20261201))", email)
        .fetch_one(&mut *db)
        .await?;
    sqlx::query_scalar!(
        "INSERT INTO accounts_user (username, email, name, password, date_joined, password_changed_at)
         SELECT CASE WHEN EXISTS (SELECT FROM accounts_user WHERE lower(username) = lower($1))
                THEN left($1, 140) || '-' || substr(gen_random_uuid()::text, 1, 6) ELSE $1 END, $2, $3, $4, $5, $5
         WHERE NOT EXISTS (SELECT FROM accounts_email WHERE lower(email) = lower($2))
         ON CONFLICT ((lower(email))) DO NOTHING RETURNING id",
        username,
        email,
        name,
        password,
        now,
    )
    .fetch_optional(db)
    .await
}

/// Keeps another hash of the same password.
///
/// # Errors
/// `sqlx::Error` when PostgreSQL does not answer.
pub async fn renew_hash(db: impl PgExecutor<'_>, id: i64, hash: &str) -> Result<(), sqlx::Error> {
    sqlx::query!("UPDATE accounts_user SET password = $2 WHERE id = $1", id, hash)
        .execute(db)
        .await
        .map(drop)
}

/// Another password.
///
/// # Errors
/// `sqlx::Error` when PostgreSQL does not answer.
pub async fn set_password(
    db: impl PgExecutor<'_>,
    id: i64,
    hash: &str,
    now: DateTime<Utc>,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "UPDATE accounts_user SET password = $2, password_changed_at = $3 WHERE id = $1",
        id,
        hash,
        now
    )
    .execute(db)
    .await
    .map(drop)
}

/// Somebody who reads the address said so.
///
/// # Errors
/// `sqlx::Error` when PostgreSQL does not answer.
pub async fn verify_email(
    db: impl PgExecutor<'_>,
    id: i64,
    email: &str,
    now: DateTime<Utc>,
) -> Result<bool, sqlx::Error> {
    let done = sqlx::query!(
        "UPDATE accounts_user SET email_verified_at = coalesce(email_verified_at, $3)
         WHERE id = $1 AND lower(email) = lower($2)",
        id,
        email,
        now
    );
    Ok(done.execute(db).await?.rows_affected() == 1)
}

/// The seed's profile: what people tell of themselves.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Profile {
    /// As they call themselves.
    pub name: String,
    /// A few sentences.
    pub bio: String,
}

/// What somebody tells of themselves.
///
/// # Errors
/// `sqlx::Error` when PostgreSQL does not answer.
pub async fn profile(db: impl PgExecutor<'_>, id: i64) -> Result<Profile, sqlx::Error> {
    sqlx::query_as!(
        Profile,
        r#"SELECT u.name, coalesce(p.bio, '') AS "bio!" FROM accounts_user u
           LEFT JOIN accounts_profile p ON p.user_id = u.id WHERE u.id = $1"#,
        id
    )
    .fetch_one(db)
    .await
}

/// Says it anew.
///
/// # Errors
/// `sqlx::Error` when PostgreSQL does not answer.
pub async fn set_profile(
    db: &mut PgConnection,
    id: i64,
    profile: &Profile,
) -> Result<(), sqlx::Error> {
    sqlx::query!("UPDATE accounts_user SET name = $2 WHERE id = $1", id, profile.name)
        .execute(&mut *db)
        .await?;
    sqlx::query!(
        "INSERT INTO accounts_profile (user_id, bio) VALUES ($1, $2)
         ON CONFLICT (user_id) DO UPDATE SET bio = excluded.bio",
        id,
        profile.bio
    )
    .execute(db)
    .await
    .map(drop)
}

/// How somebody wants to be shown things; empty for what the browser or the site says.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Settings {
    /// `en`, `fr`.
    pub language: String,
    /// An IANA name.
    pub time_zone: String,
    /// ISO 4217.
    pub currency: String,
    /// `light`, `dark`.
    pub theme: String,
    /// Told by mail of a sign-in from a new device.
    pub tells_new_device: bool,
}

/// Somebody's settings.
///
/// # Errors
/// `sqlx::Error` when PostgreSQL does not answer.
pub async fn settings(db: impl PgExecutor<'_>, id: i64) -> Result<Settings, sqlx::Error> {
    let found = sqlx::query_as!(
        Settings,
        r#"SELECT language, time_zone, currency, theme,
             coalesce((notices ->> 'new_device')::boolean, true) AS "tells_new_device!"
           FROM accounts_usersettings WHERE user_id = $1"#,
        id
    );
    let usual = Settings { tells_new_device: true, ..Settings::default() };
    Ok(found.fetch_optional(db).await?.unwrap_or(usual))
}

/// Keeps them.
///
/// # Errors
/// `sqlx::Error` when PostgreSQL does not answer.
pub async fn set_settings(
    db: impl PgExecutor<'_>,
    id: i64,
    settings: &Settings,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "INSERT INTO accounts_usersettings (user_id, language, time_zone, currency, theme, notices)
         VALUES ($1, $2, $3, $4, $5, jsonb_build_object('new_device', $6::boolean))
         ON CONFLICT (user_id) DO UPDATE SET language = excluded.language, time_zone = excluded.time_zone,
             currency = excluded.currency, theme = excluded.theme,
             notices = accounts_usersettings.notices || excluded.notices, changed_at = now()",
        id,
        settings.language,
        settings.time_zone,
        settings.currency,
        settings.theme,
        settings.tells_new_device,
    )
    .execute(db)
    .await
    .map(drop)
}
