//! Records that were announced and will never come, and journals whose files are gone: a person declares
//! them lost, the processor takes them out of what is waited for. The reason stays, lost records are
//! counted, and they are never decided.

use schemas::topic::Topic;
use sqlx::PgPool;

use crate::{
    batch::Batch,
    error::{Error, Result},
    journals::Journals,
    ownership::Scope,
    source::Source,
    stores::{
        bigint,
        journals::Ended,
        lost::{self, Answered, Wish},
        seqs::Key,
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
    check_why(&range.why)?;
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

/// Asks that a journal be declared gone: its files are, and it never ended as far as the database
/// knows (one restored from a backup older than the journal's end). Gives the wish's id, for `answer`.
///
/// # Errors
/// `Postgres`; `Config` without a reason.
pub async fn declare_gone(db: &PgPool, journal: u64, why: &str, actor: &str) -> Result<i64> {
    check_why(why)?;
    let row = sqlx::query!(
        "INSERT INTO pipeline_lost (journal, why, actor) VALUES ($1, $2, $3) RETURNING id",
        signed(journal),
        why.replace('\0', ""),
        actor,
    )
    .fetch_one(db)
    .await?;
    Ok(row.id)
}

fn check_why(why: &str) -> Result<()> {
    match why.trim() {
        "" => Err(Error::Config("say why they are given up".to_owned())),
        _ => Ok(()),
    }
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
pub(crate) async fn take(
    pool: &PgPool,
    scope: &Scope,
    source: &Source,
    journals: &mut Journals,
    batch: &mut Batch,
) -> Result<()> {
    let mut db = pool.acquire().await?;
    for wish in lost::wishes(&mut db, scope.partitions(), MOST).await? {
        let done = match wish.range {
            Some(range) => lose(range, journals, batch),
            None if source.has_files(wish.journal)? => {
                Err("its files are still there: retire it".to_owned())
            }
            None => end(&wish, journals, batch).map(|()| 0),
        };
        let (answer, lost) = match done {
            Ok(lost) => ("done".to_owned(), Some(lost)),
            Err(why) => (why, None),
        };
        batch.lost.push(Answered { request: wish.request, answer, lost });
    }
    Ok(())
}

/// Only what is missing is lost: a range that holds a record received is a mistake.
fn lose(
    (key, from, to): (Key, u64, u64),
    journals: &mut Journals,
    batch: &mut Batch,
) -> Result<u64, String> {
    let of = journals.get_mut(key.journal).ok_or("its journal is not known")?;
    let lane = of.lane_mut(key.topic, key.partition).ok_or("the journal has no such partition")?;
    if to > lane.seqs.announced {
        return Err(format!("only numbers up to {} were announced", lane.seqs.announced));
    }
    let missing = lane.seqs.covered.holes(lane.seqs.announced);
    if !missing.iter().any(|(first, last)| *first <= from && to <= *last) {
        let missing: Vec<String> =
            missing.iter().map(|(first, last)| format!("{first}-{last}")).collect();
        return Err(match missing.is_empty() {
            true => "nothing is missing there".to_owned(),
            false => format!("not all of it is missing; what is: {}", missing.join(", ")),
        });
    }
    let lost = lane.seqs.covered.insert_span(from, to);
    lane.seqs.lost += lost;
    lane.lost.insert_span(from, to);
    lane.dirty = true;
    of.count_holes();
    // A live one says the next time itself; one that has ended never will.
    if let Some(ended_ms) = of.known.ended_ms {
        of.hear_end(ended_ms, batch);
    }
    Ok(lost)
}

/// Ends a journal of which nothing more will come: what it said last is where it ended.
fn end(wish: &Wish, journals: &mut Journals, batch: &mut Batch) -> Result<(), String> {
    let of = journals.get_mut(wish.journal).ok_or("the journal is not known")?;
    if of.known.ended_ms.is_some() {
        return Err("it has ended already".to_owned());
    }
    let at_ms = of.heard_ms.max(of.known.start_ms);
    of.hear_end(at_ms, batch);
    of.end_all(at_ms);
    batch.ended.push(Ended {
        journal: wish.journal,
        at_ms,
        successor: None,
        // Whatever the owners of other partitions have heard: nobody will hear more.
        lanes: u32::MAX >> 1,
        reason: wish.why.clone(),
    });
    Ok(())
}
