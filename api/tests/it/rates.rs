//! How often programs may ask, and people for what costs most (ASVS 2.4.1).

use api::limits::{Limits, Settings};
use axum::{
    body::Body,
    http::{StatusCode, header},
};

use crate::world::{Answer, World, request};

const LINKS: &str = "/api/v1/affiliate/links/";

/// A world in which a rule is set otherwise.
async fn with(setting: &str) -> World {
    let settings = Settings::of(&[setting.parse().unwrap()]);
    World::new().await.with_app(|app| app.limits = Limits::default().set(settings))
}

fn left(answer: &Answer) -> &str {
    answer.headers["ratelimit"].to_str().unwrap()
}

#[tokio::test]
async fn programs_are_told_how_often_they_may_ask_and_refused_beyond_it() {
    let world = with("api=3/60").await;
    for more in ["\"api\";r=2;", "\"api\";r=1;", "\"api\";r=0;"] {
        let answer = world.get(LINKS).await;
        assert!(answer.status == 200 && left(&answer).starts_with(more), "{}", left(&answer));
    }
    let refused = world.get(LINKS).await;
    assert_eq!((refused.status.as_u16(), &refused.json()["code"]), (429, &"rate_limited".into()));
    assert!(refused.headers.contains_key(header::RETRY_AFTER));
    assert!(left(&refused).starts_with("\"api\";r=0;"));
    // Each token by itself.
    const OTHER: &str = "trb_other67890123456789012345678901234567890abc";
    world.token(1, (1, &["read"]), OTHER).await;
    let asked = request("GET", LINKS).header(header::AUTHORIZATION, format!("Bearer {OTHER}"));
    assert_eq!(world.send(asked.body(Body::empty()).unwrap()).await.status, 200);
}

#[tokio::test]
async fn who_is_nobody_is_counted_by_address() {
    let world = with("api_address=2/60").await;
    for status in [401, 401, 429] {
        let asked = request("GET", LINKS).body(Body::empty()).unwrap();
        assert_eq!(world.send(asked).await.status.as_u16(), status);
    }
    assert_eq!(world.get(LINKS).await.status, 200);
}

#[tokio::test]
async fn exports_and_searches_are_counted_by_person_and_other_pages_are_not() {
    let world = with("export=2/60").await;
    world.user(2, "ben", (1, "manager")).await;
    let ben = world.session(2, ("localhost", 1)).await;
    let open = async |cookie: &str, path: &str| world.open_as(cookie, path).await.status;
    assert_eq!(open(&ben, "/search/?q=nothing-at-all").await, 200);
    assert_eq!(open(&ben, "/accounts/data/export/").await, 200);
    assert_eq!(open(&ben, "/search/?q=nothing-at-all").await, StatusCode::TOO_MANY_REQUESTS);
    assert_eq!(open(&ben, "/accounts/data/export/").await, StatusCode::TOO_MANY_REQUESTS);
    assert_eq!(open(&ben, "/affiliate/links/").await, 200);
    assert_eq!(open(&world.cookie, "/search/?q=nothing-at-all").await, 200);
    assert_eq!(open("", "/search/?q=nothing-at-all").await, StatusCode::SEE_OTHER);
}
