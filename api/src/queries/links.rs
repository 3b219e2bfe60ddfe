//! Links: a code owned by an affiliate for a program.

use chrono::{DateTime, Utc};
use schemas::ids::{AffiliateId, LinkId, ProgramId};

use super::{Cursor, Page, narrow};
use crate::{
    error::{Error, Field},
    tenant::{Db, Tx},
};

/// A link as people see it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Link {
    /// Its id.
    pub id: LinkId,
    /// What stands behind `/c/`.
    pub code: String,
    /// The tracking domain; empty for the site's own.
    pub domain: String,
    /// Who owns it.
    pub affiliate: AffiliateId,
    /// Its owner's name.
    pub affiliate_name: String,
    /// What it promotes.
    pub program: ProgramId,
    /// The program's name.
    pub program_name: String,
    /// Its own destination; empty for the program's.
    pub destination: String,
    /// Where it leads: its own destination or the program's.
    pub target: String,
    /// Whether it leads there; else visitors go to the fallback.
    pub is_active: bool,
    /// When it stops; `None` for never.
    pub expires_at: Option<DateTime<Utc>>,
    /// When it was made.
    pub created_at: DateTime<Utc>,
    /// Goes up with every change.
    pub version: i64,
}

/// Which ones.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Find {
    /// This one alone.
    pub id: Option<LinkId>,
    /// Of an affiliate.
    pub affiliate: Option<AffiliateId>,
    /// Of a program.
    pub program: Option<ProgramId>,
    /// Switched on, or off.
    pub is_active: Option<bool>,
    /// A part of the code or of the destination.
    pub q: Option<String>,
}

/// A link to be made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewLink {
    /// Who will own it.
    pub affiliate: AffiliateId,
    /// What it promotes.
    pub program: ProgramId,
    /// 1 to 128 of A-Z a-z 0-9 _ -.
    pub code: String,
    /// Empty: the program's.
    pub destination: String,
    /// Switched on.
    pub is_active: bool,
    /// When it stops.
    pub expires_at: Option<DateTime<Utc>>,
}

/// What changes; `None` stays as it is.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LinkChange {
    /// Empty: the program's.
    pub destination: Option<String>,
    /// On or off.
    pub is_active: Option<bool>,
    /// When it stops; `Some(None)` for never.
    pub expires_at: Option<Option<DateTime<Utc>>>,
}

/// Newest first.
///
/// # Errors
/// `sqlx::Error` when PostgreSQL does not answer.
pub async fn list(db: &Db, find: &Find, cursor: Cursor) -> Result<Page<Link>, sqlx::Error> {
    let rows = sqlx::query_file!(
        "src/queries/links.list.sql",
        db.site.to_sql(),
        cursor.starting_after,
        cursor.ending_before,
        cursor.limit_sql(),
        find.id.map(LinkId::to_sql),
        find.affiliate.map(AffiliateId::to_sql),
        find.program.map(ProgramId::to_sql),
        find.is_active,
        find.q,
    )
    .map(|row| Link {
        id: LinkId(narrow(row.id)),
        target: if row.destination.is_empty() {
            row.program_destination
        } else {
            row.destination.clone()
        },
        code: row.code,
        domain: row.domain,
        affiliate: AffiliateId(narrow(row.affiliate_id)),
        affiliate_name: row.affiliate_name,
        program: ProgramId(narrow(row.program_id)),
        program_name: row.program_name,
        destination: row.destination,
        is_active: row.is_active,
        expires_at: row.expires_at,
        created_at: row.created_at,
        version: row.version,
    })
    .fetch_all(&mut *db.begin().await?)
    .await?;
    Ok(cursor.page(rows))
}

/// One of them.
///
/// # Errors
/// `NotFound`, also for another site's; `Sql`.
pub async fn get(db: &Db, id: LinkId) -> Result<Link, Error> {
    let find = Find { id: Some(id), ..Find::default() };
    let page = list(db, &find, Cursor::default()).await?;
    page.rows.into_iter().next().ok_or(Error::NotFound("link"))
}

/// Makes one; collectors lead there within a second.
///
/// # Errors
/// `Invalid` where the code is taken, `NotFound` for an affiliate or program that is none of this
/// site's, `Sql`.
pub async fn insert(tx: &mut Tx, link: &NewLink) -> Result<LinkId, Error> {
    let made = sqlx::query_scalar!(
        "INSERT INTO affiliate_affiliatelink
             (site_id, affiliate_id, program_id, code, destination, is_active, expires_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7) RETURNING id",
        tx.site.to_sql(),
        link.affiliate.to_sql(),
        link.program.to_sql(),
        link.code,
        link.destination,
        link.is_active,
        link.expires_at,
    )
    .fetch_one(&mut **tx)
    .await;
    made.map(|id| LinkId(narrow(id))).map_err(|error| {
        match error.as_database_error().and_then(|error| error.constraint()) {
            Some("affiliate_affiliatelink_site_id_affiliate_id_fkey") => {
                Error::NotFound("affiliate")
            }
            Some("affiliate_affiliatelink_site_id_program_id_fkey") => Error::NotFound("program"),
            _ => {
                let taken = Field::new("code", "taken", "another link has this code");
                Error::on_constraint(
                    error,
                    "affiliate_affiliatelink_site_id_domain_code_key",
                    taken,
                )
            }
        }
    })
}

/// Changes one.
///
/// # Errors
/// `NotFound`, also for another site's; `Sql`.
pub async fn update(tx: &mut Tx, id: LinkId, change: &LinkChange) -> Result<(), Error> {
    let done = sqlx::query!(
        "UPDATE affiliate_affiliatelink SET
             destination = coalesce($3, destination),
             is_active = coalesce($4, is_active),
             expires_at = CASE WHEN $5 THEN $6 ELSE expires_at END
         WHERE site_id = $1 AND id = $2",
        tx.site.to_sql(),
        id.to_sql(),
        change.destination,
        change.is_active,
        change.expires_at.is_some(),
        change.expires_at.flatten(),
    )
    .execute(&mut **tx)
    .await?;
    if done.rows_affected() == 0 { Err(Error::NotFound("link")) } else { Ok(()) }
}
