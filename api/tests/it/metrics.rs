//! What the api tells of itself: on a port of its own, by templates and never by what somebody types.

use axum::{
    body::{Body, to_bytes},
    http::{Request, StatusCode, header},
};
use std::collections::BTreeSet;
use tower::ServiceExt;

use crate::world::{TOKEN, World, request};

/// What the operator's port answers.
async fn told(world: &World, path: &str, host: &str) -> (StatusCode, String) {
    let request = Request::get(path).header(header::HOST, host).body(Body::empty()).unwrap();
    let response = api::admin::router(world.app.clone()).oneshot(request).await.unwrap();
    let (head, body) = response.into_parts();
    let bytes = to_bytes(body, 1 << 20).await.unwrap();
    (head.status, String::from_utf8_lossy(&bytes).into_owned())
}

async fn metrics(world: &World) -> String {
    told(world, "/metrics", "127.0.0.1:8084").await.1
}

#[tokio::test]
async fn answers_are_counted_by_template_method_and_class() {
    let world = World::new().await.with_links().await;
    assert_eq!(world.get("/api/v1/affiliate/links/lnk_1/").await.status, StatusCode::OK);
    assert_eq!(world.get("/api/v1/affiliate/links/lnk_999/").await.status, StatusCode::NOT_FOUND);
    assert_eq!(world.post("/api/v1/affiliate/links/", "{}").await.status.as_u16() / 100, 4);
    let stranger = request("GET", "/api/v1/affiliate/links/").body(Body::empty()).unwrap();
    assert_eq!(world.send(stranger).await.status, StatusCode::UNAUTHORIZED);
    let text = metrics(&world).await;
    for (labels, count) in [
        (r#"method="GET",route="/api/v1/affiliate/links/{id}/",status="2xx""#, 1),
        (r#"method="GET",route="/api/v1/affiliate/links/{id}/",status="4xx""#, 1),
        (r#"method="POST",route="/api/v1/affiliate/links/",status="4xx""#, 1),
        (r#"method="GET",route="/api/v1/affiliate/links/",status="4xx""#, 1),
    ] {
        let line = format!("tributary_api_requests_total{{{labels}}} {count}");
        assert!(text.lines().any(|found| found == line), "{line}\n{text}");
    }
    let timed = r#"tributary_api_request_seconds_count{route="/api/v1/affiliate/links/{id}/"} 2"#;
    assert!(text.lines().any(|found| found == timed), "{text}");
}

#[tokio::test]
async fn connections_to_postgresql_in_use_are_told() {
    let world = World::new().await;
    let held = (world.app.db.acquire().await.unwrap(), world.app.db.acquire().await.unwrap());
    let text = metrics(&world).await;
    let number = |name: &str| {
        let line = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
        line.unwrap().parse::<u32>().unwrap()
    };
    assert_eq!(number("tributary_api_pool_connections_used"), 2);
    let limit = world.app.db.options().get_max_connections();
    assert_eq!(number("tributary_api_pool_connections_limit"), limit);
    drop(held);
}

#[tokio::test]
async fn what_somebody_types_makes_no_new_series() {
    let world = World::new().await;
    let series = |text: &str| {
        let lines = text.lines().filter(|line| line.starts_with("tributary_api_requests_total"));
        lines.map(|line| line.rsplit_once(' ').unwrap().0.to_owned()).collect::<BTreeSet<_>>()
    };
    for n in 0..50 {
        world.get(&format!("/wp-login-{n}.php")).await;
        world.get(&format!("/api/v1/affiliate/links/{n}/?{n}={n}")).await;
        let verb = request(&format!("BREW{n}"), "/health").body(Body::empty()).unwrap();
        world.send(verb).await;
    }
    let text = metrics(&world).await;
    let expected = [
        r#"tributary_api_requests_total{method="GET",route="/api/v1/affiliate/links/{id}/",status="4xx"}"#,
        r#"tributary_api_requests_total{method="GET",route="none",status="4xx"}"#,
        r#"tributary_api_requests_total{method="other",route="/health",status="4xx"}"#,
    ];
    assert_eq!(series(&text), expected.map(str::to_owned).into());
}

#[tokio::test]
async fn metrics_are_not_where_people_come_in_and_not_for_names_of_others() {
    let world = World::new().await;
    assert_eq!(world.get("/metrics").await.status, StatusCode::NOT_FOUND);
    for (host, expected) in [
        ("localhost:8084", StatusCode::OK),
        ("10.1.2.3:8084", StatusCode::OK),
        ("[::1]:8084", StatusCode::OK),
        ("evil.example", StatusCode::MISDIRECTED_REQUEST),
        ("", StatusCode::MISDIRECTED_REQUEST),
    ] {
        for path in ["/health", "/metrics"] {
            assert_eq!(told(&world, path, host).await.0, expected, "{path} {host}");
        }
    }
    assert!(!metrics(&world).await.contains(TOKEN));
}
