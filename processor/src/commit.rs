//! One batch, one transaction: positions, sets, dead letters, labels, claims, conversions with their
//! commissions and postings, and the encoded blocks. All of it or nothing.

use sqlx::{PgConnection, PgPool};

use crate::{
    batch::{Batch, Manifest},
    decide::Decider,
    error::{Error, Result},
    journals::Journals,
    native::{ConversionsBlock, Encoded, Stored},
    stores::{
        claim_blobs, conversions, dead_letters, journals as journal_rows, labels, ledger,
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
    owner: Owner,
    journals: &Journals,
    decider: &mut Decider,
    batch: &mut Batch,
) -> Result<Committed> {
    let commit = owner.commit + 1;
    let blobs = decider.claims.take_blobs()?;
    // The heavy part, before the transaction is open.
    let clicks = tokio::task::block_in_place(|| clicks_block(decider, commit, &batch.clicks))?;
    let mut tx = pool.begin().await?;
    if owner::advance(&mut tx, owner).await? != commit {
        return Err(Error::Fenced);
    }
    for known in &batch.registered {
        journal_rows::register(&mut tx, owner, known).await?;
    }
    owner::move_all(&mut tx, owner, &batch.moves).await?;
    write_log(&mut tx, commit, journals, batch).await?;
    claim_blobs::put(&mut tx, commit, &blobs).await?;
    let mut blocks = usize::from(clicks.is_some());
    if let Some((block, ranges)) = &clicks {
        outbox::put(&mut tx, block, ranges).await?;
    }
    if !batch.decided.is_empty() {
        write_money(&mut tx, commit, decider, batch).await?;
        blocks += 1;
    }
    // Behind the blocks: what is kept depends on the oldest of them.
    let heard: Vec<(u64, u64)> = batch.heard.iter().map(|(journal, ms)| (*journal, *ms)).collect();
    journal_rows::beat(&mut tx, commit, &heard).await?;
    journal_rows::seal(&mut tx, &batch.ended).await?;
    if let Some(prune) = batch.prune {
        claim_blobs::prune(&mut tx, prune.claims_before_ms).await?;
        labels::prune(&mut tx, prune.labels_before_ms).await?;
    }
    tx.commit().await?;
    Ok(Committed { commit, blocks })
}

fn clicks_block(
    decider: &mut Decider,
    commit: i64,
    manifest: &Manifest,
) -> Result<Option<(Block, serde_json::Value)>> {
    if decider.block.rows() == 0 {
        return Ok(None);
    }
    let id = BlockId::random()?;
    let encoded = decider.block.finish(u128::from_be_bytes(id.0), unsigned(commit));
    Ok(Some((block(id, commit, encoded), manifest.to_json())))
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
    Ok(())
}

/// Conversions, commissions, postings, and the block that tells ClickHouse.
async fn write_money(
    tx: &mut PgConnection,
    commit: i64,
    decider: &mut Decider,
    batch: &mut Batch,
) -> Result<()> {
    let ids = conversions::insert(tx, &mut batch.decided).await?;
    ledger::accrue(tx, &batch.decided, &ids).await?;
    let mut rows = ConversionsBlock::default();
    let mut manifest = Manifest::default();
    for (one, id) in batch.decided.iter().zip(&ids) {
        let click = one.record.event.click.as_ref();
        let stored = Stored {
            conversion: unsigned(*id),
            click_journal: click.map_or(0, |click| one.click_journal(click)),
        };
        rows.push(&one.record, &one.outcome, stored, decider.lookups.words());
        let key = seqs::Key::conversions(one.record.journal, one.record.partition);
        manifest.add(key, one.record.seq);
    }
    let id = BlockId::random()?;
    let encoded = rows.finish(u128::from_be_bytes(id.0), unsigned(commit));
    outbox::put(tx, &block(id, commit, encoded), &manifest.to_json()).await
}
