//! The live stream: one poller for all, a bound on listeners.

use axum::{body::Body, http::header};
use serde_json::Value;
use std::{future::Future, time::Duration};
use tokio_stream::StreamExt;

use crate::world::{Click, TOKEN, World, request};

/// What comes by itself, sooner or later; a test does not wait for ever.
async fn soon<T>(what: &str, waited: impl Future<Output = T>) -> T {
    let patience = Duration::from_secs(60);
    tokio::time::timeout(patience, waited).await.unwrap_or_else(|_| panic!("{what} never came"))
}

async fn now_ms(world: &World) -> i64 {
    sqlx::query_scalar("SELECT (extract(epoch FROM now()) * 1000)::bigint")
        .fetch_one(&world.owner)
        .await
        .unwrap()
}

/// Reads a stream of events until one of `kind`, and gives its data.
async fn event(
    world: &World,
    path: &str,
    kind: &str,
    meanwhile: impl Future<Output = ()>,
) -> String {
    let asked = request("GET", path).header(header::AUTHORIZATION, format!("Bearer {TOKEN}"));
    let router = api::routes::router(world.app.clone());
    let response = tower::ServiceExt::oneshot(router, asked.body(Body::empty()).unwrap());
    let response = response.await.unwrap();
    assert_eq!(response.headers()[header::CONTENT_TYPE], "text/event-stream");
    meanwhile.await;
    let mut chunks = response.into_body().into_data_stream();
    let mut text = String::new();
    let head = format!("event: {kind}\ndata: ");
    loop {
        // An event may come in several chunks, and several in one.
        let found = text.split_once(&head).and_then(|(_, rest)| rest.split_once("\n\n"));
        if let Some((data, _)) = found {
            return data.to_owned();
        }
        let chunk = soon(kind, chunks.next()).await.unwrap().unwrap();
        text.push_str(std::str::from_utf8(&chunk).unwrap());
    }
}

#[tokio::test]
async fn listeners_see_numbers_move() {
    let world = World::new().await.with_links().await;
    let mut first = world.app.live.listen(&world.ctx()).unwrap();
    let mut second = world.app.live.listen(&world.ctx()).unwrap();
    for listener in [&mut first, &mut second] {
        let frame = soon("a frame", listener.frames.wait_for(Option::is_some)).await.unwrap();
        assert_eq!(frame.clone().unwrap().today.clicks.unwrap().gross, 0);
    }
    world.clicks(&[Click { at_ms: now_ms(&world).await, ..Click::UNIQUE }]).await;
    for listener in [&mut first, &mut second] {
        // The questions of a frame are asked one after the other: the click may come between them.
        let moved = |latest: &api::queries::live::Latest| {
            latest
                .as_ref()
                .is_some_and(|frame| !frame.recent.is_empty() && !frame.minutes.is_empty())
        };
        let frame = soon("the click", listener.frames.wait_for(moved)).await.unwrap();
        let frame = frame.clone().unwrap();
        assert_eq!(frame.minutes.len(), 1);
        assert_eq!(frame.recent[0].outcome, "unique");
    }
}

#[tokio::test]
async fn the_stream_is_server_sent_events() {
    let world = World::new().await;
    let data = event(&world, "/api/v1/live/", "frame", async {}).await;
    let frame: Value = serde_json::from_str(&data).unwrap();
    assert_eq!((&frame["object"], &frame["today"]["gross"]), (&"live".into(), &0.into()));
}

#[tokio::test]
async fn a_page_is_told_when_more_was_counted_also_before_a_collector_is_heard_of() {
    let world = World::new().await.with_links().await;
    let at_ms = now_ms(&world).await;
    let clicks = [Click { at_ms, ..Click::UNIQUE }];
    let data = event(&world, "/dashboard/live", "counted", world.clicks(&clicks)).await;
    assert_eq!(data, "-");
}

#[tokio::test]
async fn a_page_is_told_while_a_store_is_away() {
    let world = World::new().await.with_links().await;
    let mut listener = world.app.live.listen(&world.ctx()).unwrap();
    soon("a frame", listener.frames.wait_for(Option::is_some)).await.unwrap();
    let away = async { world.app.db.close().await };
    assert_eq!(event(&world, "/dashboard/live", "delayed", away).await, "-");
}

#[tokio::test]
async fn there_are_as_many_seats_as_said() {
    let world = World::new().await;
    let seats: Vec<_> = (0..64).map(|_| world.app.live.listen(&world.ctx()).unwrap()).collect();
    let answer = world.get("/api/v1/live/").await;
    assert_eq!(
        (answer.status.as_u16(), &answer.json()["code"]),
        (429, &"too_many_listeners".into())
    );
    drop(seats);
    assert!(world.app.live.listen(&world.ctx()).is_ok());
}
