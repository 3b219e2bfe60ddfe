//! What a browser is kept from doing on somebody's behalf: other origins, other hosts, other kinds of bodies, and the
//! headers of every answer (security.md, threats 13, 21, 27).

use axum::{body::Body, http::header};

use crate::world::{TOKEN, World, request};

const AFFILIATES: &str = "/api/v1/affiliate/affiliates/";

#[tokio::test]
async fn a_cookie_reads_and_changes_only_from_our_own_pages() {
    let world = World::new().await;
    let cookie = world.cookie.clone();
    let post = |headers: &[(&str, &str)]| {
        let mut asked = request("POST", AFFILIATES)
            .header(header::COOKIE, &cookie)
            .header(header::CONTENT_TYPE, "application/json");
        for (name, value) in headers {
            asked = asked.header(*name, *value);
        }
        asked.body(Body::from(r#"{"name":"Anna"}"#)).unwrap()
    };
    for headers in [
        &[][..],
        &[("sec-fetch-site", "cross-site")],
        &[("sec-fetch-site", "same-site")],
        &[("origin", "null")],
        &[("origin", "http://evil.example")],
        &[("origin", "http://localhost:9999")],
        &[("sec-fetch-site", "cross-site"), ("origin", "http://localhost:8080")],
        &[("sec-fetch-site", "")],
        &[("origin", "")],
        &[("sec-fetch-site", "same-origin"), ("sec-fetch-site", "cross-site")],
        &[("origin", "http://localhost:8080"), ("origin", "http://evil.example")],
    ] {
        let answer = world.send(post(headers)).await;
        assert_eq!(
            (answer.status.as_u16(), &answer.json()["code"]),
            (403, &"cross_site".into()),
            "{headers:?}"
        );
    }
    assert_eq!(world.get(AFFILIATES).await.json()["data"].as_array().unwrap().len(), 0);
    for headers in
        [&[("sec-fetch-site", "same-origin")][..], &[("origin", "http://localhost:8080")]]
    {
        assert_eq!(world.send(post(headers)).await.status, 201, "{headers:?}");
    }
    let read = request("GET", AFFILIATES).header(header::COOKIE, &cookie);
    let read = world.send(read.body(Body::empty()).unwrap()).await;
    assert_eq!(read.json()["data"].as_array().unwrap().len(), 2);
    let other = format!("__Host-sid={}", "0".repeat(43));
    let (name, value) = cookie.split_once('=').unwrap();
    let altered =
        format!("{name}={}{}", &value[..42], if value.ends_with('A') { 'B' } else { 'A' });
    for wrong in [
        "__Host-sid=",
        "__Host-sid=x",
        &format!("{cookie}x"),
        &format!("sid={value}"),
        &other,
        &altered,
    ] {
        let asked = request("GET", AFFILIATES).header(header::COOKIE, wrong);
        assert_eq!(world.send(asked.body(Body::empty()).unwrap()).await.status, 401, "{wrong}");
    }
}

#[tokio::test]
async fn a_form_of_text_is_no_json() {
    let world = World::new().await;
    for kind in ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data", ""] {
        let asked = request("POST", AFFILIATES)
            .header(header::AUTHORIZATION, format!("Bearer {TOKEN}"))
            .header(header::CONTENT_TYPE, kind);
        let answer = world.send(asked.body(Body::from(r#"{"name":"Anna"}"#)).unwrap()).await;
        assert_eq!(
            (answer.status.as_u16(), &answer.json()["code"]),
            (415, &"media_type".into()),
            "{kind}"
        );
    }
    let zipped = request("POST", AFFILIATES)
        .header(header::AUTHORIZATION, format!("Bearer {TOKEN}"))
        .header(header::CONTENT_TYPE, "application/json")
        .header(header::CONTENT_ENCODING, "gzip");
    assert_eq!(world.send(zipped.body(Body::empty()).unwrap()).await.status, 415);
}

#[tokio::test]
async fn what_changes_something_is_no_get() {
    let world = World::new().await.with_links().await;
    for path in
        ["/api/v1/affiliate/programs/prg_1/token/", "/api/v1/affiliate/programs/prg_1/plans/"]
    {
        for method in ["GET", "HEAD", "PUT", "DELETE"] {
            let answer = world.call(method, path, None).await;
            assert_eq!(answer.status, 405, "{method} {path}");
            assert_eq!(answer.headers[header::ALLOW], "POST");
        }
    }
    assert_eq!(world.call("HEAD", AFFILIATES, None).await.status, 200);
    let version: i64 =
        sqlx::query_scalar("SELECT token_version FROM affiliate_program WHERE id = 1")
            .fetch_one(&world.owner)
            .await
            .unwrap();
    assert_eq!(version, 1);
}

#[tokio::test]
async fn another_host_is_not_us() {
    let world = World::new().await;
    let send = async |host: Option<&str>, target: &str, more: &[(&str, &str)]| {
        let mut asked = axum::http::Request::builder().uri(target);
        if let Some(host) = host {
            asked = asked.header(header::HOST, host);
        }
        for (name, value) in more {
            asked = asked.header(*name, *value);
        }
        world.send(asked.body(Body::empty()).unwrap()).await.status.as_u16()
    };
    for host in ["localhost:8080", "localhost", "127.0.0.1:8080", "[::1]:8080", "LocalHost:1"] {
        assert_eq!(send(Some(host), "/health", &[]).await, 200, "{host}");
    }
    for host in ["evil.example", "localhost.evil.example:8080", "10.0.0.1", "", "localhost:80@evil"]
    {
        assert_eq!(send(Some(host), "/health", &[]).await, 421, "{host}");
    }
    assert_eq!(send(None, "/health", &[]).await, 421);
    assert_eq!(send(Some("localhost"), "http://evil.example/health", &[]).await, 421);
    assert_eq!(send(Some("localhost"), "/health", &[("host", "evil.example")]).await, 421);
    // Nothing a client says about itself is believed.
    let forwarded = [("x-forwarded-host", "evil.example"), ("forwarded", "host=evil.example")];
    assert_eq!(send(Some("localhost"), "/health", &forwarded).await, 200);
    assert_eq!(
        send(Some("evil.example"), "/health", &[("x-forwarded-host", "localhost")]).await,
        421
    );
}

#[tokio::test]
async fn every_answer_has_its_headers_and_names_no_server() {
    let world = World::new().await;
    for path in ["/health", "/nowhere", AFFILIATES, "/accounts/login/"] {
        let asked = request("GET", path).header(header::ACCEPT, "text/html");
        let answer = world.send(asked.body(Body::empty()).unwrap()).await;
        let policy = answer.headers[header::CONTENT_SECURITY_POLICY].to_str().unwrap();
        assert!(policy.starts_with("default-src 'none'") && !policy.contains("unsafe"), "{path}");
        for name in [
            "x-content-type-options",
            "referrer-policy",
            "cross-origin-opener-policy",
            "permissions-policy",
            "x-request-id",
        ] {
            assert!(answer.headers.contains_key(name), "{path}: {name}");
        }
        for part in ["base-uri 'none'", "object-src 'none'", "frame-ancestors 'none'"] {
            assert!(policy.contains(part), "{path}: {part}");
        }
        assert_eq!(answer.headers[header::STRICT_TRANSPORT_SECURITY], "max-age=63072000");
        assert_eq!(answer.headers[header::CACHE_CONTROL], "no-store", "{path}");
        assert!(!answer.headers.contains_key(header::SERVER));
    }
}

#[tokio::test]
async fn no_answer_lets_a_script_of_another_origin_read_it() {
    let world = World::new().await;
    for (method, path) in [
        ("GET", "/health"),
        ("GET", AFFILIATES),
        ("OPTIONS", AFFILIATES),
        ("OPTIONS", "/api/v1/auth/login/"),
        ("GET", "/accounts/login/"),
        ("GET", "/nowhere"),
    ] {
        let asked = request(method, path)
            .header(header::ORIGIN, "https://evil.example")
            .header(header::ACCESS_CONTROL_REQUEST_METHOD, "POST")
            .header(header::AUTHORIZATION, format!("Bearer {TOKEN}"));
        let answer = world.send(asked.body(Body::empty()).unwrap()).await;
        let opens = answer.headers.keys().any(|name| name.as_str().starts_with("access-control-"));
        assert!(!opens, "{method} {path}: {:?}", answer.headers);
    }
}
