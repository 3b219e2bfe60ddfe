//! Who is refused, and what a body cut short leaves behind: nothing.

use crate::harness::{Engine, data_folder, execute, number};

const HEAD: &str =
    "Host: localhost\r\nConnection: close\r\nX-ClickHouse-User: owner\r\nX-ClickHouse-Key: own\r\n";

#[tokio::test]
async fn body_cut_short_inserts_nothing() {
    let folder = data_folder();
    let engine = Engine::start(folder.path());
    let client = engine.owner();
    execute(
        &client,
        &["CREATE DATABASE d", "CREATE TABLE d.t (a UInt32) ENGINE = MergeTree ORDER BY a"],
    )
    .await;
    let target = "POST /?query=INSERT+INTO+d.t+FORMAT+RowBinary HTTP/1.1\r\n";
    let rows = [1_u8, 0, 0, 0, 2, 0, 0, 0];
    let chunk = [b"8\r\n", rows.as_slice(), b"\r\n"].concat();
    let chunked = format!("{target}{HEAD}Transfer-Encoding: chunked\r\n\r\n").into_bytes();
    // Whole rows, but no last chunk: the sender died.
    engine.cut([chunked.as_slice(), &chunk].concat());
    engine.cut([chunked.as_slice(), &chunk.repeat(100_000)].concat());
    // Fewer bytes than announced, ending at a row.
    engine.cut([format!("{target}{HEAD}Content-Length: 80\r\n\r\n").as_bytes(), &rows].concat());
    assert_eq!(number(&client, "SELECT count() FROM d.t").await, 0);
    let answer = engine.raw([chunked.as_slice(), &chunk, b"0\r\n\r\n"].concat());
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    assert_eq!(number(&client, "SELECT count() FROM d.t").await, 2);
}

#[tokio::test]
async fn insert_past_its_own_limit_is_dropped() {
    let folder = data_folder();
    let engine = Engine::start(folder.path());
    let client = engine.owner();
    execute(
        &client,
        &["CREATE DATABASE d", "CREATE TABLE d.t (a UInt32) ENGINE = MergeTree ORDER BY a"],
    )
    .await;
    // The rows come whole, but the body is held open past the limit.
    let target = "POST /?query=INSERT+INTO+d.t+FORMAT+TSV&max_execution_time=1 HTTP/1.1\r\n";
    let answer =
        engine.raw(format!("{target}{HEAD}Transfer-Encoding: chunked\r\n\r\n4\r\n1\n2\n\r\n"));
    assert!(answer.starts_with("HTTP/1.1 408"), "{answer}");
    assert_eq!(number(&client, "SELECT count() FROM d.t").await, 0);
}

#[tokio::test]
async fn cut_insert_does_not_use_its_token_up() {
    let folder = data_folder();
    let engine = Engine::start(folder.path());
    let client = engine.owner();
    let table = "CREATE TABLE d.t (a UInt32) ENGINE = MergeTree ORDER BY a \
                 SETTINGS non_replicated_deduplication_window = 100";
    execute(&client, &["CREATE DATABASE d", table]).await;
    let target =
        "POST /?query=INSERT+INTO+d.t+FORMAT+TSV&insert_deduplication_token=k HTTP/1.1\r\n";
    let chunked = format!("{target}{HEAD}Transfer-Encoding: chunked\r\n\r\n");
    engine.cut(format!("{chunked}4\r\n1\n2\n\r\n"));
    for _ in 0..3 {
        let answer = engine.raw(format!("{chunked}4\r\n1\n2\n\r\n4\r\n3\n4\n\r\n0\r\n\r\n"));
        assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    }
    assert_eq!(number(&client, "SELECT count() FROM d.t").await, 4);
}

#[tokio::test]
async fn reader_reads_and_nothing_else() {
    let folder = data_folder();
    let engine = Engine::start(folder.path());
    let owner = engine.owner();
    execute(
        &owner,
        &["CREATE DATABASE d", "CREATE TABLE d.t (a UInt32) ENGINE = MergeTree ORDER BY a"],
    )
    .await;
    let reader = engine.reader();
    assert_eq!(number(&reader, "SELECT count() FROM d.t").await, 0);
    assert_eq!(number(&reader.clone().with_database("d"), "SELECT count() FROM t").await, 0);
    for statement in [
        "INSERT INTO d.t VALUES (1)",
        "INSERT INTO d.t SELECT 1",
        "DROP TABLE d.t",
        "TRUNCATE TABLE d.t",
        "ALTER TABLE d.t DELETE WHERE 1",
        "OPTIMIZE TABLE d.t",
        "CREATE TABLE d.u (a Int8) ENGINE = Memory",
        "CREATE TEMPORARY TABLE u (a Int8)",
        "SET readonly = 0",
        "SELECT 1 SETTINGS readonly = 0",
        "SYSTEM STOP MERGES",
        "KILL QUERY WHERE 1",
        "CREATE FUNCTION f AS (x) -> x",
    ] {
        let error = reader.query(statement).execute().await.unwrap_err().to_string();
        assert!(
            error.contains("READONLY") || error.contains("ACCESS_DENIED"),
            "{statement}: {error}"
        );
    }
    let tighter = reader.clone().with_setting("max_execution_time", "5");
    assert_eq!(number(&tighter, "SELECT toUInt64(getSetting('max_execution_time'))").await, 5);
    assert!(tighter.query("INSERT INTO d.t VALUES (1)").execute().await.is_err());
    assert_eq!(number(&reader, "SELECT toUInt64(getSetting('max_execution_time'))").await, 60);
    for (name, value) in [("max_execution_time", "0"), ("readonly", "0"), ("allow_ddl", "1")] {
        let error = reader.clone().with_setting(name, value).query("SELECT 1").execute().await;
        assert!(error.unwrap_err().to_string().contains("READONLY"), "{name} = {value}");
    }
}

#[tokio::test]
async fn nobody_reaches_outside_or_stops_the_server() {
    let folder = data_folder();
    let engine = Engine::start(folder.path());
    for client in [engine.owner(), engine.reader()] {
        for statement in [
            "SELECT * FROM file('/etc/hostname', 'LineAsString')",
            "SELECT file('/etc/hostname')",
            "SELECT * FROM url('http://127.0.0.1/', 'CSV', 'a Int8')",
            "SELECT * FROM `url`('http://127.0.0.1/', 'CSV', 'a Int8')",
            "SELECT * FROM s3('http://127.0.0.1/a', 'CSV')",
            "SELECT * FROM postgresql('127.0.0.1:5432', 'a', 'b', 'c', 'd')",
            "SELECT * FROM remote('127.0.0.1', system.one)",
            "SELECT 1 INTO OUTFILE '/tmp/x'",
            "SELECT * FROM `/etc/hostname` FORMAT LineAsString",
            "SELECT * FROM default.`/etc/hostname` FORMAT LineAsString",
            "SELECT * FROM loop('default', '/etc/hostname') LIMIT 1 FORMAT LineAsString",
            "CREATE DATABASE f ENGINE = Filesystem",
            "INSERT INTO FUNCTION file('/tmp/x', 'CSV', 'a Int8') SELECT 1",
            "SYSTEM SHUTDOWN",
            "SYSTEM KILL",
            "BACKUP DATABASE default TO File('/tmp/x')",
        ] {
            let error = client.query(statement).execute().await.unwrap_err().to_string();
            assert!(
                ["ACCESS_DENIED", "READONLY", "UNKNOWN_TABLE"]
                    .iter()
                    .any(|name| error.contains(name)),
                "{statement}: {error}"
            );
        }
        let error = client.query("SELECT 1; SELECT 2").execute().await.unwrap_err().to_string();
        assert!(error.contains("Multi-statements"), "{error}");
    }
}

#[tokio::test]
async fn database_a_session_begins_in_holds_no_files_and_keeps_its_tables() {
    let folder = data_folder();
    for start in 0..4 {
        let engine = Engine::start(folder.path());
        let owner = engine.owner();
        let others =
            "SELECT count() FROM system.databases WHERE engine NOT IN ('Atomic', 'Memory')";
        assert_eq!(number(&owner, others).await, 0);
        let error =
            owner.clone().with_database("default").query("SELECT * FROM hostname").execute();
        assert!(error.await.unwrap_err().to_string().contains("UNKNOWN_TABLE"));
        // Not in the first ones: an empty database must survive too.
        if start == 2 {
            let table = "CREATE TABLE kept ENGINE = MergeTree ORDER BY a AS SELECT 7 AS a";
            execute(&owner, &[table]).await;
        }
        if start >= 2 {
            assert_eq!(number(&owner, "SELECT toUInt64(a) FROM kept").await, 7);
        }
        engine.kill();
    }
}

#[tokio::test]
async fn strangers_and_other_host_names_are_refused() {
    let folder = data_folder();
    let engine = Engine::start(folder.path());
    let status = |head: &str| {
        let answer = engine.raw(format!("{head}\r\nConnection: close\r\n\r\n"));
        assert!(!answer.to_ascii_lowercase().contains("access-control"), "{answer}");
        answer.split(' ').nth(1).unwrap_or_default().to_owned()
    };
    let ask = "GET /?query=SELECT+1 HTTP/1.1\r\nHost: localhost";
    assert_eq!(status(ask), "401");
    assert_eq!(status(&format!("{ask}\r\nX-ClickHouse-User: owner")), "403");
    assert_eq!(
        status(&format!("{ask}\r\nX-ClickHouse-User: owner\r\nX-ClickHouse-Key: read")),
        "403"
    );
    assert_eq!(
        status(&format!("{ask}\r\nX-ClickHouse-User: owner\r\nX-ClickHouse-Key: own")),
        "200"
    );
    // Basic owner:own
    assert_eq!(status(&format!("{ask}\r\nAuthorization: Basic b3duZXI6b3du")), "200");
    assert_eq!(
        status("GET /?query=SELECT+1&user=owner&password=own HTTP/1.1\r\nHost: localhost"),
        "401"
    );
    let known = "X-ClickHouse-User: owner\r\nX-ClickHouse-Key: own";
    assert_eq!(
        status(&format!("GET /?query=SELECT+1 HTTP/1.1\r\nHost: evil.example\r\n{known}")),
        "421"
    );
    assert_eq!(status(&format!("GET /ping HTTP/1.1\r\nHost: evil.example\r\n{known}")), "421");
    assert_eq!(status(&format!("OPTIONS / HTTP/1.1\r\nHost: localhost\r\n{known}")), "405");
    assert_eq!(
        status(&format!("GET /?query=DROP+DATABASE+x HTTP/1.1\r\nHost: localhost\r\n{known}")),
        "403"
    );
}
