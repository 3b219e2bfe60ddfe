//! Second factors, fresh proofs, sessions and tokens of one's own (security.md, threats 3, 4, 7, 8, 16, 35, 36).

use api::accounts::totp;
use axum::{
    body::Body,
    http::{StatusCode, header},
};
use data_encoding::BASE32_NOPAD;

use crate::{
    browser::{cookie, form},
    world::{Answer, PASSWORD, World, now_ms, request},
};

pub(crate) fn now_s() -> u64 {
    now_ms() as u64 / 1000
}

/// Somebody with an app, by the pages; gives the app's secret, the recovery codes and the session.
pub(crate) async fn with_app(world: &World, id: i64, name: &str) -> (Vec<u8>, Vec<String>, String) {
    world.user(id, name, (1, "manager")).await;
    let before = world.session(id, ("localhost", 1)).await;
    let page = world.open_as(&before, "/accounts/2fa/totp/").await;
    let typed =
        page.text.split("data-copy=\"").nth(1).unwrap().split('"').next().unwrap().to_owned();
    let secret = BASE32_NOPAD.decode(typed.as_bytes()).unwrap();
    let wrong = world.submit_as(&before, "/accounts/2fa/totp/", "code=000000").await;
    assert!(wrong.text.contains("This code is not right"), "{}", wrong.text);
    // Of the step before, so that those of now are left for the tests.
    let code = totp::code_at(&secret, now_s() - 30);
    let done = world.submit_as(&before, "/accounts/2fa/totp/", &form(&[("code", &code)])).await;
    let after = cookie(&done, "__Host-sid").unwrap();
    assert_ne!(before, after, "a session with another factor has another secret");
    assert_eq!(world.open_as(&before, "/accounts/2fa/").await.status, StatusCode::SEE_OTHER);
    let codes = done
        .text
        .split("<li><code>")
        .skip(1)
        .map(|part| part.split('<').next().unwrap().to_owned());
    (secret, codes.collect(), after)
}

/// What a right password leads to: the cookie of the step that waits for the second factor.
async fn password(world: &World, name: &str) -> String {
    let fields = form(&[("login", name), ("password", PASSWORD), ("next", "/affiliate/stats/")]);
    let answer = world.submit_as("", "/accounts/login/", &fields).await;
    assert_eq!(answer.headers[header::LOCATION], "/accounts/login/2fa/");
    assert_eq!(cookie(&answer, "__Host-sid"), None, "nobody is in yet");
    cookie(&answer, "__Host-flow").unwrap()
}

/// A code, as it is typed at that step.
pub(crate) async fn second(world: &World, flow: &str, code: &str) -> Answer {
    world.submit_as(flow, "/accounts/login/2fa/", &form(&[("code", code)])).await
}

#[tokio::test]
async fn a_password_alone_is_not_enough_for_who_has_an_app() {
    let world = World::new().await;
    let (secret, codes, _) = with_app(&world, 2, "ben").await;
    assert_eq!(codes.len(), 10);
    let flow = password(&world, "ben").await;
    assert_eq!(world.open_as(&flow, "/affiliate/stats/").await.status, StatusCode::SEE_OTHER);
    assert!(second(&world, &flow, "123456").await.text.contains("This code is not right"));
    let code = totp::code_at(&secret, now_s());
    let answer = second(&world, &flow, &code).await;
    assert_eq!(answer.headers[header::LOCATION], "/affiliate/stats/");
    let session = cookie(&answer, "__Host-sid").unwrap();
    assert_eq!(world.open_as(&session, "/affiliate/stats/").await.status, 200);
    // The step is over: neither it nor the code of it signs in again.
    assert_eq!(second(&world, &flow, &code).await.headers[header::LOCATION], "/accounts/login/");
    let flow = password(&world, "ben").await;
    assert!(second(&world, &flow, &code).await.text.contains("This code is not right"));
    assert!(second(&world, &flow, &codes[3]).await.headers.contains_key(header::LOCATION));
    let flow = password(&world, "ben").await;
    assert!(second(&world, &flow, &codes[3]).await.text.contains("This code is not right"));
}

#[tokio::test]
async fn of_many_guesses_of_a_code_five_are_looked_at() {
    let world = World::new().await;
    let (secret, ..) = with_app(&world, 2, "ben").await;
    let flow = password(&world, "ben").await;
    // The wrong one while it was set up was counted as well.
    let mut limited = 0;
    for n in 0..20 {
        let answer = second(&world, &flow, &format!("{n:06}")).await;
        limited += u32::from(answer.status == 429);
    }
    assert_eq!(limited, 16);
    let right = totp::code_at(&secret, now_s());
    assert_eq!(second(&world, &flow, &right).await.status, 429);
    let told: Vec<String> = sqlx::query_scalar(
        "SELECT DISTINCT kind FROM accounts_securityevent WHERE user_id = 2 ORDER BY kind",
    )
    .fetch_all(&world.owner)
    .await
    .unwrap();
    assert!(
        told.contains(&"second_factor_limited".to_owned())
            && told.contains(&"second_factor_failed".to_owned())
    );
}

#[tokio::test]
async fn a_code_of_another_person_or_another_step_opens_nothing() {
    let world = World::new().await;
    let (_, codes, _) = with_app(&world, 2, "ben").await;
    let (secret, ..) = with_app(&world, 3, "zoe").await;
    let flow = password(&world, "zoe").await;
    assert!(second(&world, &flow, &codes[0]).await.text.contains("This code is not right"));
    // A flow somebody made up, or of another host.
    let planted = format!("__Host-flow={}", "A".repeat(43));
    let code = totp::code_at(&secret, now_s());
    assert_eq!(second(&world, &planted, &code).await.headers[header::LOCATION], "/accounts/login/");
    world.sql("UPDATE accounts_pending SET host = 'partner.localhost'").await;
    assert_eq!(second(&world, &flow, &code).await.headers[header::LOCATION], "/accounts/login/");
}

#[tokio::test]
async fn the_secret_of_an_app_is_sealed_and_opens_for_its_owner_alone() {
    let world = World::new().await;
    let (secret, ..) = with_app(&world, 2, "ben").await;
    let kept: Vec<u8> = sqlx::query_scalar("SELECT secret FROM accounts_totp WHERE user_id = 2")
        .fetch_one(&world.owner)
        .await
        .unwrap();
    assert!(!kept.windows(secret.len()).any(|part| part == secret));
    assert_eq!(world.app.seal.open("accounts_totp.secret/2", &kept), Ok(secret));
    assert!(world.app.seal.open("accounts_totp.secret/3", &kept).is_err());
}

#[tokio::test]
async fn what_lets_somebody_in_is_changed_after_a_fresh_proof_alone() {
    let world = World::new().await;
    world.user(2, "ben", (1, "manager")).await;
    let session = world.session(2, ("localhost", 1)).await;
    world.sql("UPDATE accounts_session SET proved_at = now() - interval '61 minutes' WHERE user_id = 2").await;
    for path in
        ["/accounts/2fa/", "/accounts/password/", "/accounts/tokens/", "/accounts/2fa/totp/"]
    {
        let answer = world.open_as(&session, path).await;
        let location = answer.headers[header::LOCATION].to_str().unwrap();
        assert!(
            location.starts_with("/accounts/reauthenticate/?next=%2Faccounts%2F"),
            "{path}: {location}"
        );
    }
    for path in [
        "/accounts/password/",
        "/accounts/tokens/",
        "/accounts/2fa/recovery-codes/",
        "/accounts/2fa/totp/remove/",
    ] {
        let answer = world.submit_as(&session, path, "password=another+long+story+of+plums").await;
        assert_eq!(answer.status, 403, "{path}");
    }
    let wrong = world.submit_as(&session, "/accounts/reauthenticate/", "password=no").await;
    assert!(wrong.text.contains("That is not right"));
    let fields = form(&[("password", PASSWORD), ("next", "/accounts/tokens/")]);
    let right = world.submit_as(&session, "/accounts/reauthenticate/", &fields).await;
    assert_eq!(right.headers[header::LOCATION], "/accounts/tokens/");
    let renewed = cookie(&right, "__Host-sid").unwrap();
    assert_ne!(renewed, session);
    assert_eq!(
        world.open_as(&session, "/accounts/tokens/").await.headers[header::LOCATION],
        "/accounts/login/?next=%2Faccounts%2Ftokens%2F"
    );
    assert_eq!(world.open_as(&renewed, "/accounts/tokens/").await.status, 200);
    for _ in 0..4 {
        world.submit_as(&renewed, "/accounts/reauthenticate/", "password=no").await;
    }
    assert_eq!(world.submit_as(&renewed, "/accounts/reauthenticate/", &fields).await.status, 429);
}

#[tokio::test]
async fn a_new_password_ends_what_its_owner_wishes() {
    let world = World::new().await;
    world.user(2, "ben", (1, "manager")).await;
    let (here, there) =
        (world.session(2, ("localhost", 1)).await, world.session(2, ("localhost", 1)).await);
    for (password, says) in [
        ("short", "This is too short"),
        ("affiliate2026", "easily guessed"),
        ("ben@example.org", "easily guessed"),
        ("a\0b kettle orbit seven plum", "Only characters"),
    ] {
        let answer = world
            .submit_as(
                &here,
                "/accounts/password/",
                &form(&[("current", PASSWORD), ("password", password)]),
            )
            .await;
        assert!(answer.text.contains(says), "{password}");
    }
    let megabyte = form(&[("password", &"a".repeat(1 << 20))]);
    assert_eq!(world.submit_as(&here, "/accounts/password/", &megabyte).await.status, 413);
    let fields =
        form(&[("current", PASSWORD), ("password", "seven orbits of a kettle"), ("others", "on")]);
    assert_eq!(
        world.submit_as(&here, "/accounts/password/", &fields).await.status,
        StatusCode::SEE_OTHER
    );
    assert_eq!(world.open_as(&there, "/affiliate/links/").await.status, StatusCode::SEE_OTHER);
    assert_eq!(world.open_as(&here, "/affiliate/links/").await.status, 200);
    let old = form(&[("login", "ben"), ("password", PASSWORD)]);
    assert_eq!(world.submit_as("", "/accounts/login/", &old).await.status, 200);
    let new = form(&[("login", "ben"), ("password", "seven orbits of a kettle")]);
    assert_eq!(world.submit_as("", "/accounts/login/", &new).await.status, StatusCode::SEE_OTHER);
}

#[tokio::test]
async fn somebody_ends_their_own_sessions_and_no_others() {
    let world = World::new().await;
    world.user(2, "ben", (1, "manager")).await;
    let (here, there) =
        (world.session(2, ("localhost", 1)).await, world.session(2, ("localhost", 1)).await);
    let ids: Vec<i64> = sqlx::query_scalar("SELECT id FROM accounts_session ORDER BY id")
        .fetch_all(&world.owner)
        .await
        .unwrap();
    assert_eq!(
        world.submit_as(&here, &format!("/accounts/sessions/{}/end/", ids[0]), "").await.status,
        404
    );
    assert_eq!(world.submit_as(&here, "/accounts/sessions/x/end/", "").await.status, 404);
    assert_eq!(
        world.submit_as(&here, &format!("/accounts/sessions/{}/end/", ids[2]), "").await.status,
        StatusCode::SEE_OTHER
    );
    assert_eq!(world.open_as(&there, "/affiliate/links/").await.status, StatusCode::SEE_OTHER);
    assert_eq!(world.open_as(&world.cookie, "/affiliate/links/").await.status, 200);
    let log = world.open_as(&here, "/accounts/security-log/").await;
    assert!(log.text.contains("A session ended"));
}

#[tokio::test]
async fn a_token_is_shown_once_and_its_owner_ends_it() {
    let world = World::new().await;
    world.user(2, "ben", (1, "manager")).await;
    let session = world.session(2, ("localhost", 1)).await;
    for (fields, says) in [
        (form(&[("name", ""), ("days", "90")]), "Something must stand here"),
        (form(&[("name", "x"), ("days", "9999")]), "not known here"),
    ] {
        assert!(world.submit_as(&session, "/accounts/tokens/", &fields).await.text.contains(says));
    }
    let made = world
        .submit_as(&session, "/accounts/tokens/", &form(&[("name", "Weekly <b>"), ("days", "30")]))
        .await;
    let token =
        made.text.split("data-copy=\"").nth(1).unwrap().split('"').next().unwrap().to_owned();
    assert!(token.starts_with("trb_") && token.len() == 47);
    assert!(made.text.contains("Weekly &#60;b&#62;"));
    let ask = async |method: &str| {
        let asked = request(method, "/api/v1/affiliate/affiliates/")
            .header(header::AUTHORIZATION, format!("Bearer {token}"))
            .header(header::CONTENT_TYPE, "application/json");
        world.send(asked.body(Body::from(r#"{"name":"Anna"}"#)).unwrap()).await.status.as_u16()
    };
    assert_eq!((ask("GET").await, ask("POST").await), (200, 403));
    assert!(!world.open_as(&session, "/accounts/tokens/").await.text.contains(&token));
    let id: i64 = sqlx::query_scalar("SELECT id FROM accounts_token WHERE user_id = 2")
        .fetch_one(&world.owner)
        .await
        .unwrap();
    assert_eq!(
        world.submit_as(&world.cookie, &format!("/accounts/tokens/{id}/revoke/"), "").await.status,
        404
    );
    assert_eq!(
        world.submit_as(&session, &format!("/accounts/tokens/{id}/revoke/"), "").await.status,
        StatusCode::SEE_OTHER
    );
    assert_eq!(ask("GET").await, 401);
    // A token opens none of its owner's own pages.
    let asked = request("GET", "/accounts/tokens/")
        .header(header::AUTHORIZATION, format!("Bearer {}", crate::world::TOKEN));
    assert_eq!(world.send(asked.body(Body::empty()).unwrap()).await.status, 403);
}

#[tokio::test]
async fn who_looks_through_anothers_eyes_changes_nothing_and_sees_no_secret() {
    let world = World::new().await.with_links().await;
    world.user(2, "ben", (1, "manager")).await;
    let session = world.session(2, ("localhost", 2)).await;
    world.sql("UPDATE accounts_session SET impersonator_id = 1 WHERE user_id = 2").await;
    assert_eq!(world.open_as(&session, "/affiliate/links/").await.status, 200);
    for path in [
        "/accounts/profile/",
        "/accounts/tokens/",
        "/accounts/2fa/",
        "/accounts/password/",
        "/accounts/sessions/",
        "/accounts/security-log/",
    ] {
        assert_eq!(world.open_as(&session, path).await.status, 403, "{path}");
    }
    for path in [
        "/affiliate/links/",
        "/affiliate/programs/prg_1/token/",
        "/affiliate/affiliates/",
        "/accounts/profile/",
    ] {
        assert_eq!(world.submit_as(&session, path, "name=x").await.status, 403, "{path}");
    }
    assert_eq!(
        world.submit_as(&session, "/accounts/logout/", "").await.status,
        StatusCode::SEE_OTHER
    );
}

#[tokio::test]
async fn the_first_link_makes_one_admin_and_then_nothing() {
    let world = World::new().await;
    world.sql("DELETE FROM accounts_token; DELETE FROM accounts_membership").await;
    let setup = api::accounts::secret::Secret::new().unwrap();
    let token = setup.text().to_owned();
    let world = world.with_app(|app| app.setup = Some(setup));
    let path = format!("/accounts/setup/?token={token}");
    assert_eq!(world.open_as("", "/accounts/setup/?token=x").await.status, 404);
    assert_eq!(world.open_as("", &path).await.status, 200);
    let fields = |email: &str| {
        form(&[("token", &token), ("email", email), ("name", "Eve"), ("password", PASSWORD)])
    };
    let wrong = world.submit_as("", "/accounts/setup/", &fields("no address")).await;
    assert!(wrong.text.contains("As name@example.com"), "{}", wrong.text);
    let (one, other) = (fields("one@example.org"), fields("other@example.org"));
    let (one, other) = tokio::join!(
        world.submit_as("", "/accounts/setup/", &one),
        world.submit_as("", "/accounts/setup/", &other)
    );
    let mut statuses = [one.status.as_u16(), other.status.as_u16()];
    statuses.sort_unstable();
    assert_eq!(statuses, [303, 404]);
    assert_eq!(world.open_as("", &path).await.status, 404);
    let admins: i64 =
        sqlx::query_scalar("SELECT count(*) FROM accounts_membership WHERE role = 'admin'")
            .fetch_one(&world.owner)
            .await
            .unwrap();
    assert_eq!(admins, 1);
}
