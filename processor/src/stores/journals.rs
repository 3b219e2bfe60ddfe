//! Which journals there are, what they said of their time, and which slots are expected.

use sqlx::PgConnection;
use std::collections::HashMap;

use super::{bigint, millis, owner::Owner, signed, timestamp};
use crate::{error::Result, ownership::Scope};

/// A genuine incarnation.
#[derive(Debug, Clone)]
pub(crate) struct Known {
    pub(crate) journal: u64,
    pub(crate) slot: String,
    pub(crate) import: bool,
    pub(crate) partitions: u16,
    pub(crate) start_ms: u64,
    /// Set once it ended for good, or a person retired it.
    pub(crate) ended_ms: Option<u64>,
    /// The newest heartbeat committed of each partition, 0 of one without; empty where there is none at all.
    pub(crate) heard: Vec<u64>,
}

impl Known {
    /// Of a journal never heard of, as its header says.
    pub(crate) fn of(header: &journal::Header) -> Self {
        Self {
            journal: header.journal.0,
            slot: header.slot.clone(),
            import: header.kind == journal::JournalKind::Import,
            partitions: header.partitions,
            start_ms: header.start_ms,
            ended_ms: None,
            heard: Vec::new(),
        }
    }
}

/// An END read in a batch.
#[derive(Debug, Clone)]
pub(crate) struct Ended {
    pub(crate) journal: u64,
    pub(crate) at_ms: u64,
    pub(crate) successor: Option<u64>,
    /// How many of its topics and partitions have, now.
    pub(crate) lanes: u32,
    /// A person's words, where one retired it.
    pub(crate) reason: String,
}

/// Says which slots write: `as_of` waits for each of them and for no other.
pub(crate) async fn declare(db: &mut PgConnection, slots: &[String]) -> Result<()> {
    sqlx::query!("DELETE FROM pipeline_slot WHERE slot <> ALL ($1)", slots)
        .execute(&mut *db)
        .await?;
    sqlx::query!(
        "INSERT INTO pipeline_slot (slot) SELECT unnest($1::text[]) ON CONFLICT DO NOTHING",
        slots
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Takes a genuine new journal in, to be read from its start. The owner of another partition may have been first.
pub(crate) async fn register(db: &mut PgConnection, owner: &Owner, known: &Known) -> Result<()> {
    sqlx::query!(
        "INSERT INTO pipeline_journal (journal, slot, kind, partitions, started_at) VALUES ($1, $2, $3, $4, $5)
         ON CONFLICT DO NOTHING",
        signed(known.journal),
        known.slot,
        if known.import { "import" } else { "collector" },
        i32::from(known.partitions),
        timestamp(known.start_ms),
    )
    .execute(&mut *db)
    .await?;
    match owner.scope {
        Scope::Everything => super::owner::begin(db, owner, known.journal).await,
        Scope::Partitions(_) => Ok(()),
    }
}

/// Every journal ever taken in, and what was heard of it in each partition.
pub(crate) async fn all(db: &mut PgConnection) -> Result<Vec<Known>> {
    let rows = sqlx::query!(
        "SELECT journal, slot, kind, partitions, started_at, ended_at
         FROM pipeline_journal ORDER BY started_at, journal",
    )
    .fetch_all(&mut *db)
    .await?;
    let mut heard = heard(db).await?;
    let known = rows.into_iter().map(|row| {
        let partitions = u16::try_from(row.partitions).unwrap_or(1);
        let spans = heard.remove(&row.journal).unwrap_or_default();
        Known {
            journal: row.journal.cast_unsigned(),
            slot: row.slot,
            import: row.kind == "import",
            partitions,
            start_ms: millis(row.started_at),
            ended_ms: row.ended_at.map(millis),
            heard: by_partition(partitions, &spans),
        }
    });
    Ok(known.collect())
}

/// Partitions from one up to another, and the newest heartbeat in all of them.
type Span = (i32, i32, u64);

async fn heard(db: &mut PgConnection) -> Result<HashMap<i64, Vec<Span>>> {
    let rows = sqlx::query!(
        r#"SELECT h.journal, lower(span) AS "first!", upper(span) AS "end!", max(h.at) AS "at!"
           FROM pipeline_heartbeat h CROSS JOIN LATERAL unnest(h.partitions) AS span
           GROUP BY h.journal, span"#
    )
    .fetch_all(db)
    .await?;
    let mut all: HashMap<i64, Vec<Span>> = HashMap::new();
    for row in rows {
        all.entry(row.journal).or_default().push((row.first, row.end, millis(row.at)));
    }
    Ok(all)
}

fn by_partition(partitions: u16, spans: &[Span]) -> Vec<u64> {
    let heard = |partition: i32| {
        let of = spans.iter().filter(|(first, end, _)| (*first..*end).contains(&partition));
        of.map(|(_, _, ms)| *ms).max().unwrap_or(0)
    };
    (0..i32::from(partitions)).map(heard).collect()
}

/// Seals journals that have ended in every topic and partition.
pub(crate) async fn seal(db: &mut PgConnection, ended: &[Ended]) -> Result<()> {
    for end in ended {
        sqlx::query!(
            "UPDATE pipeline_journal SET ended_lanes = ended_lanes + $6,
                 state = CASE WHEN ended_lanes + $6 >= 2 * partitions THEN $2 ELSE state END,
                 ended_at = CASE WHEN ended_lanes + $6 >= 2 * partitions THEN $3 ELSE ended_at END,
                 successor = $4, retired_because = $5
             WHERE journal = $1",
            signed(end.journal),
            if end.reason.is_empty() { "sealed" } else { "retired" },
            timestamp(end.at_ms),
            end.successor.map(signed),
            end.reason,
            i32::try_from(end.lanes).unwrap_or(i32::MAX),
        )
        .execute(&mut *db)
        .await?;
    }
    Ok(())
}

/// Stores the newest time of each journal up to which everything is in with this commit, and drops
/// those that `pipeline_as_of` cannot need any more.
pub(crate) async fn beat(
    db: &mut PgConnection,
    commit: i64,
    scope: &Scope,
    heard: &[(u64, u64)],
) -> Result<()> {
    if heard.is_empty() {
        return Ok(());
    }
    let journals: Vec<i64> = heard.iter().map(|(journal, _)| signed(*journal)).collect();
    let times: Vec<i64> = heard.iter().map(|(_, ms)| bigint(*ms)).collect();
    sqlx::query!(
        "INSERT INTO pipeline_heartbeat (journal, commit, at, partitions)
         SELECT journal, $1, to_timestamp(ms / 1000) + (ms % 1000) * interval '1 millisecond',
             $4::text::int4multirange
         FROM unnest($2::int8[], $3::int8[]) AS h (journal, ms)",
        commit,
        &journals,
        &times,
        scope.to_multirange(),
    )
    .execute(&mut *db)
    .await?;
    // Kept: what is not done yet, and the newest that is.
    sqlx::query!(
        "DELETE FROM pipeline_heartbeat h USING pipeline_heartbeat newer
         WHERE h.journal = ANY ($1) AND newer.journal = h.journal AND newer.commit > h.commit
           AND newer.partitions @> h.partitions
           AND newer.commit < (SELECT coalesce(min(commit), $2) FROM outbox_block)",
        &journals,
        commit,
    )
    .execute(db)
    .await?;
    Ok(())
}
