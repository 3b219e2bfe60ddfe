//! Canaries: secrets that go in by every way, and come out in no log, in no answer that refuses and
//! in no copy of the database (security.md, threat 34; ASVS 14.2.4, 16.2.5).

use api::accounts::providers::Providers;
use axum::{
    body::Body,
    http::{StatusCode, header},
};
use data_encoding::{BASE32_NOPAD, BASE64_NOPAD, BASE64URL_NOPAD, HEXLOWER};
use serde_json::json;
use tracing_subscriber::EnvFilter;

use crate::{
    browser::{code, cookie, form, later, link, token},
    factors::{second, with_app},
    house::House,
    refusals::Lines,
    world::{Answer, PASSWORD, TOKEN, World, request},
};

const CHOSEN: &str = "velvet canary zeppelin quartz";
const NEXT: &str = "marble canary thicket oboe nine";
const WRONG: &str = "copper canary never chosen";
/// A password somebody sends as a number.
const FIGURES: &str = "73190264817350";
/// Our own secret at another house.
const HUSH: &str = "canary-hush-of-a-client";
const SENT: &str = "canary-of-an-address-or-a-file";

const CONFIRM: &str = "/accounts/confirm-email/";
const LOGIN: &str = "/accounts/login/";
const API_LOGIN: &str = "/api/v1/auth/login/";

/// What must come out nowhere: what it is, and each form it could have, in small letters.
#[derive(Default)]
struct Secrets(Vec<(String, String)>);

impl Secrets {
    /// One that is handed out as text.
    fn text(&mut self, what: &str, secret: &str) {
        let plain = secret.replace(['-', ' '], "");
        let encoded: String = url::form_urlencoded::byte_serialize(secret.as_bytes()).collect();
        let spaced = encoded.replace('+', "%20");
        for form in [secret, &plain, &encoded, &spaced] {
            self.form(what, form);
        }
        self.bytes(what, secret.as_bytes());
        if let Ok(raw) = BASE64URL_NOPAD.decode(secret.as_bytes()) {
            self.bytes(what, &raw);
        }
    }

    /// Its bytes, as PostgreSQL, a program or `Debug` would write them.
    fn bytes(&mut self, what: &str, secret: &[u8]) {
        let list = format!("{secret:?}");
        self.form(what, list.trim_matches(['[', ']']));
        for coding in [HEXLOWER, BASE32_NOPAD, BASE64_NOPAD, BASE64URL_NOPAD] {
            self.form(what, &coding.encode(secret));
        }
    }

    fn form(&mut self, what: &str, form: &str) {
        assert!(form.len() >= 8, "{what}: found anywhere");
        self.0.push((what.to_owned(), form.to_lowercase()));
    }

    /// Which of them a text holds.
    fn found(&self, text: &str) -> Vec<&str> {
        let text = text.to_lowercase();
        let found = self.0.iter().filter(|(_, form)| text.contains(form.as_str()));
        let mut found: Vec<&str> = found.map(|(what, _)| what.as_str()).collect();
        found.dedup();
        found
    }
}

/// Somebody who does everything, and everything that is said meanwhile.
struct Walk {
    world: World,
    secrets: Secrets,
    /// What was answered to what was refused.
    said: String,
}

async fn post(world: &World, path: &str, bearer: Option<&str>, body: &str) -> Answer {
    let asked = request("POST", path).header(header::CONTENT_TYPE, "application/json");
    let asked = match bearer {
        Some(token) => asked.header(header::AUTHORIZATION, format!("Bearer {token}")),
        None => asked,
    };
    world.send(asked.body(Body::from(body.to_owned())).unwrap()).await
}

impl Walk {
    /// An answer that refuses.
    fn refused(&mut self, answer: &Answer, status: u16) {
        assert_eq!(answer.status.as_u16(), status, "{}", answer.text);
        self.said.push_str(&answer.text);
    }

    /// A cookie that is a secret.
    fn cookie(&mut self, what: &str, answer: &Answer, name: &str) -> String {
        let cookie = cookie(answer, name).unwrap_or_else(|| panic!("no {what}: {}", answer.text));
        self.secrets.text(what, cookie.split_once('=').unwrap().1);
        cookie
    }

    async fn signs_up(&mut self) {
        self.secrets.text("the first password", CHOSEN);
        let fields = |email: &str| form(&[("email", email), ("name", "Zoe"), ("password", CHOSEN)]);
        let wrong = self.world.submit_as("", "/accounts/signup/", &fields("no address")).await;
        self.refused(&wrong, 200);
        let made = self.world.submit_as("", "/accounts/signup/", &fields("zoe@example.org")).await;
        let browser = self.cookie("the secret of a browser", &made, "__Host-flow");
        let letter = self.world.letters("zoe@example.org").await.remove(0);
        let (code, token) = (code(&letter), token(&letter));
        self.secrets.text("a mailed code", &code);
        self.secrets.text("a mailed link", &token);
        let other = format!("__Host-flow={}", "A".repeat(43));
        for (browser, code) in [(&other, code.as_str()), (&browser, "BCDF-GHJK")] {
            let wrong = self.world.submit_as(browser, CONFIRM, &form(&[("code", code)])).await;
            self.refused(&wrong, 200);
        }
        let fields = form(&[("token", &token)]);
        let done = self.world.submit_as(&browser, CONFIRM, &fields).await;
        self.cookie("a session", &done, "__Host-sid");
        let again = self.world.submit_as(&browser, CONFIRM, &fields).await;
        self.refused(&again, 404);
    }

    async fn signs_in(&mut self) {
        self.secrets.text("a wrong password", WRONG);
        let fields = |password: &str| form(&[("login", "zoe@example.org"), ("password", password)]);
        let wrong = self.world.submit_as("", LOGIN, &fields(WRONG)).await;
        self.refused(&wrong, 200);
        let body = json!({ "email": "zoe@example.org", "password": WRONG }).to_string();
        let wrong = post(&self.world, API_LOGIN, None, &body).await;
        self.refused(&wrong, 401);
        let right = self.world.submit_as("", LOGIN, &fields(CHOSEN)).await;
        let session = self.cookie("a session", &right, "__Host-sid");
        self.world.submit_as(&session, "/accounts/logout/", "").await;
        let asked = request("GET", "/api/v1/auth/user/").header(header::COOKIE, &session);
        let over = self.world.send(asked.body(Body::empty()).unwrap()).await;
        self.refused(&over, 401);
    }

    /// Passwords in bodies that are none, or not of the kind asked for.
    async fn sends_what_is_no_body(&mut self) {
        self.secrets.text("a password of figures", FIGURES);
        for (body, status) in [
            (r#"{"username":"zoe","password":"CANARY"#, 400),
            (r#"{"username":"zoe","password":"CANARY"} CANARY"#, 400),
            (r#"{"username":"zoe","password":CANARY}"#, 400),
            (r#"{"username":"zoe","password":["CANARY"]}"#, 422),
            (r#"{"username":["CANARY"],"password":"CANARY"}"#, 422),
            (r#"{"username":"zoe","password":"CANARY","password":"CANARY"}"#, 422),
            (r#"{"username":"zoe","password":"CANARY","more":"CANARY"}"#, 422),
            (r#"{"username":"zoe","password":73190264817350}"#, 422),
            (r#""CANARY""#, 422),
            (r#""CANARY, expected CANARY at line CANARY""#, 422),
        ] {
            let answer = post(&self.world, API_LOGIN, None, &body.replace("CANARY", WRONG)).await;
            self.refused(&answer, status);
        }
        for path in [API_LOGIN, LOGIN] {
            let asked = request("POST", path)
                .header("sec-fetch-site", "same-origin")
                .header(header::CONTENT_TYPE, "text/plain");
            let body = Body::from(format!("login=zoe&password={WRONG}"));
            let kind = self.world.send(asked.body(body).unwrap()).await;
            self.refused(&kind, 415);
        }
    }

    /// An app, its recovery codes, and the step that waits for one; gives the session.
    async fn shows_two_factors(&mut self) -> String {
        later(&self.world);
        self.secrets.text("another's password", PASSWORD);
        let (secret, codes, session) = with_app(&self.world, 50, "ben").await;
        self.secrets.bytes("the secret of an app", &secret);
        for code in &codes {
            self.secrets.text("a recovery code", code);
            let raw = BASE32_NOPAD.decode(code.replace('-', "").to_uppercase().as_bytes());
            self.secrets.bytes("a recovery code", &raw.unwrap());
        }
        self.secrets.text("a session", session.split_once('=').unwrap().1);
        let fields = form(&[("login", "ben"), ("password", PASSWORD)]);
        let first = self.world.submit_as("", LOGIN, &fields).await;
        let flow = self.cookie("a step of signing in", &first, "__Host-flow");
        let wrong = second(&self.world, &flow, "000000").await;
        self.refused(&wrong, 200);
        let right = second(&self.world, &flow, &codes[0]).await;
        self.cookie("a session", &right, "__Host-sid");
        let body = json!({ "username": "ben", "password": PASSWORD }).to_string();
        let awaited = post(&self.world, API_LOGIN, None, &body).await.json();
        let awaited = awaited["mfa_token"].as_str().unwrap();
        self.secrets.text("a step of signing in", awaited);
        let shown = json!({ "mfa_token": awaited, "code": codes[0] }).to_string();
        let twice = post(&self.world, "/api/v1/auth/mfa/", None, &shown).await;
        self.refused(&twice, 401);
        session
    }

    async fn makes_a_token(&mut self, session: &str) {
        const LIST: &str = "/api/v1/affiliate/affiliates/";
        let fields = form(&[("name", "Weekly"), ("days", "30")]);
        let made = self.world.submit_as(session, "/accounts/tokens/", &fields).await;
        let token = made.text.split("data-copy=\"").nth(1).unwrap().split('"').next().unwrap();
        self.secrets.text("a token", token);
        self.secrets.text("a token", token.strip_prefix("trb_").unwrap());
        let asked = request("GET", LIST).header(header::AUTHORIZATION, format!("Bearer {token}"));
        let read = self.world.send(asked.body(Body::empty()).unwrap()).await;
        assert_eq!(read.status, 200, "{}", read.text);
        let written = post(&self.world, LIST, Some(token), r#"{"name":"Anna"}"#).await;
        self.refused(&written, 403);
        self.world.sql("UPDATE accounts_token SET revoked_at = now() WHERE user_id = 50").await;
        let over = post(&self.world, LIST, Some(token), r#"{"name":"Anna"}"#).await;
        self.refused(&over, 401);
    }

    /// Access and refresh tokens, shown once, twice and when they are over.
    async fn comes_as_a_program(&mut self) {
        let body = json!({ "email": "zoe@example.org", "password": CHOSEN }).to_string();
        let first = post(&self.world, API_LOGIN, None, &body).await;
        let (_, refresh) = self.tokens(&first);
        let body = json!({ "refresh_token": refresh }).to_string();
        let next = post(&self.world, "/api/v1/auth/refresh/", None, &body).await;
        let (access, _) = self.tokens(&next);
        let twice = post(&self.world, "/api/v1/auth/refresh/", None, &body).await;
        self.refused(&twice, 401);
        let over = post(&self.world, "/api/v1/auth/logout/", Some(&access), "{}").await;
        self.refused(&over, 401);
    }

    fn tokens(&mut self, answer: &Answer) -> (String, String) {
        let told = answer.json();
        let told = |key: &str| told[key].as_str().unwrap().to_owned();
        let (access, refresh) = (told("access_token"), told("refresh_token"));
        self.secrets.text("an access token", &access);
        self.secrets.text("an access token", access.rsplit_once('.').unwrap().1);
        self.secrets.text("a refresh token", &refresh);
        (access, refresh)
    }

    async fn forgets_the_password(&mut self) {
        later(&self.world);
        self.secrets.text("the next password", NEXT);
        let asked = form(&[("email", "zoe@example.org")]);
        self.world.submit_as("", "/accounts/password/reset/", &asked).await;
        let letter = self.world.letters("zoe@example.org").await.pop().unwrap();
        let (token, link) = (token(&letter), link(&letter));
        self.secrets.text("a mailed link", &token);
        assert_eq!(self.world.open_as("", &link).await.status, 200);
        let fields = form(&[("token", &token), ("password", NEXT)]);
        let confirm = "/accounts/password/reset/confirm/";
        let done = self.world.submit_as("", confirm, &fields).await;
        assert_eq!(done.status, StatusCode::SEE_OTHER, "{}", done.text);
        let again = self.world.submit_as("", confirm, &fields).await;
        self.refused(&again, 404);
        let over = self.world.open_as("", &link).await;
        self.refused(&over, 404);
    }

    /// A picture that is none, a house that does not take us, and addresses that name nothing.
    async fn sends_what_is_nothing(&mut self, session: &str) {
        self.secrets.text("what was sent", SENT);
        let part = "--b\r\nContent-Disposition: form-data; name=\"picture\"; filename=";
        let body =
            format!("{part}\"{SENT}\"\r\nContent-Type: image/png\r\n\r\n{SENT}\r\n--b--\r\n");
        let asked = request("POST", "/accounts/profile/avatar/")
            .header(header::COOKIE, session)
            .header("sec-fetch-site", "same-origin")
            .header(header::CONTENT_TYPE, "multipart/form-data; boundary=b");
        let picture = self.world.send(asked.body(Body::from(body)).unwrap()).await;
        assert_eq!(picture.status, StatusCode::SEE_OTHER, "{}", picture.text);
        for path in ["/nowhere/CANARY/?x=CANARY", "/api/v1/nowhere/CANARY/"] {
            let nothing = self.world.open_as("", &path.replace("CANARY", SENT)).await;
            self.refused(&nothing, 404);
        }
        for path in ["password/reset/confirm", "confirm-email", "invitation", "setup"] {
            let nothing = self.world.open_as("", &format!("/accounts/{path}/?token={SENT}")).await;
            self.refused(&nothing, 404);
        }
        for (path, status) in [
            ("affiliate/links/lnk_CANARY/", 404),
            ("affiliate/links/?limit=CANARY", 422),
            ("affiliate/stats/?from=CANARY&country=CANARY&order=CANARY", 422),
            ("affiliate/conversions/?click_id=CANARY", 422),
            ("events/evt_CANARY/", 404),
        ] {
            let path = format!("/api/v1/{}", path.replace("CANARY", SENT));
            let nothing = self.world.get(&path).await;
            self.refused(&nothing, status);
        }
    }

    async fn comes_by_another_house(&mut self) {
        self.secrets.text("our secret at another house", HUSH);
        for name in ["house", "github"] {
            let asked = request("GET", &format!("/accounts/login/with/{name}/"))
                .header(header::ACCEPT, "text/html")
                .header("sec-fetch-site", "same-origin");
            let gone = self.world.send(asked.body(Body::empty()).unwrap()).await;
            let flow = self.cookie("a step of signing in", &gone, "__Host-flow");
            let url: url::Url = gone.headers[header::LOCATION].to_str().unwrap().parse().unwrap();
            let state = url.query_pairs().find(|(key, _)| key == "state").unwrap().1.into_owned();
            self.secrets.text("a state", &state);
            let came = form(&[("code", SENT), ("state", &state)]);
            let path = format!("/accounts/login/with/{name}/done/?{came}");
            let back = self.world.open_as(&flow, &path).await;
            self.refused(&back, 502);
        }
    }
}

/// Two houses that know another secret of ours than we have.
fn houses(house: &House) -> Providers {
    let file = tempfile::NamedTempFile::new().unwrap();
    let told = [("house", "issuer"), ("github", "github")].map(|(name, kind)| {
        json!({
            "name": name, "label": name, kind: house.url, "client_id": "us", "client_secret": HUSH,
        })
    });
    std::fs::write(file.path(), json!(told).to_string()).unwrap();
    Providers::load(Some(file.path())).unwrap()
}

/// Everything we say, and of others as much as an operator sees.
fn keep(lines: &Lines) -> tracing::subscriber::DefaultGuard {
    let lines = lines.clone();
    let filter = EnvFilter::new("info,api=trace,schemas=trace");
    let to = tracing_subscriber::fmt().with_env_filter(filter).with_writer(move || lines.clone());
    tracing::subscriber::set_default(to.json().finish())
}

/// Every row of every table as text, as a stolen copy holds it; bytes as hexadecimal figures.
async fn copy(world: &World) -> String {
    let tables: Vec<String> = sqlx::query_scalar(
        "SELECT format('%I.%I', table_schema, table_name) FROM information_schema.tables
         WHERE table_type = 'BASE TABLE'
           AND table_schema NOT IN ('pg_catalog', 'information_schema')",
    )
    .fetch_all(&world.owner)
    .await
    .unwrap();
    assert!(tables.len() > 20, "{tables:?}");
    let mut text = String::new();
    for table in tables {
        let rows = sqlx::AssertSqlSafe(format!("SELECT whole::text FROM {table} whole"));
        let rows: Vec<String> = sqlx::query_scalar(rows).fetch_all(&world.owner).await.unwrap();
        text.push_str(&rows.join("\n"));
        text.push('\n');
    }
    text
}

#[tokio::test]
async fn no_secret_is_in_a_log_an_answer_that_refuses_or_a_copy_of_the_database() {
    let house = House::open().await;
    let world = World::new().await.with_app(|app| app.providers = houses(&house));
    let lines = Lines::default();
    let _kept = keep(&lines);
    let mut walk = Walk { world, secrets: Secrets::default(), said: String::new() };
    walk.secrets.text("a token", TOKEN);
    walk.secrets.text("a session", walk.world.cookie.split_once('=').unwrap().1);
    walk.signs_up().await;
    walk.signs_in().await;
    walk.sends_what_is_no_body().await;
    let session = walk.shows_two_factors().await;
    walk.makes_a_token(&session).await;
    walk.comes_as_a_program().await;
    walk.forgets_the_password().await;
    walk.sends_what_is_nothing(&session).await;
    walk.comes_by_another_house().await;
    let (log, copied) = (lines.text(), copy(&walk.world).await);
    for says in ["\"code\":\"invalid_token\"", "signing in elsewhere"] {
        assert!(log.contains(says), "nothing was logged of {says}: {log}");
    }
    for (place, text) in [("a log", &log), ("an answer", &walk.said), ("a copy", &copied)] {
        let found = walk.secrets.found(text);
        assert!(found.is_empty(), "{place} holds {found:?}");
    }
    // What somebody left lying about would have been found.
    let both = ["the first password", "the next password"];
    tracing::warn!(error = CHOSEN, "a canary");
    tracing::trace!(target: "api::canaries", error = ?NEXT.as_bytes(), "a canary");
    assert_eq!(walk.secrets.found(&lines.text()), both);
    for (statement, left) in [
        ("UPDATE accounts_user SET name = convert_from($1, 'UTF8') WHERE id = 2", CHOSEN),
        (
            "INSERT INTO accounts_avatar (user_id, name, image) VALUES (2, repeat('a', 32), $1)",
            NEXT,
        ),
    ] {
        let done = sqlx::query(statement).bind(left.as_bytes());
        done.execute(&walk.world.owner).await.unwrap();
    }
    assert_eq!(walk.secrets.found(&copy(&walk.world).await), both);
}
