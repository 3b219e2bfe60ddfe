//! Clicks and conversions on their way into both stores: decided by the processor's rules, encoded by its encoder,
//! inserted under a block's token as its sender does it. A thread decides while the engine takes the block before.

use std::{
    io::{IsTerminal, Write},
    path::{Path, PathBuf},
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use anyhow::Result;
use load_tests::generate::{Shape, Visits};
use processor::{
    batch::Record,
    config::{Stores, Window},
    facts::{FactStore, Facts},
    insert_block,
    lookup::Lookups,
    native::{ClicksBlock, ConversionsBlock, Encoded, Stored},
    stages::{ClickFact, decide_click, decide_conversion},
    stores::claims::{Claims, ClaimsConfig},
};
use schemas::{event::Click, reason::Refusal};
use standalone::vendor;
use tokio::sync::mpsc;

use crate::{place::Place, rows::Rows, seed, traffic};

/// Clicks in a block: what a processor that has much to do sends at once.
const BLOCK: usize = 250_000;
const DAY_MS: u64 = 86_400_000;
/// The country database, where it is vendored.
const GEOGRAPHY: &str = "geo/country.mmdb";

/// What a block of clicks and the conversions up to its end become.
struct Part {
    clicks: Encoded,
    conversions: Encoded,
    rows: Rows,
    /// Clicks up to here.
    done: u64,
}

/// Fills both stores, and says how far it is.
pub(crate) async fn fill(place: &Place, clicks: u64, days: u16) -> Result<()> {
    seed::seed(&place.owner).await?;
    let pool = sqlx::PgPool::connect(&place.postgres("tributary_processor")?).await?;
    let facts = FactStore::load(&pool, 0).await?;
    let folder = load_tests::system::folder()?;
    let claims = folder.path().join("claims");
    let span = span(clicks, days)?;
    let (sender, mut parts) = mpsc::channel(1);
    let deciding =
        tokio::task::spawn_blocking(move || decide(facts.current(), &claims, span, &sender));
    let (url, database) = place.clickhouse();
    let stores = Stores {
        database_url: String::new(),
        clickhouse_url: url.to_owned(),
        clickhouse_database: database.to_owned(),
    };
    // Nobody sends the same block again here, so that only a stuck engine ends a long insert.
    let window = Window { insert_limit_ms: 120_000, idle_limit_ms: 3_000 };
    let (begun, mut id) = (Instant::now(), 0);
    while let Some(Part { clicks: block, conversions, rows, done }) = parts.recv().await {
        let inserting = async {
            for encoded in [block, conversions].into_iter().filter(|one| one.rows > 0) {
                id += 1;
                insert_block(&stores, &window, id, encoded).await?;
            }
            anyhow::Ok(())
        };
        tokio::try_join!(inserting, rows.copy(&place.owner))?;
        progress(done, clicks, begun.elapsed())?;
    }
    deciding.await??;
    let mut out = std::io::stdout().lock();
    writeln!(out, "\nfilled in {:.0} s; waiting for merges", begun.elapsed().as_secs_f64())?;
    sqlx::raw_sql("ANALYZE; VACUUM").execute(&place.owner).await.ok();
    place.set_filled().await
}

/// A line that is written over, where somebody looks; one for each tenth else.
fn progress(done: u64, of: u64, took: Duration) -> std::io::Result<()> {
    let mut out = std::io::stdout().lock();
    let rate = done as f64 / took.as_secs_f64();
    let line = format!("{done} of about {of} clicks, {rate:.0}/s");
    if out.is_terminal() {
        write!(out, "\r{line}")?;
    } else if (done / BLOCK as u64).is_multiple_of((of / BLOCK as u64 / 10).max(1)) {
        writeln!(out, "{line}")?;
    }
    out.flush()
}

/// The latest days, and how many clicks a second make the number wanted in whole ones.
#[expect(clippy::disallowed_methods, reason = "the clicks end now")]
fn span(clicks: u64, days: u16) -> Result<(Shape, u64)> {
    let now = SystemTime::now().duration_since(UNIX_EPOCH)?;
    let end_ms = u64::try_from(now.as_millis())?;
    let length_ms = u64::from(days) * DAY_MS;
    let per_second = clicks as f64 / (length_ms as f64 / 1000.0);
    let start_ms = end_ms.saturating_sub(length_ms);
    Ok((Shape { links: seed::LINKS, start_ms, per_second, ..Shape::default() }, end_ms))
}

/// All that deciding needs and keeps.
struct Decider<'a> {
    facts: &'a Facts,
    lookups: Lookups,
    claims: Claims,
    traffic: traffic::Traffic<'a>,
    record: Record<Click>,
    clicks: ClicksBlock,
    conversions: ConversionsBlock,
    rows: Rows,
    /// Of the latest conversion.
    id: u64,
}

fn decide(
    facts: &Facts,
    spill: &Path,
    (shape, end_ms): (Shape, u64),
    parts: &mpsc::Sender<Part>,
) -> Result<()> {
    let config = ClaimsConfig { memory_bytes: 1 << 30, spill: spill.to_owned() };
    let mut claims = Claims::with_layout(config, 1);
    claims.rebuild(0, [])?;
    let mut decider = Decider {
        facts,
        lookups: Lookups::open(geography().as_deref())?,
        claims,
        traffic: traffic::Traffic::new(facts)?,
        record: Record { journal: traffic::JOURNAL, ..Record::default() },
        clicks: ClicksBlock::default(),
        conversions: ConversionsBlock::default(),
        rows: Rows::default(),
        id: 0,
    };
    let visits = Visits::new(shape).take_while(|visit| visit.time_ms < end_ms);
    let mut visits = visits.peekable();
    let mut commit = 0;
    while let Some(first) = visits.peek() {
        let oldest_ms = first.time_ms;
        decider.begin_batch(oldest_ms)?;
        for visit in visits.by_ref().take(BLOCK) {
            decider.click(&visit);
        }
        commit += 1;
        let last_ms = visits.peek().map_or(end_ms, |next| next.time_ms);
        let part = decider.finish(last_ms, commit)?;
        // Nobody takes it: the other side failed and says why.
        if parts.blocking_send(part).is_err() {
            return Ok(());
        }
    }
    Ok(())
}

impl Decider<'_> {
    fn begin_batch(&mut self, oldest_ms: u64) -> Result<()> {
        self.claims.begin_batch()?;
        self.claims.advance(oldest_ms, self.facts.longest_unique_window_ms());
        self.lookups.begin_batch();
        Ok(())
    }

    fn click(&mut self, visit: &load_tests::generate::Visit) {
        let Self { facts, lookups, claims, traffic, record, clicks, .. } = self;
        traffic.click(visit, &mut record.event);
        record.seq += 1;
        let outcome = decide_click(record, facts, lookups, claims);
        clicks.push(record, &outcome, lookups.words());
        if outcome.invalid.is_none() {
            traffic.follow(&record.event, record.seq);
        }
    }

    /// Conversions up to a time, and everything of the block.
    fn finish(&mut self, until_ms: u64, commit: u64) -> Result<Part> {
        while let Some((event, is_repeat)) = self.traffic.conversion(until_ms) {
            self.id += 1;
            let record = Record { journal: traffic::JOURNAL, partition: 0, seq: self.id, event };
            let fact = ClickFact::Decided { label: None, recent: 0 };
            let mut outcome = decide_conversion(&record, fact, self.facts, &mut self.lookups);
            if is_repeat {
                outcome.refuse(Refusal::DuplicateTxn);
            }
            let stored = Stored { conversion: self.id, click_journal: traffic::JOURNAL };
            self.rows.put(&record, &outcome, self.id);
            self.conversions.push(&record, &outcome, stored, self.lookups.words());
        }
        self.claims.take_blobs()?;
        Ok(Part {
            clicks: self.clicks.finish(u128::from(2 * commit), commit),
            conversions: self.conversions.finish(u128::from(2 * commit + 1), commit),
            rows: std::mem::take(&mut self.rows),
            done: self.record.seq,
        })
    }
}

/// `TRIBUTARY_GEO`, or the vendored database; without one no country is known.
fn geography() -> Option<PathBuf> {
    let named = std::env::var_os("TRIBUTARY_GEO").map(PathBuf::from);
    named.or_else(|| {
        let places = vendor::places(Path::new("."), GEOGRAPHY);
        places.into_iter().find(|place| place.is_file())
    })
}
