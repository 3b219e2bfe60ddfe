//! Dead letters that a person wants decided: decoded again, by this version or from the bytes given
//! in their place, under the identity of the original. Accepted once.

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
        let answer = answer.err().unwrap_or_else(|| "decided".to_owned());
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

/// The inner error is the answer: the letter stays open.
async fn decide(
    pool: &PgPool,
    wish: &Resend,
    journals: &mut Journals,
    decider: &mut Decider,
    batch: &mut Batch,
) -> Result<Result<(), String>> {
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
            batch.arrived.push(Record { journal, partition, seq: wish.seq, event });
        }
    }
    Ok(Ok(()))
}
