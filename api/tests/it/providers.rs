//! Coming in by another house (ASVS 6.8, 10.5; RFC 9700, 9207): against an issuer of our own.

use api::accounts::providers::Providers;
use axum::{
    body::Body,
    http::{StatusCode, header},
};
use serde_json::{Value, json};
use std::collections::HashMap;

use crate::{
    browser::{cookie, form},
    house::{House, Visit},
    world::{Answer, World, now_ms, request},
};

/// A service that knows the house, by OpenID Connect and as a GitHub server.
async fn world() -> (World, House) {
    let house = House::open().await;
    let file = tempfile::NamedTempFile::new().unwrap();
    let told = json!([
        { "name": "house", "label": "The House", "issuer": house.url, "client_id": "client", "client_secret": "hush" },
        { "name": "github", "label": "GitHub", "github": house.url, "client_id": "client", "client_secret": "hush" },
        { "name": "gone", "label": "Gone", "issuer": "http://127.0.0.1:1", "client_id": "client", "client_secret": "hush" },
    ]);
    std::fs::write(file.path(), told.to_string()).unwrap();
    let world = World::new().await;
    let world = world.with_app(|app| app.providers = Providers::load(Some(file.path())).unwrap());
    (world, house)
}

/// What the browser was sent away with.
struct Gone {
    flow: String,
    asked: HashMap<String, String>,
}

/// A link, followed on a page of this or another site.
async fn open_from(world: &World, session: &str, path: &str, from: &str) -> Answer {
    let asked = request("GET", path)
        .header(header::COOKIE, session)
        .header(header::ACCEPT, "text/html")
        .header("sec-fetch-site", from);
    world.send(asked.body(Body::empty()).unwrap()).await
}

async fn go(world: &World, session: &str, path: &str) -> Gone {
    let answer = open_from(world, session, path, "same-origin").await;
    assert_eq!(answer.status, StatusCode::SEE_OTHER, "{}", answer.text);
    let url: url::Url = answer.headers[header::LOCATION].to_str().unwrap().parse().unwrap();
    Gone {
        flow: cookie(&answer, "__Host-flow").unwrap(),
        asked: url.query_pairs().into_owned().collect(),
    }
}

/// Says what a good house would, and changes of it.
fn claims(house: &House, gone: &Gone, changes: &Value) -> Value {
    let now = now_ms() / 1000;
    let mut all = json!({
        "iss": house.url, "sub": "u-1", "aud": "client", "exp": now + 300, "iat": now,
        "nonce": gone.asked.get("nonce"), "email": "new@example.org", "email_verified": true, "name": "Newman",
    });
    for (key, value) in changes.as_object().unwrap() {
        all[key] = value.clone();
    }
    all
}

fn agree(house: &House, gone: &Gone, code: &str, changes: &Value) {
    let visit = Visit {
        redirect_uri: gone.asked["redirect_uri"].clone(),
        challenge: gone.asked["code_challenge"].clone(),
        claims: claims(house, gone, changes),
        is_forged: changes["forged"] == true,
    };
    house.agree(code, visit);
}

async fn back(world: &World, cookies: &str, name: &str, query: &[(&str, &str)]) -> Answer {
    let path = format!("/accounts/login/with/{name}/done/?{}", form(query));
    world.open_as(cookies, &path).await
}

/// The whole way, with what the house says.
async fn come(world: &World, house: &House, changes: &Value) -> Answer {
    let gone = go(world, "", "/accounts/login/with/house/?next=%2Faffiliate%2Flinks%2F").await;
    agree(house, &gone, "c", changes);
    back(world, &gone.flow, "house", &[("code", "c"), ("state", &gone.asked["state"])]).await
}

async fn many(world: &World) -> i64 {
    sqlx::query_scalar("SELECT count(*) FROM accounts_user").fetch_one(&world.owner).await.unwrap()
}

#[tokio::test]
async fn somebody_new_gets_an_account_and_comes_again_by_it() {
    let (world, house) = world().await;
    assert!(world.open_as("", "/accounts/login/").await.text.contains("Continue with The House"));
    let gone = go(&world, "", "/accounts/login/with/house/").await;
    assert_eq!(gone.asked["code_challenge_method"], "S256");
    assert_eq!(gone.asked["redirect_uri"], "http://localhost:8080/accounts/login/with/house/done/");
    assert!(gone.asked["state"].len() >= 16 && gone.asked["nonce"].len() >= 16);
    let first = come(&world, &house, &json!({})).await;
    assert_eq!(first.headers[header::LOCATION], "/affiliate/links/", "{}", first.text);
    let session = cookie(&first, "__Host-sid").unwrap();
    assert_eq!(world.open_as(&session, "/affiliate/links/").await.status, 200);
    // The same person under another address there.
    let again = come(&world, &house, &json!({ "email": "changed@example.org" })).await;
    assert!(cookie(&again, "__Host-sid").is_some());
    assert_eq!(many(&world).await, 2);
    let methods: Vec<String> =
        sqlx::query_scalar("SELECT methods FROM accounts_session ORDER BY id DESC LIMIT 1")
            .fetch_one(&world.owner)
            .await
            .unwrap();
    assert_eq!(methods, ["house"]);
    // Nobody comes in by a password that was never set.
    let by_password = form(&[("login", "new@example.org"), ("password", "!")]);
    let answer = world.submit_as("", "/accounts/login/", &by_password).await;
    assert_eq!(cookie(&answer, "__Host-sid"), None);
}

#[tokio::test]
async fn what_a_house_says_wrongly_lets_nobody_in() {
    let (world, house) = world().await;
    for wrong in [
        json!({ "iss": "https://evil.example" }),
        json!({ "aud": "another-client" }),
        json!({ "nonce": "of another visit" }),
        json!({ "exp": 1 }),
        json!({ "forged": true }),
        json!({ "alg": "none" }),
        json!({ "sub": "" }),
    ] {
        let answer = come(&world, &house, &wrong).await;
        assert!(cookie(&answer, "__Host-sid").is_none(), "{wrong}: {}", answer.text);
        assert!(answer.status == 200 || answer.status == 502, "{wrong}: {}", answer.status);
    }
    for (wrong, says) in [
        (json!({ "email_verified": false }), "has not confirmed your address"),
        (json!({ "email": null }), "has not confirmed your address"),
        (json!({ "email": "root@example.org" }), "An account has this address"),
    ] {
        let answer = come(&world, &house, &wrong).await;
        assert!(answer.text.contains(says), "{wrong}: {}", answer.text);
    }
    world.sql(r#"UPDATE whitelabel_whitelabelsite SET settings = '{"sign_up": "closed"}'"#).await;
    assert!(come(&world, &house, &json!({})).await.text.contains("by invitation"));
    assert_eq!(many(&world).await, 1, "and makes nobody");
    let gone = world.open_as("", "/accounts/login/with/gone/").await;
    assert_eq!(gone.status.as_u16(), 502);
    assert_eq!(world.open_as("", "/accounts/login/with/nobody/").await.status, 404);
}

#[tokio::test]
async fn what_comes_back_is_good_once_in_the_browser_that_went() {
    let (world, house) = world().await;
    let gone = go(&world, "", "/accounts/login/with/house/").await;
    let state = gone.asked["state"].clone();
    agree(&house, &gone, "c", &json!({}));
    let other = go(&world, "", "/accounts/login/with/house/").await;
    for (cookies, query) in [
        ("", vec![("code", "c"), ("state", state.as_str())]),
        (other.flow.as_str(), vec![("code", "c"), ("state", state.as_str())]),
    ] {
        let answer = back(&world, cookies, "house", &query).await;
        assert!(cookie(&answer, "__Host-sid").is_none(), "{query:?}");
    }
    // Another house said it: a mix-up. It is used up with that.
    let mixed = [("code", "c"), ("state", state.as_str()), ("iss", "https://evil.example")];
    assert!(cookie(&back(&world, &gone.flow, "house", &mixed).await, "__Host-sid").is_none());
    let good = [("code", "c"), ("state", state.as_str())];
    assert!(cookie(&back(&world, &gone.flow, "house", &good).await, "__Host-sid").is_none());
    // And a person who refuses is told so.
    let gone = go(&world, "", "/accounts/login/with/house/").await;
    let refused = [("error", "access_denied"), ("state", gone.asked["state"].as_str())];
    assert!(
        back(&world, &gone.flow, "house", &refused).await.text.contains("did not say who you are")
    );
}

/// Ben, who connected the house; his session.
async fn connected(world: &World, house: &House) -> String {
    world.user(2, "ben", (1, "manager")).await;
    let ben = world.session(2, ("localhost", 1)).await;
    let page = world.open_as(&ben, "/accounts/password/").await.text;
    assert!(page.contains("Connect The House"), "{page}");
    let gone = go(world, &ben, "/accounts/login/with/house/?for=connect").await;
    agree(house, &gone, "c", &json!({}));
    let query = [("code", "c"), ("state", gone.asked["state"].as_str())];
    let done = back(world, &format!("{ben}; {}", gone.flow), "house", &query).await;
    assert_eq!(
        done.headers[header::LOCATION],
        "/accounts/password/?done=connected",
        "{}",
        done.text
    );
    ben
}

#[tokio::test]
async fn an_account_is_connected_comes_in_by_it_and_is_disconnected() {
    let (world, house) = world().await;
    let ben = connected(&world, &house).await;
    let told = world.letters("ben@example.org").await;
    assert!(told[0].contains("A sign-in of another service connected"), "{told:?}");
    // From now on it lets him in, and makes no second account.
    let answer = come(&world, &house, &json!({})).await;
    assert!(cookie(&answer, "__Host-sid").is_some());
    assert_eq!(many(&world).await, 2);
    // Somebody else cannot have it, too.
    world.user(3, "zoe", (1, "manager")).await;
    let zoe = world.session(3, ("localhost", 1)).await;
    let gone = go(&world, &zoe, "/accounts/login/with/house/?for=connect").await;
    agree(&house, &gone, "c", &json!({}));
    let query = [("code", "c"), ("state", gone.asked["state"].as_str())];
    let taken = back(&world, &format!("{zoe}; {}", gone.flow), "house", &query).await;
    assert!(taken.text.contains("belongs to another account"), "{}", taken.text);
    let id: i64 = sqlx::query_scalar("SELECT id FROM accounts_identity")
        .fetch_one(&world.owner)
        .await
        .unwrap();
    let remove = format!("/accounts/password/with/{id}/remove/");
    assert_eq!(world.submit_as(&zoe, &remove, "").await.status, 404);
    let done = world.submit_as(&ben, &remove, "").await;
    assert_eq!(done.headers[header::LOCATION], "/accounts/password/?done=disconnected");
}

#[tokio::test]
async fn the_last_way_in_stays_and_a_second_factor_is_asked_for() {
    let (world, house) = world().await;
    let first = come(&world, &house, &json!({})).await;
    let session = cookie(&first, "__Host-sid").unwrap();
    let id: i64 = sqlx::query_scalar("SELECT id FROM accounts_identity")
        .fetch_one(&world.owner)
        .await
        .unwrap();
    let kept =
        world.submit_as(&session, &format!("/accounts/password/with/{id}/remove/"), "").await;
    assert_eq!(kept.headers[header::LOCATION], "/accounts/password/?done=last-way");
    world
        .sql("INSERT INTO accounts_totp (user_id, secret, confirmed_at) SELECT id, 'x', now() FROM accounts_user WHERE email = 'new@example.org'")
        .await;
    let again = come(&world, &house, &json!({})).await;
    assert_eq!(again.headers[header::LOCATION], "/accounts/login/2fa/");
    assert!(cookie(&again, "__Host-sid").is_none());
    world.sql("UPDATE accounts_user SET is_active = false WHERE email = 'new@example.org'").await;
    assert!(cookie(&come(&world, &house, &json!({})).await, "__Host-flow").is_none());
}

#[tokio::test]
async fn github_says_who_it_is_by_its_api() {
    let (world, house) = world().await;
    for _ in 0..2 {
        let gone = go(&world, "", "/accounts/login/with/github/").await;
        assert_eq!(gone.asked["scope"], "read:user user:email");
        agree(&house, &gone, "c", &json!({}));
        let query = [("code", "c"), ("state", gone.asked["state"].as_str())];
        let done = back(&world, &gone.flow, "github", &query).await;
        assert_eq!(done.headers[header::LOCATION], "/dashboard/", "{}", done.text);
    }
    let (email, name): (String, String) =
        sqlx::query_as("SELECT email, name FROM accounts_user WHERE id > 1")
            .fetch_one(&world.owner)
            .await
            .unwrap();
    assert_eq!((email.as_str(), name.as_str()), ("octo@example.org", "Octo Cat"));
    // A code that it does not know.
    let gone = go(&world, "", "/accounts/login/with/github/").await;
    let query = [("code", "unknown"), ("state", gone.asked["state"].as_str())];
    assert_eq!(back(&world, &gone.flow, "github", &query).await.status.as_u16(), 502);
}

#[tokio::test]
async fn no_link_of_another_site_connects_or_signs_in_and_an_old_proof_connects_nothing() {
    let (world, _house) = world().await;
    world.user(2, "ben", (1, "manager")).await;
    let ben = world.session(2, ("localhost", 1)).await;
    for from in ["cross-site", "same-site", "none"] {
        for purpose in ["connect", "prove"] {
            let path = format!("/accounts/login/with/house/?for={purpose}");
            assert_eq!(open_from(&world, &ben, &path, from).await.status, 403, "{from} {purpose}");
        }
    }
    assert_eq!(world.open_as(&ben, "/accounts/login/with/house/?for=connect").await.status, 403);
    for from in ["cross-site", "same-site"] {
        let answer = open_from(&world, "", "/accounts/login/with/house/", from).await;
        assert_eq!(answer.headers[header::LOCATION], "/accounts/login/", "{from}");
    }
    let path = "/accounts/login/with/house/?for=connect";
    let first = "/accounts/reauthenticate/?next=%2Faccounts%2Fpassword%2F";
    assert_eq!(open_from(&world, "", path, "same-origin").await.headers[header::LOCATION], first);
    world.sql("UPDATE accounts_session SET proved_at = now() - interval '2 hours'").await;
    let old =
        open_from(&world, &ben, "/accounts/login/with/house/?for=connect", "same-origin").await;
    assert!(
        old.headers[header::LOCATION].to_str().unwrap().starts_with("/accounts/reauthenticate/")
    );
}

#[tokio::test]
async fn only_a_sign_in_of_now_proves_who_is_in() {
    let (world, house) = world().await;
    let ben = connected(&world, &house).await;
    // A proof that is too old is renewed by it.
    world
        .sql("UPDATE accounts_session SET proved_at = now() - interval '2 hours' WHERE user_id = 2")
        .await;
    assert_eq!(world.open_as(&ben, "/accounts/password/").await.status, StatusCode::SEE_OTHER);
    assert!(
        world
            .open_as(&ben, "/accounts/reauthenticate/")
            .await
            .text
            .contains("Continue with The House")
    );
    let gone =
        go(&world, &ben, "/accounts/login/with/house/?for=prove&next=%2Faccounts%2Fpassword%2F")
            .await;
    assert_eq!((gone.asked["max_age"].as_str(), gone.asked["prompt"].as_str()), ("0", "login"));
    // It has to say that he signed in just now.
    for old in [json!({}), json!({ "auth_time": now_ms() / 1000 - 7200 })] {
        let gone = go(&world, &ben, "/accounts/login/with/house/?for=prove").await;
        agree(&house, &gone, "c", &old);
        let query = [("code", "c"), ("state", gone.asked["state"].as_str())];
        let answer = back(&world, &format!("{ben}; {}", gone.flow), "house", &query).await;
        assert_eq!(answer.status.as_u16(), 502, "{old}");
    }
    let github =
        open_from(&world, &ben, "/accounts/login/with/github/?for=prove", "same-origin").await;
    assert_eq!(github.status, 404, "it does not say when");
    agree(&house, &gone, "c", &json!({ "auth_time": now_ms() / 1000 }));
    let query = [("code", "c"), ("state", gone.asked["state"].as_str())];
    let proved = back(&world, &format!("{ben}; {}", gone.flow), "house", &query).await;
    assert_eq!(proved.headers[header::LOCATION], "/accounts/password/", "{}", proved.text);
    let ben = cookie(&proved, "__Host-sid").unwrap();
    assert_eq!(world.open_as(&ben, "/accounts/password/").await.status, 200);
}
