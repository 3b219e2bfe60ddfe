//! The interval sets: which records of each (partition, journal, topic) are in, and what became of
//! them.

use schemas::topic::Topic;
use sqlx::PgConnection;

use super::{bigint, millis, signed, unsigned};
use crate::{
    error::{Error, Result},
    journals::Place,
    ranges::Ranges,
};

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
    /// Everything up to this time is in: its newest heartbeat without a hole. Stored where the heartbeats of
    /// `pipeline_heartbeat`, which wait for the slowest lane of an owner, do not say as much.
    pub(crate) heard_ms: u64,
}

/// The sets of some partitions, or of all.
pub(crate) async fn load(db: &mut PgConnection, of: Option<Vec<i32>>) -> Result<Vec<(Key, Seqs)>> {
    let rows = sqlx::query!(
        r#"SELECT journal, topic, partition, covered::text AS "covered!",
               announced, received, skipped, lost, repeated, decided, ended, heard_ms
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
            heard_ms: unsigned(row.heard_ms),
        };
        all.push((Key { journal: row.journal.cast_unsigned(), topic, partition }, seqs));
    }
    Ok(all)
}

/// What PostgreSQL knows of a click that another processor reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Answer {
    /// It is in, and was not declared lost.
    pub(crate) is_in: bool,
    /// Nothing more comes where it would be, and nothing is missing.
    is_over: bool,
    /// Everything up to there is in.
    heard_ms: u64,
}

impl Answer {
    /// Whether everything up to a time is in, where the click would be.
    pub(crate) const fn is_read_to(self, ms: u64) -> bool {
        self.is_over || self.heard_ms >= ms
    }
}

/// An answer for each place, in their order.
pub(crate) async fn ask(db: &mut PgConnection, places: &[Place]) -> Result<Vec<Answer>> {
    let journals: Vec<i64> = places.iter().map(|place| signed(place.journal)).collect();
    let partitions: Vec<i32> = places.iter().map(|place| place.partition.into()).collect();
    let numbers: Vec<i64> = places.iter().map(|place| bigint(place.seq)).collect();
    let rows = sqlx::query!(
        r#"SELECT coalesce(q.covered @> p.seq, false) AND NOT EXISTS (
                   SELECT FROM pipeline_lost l WHERE l.journal = p.journal AND l.topic = 1
                       AND l.partition = p.partition AND p.seq BETWEEN l.first_seq AND l.last_seq
                       AND l.lost IS NOT NULL) AS "is_in!",
               coalesce(q.ended AND q.covered @> int8range(1, q.announced + 1), false) AS "is_over!",
               (SELECT max(h.at) FROM pipeline_heartbeat h
                WHERE h.journal = p.journal AND h.partitions @> p.partition) AS heard
           FROM unnest($1::int8[], $2::int4[], $3::int8[]) WITH ORDINALITY AS p (journal, partition, seq, n)
           LEFT JOIN pipeline_seqs q ON q.journal = p.journal AND q.partition = p.partition AND q.topic = 1
           ORDER BY p.n"#,
        &journals,
        &partitions,
        &numbers,
    )
    .fetch_all(db)
    .await?;
    let answers = rows.into_iter().map(|row| Answer {
        is_in: row.is_in,
        is_over: row.is_over,
        heard_ms: row.heard.map_or(0, millis),
    });
    Ok(answers.collect())
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
        "INSERT INTO pipeline_seqs (journal, topic, partition, covered, announced, received, skipped, lost, repeated, decided, ended, heard_ms)
         SELECT s.journal, s.topic, s.partition, s.covered::int8multirange, s.announced, s.received, s.skipped, s.lost, s.repeated, s.decided, s.ended, s.heard_ms
         FROM unnest($1::int8[], $2::int2[], $3::int4[], $4::text[], $5::int8[], $6::int8[], $7::int8[], $8::int8[], $9::int8[], $10::int8[], $11::bool[], $12::int8[])
              AS s (journal, topic, partition, covered, announced, received, skipped, lost, repeated, decided, ended, heard_ms)
         ON CONFLICT (partition, journal, topic) DO UPDATE SET covered = excluded.covered,
             announced = excluded.announced, received = excluded.received, skipped = excluded.skipped,
             lost = excluded.lost, repeated = excluded.repeated, decided = excluded.decided, ended = excluded.ended, heard_ms = excluded.heard_ms",
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
        &column(|seqs| seqs.heard_ms),
    )
    .execute(db)
    .await?;
    Ok(())
}
