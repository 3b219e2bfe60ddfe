//! The loop: read → decide → commit, and beside it the sender. A session lasts as long as nothing
//! fails; after a failure everything in memory is thrown away and loaded again from what was
//! committed, exactly as after `kill -9`, so that there is one way to recover and it is used.

use schemas::{
    event::{Conversion, Message},
    topic::Topic,
};
use sqlx::PgPool;
use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};
use tokio::sync::Notify;

use crate::{
    batch::{Batch, Prune, Record},
    clock, commit,
    config::Config,
    decide::{Decider, Stopped, take_in},
    engine::Engine,
    error::{Error, Result},
    guard,
    journals::Journals,
    lost,
    metrics::{
        Metrics,
        stages::{Laps, Stage},
    },
    resend,
    sender::{Sender, Sent},
    source::{Source, group::Group},
    stores::{
        claim_blobs::Old,
        dead_letters::{DeadLetter, Flaw},
        outbox,
        owner::Owner,
        server,
    },
    waiting::{Waiting, World},
};

mod load;
mod pace;
mod report;

use pace::{BEHIND, Done, Pace, is_behind, reads_on};

/// Between two rounds of dropping what no window reaches, and of trimming journals.
const HOUSEKEEPING: Duration = Duration::from_secs(30);
/// How often it looks at what waits to be sent without being told.
const SENT_LOOK: Duration = Duration::from_millis(500);

/// What lasts longer than a session.
pub(crate) struct Context {
    pub(crate) config: Config,
    pub(crate) journal_key: journal::Key,
    pub(crate) metrics: Metrics,
    /// A session runs, or waits for partitions: what `/health` says.
    pub(crate) well: Arc<AtomicBool>,
    /// Whose member it is, where the log is Kafka's.
    pub(crate) group: Option<Arc<Group>>,
}

/// One run from loading to the first failure.
pub(crate) struct Session<'a> {
    context: &'a Context,
    pool: PgPool,
    owner: Owner,
    source: Source,
    journals: Journals,
    waiting: Waiting,
    decider: Decider,
    committed: Arc<Notify>,
    sent: Arc<Sent>,
    /// How long ClickHouse took for the blocks of a batch, at the last look.
    inserting: Duration,
    cleaned: Option<Instant>,
    /// That something is missing was told.
    told_holes: bool,
    /// When metrics last looked at what does not change by batches alone.
    looked: Option<Instant>,
}

/// When a session ends by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Until {
    /// Never.
    Forever,
    /// When every journal was read to its end and ClickHouse has every block.
    Drained,
}

/// Runs a session until it fails, or `until`.
pub(crate) async fn session(context: &Context, until: Until) -> Result<()> {
    let config = &context.config;
    // Before a store is asked: whoever owns nothing needs none.
    let assignment = match &context.group {
        Some(group) => {
            // One more than there are partitions is as well as the others.
            let _waits = Well::of(&context.well);
            context.metrics.lag.disown();
            Some(group.assignment().await)
        }
        None => None,
    };
    let (pool, here) = server::connect(&config.stores.database_url).await?;
    let engine = Engine::new(&config.stores, &config.window)?;
    guard::check(&pool, here, &engine).await?;
    let (committed, sent) = (Arc::new(Notify::new()), Arc::new(Sent::default()));
    let sender = Sender {
        pool: pool.clone(),
        engine,
        metrics: context.metrics.clone(),
        committed: committed.clone(),
        sent: sent.clone(),
    };
    let looking = assignment.as_ref().zip(context.group.clone()).map(|(assignment, group)| {
        context.metrics.lag.own(assignment.partitions.len());
        AbortOnDrop(tokio::spawn(group.watch_ends(assignment.partitions.clone())))
    });
    let mut session = Session::load(context, pool, assignment, committed, sent).await?;
    let _looking = looking;
    let sending = tokio::spawn(async move { sender.run().await });
    // Dropped with the session: no sender outlives the server it was checked for.
    let sending = AbortOnDrop(sending);
    let _well = Well::of(&context.well);
    session.run(sending, until).await
}

/// Says that a session runs, for as long as it does.
struct Well<'a>(&'a AtomicBool);

impl<'a> Well<'a> {
    fn of(well: &'a AtomicBool) -> Self {
        well.store(true, Ordering::Relaxed);
        Self(well)
    }
}

impl Drop for Well<'_> {
    fn drop(&mut self) {
        self.0.store(false, Ordering::Relaxed);
    }
}

struct AbortOnDrop<T>(tokio::task::JoinHandle<T>);

impl<T> Drop for AbortOnDrop<T> {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl<'a> Session<'a> {
    async fn run(&mut self, mut sending: AbortOnDrop<Result<()>>, until: Until) -> Result<()> {
        loop {
            // Whatever a turn waits for, the sender may end meanwhile, and then nobody would tell it.
            tokio::select! {
                over = self.turn(until) => {
                    if over? {
                        return Ok(());
                    }
                }
                ended = &mut sending.0 => {
                    return ended.unwrap_or(Err(Error::Config("the sender ended".to_owned())));
                }
            }
        }
    }

    /// A batch and the rest behind it; true when the session is over.
    async fn turn(&mut self, until: Until) -> Result<bool> {
        let begun = Instant::now();
        let done = self.batch().await?;
        self.look();
        let (_, oldest) = outbox::load(&self.pool).await?;
        if done == Done::Nothing && until == Until::Drained {
            if oldest.is_none() {
                return Ok(true);
            }
            self.some_sent().await;
        }
        let pace = Pace::of(done, oldest, self.owner.commit);
        if pace == Pace::CaughtUp {
            // Away or slow, it must not hold decisions up for longer; the outbox has its own bound.
            let waited = tokio::time::timeout(BEHIND, self.caught_up()).await;
            waited.unwrap_or(Ok(()))?;
        }
        let rest = self.interval().saturating_sub(begun.elapsed());
        if pace != Pace::AtOnce && !rest.is_zero() {
            tokio::time::sleep(rest).await;
        }
        Ok(false)
    }

    /// Until the next batch begins, from the beginning of this one.
    fn interval(&mut self) -> Duration {
        let inserting = self.sent.inserting();
        if !inserting.is_zero() {
            self.inserting = inserting;
        }
        let shortest = Duration::from_millis(self.context.config.batch.interval_ms);
        pace::interval(shortest, self.inserting)
    }

    async fn caught_up(&self) -> Result<()> {
        while is_behind(outbox::load(&self.pool).await?.1, self.owner.commit) {
            self.some_sent().await;
        }
        Ok(())
    }

    /// Until the sender sent something, or for a moment: what waits may be sent by another processor's, which tells
    /// nobody here.
    async fn some_sent(&self) {
        let told = tokio::time::timeout(SENT_LOOK, self.sent.told.notified());
        // Told or not, the next look says what waits.
        let _ = told.await;
    }

    /// One batch.
    async fn batch(&mut self) -> Result<Done> {
        if !self.has_room().await? {
            self.context.metrics.paused.inc();
            tokio::task::block_in_place(|| self.source.idle())?;
            // It has waited already.
            return Ok(Done::Full);
        }
        let mut laps = Laps::begin();
        self.decider.begin_batch()?;
        self.decider.facts.prepare(&self.pool, clock::now_ms(), &[], &[]).await?;
        let mut batch = Batch::default();
        self.discover(&mut batch)?;
        let stopped = self.fill(&mut batch).await?;
        laps.end(Stage::Read);
        let repaired = {
            let Self { pool, owner, journals, decider, .. } = &mut *self;
            resend::answer(pool, &owner.scope, journals, decider, &mut batch).await?
        };
        if repaired {
            self.waiting.ask_again();
        }
        let Self { pool, owner, source, journals, .. } = &mut *self;
        lost::take(pool, &owner.scope, source, journals, &mut batch).await?;
        self.journals.gather(&mut batch);
        self.settle_sites(&mut batch).await?;
        let world = World {
            pool: &self.pool,
            slots: &self.context.config.source.slots,
            wait_ms: self.context.config.rules.wait_ms,
        };
        self.waiting.decide(&world, &mut self.journals, &mut self.decider, &mut batch).await?;
        batch.dead.extend(self.source.take_dead());
        batch.moves = self.source.moves();
        if batch.is_empty() {
            return Ok(Done::Nothing);
        }
        laps.end(Stage::Decide);
        self.commit(&mut batch).await?;
        laps.end(Stage::Commit);
        self.report(&batch, &laps);
        Ok(if stopped == Stopped::Full { Done::Full } else { Done::Some })
    }

    /// Whether the outbox has room; waits a little for the sender when it has not.
    async fn has_room(&self) -> Result<bool> {
        let (bytes, _) = outbox::load(&self.pool).await?;
        self.context.metrics.outbox_bytes.set(i64::try_from(bytes).unwrap_or(i64::MAX));
        if bytes < self.context.config.batch.outbox_bytes {
            return Ok(true);
        }
        self.some_sent().await;
        Ok(false)
    }

    fn discover(&mut self, batch: &mut Batch) -> Result<()> {
        let found = self.source.discover(&self.journals)?;
        for known in found.fresh {
            take_in(known, &mut self.journals, batch);
        }
        batch.dead.extend(found.forged);
        Ok(())
    }

    async fn fill(&mut self, batch: &mut Batch) -> Result<Stopped> {
        let most = self.context.config.batch.rows;
        let interval = Duration::from_millis(self.context.config.batch.interval_ms);
        let begun = Instant::now();
        loop {
            let Self { decider, source, journals, .. } = self;
            let stopped =
                tokio::task::block_in_place(|| decider.fill(source, journals, batch, most))?;
            let from_kafka = matches!(self.source, Source::Log(_));
            if stopped == Stopped::Dry
                && from_kafka
                && reads_on(batch.records, begun.elapsed(), interval)
            {
                continue;
            }
            if stopped != Stopped::Unknown {
                return Ok(stopped);
            }
            self.decider.facts.refresh(&self.pool, clock::now_ms()).await?;
        }
    }

    /// Conversions that name a link or a site not known: the facts are looked at again. One of a site
    /// that does not exist is nobody's, and a dead letter.
    async fn settle_sites(&mut self, batch: &mut Batch) -> Result<()> {
        let facts = self.decider.facts.current();
        let known = |event: &Conversion| {
            let link = event.click.map_or(0, |click| click.link);
            facts.sites.contains_key(&event.site) && (link == 0 || facts.links.contains_key(&link))
        };
        if batch.arrived.iter().all(|record| known(&record.event)) {
            return Ok(());
        }
        self.decider.facts.refresh(&self.pool, clock::now_ms()).await?;
        let facts = self.decider.facts.current();
        let (known, strange) = std::mem::take(&mut batch.arrived)
            .into_iter()
            .partition(|record| facts.sites.contains_key(&record.event.site));
        batch.arrived = known;
        let strange: Vec<Record<Conversion>> = strange;
        batch.dead.extend(strange.into_iter().map(|record| DeadLetter {
            journal: record.journal,
            topic: Topic::Conversions.id(),
            partition: record.partition,
            seq: record.seq,
            flaw: Flaw::UnknownSite,
            reason: format!("there is no site {}", record.event.site),
            bytes: record.event.encode_to_vec(),
            is_received: true,
        }));
        Ok(())
    }

    async fn commit(&mut self, batch: &mut Batch) -> Result<()> {
        batch.prune = self.prune();
        let done = {
            let Self { pool, owner, journals, decider, .. } = &mut *self;
            commit::commit(pool, owner, journals, decider, batch).await?
        };
        self.owner.commit = done.commit;
        self.journals.settle();
        self.source.settle();
        self.context.metrics.commits.inc();
        if done.blocks > 0 {
            self.committed.notify_one();
        }
        if batch.prune.is_some() {
            let keep_ms = self.context.config.source.keep_hours * 3_600_000;
            self.source.trim(clock::now_ms().saturating_sub(keep_ms), &self.journals);
        }
        Ok(())
    }

    /// What this commit may drop, every now and then.
    fn prune(&mut self) -> Option<Prune> {
        if self.cleaned.is_some_and(|at| at.elapsed() < HOUSEKEEPING) {
            return None;
        }
        self.cleaned = Some(Instant::now());
        let slowest = self.journals.slowest_ms(&self.context.config.source.slots);
        let facts = self.decider.facts.current();
        let window_ms = facts.longest_unique_window_ms();
        let before_ms = self.decider.claims.advance(slowest, window_ms);
        let longest = facts.programs.values().map(|program| program.click_window_ms).max();
        let kept = longest.unwrap_or(0).saturating_add(self.context.config.rules.wait_ms);
        Some(Prune {
            claims: Old { before_ms, reach_ms: window_ms },
            labels_before_ms: slowest.saturating_sub(kept),
            address_days: self.context.config.source.address_days,
        })
    }
}
