//! Dead letters that a person wants decided: decoded again, by this version or from the bytes given
//! in their place, under the identity of the original. Accepted once, whether the letter or the record itself, of a
//! journal that was a stranger, comes first.

use schemas::{event::Click, topic::Topic};
use sqlx::PgPool;

use crate::{
    batch::{Batch, Record, Resent},
    clock,
    decide::Decider,
    decode,
    error::Result,
    journals::Journals,
    ownership::Scope,
    stores::{
        dead_letters::{self, Resend},
        seqs::Key,
    },
};

/// The answer where the record came, or was declared lost, before somebody wished for its letter.
const CAME: &str = "it was received after all";

/// Wishes answered in one batch.
const MOST: i64 = 1000;

/// Takes the open wishes into the batch; true when one of them is a click that is decided now.
pub(crate) async fn answer(
    pool: &PgPool,
    scope: &Scope,
    journals: &mut Journals,
    decider: &mut Decider,
    batch: &mut Batch,
) -> Result<bool> {
    let mut db = pool.acquire().await?;
    let wishes = dead_letters::wishes(&mut db, scope.partitions(), MOST).await?;
    let mut repaired = false;
    let mut taken: Vec<i64> = Vec::new();
    for wish in wishes {
        let again =
            taken.contains(&wish.letter) || !dead_letters::is_open(&mut db, wish.letter).await?;
        let answer = if again {
            Err("it is decided already".to_owned())
        } else {
            decide(pool, &wish, journals, decider, batch).await?
        };
        repaired |= answer.is_ok() && wish.key.topic == Topic::Clicks;
        let letter = answer.is_ok().then_some(wish.letter);
        taken.extend(letter);
        let answer = answer.map_or_else(|why| why, str::to_owned);
        batch.resent.push(Resent {
            request: wish.request,
            letter,
            key: wish.key,
            seq: wish.seq,
            answer,
        });
    }
    Ok(repaired)
}

/// The inner result is the answer; with an error the letter stays open.
async fn decide(
    pool: &PgPool,
    wish: &Resend,
    journals: &mut Journals,
    decider: &mut Decider,
    batch: &mut Batch,
) -> Result<Result<&'static str, String>> {
    let Key { journal, topic, partition } = wish.key;
    let Some(partitions) = journals.get(journal).map(|one| one.known.partitions) else {
        return Ok(Err("its journal is not known".to_owned()));
    };
    if wish.bytes.is_empty() {
        return Ok(Err("its record is not kept any more: give one in its place".to_owned()));
    }
    match topic {
        Topic::Clicks => {
            let mut event = Click::default();
            if let Err((_, why)) = decode::click(&wish.bytes, &mut event, partition, partitions) {
                return Ok(Err(why));
            }
            if !is_first(wish, journals, batch) {
                return Ok(Ok(CAME));
            }
            let click = Record { journal, partition, seq: wish.seq, event };
            decider.decide_again(click, journals);
        }
        Topic::Conversions => {
            let event = match decode::conversion(&wish.bytes, partition, partitions) {
                Ok(event) => event,
                Err((_, why)) => return Ok(Err(why)),
            };
            // Of a site that does not exist it would be buried again behind the answer.
            if !decider.facts.current().sites.contains_key(&event.site) {
                decider.facts.refresh(pool, clock::now_ms()).await?;
            }
            if !decider.facts.current().sites.contains_key(&event.site) {
                return Ok(Err(format!("there is no site {}", event.site)));
            }
            if !is_first(wish, journals, batch) {
                return Ok(Ok(CAME));
            }
            batch.arrived.push(Record { journal, partition, seq: wish.seq, event });
        }
    }
    Ok(Ok("decided"))
}

/// Whether nothing but the letter says what becomes of the record. A stranger's number is taken into its set now.
fn is_first(wish: &Resend, journals: &mut Journals, batch: &mut Batch) -> bool {
    let Key { journal, topic, partition } = wish.key;
    let mut receive = || journals.get_mut(journal)?.receive((topic, partition), wish.seq, batch);
    wish.is_received || receive() == Some(true)
}
