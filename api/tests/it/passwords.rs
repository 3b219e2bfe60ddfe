//! What a password is here (ASVS 6.2 to 6.4): how it is typed, that it counts to the last byte and does not age, that
//! nobody has one from the start, and that a new one goes around nothing.

use api::accounts::totp;
use axum::http::header;
use migrations::testing::{Postgres, Role};

use crate::{
    browser::{cookie, form, later, link, token},
    factors::{now_s, second, with_app},
    world::{PASSWORD, World},
};

/// Whether somebody comes in by a password alone.
async fn enters(world: &World, login: &str, password: &str) -> bool {
    world.app.limits.forget();
    let fields = form(&[("login", login), ("password", password)]);
    cookie(&world.submit_as("", "/accounts/login/", &fields).await, "__Host-sid").is_some()
}

#[tokio::test]
async fn a_password_is_masked_and_managers_may_fill_it_in() {
    let world = World::new().await;
    world.user(2, "ben", (1, "manager")).await;
    let ben = world.session(2, ("localhost", 1)).await;
    world.submit_as("", "/accounts/password/reset/", &form(&[("email", "ben@example.org")])).await;
    let reset = link(&world.letters("ben@example.org").await[0]);
    for (cookie, path, filled_by) in [
        ("", "/accounts/login/", "current-password"),
        ("", "/accounts/signup/", "new-password"),
        (&*ben, "/accounts/password/", "new-password"),
        (&*ben, "/accounts/reauthenticate/", "current-password"),
        ("", &*reset, "new-password"),
    ] {
        let page = world.open_as(cookie, path).await.text;
        let tag = page.split("<input ").find(|tag| tag.contains(" name=\"password\"")).unwrap();
        let tag = tag.split('>').next().unwrap();
        assert!(tag.contains(" type=\"password\""), "{path}: {tag}");
        assert!(tag.contains(&format!(" autocomplete=\"{filled_by}\"")), "{path}: {tag}");
        // Nothing cuts off what is pasted.
        assert!(!tag.contains("maxlength") && !tag.contains("onpaste"), "{path}: {tag}");
    }
}

#[tokio::test]
async fn a_password_counts_to_the_last_byte_as_it_was_typed() {
    let world = World::new().await;
    world.user(2, "ben", (1, "manager")).await;
    let here = world.session(2, ("localhost", 1)).await;
    let long =
        "seven orbits of a plum kettle, told at length to nobody in particular by the grey canal";
    let mut current = PASSWORD;
    for chosen in [" Seven Orbits  of a kettle ", "Grünes Fahrrad am Kanal", long] {
        let fields = form(&[("current", current), ("password", chosen)]);
        let set = world.submit_as(&here, "/accounts/password/", &fields).await;
        assert_eq!(set.status, 303, "{chosen}: {}", set.text);
        assert!(enters(&world, "ben", chosen).await, "{chosen}");
        let last = chosen.char_indices().last().unwrap().0;
        let (lower, more) = (chosen.to_lowercase(), format!("{chosen} "));
        for other in [chosen.trim(), &lower, &chosen[..last], &more] {
            assert!(other == chosen || !enters(&world, "ben", other).await, "{other}");
        }
        current = chosen;
    }
}

#[tokio::test]
async fn a_password_of_ten_years_ago_is_still_one() {
    let world = World::new().await;
    world.user(2, "ben", (1, "manager")).await;
    world
        .sql("UPDATE accounts_user SET password_changed_at = now() - interval '10 years' WHERE id = 2")
        .await;
    let fields = [("login", "ben"), ("password", PASSWORD), ("next", "/affiliate/stats/")];
    let answer = world.submit_as("", "/accounts/login/", &form(&fields)).await;
    assert_eq!(answer.headers[header::LOCATION], "/affiliate/stats/");
    let session = cookie(&answer, "__Host-sid").unwrap();
    assert_eq!(world.open_as(&session, "/affiliate/stats/").await.status, 200);
}

#[tokio::test]
async fn a_new_password_by_mail_is_not_enough_for_who_has_an_app() {
    let world = World::new().await;
    let (secret, ..) = with_app(&world, 2, "ben").await;
    later(&world);
    world.submit_as("", "/accounts/password/reset/", &form(&[("email", "ben@example.org")])).await;
    let letter = world.letters("ben@example.org").await.pop().unwrap();
    let new = "seven orbits of a kettle";
    let fields = form(&[("token", &token(&letter)), ("password", new)]);
    let done = world.submit_as("", "/accounts/password/reset/confirm/", &fields).await;
    assert_eq!(done.headers[header::LOCATION], "/accounts/login/?done=password");
    assert_eq!(cookie(&done, "__Host-sid"), None);
    let fields = form(&[("login", "ben"), ("password", new)]);
    let asked = world.submit_as("", "/accounts/login/", &fields).await;
    assert_eq!(asked.headers[header::LOCATION], "/accounts/login/2fa/");
    assert_eq!(cookie(&asked, "__Host-sid"), None);
    let flow = cookie(&asked, "__Host-flow").unwrap();
    let right = second(&world, &flow, &totp::code_at(&secret, now_s())).await;
    assert!(cookie(&right, "__Host-sid").is_some());
}

#[tokio::test]
async fn a_new_installation_has_nobody_in_it() {
    let postgres = Postgres::fresh().await;
    let known: i64 = sqlx::query_scalar(
        "SELECT (SELECT count(*) FROM accounts_user) + (SELECT count(*) FROM accounts_token)
             + (SELECT count(*) FROM accounts_session) + (SELECT count(*) FROM accounts_membership)",
    )
    .fetch_one(&postgres.pool(Role::Owner).await)
    .await
    .unwrap();
    assert_eq!(known, 0);
    // Whoever never chose a password has none: nothing that is typed is it.
    let world = World::new().await;
    world
        .sql(
            "INSERT INTO accounts_user (username, email, email_verified_at)
             VALUES ('operator', 'operator@localhost', now())",
        )
        .await;
    for password in ["!", "", "operator", "admin"] {
        assert!(!enters(&world, "operator", password).await, "{password}");
    }
}

#[tokio::test]
async fn nobody_is_asked_for_a_hint_or_a_question() {
    let world = World::new().await;
    let columns: Vec<String> = sqlx::query_scalar(
        r"SELECT table_name || '.' || column_name FROM information_schema.columns
          WHERE table_name LIKE 'accounts\_%' AND column_name ~ '(hint|question|answer|birth|maiden)'",
    )
    .fetch_all(&world.owner)
    .await
    .unwrap();
    assert!(columns.is_empty(), "{columns:?}");
}
