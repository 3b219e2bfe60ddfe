//! Which PostgreSQL this is, and as whom we are on it: a pool whose every connection is the same
//! server under the same role, or no connection at all.

use chrono::{DateTime, Utc};
use sqlx::{
    PgConnection, PgPool,
    postgres::{PgConnectOptions, PgPoolOptions},
};
use std::{str::FromStr, time::Duration};

use super::outbox::BlockId;
use crate::error::{Error, Result};

/// Connections of one processor: the pipeline, the sender, the audit.
const CONNECTIONS: u32 = 6;

/// How long to wait for a connection: then the session begins again, and looks which server it is.
const PATIENCE: Duration = Duration::from_secs(5);

/// What tells one server's life from another's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Pair {
    pub(crate) system_identifier: i64,
    pub(crate) started_at: DateTime<Utc>,
    /// Another one after a promotion or a recovery to a point in time: a restart keeps it.
    pub(crate) timeline: i64,
}

/// The server behind a connection.
pub(crate) async fn pair(db: &mut PgConnection) -> Result<Pair> {
    let row = sqlx::query!(
        r#"SELECT system_identifier AS "system_identifier!", pg_postmaster_start_time() AS "started_at!",
               ('x' || left(pg_walfile_name(pg_current_wal_lsn()), 8))::bit(32)::bigint AS "timeline!"
           FROM pg_control_system()"#
    )
    .fetch_one(db)
    .await?;
    let (system_identifier, started_at) = (row.system_identifier, row.started_at);
    Ok(Pair { system_identifier, started_at, timeline: row.timeline })
}

/// How long the server has been running, by its own clock.
pub(crate) async fn uptime(db: &mut PgConnection) -> Result<Duration> {
    let row = sqlx::query!(
        r#"SELECT (extract(epoch FROM clock_timestamp() - pg_postmaster_start_time()) * 1000)::bigint AS "ms!""#
    )
    .fetch_one(db)
    .await?;
    Ok(Duration::from_millis(super::unsigned(row.ms)))
}

/// The server that the outbox was last known to be on; `None` in a fresh database.
pub(crate) async fn stored(db: &mut PgConnection) -> Result<Option<Pair>> {
    let row = sqlx::query!("SELECT system_identifier, started_at, timeline FROM pipeline_store")
        .fetch_optional(db)
        .await?;
    Ok(row.map(|row| {
        let (system_identifier, started_at) = (row.system_identifier, row.started_at);
        Pair { system_identifier, started_at, timeline: row.timeline }
    }))
}

/// Stores the pair.
pub(crate) async fn store(db: &mut PgConnection, pair: Pair) -> Result<()> {
    sqlx::query!(
        "INSERT INTO pipeline_store (system_identifier, started_at, timeline) VALUES ($1, $2, $3)
         ON CONFLICT (id) DO UPDATE SET system_identifier = excluded.system_identifier,
             started_at = excluded.started_at, timeline = excluded.timeline",
        pair.system_identifier,
        pair.started_at,
        pair.timeline,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// A pool of connections to the server that answered first: one that is replaced or restarted behind
/// the pool makes the connection fail instead of going on.
pub(crate) async fn connect(url: &str) -> Result<(PgPool, Pair)> {
    let options =
        PgConnectOptions::from_str(url)?.application_name("tributary processor").options([
            // One that is frozen in the middle of a commit must not keep others from taking over.
            ("idle_in_transaction_session_timeout", "15s"),
            // Compiling a statement takes longer than any of ours: 0.3 s for one of a millisecond.
            ("jit", "off"),
        ]);
    let first = PgPoolOptions::new()
        .max_connections(1)
        .acquire_timeout(PATIENCE)
        .connect_with(options.clone())
        .await?;
    let mut db = first.acquire().await?;
    // A role that owns tables or passes by row-level security is no service's.
    sqlx::query!("SELECT refuse_owner_role()").execute(&mut *db).await?;
    let expected = pair(&mut db).await?;
    drop(db);
    first.close().await;
    let pool = PgPoolOptions::new()
        .max_connections(CONNECTIONS)
        .acquire_timeout(PATIENCE)
        .after_connect(move |db, _| {
            Box::pin(async move {
                match pair(db).await {
                    Ok(found) if found == expected => Ok(()),
                    Ok(_) => Err(sqlx::Error::Configuration(Box::new(Error::OtherServer))),
                    Err(Error::Postgres(error)) => Err(error),
                    Err(other) => Err(sqlx::Error::Configuration(Box::new(other))),
                }
            })
        })
        .connect_with(options)
        .await?;
    Ok((pool, expected))
}

/// What is locked across processes.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Lock {
    /// One process reconciles the stores after a restore.
    Reconcile,
    /// Senders share it; who repairs or compares rollups holds it alone.
    Send,
    /// Transactions share it from their number to their end; who reads all up to a number holds it alone.
    Commit,
    /// One process makes the regular audit.
    Audit,
}

impl Lock {
    /// The number, which nobody else in the database uses.
    const fn key(self) -> i64 {
        match self {
            Self::Reconcile => 0x7472_6962_0001,
            Self::Send => 0x7472_6962_0002,
            Self::Commit => 0x7472_6962_0003,
            Self::Audit => 0x7472_6962_0004,
        }
    }
}

/// Waits for a lock of this session, alone.
pub(crate) async fn lock(db: &mut PgConnection, lock: Lock) -> Result<()> {
    sqlx::query!("SELECT pg_advisory_lock($1)", lock.key()).execute(db).await?;
    Ok(())
}

/// Takes a lock of this session, unless another one has it.
pub(crate) async fn try_lock(db: &mut PgConnection, lock: Lock) -> Result<bool> {
    let row = sqlx::query!(r#"SELECT pg_try_advisory_lock($1) AS "taken!""#, lock.key())
        .fetch_one(db)
        .await?;
    Ok(row.taken)
}

/// Gives it back.
pub(crate) async fn unlock(db: &mut PgConnection, lock: Lock) -> Result<()> {
    sqlx::query!("SELECT pg_advisory_unlock($1)", lock.key()).fetch_one(db).await?;
    Ok(())
}

/// Waits for a lock of this session, beside others that share it.
pub(crate) async fn lock_shared(db: &mut PgConnection, lock: Lock) -> Result<()> {
    sqlx::query!("SELECT pg_advisory_lock_shared($1)", lock.key()).execute(db).await?;
    Ok(())
}

/// Waits for a lock of this transaction, beside others that share it.
pub(crate) async fn share(db: &mut PgConnection, lock: Lock) -> Result<()> {
    sqlx::query!("SELECT pg_advisory_xact_lock_shared($1)", lock.key()).execute(db).await?;
    Ok(())
}

/// Gives it back.
pub(crate) async fn unlock_shared(db: &mut PgConnection, lock: Lock) -> Result<()> {
    sqlx::query!("SELECT pg_advisory_unlock_shared($1)", lock.key()).fetch_one(db).await?;
    Ok(())
}

/// The first number of locks on blocks; the second is of the block.
const BLOCKS: i32 = 0x7472_6962;

/// Takes a block to send, unless another sender has it.
pub(crate) async fn try_lock_block(db: &mut PgConnection, id: BlockId) -> Result<bool> {
    let row =
        sqlx::query!(r#"SELECT pg_try_advisory_lock($1, $2) AS "taken!""#, BLOCKS, number(id))
            .fetch_one(db)
            .await?;
    Ok(row.taken)
}

/// Gives it back.
pub(crate) async fn unlock_block(db: &mut PgConnection, id: BlockId) -> Result<()> {
    sqlx::query!("SELECT pg_advisory_unlock($1, $2)", BLOCKS, number(id)).fetch_one(db).await?;
    Ok(())
}

/// Two blocks with the same number wait for one another, and no more.
const fn number(id: BlockId) -> i32 {
    let [a, b, c, d, ..] = id.0;
    i32::from_le_bytes([a, b, c, d])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_migrator_locks_what_senders_share() {
        assert_eq!(Lock::Send.key(), migrations::clickhouse::SEND_LOCK);
    }

    #[tokio::test]
    async fn no_statement_is_compiled_before_it_is_answered() {
        let postgres = migrations::testing::Postgres::fresh().await;
        let (pool, _) = connect(&postgres.url(migrations::testing::Role::Processor)).await.unwrap();
        let jit: String = sqlx::query_scalar("SHOW jit").fetch_one(&pool).await.unwrap();
        assert_eq!(jit, "off");
    }
}
