//! The feed: PostgreSQL's links into memory, first all of them, then what changes.
//!
//! A change is seen by its transaction: each look reads the rows whose transaction is not older than
//! the oldest one that ran at the look before, so none is missed whatever the order of commits. LISTEN
//! only says when to look. Of those rows, what the snapshot of the look before saw already is passed
//! over: a transaction held open makes no look read the same rows again. Everything is read anew beside
//! the looks, for what no change tells. Refuses to end: while PostgreSQL is away it goes on with what it
//! has.

use schemas::keys::Keys;
use sqlx::{Connection, PgConnection, postgres::PgListener};
use std::{
    convert::Infallible,
    future::{Future, pending},
    pin::{Pin, pin},
    sync::Arc,
    time::Duration,
};
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
    /// PostgreSQL's snapshot at that position: what it saw is in. Empty: not known.
    snapshot: String,
    /// The picture is newer than the one the cores look at.
    unpublished: bool,
    /// The picture is newer than the copy.
    dirty: bool,
    /// PostgreSQL was told to be away.
    away: bool,
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
            snapshot: String::new(),
            unpublished: false,
            dirty: false,
            away: false,
            copy_due: now,
            reload_due: now + self.reload_every,
        };
        let mut stop = pin!(stop);
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
            if !std::mem::replace(&mut state.away, true) {
                tracing::warn!(%error, "links: PostgreSQL does not answer, serving the links known so far");
            }
            tokio::select! {
                () = &mut stop => break,
                () = sleep(RETRY_AFTER) => {}
            }
        }
        self.write_copy(&mut state).await;
        Ok(())
    }

    /// Connects and follows until something fails.
    async fn follow(&self, state: &mut State) -> Result<Infallible> {
        let mut listener = patient(PgListener::connect(&self.database_url)).await?;
        patient(listener.listen(CHANNEL)).await?;
        let mut db = patient(PgConnection::connect(&self.database_url)).await?;
        sql::refuse_owner_role(&mut db).await?;
        if state.position == Position::default() {
            let read = self.read_all(state.links.seed()).await?;
            self.take_over(&mut db, state, read).await?;
        }
        let mut reading: Option<Reading<'_>> = None;
        loop {
            if !self.look(&mut db, state).await? {
                // Another cluster's: nothing of the picture may be believed any longer.
                let read = self.read_all(state.links.seed()).await?;
                self.take_over(&mut db, state, read).await?;
            }
            if std::mem::take(&mut state.away) {
                tracing::info!("links: PostgreSQL answers again");
            }
            self.metrics.feed_connected.set(1);
            self.copy_if_due(state).await;
            if reading.is_none() && Instant::now() >= state.reload_due {
                reading = Some(Box::pin(self.read_all(state.links.seed())));
            }
            tokio::select! {
                told = listener.recv() => { told?; }
                () = sleep(LOOK_EVERY) => {}
                read = underway(&mut reading) => {
                    reading = None;
                    self.take_over(&mut db, state, read?).await?;
                }
            }
        }
    }

    /// One look: what changed since the one before. False: the numbers of before mean nothing here.
    async fn look(&self, db: &mut PgConnection, state: &mut State) -> Result<bool> {
        let mut tx =
            patient(db.begin_with("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")).await?;
        let now = in_time(sql::now(&mut *tx)).await?;
        let since = state.position;
        // Another cluster, or this one restored to an earlier time.
        if now.position.system != since.system || now.next < since.xmin {
            return Ok(false);
        }
        let small = Changes {
            sites: in_time(sql::sites(&mut *tx)).await?,
            programs: in_time(sql::programs(&mut *tx, since.xmin)).await?,
            affiliates: in_time(sql::affiliates(&mut *tx, since.xmin)).await?,
            links: Vec::new(),
        };
        state.unpublished |= state.links.apply(small, &self.keys);
        let mut after = sql::After { xid: since.xmin, id: 0 };
        loop {
            let page = in_time(sql::changed_links(&mut *tx, after, &state.snapshot)).await?;
            let last = page.after;
            let changes = Changes { links: page.links, ..Changes::default() };
            state.unpublished |= state.links.apply(changes, &self.keys);
            let Some(last) = last else { break };
            after = last;
        }
        patient(tx.commit()).await?;
        (state.position, state.snapshot) = (now.position, now.snapshot);
        if state.unpublished {
            self.publish(state);
        }
        Ok(true)
    }

    /// Reads everything into a new picture over a connection of its own.
    async fn read_all(&self, seed: u64) -> Result<(Links, sql::Now)> {
        let mut db = patient(PgConnection::connect(&self.database_url)).await?;
        let mut tx =
            patient(db.begin_with("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")).await?;
        let now = in_time(sql::now(&mut *tx)).await?;
        let mut builder = Builder::new(seed);
        for site in in_time(sql::sites(&mut *tx)).await? {
            builder.site(site);
        }
        for program in in_time(sql::programs(&mut *tx, 0)).await? {
            builder.program(program, &self.keys);
        }
        for (id, _) in in_time(sql::affiliates(&mut *tx, 0)).await? {
            builder.inactive(id);
        }
        let mut after = 0;
        loop {
            let page = in_time(sql::page(&mut *tx, after)).await?;
            let last = page.len() < sql::PAGE;
            after = page.last().map_or(after, |link| link.id);
            for link in page {
                builder.link(link);
            }
            if last {
                break;
            }
        }
        patient(tx.commit()).await?;
        Ok((builder.finish(), now))
    }

    /// Puts a picture read anew in the place of the one before, caught up with what changed meanwhile:
    /// what is served already must not vanish for a moment.
    async fn take_over(
        &self,
        db: &mut PgConnection,
        state: &mut State,
        (links, now): (Links, sql::Now),
    ) -> Result<()> {
        tracing::info!(%links, "links: read from PostgreSQL");
        (state.links, state.position, state.snapshot) = (links, now.position, now.snapshot);
        state.unpublished = true;
        state.reload_due = Instant::now() + self.reload_every;
        self.metrics.feed_loads.inc();
        self.look(db, state).await.map(drop)
    }

    fn publish(&self, state: &mut State) {
        (state.dirty, state.unpublished) = (true, false);
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

/// Everything being read beside the looks.
type Reading<'a> = Pin<Box<dyn Future<Output = Result<(Links, sql::Now)>> + Send + 'a>>;

/// Waits for what is being read; for ever where nothing is.
async fn underway(reading: &mut Option<Reading<'_>>) -> Result<(Links, sql::Now)> {
    match reading {
        Some(reading) => reading.await,
        None => pending().await,
    }
}

/// A statement's answer, or that it took too long.
async fn in_time<T>(asked: impl Future<Output = Result<T>>) -> Result<T> {
    timeout(PATIENCE, asked).await.map_err(|_| sqlx::Error::PoolTimedOut)?
}

async fn patient<T>(deed: impl Future<Output = sqlx::Result<T>>) -> sqlx::Result<T> {
    timeout(PATIENCE, deed).await.map_err(|_| sqlx::Error::PoolTimedOut)?
}
