//! By which host somebody comes, which site that is, and whether it was by TLS (security.md, threats 14, 21).

use axum::{body::Body, http::header};

use crate::{
    tenants::two_sites,
    world::{TOKEN, World},
};

#[tokio::test]
async fn a_host_is_one_site_and_an_unknown_one_is_none() {
    let world = two_sites().await;
    world.user(1, "root", (2, "manager")).await;
    const SECOND: &str = "trb_second7890123456789012345678901234567890abc";
    world.token(1, (2, &["read"]), SECOND).await;
    let get = async |host: &str, path: &str| {
        let token = if host.starts_with("partner") { SECOND } else { TOKEN };
        let asked = axum::http::Request::builder()
            .uri(path)
            .header(header::HOST, host)
            .header(header::ACCEPT, "text/html")
            .header(header::AUTHORIZATION, format!("Bearer {token}"));
        world.send(asked.body(Body::empty()).unwrap()).await
    };
    let path = "/api/v1/affiliate/links/";
    let ids = async |host: &str| {
        let answer = get(host, path).await.json();
        let ids = answer["data"]
            .as_array()
            .unwrap()
            .iter()
            .map(|link| link["id"].as_str().unwrap().to_owned());
        ids.collect::<Vec<_>>()
    };
    assert_eq!(ids("localhost:8080").await, ["lnk_3", "lnk_2", "lnk_1"]);
    assert_eq!(ids("partner.localhost:8080").await, ["lnk_11"]);
    assert_eq!(get("partner.localhost", "/api/v1/affiliate/links/lnk_1/").await.status, 404);
    let unknown = get("nobody.localhost", path).await;
    assert_eq!(unknown.status, 421);
    assert!(!unknown.headers.contains_key(header::SET_COOKIE));
    assert!(
        !unknown.text.contains("Tributary") && !unknown.text.contains("Partner"),
        "{}",
        unknown.text
    );
}

#[tokio::test]
async fn a_new_site_answers_without_a_restart() {
    let world = World::new().await;
    let following = tokio::spawn(world.app.hosts.clone().follow(world.app.db.clone()));
    world
        .sql("INSERT INTO whitelabel_whitelabelsite (id, domain) VALUES (2, 'new.localhost')")
        .await;
    while world.app.hosts.find("new.localhost").is_none() {
        tokio::task::yield_now().await;
    }
    world.sql("DELETE FROM whitelabel_whitelabelsite WHERE id = 2").await;
    while world.app.hosts.find("new.localhost").is_some() {
        tokio::task::yield_now().await;
    }
    following.abort();
}

#[tokio::test]
async fn plain_http_leaves_this_machine_only_where_the_operator_says_so() {
    let world = two_sites().await;
    world.sql("UPDATE whitelabel_whitelabelsite SET domain = 'aff.example' WHERE id = 2").await;
    world.app.hosts.load(&world.app.db).await.unwrap();
    let proxy: std::net::SocketAddr = "10.0.0.1:1".parse().unwrap();
    let get = async |world: &World, peer: Option<std::net::SocketAddr>| {
        let asked = axum::http::Request::builder()
            .uri("/accounts/login/")
            .header(header::HOST, "aff.example")
            .header("x-forwarded-proto", "https");
        let mut asked = asked.body(Body::empty()).unwrap();
        if let Some(peer) = peer {
            asked.extensions_mut().insert(api::place::Peer(peer));
        }
        world.send(asked).await
    };
    let refused = get(&world, Some(proxy)).await;
    assert_eq!((refused.status.as_u16(), &refused.json()["code"]), (403, &"plain_http".into()));
    assert_eq!(get(&world, None).await.status, 403);
    let trusting = |world: World| {
        world.with_app(|app| {
            let networks = vec!["10.0.0.0/8".parse().unwrap()];
            app.proxies = std::sync::Arc::new(schemas::proxies::Proxies::new(networks));
        })
    };
    let world = trusting(world);
    assert_eq!(get(&world, Some(proxy)).await.status, 200);
    // Another peer says whatever it likes.
    assert_eq!(get(&world, Some("192.0.2.1:1".parse().unwrap())).await.status, 403);
    let open = world.with_app(|app| app.allows_plain_http = true);
    assert_eq!(get(&open, None).await.status, 200);
}
