//! The connection rules of an insert, on the real engine and on a listener that misbehaves.

use migrations::testing::Clickhouse;
use schemas::event::Click;
use tokio::net::TcpListener;

use super::*;
use crate::{
    batch::Record,
    lookup::words::Words,
    native::ClicksBlock,
    outcome::{ClickOutcome, Dimensions},
    stores::outbox::BlockId,
};

fn engine(url: &str, database: &str, idle_limit_ms: u64) -> Engine {
    let stores = Stores {
        database_url: String::new(),
        clickhouse_url: url.to_owned(),
        clickhouse_database: database.to_owned(),
    };
    Engine::new(&stores, &Window { insert_limit_ms: 8000, idle_limit_ms }).unwrap()
}

/// Enough rows for several compressed frames.
fn block(rows: u64) -> Block {
    let outcome = ClickOutcome {
        invalid: None,
        unique: true,
        day: 20_000,
        dimensions: Dimensions::default(),
    };
    let words = Words::default();
    let mut clicks = ClicksBlock::default();
    for seq in 1..=rows {
        let event =
            Click { site: 1, link: 1, time_ms: 1_728_000_000_000 + seq, ..Click::default() };
        clicks.push(&Record { journal: 1, partition: 0, seq, event }, &outcome, &words);
    }
    let id = BlockId::random().unwrap();
    let encoded = clicks.finish(u128::from_be_bytes(id.0), 1);
    Block {
        id,
        commit: 1,
        table: encoded.table.to_owned(),
        columns: encoded.columns,
        rows,
        bytes: encoded.bytes,
    }
}

async fn count(store: &Clickhouse) -> (u64, i64) {
    let client = store.client();
    let raw = client.query("SELECT count() FROM clicks").fetch_one().await.unwrap();
    let rollup = client
        .query("SELECT toInt64(sum(gross)) FROM clicks_by_day_link")
        .fetch_one()
        .await
        .unwrap();
    (raw, rollup)
}

#[tokio::test]
async fn a_body_cut_short_inserts_nothing_and_its_repeat_is_taken_whole() {
    let store = Clickhouse::fresh().await;
    let engine = engine(store.url(), store.database(), 3000);
    let whole = block(40_000);
    let frame = 16 + u32::from_le_bytes(whole.bytes[17..21].try_into().unwrap()) as usize;
    assert!(frame < whole.bytes.len(), "there are several frames");
    for end in [whole.bytes.len() / 2, frame, whole.bytes.len() - 1] {
        let cut = Block { bytes: whole.bytes[..end].to_vec(), ..whole.clone() };
        engine.connect().await.unwrap().insert(&cut).await.unwrap_err();
        assert_eq!(count(&store).await, (0, 0), "cut at {end}");
    }
    for _ in 0..3 {
        engine.connect().await.unwrap().insert(&whole).await.unwrap();
        assert_eq!(count(&store).await, (40_000, 40_000));
    }
    let other = Block { id: BlockId::random().unwrap(), ..whole };
    engine.connect().await.unwrap().insert(&other).await.unwrap();
    assert_eq!(count(&store).await, (80_000, 80_000), "another token is another block");
}

#[tokio::test]
async fn a_connection_that_is_gone_is_not_made_again() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let engine = engine(&format!("http://owner:dev@{address}/"), "any", 3000);
    let connection = engine.connect().await.unwrap();
    let (accepted, _) = listener.accept().await.unwrap();
    // The server closes it, as an idle one.
    drop(accepted);
    connection.insert(&block(10)).await.unwrap_err();
    let again = tokio::select! {
        biased;
        again = listener.accept() => again.is_ok(),
        () = tokio::task::yield_now() => false,
    };
    assert!(!again, "it connected again behind the check");
}

#[tokio::test]
async fn a_connection_whose_check_took_too_long_is_not_written_on() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let mut engine = engine(&format!("http://owner:dev@{address}/"), "any", 3000);
    engine.window.idle_limit_ms = 3000;
    let mut connection = engine.connect().await.unwrap();
    // Any check takes longer than no time at all.
    connection.engine.window.idle_limit_ms = 0;
    let refused = connection.insert(&block(10)).await.unwrap_err();
    assert!(matches!(refused, Error::ClickHouse(ClientError::TimedOut)), "{refused}");
}

#[test]
fn an_address_without_http_is_refused_and_never_shown() {
    let stores = Stores {
        database_url: String::new(),
        clickhouse_url: "https://owner:secret@host/".to_owned(),
        clickhouse_database: "tributary".to_owned(),
    };
    let window = Window { insert_limit_ms: 1, idle_limit_ms: 1 };
    let Err(refused) = Engine::new(&stores, &window) else { panic!("it was taken") };
    assert!(!refused.to_string().contains("secret"), "{refused}");
}
