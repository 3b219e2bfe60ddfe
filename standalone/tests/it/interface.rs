//! What the `clickhouse` crate does with a server, done with the embedded one.

use clickhouse::{Compression, Row};
use serde::{Deserialize, Serialize};

use crate::harness::{Engine, data_folder, execute, number};

#[derive(Row, Serialize, Deserialize, Debug, PartialEq, Clone)]
struct Sale {
    id: u64,
    name: String,
    cents: i64,
}

#[tokio::test]
async fn rows_go_in_and_come_out_compressed_or_not() {
    let folder = data_folder();
    let engine = Engine::start(folder.path());
    for (database, compression) in [("plain", Compression::None), ("packed", Compression::Lz4)] {
        let create = format!("CREATE DATABASE {database}");
        let client = engine.owner().with_compression(compression);
        execute(&client, &[&create]).await;
        let client = client.with_database(database);
        execute(&client, &["CREATE TABLE sale (id UInt64, name String, cents Int64) ENGINE = MergeTree ORDER BY id"])
            .await;
        let mut insert = client.insert::<Sale>("sale").await.unwrap();
        for id in 0..50_000 {
            insert.write(&Sale { id, name: format!("it's; --\n{id}"), cents: -3 }).await.unwrap();
        }
        insert.end().await.unwrap();
        let found: Vec<Sale> = client
            .query("SELECT ?fields FROM sale WHERE id = ? AND name = ?")
            .bind(7)
            .bind("it's; --\n7")
            .fetch_all()
            .await
            .unwrap();
        assert_eq!(found, [Sale { id: 7, name: "it's; --\n7".to_owned(), cents: -3 }]);
        assert_eq!(number(&client, "SELECT count() FROM sale").await, 50_000);
        let all: Vec<Sale> = client.query("SELECT ?fields FROM sale").fetch_all().await.unwrap();
        assert_eq!(all.len(), 50_000);
    }
}

#[tokio::test]
async fn parameters_settings_and_errors_are_the_servers() {
    let folder = data_folder();
    let engine = Engine::start(folder.path());
    let client = engine.owner();
    let text: String =
        client.query("SELECT {a: String}").param("a", "o'clock \\ \t").fetch_one().await.unwrap();
    assert_eq!(text, "o'clock \\ \t");
    let threads = "SELECT toUInt64(getSetting('max_threads'))";
    let own = number(&client, threads).await;
    let set = client.clone().with_setting("max_threads", "7");
    assert_eq!(number(&set, threads).await, 7);
    assert_eq!(number(&client, threads).await, own, "a setting must end with its statement");
    let error = client.query("SELECT * FROM nowhere").execute().await.unwrap_err().to_string();
    assert!(error.contains("Code: 60") && error.contains("UNKNOWN_TABLE"), "{error}");
    let error = client
        .with_setting("no_such", "1")
        .query("SELECT 1")
        .execute()
        .await
        .unwrap_err()
        .to_string();
    assert!(error.contains("UNKNOWN_SETTING"), "{error}");
}

#[tokio::test]
async fn nothing_of_a_session_reaches_the_next_statement() {
    let folder = data_folder();
    let engine = Engine::start(folder.path());
    let client = engine.owner();
    execute(
        &client,
        &["SET max_threads = 9", "CREATE TEMPORARY TABLE mine (a Int8)", "USE system"],
    )
    .await;
    for _ in 0..20 {
        assert_ne!(number(&client, "SELECT toUInt64(getSetting('max_threads'))").await, 9);
        let database: String = client.query("SELECT currentDatabase()").fetch_one().await.unwrap();
        assert_eq!(database, "main");
        assert!(client.query("SELECT * FROM mine").execute().await.is_err());
    }
}

#[tokio::test]
async fn insert_brings_its_rows_in_the_url_the_body_or_both() {
    let folder = data_folder();
    let engine = Engine::start(folder.path());
    let client = engine.owner();
    execute(
        &client,
        &["CREATE DATABASE d", "CREATE TABLE d.t (a UInt32) ENGINE = MergeTree ORDER BY a"],
    )
    .await;
    let post = |target: &str, body: &str| {
        let answer = engine.raw(format!(
            "POST {target} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nX-ClickHouse-User: owner\r\n\
             X-ClickHouse-Key: own\r\nContent-Length: {}\r\n\r\n{body}",
            body.len()
        ));
        assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
        answer
    };
    post("/?query=INSERT+INTO+d.t+FORMAT+TSV", "1\n2\n");
    post("/", "INSERT INTO d.t FORMAT TSV\n3\n4\n");
    post("/", "INSERT INTO d.t VALUES (5), (6)");
    post("/?query=INSERT+INTO+d.t+VALUES", "(7)");
    post("/?query=INSERT+INTO+d.t+SELECT+8", "");
    post("/?query=INSERT+INTO+d.t+SETTINGS+max_threads%3D1+FORMAT+TSV", "9\n");
    assert!(post("/?query=SELECT+sum(a),count()+FROM+d.t", "").ends_with("45\t9\n"));
}
