//! The people of a site: who is what, who was asked to be, who changed what.

use chrono::{DateTime, Utc};
use serde_json::Value;

use crate::{
    accounts::{role::Role, secret::Hash},
    error::Error,
    tenant::{Db, Tx},
};

/// Somebody of a site.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Person {
    /// The user.
    pub user_id: i64,
    /// Their unique name.
    pub username: String,
    /// As they call themselves; may be empty.
    pub name: String,
    /// Where mails go.
    pub email: String,
    /// What they are.
    pub role: String,
    /// These programs alone.
    pub programs: Option<Vec<i64>>,
    /// These affiliates alone.
    pub affiliates: Option<Vec<i64>>,
    /// Not suspended.
    pub is_active: bool,
    /// Since when.
    pub created_at: DateTime<Utc>,
    /// When they were seen last, anywhere.
    pub seen_at: Option<DateTime<Utc>>,
    /// They have a second factor.
    pub has_factors: bool,
}

/// A site's people by name, those that fit `q`, after one of the page before.
///
/// # Errors
/// `sqlx::Error` when PostgreSQL does not answer.
pub async fn list(
    db: &Db,
    (q, role): (&str, &str),
    after: Option<i64>,
    limit: i64,
) -> Result<Vec<Person>, sqlx::Error> {
    sqlx::query_as!(
        Person,
        r#"SELECT u.id AS user_id, u.username, u.name, u.email, m.role, m.programs, m.affiliates, m.is_active, m.created_at,
             (SELECT max(s.seen_at) FROM accounts_session s WHERE s.user_id = u.id) AS seen_at,
             EXISTS (SELECT FROM accounts_totp t WHERE t.user_id = u.id AND t.confirmed_at IS NOT NULL)
                 OR EXISTS (SELECT FROM accounts_passkey k WHERE k.user_id = u.id) AS "has_factors!"
           FROM accounts_membership m JOIN accounts_user u ON u.id = m.user_id
           WHERE m.site_id = $1 AND ($2 = '' OR position(lower($2) IN lower(u.username || ' ' || u.name || ' ' || u.email)) > 0)
             AND ($3 = '' OR m.role = $3) AND ($4::bigint IS NULL OR m.user_id < $4)
           ORDER BY m.user_id DESC LIMIT $5"#,
        db.site.to_sql(),
        q,
        role,
        after,
        limit,
    )
    .fetch_all(&mut *db.begin().await?)
    .await
}

/// One of them.
///
/// # Errors
/// `NotFound`, also for another site's; `Sql`.
pub async fn get(db: &Db, user: i64) -> Result<Person, Error> {
    let found = list(db, ("", ""), user.checked_add(1), 1).await?.into_iter().next();
    found.filter(|person| person.user_id == user).ok_or(Error::NotFound("person"))
}

/// What changes of what somebody is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// What they are.
    pub role: Role,
    /// These programs alone; `None` for all.
    pub programs: Option<Vec<i64>>,
    /// These affiliates alone; `None` for all.
    pub affiliates: Option<Vec<i64>>,
}

/// Makes somebody something else.
///
/// # Errors
/// `NotFound`, also for another site's; `Sql`.
pub async fn update(tx: &mut Tx, user: i64, change: &Change) -> Result<(), Error> {
    let done = sqlx::query!(
        "UPDATE accounts_membership SET role = $3, programs = $4, affiliates = $5, changed_at = now()
         WHERE site_id = $1 AND user_id = $2",
        tx.site.to_sql(),
        user,
        change.role.name(),
        change.programs.as_deref(),
        change.affiliates.as_deref(),
    )
    .execute(&mut **tx)
    .await?;
    if done.rows_affected() == 1 { Ok(()) } else { Err(Error::NotFound("person")) }
}

/// Suspends somebody, or lets them in again.
///
/// # Errors
/// `NotFound`, also for another site's; `Sql`.
pub async fn set_active(tx: &mut Tx, user: i64, is_active: bool) -> Result<(), Error> {
    let done = sqlx::query!(
        "UPDATE accounts_membership SET is_active = $3, changed_at = now() WHERE site_id = $1 AND user_id = $2",
        tx.site.to_sql(),
        user,
        is_active,
    )
    .execute(&mut **tx)
    .await?;
    if done.rows_affected() == 1 { Ok(()) } else { Err(Error::NotFound("person")) }
}

/// Ids of a list that are none of the site's.
///
/// # Errors
/// `sqlx::Error` when PostgreSQL does not answer.
pub async fn strangers(
    tx: &mut Tx,
    (programs, affiliates): (&[i64], &[i64]),
) -> Result<(Vec<i64>, Vec<i64>), sqlx::Error> {
    let row = sqlx::query!(
        r#"SELECT
             ARRAY(SELECT id FROM unnest($2::bigint[]) AS id WHERE NOT EXISTS (
                 SELECT FROM affiliate_program p WHERE p.site_id = $1 AND p.id = id.id)) AS "programs!",
             ARRAY(SELECT id FROM unnest($3::bigint[]) AS id WHERE NOT EXISTS (
                 SELECT FROM affiliate_affiliate a WHERE a.site_id = $1 AND a.id = id.id)) AS "affiliates!""#,
        tx.site.to_sql(),
        programs,
        affiliates,
    )
    .fetch_one(&mut **tx)
    .await?;
    Ok((row.programs, row.affiliates))
}

/// Somebody who was asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Invitation {
    /// Its number.
    pub id: i64,
    /// Whom.
    pub email: String,
    /// To be what.
    pub role: String,
    /// These programs alone.
    pub programs: Option<Vec<i64>>,
    /// These affiliates alone.
    pub affiliates: Option<Vec<i64>>,
    /// By whom.
    pub invited_by: String,
    /// Until when.
    pub expires_at: DateTime<Utc>,
}

/// Those that are open, newest first.
///
/// # Errors
/// `sqlx::Error` when PostgreSQL does not answer.
pub async fn invitations(db: &Db, now: DateTime<Utc>) -> Result<Vec<Invitation>, sqlx::Error> {
    sqlx::query_as!(
        Invitation,
        r#"SELECT i.id, i.email, i.role, i.programs, i.affiliates, u.username AS invited_by, i.expires_at
           FROM accounts_invitation i JOIN accounts_user u ON u.id = i.invited_by
           WHERE i.site_id = $1 AND i.accepted_at IS NULL AND i.revoked_at IS NULL AND i.expires_at > $2
           ORDER BY i.id DESC LIMIT 200"#,
        db.site.to_sql(),
        now
    )
    .fetch_all(&mut *db.begin().await?)
    .await
}

/// The one of a link, still open.
///
/// # Errors
/// `NotFound`, also for another site's; `Sql`.
pub async fn invitation(
    tx: &mut Tx,
    token: &Hash,
    now: DateTime<Utc>,
) -> Result<Invitation, Error> {
    let found = sqlx::query_as!(
        Invitation,
        r#"SELECT i.id, i.email, i.role, i.programs, i.affiliates, u.username AS invited_by, i.expires_at
           FROM accounts_invitation i JOIN accounts_user u ON u.id = i.invited_by
           WHERE i.site_id = $1 AND i.token_hash = $2 AND i.accepted_at IS NULL AND i.revoked_at IS NULL
             AND i.expires_at > $3 FOR UPDATE OF i"#,
        tx.site.to_sql(),
        &token[..],
        now
    );
    found.fetch_optional(&mut **tx).await?.ok_or(Error::NotFound("invitation"))
}

/// Asks somebody.
///
/// # Errors
/// `sqlx::Error` when PostgreSQL does not answer.
pub async fn invite(
    tx: &mut Tx,
    (email, by): (&str, i64),
    change: &Change,
    token: &Hash,
    (now, expires_at): (DateTime<Utc>, DateTime<Utc>),
) -> Result<(), sqlx::Error> {
    // A newer one ends the older ones.
    sqlx::query!(
        "UPDATE accounts_invitation SET revoked_at = $3
         WHERE site_id = $1 AND lower(email) = lower($2) AND accepted_at IS NULL AND revoked_at IS NULL",
        tx.site.to_sql(),
        email,
        now
    )
    .execute(&mut **tx)
    .await?;
    sqlx::query!(
        "INSERT INTO accounts_invitation (site_id, email, role, programs, affiliates, token_hash, invited_by, created_at, expires_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
        tx.site.to_sql(),
        email,
        change.role.name(),
        change.programs.as_deref(),
        change.affiliates.as_deref(),
        &token[..],
        by,
        now,
        expires_at,
    )
    .execute(&mut **tx)
    .await
    .map(drop)
}

/// Takes an invitation back.
///
/// # Errors
/// `NotFound`, also for another site's and for one that is over; `Sql`.
pub async fn revoke(tx: &mut Tx, id: i64, now: DateTime<Utc>) -> Result<(), Error> {
    let done = sqlx::query!(
        "UPDATE accounts_invitation SET revoked_at = $3
         WHERE site_id = $1 AND id = $2 AND accepted_at IS NULL AND revoked_at IS NULL",
        tx.site.to_sql(),
        id,
        now
    )
    .execute(&mut **tx)
    .await?;
    if done.rows_affected() == 1 { Ok(()) } else { Err(Error::NotFound("invitation")) }
}

/// Somebody accepts: they are what they were asked to be.
///
/// # Errors
/// `sqlx::Error` when PostgreSQL does not answer.
pub async fn accept(
    tx: &mut Tx,
    user: i64,
    invitation: &Invitation,
    now: DateTime<Utc>,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "UPDATE accounts_invitation SET accepted_at = $3 WHERE site_id = $1 AND id = $2",
        tx.site.to_sql(),
        invitation.id,
        now
    )
    .execute(&mut **tx)
    .await?;
    sqlx::query!(
        "INSERT INTO accounts_membership (site_id, user_id, role, programs, affiliates) VALUES ($1, $2, $3, $4, $5)
         ON CONFLICT (site_id, user_id) DO UPDATE SET role = excluded.role, programs = excluded.programs,
             affiliates = excluded.affiliates, is_active = true, changed_at = now()",
        tx.site.to_sql(),
        user,
        invitation.role,
        invitation.programs.as_deref(),
        invitation.affiliates.as_deref(),
    )
    .execute(&mut **tx)
    .await
    .map(drop)
}

/// A change that somebody made.
#[derive(Debug, Clone, PartialEq)]
pub struct Entry {
    /// Its number.
    pub id: i64,
    /// When.
    pub at: DateTime<Utc>,
    /// Who.
    pub username: Option<String>,
    /// From where.
    pub network: String,
    /// In which request.
    pub request: String,
    /// `insert`, `update`, `delete`.
    pub action: String,
    /// Of which table.
    pub thing: String,
    /// Which row.
    pub thing_id: i64,
    /// What it was; of an update what changed alone.
    pub before: Option<Value>,
    /// What it is.
    pub after: Option<Value>,
}

/// Which changes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FindEntries {
    /// Of this table; empty for all.
    pub thing: String,
    /// With this text in who did it, in what was or in what is.
    pub q: String,
    /// Before this one.
    pub after: Option<i64>,
}

/// Changes of a site, newest first.
///
/// # Errors
/// `sqlx::Error` when PostgreSQL does not answer.
pub async fn entries(db: &Db, find: &FindEntries, limit: i64) -> Result<Vec<Entry>, sqlx::Error> {
    sqlx::query_as!(
        Entry,
        r#"SELECT e.id, e.at, u.username AS "username?", e.network, e.request, e.action, e.thing, e.thing_id, e.before, e.after
           FROM audit_entry e LEFT JOIN accounts_user u ON u.id = e.user_id
           WHERE e.site_id = $1 AND ($2 = '' OR e.thing = $2) AND ($3::bigint IS NULL OR e.id < $3)
             AND ($4 = '' OR position(lower($4) IN lower(coalesce(u.username, '') || ' ' || e.request || ' '
                 || coalesce(e.before::text, '') || ' ' || coalesce(e.after::text, ''))) > 0)
           ORDER BY e.id DESC LIMIT $5"#,
        db.site.to_sql(),
        find.thing,
        find.after,
        find.q,
        limit,
    )
    .fetch_all(&mut *db.begin().await?)
    .await
}
