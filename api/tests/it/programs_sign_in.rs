//! Programs that sign in as a person: `/api/v1/auth/` (security.md, threats 9, 10, 12, 13).

use axum::{
    body::Body,
    http::{StatusCode, header},
};
use serde_json::{Value, json};

use crate::world::{Answer, PASSWORD, TOKEN, World, request};

async fn post(world: &World, path: &str, token: Option<&str>, body: &Value) -> Answer {
    let mut asked = request("POST", &format!("/api/v1/auth/{path}/"))
        .header(header::CONTENT_TYPE, "application/json");
    if let Some(token) = token {
        asked = asked.header(header::AUTHORIZATION, format!("Bearer {token}"));
    }
    world.send(asked.body(Body::from(body.to_string())).unwrap()).await
}

async fn get(world: &World, path: &str, token: &str) -> Answer {
    let asked = request("GET", path).header(header::AUTHORIZATION, format!("Bearer {token}"));
    world.send(asked.body(Body::empty()).unwrap()).await
}

async fn signed_in(world: &World) -> (String, String) {
    let answer =
        post(world, "login", None, &json!({ "username": "ben", "password": PASSWORD })).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    tokens(&answer)
}

fn tokens(answer: &Answer) -> (String, String) {
    let told = answer.json();
    let text = |key: &str| told[key].as_str().unwrap().to_owned();
    assert_eq!(
        (told["token_type"].as_str(), told["expires_in"].as_i64()),
        (Some("Bearer"), Some(300))
    );
    (text("access_token"), text("refresh_token"))
}

#[tokio::test]
async fn a_program_signs_in_reads_and_signs_out_at_once() {
    let world = World::new().await;
    world.user(2, "ben", (1, "manager")).await;
    for login in [
        json!({ "username": "ben", "password": PASSWORD }),
        json!({ "email": "ben@example.org", "password": PASSWORD }),
    ] {
        assert_eq!(post(&world, "login", None, &login).await.status, 200);
    }
    let (access, _) = signed_in(&world).await;
    let user = get(&world, "/api/v1/auth/user/", &access).await.json();
    assert_eq!(
        (&user["id"], &user["username"], &user["role"], &user["site"]),
        (&json!("usr_2"), &json!("ben"), &json!("manager"), &json!("site_1"))
    );
    assert_eq!(get(&world, "/api/v1/affiliate/links/", &access).await.status, 200);
    assert_eq!(
        post(&world, "logout", Some(&access), &json!({})).await.status,
        StatusCode::NO_CONTENT
    );
    let after = get(&world, "/api/v1/auth/user/", &access).await;
    assert_eq!(
        (after.status.as_u16(), &after.headers[header::WWW_AUTHENTICATE]),
        (401, &"Bearer error=\"invalid_token\"".parse().unwrap())
    );
    // A refresh token and a session's number are no access tokens, and no cookies.
    let (access, refresh) = signed_in(&world).await;
    assert_eq!(get(&world, "/api/v1/auth/user/", &refresh).await.status, 401);
    let claims = access.split('.').nth(1).unwrap();
    let claims: Value =
        serde_json::from_slice(&data_encoding::BASE64URL_NOPAD.decode(claims.as_bytes()).unwrap())
            .unwrap();
    let cookie = format!("__Host-sid={}", claims["sid"].as_str().unwrap());
    assert_eq!(world.open_as(&cookie, "/affiliate/links/").await.status, StatusCode::SEE_OTHER);
}

#[tokio::test]
async fn a_refresh_token_that_is_shown_twice_ends_its_session() {
    let world = World::new().await;
    world.user(2, "ben", (1, "manager")).await;
    let (first, refresh) = signed_in(&world).await;
    let body = json!({ "refresh_token": refresh });
    let (second, next) = tokens(&post(&world, "refresh", None, &body).await);
    assert_eq!(
        get(&world, "/api/v1/auth/user/", &first).await.status,
        401,
        "the earlier access token is over"
    );
    assert_eq!(get(&world, "/api/v1/auth/user/", &second).await.status, 200);
    assert_eq!(post(&world, "refresh", None, &body).await.status, 401);
    // Whoever has the newer ones has nothing any more either.
    assert_eq!(get(&world, "/api/v1/auth/user/", &second).await.status, 401);
    assert_eq!(post(&world, "refresh", None, &json!({ "refresh_token": next })).await.status, 401);
    let told: i64 = sqlx::query_scalar(
        "SELECT count(*) FROM accounts_securityevent WHERE user_id = 2 AND kind = 'refresh_reused'",
    )
    .fetch_one(&world.owner)
    .await
    .unwrap();
    assert_eq!(told, 1);
}

#[tokio::test]
async fn of_two_refreshes_at_once_at_most_one_lives_on() {
    let world = World::new().await;
    world.user(2, "ben", (1, "manager")).await;
    let (_, refresh) = signed_in(&world).await;
    let body = json!({ "refresh_token": refresh });
    let all = (0..8).map(|_| post(&world, "refresh", None, &body));
    let answers = futures_util::future::join_all(all).await;
    let taken = answers.iter().filter(|answer| answer.status == 200).count();
    assert!(taken <= 1, "{taken}");
    assert!(answers.iter().all(|answer| [200, 401].contains(&answer.status.as_u16())));
}

#[tokio::test]
async fn a_program_shows_the_second_factor_as_a_person_does() {
    let world = World::new().await;
    world.user(2, "ben", (1, "manager")).await;
    let secret = api::accounts::totp::new_secret().unwrap();
    let sealed = world.app.seal.seal("accounts_totp.secret/2", &secret).unwrap();
    sqlx::query("INSERT INTO accounts_totp (user_id, secret, confirmed_at) VALUES (2, $1, now())")
        .bind(sealed)
        .execute(&world.owner)
        .await
        .unwrap();
    let answer = post(&world, "login", None, &json!({ "username": "ben", "password": PASSWORD }))
        .await
        .json();
    assert_eq!(answer["object"], "mfa_required");
    let token = answer["mfa_token"].as_str().unwrap().to_owned();
    let wrong = post(&world, "mfa", None, &json!({ "mfa_token": token, "code": "000000" })).await;
    assert_eq!((wrong.status.as_u16(), &wrong.json()["code"]), (401, &json!("wrong_password")));
    let now = std::time::UNIX_EPOCH.elapsed().unwrap().as_secs();
    let code = api::accounts::totp::code_at(&secret, now);
    let right = post(&world, "mfa", None, &json!({ "mfa_token": token, "code": code })).await;
    let (access, _) = tokens(&right);
    assert_eq!(get(&world, "/api/v1/auth/user/", &access).await.json()["level"], 2);
    assert_eq!(
        post(&world, "mfa", None, &json!({ "mfa_token": token, "code": code })).await.status,
        401
    );
}

#[tokio::test]
async fn sessions_are_listed_and_ended_by_their_owner_alone() {
    let world = World::new().await;
    world.user(2, "ben", (1, "manager")).await;
    let ((here, _), (there, _)) = (signed_in(&world).await, signed_in(&world).await);
    let list = get(&world, "/api/v1/auth/sessions/", &here).await.json();
    let other =
        list["data"].as_array().unwrap().iter().find(|one| one["is_this"] == false).unwrap()["id"]
            .as_str()
            .unwrap()
            .to_owned();
    let end = async |token: &str, id: &str| {
        let asked = request("DELETE", &format!("/api/v1/auth/sessions/{id}/"))
            .header(header::AUTHORIZATION, format!("Bearer {token}"));
        world.send(asked.body(Body::empty()).unwrap()).await.status.as_u16()
    };
    assert_eq!(end(TOKEN, &other).await, 403, "a personal token is no session");
    assert_eq!(end(&here, "ses_x").await, 404);
    assert_eq!(end(&here, &other).await, 204);
    assert_eq!(
        (
            get(&world, "/api/v1/auth/user/", &there).await.status,
            get(&world, "/api/v1/auth/user/", &here).await.status
        ),
        (StatusCode::UNAUTHORIZED, StatusCode::OK)
    );
}

#[tokio::test]
async fn what_is_no_question_of_signing_in_is_told_so() {
    let world = World::new().await;
    world.user(2, "ben", (1, "manager")).await;
    for (body, status, code) in [
        (json!({ "username": "ben", "password": "wrong" }), 401, "wrong_password"),
        (json!({ "username": "nobody", "password": "wrong" }), 401, "wrong_password"),
        (json!({ "username": "ben", "password": PASSWORD, "role": "admin" }), 422, "invalid"),
        (json!({ "username": "ben" }), 422, "invalid"),
        (json!({ "username": 7, "password": PASSWORD }), 422, "invalid"),
        (json!({ "username": "ben\0", "password": PASSWORD }), 401, "wrong_password"),
        (json!([]), 422, "invalid"),
    ] {
        let answer = post(&world, "login", None, &body).await;
        assert_eq!(
            (answer.status.as_u16(), &answer.json()["code"]),
            (status, &json!(code)),
            "{body}"
        );
    }
    world.sql("UPDATE accounts_user SET email_verified_at = NULL WHERE id = 2").await;
    let answer =
        post(&world, "login", None, &json!({ "username": "ben", "password": PASSWORD })).await;
    assert_eq!((answer.status.as_u16(), &answer.json()["code"]), (403, &json!("unconfirmed")));
    for (method, path) in [
        ("GET", "login"),
        ("GET", "refresh"),
        ("GET", "mfa"),
        ("GET", "logout"),
        ("POST", "user"),
        ("HEAD", "login"),
    ] {
        let asked = request(method, &format!("/api/v1/auth/{path}/"))
            .header(header::AUTHORIZATION, format!("Bearer {TOKEN}"));
        assert_eq!(
            world.send(asked.body(Body::empty()).unwrap()).await.status,
            405,
            "{method} {path}"
        );
    }
    // A form of another site cannot sign somebody in under another name.
    let text = request("POST", "/api/v1/auth/login/")
        .header(header::CONTENT_TYPE, "text/plain")
        .header("sec-fetch-site", "cross-site");
    assert_eq!(world.send(text.body(Body::from("{}")).unwrap()).await.status, 403);
}
