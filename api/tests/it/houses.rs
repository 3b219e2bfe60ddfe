//! Another house that means harm: it sends us elsewhere, or talks without end (security.md,
//! threat 22).

use api::accounts::providers::Providers;
use axum::{
    Router,
    body::{Body, Bytes},
    http::header,
    response::Redirect,
    routing::{any, get, post},
};
use serde_json::json;
use std::{
    convert::Infallible,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use crate::{
    browser::{cookie, form},
    world::{Answer, World, request},
};

/// A service that knows a house by OpenID Connect and as a GitHub server.
async fn world(house: Router) -> World {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, house).await.unwrap() });
    let file = tempfile::NamedTempFile::new().unwrap();
    let told = [("house", "issuer"), ("github", "github")].map(|(name, kind)| {
        json!({
            "name": name, "label": name, kind: url, "client_id": "us", "client_secret": "hush",
        })
    });
    std::fs::write(file.path(), json!(told).to_string()).unwrap();
    let providers = Providers::load(Some(file.path())).unwrap();
    World::new().await.with_app(|app| app.providers = providers)
}

async fn go(world: &World, name: &str) -> Answer {
    let asked = request("GET", &format!("/accounts/login/with/{name}/"))
        .header(header::ACCEPT, "text/html")
        .header("sec-fetch-site", "same-origin");
    world.send(asked.body(Body::empty()).unwrap()).await
}

/// Comes back from the GitHub server with a code: the status.
async fn come_back(world: &World) -> u16 {
    let gone = go(world, "github").await;
    let flow = cookie(&gone, "__Host-flow").unwrap();
    let url: url::Url = gone.headers[header::LOCATION].to_str().unwrap().parse().unwrap();
    let state = url.query_pairs().find(|(key, _)| key == "state").unwrap().1.into_owned();
    let query = form(&[("code", "c"), ("state", &state)]);
    let path = format!("/accounts/login/with/github/done/?{query}");
    world.open_as(&flow, &path).await.status.as_u16()
}

#[tokio::test]
async fn a_house_that_sends_us_elsewhere_is_not_followed() {
    let asked = Arc::new(AtomicUsize::new(0));
    let inside = Arc::clone(&asked);
    let house = Router::new()
        .route(
            "/.well-known/openid-configuration",
            get(|| async { Redirect::temporary("/inside") }),
        )
        .route("/login/oauth/access_token", post(|| async { Redirect::temporary("/inside") }))
        .route(
            "/inside",
            any(move || async move {
                inside.fetch_add(1, Ordering::Relaxed);
                r#"{"access_token":"x"}"#
            }),
        );
    let world = world(house).await;
    assert_eq!(go(&world, "house").await.status, 502);
    assert_eq!(come_back(&world).await, 502);
    assert_eq!(asked.load(Ordering::Relaxed), 0);
}

#[tokio::test]
async fn an_answer_without_end_is_not_read_to_its_end() {
    const PART: &[u8] = &[b' '; 64 << 10];
    let said = Arc::new(AtomicUsize::new(0));
    let talks = || {
        let said = Arc::clone(&said);
        move || async move {
            let parts = futures_util::stream::repeat_with(move || {
                said.fetch_add(PART.len(), Ordering::Relaxed);
                Ok::<_, Infallible>(Bytes::from_static(PART))
            });
            Body::from_stream(parts)
        }
    };
    let house = Router::new()
        .route("/.well-known/openid-configuration", get(talks()))
        .route("/login/oauth/access_token", post(talks()));
    let world = world(house).await;
    assert_eq!(go(&world, "house").await.status, 502);
    assert_eq!(come_back(&world).await, 502);
    // What lay in the sockets, and no more.
    let said = said.load(Ordering::Relaxed);
    assert!((1..64 << 20).contains(&said), "{said}");
}
