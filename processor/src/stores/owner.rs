//! Who may commit, and how far everything is read: the rows that fence a zombie.

use sqlx::PgConnection;

use super::{
    server::{self, Lock},
    signed,
};
use crate::{
    error::{Error, Result},
    ownership::Scope,
};

/// The right to commit, as taken at the start: valid until somebody else takes one of its rows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Owner {
    pub(crate) epoch: i64,
    /// The number of the last commit.
    pub(crate) commit: i64,
    pub(crate) scope: Scope,
}

/// One journal's step in a batch.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Move {
    pub(crate) journal: u64,
    pub(crate) old: journal::Position,
    pub(crate) new: journal::Position,
}

/// One partition's step in a batch: the next offsets of `Topic::ALL`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Step {
    pub(crate) partition: u16,
    pub(crate) old: [i64; 2],
    pub(crate) new: [i64; 2],
}

/// How far a batch went.
#[derive(Debug, Default)]
pub(crate) struct Moves {
    pub(crate) journals: Vec<Move>,
    pub(crate) offsets: Vec<Step>,
}

impl Moves {
    /// Whether nothing was read.
    pub(crate) fn is_empty(&self) -> bool {
        self.journals.is_empty() && self.offsets.is_empty()
    }
}

/// Takes over: whoever owned before updates no row any more. Waits for commits under way.
pub(crate) async fn take(db: &mut PgConnection, scope: Scope) -> Result<Owner> {
    let row = sqlx::query!("UPDATE pipeline_owner SET epoch = epoch + 1 RETURNING epoch, commit")
        .fetch_one(&mut *db)
        .await?;
    // In the order of their numbers, so that two that take at once wait for one another and no more. Who reads
    // journals owns everything; who owns a partition of Kafka's topics leaves nothing to those.
    sqlx::query!(
        "WITH taken AS (
             SELECT partition FROM pipeline_partition
             WHERE $3 OR partition = -1 OR partition = ANY ($1) ORDER BY partition FOR UPDATE)
         UPDATE pipeline_partition p SET owner_epoch = $2 FROM taken WHERE p.partition = taken.partition",
        &scope.rows(),
        row.epoch,
        scope == Scope::Everything,
    )
    .execute(&mut *db)
    .await?;
    sqlx::query!(
        "INSERT INTO pipeline_partition (partition, owner_epoch)
         SELECT unnest($1::int4[]), $2 ON CONFLICT (partition) DO NOTHING",
        &scope.rows(),
        row.epoch,
    )
    .execute(&mut *db)
    .await?;
    if scope == Scope::Everything {
        // Journals taken in from Kafka have no place in their files yet.
        sqlx::query!(
            "INSERT INTO pipeline_position (journal, owner_epoch, next_segment, next_offset)
             SELECT journal, $1, 0, 0 FROM pipeline_journal ON CONFLICT DO NOTHING",
            row.epoch,
        )
        .execute(db)
        .await?;
    }
    Ok(Owner { epoch: row.epoch, commit: row.commit, scope })
}

/// Leaves nobody the right to commit: all must take over anew.
pub(crate) async fn fence_all(db: &mut PgConnection) -> Result<()> {
    take(db, Scope::Everything).await.map(|_| ())
}

/// The step every transaction begins with: the number of this commit, or `Fenced`. It locks the rows, so
/// that a takeover waits for this transaction's end and then reads what it wrote.
pub(crate) async fn advance(db: &mut PgConnection, owner: &Owner) -> Result<i64> {
    let rows = owner.scope.rows();
    let held = sqlx::query!(
        "SELECT partition FROM pipeline_partition WHERE partition = ANY ($1) AND owner_epoch = $2
         ORDER BY partition FOR UPDATE",
        &rows,
        owner.epoch,
    )
    .fetch_all(&mut *db)
    .await?;
    if held.len() != rows.len() {
        return Err(Error::Fenced);
    }
    // Whoever needs every number up to the last to be done or given up holds this alone for a moment.
    server::share(&mut *db, Lock::Commit).await?;
    let row =
        sqlx::query!(r#"SELECT nextval('pipeline_commit') AS "commit!""#).fetch_one(db).await?;
    Ok(row.commit)
}

/// The last step of a transaction: what readers see as the last commit.
pub(crate) async fn publish(db: &mut PgConnection, commit: i64) -> Result<()> {
    sqlx::query!("UPDATE pipeline_owner SET commit = greatest(commit, $1)", commit)
        .execute(db)
        .await?;
    Ok(())
}

/// Begins a journal at its start.
pub(crate) async fn begin(db: &mut PgConnection, owner: &Owner, journal: u64) -> Result<()> {
    sqlx::query!(
        "INSERT INTO pipeline_position (journal, owner_epoch, next_segment, next_offset) VALUES ($1, $2, 0, 0)",
        signed(journal),
        owner.epoch,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Where to read each journal on.
pub(crate) async fn positions(db: &mut PgConnection) -> Result<Vec<(u64, journal::Position)>> {
    let rows = sqlx::query!("SELECT journal, next_segment, next_offset FROM pipeline_position")
        .fetch_all(db)
        .await?;
    let mut positions = Vec::with_capacity(rows.len());
    for row in rows {
        let stored = Error::Stored { what: "a position" };
        let Ok(segment) = u32::try_from(row.next_segment) else { return Err(stored) };
        let offset = super::unsigned(row.next_offset);
        positions.push((row.journal.cast_unsigned(), journal::Position { segment, offset }));
    }
    Ok(positions)
}

/// Where to read each partition of an owner's on, by `Topic::ALL`.
pub(crate) async fn offsets(db: &mut PgConnection, owner: &Owner) -> Result<Vec<(u16, [i64; 2])>> {
    let rows = sqlx::query!(
        "SELECT partition, clicks_offset, conversions_offset FROM pipeline_partition
         WHERE partition = ANY ($1) ORDER BY partition",
        &owner.scope.rows(),
    )
    .fetch_all(db)
    .await?;
    let offsets = rows.into_iter().filter_map(|row| {
        let partition = u16::try_from(row.partition).ok()?;
        Some((partition, [row.clicks_offset, row.conversions_offset]))
    });
    Ok(offsets.collect())
}

/// Moves every position of a batch from exactly where it was, or none: `Fenced`.
pub(crate) async fn move_all(db: &mut PgConnection, moves: &Moves) -> Result<()> {
    move_offsets(&mut *db, &moves.offsets).await?;
    move_journals(db, &moves.journals).await
}

async fn move_offsets(db: &mut PgConnection, steps: &[Step]) -> Result<()> {
    if steps.is_empty() {
        return Ok(());
    }
    let partitions: Vec<i32> = steps.iter().map(|step| step.partition.into()).collect();
    let column = |value: fn(&Step) -> i64| steps.iter().map(value).collect::<Vec<i64>>();
    let moved = sqlx::query!(
        "UPDATE pipeline_partition AS p
         SET clicks_offset = s.new_clicks, conversions_offset = s.new_conversions
         FROM unnest($1::int4[], $2::int8[], $3::int8[], $4::int8[], $5::int8[])
              AS s (partition, old_clicks, old_conversions, new_clicks, new_conversions)
         WHERE p.partition = s.partition
           AND p.clicks_offset = s.old_clicks AND p.conversions_offset = s.old_conversions",
        &partitions,
        &column(|step| step.old[0]),
        &column(|step| step.old[1]),
        &column(|step| step.new[0]),
        &column(|step| step.new[1]),
    )
    .execute(db)
    .await?;
    if moved.rows_affected() == steps.len() as u64 { Ok(()) } else { Err(Error::Fenced) }
}

async fn move_journals(db: &mut PgConnection, moves: &[Move]) -> Result<()> {
    if moves.is_empty() {
        return Ok(());
    }
    let journals: Vec<i64> = moves.iter().map(|step| signed(step.journal)).collect();
    let column = |value: fn(&Move) -> i64| moves.iter().map(value).collect::<Vec<i64>>();
    let moved = sqlx::query!(
        "UPDATE pipeline_position AS p
         SET next_segment = m.new_segment, next_offset = m.new_offset
         FROM unnest($1::int8[], $2::int8[], $3::int8[], $4::int8[], $5::int8[])
              AS m (journal, old_segment, old_offset, new_segment, new_offset)
         WHERE p.journal = m.journal
           AND p.next_segment = m.old_segment AND p.next_offset = m.old_offset",
        &journals,
        &column(|step| step.old.segment.into()),
        &column(|step| super::bigint(step.old.offset)),
        &column(|step| step.new.segment.into()),
        &column(|step| super::bigint(step.new.offset)),
    )
    .execute(db)
    .await?;
    if moved.rows_affected() == moves.len() as u64 { Ok(()) } else { Err(Error::Fenced) }
}
