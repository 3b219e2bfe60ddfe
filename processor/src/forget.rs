//! What tells about one visitor is taken out of both stores, on request. No row goes or moves, and nothing changes that
//! anything is counted by: raw rows, rollups, money and the audit say the same before and after.
//!
//! Conversions come first and clicks last, since the clicks' key is what the rest is found by: one that was cut short is
//! simply run again. Refuses to begin while blocks wait for ClickHouse, or they would bring back what was just emptied.
//! Journals, Kafka, claims and backups it does not reach: it says until when they hold something.

mod columns;
mod kept;
mod rows;
mod report;

pub use report::{Emptied, Kept, Report};

use schemas::{click_id::ClickId, ids::SiteId, keys::Keys};
use sqlx::PgPool;
use std::time::Duration;

use crate::{
    audit,
    config::Config,
    engine::Engine,
    error::{Error, Result},
    repair,
    retention::Retention,
    stores::{
        forgets::{self, Place},
        outbox,
        server::{self, Lock},
        timestamp, unsigned,
    },
};
use rows::Rows;

/// How long blocks may take into ClickHouse before it is said that they do not arrive.
pub const PATIENCE: Duration = Duration::from_secs(120);

/// Which visitor.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Whom {
    /// Who made this click, of this site if one is named.
    Click(ClickId, Option<SiteId>),
    /// Whose key of a site it is.
    Key(SiteId, u64),
}

/// A wish that a visitor be forgotten.
#[derive(Debug, Clone)]
pub struct Wish {
    /// Who is to be forgotten.
    pub whom: Whom,
    /// Why; kept.
    pub why: String,
    /// Who says so; kept.
    pub actor: String,
    /// Only say what would be done.
    pub dry_run: bool,
}

/// A click id as printed, proved with the installation's keys.
///
/// # Errors
/// `Config` for a text that was not issued here.
pub fn read_click(keys: &Keys, text: &str) -> Result<ClickId> {
    keys.click_ids().verify(text.trim()).map_err(|error| {
        Error::Config(format!("{error}: nobody can be found by it, nothing was changed"))
    })
}

/// A visitor that was found.
#[derive(Debug, Clone, Copy)]
struct Visitor {
    site: SiteId,
    /// 0: none is known.
    key: u64,
    /// The click it was found by.
    click: Option<ClickId>,
}

/// Forgets a visitor; blocks up to now may take so long to arrive in ClickHouse.
///
/// # Errors
/// `Config` where nobody is found, or it is not safe to begin; `Postgres` and `ClickHouse` when a store does not answer.
/// What is done then stays done: the same wish again does the rest.
pub async fn run(config: &Config, wish: &Wish, patience: Duration) -> Result<Report> {
    if wish.why.trim().is_empty() && !wish.dry_run {
        return Err(Error::Config("say why: it is kept, with who asked".to_owned()));
    }
    let (pool, here) = server::connect(&config.stores.database_url).await?;
    let engine = Engine::new(&config.stores, &config.window)?;
    rows::settle(&engine, patience).await?;
    let mut db = pool.acquire().await?;
    if server::stored(&mut db).await?.is_some_and(|stored| stored != here) {
        return Err(Error::Config(
            "postgresql was restarted or restored, and no processor has compared the stores since: \
             start it, and ask again"
                .to_owned(),
        ));
    }
    drop(db);
    wait_for_blocks(&pool, patience).await?;
    // A database restored meanwhile is compared with ClickHouse before or after this, and two wishes follow each other.
    let mut held = pool.acquire().await?;
    server::lock(&mut held, Lock::Reconcile).await?;
    let done = forget(config, &pool, &engine, wish).await;
    let unlocked = server::unlock(&mut held, Lock::Reconcile).await;
    let report = done?;
    unlocked?;
    Ok(report)
}

/// Rows that were decided before now are in ClickHouse.
async fn wait_for_blocks(pool: &PgPool, patience: Duration) -> Result<()> {
    let commit = forgets::last_commit(pool).await?;
    if audit::wait_for_blocks(pool, commit, patience).await? {
        return Ok(());
    }
    let (bytes, _) = outbox::load(pool).await?;
    Err(Error::Config(format!(
        "blocks wait for clickhouse ({bytes} bytes), and could bring back what is emptied now: is the processor running, \
         and does clickhouse take them? Nothing was changed"
    )))
}

async fn forget(config: &Config, pool: &PgPool, engine: &Engine, wish: &Wish) -> Result<Report> {
    refuse_counted(engine).await?;
    let visitor = find(pool, engine, wish.whom).await?;
    let rows = Rows::of(&visitor);
    let mut places = rows.places(engine).await?;
    // The click itself: its row may have expired, and what came of it has not.
    places.extend(visitor.click.map(|click| Place::of(&click)));
    let parameters = columns::PARAMETERS.map(str::to_owned);
    let ids = forgets::conversions(pool, visitor.site, &places).await?;
    let of_money = forgets::told(pool, &ids, &parameters).await?;
    let of_conversions = rows::told_conversions(engine, visitor.site, &ids).await?;
    let of_clicks = rows.told(engine).await?;
    let emptied = |store, table, rows, columns| Emptied { store, table, rows, columns };
    let report = Report {
        site: visitor.site.to_string(),
        dry_run: wish.dry_run,
        emptied: vec![
            emptied("postgresql", "affiliate_conversion", of_money, columns::PARAMETERS.to_vec()),
            emptied("clickhouse", "conversions", of_conversions, names(&columns::CONVERSIONS)),
            emptied("clickhouse", "clicks", of_clicks, names(&columns::CLICKS)),
        ],
        kept: kept::of(config, pool, &places).await?,
    };
    refuse_unknown(engine, &visitor, &rows, &report, ids.is_empty()).await?;
    if wish.dry_run || report.is_empty() {
        return Ok(report);
    }
    let counts = (of_money.max(of_conversions), of_clicks);
    let number = forgets::begin(pool, (&wish.why, &wish.actor), visitor.site, counts).await?;
    forgets::empty(pool, &ids, &parameters).await?;
    rows::empty_conversions(engine, visitor.site, &ids).await?;
    // Last: by these rows the others are found, should this be cut short.
    rows.empty(engine).await?;
    forgets::end(pool, number).await?;
    Ok(report)
}

fn names(columns: &[(&'static str, &'static str)]) -> Vec<&'static str> {
    columns.iter().map(|(name, _)| *name).collect()
}

/// A rollup that sums by what is emptied would no longer be the sum of its rows.
async fn refuse_counted(engine: &Engine) -> Result<()> {
    for rollup in repair::rollups(engine).await? {
        let emptied = if rollup.source.starts_with("conversions") {
            names(&columns::CONVERSIONS)
        } else {
            names(&columns::CLICKS)
        };
        if let Some(column) = emptied.into_iter().find(|column| rollup.reads(column)) {
            return Err(Error::Config(format!(
                "{} counts by {column}, which would be emptied: nothing was changed; this is a fault of the program",
                rollup.table
            )));
        }
    }
    Ok(())
}

async fn find(pool: &PgPool, engine: &Engine, whom: Whom) -> Result<Visitor> {
    let (click, site) = match whom {
        Whom::Key(_, 0) => {
            return Err(Error::Config(
                "0 is nobody's key: it stands where none is known".to_owned(),
            ));
        }
        Whom::Key(site, key) if forgets::is_site(pool, site).await? => {
            return Ok(Visitor { site, key, click: None });
        }
        Whom::Key(site, _) => return Err(Error::Config(format!("there is no {site}"))),
        Whom::Click(click, site) => (click, site),
    };
    let of_link = forgets::site_of_link(pool, click.link).await?;
    let found = match rows::find_click(engine, &click).await? {
        Some((of, key)) => Visitor { site: of, key, click: Some(click) },
        None => {
            let of = of_link.ok_or_else(|| unknown_click(None))?;
            Visitor { site: of, key: 0, click: Some(click) }
        }
    };
    match site {
        Some(site) if site != found.site => {
            Err(Error::Config(format!("the click is not one of {site}: nothing was changed")))
        }
        _ => Ok(found),
    }
}

/// A click of which nothing is known at all is a mistake, or comes too early. Of a key nobody can tell whether it was
/// forgotten before or never was.
async fn refuse_unknown(
    engine: &Engine,
    visitor: &Visitor,
    rows: &Rows,
    report: &Report,
    without_conversions: bool,
) -> Result<()> {
    let unknown = visitor.click.is_some() && report.is_empty() && without_conversions;
    if !unknown || rows.exist(engine).await? {
        return Ok(());
    }
    Err(unknown_click(Some(Retention::ask(engine).await?)))
}

fn unknown_click(kept: Option<Retention>) -> Error {
    let since = kept.map(|kept| kept.since_ms()).filter(|ms| *ms > 0).map(|ms| {
        let at = timestamp(unsigned(ms)).format("%Y-%m-%d %H:%M UTC");
        format!(", or its raw row has expired (they are kept since {at})")
    });
    Error::Config(format!(
        "the click id is genuine, and no such click is stored: it is not decided yet{}; nothing was changed",
        since.unwrap_or_default()
    ))
}
