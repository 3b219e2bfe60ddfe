//! The order of connecting, checking and writing: on a real PostgreSQL, and a listener for ClickHouse.

use migrations::testing::{Postgres, Role};
use tokio::{io::AsyncReadExt, net::TcpListener};

use super::*;
use crate::{
    batch::Manifest,
    config::{Stores, Window},
    stores::seqs::Key,
};

#[tokio::test(flavor = "multi_thread")]
async fn a_block_that_is_done_between_connecting_and_writing_is_not_written() {
    let postgres = Postgres::fresh().await;
    let owner = postgres.pool(Role::Owner).await;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let stores = Stores {
        database_url: String::new(),
        clickhouse_url: format!("http://owner:dev@{}/", listener.local_addr().unwrap()),
        clickhouse_database: "any".to_owned(),
    };
    let window = Window { insert_limit_ms: 60_000, idle_limit_ms: 60_000 };
    let sender = Sender {
        pool: postgres.pool(Role::Processor).await,
        engine: Engine::new(&stores, &window).unwrap(),
        metrics: Metrics::new().unwrap(),
        committed: Arc::default(),
        sent: Arc::default(),
    };
    let block = Block {
        id: BlockId([7; 16]),
        commit: 1,
        table: "clicks".to_owned(),
        columns: "site".to_owned(),
        rows: 1,
        bytes: vec![1; 100],
    };
    let mut records = Manifest::default();
    records.add(Key::conversions(1, 0), (1, 1, 1));
    let mut db = owner.acquire().await.unwrap();
    outbox::put(&mut db, &block, &records).await.unwrap();

    // The sender reads the block and waits here,
    server::lock(&mut db, Lock::Send).await.unwrap();
    let sending = tokio::spawn(async move { sender.send_oldest().await });
    let waits = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted
                 AND database = (SELECT oid FROM pg_database WHERE datname = current_database())";
    let mut look = owner.acquire().await.unwrap();
    while sqlx::query_scalar::<_, i64>(waits).fetch_one(&mut *look).await.unwrap() == 0 {
        assert!(!sending.is_finished(), "it sends without the lock");
        tokio::task::yield_now().await;
    }
    // then connects, and waits with its check
    let mut held = owner.begin().await.unwrap();
    sqlx::raw_sql("LOCK TABLE outbox_block IN ACCESS EXCLUSIVE MODE")
        .execute(&mut *held)
        .await
        .unwrap();
    server::unlock(&mut db, Lock::Send).await.unwrap();
    let accepted = tokio::time::timeout(Duration::from_secs(30), listener.accept()).await;
    let (mut connection, _) = accepted.expect("it checks before it connects").unwrap();
    // until somebody else has sent it.
    outbox::done(&mut *held, block.id).await.unwrap();
    held.commit().await.unwrap();
    assert!(sending.await.unwrap().unwrap());
    let mut written = Vec::new();
    connection.read_to_end(&mut written).await.unwrap();
    assert!(written.is_empty(), "{} bytes", written.len());
}

#[tokio::test(flavor = "multi_thread")]
async fn conversions_wait_for_all_clicks_committed_before_them() {
    let postgres = Postgres::fresh().await;
    let mut db = postgres.pool(Role::Owner).await.acquire().await.unwrap();
    for (id, commit, table) in
        [(1, 1, "conversions"), (2, 2, "clicks"), (3, 2, "conversions"), (4, 3, "clicks")]
    {
        let (bytes, columns) = (vec![1; 100], "site".to_owned());
        let id = BlockId([id; 16]);
        let block = Block { id, commit, table: table.to_owned(), columns, rows: 1, bytes };
        let mut records = Manifest::default();
        records.add(Key::conversions(1, 0), (u64::from(id.0[0]), 1, 1));
        outbox::put(&mut db, &block, &records).await.unwrap();
    }
    // Sent in whatever order what is there allows.
    for (done, expected) in [(1, vec![1, 2, 4]), (2, vec![2, 4]), (3, vec![3, 4]), (4, vec![4])] {
        let queue = outbox::queue(&mut *db, Duration::from_secs(60), AHEAD).await.unwrap();
        let queue: Vec<u8> = queue.into_iter().map(|(id, _)| id.0[0]).collect();
        assert_eq!(queue, expected, "before {done} is done");
        outbox::done(&mut *db, BlockId([done; 16])).await.unwrap();
    }
}
