//! An account whose passwords are being guessed from many networks: nobody is locked out, and the password alone lets
//! nobody in (security.md, limits; ASVS 6.1.1, 6.3.6). And accounts made by programs.

use api::limits;
use axum::{
    body::Body,
    http::{StatusCode, header},
};
use serde_json::{Value, json};

use crate::{
    browser::{code, cookie, form, later},
    world::{Answer, PASSWORD, World, now_ms, request},
};

/// As many wrong passwords as make an account suspicious, from as many networks.
async fn guess(world: &World, account: &str) {
    let now_ms = now_ms();
    for _ in 0..limits::GUESSED.burst {
        world.app.limits.take(limits::GUESSED, account, now_ms).await.unwrap();
    }
}

async fn sign_in(world: &World, password: &str) -> Answer {
    let fields = form(&[("login", "ben"), ("password", password), ("next", "/affiliate/links/")]);
    world.submit_as("", "/accounts/login/", &fields).await
}

async fn post(world: &World, path: &str, body: &Value) -> Answer {
    let asked = request("POST", &format!("/api/v1/auth/{path}/"))
        .header(header::CONTENT_TYPE, "application/json");
    world.send(asked.body(Body::from(body.to_string())).unwrap()).await
}

#[tokio::test]
async fn the_right_password_of_a_guessed_account_wants_a_mailed_code() {
    let world = World::new().await;
    world.user(2, "ben", (1, "manager")).await;
    guess(&world, "2").await;
    let wrong = sign_in(&world, "not this one either").await;
    assert!(wrong.status == 200 && cookie(&wrong, "__Host-flow").is_none(), "{}", wrong.text);
    let right = sign_in(&world, PASSWORD).await;
    assert_eq!(right.headers[header::LOCATION], "/accounts/login/2fa/");
    assert_eq!(cookie(&right, "__Host-sid"), None);
    let flow = cookie(&right, "__Host-flow").unwrap();
    assert!(
        world.open_as(&flow, "/accounts/login/2fa/").await.text.contains("tries many passwords")
    );
    let letter = world.letters("ben@example.org").await.remove(0);
    let typed = async |cookie: &str, code: &str| {
        world.submit_as(cookie, "/accounts/login/2fa/", &form(&[("code", code)])).await
    };
    assert!(typed(&flow, "BCDF-GHJK").await.text.contains("code is not right"));
    let other = format!("__Host-flow={}", "A".repeat(43));
    assert_eq!(typed(&other, &code(&letter)).await.headers[header::LOCATION], "/accounts/login/");
    let done = typed(&flow, &code(&letter)).await;
    assert_eq!(done.headers[header::LOCATION], "/affiliate/links/");
    let level: i16 = sqlx::query_scalar("SELECT level FROM accounts_session WHERE user_id = 2")
        .fetch_one(&world.owner)
        .await
        .unwrap();
    assert_eq!(level, 1, "a mailed code is no second factor");
    assert_eq!(
        typed(&flow, &code(&letter)).await.headers[header::LOCATION],
        "/accounts/login/",
        "once"
    );
}

#[tokio::test]
async fn right_passwords_do_not_make_an_account_suspicious() {
    let world = World::new().await;
    world.user(2, "ben", (1, "manager")).await;
    let now_ms = now_ms();
    for _ in 1..limits::GUESSED.burst {
        world.app.limits.take(limits::GUESSED, "2", now_ms).await.unwrap();
    }
    for _ in 0..3 {
        assert!(cookie(&sign_in(&world, PASSWORD).await, "__Host-sid").is_some());
    }
}

#[tokio::test]
async fn a_program_is_told_of_the_mailed_code_and_types_it() {
    let world = World::new().await;
    world.user(2, "ben", (1, "manager")).await;
    guess(&world, "2").await;
    let awaited =
        post(&world, "login", &json!({ "username": "ben", "password": PASSWORD })).await.json();
    assert_eq!(
        (&awaited["object"], &awaited["methods"]),
        (&"mfa_required".into(), &json!(["mailed_code"]))
    );
    let letter = world.letters("ben@example.org").await.remove(0);
    let shown = json!({ "mfa_token": awaited["mfa_token"], "code": code(&letter) });
    assert!(post(&world, "mfa", &shown).await.json()["access_token"].is_string());
}

#[tokio::test]
async fn a_program_makes_an_account_and_confirms_it() {
    let world = World::new().await;
    let new = json!({ "email": "zoe@example.org", "password": "grape violin under eleven", "name": "Zoe" });
    let made = post(&world, "register", &new).await;
    assert_eq!(made.status, StatusCode::ACCEPTED, "{}", made.text);
    // The same for an address that is somebody's.
    let taken = json!({ "email": "root@example.org", "password": "grape violin under eleven" });
    let same = post(&world, "register", &taken).await;
    assert_eq!(
        (same.status, same.json()["object"].clone(), same.json()["status"].clone()),
        (made.status, made.json()["object"].clone(), made.json()["status"].clone())
    );
    let early = post(
        &world,
        "login",
        &json!({ "email": "zoe@example.org", "password": "grape violin under eleven" }),
    )
    .await;
    assert_eq!((early.status.as_u16(), &early.json()["code"]), (403, &"unconfirmed".into()));
    let letter = world.letters("zoe@example.org").await.remove(0);
    let confirm = async |code: &str| {
        let shown = json!({ "confirm_token": made.json()["confirm_token"], "code": code });
        post(&world, "register/confirm", &shown).await
    };
    assert_eq!(confirm("BCDF-GHJK").await.status, 422);
    let tokens = confirm(&code(&letter)).await.json();
    assert!(tokens["access_token"].is_string() && tokens["refresh_token"].is_string(), "{tokens}");
    later(&world);
    for bad in [
        json!({ "email": "zoe", "password": "grape violin under eleven" }),
        json!({ "email": "a@b.example", "password": "short" }),
        json!({ "email": "a@b.example", "password": "grape violin under eleven", "role": "admin" }),
        json!({ "email": 1, "password": "grape violin under eleven" }),
        json!({ "email": "a\u{0}@b.example", "password": "grape violin under eleven" }),
    ] {
        assert_eq!(post(&world, "register", &bad).await.status, 422, "{bad}");
    }
}
