//! What PostgreSQL keeps of a visitor: details of the conversions of their clicks; and the log of who was asked to be
//! forgotten by whom, never who it was.

use schemas::{
    click_id::ClickId,
    event::{Conversion, Message},
    ids::SiteId,
};
use sqlx::PgPool;
use std::collections::HashSet;

use super::{
    bigint,
    server::{self, Lock},
    timestamp, unsigned, waiting,
};
use crate::{
    error::{Error, Result},
    journals::ALIAS,
};

/// Clicks asked about in one statement.
const PLACES: usize = 10_000;

/// Where a click is, as a conversion names it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Place {
    pub(crate) time_ms: u64,
    pub(crate) shard: u16,
    pub(crate) seq: u64,
    /// The bits of `ALIAS` of it.
    pub(crate) journal: u64,
}

impl Place {
    /// Of a proven click id.
    pub(crate) fn of(click: &ClickId) -> Self {
        let ClickId { time_ms, shard, seq, journal, .. } = *click;
        Self { time_ms, shard, seq, journal: journal.into() }
    }
}

/// The number of the last commit; every transaction with a lower one is over.
pub(crate) async fn last_commit(pool: &PgPool) -> Result<i64> {
    let mut db = pool.acquire().await?;
    server::lock(&mut db, Lock::Commit).await?;
    let row = sqlx::query!("SELECT commit FROM pipeline_owner").fetch_one(&mut *db).await;
    server::unlock(&mut db, Lock::Commit).await?;
    Ok(row?.commit)
}

/// The site of a link; `None` where there is no such link.
pub(crate) async fn site_of_link(pool: &PgPool, link: u32) -> Result<Option<SiteId>> {
    let row =
        sqlx::query!("SELECT site_id FROM affiliate_affiliatelink WHERE id = $1", i64::from(link))
            .fetch_optional(pool)
            .await?;
    Ok(row.and_then(|row| SiteId::from_sql(row.site_id)))
}

/// Whether there is such a site.
pub(crate) async fn is_site(pool: &PgPool, site: SiteId) -> Result<bool> {
    let row = sqlx::query!(
        r#"SELECT EXISTS (SELECT FROM whitelabel_whitelabelsite WHERE id = $1) AS "there!""#,
        site.to_sql()
    )
    .fetch_one(pool)
    .await?;
    Ok(row.there)
}

/// Ids of a site's conversions that name one of these clicks, refused ones too.
pub(crate) async fn conversions(pool: &PgPool, site: SiteId, places: &[Place]) -> Result<Vec<i64>> {
    let mut ids = Vec::new();
    for some in places.chunks(PLACES) {
        let at: Vec<_> = some.iter().map(|place| timestamp(place.time_ms)).collect();
        let shards: Vec<i32> = some.iter().map(|place| place.shard.into()).collect();
        let seqs: Vec<i64> = some.iter().map(|place| bigint(place.seq)).collect();
        let journals: Vec<i64> = some.iter().map(|place| bigint(place.journal)).collect();
        let rows = sqlx::query!(
            "SELECT DISTINCT c.id FROM unnest($2::timestamptz[], $3::int4[], $4::int8[], $5::int8[])
                 AS k (at, shard, seq, journal)
             JOIN affiliate_conversion c ON c.site_id = $1 AND c.click_seq = k.seq AND c.click_shard = k.shard
                 AND c.click_at = k.at AND c.click_journal & $6 = k.journal
             ORDER BY c.id",
            site.to_sql(),
            &at,
            &shards,
            &seqs,
            &journals,
            bigint(ALIAS),
        )
        .fetch_all(pool)
        .await?;
        ids.extend(rows.into_iter().map(|row| row.id));
    }
    Ok(ids)
}

/// How many of these conversions have a parameter of these names.
pub(crate) async fn told(pool: &PgPool, ids: &[i64], names: &[String]) -> Result<u64> {
    let row = sqlx::query!(
        r#"SELECT count(*) AS "rows!" FROM affiliate_conversion WHERE id = ANY ($1) AND parameters ?| $2"#,
        ids,
        names,
    )
    .fetch_one(pool)
    .await?;
    Ok(unsigned(row.rows))
}

/// Takes parameters of these names out of these conversions.
pub(crate) async fn empty(pool: &PgPool, ids: &[i64], names: &[String]) -> Result<()> {
    sqlx::query!(
        "UPDATE affiliate_conversion SET parameters = parameters - $2::text[]
         WHERE id = ANY ($1) AND parameters ?| $2",
        ids,
        names,
    )
    .execute(pool)
    .await?;
    Ok(())
}

/// Who asked, why, and how many rows it is about; gives the number of the entry.
pub(crate) async fn begin(
    pool: &PgPool,
    (why, actor): (&str, &str),
    site: SiteId,
    (conversions, clicks): (u64, u64),
) -> Result<i64> {
    let row = sqlx::query!(
        "INSERT INTO pipeline_forget (site_id, why, actor, conversions, clicks) VALUES ($1, $2, $3, $4, $5) RETURNING id",
        site.to_sql(),
        why.replace('\0', ""),
        actor.replace('\0', ""),
        bigint(conversions),
        bigint(clicks),
    )
    .fetch_one(pool)
    .await?;
    Ok(row.id)
}

/// It is done.
pub(crate) async fn end(pool: &PgPool, number: i64) -> Result<()> {
    sqlx::query!("UPDATE pipeline_forget SET done_at = now() WHERE id = $1", number)
        .execute(pool)
        .await?;
    Ok(())
}

/// How many conversions of these clicks wait to be decided.
pub(crate) async fn waiting(pool: &PgPool, places: &[Place]) -> Result<u64> {
    let places: HashSet<Place> = places.iter().copied().collect();
    let mut db = pool.acquire().await?;
    let mut found = 0;
    for parked in waiting::load(&mut db, None).await? {
        let event = Conversion::decode(&parked.record[..])
            .map_err(|_| Error::Stored { what: "a waiting conversion" })?;
        let of = event.click.is_some_and(|click| {
            places.contains(&Place {
                time_ms: click.time_ms,
                shard: click.shard as u16,
                seq: click.seq,
                journal: u64::from(click.journal) & ALIAS,
            })
        });
        found += u64::from(of);
    }
    Ok(found)
}

/// Records in dead letters, and since when the newest lies there.
pub(crate) async fn letters(pool: &PgPool) -> Result<(u64, Option<chrono::DateTime<chrono::Utc>>)> {
    let row = sqlx::query!(
        r#"SELECT count(*) AS "letters!", max(created_at) AS newest FROM pipeline_dead_letter
           WHERE bytes <> '' AND topic <> 0"#
    )
    .fetch_one(pool)
    .await?;
    Ok((unsigned(row.letters), row.newest))
}
