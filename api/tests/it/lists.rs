//! Links, programs, affiliates: from an empty installation to a ready postback URL; pages of lists;
//! other sites' rows (security.md, threat 14).

use serde_json::{Value, json};

use crate::world::{Click, World};

const LINKS: &str = "/api/v1/affiliate/links/";
const PROGRAMS: &str = "/api/v1/affiliate/programs/";
const AFFILIATES: &str = "/api/v1/affiliate/affiliates/";

fn ids(page: &Value) -> Vec<&str> {
    page["data"].as_array().unwrap().iter().map(|row| row["id"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn an_empty_installation_comes_to_a_link_and_a_postback_url() {
    let world = World::new().await;
    let program = world
        .post(
            PROGRAMS,
            r#"{"name":"Winter Shop","destination":"https://shop.example/?c={click_id}"}"#,
        )
        .await;
    assert_eq!(program.status, 201);
    assert_eq!(program.headers["location"], "/api/v1/affiliate/programs/prg_1/");
    let program = program.json();
    assert_eq!(
        (&program["slug"], &program["currency"], &program["plans"]),
        (&json!("winter-shop"), &json!("EUR"), &json!([]))
    );
    let plans = format!("{PROGRAMS}prg_1/plans/");
    let program = world.post(&plans, r#"{"event":"sale","kind":"flat","amount_minor":500}"#).await;
    assert_eq!(program.status, 201);
    let program = program.json();
    assert_eq!(
        program["plans"],
        json!([{ "event": "sale", "kind": "flat", "amount_minor": 500, "rate_ppm": null, "currency": "EUR",
            "valid_from": null, "in_force": true }])
    );
    let token = program["postback_token"].as_str().unwrap();
    let url = program["postback_url"].as_str().unwrap();
    assert_eq!(token.len(), 22);
    assert!(url.starts_with("http://localhost:8081/postback?program=prg_1&token="), "{url}");
    assert!(
        url.contains(token) && url.contains("&event=sale&click_id={click_id}&txn_id={txn_id}"),
        "{url}"
    );
    assert_eq!(
        world.post(AFFILIATES, r#"{"name":"Anna","email":"anna@example.com"}"#).await.status,
        201
    );
    let link = world.post(LINKS, r#"{"affiliate":"aff_1","program":"prg_1"}"#).await;
    assert_eq!(link.status, 201);
    let link = link.json();
    let code = link["code"].as_str().unwrap();
    assert_eq!(link["url"], format!("http://localhost:8081/c/{code}"));
    assert_eq!(link["target"], "https://shop.example/?c={click_id}");
    let mut found = world.get(&format!("{LINKS}lnk_1/")).await.json();
    // Only whoever saves is warned.
    found["warnings"] = json!([]);
    assert_eq!(found, link);
}

#[tokio::test]
async fn terms_change_from_now_on_and_tokens_rotate() {
    let world = World::new().await.with_links().await;
    let plans = format!("{PROGRAMS}prg_1/plans/");
    assert_eq!(
        world.post(&plans, r#"{"event":"sale","kind":"percent","rate_ppm":50000}"#).await.status,
        201
    );
    let later = r#"{"event":"sale","kind":"none","valid_from":"2099-01-01T00:00:00Z"}"#;
    assert_eq!(world.post(&plans, later).await.status, 201);
    assert_eq!(world.post(&plans, later).await.fields(), ["valid_from"]);
    let program = world.get(&format!("{PROGRAMS}prg_1/")).await.json();
    let lines: Vec<(&Value, &Value)> = program["plans"]
        .as_array()
        .unwrap()
        .iter()
        .map(|plan| (&plan["kind"], &plan["in_force"]))
        .collect();
    let (yes, no) = (json!(true), json!(false));
    assert_eq!(lines, [(&json!("none"), &no), (&json!("percent"), &yes), (&json!("flat"), &no)]);
    assert_eq!(program["plans"][2]["valid_from"], Value::Null);
    let rotated = world.post(&format!("{PROGRAMS}prg_1/token/"), "").await.json();
    assert_ne!(rotated["postback_token"], program["postback_token"]);
    let change =
        r#"{"name":"New","is_active":false,"too_fast_ms":5000,"postback_networks":["10.0.0.0/8"]}"#;
    let changed = world.call("PATCH", &format!("{PROGRAMS}prg_1/"), Some(change)).await.json();
    assert_eq!(
        (&changed["name"], &changed["is_active"], &changed["too_fast_ms"]),
        (&json!("New"), &no, &json!(5000))
    );
    let off = world
        .call("PATCH", &format!("{PROGRAMS}prg_1/"), Some(r#"{"too_fast_ms":null}"#))
        .await
        .json();
    assert_eq!(
        (&off["too_fast_ms"], &off["postback_networks"]),
        (&Value::Null, &json!(["10.0.0.0/8"]))
    );
}

#[tokio::test]
async fn a_destination_is_saved_as_the_collector_reads_it_and_unknown_macros_are_warned_of() {
    let world = World::new().await.with_links().await;
    let body = r#"{"name":"X","destination":"HTTPS://New.Example/é?a={sub11}&b={nope}&c={sub1}"}"#;
    let made = world.post(PROGRAMS, body).await.json();
    assert_eq!(made["destination"], "https://new.example/%C3%A9?a={sub11}&b={nope}&c={sub1}");
    assert_eq!(
        made["warnings"],
        json!([
            "unknown macro {sub11}: it will be empty",
            "unknown macro {nope}: it will be empty"
        ])
    );
    let link = format!("{LINKS}lnk_1/");
    let change = |url: &str| json!({ "destination": url }).to_string();
    let warned = world.call("PATCH", &link, Some(&change("http://a.example/{IP}"))).await.json();
    assert_eq!(warned["warnings"], json!(["unknown macro {IP}: it will be empty"]));
    let plain = world.call("PATCH", &link, Some(&change("http://a.example/{ts}"))).await.json();
    assert_eq!(plain["warnings"], json!([]));
    let long = |letters: usize| change(&format!("https://a.example/{}", "é".repeat(letters)));
    assert_eq!(world.call("PATCH", &link, Some(&long(679))).await.status, 200);
    let refused = world.call("PATCH", &link, Some(&long(680))).await;
    assert_eq!((refused.status.as_u16(), refused.fields()), (422, vec!["destination".to_owned()]));
}

#[tokio::test]
async fn a_link_is_switched_off_changed_and_never_given_away() {
    let world = World::new().await.with_links().await;
    let change = r#"{"is_active":false,"destination":"https://other.example/","expires_at":"2027-01-01T00:00:00+01:00"}"#;
    let changed = world.call("PATCH", &format!("{LINKS}lnk_1/"), Some(change)).await.json();
    assert_eq!((&changed["is_active"], &changed["version"]), (&json!(false), &json!(2)));
    assert_eq!(changed["expires_at"], "2026-12-31T23:00:00.000Z");
    let cleared = world
        .call("PATCH", &format!("{LINKS}lnk_1/"), Some(r#"{"expires_at":null,"destination":null}"#))
        .await
        .json();
    assert_eq!((&cleared["expires_at"], &cleared["destination"]), (&Value::Null, &json!("")));
    assert_eq!(cleared["target"], "https://shop.example/");
    let taken = world.post(LINKS, r#"{"affiliate":"aff_1","program":"prg_1","code":"two"}"#).await;
    assert_eq!(
        (taken.status.as_u16(), taken.json()["errors"][0]["code"].clone()),
        (422, json!("taken"))
    );
}

#[tokio::test]
async fn another_sites_rows_are_not_there() {
    let world = World::new().await.with_links().await;
    world
        .sql(
            "INSERT INTO whitelabel_whitelabelsite (id, domain) VALUES (2, 'other.example');
             UPDATE affiliate_affiliatelink SET is_active = true;
             INSERT INTO affiliate_affiliate (id, site_id, name) VALUES (20, 2, 'Foreign');
             INSERT INTO affiliate_program (id, site_id, slug, name, destination) VALUES (20, 2, 'f', 'Foreign', 'https://f.example/');
             INSERT INTO affiliate_affiliatelink (id, site_id, affiliate_id, program_id, code) VALUES (20, 2, 20, 20, 'foreign');
             INSERT INTO affiliate_conversion (id, site_id, program_id, event, status, occurred_at, journal, shard, seq, via, trace)
                 VALUES (20, 2, 20, 'sale', 'pending', now(), 9, 7, 1, 'postback', '{}');",
        )
        .await;
    for path in ["links/lnk_20/", "programs/prg_20/", "affiliates/aff_20/", "conversions/cnv_20/"] {
        let (foreign, missing) = (
            format!("/api/v1/affiliate/{path}"),
            format!("/api/v1/affiliate/{}", path.replace("20", "99")),
        );
        let (foreign, missing) = (world.get(&foreign).await, world.get(&missing).await);
        assert_eq!(foreign.status, 404, "{path}");
        let without_id = |answer: Value| {
            let mut answer = answer;
            answer["request_id"] = Value::Null;
            answer
        };
        assert_eq!(without_id(foreign.json()), without_id(missing.json()), "{path}");
    }
    for (method, path, body) in [
        ("PATCH", "links/lnk_20/", r#"{"is_active":false}"#),
        ("PATCH", "programs/prg_20/", r#"{"is_active":false}"#),
        ("PATCH", "affiliates/aff_20/", r#"{"is_active":false}"#),
        ("POST", "programs/prg_20/plans/", r#"{"event":"sale","kind":"none"}"#),
        ("POST", "programs/prg_20/token/", ""),
        ("POST", "links/", r#"{"affiliate":"aff_20","program":"prg_1","code":"x"}"#),
        ("POST", "links/", r#"{"affiliate":"aff_1","program":"prg_20","code":"x"}"#),
        ("POST", "links/", r#"{"affiliate":"aff_20","program":"prg_20","code":"x"}"#),
    ] {
        let answer = world.call(method, &format!("/api/v1/affiliate/{path}"), Some(body)).await;
        assert_eq!(answer.status, 404, "{method} {path} {body}");
    }
    for path in [LINKS, PROGRAMS, AFFILIATES, "/api/v1/affiliate/conversions/"] {
        assert!(!world.get(path).await.text.contains("oreign"), "{path}");
        let filtered = world.get(&format!("{LINKS}?affiliate=aff_20")).await.json();
        assert_eq!(filtered["data"], json!([]));
    }
    let untouched: bool = sqlx::query_scalar(
        "SELECT (SELECT is_active AND version = 1 FROM affiliate_affiliatelink WHERE id = 20)
             AND (SELECT token_version = 1 AND status = 'active' FROM affiliate_program WHERE id = 20)
             AND (SELECT count(*) = 2 FROM affiliate_plan)",
    )
    .fetch_one(&world.owner)
    .await
    .unwrap();
    assert!(untouched);
}

#[tokio::test]
async fn a_list_is_walked_in_both_directions() {
    let world = World::new().await;
    world.sql("INSERT INTO affiliate_affiliate (site_id, name) SELECT 1, 'A' || n FROM generate_series(1, 7) n").await;
    let page = world.get(&format!("{AFFILIATES}?limit=3")).await.json();
    assert_eq!((ids(&page), &page["has_more"]), (vec!["aff_7", "aff_6", "aff_5"], &json!(true)));
    let page = world.get(&format!("{AFFILIATES}?limit=3&starting_after=aff_5")).await.json();
    assert_eq!((ids(&page), &page["has_more"]), (vec!["aff_4", "aff_3", "aff_2"], &json!(true)));
    let page = world.get(&format!("{AFFILIATES}?limit=3&starting_after=aff_2")).await.json();
    assert_eq!((ids(&page), &page["has_more"]), (vec!["aff_1"], &json!(false)));
    let page = world.get(&format!("{AFFILIATES}?limit=3&ending_before=aff_1")).await.json();
    assert_eq!((ids(&page), &page["has_more"]), (vec!["aff_4", "aff_3", "aff_2"], &json!(true)));
    let page = world.get(&format!("{AFFILIATES}?limit=3&ending_before=aff_4")).await.json();
    assert_eq!((ids(&page), &page["has_more"]), (vec!["aff_7", "aff_6", "aff_5"], &json!(false)));
    let page = world.get(&format!("{AFFILIATES}?q=a3")).await.json();
    assert_eq!(ids(&page), ["aff_3"]);
}

#[tokio::test]
async fn links_are_listed_with_their_numbers() {
    let world = World::new().await.with_links().await;
    world.clicks(&[Click::UNIQUE, Click::BOT, Click { link: 3, ..Click::UNIQUE }]).await;
    let page = world.get(&format!("{LINKS}?from=2026-11-20&to=2026-11-20")).await.json();
    assert_eq!(ids(&page), ["lnk_3", "lnk_2", "lnk_1"]);
    let numbers: Vec<(&Value, &Value)> = page["data"]
        .as_array()
        .unwrap()
        .iter()
        .map(|link| (&link["numbers"]["gross"], &link["numbers"]["unique"]))
        .collect();
    let (none, one, two) = (json!(0), json!(1), json!(2));
    assert_eq!(numbers, [(&one, &one), (&none, &none), (&two, &one)]);
    assert_eq!(
        (&page["delayed"], &page["note"]),
        (&json!(false), &json!("no collector is declared"))
    );
    let page = world.get(&format!("{LINKS}?program=prg_2")).await.json();
    assert_eq!(ids(&page), ["lnk_2"]);
}
