//! Who runs a site: roles, invitations, suspension, looking through somebody's eyes, the audit log (threats 14 to 16, 36).

use axum::http::StatusCode;

use crate::{
    browser::{cookie, form},
    world::{PASSWORD, World},
};

const HOME: &str = "/accounts/people/";

async fn role(world: &World, user: i64) -> (String, Option<Vec<i64>>) {
    sqlx::query_as(
        "SELECT role, programs FROM accounts_membership WHERE site_id = 1 AND user_id = $1",
    )
    .bind(user)
    .fetch_one(&world.owner)
    .await
    .unwrap()
}

#[tokio::test]
async fn an_admin_makes_somebody_something_else_who_signs_in_anew() {
    let world = World::new().await.with_links().await;
    world.user(2, "ben", (1, "manager")).await;
    let ben = world.session(2, ("localhost", 1)).await;
    let change = async |fields: &[(&str, &str)]| {
        world.submit_as(&world.cookie, "/accounts/people/usr_2/", &form(fields)).await
    };
    for (fields, says) in [
        (&[("role", "root")][..], "not known here"),
        (&[("role", "advertiser")], "Something must stand here"),
        (&[("role", "manager"), ("programs", "prg_x")], "Choose one of the list"),
        (&[("role", "manager"), ("programs", "prg_999")], "Choose one of the list"),
    ] {
        assert!(change(fields).await.text.contains(says), "{fields:?}");
    }
    assert_eq!(role(&world, 2).await.0, "manager");
    assert_eq!(world.open_as(&ben, "/affiliate/affiliates/").await.status, 200);
    assert_eq!(
        change(&[("role", "advertiser"), ("programs", "prg_1, 2")]).await.status,
        StatusCode::SEE_OTHER
    );
    assert_eq!(role(&world, 2).await, ("advertiser".to_owned(), Some(vec![1, 2])));
    assert_eq!(
        world.open_as(&ben, "/affiliate/links/").await.status,
        StatusCode::SEE_OTHER,
        "the session of before is over"
    );
    let again = world.session(2, ("localhost", 1)).await;
    assert_eq!(world.open_as(&again, "/affiliate/affiliates/").await.status, 403);
    let log = world.open_as(&world.cookie, "/accounts/audit/?q=advertiser").await;
    assert!(
        log.text.contains("root changed role") && log.text.contains("role: manager → advertiser"),
        "{}",
        log.text
    );
}

#[tokio::test]
async fn nobody_changes_themselves_or_whom_they_do_not_see() {
    let world = World::new().await;
    world
        .sql("INSERT INTO whitelabel_whitelabelsite (id, domain) VALUES (2, 'partner.localhost')")
        .await;
    world.user(3, "theirs", (2, "manager")).await;
    let fields = form(&[("role", "affiliate"), ("affiliates", "aff_1")]);
    for (user, status) in [
        ("usr_1", 403),
        ("usr_3", 404),
        ("usr_999", 404),
        ("1", 404),
        ("usr_9223372036854775807", 404),
    ] {
        for path in ["", "suspend/", "impersonate/"] {
            let answer =
                world.submit_as(&world.cookie, &format!("{HOME}{user}/{path}"), &fields).await;
            let expected = if path.is_empty() && user == "usr_1" { 422 } else { status };
            assert!(
                [status, 200].contains(&answer.status.as_u16()) || answer.status == expected,
                "{user} {path}: {}",
                answer.status
            );
            assert_ne!(answer.status, StatusCode::SEE_OTHER, "{user} {path}");
        }
    }
    let theirs: String =
        sqlx::query_scalar("SELECT role FROM accounts_membership WHERE user_id = 3")
            .fetch_one(&world.owner)
            .await
            .unwrap();
    assert_eq!((role(&world, 1).await.0.as_str(), theirs.as_str()), ("admin", "manager"));
}

#[tokio::test]
async fn who_is_suspended_is_out_at_the_next_click_and_may_come_back() {
    let world = World::new().await;
    world.user(2, "ben", (1, "manager")).await;
    let ben = world.session(2, ("localhost", 1)).await;
    let suspend = async |active: &str| {
        world
            .submit_as(
                &world.cookie,
                "/accounts/people/usr_2/suspend/",
                &form(&[("active", active)]),
            )
            .await
    };
    assert_eq!(suspend("false").await.status, StatusCode::SEE_OTHER);
    assert_eq!(world.open_as(&ben, "/affiliate/links/").await.status, StatusCode::SEE_OTHER);
    let signed_in = world
        .submit_as("", "/accounts/login/", &form(&[("login", "ben"), ("password", PASSWORD)]))
        .await;
    let ben = cookie(&signed_in, "__Host-sid").unwrap();
    assert_eq!(
        world.open_as(&ben, "/affiliate/links/").await.status,
        403,
        "known, and nothing here"
    );
    assert_eq!(suspend("true").await.status, StatusCode::SEE_OTHER);
    assert_eq!(world.open_as(&ben, "/affiliate/links/").await.status, 200);
}

#[tokio::test]
async fn changing_people_wants_a_fresh_proof() {
    let world = World::new().await;
    world.user(2, "ben", (1, "manager")).await;
    world.sql("UPDATE accounts_session SET proved_at = now() - interval '61 minutes' WHERE user_id = 1").await;
    for path in ["", "usr_2/", "usr_2/suspend/", "usr_2/impersonate/", "invitations/1/revoke/"] {
        let answer = world
            .submit_as(&world.cookie, &format!("{HOME}{path}"), "role=analyst&email=x@example.org")
            .await;
        assert_eq!(answer.status, 403, "{path}");
        assert!(answer.text.contains("/accounts/reauthenticate/"), "{path}");
    }
    assert_eq!(role(&world, 2).await.0, "manager");
}

/// The token of the last letter to an address.
async fn invited(world: &World, email: &str) -> String {
    let letter = world.letters(email).await.pop().unwrap();
    letter
        .split("/accounts/invitation/?token=")
        .nth(1)
        .unwrap()
        .split_whitespace()
        .next()
        .unwrap()
        .to_owned()
}

#[tokio::test]
async fn somebody_new_accepts_an_invitation_and_is_what_they_were_asked_to_be() {
    let world = World::new().await.with_links().await;
    let wrong = world
        .submit_as(&world.cookie, HOME, &form(&[("email", "nobody"), ("role", "manager")]))
        .await;
    assert!(wrong.text.contains("As name@example.com"));
    let fields = form(&[("email", "zoe@example.org"), ("role", "manager"), ("programs", "prg_2")]);
    for _ in 0..2 {
        assert_eq!(
            world.submit_as(&world.cookie, HOME, &fields).await.status,
            StatusCode::SEE_OTHER
        );
    }
    assert!(world.open_as(&world.cookie, HOME).await.text.contains("zoe@example.org"));
    let letters = world.letters("zoe@example.org").await;
    let first = letters[0].split("?token=").nth(1).unwrap().split_whitespace().next().unwrap();
    assert_eq!(
        world.open_as("", &format!("/accounts/invitation/?token={first}")).await.status,
        404,
        "a newer one ends it"
    );
    let token = invited(&world, "zoe@example.org").await;
    let path = format!("/accounts/invitation/?token={token}");
    assert!(
        world
            .open_as("", &path)
            .await
            .text
            .contains("root invites zoe@example.org to Tributary, as: Manager")
    );
    let accept = async |password: &str| {
        world
            .submit_as(
                "",
                "/accounts/invitation/",
                &form(&[("token", &token), ("name", "Zoe"), ("password", password)]),
            )
            .await
    };
    assert!(accept("short").await.text.contains("too short"));
    let session = cookie(&accept("grape violin under eleven").await, "__Host-sid").unwrap();
    assert_eq!(world.open_as(&session, "/affiliate/programs/prg_2/").await.status, 200);
    assert_eq!(world.open_as(&session, "/affiliate/programs/prg_1/").await.status, 404);
    assert_eq!(accept("grape violin under eleven").await.status, 404, "once");
}

#[tokio::test]
async fn an_invitation_is_accepted_by_the_account_of_its_address_alone() {
    let world = World::new().await;
    world.user(2, "ben", (1, "affiliate")).await;
    world.user(3, "eve", (1, "affiliate")).await;
    world
        .submit_as(&world.cookie, HOME, &form(&[("email", "BEN@example.org"), ("role", "analyst")]))
        .await;
    let token = invited(&world, "BEN@example.org").await;
    let (ben, eve) =
        (world.session(2, ("localhost", 1)).await, world.session(3, ("localhost", 1)).await);
    let fields =
        form(&[("token", &token), ("name", "Eve"), ("password", "grape violin under eleven")]);
    for other in [eve.as_str(), ""] {
        let answer = world.submit_as(other, "/accounts/invitation/", &fields).await;
        assert!(cookie(&answer, "__Host-sid").is_none());
    }
    assert_eq!(
        (role(&world, 2).await.0, role(&world, 3).await.0),
        ("affiliate".to_owned(), "affiliate".to_owned())
    );
    assert_eq!(
        world.submit_as(&ben, "/accounts/invitation/", &form(&[("token", &token)])).await.status,
        StatusCode::SEE_OTHER
    );
    assert_eq!(role(&world, 2).await.0, "analyst");
}

#[tokio::test]
async fn an_invitation_that_was_taken_back_or_is_old_opens_nothing() {
    let world = World::new().await;
    for change in ["revoke", "UPDATE accounts_invitation SET expires_at = now()"] {
        world
            .submit_as(
                &world.cookie,
                HOME,
                &form(&[("email", "zoe@example.org"), ("role", "analyst")]),
            )
            .await;
        let token = invited(&world, "zoe@example.org").await;
        match change {
            "revoke" => {
                let id: i64 = sqlx::query_scalar("SELECT max(id) FROM accounts_invitation")
                    .fetch_one(&world.owner)
                    .await
                    .unwrap();
                let path = format!("{HOME}invitations/{id}/revoke/");
                assert_eq!(
                    world.submit_as(&world.cookie, &path, "").await.status,
                    StatusCode::SEE_OTHER
                );
                assert_eq!(world.submit_as(&world.cookie, &path, "").await.status, 404);
            }
            statement => world.sql(statement).await,
        }
        assert_eq!(
            world.open_as("", &format!("/accounts/invitation/?token={token}")).await.status,
            404,
            "{change}"
        );
    }
}

#[tokio::test]
async fn support_sees_what_somebody_sees_with_a_banner_and_a_trace_of_each_page_and_goes_back() {
    let world = World::new().await.with_links().await;
    world.user(2, "ben", (1, "affiliate")).await;
    world.user(4, "help", (1, "support")).await;
    world.user(5, "boss", (1, "admin")).await;
    let help = world.session(4, ("localhost", 2)).await;
    assert_eq!(world.submit_as(&help, "/accounts/people/usr_5/impersonate/", "").await.status, 403);
    let there = world.submit_as(&help, "/accounts/people/usr_2/impersonate/", "").await;
    let (session, own) =
        (cookie(&there, "__Host-sid").unwrap(), cookie(&there, "__Host-own").unwrap());
    let page = world.open_as(&session, "/affiliate/links/").await;
    assert!(
        page.text.contains("You see what ben sees") && !page.text.contains("three"),
        "Ben's links alone"
    );
    assert_eq!(world.submit_as(&session, "/affiliate/links/", "").await.status, 403);
    assert_eq!(world.open_as(&session, "/accounts/people/").await.status, 403);
    let told: Vec<(i64, String)> = sqlx::query_as(
        "SELECT user_id, kind FROM accounts_securityevent WHERE kind IN ('impersonated', 'impersonates', 'looked_at') ORDER BY id",
    )
    .fetch_all(&world.owner)
    .await
    .unwrap();
    let kinds: Vec<(i64, &str)> = told.iter().map(|(user, kind)| (*user, kind.as_str())).collect();
    assert_eq!(kinds[..3], [(2, "impersonated"), (4, "impersonates"), (2, "looked_at")]);
    let both = format!("{session}; {own}");
    let back = world.submit_as(&both, "/accounts/impersonation/end/", "").await;
    assert_eq!(cookie(&back, "__Host-sid").unwrap(), help);
    assert_eq!(world.open_as(&session, "/affiliate/links/").await.status, StatusCode::SEE_OTHER);
    assert_eq!(world.open_as(&help, "/accounts/people/").await.status, 200);
    assert_eq!(world.submit_as(&help, "/accounts/impersonation/end/", "").await.status, 403);
}

#[tokio::test]
async fn the_log_shows_what_a_script_in_a_name_was_and_never_a_secret() {
    let world = World::new().await;
    world.post("/api/v1/affiliate/affiliates/", r#"{"name":"<script>alert(1)</script>"}"#).await;
    world
        .submit_as(&world.cookie, HOME, &form(&[("email", "zoe@example.org"), ("role", "analyst")]))
        .await;
    let log = world.open_as(&world.cookie, "/accounts/audit/").await;
    assert!(log.text.contains("&#60;script&#62;") && !log.text.contains("<script>alert"));
    assert!(log.text.contains("zoe@example.org") && !log.text.contains("token_hash"));
    for q in ["%00", "'; DROP TABLE x; --", "%25"] {
        let answer = world
            .open_as(&world.cookie, &format!("/accounts/audit/?q={}", q.replace(' ', "+")))
            .await;
        assert!([200, 400].contains(&answer.status.as_u16()), "{q}");
    }
}
