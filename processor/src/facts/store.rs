//! Loads the facts from PostgreSQL and follows their changes.
//!
//! Every row carries the transaction that last wrote it. A refresh reads the rows whose transaction
//! is not older than the oldest one that was still running at the last look, so that none is missed
//! whatever the order of commits; reading a row twice does no harm. One snapshot for all tables: a
//! link never comes without its program. Refuses to decide; takes the time as an argument.

use chrono_tz::Tz;
use hashbrown::HashMap;
use schemas::{
    event::{Click, Conversion},
    money::{Currency, Money, Ppm},
};
use sqlx::{Connection, PgConnection, PgPool};

use super::{Facts, Link, Pay, Plan, Program, Site};
use crate::{
    batch::Record,
    error::{Error, Result},
};

/// Facts are looked at again at most this often, unless a batch names a link not known.
pub const REFRESH_MS: u64 = 500;

/// The facts and where their change feed stands.
#[derive(Debug, Default)]
pub struct FactStore {
    facts: Facts,
    /// The oldest transaction running at the last look; all rows before the first.
    since_xid: Option<String>,
    looked_at_ms: u64,
}

impl FactStore {
    /// Loads everything.
    ///
    /// # Errors
    /// `Postgres`, or `Stored` for a value no version writes.
    pub async fn load(pool: &PgPool, now_ms: u64) -> Result<Self> {
        let mut store = Self::default();
        store.refresh(pool, now_ms).await?;
        Ok(store)
    }

    /// What is known.
    pub const fn current(&self) -> &Facts {
        &self.facts
    }

    /// Makes ready for a batch: looks for changes when the last look is `REFRESH_MS` ago, or when
    /// the batch names a link not known yet. True when it looked.
    ///
    /// # Errors
    /// As `refresh`.
    pub async fn prepare(
        &mut self,
        pool: &PgPool,
        now_ms: u64,
        clicks: &[Record<Click>],
        conversions: &[Record<Conversion>],
    ) -> Result<bool> {
        let due = now_ms.saturating_sub(self.looked_at_ms) >= REFRESH_MS;
        if due || !self.knows(clicks, conversions) {
            self.refresh(pool, now_ms).await?;
            return Ok(true);
        }
        Ok(false)
    }

    /// Whether every link the events name is known.
    fn knows(&self, clicks: &[Record<Click>], conversions: &[Record<Conversion>]) -> bool {
        let mut last = 0;
        let known = |link: u32, last: &mut u32| {
            let known = link == 0 || link == *last || self.facts.links.contains_key(&link);
            *last = link;
            known
        };
        clicks.iter().all(|record| known(record.event.link, &mut last))
            && conversions.iter().all(|record| {
                let link = record.event.click.map_or(0, |click| click.link);
                known(link, &mut last)
            })
    }

    /// Reads what changed since the last look.
    ///
    /// # Errors
    /// `Postgres`, or `Stored` for a value no version writes; the facts then stay as they were, or
    /// hold a part of the changes, and the next look reads them all again.
    pub async fn refresh(&mut self, pool: &PgPool, now_ms: u64) -> Result<()> {
        let mut connection = pool.acquire().await?;
        let mut snapshot =
            connection.begin_with("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY").await?;
        let oldest = oldest_running(&mut snapshot).await?;
        let since = self.since_xid.as_deref().unwrap_or("0").to_owned();
        read_sites(&mut snapshot, &mut self.facts).await?;
        read_programs(&mut snapshot, &since, &mut self.facts).await?;
        read_plans(&mut snapshot, &since, &mut self.facts).await?;
        read_links(&mut snapshot, &since, &mut self.facts).await?;
        snapshot.commit().await?;
        self.since_xid = Some(oldest);
        self.looked_at_ms = now_ms;
        Ok(())
    }
}

async fn oldest_running(executor: &mut PgConnection) -> Result<String> {
    let oldest =
        sqlx::query_scalar!(r#"SELECT pg_snapshot_xmin(pg_current_snapshot())::text AS "xmin!""#)
            .fetch_one(executor)
            .await?;
    Ok(oldest)
}

/// All sites, each time: they are few and carry no transaction.
async fn read_sites(executor: &mut PgConnection, facts: &mut Facts) -> Result<()> {
    let rows = sqlx::query!("SELECT id, time_zone FROM whitelabel_whitelabelsite")
        .fetch_all(executor)
        .await?;
    for row in rows {
        let time_zone: Tz =
            row.time_zone.parse().map_err(|_| Error::Stored { what: "a site's time zone" })?;
        facts.sites.insert(id(row.id)?, Site { time_zone });
    }
    Ok(())
}

async fn read_programs(executor: &mut PgConnection, since: &str, facts: &mut Facts) -> Result<()> {
    let rows = sqlx::query!(
        "SELECT id, site_id, currency, status, click_window_ms, unique_window_ms, hold_ms,
                too_fast_ms, velocity_per_hour
         FROM affiliate_program WHERE changed_xid >= $1::text::xid8",
        since
    )
    .fetch_all(executor)
    .await?;
    for row in rows {
        let number = id(row.id)?;
        let plans = facts.programs.remove(&number).map(|known| known.plans).unwrap_or_default();
        let program = Program {
            id: number,
            site: id(row.site_id)?,
            currency: currency(&row.currency)?,
            paused: row.status == "paused",
            click_window_ms: row.click_window_ms.unsigned_abs(),
            unique_window_ms: row.unique_window_ms.unsigned_abs(),
            hold_ms: row.hold_ms.unsigned_abs(),
            too_fast_ms: row.too_fast_ms.map(i64::unsigned_abs),
            velocity_per_hour: row
                .velocity_per_hour
                .map(|limit| u32::try_from(limit).unwrap_or(u32::MAX)),
            plans,
        };
        facts.programs.insert(number, program);
    }
    Ok(())
}

async fn read_plans(executor: &mut PgConnection, since: &str, facts: &mut Facts) -> Result<()> {
    let rows = sqlx::query!(
        r#"SELECT id, program_id, event, kind, amount_units, rate_ppm, currency,
                CASE WHEN isfinite(valid_from)
                     THEN greatest(0, ceil(extract(epoch FROM valid_from) * 1000))::bigint
                     WHEN valid_from < now() THEN 0
                     ELSE 9223372036854775807 END AS "valid_from_ms!"
         FROM affiliate_plan WHERE changed_xid >= $1::text::xid8"#,
        since
    )
    .fetch_all(executor)
    .await?;
    for row in rows {
        let currency = currency(&row.currency)?;
        let pay = match row.kind.as_str() {
            "flat" => Pay::Flat(Money::from_units(row.amount_units, currency)),
            "percent" => Pay::Percent(Ppm(u32::try_from(row.rate_ppm).unwrap_or(0))),
            "none" => Pay::Nothing,
            _ => return Err(Error::Stored { what: "a plan's kind" }),
        };
        let valid_from_ms = row.valid_from_ms.unsigned_abs();
        let plan = Plan { id: row.id, pay, currency, valid_from_ms };
        // The program is in the same snapshot, or was in an earlier one.
        if let Some(program) = facts.programs.get_mut(&id(row.program_id)?) {
            put_plan(&mut program.plans, row.event, plan);
        }
    }
    Ok(())
}

/// Puts a plan in its place by time, instead of the version of it known before.
fn put_plan(plans: &mut HashMap<String, Vec<Plan>>, event: String, plan: Plan) {
    for known in plans.values_mut() {
        known.retain(|other| other.id != plan.id);
    }
    plans.retain(|_, known| !known.is_empty());
    let known = plans.entry(event).or_default();
    let place = known.partition_point(|other| other.valid_from_ms <= plan.valid_from_ms);
    known.insert(place, plan);
}

async fn read_links(executor: &mut PgConnection, since: &str, facts: &mut Facts) -> Result<()> {
    let rows = sqlx::query!(
        "SELECT id, site_id, program_id, affiliate_id
         FROM affiliate_affiliatelink WHERE changed_xid >= $1::text::xid8",
        since
    )
    .fetch_all(executor)
    .await?;
    for row in rows {
        let link = Link {
            site: id(row.site_id)?,
            program: id(row.program_id)?,
            affiliate: id(row.affiliate_id)?,
        };
        facts.links.insert(id(row.id)?, link);
    }
    Ok(())
}

fn id(value: i64) -> Result<u32> {
    u32::try_from(value).map_err(|_| Error::Stored { what: "an id" })
}

fn currency(code: &str) -> Result<Currency> {
    code.parse().map_err(|_| Error::Stored { what: "a currency" })
}

#[cfg(test)]
mod tests;
