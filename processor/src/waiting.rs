//! Conversions from their arrival to their decision. One that names a click is decided once the
//! click is: its seq is in the set of its own journal, and it does not lie in the dead letters.
//! Until then it waits in PostgreSQL; the end of the wait is an event of its own, told by the
//! collectors' heartbeats and by no clock.

use schemas::{
    event::{Conversion, Message},
    reason::Invalid,
    topic::Topic,
};
use sqlx::PgPool;
use std::collections::{HashMap, HashSet};

use crate::{
    batch::{Batch, Decided, Expiry, Record},
    decide::Decider,
    error::{Error, Result},
    facts::recent::Recent,
    journals::{Journals, Place, Received},
    stages::{self, ClickFact},
    stores::{
        dead_letters, journals as journal_rows, labels,
        seqs::{self, Key},
        waiting::Parked,
    },
};

/// A conversion that waits.
struct Waiter {
    record: Record<Conversion>,
    expires_ms: u64,
    /// Its click is in, and lies in the dead letters: nothing to ask until it is repaired or expires.
    dead: bool,
}

/// All conversions that wait.
#[derive(Default)]
pub(crate) struct Waiting(Vec<Waiter>);

/// A conversion looked at in this batch.
struct Looked {
    waiter: Waiter,
    /// Its row in PostgreSQL is there already.
    parked: bool,
    place: Option<Place>,
    /// It is not ours, and PostgreSQL was not asked yet whether it is in.
    asks_owner: bool,
    fact: Option<ClickFact>,
    /// How far both topics of its partition are read to their end.
    watermark: Option<u64>,
}

impl Looked {
    /// Whether its wait has ended.
    fn is_over(&self) -> bool {
        self.watermark.is_some_and(|at| at >= self.waiter.expires_ms)
    }
}

/// What looking needs to know of the world.
pub(crate) struct World<'a> {
    pub(crate) pool: &'a PgPool,
    pub(crate) slots: &'a [String],
    pub(crate) wait_ms: u64,
}

impl Waiting {
    /// From what is stored.
    pub(crate) fn new(parked: Vec<Parked>) -> Result<Self> {
        let mut all = Vec::with_capacity(parked.len());
        for one in parked {
            let event = Conversion::decode(&one.record[..])
                .map_err(|_| Error::Stored { what: "a waiting conversion" })?;
            let Key { journal, partition, .. } = one.key;
            let record = Record { journal, partition, seq: one.seq, event };
            all.push(Waiter { record, expires_ms: one.expires_ms, dead: false });
        }
        Ok(Self(all))
    }

    /// How many wait.
    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    /// Something was repaired: those that wait for a dead letter ask again.
    pub(crate) fn ask_again(&mut self) {
        self.0.iter_mut().for_each(|waiter| waiter.dead = false);
    }

    /// Decides what can be decided, of those that wait and those that arrived; the others wait (on).
    pub(crate) async fn decide(
        &mut self,
        world: &World<'_>,
        journals: &mut Journals,
        decider: &mut Decider,
        batch: &mut Batch,
    ) -> Result<()> {
        self.meet_others(world.pool, journals, &batch.arrived).await?;
        let mut looked = self.look(world, journals, std::mem::take(&mut batch.arrived));
        if looked.is_empty() {
            return Ok(());
        }
        ask_owners(world.pool, &mut looked).await?;
        let before = Some(&*batch);
        ask_about_clicks(world.pool, before, &mut looked).await?;
        let mut recent = load_recent(world.pool, decider, &looked).await?;
        for mut one in looked {
            let Some(fact) = one.fact else {
                self.wait(one, batch);
                continue;
            };
            let fact = with_recent(fact, &recent, &one.waiter.record);
            settle_wait(&one, fact, batch);
            let outcome = stages::decide_conversion(
                &one.waiter.record,
                fact,
                decider.facts.current(),
                &mut decider.lookups,
            );
            if outcome.refusal().is_none() {
                recent.put(&one.waiter.record.event, outcome.program);
            }
            let Record { journal, partition, .. } = one.waiter.record;
            if let Some(lane) = journals.lane_mut(Key::conversions(journal, partition)) {
                lane.seqs.decided += 1;
                lane.dirty = true;
            }
            let name = outcome.refusal().map_or("accepted", |reason| reason.name());
            *decider.outcomes.entry((Topic::Conversions, name)).or_default() += 1;
            let click_journal = one.place.take().map(|place| place.journal);
            batch.decided.push(Decided { record: one.waiter.record, outcome, click_journal });
        }
        Ok(())
    }

    /// A click's journal may be one that only owners of other partitions have heard of: PostgreSQL knows it then.
    async fn meet_others(
        &self,
        pool: &PgPool,
        journals: &mut Journals,
        arrived: &[Record<Conversion>],
    ) -> Result<()> {
        let waiting = self.0.iter().map(|waiter| &waiter.record);
        let mut clicks = waiting.chain(arrived).filter_map(|record| record.event.click.as_ref());
        if journals.scope().partitions().is_none() {
            return Ok(());
        }
        if clicks.any(|click| journals.resolve(click).is_none()) {
            let mut db = pool.acquire().await?;
            journals.add_absent(journal_rows::all(&mut db).await?);
        }
        Ok(())
    }

    /// Those to be looked at more closely: decided at once, in the set, or over. The rest stays.
    fn look(
        &mut self,
        world: &World<'_>,
        journals: &Journals,
        arrived: Vec<Record<Conversion>>,
    ) -> Vec<Looked> {
        let mut known: HashMap<u16, Option<u64>> = HashMap::new();
        let mut watermark = |partition| {
            let ask = || journals.watermark(world.slots, partition);
            *known.entry(partition).or_insert_with(ask)
        };
        let mut looked = Vec::new();
        let mut kept = Vec::new();
        for waiter in self.0.drain(..) {
            let watermark = watermark(waiter.record.partition);
            let one = look_at(waiter, true, journals, watermark);
            let asks = one.place.is_some() && !one.waiter.dead;
            if one.fact.is_some() || asks || one.is_over() {
                looked.push(one);
            } else {
                kept.push(one.waiter);
            }
        }
        self.0 = kept;
        for record in arrived {
            let expires_ms = record.event.time_ms.saturating_add(world.wait_ms);
            let watermark = watermark(record.partition);
            let waiter = Waiter { record, expires_ms, dead: false };
            looked.push(look_at(waiter, false, journals, watermark));
        }
        looked
    }

    fn wait(&mut self, one: Looked, batch: &mut Batch) {
        if !one.parked {
            let Record { journal, partition, seq, ref event } = one.waiter.record;
            batch.parked.push(Parked {
                key: Key::conversions(journal, partition),
                seq,
                occurred_ms: event.time_ms,
                expires_ms: one.waiter.expires_ms,
                record: event.encode_to_vec(),
            });
        }
        // `place` is known and nothing decided: its click lies in the dead letters.
        self.0.push(Waiter { dead: one.place.is_some(), ..one.waiter });
    }
}

/// Where the click is; what is known without asking PostgreSQL.
fn look_at(waiter: Waiter, parked: bool, journals: &Journals, watermark: Option<u64>) -> Looked {
    let click = waiter.record.event.click;
    let found = click.as_ref().and_then(|click| journals.find(click));
    let mut one = Looked { waiter, parked, place: None, asks_owner: false, fact: None, watermark };
    match (click, found) {
        (None, _) => one.fact = Some(ClickFact::None),
        (Some(_), Some((place, Received::Yes))) => one.place = Some(place),
        (Some(_), Some((place, Received::AskOwner))) => {
            (one.place, one.asks_owner) = (Some(place), true);
        }
        // Its journal has other partitions: what is read of the conversion's says nothing of the click's.
        (Some(_), Some((place, Received::NotYet { read_to_ms })))
            if place.partition != one.waiter.record.partition
                && read_to_ms < one.waiter.expires_ms => {}
        (Some(_), _) if one.is_over() => one.fact = Some(ClickFact::Expired),
        (Some(_), _) => {}
    }
    one
}

/// Whether clicks in partitions of others are in: of journals for other partitions than the conversions' own.
async fn ask_owners(pool: &PgPool, looked: &mut [Looked]) -> Result<()> {
    let asking: Vec<&mut Looked> = looked.iter_mut().filter(|one| one.asks_owner).collect();
    let places: Vec<Place> = asking.iter().filter_map(|one| one.place).collect();
    if places.is_empty() {
        return Ok(());
    }
    let mut db = pool.acquire().await?;
    let answers = seqs::ask(&mut db, &places).await?;
    for (one, answer) in asking.into_iter().zip(answers) {
        if answer.is_in {
            continue;
        }
        one.place = None;
        // Nobody waits any more once its owner has read to the end of the wait too.
        if one.is_over() && answer.is_read_to(one.waiter.expires_ms) {
            one.fact = Some(ClickFact::Expired);
        }
    }
    Ok(())
}

/// Labels and dead letters of the clicks that are in: of this batch in memory, of earlier ones in
/// one question each.
async fn ask_about_clicks(
    pool: &PgPool,
    batch: Option<&Batch>,
    looked: &mut [Looked],
) -> Result<()> {
    let clicks: Vec<(u64, u16, u64)> = looked
        .iter()
        .filter_map(|one| one.place)
        .map(|place| (place.journal, place.partition, place.seq))
        .collect();
    if clicks.is_empty() {
        return Ok(());
    }
    let mut db = pool.acquire().await?;
    let labels: HashMap<_, Invalid> = labels::of(&mut db, &clicks).await?;
    let mut dead: HashSet<_> = dead_letters::open_clicks(&mut db, &clicks).await?;
    let batch = batch.into_iter();
    let fresh = batch.clone().flat_map(|batch| &batch.dead);
    let fresh = fresh.filter(|letter| letter.topic == Topic::Clicks.id() && letter.is_received);
    dead.extend(fresh.map(|letter| (letter.journal, letter.partition, letter.seq)));
    // Repaired in this batch: PostgreSQL hears of it with the commit.
    for resent in batch.clone().flat_map(|batch| &batch.resent).filter(|one| one.letter.is_some()) {
        if resent.key.topic == Topic::Clicks {
            dead.remove(&(resent.key.journal, resent.key.partition, resent.seq));
        }
    }
    for one in looked {
        let Some(Place { journal, partition, seq }) = one.place else { continue };
        let fresh =
            batch.clone().find_map(|batch| batch.labels.get(&(journal, partition))?.get(seq));
        let label = fresh.or_else(|| labels.get(&(journal, partition, seq)).copied());
        let over = one.is_over();
        one.fact = match (dead.contains(&(journal, partition, seq)), over) {
            (false, _) => Some(ClickFact::Decided { label, recent: 0 }),
            (true, true) => Some(ClickFact::DeadLettered),
            (true, false) => None,
        };
    }
    Ok(())
}

/// The accepted conversions of clicks whose program limits them.
async fn load_recent(pool: &PgPool, decider: &Decider, looked: &[Looked]) -> Result<Recent> {
    let facts = decider.facts.current();
    let limited = |link: u32| {
        let program = facts.links.get(&link).and_then(|link| facts.programs.get(&link.program));
        program.is_some_and(|program| program.velocity_per_hour.is_some())
    };
    let clicks: Vec<_> = looked
        .iter()
        .filter(|one| matches!(one.fact, Some(ClickFact::Decided { .. })))
        .filter_map(|one| Some((one.waiter.record.event.site, one.waiter.record.event.click?)))
        .filter(|(_, click)| limited(click.link))
        .collect();
    if clicks.is_empty() { Ok(Recent::default()) } else { Recent::load(pool, &clicks).await }
}

fn with_recent(fact: ClickFact, recent: &Recent, record: &Record<Conversion>) -> ClickFact {
    match (fact, record.event.click.as_ref()) {
        (ClickFact::Decided { label, .. }, Some(click)) => {
            let Conversion { site, time_ms, .. } = record.event;
            ClickFact::Decided { label, recent: recent.count(site, click, time_ms) }
        }
        (other, _) => other,
    }
}

/// Takes the wait's row away, and records an end without the click as an event.
fn settle_wait(one: &Looked, fact: ClickFact, batch: &mut Batch) {
    let Record { journal, partition, seq, .. } = one.waiter.record;
    let key = Key::conversions(journal, partition);
    if one.parked {
        batch.woken.push((key, seq));
    }
    if matches!(fact, ClickFact::Expired | ClickFact::DeadLettered) {
        let watermark_ms = one.watermark.unwrap_or(one.waiter.expires_ms);
        batch.expired.push(Expiry { key, seq, expires_ms: one.waiter.expires_ms, watermark_ms });
    }
}
