//! Dead letters that a person wants decided: decoded again, by this version or from the bytes given
//! in their place, under the identity of the original. Accepted once.

use schemas::{event::Click, topic::Topic};
use sqlx::PgPool;

use crate::{
    batch::{Batch, Record, Resent},
    decide::Decider,
    decode,
    error::Result,
    journals::Journals,
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
    journals: &mut Journals,
    decider: &mut Decider,
    batch: &mut Batch,
) -> Result<bool> {
    let mut db = pool.acquire().await?;
    let wishes = dead_letters::wishes(&mut db, MOST).await?;
    let mut repaired = false;
    let mut taken: Vec<i64> = Vec::new();
    for wish in wishes {
        let again =
            taken.contains(&wish.letter) || !dead_letters::is_open(&mut db, wish.letter).await?;
        let answer = if again {
            Err("it is decided already".to_owned())
        } else {
            decide(&wish, journals, decider, batch)
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

fn decide(
    wish: &Resend,
    journals: &mut Journals,
    decider: &mut Decider,
    batch: &mut Batch,
) -> Result<(), String> {
    let Key { journal, topic, partition } = wish.key;
    let partitions = journals.get(journal).ok_or("its journal is not known")?.known.partitions;
    match topic {
        Topic::Clicks => {
            let mut event = Click::default();
            decode::click(&wish.bytes, &mut event, partition, partitions)?;
            let click = Record { journal, partition, seq: wish.seq, event };
            decider
                .decide_again(click, journals)
                .then_some(())
                .ok_or("its journal is not known")?;
        }
        Topic::Conversions => {
            let event = decode::conversion(&wish.bytes, partition, partitions)?;
            batch.arrived.push(Record { journal, partition, seq: wish.seq, event });
        }
    }
    Ok(())
}
