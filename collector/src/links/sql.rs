//! The statements of the feed; the only SQL of the collector. It reads four tables and writes none.

use schemas::ids::AffiliateId;
use sqlx::{Executor, Postgres};

use super::rows::{LinkRow, Position, ProgramRow, SiteRow};
use crate::error::{Error, Result};

/// A service never runs with a role that owns tables or passes by row-level security.
///
/// # Errors
/// `Error::Role` when this connection has such a role.
pub(super) async fn refuse_owner_role(db: impl Executor<'_, Database = Postgres>) -> Result<()> {
    match sqlx::query!("SELECT refuse_owner_role()").execute(db).await {
        Err(sqlx::Error::Database(error)) if error.code().as_deref() == Some("42501") => {
            Err(Error::Role(error.message().to_owned()))
        }
        other => other.map(drop).map_err(Error::from),
    }
}

/// Where PostgreSQL is at a moment.
pub(super) struct Now {
    /// The cluster and its oldest transaction running.
    pub(super) position: Position,
    /// Its next transaction.
    pub(super) next: u64,
    /// Which transactions are seen (`pg_snapshot`).
    pub(super) snapshot: String,
}

/// Which cluster answers, and which transactions this one sees.
pub(super) async fn now(db: impl Executor<'_, Database = Postgres>) -> Result<Now> {
    let row = sqlx::query!(
        r#"SELECT (SELECT system_identifier FROM pg_control_system()) AS "system!",
            pg_snapshot_xmin(pg_current_snapshot())::text::bigint AS "xmin!",
            pg_snapshot_xmax(pg_current_snapshot())::text::bigint AS "xmax!",
            pg_current_snapshot()::text AS "snapshot!""#
    )
    .fetch_one(db)
    .await?;
    Ok(Now {
        position: Position { system: row.system.cast_unsigned(), xmin: row.xmin.cast_unsigned() },
        next: row.xmax.cast_unsigned(),
        snapshot: row.snapshot,
    })
}

/// All sites.
pub(super) async fn sites(db: impl Executor<'_, Database = Postgres>) -> Result<Vec<SiteRow>> {
    let rows =
        sqlx::query!("SELECT id, domain, fallback_url FROM whitelabel_whitelabelsite ORDER BY id")
            .fetch_all(db)
            .await?;
    Ok(rows
        .into_iter()
        .map(|row| SiteRow { id: id(row.id), domain: row.domain, fallback_url: row.fallback_url })
        .collect())
}

/// Programs written, or given a plan, by a transaction not older than `xmin` (0: all).
pub(super) async fn programs(
    db: impl Executor<'_, Database = Postgres>,
    xmin: u64,
) -> Result<Vec<ProgramRow>> {
    let rows = sqlx::query!(
        r#"SELECT id, site_id, slug, destination, currency, status = 'active' AS "is_active!",
            token_version, postback_networks,
            ARRAY(SELECT DISTINCT event FROM affiliate_plan plan
                  WHERE plan.site_id = program.site_id AND plan.program_id = program.id
                  ORDER BY event) AS "events!"
        FROM affiliate_program program
        WHERE changed_xid >= $1::text::xid8
           OR id IN (SELECT program_id FROM affiliate_plan WHERE changed_xid >= $1::text::xid8)
        ORDER BY id"#,
        xmin.to_string()
    )
    .fetch_all(db)
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| ProgramRow {
            id: id(row.id),
            site: id(row.site_id),
            slug: row.slug,
            destination: row.destination,
            currency: row.currency,
            is_active: row.is_active,
            token_version: id(row.token_version),
            networks: row.postback_networks,
            events: row.events,
        })
        .collect())
}

/// Affiliates written by a transaction not older than `xmin`, and whether they are active.
pub(super) async fn affiliates(
    db: impl Executor<'_, Database = Postgres>,
    xmin: u64,
) -> Result<Vec<(AffiliateId, bool)>> {
    let rows = sqlx::query!(
        "SELECT id, is_active FROM affiliate_affiliate
        WHERE changed_xid >= $1::text::xid8 AND (NOT is_active OR $1 <> '0')",
        xmin.to_string()
    )
    .fetch_all(db)
    .await?;
    Ok(rows.into_iter().map(|row| (AffiliateId(id(row.id)), row.is_active)).collect())
}

/// Rows of `page` read at once.
pub(super) const PAGE: usize = 10_000;

/// A page of all links by id, after an id.
pub(super) async fn page(
    db: impl Executor<'_, Database = Postgres>,
    after: u32,
) -> Result<Vec<LinkRow>> {
    let rows = sqlx::query_as!(
        SqlLink,
        r#"SELECT id, site_id, domain, code, affiliate_id, program_id, destination, is_active, version,
            coalesce((extract(epoch FROM expires_at) * 1000)::bigint, 0) AS "expires_ms!"
        FROM affiliate_affiliatelink WHERE id > $1 ORDER BY id LIMIT $2"#,
        i64::from(after),
        PAGE as i64
    )
    .fetch_all(db)
    .await?;
    Ok(rows.into_iter().map(LinkRow::from).collect())
}

/// Where a page of changes goes on: behind a transaction and an id.
#[derive(Debug, Clone, Copy)]
pub(super) struct After {
    pub(super) xid: u64,
    pub(super) id: u32,
}

/// A page of changed links.
pub(super) struct Page {
    pub(super) links: Vec<LinkRow>,
    /// Where there may be more.
    pub(super) after: Option<After>,
}

/// A page of the links written after a place in the order of transactions, without those that a
/// snapshot saw (empty: none); the order is that of the index.
pub(super) async fn changed_links(
    db: impl Executor<'_, Database = Postgres>,
    after: After,
    seen: &str,
) -> Result<Page> {
    let rows = sqlx::query!(
        r#"SELECT id, site_id, domain, code, affiliate_id, program_id, destination, is_active, version,
            coalesce((extract(epoch FROM expires_at) * 1000)::bigint, 0) AS "expires_ms!",
            changed_xid::text::bigint AS "xid!"
        FROM affiliate_affiliatelink
        WHERE (changed_xid, id) > ($1::text::xid8, $2)
          AND ($3 = '' OR NOT pg_visible_in_snapshot(changed_xid, nullif($3, '')::pg_snapshot))
        ORDER BY changed_xid, id LIMIT $4"#,
        after.xid.to_string(),
        i64::from(after.id),
        seen,
        PAGE as i64
    )
    .fetch_all(db)
    .await?;
    let last = rows.last().filter(|_| rows.len() >= PAGE);
    let after = last.map(|row| After { xid: row.xid.cast_unsigned(), id: id(row.id) });
    let links = rows.into_iter().map(|row| {
        LinkRow::from(SqlLink {
            id: row.id,
            site_id: row.site_id,
            domain: row.domain,
            code: row.code,
            affiliate_id: row.affiliate_id,
            program_id: row.program_id,
            destination: row.destination,
            is_active: row.is_active,
            version: row.version,
            expires_ms: row.expires_ms,
        })
    });
    Ok(Page { links: links.collect(), after })
}

struct SqlLink {
    id: i64,
    site_id: i64,
    domain: String,
    code: String,
    affiliate_id: i64,
    program_id: i64,
    destination: String,
    is_active: bool,
    version: i64,
    expires_ms: i64,
}

impl From<SqlLink> for LinkRow {
    fn from(row: SqlLink) -> Self {
        Self {
            id: id(row.id),
            site: id(row.site_id),
            domain: row.domain,
            code: row.code,
            affiliate: id(row.affiliate_id),
            program: id(row.program_id),
            destination: row.destination,
            is_active: row.is_active,
            expires_ms: row.expires_ms.max(0).cast_unsigned(),
            version: row.version.cast_unsigned(),
        }
    }
}

/// The tables' checks keep ids within 32 bits.
fn id(number: i64) -> u32 {
    u32::try_from(number).unwrap_or(0)
}
