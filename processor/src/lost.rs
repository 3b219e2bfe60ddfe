//! Records that were announced and will never come: a person declares them lost, the processor takes
//! them out of what is waited for. Their reason stays, they are counted, and they are never decided.

use schemas::topic::Topic;
use sqlx::PgPool;

use crate::{
    batch::Batch,
    error::{Error, Result},
    journals::Journals,
    stores::{
        bigint,
        lost::{self, Answered, Wish},
        signed,
    },
};

/// Wishes answered in one batch.
const MOST: i64 = 1000;

/// Which records, and why they are given up.
#[derive(Debug, Clone)]
pub struct Range {
    /// The journal's id.
    pub journal: u64,
    /// Which of its topics.
    pub topic: Topic,
    /// Which of its partitions.
    pub partition: u16,
    /// The first number.
    pub first: u64,
    /// The last number.
    pub last: u64,
    /// Kept for everybody who asks later.
    pub why: String,
}

/// Asks that records be declared lost. Gives the wish's id, for `answer`.
///
/// # Errors
/// `Postgres`; `Config` for a range that is none.
pub async fn declare(db: &PgPool, range: &Range, actor: &str) -> Result<i64> {
    if range.first == 0 || range.first > range.last {
        return Err(Error::Config("a range is FROM-TO, from 1 on, as 17-20".to_owned()));
    }
    if range.why.trim().is_empty() {
        return Err(Error::Config("say why these records are given up".to_owned()));
    }
    let row = sqlx::query!(
        "INSERT INTO pipeline_lost (journal, topic, partition, first_seq, last_seq, why, actor)
         VALUES ($1, $2, $3, $4, $5, $6, $7) RETURNING id",
        signed(range.journal),
        i16::from(range.topic.id()),
        i32::from(range.partition),
        bigint(range.first),
        bigint(range.last),
        range.why.replace('\0', ""),
        actor,
    )
    .fetch_one(db)
    .await?;
    Ok(row.id)
}

/// What the processor answered: how many are lost, or why none is; `None` while it has not.
///
/// # Errors
/// `Postgres`.
pub async fn answer(db: &PgPool, wish: i64) -> Result<Option<Result<u64, String>>> {
    let row = sqlx::query!("SELECT done_at, answer, lost FROM pipeline_lost WHERE id = $1", wish)
        .fetch_optional(db)
        .await?;
    Ok(row.filter(|row| row.done_at.is_some()).map(|row| match row.lost {
        Some(lost) => Ok(lost.unsigned_abs()),
        None => Err(row.answer),
    }))
}

/// Takes the open wishes into the batch.
pub(crate) async fn take(pool: &PgPool, journals: &mut Journals, batch: &mut Batch) -> Result<()> {
    let mut db = pool.acquire().await?;
    for wish in lost::wishes(&mut db, MOST).await? {
        let (answer, lost) = match lose(&wish, journals, batch) {
            Ok(lost) => (format!("{lost} records are declared lost"), Some(lost)),
            Err(why) => (why, None),
        };
        batch.lost.push(Answered { request: wish.request, answer, lost });
    }
    Ok(())
}

/// Only what is missing is lost: a range that holds a record received is a mistake.
fn lose(wish: &Wish, journals: &mut Journals, batch: &mut Batch) -> Result<u64, String> {
    let of = journals.get_mut(wish.key.journal).ok_or("its journal is not known")?;
    let lane = of
        .lane_mut(wish.key.topic, wish.key.partition)
        .ok_or("the journal has no such partition")?;
    if wish.last > lane.seqs.announced {
        return Err(format!("only numbers up to {} were announced", lane.seqs.announced));
    }
    let missing = lane.seqs.covered.holes(lane.seqs.announced);
    if !missing.iter().any(|(first, last)| *first <= wish.first && wish.last <= *last) {
        let missing: Vec<String> =
            missing.iter().map(|(first, last)| format!("{first}-{last}")).collect();
        return Err(match missing.is_empty() {
            true => "nothing is missing there".to_owned(),
            false => format!("not all of it is missing; what is: {}", missing.join(", ")),
        });
    }
    let lost = lane.seqs.covered.insert_span(wish.first, wish.last);
    lane.seqs.lost += lost;
    lane.lost.insert_span(wish.first, wish.last);
    lane.dirty = true;
    of.count_holes();
    // A live one says the next time itself; one that has ended never will.
    if let Some(ended_ms) = of.known.ended_ms {
        of.hear(ended_ms, batch);
    }
    Ok(lost)
}
