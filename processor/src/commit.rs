//! One batch, one transaction: positions, sets, dead letters, labels, claims, conversions with their
//! commissions and postings, and the encoded blocks. All of it or nothing.

use schemas::event::Message;
use sqlx::{PgConnection, PgPool};

use crate::{
    batch::{Batch, Decided, Manifest, Record},
    decide::Decider,
    error::{Error, Result},
    journals::Journals,
    money,
    native::{ConversionsBlock, Encoded, Stored},
    stores::{
        claim_blobs,
        dead_letters::{self, DeadLetter, Flaw},
        journals as journal_rows, labels, lost,
        outbox::{self, Block, BlockId},
        owner::{self, Owner},
        seqs, unsigned, waiting,
    },
};

/// What became of a commit.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Committed {
    pub(crate) commit: i64,
    pub(crate) blocks: usize,
}

/// Commits a batch. On any error nothing was committed, or nobody knows (the connection was lost
/// while PostgreSQL committed): the caller starts again from what is stored.
pub(crate) async fn commit(
    pool: &PgPool,
    owner: &Owner,
    journals: &mut Journals,
    decider: &mut Decider,
    batch: &mut Batch,
) -> Result<Committed> {
    let blobs = decider.claims.take_blobs()?;
    let mut tx = pool.begin().await?;
    let commit = owner::advance(&mut tx, owner).await?;
    let clicks = tokio::task::block_in_place(|| clicks_block(decider, commit))?;
    // In one order, so that owners of other partitions who do the same wait for us and no more.
    batch.registered.sort_unstable_by_key(|known| known.journal);
    batch.ended.sort_by_key(|end| end.journal);
    for known in &batch.registered {
        journal_rows::register(&mut tx, owner, known).await?;
    }
    owner::move_all(&mut tx, &batch.moves).await?;
    claim_blobs::put(&mut tx, commit, decider.claims.layout(), &blobs).await?;
    let mut blocks = usize::from(clicks.is_some());
    if let Some(block) = &clicks {
        outbox::put(&mut tx, block, &batch.clicks).await?;
    }
    if !batch.decided.is_empty() {
        let taken = money::store(&mut tx, std::mem::take(&mut batch.decided)).await?;
        bury(taken.refused, journals, batch);
        blocks += usize::from(!taken.stored.is_empty());
        put_conversions(&mut tx, commit, decider, &taken.stored).await?;
    }
    // Behind the money: what PostgreSQL would not take is counted as a dead letter.
    write_log(&mut tx, commit, journals, batch).await?;
    // Behind the blocks: what is kept depends on the oldest of them.
    let heard: Vec<(u64, u64)> = batch.heard.iter().map(|(journal, ms)| (*journal, *ms)).collect();
    journal_rows::beat(&mut tx, commit, &owner.scope, &heard).await?;
    journal_rows::seal(&mut tx, &batch.ended).await?;
    if let Some(prune) = batch.prune {
        let of = owner.scope.partitions();
        claim_blobs::prune(&mut tx, of.as_deref(), decider.claims.layout(), prune.claims).await?;
        labels::prune(&mut tx, of.as_deref(), prune.labels_before_ms).await?;
        dead_letters::blank(&mut tx, prune.address_days).await?;
    }
    // Last, since it is the one row that all processors share.
    owner::publish(&mut tx, commit).await?;
    tx.commit().await?;
    Ok(Committed { commit, blocks })
}

fn clicks_block(decider: &mut Decider, commit: i64) -> Result<Option<Block>> {
    if decider.block.rows() == 0 {
        return Ok(None);
    }
    let id = BlockId::random()?;
    let encoded = decider.block.finish(u128::from_be_bytes(id.0), unsigned(commit));
    Ok(Some(block(id, commit, encoded)))
}

fn block(id: BlockId, commit: i64, encoded: Encoded) -> Block {
    Block {
        id,
        commit,
        table: encoded.table.to_owned(),
        columns: encoded.columns,
        rows: encoded.rows as u64,
        bytes: encoded.bytes,
    }
}

/// What was read, and what became of it besides money.
async fn write_log(
    tx: &mut PgConnection,
    commit: i64,
    journals: &Journals,
    batch: &Batch,
) -> Result<()> {
    seqs::save(tx, &journals.touched()).await?;
    dead_letters::put(tx, commit, &batch.dead).await?;
    labels::put(tx, commit, batch.labels.iter()).await?;
    waiting::park(tx, commit, &batch.parked).await?;
    waiting::wake(tx, &batch.woken).await?;
    waiting::expire(tx, commit, &batch.expired).await?;
    for resent in &batch.resent {
        if let Some(letter) = resent.letter
            && !dead_letters::resolve(tx, commit, letter).await?
        {
            // Somebody else decided it between the look and now.
            return Err(Error::Fenced);
        }
        dead_letters::answer(tx, resent.request, &resent.answer).await?;
    }
    for answered in &batch.lost {
        lost::answer(tx, answered).await?;
    }
    Ok(())
}

/// Makes dead letters of the conversions that PostgreSQL would not take: decided, but for their data.
fn bury(refused: Vec<(Decided, String)>, journals: &mut Journals, batch: &mut Batch) {
    for (one, reason) in refused {
        let Record { journal, partition, seq, event } = one.record;
        let key = seqs::Key::conversions(journal, partition);
        tracing::error!(
            journal = format_args!("{journal:016x}"),
            partition,
            seq,
            "postgresql does not take a conversion: it is a dead letter now"
        );
        if let Some(lane) = journals.lane_mut(key) {
            lane.seqs.decided = lane.seqs.decided.saturating_sub(1);
            lane.dirty = true;
        }
        batch.expired.retain(|expiry| (expiry.key, expiry.seq) != (key, seq));
        // One sent again stays the letter it is, and whoever asked is told why.
        for resent in &mut batch.resent {
            if resent.letter.is_some() && (resent.key, resent.seq) == (key, seq) {
                resent.letter = None;
                resent.answer.clone_from(&reason);
            }
        }
        batch.dead.push(DeadLetter {
            journal,
            topic: key.topic.id(),
            partition,
            seq,
            flaw: Flaw::NotStored,
            reason,
            bytes: event.encode_to_vec(),
            is_received: true,
        });
    }
}

/// The block that tells ClickHouse of the conversions stored.
async fn put_conversions(
    tx: &mut PgConnection,
    commit: i64,
    decider: &Decider,
    stored: &[(Decided, i64)],
) -> Result<()> {
    if stored.is_empty() {
        return Ok(());
    }
    let mut rows = ConversionsBlock::default();
    let mut manifest = Manifest::default();
    for (one, id) in stored {
        let click = one.record.event.click.as_ref();
        let stored = Stored {
            conversion: unsigned(*id),
            click_journal: click.map_or(0, |click| one.click_journal(click)),
        };
        rows.push(&one.record, &one.outcome, stored, decider.lookups.words());
        let Record { journal, partition, seq, ref event } = one.record;
        let key = seqs::Key::conversions(journal, partition);
        manifest.add(key, (seq, event.shard, event.time_ms));
    }
    let id = BlockId::random()?;
    let encoded = rows.finish(u128::from_be_bytes(id.0), unsigned(commit));
    outbox::put(tx, &block(id, commit, encoded), &manifest).await
}
