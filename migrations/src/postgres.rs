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
