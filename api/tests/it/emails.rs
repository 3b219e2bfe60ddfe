//! Several addresses of a person (security.md, threats 4 and 5; ASVS 6.3.7).

use axum::http::{StatusCode, header};

use crate::{
    browser::{code, cookie, form, later, link, token},
    world::{Answer, PASSWORD, World},
};

const CONFIRM: &str = "/accounts/email/confirm/";

async fn add(world: &World, session: &str, email: &str) -> Answer {
    world.submit_as(session, "/accounts/email/", &form(&[("email", email)])).await
}

/// Ben, who is signed in, and a second address of his.
async fn with_two(world: &World) -> String {
    world.user(2, "ben", (1, "manager")).await;
    let ben = world.session(2, ("localhost", 1)).await;
    let asked = add(world, &ben, "ben@home.example").await;
    assert_eq!(asked.headers[header::LOCATION], CONFIRM);
    let both = format!("{ben}; {}", cookie(&asked, "__Host-flow").unwrap());
    let letter = world.letters("ben@home.example").await.remove(0);
    let done = world.submit_as(&both, CONFIRM, &form(&[("code", &code(&letter))])).await;
    assert_eq!(done.headers[header::LOCATION], "/accounts/email/?done=added");
    ben
}

async fn enters(world: &World, login: &str) -> bool {
    let fields = form(&[("login", login), ("password", PASSWORD)]);
    cookie(&world.submit_as("", "/accounts/login/", &fields).await, "__Host-sid").is_some()
}

#[tokio::test]
async fn a_further_address_counts_once_its_code_was_typed() {
    let world = World::new().await;
    let ben = with_two(&world).await;
    let page = world.open_as(&ben, "/accounts/email/").await.text;
    assert!(page.contains("ben@home.example") && page.contains("Mails go here"), "{page}");
    assert!(enters(&world, "BEN@home.example").await, "one signs in with each");
    let told = world.letters("ben@example.org").await;
    assert!(told.iter().any(|letter| letter.contains("Address added")), "{told:?}");
    // A forgotten password may be asked for by each, too.
    let ask = form(&[("email", "ben@home.example")]);
    later(&world);
    world.submit_as("", "/accounts/password/reset/", &ask).await;
    let reset = world.letters("ben@home.example").await.pop().unwrap();
    assert!(link(&reset).starts_with("/accounts/password/reset/confirm/"), "{reset}");
}

#[tokio::test]
async fn the_first_address_changes_and_the_one_before_is_told() {
    let world = World::new().await;
    let ben = with_two(&world).await;
    later(&world);
    world.submit_as("", "/accounts/password/reset/", &form(&[("email", "ben@example.org")])).await;
    let reset = world.letters("ben@example.org").await.pop().unwrap();
    let id: i64 =
        sqlx::query_scalar("SELECT id FROM accounts_email").fetch_one(&world.owner).await.unwrap();
    let first = format!("/accounts/email/{id}/first/");
    let done = world.submit_as(&ben, &first, "").await;
    assert_eq!(done.headers[header::LOCATION], "/accounts/email/?done=first");
    let now: String = sqlx::query_scalar("SELECT email FROM accounts_user WHERE id = 2")
        .fetch_one(&world.owner)
        .await
        .unwrap();
    assert_eq!(now, "ben@home.example");
    for address in ["ben@home.example", "ben@example.org"] {
        let told = world.letters(address).await;
        assert!(told.iter().any(|letter| letter.contains("First address changed")), "{address}");
    }
    assert_eq!(world.open_as("", &link(&reset)).await.status, 404, "links of before are dead");
    assert!(enters(&world, "ben@example.org").await && enters(&world, "ben@home.example").await);
    // And it can be taken away; what is nobody's own cannot.
    let id: i64 =
        sqlx::query_scalar("SELECT id FROM accounts_email").fetch_one(&world.owner).await.unwrap();
    let remove = format!("/accounts/email/{id}/remove/");
    assert_eq!(world.submit_as(&world.cookie, &remove, "").await.status, 404);
    assert_eq!(
        world.submit_as(&ben, &remove, "").await.headers[header::LOCATION],
        "/accounts/email/?done=removed"
    );
    assert!(!enters(&world, "ben@example.org").await);
    for path in ["/accounts/email/x/first/", "/accounts/email/999/remove/"] {
        assert_eq!(world.submit_as(&ben, path, "").await.status, 404, "{path}");
    }
}

#[tokio::test]
async fn an_address_of_somebody_else_looks_like_a_new_one_and_adds_nothing() {
    let world = World::new().await;
    let ben = with_two(&world).await;
    world.user(3, "zoe", (1, "manager")).await;
    let zoe = world.session(3, ("localhost", 1)).await;
    later(&world);
    for email in ["ben@example.org", "BEN@home.example", "new@example.org"] {
        let asked = add(&world, &zoe, email).await;
        assert_eq!(
            (asked.status, &asked.headers[header::LOCATION]),
            (StatusCode::SEE_OTHER, &CONFIRM.parse().unwrap()),
            "{email}"
        );
    }
    let told = world.letters("ben@example.org").await;
    assert!(told.iter().any(|letter| letter.contains("An account has it already")), "{told:?}");
    // Two ask for one address; who is quicker has it.
    later(&world);
    let asked = add(&world, &ben, "new@example.org").await;
    let letters = world.letters("new@example.org").await;
    let bens = format!("{ben}; {}", cookie(&asked, "__Host-flow").unwrap());
    let taken = form(&[("code", &code(&letters[1]))]);
    assert_eq!(world.submit_as(&bens, CONFIRM, &taken).await.status, StatusCode::SEE_OTHER);
    let late = world.submit_as(&zoe, CONFIRM, &form(&[("token", &token(&letters[0]))])).await;
    assert!(late.status == 200 && late.text.contains("This is taken already"), "{}", late.text);
    // A link is its asker's alone.
    later(&world);
    add(&world, &zoe, "zoe@home.example").await;
    let letter = world.letters("zoe@home.example").await.remove(0);
    assert_eq!(world.open_as(&ben, &link(&letter)).await.status, 404);
    assert_eq!(world.open_as("", &link(&letter)).await.status, StatusCode::SEE_OTHER);
    let page = world.open_as(&zoe, &link(&letter)).await.text;
    assert!(page.contains("zoe@home.example is yours here"), "{page}");
    // Nobody signs up under an address that stands in second place either.
    let fields = form(&[
        ("email", "new@example.org"),
        ("name", ""),
        ("password", "grape violin under eleven"),
    ]);
    later(&world);
    world.submit_as("", "/accounts/signup/", &fields).await;
    let many: i64 = sqlx::query_scalar("SELECT count(*) FROM accounts_user")
        .fetch_one(&world.owner)
        .await
        .unwrap();
    assert_eq!(many, 3);
}

#[tokio::test]
async fn what_is_no_address_is_told_at_its_field() {
    let world = World::new().await;
    world.user(2, "ben", (1, "manager")).await;
    let ben = world.session(2, ("localhost", 1)).await;
    for (email, says) in [
        ("", "As name@example.com"),
        ("no address", "As name@example.com"),
        ("a@b.example\r\nBcc: x@y.example", "As name@example.com"),
        ("Ben@Example.org", "This is taken already"),
    ] {
        let answer = add(&world, &ben, email).await;
        assert!(answer.status == 200 && answer.text.contains(says), "{email}: {}", answer.text);
    }
    let before = "UPDATE accounts_session SET proved_at = now() - interval '2 hours'";
    world.sql(before).await;
    assert_eq!(add(&world, &ben, "ben@home.example").await.status, 403, "a proof is too old");
}
