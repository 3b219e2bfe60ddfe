//! The feed: PostgreSQL's links into memory, first all of them, then what changes.
//!
//! A change is seen by its transaction: each look reads the rows whose transaction is not older than
//! the oldest one that ran at the look before, so none is missed whatever the order of commits. LISTEN
//! only says when to look. Refuses to end: while PostgreSQL is away it goes on with what it has.

use schemas::keys::Keys;
use sqlx::{Connection, PgConnection, postgres::PgListener};
use std::{future::Future, pin::pin, sync::Arc, time::Duration};
use tokio::time::{Instant, sleep, timeout};

use super::{
    Copy, Shared,
    rows::Position,
    snapshot::{Builder, Changes, Links},
    sql,
};
use crate::{
    error::{Error, Result},
    metrics::Metrics,
};

/// The channel that 0002_create_affiliate.sql notifies.
const CHANNEL: &str = "tributary_links";
/// Looks come this often even if nobody notifies.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// Waits between tries to reach PostgreSQL.
const RETRY_AFTER: Duration = Duration::from_millis(500);
/// More changes than this at one look: reading everything anew is cheaper.
const MOST_CHANGES: usize = 50_000;
/// A statement or connection that takes longer is given up.
const PATIENCE: Duration = Duration::from_secs(60);
/// The copy is written at most this often, and never more than a fiftieth of the time.
const COPY_EVERY: Duration = Duration::from_secs(2);

/// What the feed works with.
#[derive(Debug)]
pub struct Feed {
    /// Where PostgreSQL is.
    pub database_url: String,
    /// Where the picture goes.
    pub shared: Shared,
    /// For programs' tokens.
    pub keys: Keys,
    /// Counters.
    pub metrics: Arc<Metrics>,
    /// The copy on disk.
    pub copy: Copy,
    /// Everything is read anew this often, for what no change tells: deleted rows.
    pub reload_every: Duration,
}

/// The feed's own picture and how far it is.
struct State {
    links: Links,
    position: Position,
    /// The picture is newer than the copy.
    dirty: bool,
    copy_due: Instant,
    reload_due: Instant,
}

impl Feed {
    /// Runs until `stop`, beginning with a picture and its position (all zero: none). Then writes the
    /// copy a last time.
    ///
    /// # Errors
    /// `Error::Role`, where there was no picture to begin with: what waiting does not heal.
    pub async fn run(self, begin: (Links, Position), stop: impl Future<Output = ()>) -> Result<()> {
        let new = begin.1 == Position::default();
        let now = Instant::now();
        let mut state = State {
            links: begin.0,
            position: begin.1,
            dirty: false,
            copy_due: now,
            reload_due: now + self.reload_every,
        };
        let mut stop = pin!(stop);
        let mut told = false;
        loop {
            let ended = tokio::select! {
                () = &mut stop => break,
                ended = self.follow(&mut state) => ended,
            };
            let Err(error) = ended;
            if new && matches!(error, Error::Role(_)) {
                return Err(error);
            }
            self.metrics.feed_failures.inc();
            self.metrics.feed_connected.set(0);
            if !told {
                tracing::warn!(%error, "links: PostgreSQL does not answer, serving the links known so far");
                told = true;
            }
            tokio::select! {
                () = &mut stop => break,
                () = sleep(RETRY_AFTER) => {}
            }
            told &= self.metrics.feed_connected.get() == 0;
        }
        self.write_copy(&mut state).await;
        Ok(())
    }

    /// Connects and follows until something fails.
    async fn follow(&self, state: &mut State) -> Result<std::convert::Infallible> {
        let mut listener = patient(PgListener::connect(&self.database_url)).await?;
        patient(listener.listen(CHANNEL)).await?;
        let mut db = patient(PgConnection::connect(&self.database_url)).await?;
        sql::refuse_owner_role(&mut db).await?;
        if state.position == Position::default() {
            self.load(&mut db, state).await?;
        }
        loop {
            self.look(&mut db, state).await?;
            self.metrics.feed_connected.set(1);
            self.copy_if_due(state).await;
            tokio::select! {
                told = listener.recv() => { told?; }
                () = sleep(LOOK_EVERY) => {}
            }
        }
    }

    /// One look: what changed since the one before.
    async fn look(&self, db: &mut PgConnection, state: &mut State) -> Result<()> {
        let changes = timeout(PATIENCE, self.changes(db, state))
            .await
            .map_err(|_| sqlx::Error::PoolTimedOut)??;
        let Some((changes, position)) = changes else { return self.load(db, state).await };
        state.position = position;
        if state.links.apply(changes, &self.keys) {
            self.publish(state);
        }
        Ok(())
    }

    /// `None`: everything must be read anew.
    async fn changes(
        &self,
        db: &mut PgConnection,
        state: &State,
    ) -> Result<Option<(Changes, Position)>> {
        let mut tx = db.begin_with("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY").await?;
        let (position, next) = sql::position(&mut *tx).await?;
        let since = state.position;
        // Another cluster, or this one restored to an earlier time: its numbers mean something else.
        let foreign = position.system != since.system || next < since.xmin;
        if foreign || Instant::now() >= state.reload_due {
            return Ok(None);
        }
        let changes = Changes {
            sites: sql::sites(&mut *tx).await?,
            programs: sql::programs(&mut *tx, since.xmin).await?,
            affiliates: sql::affiliates(&mut *tx, since.xmin).await?,
            links: sql::changed_links(&mut *tx, since.xmin, MOST_CHANGES).await?,
        };
        if changes.links.len() >= MOST_CHANGES {
            return Ok(None);
        }
        tx.commit().await?;
        Ok(Some((changes, position)))
    }

    /// Reads everything into a new picture, beside the one in use.
    async fn load(&self, db: &mut PgConnection, state: &mut State) -> Result<()> {
        let mut tx = db.begin_with("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY").await?;
        let (position, _) = sql::position(&mut *tx).await?;
        let mut builder = Builder::new(state.links.seed());
        for site in sql::sites(&mut *tx).await? {
            builder.site(site);
        }
        for program in sql::programs(&mut *tx, 0).await? {
            builder.program(program, &self.keys);
        }
        for (id, _) in sql::affiliates(&mut *tx, 0).await? {
            builder.inactive(id);
        }
        let mut after = 0;
        loop {
            let page = timeout(PATIENCE, sql::page(&mut *tx, after))
                .await
                .map_err(|_| sqlx::Error::PoolTimedOut)??;
            let last = page.len() < sql::PAGE;
            after = page.last().map_or(after, |link| link.id);
            for link in page {
                builder.link(link);
            }
            if last {
                break;
            }
        }
        tx.commit().await?;
        (state.links, state.position) = (builder.finish(), position);
        state.reload_due = Instant::now() + self.reload_every;
        tracing::info!(links = %state.links, "links: read from PostgreSQL");
        self.publish(state);
        Ok(())
    }

    fn publish(&self, state: &mut State) {
        state.dirty = true;
        self.metrics.links.set(i64::try_from(state.links.len()).unwrap_or(i64::MAX));
        self.metrics.link_changes.inc();
        self.shared.store(Arc::new(state.links.clone()));
    }

    async fn copy_if_due(&self, state: &mut State) {
        if state.dirty && Instant::now() >= state.copy_due {
            self.write_copy(state).await;
        }
    }

    async fn write_copy(&self, state: &mut State) {
        if !state.dirty {
            return;
        }
        let (copy, links, position) = (self.copy.clone(), state.links.clone(), state.position);
        let began = Instant::now();
        let written = tokio::task::spawn_blocking(move || copy.write(&links, position)).await;
        state.copy_due = Instant::now() + (began.elapsed() * 50).max(COPY_EVERY);
        match written {
            Ok(Ok(())) => state.dirty = false,
            Ok(Err(error)) => {
                self.metrics.copy_failures.inc();
                tracing::warn!(%error, "links: the copy on disk could not be written");
            }
            // The runtime is shutting down: the copy before stays.
            Err(_) => {}
        }
    }
}

async fn patient<T>(deed: impl Future<Output = sqlx::Result<T>>) -> sqlx::Result<T> {
    timeout(PATIENCE, deed).await.map_err(|_| sqlx::Error::PoolTimedOut)?
}
