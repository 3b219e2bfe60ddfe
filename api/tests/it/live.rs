//! The live stream: one poller for all, a bound on listeners.

use axum::{body::Body, http::header};
use serde_json::Value;
use tokio_stream::StreamExt;

use crate::world::{Click, TOKEN, World, request};

#[tokio::test]
async fn listeners_see_numbers_move() {
    let world = World::new().await.with_links().await;
    let mut first = world.app.live.listen(&world.app).unwrap();
    let mut second = world.app.live.listen(&world.app).unwrap();
    for listener in [&mut first, &mut second] {
        let frame = listener.frames.wait_for(Option::is_some).await.unwrap().clone().unwrap();
        assert_eq!(frame.today.clicks.unwrap().gross, 0);
    }
    let at_ms: i64 = sqlx::query_scalar("SELECT (extract(epoch FROM now()) * 1000)::bigint")
        .fetch_one(&world.owner)
        .await
        .unwrap();
    world.clicks(&[Click { at_ms, ..Click::UNIQUE }]).await;
    for listener in [&mut first, &mut second] {
        let moved = |latest: &api::queries::live::Latest| {
            latest.as_ref().is_some_and(|frame| !frame.recent.is_empty())
        };
        let frame = listener.frames.wait_for(moved).await.unwrap().clone().unwrap();
        assert_eq!(frame.minutes.len(), 1);
        assert_eq!(frame.recent[0].outcome, "unique");
    }
}

#[tokio::test]
async fn the_stream_is_server_sent_events() {
    let world = World::new().await;
    let asked =
        request("GET", "/api/v1/live/").header(header::AUTHORIZATION, format!("Bearer {TOKEN}"));
    let response = tower::ServiceExt::oneshot(
        api::routes::router(world.app.clone()),
        asked.body(Body::empty()).unwrap(),
    )
    .await;
    let response = response.unwrap();
    assert_eq!(response.headers()[header::CONTENT_TYPE], "text/event-stream");
    let mut chunks = response.into_body().into_data_stream();
    loop {
        let chunk = chunks.next().await.unwrap().unwrap();
        let text = String::from_utf8(chunk.to_vec()).unwrap();
        let Some(data) = text.strip_prefix("event: frame\ndata: ") else { continue };
        let frame: Value = serde_json::from_str(data.trim()).unwrap();
        assert_eq!((&frame["object"], &frame["today"]["gross"]), (&"live".into(), &0.into()));
        break;
    }
}

#[tokio::test]
async fn there_are_as_many_seats_as_said() {
    let world = World::new().await;
    let seats: Vec<_> = (0..64).map(|_| world.app.live.listen(&world.app).unwrap()).collect();
    let answer = world.get("/api/v1/live/").await;
    assert_eq!(
        (answer.status.as_u16(), &answer.json()["code"]),
        (429, &"too_many_listeners".into())
    );
    drop(seats);
    assert!(world.app.live.listen(&world.app).is_ok());
}
