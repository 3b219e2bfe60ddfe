//! Who gets in, by what, and for how long (security.md, threats 12, 27).

use axum::{
    body::Body,
    http::{StatusCode, header},
};

use crate::world::{PASSWORD, TOKEN, World, request};

const AFFILIATES: &str = "/api/v1/affiliate/affiliates/";

#[tokio::test]
async fn nobody_comes_in_without_a_credential() {
    let world = World::new().await;
    for path in [
        "/api/v1/affiliate/stats/",
        "/api/v1/affiliate/clicks/",
        "/api/v1/affiliate/links/",
        AFFILIATES,
        "/api/v1/affiliate/programs/",
        "/api/v1/affiliate/programs/prg_1/",
        "/api/v1/affiliate/commissions/",
        "/api/v1/affiliate/conversions/",
        "/api/v1/affiliate/conversions/cnv_1/",
        "/api/v1/events/evt_x/",
        "/api/v1/live/",
    ] {
        let unknown = "Bearer trb_0000000000000000000000000000000000000000000";
        for credentials in [
            None,
            Some("Bearer wrong"),
            Some("Bearer "),
            Some("Basic abc"),
            Some(TOKEN),
            Some(unknown),
        ] {
            let mut asked = request("GET", path);
            if let Some(value) = credentials {
                asked = asked.header(header::AUTHORIZATION, value);
            }
            let answer = world.send(asked.body(Body::empty()).unwrap()).await;
            assert_eq!(answer.status, 401, "{path} {credentials:?}");
            let (header, code) = match credentials {
                None => ("Bearer", "unauthorized"),
                Some(_) => ("Bearer error=\"invalid_token\"", "invalid_token"),
            };
            assert_eq!(answer.headers[header::WWW_AUTHENTICATE], header);
            assert_eq!(answer.json()["code"], code);
        }
    }
}

#[tokio::test]
async fn a_page_without_a_session_leads_to_the_sign_in_page_and_back() {
    let world = World::new().await;
    for (path, next) in [
        ("/dashboard/", "%2Fdashboard%2F"),
        ("/affiliate/stats/?group_by=day", "%2Faffiliate%2Fstats%2F%3Fgroup%5Fby%3Dday"),
    ] {
        let asked = request("GET", path).header(header::ACCEPT, "text/html");
        let answer = world.send(asked.body(Body::empty()).unwrap()).await;
        assert_eq!(answer.status, StatusCode::SEE_OTHER);
        assert_eq!(answer.headers[header::LOCATION], format!("/accounts/login/?next={next}"));
    }
}

async fn sign_in(world: &World, login: &str, password: &str) -> crate::world::Answer {
    let form = [("login", login), ("password", password), ("next", "/affiliate/stats/")];
    let form = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(form).finish();
    world.submit_as("", "/accounts/login/", &form).await
}

fn cookie_of(answer: &crate::world::Answer) -> String {
    let cookie = answer.headers[header::SET_COOKIE].to_str().unwrap();
    assert!(
        cookie.starts_with("__Host-sid=")
            && cookie.contains("; Path=/; HttpOnly; SameSite=Lax; Secure")
    );
    cookie.split(';').next().unwrap().to_owned()
}

#[tokio::test]
async fn a_password_signs_in_by_name_and_by_address_and_out_again() {
    let world = World::new().await;
    world.user(2, "ben", (1, "manager")).await;
    for login in ["ben", "BEN", "ben@example.org", "Ben@Example.org", " ben "] {
        let answer = sign_in(&world, login, PASSWORD).await;
        assert_eq!(
            (answer.status, &answer.headers[header::LOCATION]),
            (StatusCode::SEE_OTHER, &"/affiliate/stats/".parse().unwrap()),
            "{login}"
        );
        assert_eq!(world.open_as(&cookie_of(&answer), "/affiliate/stats/").await.status, 200);
    }
    let cookie = cookie_of(&sign_in(&world, "ben", PASSWORD).await);
    let out = world.submit_as(&cookie, "/accounts/logout/", "").await;
    assert!(out.headers[header::SET_COOKIE].to_str().unwrap().contains("Max-Age=0"));
    assert_eq!(out.headers["clear-site-data"], "\"cache\", \"storage\"");
    // Dead on the server too, not only in the browser.
    assert_eq!(world.open_as(&cookie, "/affiliate/stats/").await.status, StatusCode::SEE_OTHER);
}

#[tokio::test]
async fn who_is_unknown_wrong_or_off_looks_the_same_and_costs_the_same() {
    let world = World::new().await;
    world.user(2, "ben", (1, "manager")).await;
    world.user(3, "off", (1, "manager")).await;
    world.sql("UPDATE accounts_user SET is_active = false WHERE id = 3").await;
    let mut seen = Vec::new();
    for (login, password) in [
        ("ben", "not this one at all"),
        ("nobody", PASSWORD),
        ("nobody@example.org", PASSWORD),
        ("off", PASSWORD),
        ("ben", ""),
        ("", PASSWORD),
        ("x\0y", PASSWORD),
        (&"a".repeat(60_000), "x"),
    ] {
        let before = world.app.hashing.computed();
        let answer = sign_in(&world, login, password).await;
        assert_eq!(world.app.hashing.computed(), before + 1, "{login}");
        assert!(!answer.headers.contains_key(header::SET_COOKIE));
        let names: Vec<String> = answer.headers.keys().map(ToString::to_string).collect();
        let said = answer.text.contains("No account has this name with this password");
        seen.push((answer.status, names, said));
    }
    assert!(seen.iter().all(|one| *one == seen[0]) && seen[0].2, "{seen:?}");
}

#[tokio::test]
async fn of_a_hundred_guesses_at_once_five_are_looked_at() {
    let world = World::new().await;
    world.user(2, "ben", (1, "manager")).await;
    // From many addresses of one network, as a botnet's neighbour would.
    let guesses = (0..100_u8).map(|n| {
        let world = &world;
        async move {
            let mut asked = request("POST", "/accounts/login/")
                .header(header::ACCEPT, "application/json")
                .header("sec-fetch-site", "same-origin")
                .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
                .body(Body::from(format!("login=ben&password=guess-number-{n}")))
                .unwrap();
            asked.extensions_mut().insert(api::place::Peer(([198, 51, 100, n], 1).into()));
            world.send(asked).await
        }
    });
    let answers = futures_util::future::join_all(guesses).await;
    assert!(world.app.hashing.computed() <= 5, "{}", world.app.hashing.computed());
    let refused: Vec<_> = answers.iter().filter(|answer| answer.status == 429).collect();
    assert_eq!(refused.len(), 95);
    assert!(refused.iter().all(|answer| answer.headers.contains_key(header::RETRY_AFTER)));
    // The owner, from elsewhere, comes in all the same.
    let mut asked = request("POST", "/accounts/login/")
        .header("sec-fetch-site", "same-origin")
        .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
        .body(Body::from(format!("login=ben&password={}", PASSWORD.replace(' ', "+"))))
        .unwrap();
    asked.extensions_mut().insert(api::place::Peer(([203, 0, 113, 9], 1).into()));
    assert_eq!(world.send(asked).await.status, StatusCode::SEE_OTHER);
}

#[tokio::test]
async fn a_session_known_before_signing_in_is_dead_after() {
    let world = World::new().await;
    world.user(2, "ben", (1, "manager")).await;
    let before = world.session(2, ("localhost", 1)).await;
    let form = format!("login=ben&password={}", PASSWORD.replace(' ', "+"));
    let answer = world.submit_as(&before, "/accounts/login/", &form).await;
    let after = cookie_of(&answer);
    assert_ne!(before, after);
    assert_eq!(world.open_as(&before, "/dashboard/").await.status, StatusCode::SEE_OTHER);
    assert_eq!(world.open_as(&after, "/affiliate/links/").await.status, 200);
    // One that somebody made up is not taken over either.
    let planted = format!("__Host-sid={}", "A".repeat(43));
    let answer = world.submit_as(&planted, "/accounts/login/", &form).await;
    assert_ne!(cookie_of(&answer), planted);
}

#[tokio::test]
async fn a_session_counts_at_its_own_host_alone_and_its_owner_is_told() {
    let world = World::new().await;
    world
        .sql("INSERT INTO whitelabel_whitelabelsite (id, domain) VALUES (2, 'partner.localhost')")
        .await;
    world.app.hosts.load(&world.app.db).await.unwrap();
    world.user(1, "root", (2, "admin")).await;
    let asked = axum::http::Request::get("/affiliate/links/")
        .header(header::HOST, "partner.localhost")
        .header(header::COOKIE, &world.cookie);
    assert_eq!(world.send(asked.body(Body::empty()).unwrap()).await.status, 401);
    let told: i64 = sqlx::query_scalar("SELECT count(*) FROM accounts_securityevent WHERE user_id = 1 AND kind = 'session_elsewhere'")
        .fetch_one(&world.owner)
        .await
        .unwrap();
    assert_eq!(told, 1);
}

#[tokio::test]
async fn what_somebody_is_counts_at_the_next_request() {
    let world = World::new().await;
    world.user(2, "ben", (1, "manager")).await;
    let cookie = world.session(2, ("localhost", 1)).await;
    let make = async || {
        let asked = request("POST", AFFILIATES)
            .header(header::COOKIE, &cookie)
            .header("sec-fetch-site", "same-origin")
            .header(header::CONTENT_TYPE, "application/json");
        world.send(asked.body(Body::from(r#"{"name":"Anna"}"#)).unwrap()).await.status.as_u16()
    };
    assert_eq!(make().await, 201);
    for (change, status) in [
        ("UPDATE accounts_membership SET role = 'analyst' WHERE user_id = 2", 403),
        (
            "UPDATE accounts_membership SET role = 'manager', is_active = false WHERE user_id = 2",
            403,
        ),
        ("UPDATE accounts_membership SET is_active = true WHERE user_id = 2", 201),
        ("UPDATE accounts_user SET is_active = false WHERE id = 2", 401),
        ("UPDATE accounts_user SET is_active = true WHERE id = 2", 201),
        (
            "UPDATE accounts_session SET seen_at = now() - interval '25 hours' WHERE user_id = 2",
            401,
        ),
    ] {
        world.sql(change).await;
        assert_eq!(make().await, status, "{change}");
    }
    // Left alone too long it ended, and does not come back.
    world.sql("UPDATE accounts_session SET seen_at = now() WHERE user_id = 2").await;
    assert_eq!(make().await, 401);
}

#[tokio::test]
async fn a_role_that_can_change_most_works_with_two_factors_only() {
    let world = World::new().await;
    for (id, role, alone) in [(2, "admin", 403), (3, "finance", 403), (4, "manager", 200)] {
        world.user(id, role, (1, role)).await;
        let (one, two) =
            (world.session(id, ("localhost", 1)).await, world.session(id, ("localhost", 2)).await);
        let get = async |cookie: &str| {
            let asked = request("GET", "/api/v1/affiliate/links/").header(header::COOKIE, cookie);
            world.send(asked.body(Body::empty()).unwrap()).await
        };
        let answer = get(&one).await;
        assert_eq!(answer.status.as_u16(), alone, "{role}");
        if alone == 403 {
            assert_eq!(answer.json()["code"], "step_up_required");
        }
        assert_eq!(get(&two).await.status, 200, "{role}");
    }
    world
        .sql(r#"UPDATE whitelabel_whitelabelsite SET settings = '{"second_factor": "optional"}'"#)
        .await;
    let one = world.session(2, ("localhost", 1)).await;
    assert_eq!(world.open_as(&one, "/affiliate/links/").await.status, 200);
}

#[tokio::test]
async fn a_token_reads_or_writes_as_it_says_until_it_ends() {
    let world = World::new().await;
    const READS: &str = "trb_reads67890123456789012345678901234567890abc";
    world.user(2, "ben", (1, "manager")).await;
    world.token(2, (1, &["read"]), READS).await;
    let ask = async |method: &str, body: &'static str| {
        let asked = request(method, AFFILIATES)
            .header(header::AUTHORIZATION, format!("Bearer {READS}"))
            .header(header::CONTENT_TYPE, "application/json");
        world.send(asked.body(Body::from(body)).unwrap()).await.status.as_u16()
    };
    assert_eq!(ask("GET", "").await, 200);
    assert_eq!(ask("POST", r#"{"name":"Anna"}"#).await, 403);
    let used: bool =
        sqlx::query_scalar("SELECT used_at IS NOT NULL FROM accounts_token WHERE user_id = 2")
            .fetch_one(&world.owner)
            .await
            .unwrap();
    assert!(used);
    world
        .sql(
            "UPDATE accounts_token SET expires_at = now() - interval '6 seconds' WHERE user_id = 2",
        )
        .await;
    assert_eq!(ask("GET", "").await, 401);
    world.sql("UPDATE accounts_token SET expires_at = now() + interval '1 day', revoked_at = now() WHERE user_id = 2").await;
    assert_eq!(ask("GET", "").await, 401);
}

#[tokio::test]
async fn every_change_of_a_site_is_written_down_with_who_and_what_was_before() {
    let world = World::new().await;
    let made = world.post(AFFILIATES, r#"{"name":"Anna"}"#).await.json();
    let id = made["id"].as_str().unwrap().to_owned();
    let changed =
        world.call("PATCH", &format!("{AFFILIATES}{id}/"), Some(r#"{"name":"Anne"}"#)).await;
    assert_eq!(changed.status, 200);
    type Entry = (i64, String, String, Option<serde_json::Value>, serde_json::Value, String);
    let entries: Vec<Entry> = sqlx::query_as(
        "SELECT user_id, action, thing, before, after, request FROM audit_entry ORDER BY id",
    )
    .fetch_all(&world.owner)
    .await
    .unwrap();
    assert_eq!(entries.len(), 2);
    assert_eq!(
        (entries[0].0, entries[0].1.as_str(), entries[0].2.as_str()),
        (1, "insert", "affiliate_affiliate")
    );
    assert_eq!(entries[0].4["name"], "Anna");
    assert_eq!(
        (entries[1].3.clone().unwrap(), entries[1].4.clone()),
        (serde_json::json!({"name": "Anna"}), serde_json::json!({"name": "Anne"}))
    );
    assert_eq!(changed.headers["x-request-id"], entries[1].5);
    // The api writes none of its own making, and nobody changes one.
    for (pool, statement) in [
        (
            &world.app.db,
            "INSERT INTO audit_entry (site_id, network, request, action, thing, thing_id) VALUES (1, '', '', 'insert', 'x', 1)",
        ),
        (&world.owner, "UPDATE audit_entry SET user_id = 7"),
        (&world.owner, "DELETE FROM audit_entry"),
        (&world.owner, "DELETE FROM accounts_securityevent"),
    ] {
        assert!(sqlx::query(statement).execute(pool).await.is_err(), "{statement}");
    }
}
