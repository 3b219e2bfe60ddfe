//! A store that is away: said so, never a 500 (security.md, threats 31 and 32).

use axum::http::header;
use serde_json::{Value, json};

use crate::world::World;

/// An address where nothing listens.
const NOWHERE: &str = "http://127.0.0.1:1/";

#[tokio::test]
async fn without_clickhouse_numbers_are_delayed_and_lists_stay() {
    let world = World::new().await.with_links().await;
    let world = world.with_app(|app| app.ch = clickhouse::Client::default().with_url(NOWHERE));
    for path in ["/api/v1/affiliate/stats/?group_by=day", "/api/v1/affiliate/clicks/"] {
        let answer = world.get(path).await;
        assert_eq!(
            (answer.status.as_u16(), &answer.json()["code"]),
            (503, &json!("delayed")),
            "{path}"
        );
        assert_eq!(answer.headers[header::RETRY_AFTER], "5");
        assert!(!answer.text.contains("127.0.0.1"), "{}", answer.text);
    }
    // What a person typed is judged before any store is asked.
    assert_eq!(world.get("/api/v1/affiliate/stats/?limit=0").await.status, 422);
    let links = world.get("/api/v1/affiliate/links/").await.json();
    assert_eq!((links["data"].as_array().unwrap().len(), &links["delayed"]), (3, &json!(true)));
    assert_eq!(links["data"][0]["numbers"], Value::Null);
    world
        .sql(
            "INSERT INTO affiliate_conversion (site_id, program_id, link_id, event, status, occurred_at, journal, shard, seq, via,
                 click_at, click_journal, click_shard, click_seq, click_key_version, trace)
             VALUES (1, 1, 1, 'sale', 'pending', now(), 9, 7, 1, 'postback', now(), 9, 7, 1, 1, '{}')",
        )
        .await;
    let life = world.get("/api/v1/affiliate/conversions/cnv_1/").await.json();
    assert_eq!((&life["click"], &life["click_delayed"]), (&Value::Null, &json!(true)));
    assert_eq!(world.get("/health").await.status, 200);
    let ready = world.get("/ready").await;
    assert_eq!(
        (ready.status.as_u16(), ready.json()),
        (503, json!({ "postgres": true, "clickhouse": false }))
    );
}

#[tokio::test]
async fn without_postgres_nothing_is_changed_and_nothing_breaks() {
    let world = World::new().await.with_links().await;
    world.app.db.close().await;
    for (method, path, body) in [
        ("GET", "/api/v1/affiliate/links/", None),
        ("GET", "/api/v1/affiliate/stats/", None),
        ("POST", "/api/v1/affiliate/affiliates/", Some(r#"{"name":"Anna"}"#)),
    ] {
        let answer = world.call(method, path, body).await;
        assert_eq!(
            (answer.status.as_u16(), &answer.json()["code"]),
            (503, &json!("unavailable")),
            "{path}"
        );
    }
    assert_eq!(world.get("/ready").await.json()["postgres"], false);
}

#[tokio::test]
async fn a_fault_of_ours_shows_its_request_id_and_nothing_else() {
    let world = World::new().await;
    world.sql("ALTER TABLE affiliate_affiliate RENAME COLUMN email TO mail").await;
    let answer = world.get("/api/v1/affiliate/affiliates/").await;
    let problem = answer.json();
    assert_eq!((answer.status.as_u16(), &problem["code"]), (500, &json!("fault")));
    assert_eq!(problem["request_id"].as_str(), answer.headers["x-request-id"].to_str().ok());
    for secret in ["email", "column", "SELECT", "sqlx", "postgres"] {
        assert!(!answer.text.contains(secret), "{}", answer.text);
    }
}
