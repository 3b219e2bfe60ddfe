//! The interval sets: which records of each (partition, journal, topic) are in, and what became of
//! them.

use schemas::topic::Topic;
use sqlx::PgConnection;

use super::{bigint, signed, unsigned};
use crate::error::{Error, Result};
use crate::ranges::Ranges;

/// Whose records: one row of `pipeline_seqs`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct Key {
    pub(crate) journal: u64,
    pub(crate) topic: Topic,
    pub(crate) partition: u16,
}

/// What is in, and the counts beside it: received = decided + open dead letters + waiting.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Seqs {
    pub(crate) covered: Ranges,
    pub(crate) announced: u64,
    pub(crate) received: u64,
    pub(crate) skipped: u64,
    pub(crate) lost: u64,
    pub(crate) repeated: u64,
    pub(crate) decided: u64,
    /// The journal said that nothing more comes here.
    pub(crate) ended: bool,
}

/// The sets of some partitions, or of all.
pub(crate) async fn load(db: &mut PgConnection, of: Option<Vec<i32>>) -> Result<Vec<(Key, Seqs)>> {
    let rows = sqlx::query!(
        r#"SELECT journal, topic, partition, covered::text AS "covered!",
               announced, received, skipped, lost, repeated, decided, ended
           FROM pipeline_seqs WHERE $1::int4[] IS NULL OR partition = ANY ($1)
           ORDER BY journal, topic, partition"#,
        of.as_deref(),
    )
    .fetch_all(db)
    .await?;
    let mut all = Vec::with_capacity(rows.len());
    for row in rows {
        let stored = || Error::Stored { what: "a set of sequence numbers" };
        let topic = u8::try_from(row.topic).ok().and_then(Topic::from_id).ok_or_else(stored)?;
        let partition = u16::try_from(row.partition).map_err(|_| stored())?;
        let seqs = Seqs {
            covered: Ranges::parse(&row.covered).map_err(|_| stored())?,
            announced: unsigned(row.announced),
            received: unsigned(row.received),
            skipped: unsigned(row.skipped),
            lost: unsigned(row.lost),
            repeated: unsigned(row.repeated),
            decided: unsigned(row.decided),
            ended: row.ended,
        };
        all.push((Key { journal: row.journal.cast_unsigned(), topic, partition }, seqs));
    }
    Ok(all)
}

/// Writes the sets a batch touched.
pub(crate) async fn save(db: &mut PgConnection, touched: &[(Key, &Seqs)]) -> Result<()> {
    if touched.is_empty() {
        return Ok(());
    }
    let covered: Vec<String> = touched.iter().map(|(_, seqs)| seqs.covered.to_string()).collect();
    let journals: Vec<i64> = touched.iter().map(|(key, _)| signed(key.journal)).collect();
    let topics: Vec<i16> = touched.iter().map(|(key, _)| key.topic.id().into()).collect();
    let partitions: Vec<i32> = touched.iter().map(|(key, _)| key.partition.into()).collect();
    let column = |value: fn(&Seqs) -> u64| {
        touched.iter().map(|(_, seqs)| bigint(value(seqs))).collect::<Vec<i64>>()
    };
    sqlx::query!(
        "INSERT INTO pipeline_seqs (journal, topic, partition, covered, announced, received, skipped, lost, repeated, decided, ended)
         SELECT s.journal, s.topic, s.partition, s.covered::int8multirange, s.announced, s.received, s.skipped, s.lost, s.repeated, s.decided, s.ended
         FROM unnest($1::int8[], $2::int2[], $3::int4[], $4::text[], $5::int8[], $6::int8[], $7::int8[], $8::int8[], $9::int8[], $10::int8[], $11::bool[])
              AS s (journal, topic, partition, covered, announced, received, skipped, lost, repeated, decided, ended)
         ON CONFLICT (partition, journal, topic) DO UPDATE SET covered = excluded.covered,
             announced = excluded.announced, received = excluded.received, skipped = excluded.skipped,
             lost = excluded.lost, repeated = excluded.repeated, decided = excluded.decided, ended = excluded.ended",
        &journals,
        &topics,
        &partitions,
        &covered,
        &column(|seqs| seqs.announced),
        &column(|seqs| seqs.received),
        &column(|seqs| seqs.skipped),
        &column(|seqs| seqs.lost),
        &column(|seqs| seqs.repeated),
        &column(|seqs| seqs.decided),
        &touched.iter().map(|(_, seqs)| seqs.ended).collect::<Vec<bool>>(),
    )
    .execute(db)
    .await?;
    Ok(())
}
