//! Why clicks are invalid: all that PostgreSQL keeps of clicks, for the longest window, since a
//! conversion asks it of its click. One packed blob a batch and partition; a row a click would cost
//! more than the click.

use schemas::reason::Invalid;
use sqlx::PgConnection;
use std::collections::HashMap;

use super::{bigint, signed};
use crate::error::{Error, Result};

/// Invalid clicks of one (journal, partition), in the order of arrival.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Labels {
    first: u64,
    last: u64,
    max_ms: u64,
    /// Pairs of zigzag varint (difference to the seq before) and reason.
    bytes: Vec<u8>,
    previous: u64,
}

impl Labels {
    /// Adds a click.
    pub(crate) fn push(&mut self, seq: u64, time_ms: u64, reason: Invalid) {
        if self.bytes.is_empty() {
            self.first = seq;
        }
        self.first = self.first.min(seq);
        self.last = self.last.max(seq);
        self.max_ms = self.max_ms.max(time_ms);
        let step = seq.cast_signed().wrapping_sub(self.previous.cast_signed());
        put_varint(&mut self.bytes, ((step << 1) ^ (step >> 63)).cast_unsigned());
        self.bytes.push(reason.code());
        self.previous = seq;
    }

    /// Whether nothing is in here.
    pub(crate) fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    /// The label of a click that is in here.
    pub(crate) fn get(&self, seq: u64) -> Option<Invalid> {
        if seq < self.first || seq > self.last { None } else { find(&self.bytes, seq) }
    }
}

fn put_varint(to: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        to.push(value as u8 | 0x80);
        value >>= 7;
    }
    to.push(value as u8);
}

/// The reason of `wanted` in packed bytes; the last one wins.
fn find(bytes: &[u8], wanted: u64) -> Option<Invalid> {
    let mut found = None;
    each(bytes, |seq, reason| {
        if seq == wanted {
            found = Invalid::from_code(reason.into());
        }
    });
    found
}

/// Every click in packed bytes with the code of its reason, in the order of arrival.
fn each(bytes: &[u8], mut tell: impl FnMut(u64, u8)) {
    let (mut seq, mut at) = (0_i64, 0);
    while at < bytes.len() {
        let (mut value, mut shift) = (0_u64, 0);
        loop {
            let Some(byte) = bytes.get(at) else { return };
            at += 1;
            value |= u64::from(byte & 0x7f) << shift;
            shift += 7;
            if *byte < 0x80 || shift > 63 {
                break;
            }
        }
        seq = seq.wrapping_add((value >> 1).cast_signed() ^ -((value & 1).cast_signed()));
        let Some(reason) = bytes.get(at) else { return };
        at += 1;
        tell(seq.cast_unsigned(), *reason);
    }
}

/// Writes the labels of a batch.
pub(crate) async fn put<'a>(
    db: &mut PgConnection,
    commit: i64,
    all: impl Iterator<Item = (&'a (u64, u16), &'a Labels)>,
) -> Result<()> {
    let (mut journals, mut partitions, mut firsts, mut lasts, mut times, mut blobs) =
        (Vec::new(), Vec::new(), Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for ((journal, partition), labels) in all {
        journals.push(signed(*journal));
        partitions.push(i32::from(*partition));
        firsts.push(bigint(labels.first));
        lasts.push(bigint(labels.last));
        times.push(bigint(labels.max_ms));
        blobs.push(labels.bytes.clone());
    }
    if journals.is_empty() {
        return Ok(());
    }
    sqlx::query!(
        "INSERT INTO pipeline_label (journal, partition, first_seq, last_seq, commit, max_ms, bytes)
         SELECT l.journal, l.partition, l.first_seq, l.last_seq, $1, l.max_ms, l.bytes
         FROM unnest($2::int8[], $3::int4[], $4::int8[], $5::int8[], $6::int8[], $7::bytea[])
              AS l (journal, partition, first_seq, last_seq, max_ms, bytes)",
        commit,
        &journals,
        &partitions,
        &firsts,
        &lasts,
        &times,
        &blobs,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// The labels of committed clicks, of those that have one.
pub(crate) async fn of(
    db: &mut PgConnection,
    clicks: &[(u64, u16, u64)],
) -> Result<HashMap<(u64, u16, u64), Invalid>> {
    let mut labels = HashMap::new();
    if clicks.is_empty() {
        return Ok(labels);
    }
    let journals: Vec<i64> = clicks.iter().map(|click| signed(click.0)).collect();
    let partitions: Vec<i32> = clicks.iter().map(|click| click.1.into()).collect();
    let seqs: Vec<i64> = clicks.iter().map(|click| bigint(click.2)).collect();
    let rows = sqlx::query_file!("src/stores/labels.of.sql", &journals, &partitions, &seqs,)
        .fetch_all(db)
        .await?;
    for row in rows {
        // Those whose blob it is, by seq: it is read once, however many ask.
        let mut asked: HashMap<u64, (u64, u16, u64)> = HashMap::with_capacity(row.of.len());
        for n in row.of {
            let n = usize::try_from(n - 1).map_err(|_| Error::Stored { what: "a label" })?;
            asked.insert(clicks[n].2, clicks[n]);
        }
        each(&row.bytes, |seq, reason| {
            if let (Some(click), Some(reason)) =
                (asked.get(&seq), Invalid::from_code(reason.into()))
            {
                labels.insert(*click, reason);
            }
        });
    }
    Ok(labels)
}

/// Drops what no window reaches any more.
pub(crate) async fn prune(db: &mut PgConnection, of: Option<&[i32]>, before_ms: u64) -> Result<()> {
    let before = bigint(before_ms);
    sqlx::query!("DELETE FROM pipeline_label WHERE max_ms < $1 AND ($2::int4[] IS NULL OR partition = ANY ($2))", before, of)
        .execute(db)
        .await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use migrations::testing::{Postgres, Role};
    use std::collections::BTreeMap;

    #[test]
    fn a_label_is_found_by_its_seq_whatever_the_order_of_arrival() {
        let mut labels = Labels::default();
        let all = [
            (5, Invalid::Bot),
            (900, Invalid::Orphan),
            (6, Invalid::Prefetch),
            (70_000, Invalid::Cap),
        ];
        for (seq, reason) in all {
            labels.push(seq, 1000, reason);
        }
        for (seq, reason) in all {
            assert_eq!(labels.get(seq), Some(reason));
        }
        assert_eq!(labels.get(7), None);
        assert_eq!((labels.first, labels.last), (5, 70_000));
    }

    #[tokio::test]
    async fn the_label_of_a_click_long_ago_is_found_without_reading_every_later_one() {
        let postgres = Postgres::fresh().await;
        let pool = postgres.pool(Role::Owner).await;
        let mut db = pool.acquire().await.unwrap();
        for commit in 1..=200 {
            let mut labels = Labels::default();
            labels.push(commit * 10, 1000, Invalid::Bot);
            labels.push(commit * 10 + 5, 1000, Invalid::Orphan);
            let all = BTreeMap::from([((7, 1), labels.clone()), ((8, 1), labels)]);
            put(&mut db, bigint(commit), all.iter()).await.unwrap();
        }
        let found = of(&mut db, &[(7, 1, 15), (8, 1, 20), (7, 1, 16), (7, 2, 15)]).await.unwrap();
        let expected = [((7, 1, 15), Invalid::Orphan), ((8, 1, 20), Invalid::Bot)];
        assert_eq!(found, HashMap::from(expected));
        sqlx::raw_sql("ANALYZE pipeline_label; SET enable_seqscan = off;")
            .execute(&mut *db)
            .await
            .unwrap();
        let question =
            format!("EXPLAIN {}", include_str!("labels.of.sql").split_once('\n').unwrap().1);
        let plan: Vec<String> = sqlx::query_scalar(sqlx::AssertSqlSafe(question))
            .bind(vec![7_i64])
            .bind(vec![1_i32])
            .bind(vec![15_i64])
            .fetch_all(&mut *db)
            .await
            .unwrap();
        let condition = plan.iter().find(|line| line.contains("Index Cond")).unwrap();
        for part in ["journal", "partition", "int8range(first_seq, last_seq, '[]'::text) @> c.seq"]
        {
            assert!(condition.contains(part), "{}", plan.join("\n"));
        }
    }
}
