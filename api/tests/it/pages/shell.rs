//! Language, theme, signing in, errors, static files.

use axum::{
    body::Body,
    http::{StatusCode, header},
};

use crate::world::{World, request};

#[tokio::test]
async fn the_language_is_the_browsers_until_one_is_chosen() {
    let world = World::new().await;
    let french = world.page("/affiliate/links/", "de, fr;q=0.9, en;q=0.1").await.text;
    assert!(french.contains("Pas encore de lien"));
    let chosen =
        world.submit("/preferences/", &[("lang", "fr"), ("back", "/affiliate/links/?q=x")]).await;
    assert_eq!(chosen.headers["location"], "/affiliate/links/?q=x");
    assert!(chosen.headers["set-cookie"].to_str().unwrap().starts_with("__Host-lang=fr; Path=/"));
    let request = request("GET", "/affiliate/links/")
        .header(header::COOKIE, &world.cookie)
        .header(header::COOKIE, "__Host-theme=dark; __Host-lang=fr")
        .header(header::ACCEPT_LANGUAGE, "en");
    let page = world.send(request.body(Body::empty()).unwrap()).await.text;
    assert!(page.contains("<html lang=\"fr\" data-theme=\"dark\">"));
    for back in ["//evil.example", "/\\evil.example", "https://evil.example", "javascript:alert(1)"]
    {
        let answer = world.submit("/preferences/", &[("theme", "dark"), ("back", back)]).await;
        assert_eq!(answer.headers["location"], "/dashboard/", "{back}");
    }
    let nonsense =
        world.submit("/preferences/", &[("lang", "xx\r\nSet-Cookie: a=b"), ("theme", "red")]).await;
    assert!(!nonsense.headers.contains_key("set-cookie"));
}

#[tokio::test]
async fn an_error_is_a_page_that_helps_and_tells_nothing() {
    let world = World::new().await;
    for (path, status, says) in [
        ("/nothing/", 404, "Il n’y a rien ici"),
        ("/affiliate/programs/prg_99/", 404, "Il n’y a rien ici"),
        ("/affiliate/conversions/cnv_99/", 404, "Il n’y a rien ici"),
        ("/affiliate/conversions/drop%20table/", 404, "Il n’y a rien ici"),
        ("/dashboard/?range=9999", 422, "Cette adresse est illisible"),
        ("/affiliate/stats/?from=9999-99-99", 422, "Cette adresse est illisible"),
        ("/affiliate/stats/?group_by=id;drop", 422, "Cette adresse est illisible"),
        ("/affiliate/stats/?site_id=2", 422, "Cette adresse est illisible"),
        ("/affiliate/stats/?limit=1000000000", 422, "Cette adresse est illisible"),
        ("/affiliate/clicks/?sub1=%00", 400, "Cette adresse est illisible"),
        ("/affiliate/clicks/?sub1=%ff", 400, "Cette adresse est illisible"),
        ("/search/?q=%ff", 400, "Cette adresse est illisible"),
        ("/affiliate/links/?edit=lnk_99", 404, "Il n’y a rien ici"),
        ("/affiliate/affiliates/?edit=aff_99", 404, "Il n’y a rien ici"),
        ("/affiliate/conversions/?starting_after=x", 422, "Cette adresse est illisible"),
    ] {
        let answer = world.page(path, "fr").await;
        assert_eq!(answer.status.as_u16(), status, "{path}");
        assert!(answer.text.contains(says), "{path}: {}", answer.text);
        super::assert_nothing_inline(path, &answer.text);
    }
}

#[tokio::test]
async fn numbers_out_of_reach_are_said_to_be() {
    let world = World::new().await.with_links().await.with_app(|app| {
        app.ch = clickhouse::Client::default().with_url("http://127.0.0.1:1/");
    });
    let answer = world.page("/dashboard/", "en").await;
    assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE);
    assert!(answer.text.contains("Clicks are taken and kept all the while"), "{}", answer.text);
    // It comes back by itself, with and without a script.
    assert!(answer.text.contains("data-retry") && answer.text.contains("content=\"5\""));
    // What needs no numbers still works.
    let links = world.page("/affiliate/links/", "en").await;
    assert!(links.status == StatusCode::OK && links.text.contains("/c/three"));
    assert!(links.text.contains("numbers delayed") && links.text.contains("asof late"));
}

#[tokio::test]
async fn static_files_are_kept_for_ever_and_come_compressed() {
    let world = World::new().await;
    assert_eq!(world.page("/styleguide", "en").await.status, StatusCode::NOT_FOUND);
    let world = world.with_app(|app| app.is_demo = true);
    let page = world.page("/styleguide", "en").await.text;
    let css =
        page.split("href=\"").find(|part| part.starts_with("/static/") && part.contains("app.css"));
    let css = css.unwrap().split('"').next().unwrap();
    let get = |path: &str| {
        let request = request("GET", path).header(header::ACCEPT_ENCODING, "br, gzip;q=0.8");
        request.body(Body::empty()).unwrap()
    };
    let file = world.send(get(css)).await;
    assert_eq!(file.headers["cache-control"], "public, max-age=31536000, immutable");
    assert_eq!(file.headers["content-encoding"], "gzip");
    assert_eq!(file.headers["content-type"], "text/css; charset=utf-8");
    let older = world.send(get("/static/0000000000000000/app.css")).await;
    assert_eq!(
        (older.status, &older.headers["cache-control"]),
        (StatusCode::OK, &"no-store".parse().unwrap())
    );
    assert_eq!(
        world.send(get("/static/0000000000000000/../Cargo.toml")).await.status,
        StatusCode::NOT_FOUND
    );
}

#[tokio::test]
async fn every_answer_with_a_body_says_what_it_is_and_in_which_letters() {
    let world = World::new().await.with_links().await.with_app(|app| app.is_demo = true);
    let page = world.page("/styleguide", "en").await.text;
    let files = page.split('"').filter(|part| part.starts_with("/static/")).map(str::to_owned);
    let paths = [
        "/affiliate/links/",
        "/nothing/",
        "/health",
        "/api/v1/affiliate/links/",
        "/api/v1/nothing/",
        "/affiliate/stats/export.csv?group_by=day",
        "/accounts/data/export/",
        "/accounts/profile/",
    ];
    for path in paths.map(str::to_owned).into_iter().chain(files) {
        let answer = world.page(&path, "en").await;
        assert!(!answer.text.is_empty(), "{path}");
        let kind = answer.headers[header::CONTENT_TYPE].to_str().unwrap();
        // JSON is UTF-8 by itself (RFC 8259), and its types have no such parameter.
        let is_json = matches!(kind, "application/json" | "application/problem+json");
        assert!(is_json || kind.ends_with("; charset=utf-8"), "{path}: {kind}");
    }
}
