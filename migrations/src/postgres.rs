//! PostgreSQL's files: one transaction each, one migrator at a time.

use sqlx::{
    Connection, PgConnection, Postgres,
    migrate::{Migrate, MigrateDatabase, MigrateError, Migrator},
};
use std::collections::BTreeMap;
use url::Url;

use crate::{Error, Step, pending, steps};

/// The files, embedded.
pub static FILES: Migrator = sqlx::migrate!("./postgres");

const STORE: &str = "postgres";

/// Brings the database at `url` (`postgres://…/name`, a role that owns it) up to date, and creates
/// it where it is absent. Gives what was applied; nothing when it was up to date.
///
/// # Errors
/// See [`Error`]. The file that failed has left nothing behind.
pub async fn migrate(url: &str) -> Result<Vec<Step>, Error> {
    let mut db = match connect(url).await? {
        Some(db) => db,
        None => create(url).await?,
    };
    // Kept until the connection closes: a second migrator waits here, then finds nothing to do.
    db.lock().await?;
    let applied = applied(&mut db).await?;
    let left = steps(&pending(STORE, FILES.iter(), &applied)?);
    FILES.run_direct(None, &mut db, false).await.map_err(explain)?;
    db.close().await?;
    Ok(left)
}

/// What `migrate` would apply. Changes nothing.
///
/// # Errors
/// See [`Error`].
pub async fn plan(url: &str) -> Result<Vec<Step>, Error> {
    let applied = match connect(url).await? {
        Some(mut db) => applied(&mut db).await?,
        None => BTreeMap::new(),
    };
    Ok(steps(&pending(STORE, FILES.iter(), &applied)?))
}

/// Makes a freshly migrated database on the server of `url`, instead of the one made so before, and
/// gives its URL.
///
/// # Errors
/// See [`Error`].
pub async fn scratch(url: &str) -> Result<String, Error> {
    let mut url = Url::parse(url).map_err(|_| Error::Server)?;
    url.set_path("tributary_scratch");
    if Postgres::database_exists(url.as_str()).await? {
        Postgres::force_drop_database(url.as_str()).await?;
    }
    migrate(url.as_str()).await?;
    Ok(url.into())
}

/// Collectors' journals for fewer partitions that are not over: each with why.
///
/// # Errors
/// See [`Error`].
pub async fn journals_open_below(url: &str, partitions: u16) -> Result<Vec<String>, Error> {
    let Some(mut db) = connect(url).await? else { return Ok(Vec::new()) };
    let open: Vec<(String, String, bool)> = sqlx::query_as(
        "SELECT j.slot, lpad(to_hex(j.journal), 16, '0'), j.state = 'live' FROM pipeline_journal j
         WHERE j.kind = 'collector' AND j.partitions < $1
           AND (j.state = 'live' OR EXISTS (
               SELECT FROM pipeline_seqs q
               WHERE q.journal = j.journal AND NOT q.covered @> int8range(1, q.announced + 1)))
         ORDER BY j.slot, j.started_at",
    )
    .bind(i32::from(partitions))
    .fetch_all(&mut db)
    .await?;
    let told = open.into_iter().map(|(slot, journal, is_live)| match is_live {
        true => format!("journal {journal} of {slot} has not ended (restart its collector with the new number, or `tributary journal retire` it)"),
        false => format!("journal {journal} of {slot} misses records (docs/scaling.md, \"A hole\")"),
    });
    Ok(told.collect())
}

/// `None` where the server has no such database.
async fn connect(url: &str) -> Result<Option<PgConnection>, sqlx::Error> {
    const NO_SUCH_DATABASE: &str = "3D000";
    match PgConnection::connect(url).await {
        Ok(db) => Ok(Some(db)),
        Err(sqlx::Error::Database(error)) if error.code().as_deref() == Some(NO_SUCH_DATABASE) => {
            Ok(None)
        }
        Err(error) => Err(error),
    }
}

async fn create(url: &str) -> Result<PgConnection, sqlx::Error> {
    let made = Postgres::create_database(url).await;
    // Where another migrator was faster, the database is there and that is all we want.
    PgConnection::connect(url).await.map_err(|error| made.err().unwrap_or(error))
}

async fn applied(db: &mut PgConnection) -> Result<BTreeMap<i64, Vec<u8>>, Error> {
    let there: bool = sqlx::query_scalar("SELECT to_regclass('_sqlx_migrations') IS NOT NULL")
        .fetch_one(&mut *db)
        .await?;
    if !there {
        return Ok(BTreeMap::new());
    }
    let rows = db.list_applied_migrations(&FILES.table_name).await?;
    Ok(rows.into_iter().map(|row| (row.version, row.checksum.into_owned())).collect())
}

fn explain(error: MigrateError) -> Error {
    match error {
        MigrateError::ExecuteMigration(error, version) => {
            Error::Failed { store: STORE, version, reason: error.to_string() }
        }
        other => Error::Migrator(other),
    }
}
