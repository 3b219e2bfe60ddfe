//! What must never be a 500 (security.md, threats 15, 17, 23, 24, 29, 30).

use axum::{
    body::Body,
    http::{Request, header},
};
use serde_json::json;

use crate::world::{TOKEN, World};

const LINKS: &str = "/api/v1/affiliate/links/";
const PROGRAMS: &str = "/api/v1/affiliate/programs/";
const AFFILIATES: &str = "/api/v1/affiliate/affiliates/";

#[tokio::test]
async fn a_query_that_is_none_is_refused_by_field() {
    let world = World::new().await;
    let stats = "/api/v1/affiliate/stats/";
    for (path, status, field) in [
        (format!("{stats}?page=-1"), 422, "page"),
        (format!("{stats}?limit=1000000000"), 422, "limit"),
        (format!("{stats}?order=id;drop"), 422, "order"),
        (format!("{stats}?group_by=id%3Bdrop"), 422, "group_by"),
        (format!("{stats}?from=9999-99-99"), 422, "from"),
        (format!("{stats}?from=2026-11-20&to=2026-11-01"), 422, "to"),
        (format!("{stats}?tz=Mars"), 422, "tz"),
        (format!("{stats}?program=1%20OR%201=1"), 422, "program"),
        (format!("{stats}?reason=robot"), 422, "reason"),
        (format!("{stats}?site_id=2"), 422, "site_id"),
        (format!("{LINKS}?limit=0"), 422, "limit"),
        (format!("{LINKS}?starting_after=lnk_99999999999999999999"), 422, "starting_after"),
        (format!("{LINKS}?is_active=maybe"), 422, "is_active"),
        (format!("{PROGRAMS}?ending_before=1"), 422, "ending_before"),
        (format!("{stats}?country=%00"), 400, ""),
        (format!("{stats}?country=%ff"), 400, ""),
        (format!("{stats}?country=%"), 400, ""),
        (format!("{stats}?country=a%0d%0ab"), 400, ""),
        (format!("{stats}?limit=1&limit=2"), 400, ""),
        ("/api/v1/affiliate/conversions/?click_id=%F0%9F%92%A9".to_owned(), 422, "click_id"),
        ("/api/v1/affiliate/commissions/?status=none".to_owned(), 422, "status"),
    ] {
        let answer = world.get(&path).await;
        assert_eq!(answer.status.as_u16(), status, "{path}: {}", answer.text);
        assert_eq!(answer.headers[header::CONTENT_TYPE], "application/problem+json");
        if !field.is_empty() {
            assert_eq!(answer.fields(), [field], "{path}");
        }
        let problem = answer.json();
        assert_eq!(
            (problem["status"].as_u64(), &problem["type"]),
            (Some(status.into()), &problem["doc_url"])
        );
        let explained = world.get(problem["doc_url"].as_str().unwrap()).await;
        assert_eq!(explained.json()["code"], problem["code"]);
    }
}

#[tokio::test]
async fn a_path_that_names_nothing_is_404() {
    let world = World::new().await;
    for path in [
        "/api/v1/affiliate/links/1/",
        "/api/v1/affiliate/links/lnk_0/",
        "/api/v1/affiliate/links/lnk_1/",
        "/api/v1/affiliate/links/prg_1/",
        "/api/v1/affiliate/links/%00/",
        "/api/v1/affiliate/links/%ff/",
        "/api/v1/affiliate/links/lnk_99999999999/",
        "/api/v1/affiliate/conversions/cnv_18446744073709551615/",
        "/api/v1/affiliate/conversions/cnv_-1/",
        "/api/v1/events/evt_/",
        "/api/v1/events/%E2%82%AC/",
        "/api/v1/affiliate/clicks/x/",
        "/api/v1/errors/nothing/",
        "/nowhere/",
        "//evil.example/",
        "/.env",
        "/.git/HEAD",
        "/.git/config",
        "/static/.git/HEAD",
    ] {
        let answer = world.get(path).await;
        assert_eq!(
            (answer.status.as_u16(), &answer.json()["code"]),
            (404, &json!("not_found")),
            "{path}"
        );
    }
}

#[tokio::test]
async fn a_url_that_lacks_its_slash_is_led_to_it_and_nowhere_else() {
    let world = World::new().await;
    let answer = world.get("/api/v1/affiliate/links?limit=1").await;
    assert_eq!(answer.headers[header::LOCATION], "/api/v1/affiliate/links/?limit=1");
    for path in ["//evil.example/api/v1/x", "/api/v1//evil", "/api/v1/\\evil"] {
        let request =
            Request::builder().uri(path.replace('\\', "%5C")).header(header::HOST, "localhost");
        let answer = world.send(request.body(Body::empty()).unwrap()).await;
        let location = answer.headers.get(header::LOCATION).map(|value| value.to_str().unwrap());
        assert!(
            location.is_none_or(|to| to.starts_with("/api/") && !to.contains("//")),
            "{location:?}"
        );
    }
}

#[tokio::test]
async fn unknown_fields_are_named_and_nothing_is_applied() {
    let world = World::new().await.with_links().await;
    for (method, path, body, field) in [
        ("POST", AFFILIATES.to_owned(), r#"{"name":"X","role":"admin"}"#, "role"),
        ("POST", AFFILIATES.to_owned(), r#"{"name":"X","site_id":2}"#, "site_id"),
        ("PATCH", format!("{AFFILIATES}aff_1/"), r#"{"name":"X","balance":1}"#, "balance"),
        (
            "PATCH",
            format!("{LINKS}lnk_1/"),
            r#"{"is_active":false,"affiliate":"aff_2"}"#,
            "affiliate",
        ),
        ("PATCH", format!("{LINKS}lnk_1/"), r#"{"is_active":false,"site_id":2}"#, "site_id"),
        (
            "PATCH",
            format!("{PROGRAMS}prg_1/"),
            r#"{"is_active":false,"token_version":9}"#,
            "token_version",
        ),
        (
            "POST",
            format!("{PROGRAMS}prg_1/plans/"),
            r#"{"event":"x","kind":"none","status":"paid"}"#,
            "status",
        ),
    ] {
        let answer = world.call(method, &path, Some(body)).await;
        assert_eq!(
            (answer.status.as_u16(), answer.fields()),
            (422, vec![field.to_owned()]),
            "{body}"
        );
    }
    let untouched: bool = sqlx::query_scalar(
        "SELECT (SELECT count(*) = 2 FROM affiliate_affiliate) AND (SELECT bool_and(version = 1) FROM affiliate_affiliate)
             AND (SELECT bool_and(is_active) FROM affiliate_affiliatelink) AND (SELECT count(*) = 2 FROM affiliate_plan)
             AND (SELECT bool_and(token_version = 1 AND status = 'active') FROM affiliate_program)",
    )
    .fetch_one(&world.owner)
    .await
    .unwrap();
    assert!(untouched);
}

#[tokio::test]
async fn money_is_an_integer_or_refused() {
    let world = World::new().await.with_links().await;
    let plans = format!("{PROGRAMS}prg_1/plans/");
    for amount in [
        "1.5",
        "1.0",
        "-0",
        "0",
        "-5",
        "\"100\"",
        "\"1,00\"",
        "1e2",
        "1e400",
        "9223372036854775807",
        "null",
        "true",
        "99999999999999999999",
    ] {
        let body = format!(r#"{{"event":"sale","kind":"flat","amount_minor":{amount}}}"#);
        let answer = world.post(&plans, &body).await;
        assert_eq!(
            (answer.status.as_u16(), answer.fields()),
            (422, vec!["amount_minor".to_owned()]),
            "{amount}"
        );
    }
    let answer = world.post(&plans, r#"{"event":"sale","kind":"flat","amount_minor":NaN}"#).await;
    assert_eq!(answer.status, 400);
    let answer = world
        .post(PROGRAMS, r#"{"name":"X","destination":"https://x.example/","currency":"XXX"}"#)
        .await;
    assert_eq!(answer.fields(), ["currency"]);
}

#[tokio::test]
async fn control_characters_and_broken_json_are_refused() {
    let world = World::new().await.with_links().await;
    for (body, status) in [
        (r#"{"name":"a\u0000b"}"#, 422),
        (r#"{"name":"a\r\nSet-Cookie: x"}"#, 422),
        (r#"{"name":""}"#, 422),
        (r#"{"name":7}"#, 422),
        (r#"{}"#, 422),
        (r#"[]"#, 422),
        (r#"{"name":"a","name":"b"}"#, 422),
        (r#"{"name":"a""#, 400),
        ("", 400),
        ("{\"name\":\"\u{fffd}\"} trailing", 400),
    ] {
        assert_eq!(world.post(AFFILIATES, body).await.status.as_u16(), status, "{body}");
    }
    let invalid_utf8 = Request::post(AFFILIATES)
        .header(header::HOST, "localhost")
        .header(header::AUTHORIZATION, format!("Bearer {TOKEN}"))
        .header(header::CONTENT_TYPE, "application/json")
        .body(Body::from(b"{\"name\":\"\xff\xfe\"}".to_vec()))
        .unwrap();
    assert_eq!(world.send(invalid_utf8).await.status, 400);
    let deep = format!("{}1{}", "[".repeat(10_000), "]".repeat(10_000));
    let deep = format!(r#"{{"name":{deep}}}"#);
    assert!([400, 422].contains(&world.post(AFFILIATES, &deep).await.status.as_u16()));
    let large = format!(r#"{{"name":"{}"}}"#, "a".repeat(11 << 20));
    let answer = world.post(AFFILIATES, &large).await;
    assert_eq!((answer.status.as_u16(), &answer.json()["code"]), (413, &json!("too_large")));
}

#[tokio::test]
async fn any_text_people_write_is_kept_as_written() {
    let world = World::new().await;
    for name in [
        "<script>alert(1)</script>",
        "\"onx=",
        "{{7*7}}",
        "\u{202e}rtl",
        "𝒳 🦀",
        "'; DROP TABLE x",
        "%s ?",
    ] {
        let body = json!({ "name": name }).to_string();
        let made = world.post(AFFILIATES, &body).await;
        assert_eq!((made.status.as_u16(), &made.json()["name"]), (201, &json!(name)), "{name}");
        assert_eq!(made.headers[header::CONTENT_TYPE], "application/json");
    }
    let found = world.get(&format!("{AFFILIATES}?q=%3Cscript")).await.json();
    assert_eq!(found["data"].as_array().unwrap().len(), 1);
    let all = world.get(&format!("{AFFILIATES}?q=%25")).await.json();
    assert_eq!(all["data"].as_array().unwrap().len(), 1, "a percent sign is no wildcard");
}

#[tokio::test]
async fn a_destination_cannot_be_made_to_lead_elsewhere() {
    let world = World::new().await.with_links().await;
    for url in [
        "javascript:alert(1)",
        "//evil",
        "https://{sub1}/",
        "https://user@evil.example/",
        "https://a.example/\r\nX: y",
        "data:text/html,x",
        "https://a.example\\@evil",
        "https:shop.example",
        "https:///shop.example",
        "https:///{sub1}.example/",
        "",
    ] {
        let body = json!({ "name": "X", "destination": url }).to_string();
        let answer = world.post(PROGRAMS, &body).await;
        assert_eq!(
            (answer.status.as_u16(), answer.fields()),
            (422, vec!["destination".to_owned()]),
            "{url}"
        );
    }
}

#[tokio::test]
async fn a_list_is_no_object_whatever_the_order_of_its_values() {
    let world = World::new().await.with_links().await;
    let link = format!("{LINKS}lnk_1/");
    for (method, path, body) in [
        ("POST", AFFILIATES, r#"["somebody"]"#),
        ("POST", AFFILIATES, " \n[]"),
        ("PATCH", &link, "[]"),
        ("POST", "/api/v1/auth/login/", r#"["root", "a password"]"#),
    ] {
        let answer = world.call(method, path, Some(body)).await;
        assert_eq!(answer.status, 422, "{method} {path} {body}");
        assert_eq!(answer.json()["errors"][0]["code"], "invalid_type", "{body}");
    }
}
