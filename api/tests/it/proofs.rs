//! What has to be shown before something delicate, and what is done for who lost a factor (security.md, threats 35, 36;
//! ASVS 6.2.3, 6.4.4, 7.4.3, 7.4.5, 7.5.1, 7.5.2).

use api::accounts::totp;
use axum::{
    body::Body,
    http::{Request, StatusCode, header},
};
use serde_json::json;

use crate::{
    browser::{cookie, form},
    factors::{now_s, with_app},
    world::{PASSWORD, World, request},
};

const NEW: &str = "seven orbits of a kettle";

async fn enters(world: &World, password: &str) -> bool {
    world.app.limits.forget();
    let fields = form(&[("login", "ben"), ("password", password)]);
    let answer = world.submit_as("", "/accounts/login/", &fields).await;
    answer.status == StatusCode::SEE_OTHER
}

async fn many(world: &World, user: i64) -> i64 {
    sqlx::query_scalar("SELECT count(*) FROM accounts_session WHERE user_id = $1")
        .bind(user)
        .fetch_one(&world.owner)
        .await
        .unwrap()
}

#[tokio::test]
async fn another_password_wants_the_current_one_however_fresh_the_proof() {
    let world = World::new().await;
    world.user(2, "ben", (1, "manager")).await;
    let ben = world.session(2, ("localhost", 1)).await;
    let change = async |fields: &[(&str, &str)]| {
        world.submit_as(&ben, "/accounts/password/", &form(fields)).await
    };
    for fields in [&[("password", NEW)][..], &[("current", "not this"), ("password", NEW)]] {
        let answer = change(fields).await;
        assert!(answer.text.contains("This is not your current password"), "{}", answer.text);
    }
    assert!(enters(&world, PASSWORD).await);
    let right = [("current", PASSWORD), ("password", NEW)];
    for _ in 0..5 {
        change(&[("current", "not this"), ("password", NEW)]).await;
    }
    assert_eq!(change(&right).await.status, 429, "it is guessed at no more than elsewhere");
    world.app.limits.forget();
    assert_eq!(change(&right).await.status, StatusCode::SEE_OTHER);
    assert!(enters(&world, NEW).await && !enters(&world, PASSWORD).await);
    // Whoever has none yet sets the first one.
    world.sql("UPDATE accounts_user SET password = '!' WHERE id = 2").await;
    assert!(!world.open_as(&ben, "/accounts/password/").await.text.contains("name=\"current\""));
    assert_eq!(change(&[("password", NEW)]).await.status, StatusCode::SEE_OTHER);
}

#[tokio::test]
async fn who_has_two_factors_proves_both() {
    let world = World::new().await;
    let (secret, codes, ben) = with_app(&world, 2, "ben").await;
    world.sql("UPDATE accounts_session SET proved_at = now() - interval '61 minutes'").await;
    let page = world.open_as(&ben, "/accounts/reauthenticate/").await.text;
    assert!(page.contains("name=\"password\"") && page.contains("name=\"code\""), "{page}");
    assert!(page.contains("action=\"/accounts/logout/\""), "there is a way out");
    let prove = async |fields: &[(&str, &str)]| {
        world.app.limits.forget();
        world.submit_as(&ben, "/accounts/reauthenticate/", &form(fields)).await
    };
    let code = totp::code_at(&secret, now_s());
    for fields in [
        &[("password", PASSWORD)][..],
        &[("code", code.as_str())],
        &[("password", "no"), ("code", code.as_str())],
        &[("password", PASSWORD), ("code", "000000")],
    ] {
        let answer = prove(fields).await;
        assert!(answer.text.contains("That is not right"), "{fields:?}: {}", answer.text);
    }
    let both = prove(&[("password", PASSWORD), ("code", &code)]).await;
    let proved = cookie(&both, "__Host-sid").unwrap();
    assert_eq!(world.open_as(&proved, "/accounts/tokens/").await.status, 200);
    // A recovery code stands for the app.
    world.sql("UPDATE accounts_session SET proved_at = now() - interval '61 minutes'").await;
    let fields = form(&[("password", PASSWORD), ("code", &codes[0])]);
    let answer = world.submit_as(&proved, "/accounts/reauthenticate/", &fields).await;
    assert!(cookie(&answer, "__Host-sid").is_some());
}

#[tokio::test]
async fn sessions_are_ended_by_a_program_after_a_fresh_proof_alone() {
    let world = World::new().await;
    world.user(2, "ben", (1, "manager")).await;
    let login =
        request("POST", "/api/v1/auth/login/").header(header::CONTENT_TYPE, "application/json");
    let body = json!({ "username": "ben", "password": PASSWORD }).to_string();
    let tokens = world.send(login.body(Body::from(body)).unwrap()).await.json();
    let token = format!("Bearer {}", tokens["access_token"].as_str().unwrap());
    world.session(2, ("localhost", 1)).await;
    let ask = async |method: &str, path: &str| {
        let asked = request(method, path).header(header::AUTHORIZATION, &token);
        world.send(asked.body(Body::empty()).unwrap()).await
    };
    let list = ask("GET", "/api/v1/auth/sessions/").await.json();
    let other =
        list["data"].as_array().unwrap().iter().find(|one| one["is_this"] == false).unwrap();
    let path = format!("/api/v1/auth/sessions/{}/", other["id"].as_str().unwrap());
    world.sql("UPDATE accounts_session SET proved_at = now() - interval '61 minutes'").await;
    let old = ask("DELETE", &path).await;
    assert_eq!((old.status.as_u16(), &old.json()["code"]), (403, &"step_up_required".into()));
    world.sql("UPDATE accounts_session SET proved_at = now()").await;
    assert_eq!(ask("DELETE", &path).await.status, 204);
    assert_eq!(many(&world, 2).await, 1);
}

#[tokio::test]
async fn who_changed_a_factor_is_offered_to_end_their_other_sessions() {
    let world = World::new().await;
    let (_, _, here) = with_app(&world, 2, "ben").await;
    let there = world.session(2, ("localhost", 2)).await;
    let offer = "action=\"/accounts/sessions/end-others/\"";
    let codes = world.submit_as(&here, "/accounts/2fa/recovery-codes/", "").await;
    assert!(codes.text.contains(offer), "{}", codes.text);
    for done in ["totp-removed", "passkey", "passkey-removed"] {
        let page = world.open_as(&here, &format!("/accounts/2fa/?done={done}")).await;
        assert!(page.text.contains(offer), "{done}");
    }
    assert!(!world.open_as(&here, "/accounts/2fa/").await.text.contains(offer));
    world.submit_as(&here, "/accounts/sessions/end-others/", "").await;
    assert_eq!(world.open_as(&there, "/affiliate/links/").await.status, StatusCode::SEE_OTHER);
    assert_eq!(world.open_as(&here, "/affiliate/links/").await.status, 200);
}

#[tokio::test]
async fn an_admin_ends_somebodys_sessions_and_changes_nothing_else() {
    let world = World::new().await;
    world.user(2, "ben", (1, "manager")).await;
    let ben = world.session(2, ("localhost", 1)).await;
    world.session(2, ("partner.localhost", 1)).await;
    let path = "/accounts/people/usr_2/sessions/end/";
    assert_eq!(world.submit_as(&ben, path, "").await.status, 403);
    let done = world.submit_as(&world.cookie, path, "").await;
    assert_eq!(done.headers[header::LOCATION], "/accounts/people/usr_2/?done=sessions-ended");
    assert_eq!(world.open_as(&ben, "/affiliate/links/").await.status, StatusCode::SEE_OTHER);
    assert_eq!(many(&world, 2).await, 1, "of this site's host alone");
    assert!(enters(&world, PASSWORD).await);
    for path in ["/accounts/people/usr_1/sessions/end/", "/accounts/people/usr_1/2fa/reset/"] {
        assert_eq!(world.submit_as(&world.cookie, path, "").await.status, 403, "not one's own");
    }
    for path in ["/accounts/people/usr_99/sessions/end/", "/accounts/people/usr_99/2fa/reset/"] {
        assert_eq!(world.submit_as(&world.cookie, path, "").await.status, 404, "{path}");
    }
}

#[tokio::test]
async fn an_admin_takes_lost_factors_away_and_everybody_is_told() {
    let world = World::new().await;
    let (_, codes, ben) = with_app(&world, 2, "ben").await;
    world
        .sql("INSERT INTO accounts_email (user_id, email, verified_at) VALUES (2, 'ben@home.example', now())")
        .await;
    let path = "/accounts/people/usr_2/2fa/reset/";
    assert_eq!(world.submit_as(&ben, path, "").await.status, 403);
    let person = world.open_as(&world.cookie, "/accounts/people/usr_2/").await.text;
    assert!(person.contains(path), "{person}");
    let done = world.submit_as(&world.cookie, path, "").await;
    assert_eq!(done.headers[header::LOCATION], "/accounts/people/usr_2/?done=factors-reset");
    assert_eq!(many(&world, 2).await, 0);
    let fields = form(&[("login", "ben"), ("password", PASSWORD)]);
    let in_again = world.submit_as("", "/accounts/login/", &fields).await;
    assert!(cookie(&in_again, "__Host-sid").is_some(), "by the password alone");
    for address in ["ben@example.org", "ben@home.example"] {
        let told = world.letters(address).await;
        assert!(told.iter().any(|letter| letter.contains("reset by an admin")), "{address}");
    }
    let left: i64 =
        sqlx::query_scalar("SELECT count(*) FROM accounts_recoverycode WHERE user_id = 2")
            .fetch_one(&world.owner)
            .await
            .unwrap();
    assert_eq!((left, codes.len()), (0, 10));
}

#[tokio::test]
async fn factors_of_somebody_of_other_sites_are_the_platforms_to_take_away() {
    let world = World::new().await;
    with_app(&world, 2, "ben").await;
    world
        .sql("INSERT INTO whitelabel_whitelabelsite (domain, name) VALUES ('partner.localhost', 'Partner');
              INSERT INTO accounts_membership (site_id, user_id, role) VALUES (2, 2, 'manager'), (2, 1, 'admin');")
        .await;
    world.app.hosts.load(&world.app.db).await.unwrap();
    let root = world.session(1, ("partner.localhost", 2)).await;
    let reset = Request::builder()
        .method("POST")
        .uri("/accounts/people/usr_2/2fa/reset/")
        .header(header::HOST, "partner.localhost:8080")
        .header(header::COOKIE, &root)
        .header("sec-fetch-site", "same-origin")
        .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded");
    assert_eq!(world.send(reset.body(Body::empty()).unwrap()).await.status, 403);
    let here = world.submit_as(&world.cookie, "/accounts/people/usr_2/2fa/reset/", "").await;
    assert_eq!(here.status, StatusCode::SEE_OTHER);
}
