//! The traps of exactly-once inserts (`pipeline.md`, From the outbox into ClickHouse), on the real engine.

use bytes::Bytes;
use clickhouse::Client;
use clickhouse::Compression;
use clickhouse::insert_formatted::CompressedData;

use crate::harness::{Engine, data_folder, execute, number};

const TABLES: [&str; 4] = [
    "CREATE DATABASE d",
    "CREATE TABLE d.click (site UInt32, at Date, n UInt32) ENGINE = MergeTree ORDER BY n PARTITION BY toYYYYMM(at) \
     SETTINGS non_replicated_deduplication_window = 1000, fsync_after_insert = 1",
    "CREATE TABLE d.click_day (site UInt32, at Date, clicks UInt64) ENGINE = SummingMergeTree ORDER BY (site, at) \
     SETTINGS non_replicated_deduplication_window = 1000",
    "CREATE MATERIALIZED VIEW d.click_to_day TO d.click_day AS SELECT site, at, count() AS clicks FROM d.click \
     GROUP BY site, at",
];

/// A Native block of three clicks of one site in two months.
fn block() -> Bytes {
    let mut bytes = vec![3, 3];
    bytes.extend([4]);
    bytes.extend(b"site\x06UInt32");
    bytes.extend([9_u8, 0, 0, 0].repeat(3));
    bytes.extend(b"\x02at\x04Date");
    bytes.extend([0x00, 0x40, 0x01, 0x40, 0x40, 0x40]);
    bytes.extend(b"\x01n\x06UInt32");
    bytes.extend([1, 0, 0, 0, 2, 0, 0, 0, 3, 0, 0, 0]);
    Bytes::from(bytes)
}

async fn send(client: &Client, token: &str) {
    let client = client
        .clone()
        .with_setting("insert_deduplication_token", token)
        .with_setting("deduplicate_blocks_in_dependent_materialized_views", "1");
    let packed = CompressedData::new(&block(), Compression::Lz4).unwrap();
    let mut insert = client.insert_formatted_with("INSERT INTO d.click FORMAT Native");
    insert.send_compressed(packed).await.unwrap();
    insert.end().await.unwrap();
}

async fn counts(client: &Client) -> (u64, u64) {
    let raw = number(client, "SELECT count() FROM d.click").await;
    (raw, number(client, "SELECT sum(clicks) FROM d.click_day").await)
}

#[tokio::test]
async fn repeated_insert_counts_once_in_table_and_view_even_after_kill() {
    let folder = data_folder();
    let engine = Engine::start(folder.path());
    let client = engine.owner().with_compression(Compression::Lz4);
    execute(&client, &TABLES).await;
    send(&client, "one").await;
    send(&client, "one").await;
    assert_eq!(counts(&client).await, (3, 3));
    engine.kill();
    let engine = Engine::start(folder.path());
    let client = engine.owner().with_compression(Compression::Lz4);
    send(&client, "one").await;
    assert_eq!(counts(&client).await, (3, 3));
    // The token decides, not the rows: the same rows under another are other events.
    send(&client, "two").await;
    assert_eq!(counts(&client).await, (6, 6));
}

#[tokio::test]
async fn inserts_at_once_under_one_token_count_once() {
    let folder = data_folder();
    let engine = Engine::start(folder.path());
    let client = engine.owner().with_compression(Compression::Lz4);
    execute(&client, &TABLES).await;
    let tries = (0..8).map(|_| {
        let client = client.clone();
        tokio::spawn(async move { send(&client, "same").await })
    });
    for one in tries.collect::<Vec<_>>() {
        one.await.unwrap();
    }
    assert_eq!(counts(&client).await, (3, 3));
}
