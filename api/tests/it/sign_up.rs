//! New accounts and forgotten passwords (security.md, threats 4, 5, 6, 23, 24).

use axum::http::{StatusCode, header};

use crate::{
    browser::{code, cookie, form, later, link, token},
    world::{Answer, PASSWORD, World},
};

const NEW: &str = "grape violin under eleven";

async fn sign_up(world: &World, email: &str, password: &str) -> Answer {
    let fields = form(&[("email", email), ("name", "Zoe"), ("password", password)]);
    world.submit_as("", "/accounts/signup/", &fields).await
}

#[tokio::test]
async fn a_new_account_is_confirmed_by_its_link_and_becomes_an_affiliate() {
    let world = World::new().await;
    let answer = sign_up(&world, "zoe@example.org", NEW).await;
    assert_eq!(answer.headers[header::LOCATION], "/accounts/confirm-email/");
    let browser = cookie(&answer, "__Host-flow").unwrap();
    // Until then the password is right, and says so, and opens nothing.
    let early = world
        .submit_as(
            "",
            "/accounts/login/",
            &form(&[("login", "zoe@example.org"), ("password", NEW)]),
        )
        .await;
    assert!(early.text.contains("not confirmed yet") && cookie(&early, "__Host-sid").is_none());
    let letters = world.letters("zoe@example.org").await;
    assert_eq!(letters.len(), 1, "one mail a minute");
    let path = link(&letters[0]);
    // Looking at it uses nothing up: mail programs look, too.
    for _ in 0..2 {
        assert!(
            world.open_as(&browser, &path).await.text.contains("zoe@example.org is yours here")
        );
    }
    let done = world
        .submit_as(&browser, "/accounts/confirm-email/", &form(&[("token", &token(&letters[0]))]))
        .await;
    let session = cookie(&done, "__Host-sid").unwrap();
    assert_eq!(world.open_as(&session, "/affiliate/links/").await.status, 200);
    assert_eq!(world.open_as(&session, "/affiliate/affiliates/").await.status, 403);
    let role: String = sqlx::query_scalar("SELECT role FROM accounts_membership m JOIN accounts_user u ON u.id = m.user_id WHERE u.email = 'zoe@example.org'")
        .fetch_one(&world.owner)
        .await
        .unwrap();
    assert_eq!(role, "affiliate");
    assert_eq!(world.open_as(&browser, &path).await.status, 404);
    assert_eq!(
        world
            .submit_as(
                &browser,
                "/accounts/confirm-email/",
                &form(&[("token", &token(&letters[0]))])
            )
            .await
            .status,
        404
    );
}

#[tokio::test]
async fn a_link_opened_elsewhere_wants_the_password_that_was_chosen() {
    let world = World::new().await;
    sign_up(&world, "zoe@example.org", NEW).await;
    let letter = world.letters("zoe@example.org").await.remove(0);
    assert!(world.open_as("", &link(&letter)).await.text.contains("asked for in another browser"));
    let confirm = async |password: &str| {
        world
            .submit_as(
                "",
                "/accounts/confirm-email/",
                &form(&[("token", &token(&letter)), ("password", password)]),
            )
            .await
    };
    let wrong = confirm("not what was chosen").await;
    assert!(
        wrong.text.contains("not the password that was chosen")
            && cookie(&wrong, "__Host-sid").is_none()
    );
    assert!(cookie(&confirm(NEW).await, "__Host-sid").is_some());
}

#[tokio::test]
async fn a_code_is_typed_where_the_account_was_asked_for_and_dies_after_five_tries() {
    let world = World::new().await;
    let browser = cookie(&sign_up(&world, "zoe@example.org", NEW).await, "__Host-flow").unwrap();
    let letter = world.letters("zoe@example.org").await.remove(0);
    let typed = async |cookie: &str, code: &str| {
        world.submit_as(cookie, "/accounts/confirm-email/", &form(&[("code", code)])).await
    };
    let right = code(&letter);
    let other = format!("__Host-flow={}", "A".repeat(43));
    assert!(typed(&other, &right).await.text.contains("not right"));
    for _ in 0..4 {
        assert!(typed(&browser, "BCDF-GHJK").await.text.contains("not right"));
    }
    assert!(
        cookie(&typed(&browser, &right.to_lowercase().replace('-', " ")).await, "__Host-sid")
            .is_some()
    );
    // Another, of which five wrong ones were typed.
    later(&world);
    let browser = cookie(&sign_up(&world, "ben@example.org", NEW).await, "__Host-flow").unwrap();
    let right = code(&world.letters("ben@example.org").await[0]);
    for _ in 0..5 {
        typed(&browser, "BCDF-GHJK").await;
    }
    assert!(cookie(&typed(&browser, &right).await, "__Host-sid").is_none());
    // One that is eleven minutes old.
    later(&world);
    let browser = cookie(&sign_up(&world, "eve@example.org", NEW).await, "__Host-flow").unwrap();
    let right = code(&world.letters("eve@example.org").await[0]);
    world.sql("UPDATE accounts_code SET created_at = now() - interval '11 minutes'").await;
    assert!(cookie(&typed(&browser, &right).await, "__Host-sid").is_none());
}

#[tokio::test]
async fn an_address_that_is_taken_looks_like_one_that_is_not() {
    let world = World::new().await;
    world.user(2, "ben", (1, "manager")).await;
    let mut seen = Vec::new();
    for email in ["new@example.org", "ben@example.org", "BEN@Example.org", "new@example.org"] {
        let before = world.app.hashing.computed();
        let answer = sign_up(&world, email, NEW).await;
        let names: Vec<String> = answer.headers.keys().map(ToString::to_string).collect();
        seen.push((
            answer.status,
            answer.headers[header::LOCATION].clone(),
            names,
            world.app.hashing.computed() - before,
        ));
        later(&world);
    }
    assert!(seen.iter().all(|one| *one == seen[0]), "{seen:?}");
    let told = world.letters("ben@example.org").await;
    assert!(
        told.len() == 2 && told.iter().all(|letter| letter.contains("There is one")),
        "{told:?}"
    );
    // The password of an account that is somebody's stays.
    let login = world
        .submit_as("", "/accounts/login/", &form(&[("login", "ben"), ("password", PASSWORD)]))
        .await;
    assert!(cookie(&login, "__Host-sid").is_some());
    // A forgotten password asks nobody either.
    for email in ["ben@example.org", "nobody@example.org"] {
        let answer =
            world.submit_as("", "/accounts/password/reset/", &form(&[("email", email)])).await;
        assert_eq!(
            answer.headers[header::LOCATION],
            "/accounts/password/reset/?done=sent",
            "{email}"
        );
    }
    assert!(world.letters("nobody@example.org").await.is_empty());
}

#[tokio::test]
async fn a_later_wish_for_the_same_address_makes_the_links_of_before_worthless() {
    let world = World::new().await;
    let first = cookie(
        &sign_up(&world, "zoe@example.org", "an attacker's own choice").await,
        "__Host-flow",
    )
    .unwrap();
    later(&world);
    let second = cookie(&sign_up(&world, "zoe@example.org", NEW).await, "__Host-flow").unwrap();
    let letters = world.letters("zoe@example.org").await;
    assert_eq!(
        world
            .submit_as(&first, "/accounts/confirm-email/", &form(&[("token", &token(&letters[0]))]))
            .await
            .status,
        404
    );
    let done = world
        .submit_as(&second, "/accounts/confirm-email/", &form(&[("token", &token(&letters[1]))]))
        .await;
    assert!(cookie(&done, "__Host-sid").is_some());
    let attacker = world
        .submit_as(
            "",
            "/accounts/login/",
            &form(&[("login", "zoe@example.org"), ("password", "an attacker's own choice")]),
        )
        .await;
    assert!(cookie(&attacker, "__Host-sid").is_none());
}

#[tokio::test]
async fn a_forgotten_password_is_replaced_once_and_everybody_is_signed_out() {
    let world = World::new().await;
    world.user(2, "ben", (1, "manager")).await;
    let session = world.session(2, ("localhost", 1)).await;
    let ask = async || {
        world
            .submit_as("", "/accounts/password/reset/", &form(&[("email", "ben@example.org")]))
            .await
    };
    ask().await;
    later(&world);
    ask().await;
    let letters = world.letters("ben@example.org").await;
    assert_eq!(letters.len(), 2);
    assert_eq!(world.open_as("", &link(&letters[0])).await.status, 404, "a newer one ends it");
    let page = world.open_as("", &link(&letters[1])).await;
    assert_eq!(
        (page.status, &page.headers[header::REFERRER_POLICY]),
        (StatusCode::OK, &"no-referrer".parse().unwrap())
    );
    let change = async |password: &str| {
        let fields = form(&[("token", &token(&letters[1])), ("password", password)]);
        world.submit_as("", "/accounts/password/reset/confirm/", &fields).await
    };
    assert!(change("short").await.text.contains("too short"));
    assert_eq!(change(NEW).await.headers[header::LOCATION], "/accounts/login/?done=password");
    assert_eq!(change(NEW).await.status, 404, "once");
    assert_eq!(world.open_as(&session, "/affiliate/links/").await.status, StatusCode::SEE_OTHER);
    let login = |password: &str| form(&[("login", "ben"), ("password", password)]);
    assert!(
        cookie(&world.submit_as("", "/accounts/login/", &login(PASSWORD)).await, "__Host-sid")
            .is_none()
    );
    assert!(
        cookie(&world.submit_as("", "/accounts/login/", &login(NEW)).await, "__Host-sid").is_some()
    );
    assert!(
        world
            .letters("ben@example.org")
            .await
            .iter()
            .any(|letter| letter.contains("your password was changed"))
    );
}

#[tokio::test]
async fn a_link_is_good_for_its_time_its_kind_and_its_host() {
    let world = World::new().await;
    world.user(2, "ben", (1, "manager")).await;
    world.submit_as("", "/accounts/password/reset/", &form(&[("email", "ben@example.org")])).await;
    let token = token(&world.letters("ben@example.org").await[0]);
    let reset = format!("/accounts/password/reset/confirm/?token={token}");
    assert_eq!(
        world.open_as("", &format!("/accounts/confirm-email/?token={token}")).await.status,
        404
    );
    assert_eq!(world.open_as("", &reset).await.status, 200);
    world.sql("UPDATE accounts_code SET host = 'partner.localhost'").await;
    assert_eq!(world.open_as("", &reset).await.status, 404);
    world.sql("UPDATE accounts_code SET host = 'localhost', expires_at = now()").await;
    assert_eq!(world.open_as("", &reset).await.status, 404);
    for bad in ["", "x", "%00", "..%2f..%2f", &"A".repeat(43)] {
        let path = format!("/accounts/password/reset/confirm/?token={bad}");
        assert!([400, 404].contains(&world.open_as("", &path).await.status.as_u16()), "{bad}");
    }
}

#[tokio::test]
async fn a_wish_that_is_none_is_told_at_its_field_and_makes_nobody() {
    let world = World::new().await;
    for (email, name, password, says) in [
        ("no address", "Zoe", NEW, "As name@example.com"),
        ("a@b.example\r\nBcc: x@y.example", "Zoe", NEW, "As name@example.com"),
        ("zoe@example.org", "Zoe\r\nX: y", NEW, "This is too long"),
        ("zoe@example.org", "Zoe", "1234567", "too short"),
        ("zoe@example.org", "Zoe", "affiliate2026", "easily guessed"),
        ("zoe@example.org", "Zoe", "zoe@example.org!", "easily guessed"),
    ] {
        let fields = form(&[("email", email), ("name", name), ("password", password)]);
        let answer = world.submit_as("", "/accounts/signup/", &fields).await;
        assert!(
            answer.status == 200 && answer.text.contains(says),
            "{email} {name} {password}: {}",
            answer.text
        );
        assert!(!answer.text.contains(password), "a password is not shown again");
    }
    let many: i64 = sqlx::query_scalar("SELECT count(*) FROM accounts_user WHERE id > 1")
        .fetch_one(&world.owner)
        .await
        .unwrap();
    assert_eq!(many, 0);
    world.sql(r#"UPDATE whitelabel_whitelabelsite SET settings = '{"sign_up": "closed"}'"#).await;
    assert!(world.open_as("", "/accounts/signup/").await.text.contains("by invitation"));
    assert_eq!(sign_up(&world, "zoe@example.org", NEW).await.status, 403);
}

#[tokio::test]
async fn what_people_call_themselves_stands_escaped_in_their_mail() {
    let world = World::new().await;
    let fields = form(&[
        ("email", "zoe@example.org"),
        ("name", "<script>alert(1)</script> {{7*7}}"),
        ("password", NEW),
    ]);
    world.submit_as("", "/accounts/signup/", &fields).await;
    let (kind, sealed): (String, Vec<u8>) = sqlx::query_as("SELECT kind, sealed FROM mail_message")
        .fetch_one(&world.owner)
        .await
        .unwrap();
    let body = world.app.seal.open(&api::mail::whose(&kind, "zoe@example.org"), &sealed).unwrap();
    let body: serde_json::Value = serde_json::from_slice(&body).unwrap();
    let html = body["html"].as_str().unwrap();
    assert!(
        html.contains("&#60;script&#62;") && !html.contains("<script>") && html.contains("{{7*7}}")
    );
    // What lies in the table tells nobody who has it anything.
    let text = String::from_utf8_lossy(&sealed);
    assert!(!text.contains("token") && !text.contains("zoe"));
}
