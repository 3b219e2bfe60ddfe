//! Two processes of one installation: what is over at one is over at the other at its very next
//! request, whatever Redis does (security.md, threats 7, 16, 31).

use api::{app::App, hosts::Hosts, metrics::Metrics, queries::live, routes};
use axum::{
    Router,
    body::Body,
    http::{StatusCode, header},
};
use migrations::testing::Role;
use serde_json::{Value, json};
use sqlx::PgPool;

use crate::{
    browser::{asks, cookie, form, sends},
    installation::{Redis, node},
    world::{Answer, PASSWORD, World, answer, request},
};

const LINKS: &str = "/affiliate/links/";
const AFFILIATES: &str = "/api/v1/affiliate/affiliates/";
const WRITES: &str = "trb_writes7890123456789012345678901234567890abc";
const NEXT: &str = "seven orbits of a kettle";

/// A process: connections, counts and a map of hosts of its own.
struct Node(Router);

impl Node {
    async fn start(world: &World, redis: &str) -> Self {
        let app = App {
            db: PgPool::connect(&world.url(Role::Api)).await.unwrap(),
            hosts: Hosts::new("localhost"),
            live: live::Feed::default(),
            metrics: Metrics::new().unwrap(),
            ..node(world, redis)
        };
        Self(routes::router(app))
    }

    async fn two(world: &World, redis: &str) -> [Self; 2] {
        [Self::start(world, redis).await, Self::start(world, redis).await]
    }

    /// Whether a session opens a page.
    async fn lets_in(&self, session: &str) -> bool {
        match answer(&self.0, asks(session, LINKS)).await.status {
            StatusCode::OK => true,
            StatusCode::SEE_OTHER => false,
            status => panic!("{status}"),
        }
    }

    async fn submit(&self, session: &str, path: &str, fields: &[(&str, &str)]) -> Answer {
        answer(&self.0, sends(session, path, &form(fields))).await
    }

    /// The same, and it was done.
    async fn does(&self, session: &str, path: &str, fields: &[(&str, &str)]) {
        let done = self.submit(session, path, fields).await;
        assert_eq!(done.status, StatusCode::SEE_OTHER, "{path}: {}", done.text);
    }

    /// A sign-in by a form: the session, where there is one.
    async fn signs_in(&self, password: &str) -> Option<String> {
        let fields = [("login", "ben"), ("password", password)];
        cookie(&self.submit("", "/accounts/login/", &fields).await, "__Host-sid")
    }

    async fn call(&self, token: &str, (method, path): (&str, &str), body: &Value) -> Answer {
        let asked = request(method, path).header(header::CONTENT_TYPE, "application/json");
        let asked = match token {
            "" => asked,
            token => asked.header(header::AUTHORIZATION, format!("Bearer {token}")),
        };
        answer(&self.0, asked.body(Body::from(body.to_string())).unwrap()).await
    }

    /// What adding an affiliate by a token comes to.
    async fn writes(&self, token: &str) -> u16 {
        let made = self.call(token, ("POST", AFFILIATES), &json!({ "name": "Anna" })).await;
        made.status.as_u16()
    }
}

async fn id(world: &World, statement: &'static str) -> i64 {
    sqlx::query_scalar(statement).fetch_one(&world.owner).await.unwrap()
}

#[tokio::test]
async fn what_one_node_ends_the_other_refuses_at_once() {
    let world = World::new().await;
    let redis = Redis::start().await;
    let [one, other] = Node::two(&world, &redis.url()).await;
    world.user(2, "ben", (1, "manager")).await;
    let here = world.session(2, ("localhost", 1)).await;
    // A session.
    let there = world.session(2, ("localhost", 1)).await;
    assert!(other.lets_in(&there).await && other.lets_in(&here).await);
    let session = id(&world, "SELECT max(id) FROM accounts_session").await;
    one.does(&here, &format!("/accounts/sessions/{session}/end/"), &[]).await;
    assert!(!other.lets_in(&there).await && other.lets_in(&here).await);
    // A token.
    world.token(2, (1, &["read", "write"]), WRITES).await;
    assert_eq!(other.writes(WRITES).await, 201);
    let token = id(&world, "SELECT max(id) FROM accounts_token").await;
    one.does(&here, &format!("/accounts/tokens/{token}/revoke/"), &[]).await;
    assert_eq!(other.writes(WRITES).await, 401);
    // An access token, which other services would believe for five minutes.
    let known = json!({ "username": "ben", "password": PASSWORD });
    let signed_in = one.call("", ("POST", "/api/v1/auth/login/"), &known).await.json();
    let access = signed_in["access_token"].as_str().unwrap();
    assert_eq!(other.writes(access).await, 201);
    let out = one.call(access, ("POST", "/api/v1/auth/logout/"), &json!({})).await;
    assert_eq!(out.status, StatusCode::NO_CONTENT);
    assert_eq!(other.writes(access).await, 401);
    // A password, with all sessions but the one it was changed in.
    let there = other.signs_in(PASSWORD).await.unwrap();
    assert!(one.lets_in(&there).await);
    let change = [("current", PASSWORD), ("password", NEXT), ("others", "on")];
    one.does(&here, "/accounts/password/", &change).await;
    assert!(!other.lets_in(&there).await && other.lets_in(&here).await);
    assert_eq!(other.signs_in(PASSWORD).await, None);
    assert!(other.signs_in(NEXT).await.is_some());
}

#[tokio::test]
async fn who_is_less_than_before_is_so_at_the_other_node() {
    let world = World::new().await;
    let redis = Redis::start().await;
    let [one, other] = Node::two(&world, &redis.url()).await;
    world.user(2, "ben", (1, "manager")).await;
    world.token(2, (1, &["read", "write"]), WRITES).await;
    let ben = world.session(2, ("localhost", 1)).await;
    assert!(other.lets_in(&ben).await);
    assert_eq!(other.writes(WRITES).await, 201);
    // A role that reads alone: a token may no more than that, and who was in comes in anew.
    one.does(&world.cookie, "/accounts/people/usr_2/", &[("role", "analyst")]).await;
    assert_eq!(other.writes(WRITES).await, 403);
    assert!(!other.lets_in(&ben).await);
    let ben = other.signs_in(PASSWORD).await.unwrap();
    assert!(other.lets_in(&ben).await);
    one.does(&world.cookie, "/accounts/people/usr_2/suspend/", &[("active", "false")]).await;
    assert!(!other.lets_in(&ben).await);
    let refused = other.writes(WRITES).await;
    assert!([401, 403].contains(&refused), "{refused}");
}

#[tokio::test]
async fn without_redis_people_come_in_and_stay_in() {
    let world = World::new().await;
    world.user(2, "ben", (1, "manager")).await;
    let mut redis = Redis::start().await;
    let [one, other] = Node::two(&world, &redis.url()).await;
    let before = one.signs_in(PASSWORD).await.unwrap();
    redis.kill().await;
    assert!(one.lets_in(&before).await && other.lets_in(&before).await);
    let now = other.signs_in(PASSWORD).await.unwrap();
    assert!(one.lets_in(&now).await);
    let known = json!({ "username": "ben", "password": PASSWORD });
    let signed_in = one.call("", ("POST", "/api/v1/auth/login/"), &known).await.json();
    assert!(signed_in["access_token"].is_string(), "{signed_in}");
    // What ends is over at both all the same.
    one.does(&now, "/accounts/logout/", &[]).await;
    assert!(!other.lets_in(&now).await && other.lets_in(&before).await);
    // One that was never there.
    let [one, other] = Node::two(&world, "redis://127.0.0.1:1/0").await;
    let session = one.signs_in(PASSWORD).await.unwrap();
    assert!(other.lets_in(&session).await);
}
