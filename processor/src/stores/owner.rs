//! Who may commit, and how far each journal is read: the rows that fence a zombie.

use sqlx::PgConnection;

use super::signed;
use crate::error::{Error, Result};

/// The right to commit, as taken at the start: valid until somebody else takes it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Owner {
    pub(crate) epoch: i64,
    /// The number of the last commit.
    pub(crate) commit: i64,
}

/// One journal's step in a batch.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Move {
    pub(crate) journal: u64,
    pub(crate) old: journal::Position,
    pub(crate) new: journal::Position,
}

/// Takes over: whoever owned before updates no row any more. Waits for a commit under way.
pub(crate) async fn take(db: &mut PgConnection) -> Result<Owner> {
    let row = sqlx::query!("UPDATE pipeline_owner SET epoch = epoch + 1 RETURNING epoch, commit")
        .fetch_one(&mut *db)
        .await?;
    sqlx::query!("UPDATE pipeline_position SET owner_epoch = $1", row.epoch).execute(db).await?;
    Ok(Owner { epoch: row.epoch, commit: row.commit })
}

/// The step every transaction begins with: the next commit number, or `Fenced`. It locks the row, so
/// that a takeover waits for this transaction's end and then reads what it wrote.
pub(crate) async fn advance(db: &mut PgConnection, owner: Owner) -> Result<i64> {
    let row = sqlx::query!(
        "UPDATE pipeline_owner SET commit = commit + 1 WHERE epoch = $1 AND commit = $2 RETURNING commit",
        owner.epoch,
        owner.commit,
    )
    .fetch_optional(db)
    .await?;
    row.map(|row| row.commit).ok_or(Error::Fenced)
}

/// Begins a journal at its start.
pub(crate) async fn begin(db: &mut PgConnection, owner: Owner, journal: u64) -> Result<()> {
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

/// Moves every position of a batch from exactly where it was, or none: `Fenced`.
pub(crate) async fn move_all(db: &mut PgConnection, owner: Owner, moves: &[Move]) -> Result<()> {
    let journals: Vec<i64> = moves.iter().map(|step| signed(step.journal)).collect();
    let column = |value: fn(&Move) -> i64| moves.iter().map(value).collect::<Vec<i64>>();
    let moved = sqlx::query!(
        "UPDATE pipeline_position AS p
         SET next_segment = m.new_segment, next_offset = m.new_offset
         FROM unnest($2::int8[], $3::int8[], $4::int8[], $5::int8[], $6::int8[])
              AS m (journal, old_segment, old_offset, new_segment, new_offset)
         WHERE p.journal = m.journal AND p.owner_epoch = $1
           AND p.next_segment = m.old_segment AND p.next_offset = m.old_offset",
        owner.epoch,
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
