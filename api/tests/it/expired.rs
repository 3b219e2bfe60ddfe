//! Reports over days whose raw events have expired: from sums where those answer, and said where they do not.

use axum::{
    body::Body,
    http::{Request, header},
};
use migrations::clickhouse::{Database, Keep};
use serde_json::{Value, json};

use crate::world::{Click, TOKEN, World};

const DAY_MS: i64 = 86_400_000;
const STATS: &str = "/api/v1/affiliate/stats/";

#[expect(clippy::disallowed_methods, reason = "rows expire by the engine's clock")]
fn now() -> chrono::DateTime<chrono::Utc> {
    chrono::Utc::now()
}

/// A click now and two of seventy days ago, whose month is gone.
async fn expired() -> (World, String) {
    let world = World::new().await.with_links().await;
    let (now_ms, span) = (now().timestamp_millis(), {
        let day = |ago| (now() - chrono::TimeDelta::days(ago)).date_naive();
        format!("from={}&to={}&tz=UTC", day(100), day(0))
    });
    let old = now_ms - 70 * DAY_MS;
    world
        .clicks(&[
            Click { at_ms: now_ms - 1000, sub1: "new", ..Click::UNIQUE },
            Click { at_ms: old, sub1: "old", ..Click::UNIQUE },
            Click { at_ms: old + 1, link: 2, ..Click::DUPLICATE },
        ])
        .await;
    let keep = Keep { event_days: Some(1), shorten_retention: true, ..Keep::default() };
    let (url, name) = (world.clickhouse.url(), world.clickhouse.database());
    Database::one(url, name).keep(&keep).await.unwrap();
    world.ch.query("OPTIMIZE TABLE clicks FINAL").execute().await.unwrap();
    let rows: u64 = world.ch.query("SELECT count() FROM clicks").fetch_one().await.unwrap();
    assert_eq!(rows, 1);
    (world, span)
}

async fn ask(world: &World, query: &str) -> Value {
    let answer = world.get(&format!("{STATS}?{query}")).await;
    assert_eq!(answer.status, 200, "{query}: {}", answer.text);
    answer.json()
}

async fn page(world: &World, path: &str, language: &str) -> String {
    let request = Request::get(path)
        .header(header::HOST, "localhost")
        .header(header::AUTHORIZATION, format!("Bearer {TOKEN}"))
        .header(header::ACCEPT_LANGUAGE, language)
        .body(Body::empty())
        .unwrap();
    world.send(request).await.text
}

#[tokio::test]
async fn sums_answer_for_days_whose_events_are_gone() {
    let (world, span) = expired().await;
    for by in ["", "day", "link", "country,device"] {
        let answer = ask(&world, &format!("{span}&group_by={by}")).await;
        assert_eq!(answer["totals"]["gross"], 3, "{by}: {answer}");
        assert_eq!(answer["expired_before"], Value::Null, "{by}");
    }
}

#[tokio::test]
async fn what_only_events_had_is_said_to_be_gone() {
    let (world, span) = expired().await;
    // The first of a month: where everything is there from now on.
    let since = "SELECT formatDateTime(toStartOfMonth(now('UTC') + INTERVAL 1 HOUR - INTERVAL 1 DAY), '%Y-%m-%dT00:00:00.000Z')";
    let since: String = world.ch.query(since).fetch_one().await.unwrap();
    for by in ["sub6", "browser,country,sub1"] {
        let answer = ask(&world, &format!("{span}&group_by={by}")).await;
        assert_eq!(answer["totals"]["gross"], 1, "{by}: {answer}");
        assert_eq!(answer["expired_before"], json!(since), "{by}");
    }
    let day = now().date_naive();
    let young = ask(&world, &format!("from={day}&to={day}&tz=UTC&group_by=sub6")).await;
    assert_eq!(young["expired_before"], Value::Null);
    let clicks = world.get(&format!("/api/v1/affiliate/clicks/?{span}")).await.json();
    assert_eq!(
        (clicks["data"].as_array().unwrap().len(), &clicks["expired_before"]),
        (1, &json!(since))
    );

    for (language, said) in [("en", "without events before"), ("fr", "sans les événements d’avant")]
    {
        for path in ["/affiliate/stats/", "/affiliate/clicks/"] {
            let text = page(&world, &format!("{path}?{span}&group_by=sub6"), language).await;
            assert!(text.contains(said), "{language} {path}: {text}");
        }
    }
    let whole = page(&world, &format!("/affiliate/stats/?{span}&group_by=link"), "en").await;
    assert!(!whole.contains("without events before"), "{whole}");
}

#[tokio::test]
async fn a_site_younger_than_the_span_misses_nothing() {
    let world = World::new().await.with_links().await;
    let now_ms = now().timestamp_millis();
    world.clicks(&[Click { at_ms: now_ms - 1000, ..Click::UNIQUE }]).await;
    let keep = Keep { event_days: Some(1), shorten_retention: true, ..Keep::default() };
    let (url, name) = (world.clickhouse.url(), world.clickhouse.database());
    Database::one(url, name).keep(&keep).await.unwrap();
    let day = |ago| (now() - chrono::TimeDelta::days(ago)).date_naive();
    let span = format!("from={}&to={}&tz=UTC", day(365), day(0));
    let answer = ask(&world, &format!("{span}&group_by=sub6")).await;
    assert_eq!(answer["expired_before"], Value::Null, "{answer}");
}
