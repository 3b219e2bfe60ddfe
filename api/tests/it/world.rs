//! A service with stores of its own, and rows to put into them.

use api::app::App;
use api::{
    accounts::{hashing::Hashing, jwt::Jwt, seal::Seal, secret::Secret},
    hosts::Hosts,
    limits::Limits,
    metrics::Metrics,
    queries::{kept, live},
    routes,
    tenant::{Reach, TenantCtx},
};
use axum::{
    Router,
    body::{Body, to_bytes},
    http::{HeaderMap, Request, StatusCode, header},
};
use migrations::testing::{Clickhouse, Postgres, Role};
use schemas::{click_id::ClickId, ids::PLATFORM, keys::Keys, proxies::Proxies};
use serde_json::Value;
use sqlx::PgPool;
use std::sync::Arc;
use tower::ServiceExt;

use crate::browser;

/// The personal token of user 1, who runs site 1.
pub(crate) const TOKEN: &str = "trb_0123456789012345678901234567890123456789abc";
pub(crate) const PASSWORD: &str = "plum kettle orbit seven";
/// Its hash, made once: each would take as long as a test.
const HASH: &str = "$argon2id$v=19$m=19456,t=2,p=1$UGVGUa7T1Fy9ZSGGWhdjDQ$KmOR/PIwIBHMRlobsg7dgTPvQtWWaQy8w2HEBMQzLqQ";
const KEYS: &str = "1 000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f";

/// 2026-11-20T10:00:00Z, a Friday.
pub(crate) const FRIDAY_MS: i64 = 1_795_168_800_000;

pub(crate) struct World {
    pub(crate) app: App,
    /// With every right, to arrange a test.
    pub(crate) owner: PgPool,
    pub(crate) ch: clickhouse::Client,
    /// The session of user 1 at `localhost`.
    pub(crate) cookie: String,
    router: Router,
    postgres: Postgres,
    pub(crate) clickhouse: Clickhouse,
}

/// What came back.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) text: String,
}

impl Answer {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|_| panic!("no JSON: {}", self.text))
    }

    /// The fields of a problem, in its order.
    pub(crate) fn fields(&self) -> Vec<String> {
        let errors = self.json()["errors"].as_array().cloned().unwrap_or_default();
        errors.iter().map(|error| error["field"].as_str().unwrap().to_owned()).collect()
    }
}

/// What a service answers.
pub(crate) async fn answer(router: &Router, request: Request<Body>) -> Answer {
    let response = router.clone().oneshot(request).await.unwrap();
    let (head, body) = response.into_parts();
    let bytes = to_bytes(body, 1 << 24).await.unwrap();
    let text = String::from_utf8_lossy(&bytes).into_owned();
    Answer { status: head.status, headers: head.headers, text }
}

impl World {
    pub(crate) async fn new() -> Self {
        let (postgres, clickhouse) = tokio::join!(Postgres::fresh(), Clickhouse::fresh());
        let keys = Arc::new(Keys::parse(KEYS).unwrap());
        let app = App {
            db: postgres.pool(Role::Api).await,
            ch: clickhouse.client(),
            keys: Arc::clone(&keys),
            hosts: Hosts::new("localhost"),
            proxies: Arc::new(Proxies::default()),
            allows_plain_http: false,
            setup: None,
            mail_from: "tributary@localhost".into(),
            mail_folder: None,
            is_demo: false,
            url: Arc::new("http://localhost:8080".parse().unwrap()),
            tracking_url: "http://localhost:8081".into(),
            hashing: Hashing::start().unwrap(),
            seal: Seal::new(&keys),
            jwt: Jwt::new(&keys).unwrap(),
            providers: api::accounts::providers::Providers::default(),
            limits: Limits::default(),
            kept: kept::Remembered::default(),
            live: live::Feed::default(),
            metrics: Metrics::new().unwrap(),
        };
        let owner = postgres.pool(Role::Owner).await;
        let (router, ch) = (routes::router(app.clone()), clickhouse.client());
        let cookie = String::new();
        let mut world = Self { app, owner, ch, cookie, router, postgres, clickhouse };
        world.user(1, "root", (1, "admin")).await;
        world.token(1, (1, &["read", "write"]), TOKEN).await;
        world.cookie = world.session(1, ("localhost", 2)).await;
        world
    }

    /// Somebody who may sign in by `{name}@example.org`, and what they are on a site. Their password is [`PASSWORD`].
    pub(crate) async fn user(&self, id: i64, name: &str, (site, role): (i64, &str)) {
        let statement =
            "INSERT INTO accounts_user (id, username, email, password, email_verified_at)
            VALUES ($1, $2, $2 || '@example.org', $3, now()) ON CONFLICT (id) DO NOTHING";
        let user = sqlx::query(statement).bind(id).bind(name).bind(HASH);
        user.execute(&self.owner).await.unwrap();
        self.sql("SELECT setval(pg_get_serial_sequence('accounts_user', 'id'), (SELECT max(id) FROM accounts_user))").await;
        let statement = "INSERT INTO accounts_membership (site_id, user_id, role, programs, affiliates)
            VALUES ($1, $2, $3, CASE WHEN $3 = 'advertiser' THEN ARRAY[1] END, CASE WHEN $3 = 'affiliate' THEN ARRAY[1] END)";
        let member = sqlx::query(statement).bind(site).bind(id).bind(role);
        member.execute(&self.owner).await.unwrap();
    }

    /// A personal token of somebody, of two factors.
    pub(crate) async fn token(&self, user: i64, (site, scopes): (i64, &[&str]), token: &str) {
        let secret = Secret::read(token.strip_prefix("trb_").unwrap()).unwrap();
        let scopes: Vec<String> = scopes.iter().map(|scope| (*scope).to_owned()).collect();
        let statement = "INSERT INTO accounts_token (site_id, user_id, name, token_hash, prefix, scopes, level, expires_at)
            VALUES ($1, $2, 'test', $3, 'trb_', $4, 2, now() + interval '1 day')";
        let made =
            sqlx::query(statement).bind(site).bind(user).bind(secret.hash().to_vec()).bind(scopes);
        made.execute(&self.owner).await.unwrap();
    }

    /// The database's URL for a role.
    pub(crate) fn url(&self, role: Role) -> String {
        self.postgres.url(role)
    }

    /// What a handler of the platform's site works with.
    pub(crate) fn ctx(&self) -> TenantCtx {
        TenantCtx::new(self.app.clone(), PLATFORM, Reach::ALL)
    }

    /// The same, with other stores behind it.
    pub(crate) fn with_app(mut self, change: impl FnOnce(&mut App)) -> Self {
        change(&mut self.app);
        self.router = routes::router(self.app.clone());
        self
    }

    /// The status alone, of an answer that may never end.
    pub(crate) async fn status(&self, request: Request<Body>) -> u16 {
        self.router.clone().oneshot(request).await.unwrap().status().as_u16()
    }

    pub(crate) async fn send(&self, request: Request<Body>) -> Answer {
        answer(&self.router, request).await
    }

    /// Makes a session of somebody, as `name=value` of its cookie; `level` are the factors shown.
    pub(crate) async fn session(&self, user: i64, (host, level): (&str, i16)) -> String {
        let secret = Secret::new().unwrap();
        let statement = "INSERT INTO accounts_session (token_hash, user_id, host, level, methods, proved_at, created_at,
                 seen_at, expires_at, network, agent)
            VALUES ($1, $2, $3, $4, '{password}', now(), now(), now(), now() + interval '1 day', '', '')";
        let made =
            sqlx::query(statement).bind(secret.hash().to_vec()).bind(user).bind(host).bind(level);
        made.execute(&self.owner).await.unwrap();
        format!("__Host-sid={}", secret.text())
    }

    /// A page as a browser with a session's cookie asks for it.
    pub(crate) async fn open_as(&self, cookie: &str, path: &str) -> Answer {
        self.send(browser::asks(cookie, path)).await
    }

    /// A form as a browser sends it from one of our own pages.
    pub(crate) async fn submit_as(&self, cookie: &str, path: &str, form: &str) -> Answer {
        self.send(browser::sends(cookie, path, form)).await
    }

    /// The letters that wait for an address, newest last, opened: what each says as text.
    pub(crate) async fn letters(&self, address: &str) -> Vec<String> {
        let rows: Vec<(String, Vec<u8>)> =
            sqlx::query_as("SELECT kind, sealed FROM mail_message WHERE address = $1 ORDER BY id")
                .bind(address)
                .fetch_all(&self.owner)
                .await
                .unwrap();
        let open = |(kind, sealed): &(String, Vec<u8>)| {
            let body = self.app.seal.open(&api::mail::whose(kind, address), sealed).unwrap();
            let body: Value = serde_json::from_slice(&body).unwrap();
            body["text"].as_str().unwrap().to_owned()
        };
        rows.iter().map(open).collect()
    }

    /// A program's request: bearer token, JSON.
    pub(crate) async fn call(&self, method: &str, path: &str, body: Option<&str>) -> Answer {
        let request =
            request(method, path).header(header::AUTHORIZATION, format!("Bearer {TOKEN}"));
        let request = match body {
            Some(_) => request.header(header::CONTENT_TYPE, "application/json"),
            None => request,
        };
        self.send(request.body(Body::from(body.unwrap_or_default().to_owned())).unwrap()).await
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        self.call("GET", path, None).await
    }

    pub(crate) async fn post(&self, path: &str, body: &str) -> Answer {
        self.call("POST", path, Some(body)).await
    }

    /// Runs what arranges a test.
    pub(crate) async fn sql(&self, statement: &'static str) {
        sqlx::raw_sql(statement).execute(&self.owner).await.unwrap();
    }

    /// Two affiliates, two programs with terms, three links; ids from 1.
    pub(crate) async fn with_links(self) -> Self {
        self.sql(
            "INSERT INTO affiliate_affiliate (site_id, name) VALUES (1, 'Anna'), (1, 'Ben');
             INSERT INTO affiliate_program (site_id, slug, name, destination) VALUES
                 (1, 'shop', 'Shop', 'https://shop.example/'), (1, 'news', 'News', 'https://news.example/');
             INSERT INTO affiliate_plan (site_id, program_id, event, kind, amount_units, currency) VALUES
                 (1, 1, 'sale', 'flat', 5000000, 'EUR'), (1, 2, 'lead', 'flat', 1000000, 'EUR');
             INSERT INTO affiliate_affiliatelink (site_id, affiliate_id, program_id, code) VALUES
                 (1, 1, 1, 'one'), (1, 1, 2, 'two'), (1, 2, 1, 'three');",
        )
        .await;
        self
    }

    /// Clicks as the processor stores them.
    pub(crate) async fn clicks(&self, clicks: &[Click]) {
        for (n, click) in clicks.iter().enumerate() {
            let day = chrono_day(click.at_ms);
            let statement = format!(
                "INSERT INTO clicks (site, affiliate, link, program, time, journal, shard, seq, day, kind, outcome,
                     reason, rules, key_version, country, region, device, sub1, code)
                 SELECT {site}, {affiliate}, {link}, {program}, fromUnixTimestamp64Milli({at}), 9, 7, {seq}, '{day}',
                     '{kind}', '{outcome}', '{reason}', 1, 1, '{country}', '{region}', 'mobile', ?, '{code}'",
                site = click.site,
                affiliate = click.link.div_ceil(2),
                link = click.link,
                program = if click.link == 0 { 0 } else { 2 - click.link % 2 },
                at = click.at_ms,
                seq = click.seq.unwrap_or(n as u64 + 1),
                kind = click.kind,
                outcome = if click.reason.is_empty() { click.outcome } else { "invalid" },
                reason = click.reason,
                country = click.country,
                region = if click.country == "FR" { "Bretagne" } else { "" },
                code = if click.link == 0 { "nowhere" } else { "" },
            );
            self.ch.query(&statement).bind(click.sub1).execute().await.unwrap();
        }
    }

    /// Conversions as the processor stores them in ClickHouse.
    pub(crate) async fn conversions(&self, conversions: &[Conversion]) {
        for (n, conversion) in conversions.iter().enumerate() {
            let day = chrono_day(conversion.at_ms);
            let refused = !conversion.reason.is_empty();
            let statement = format!(
                "INSERT INTO conversions (site, affiliate, link, program, time, journal, shard, seq, day, conversion,
                     event, txn_id, via, outcome, status, reason, rules, amount, commission, currency, country, sub1,
                     click_time, click_journal, click_shard, click_seq)
                 SELECT 1, {affiliate}, {link}, {program}, fromUnixTimestamp64Milli({at}), 9, 7, {n}, '{day}', {n},
                     'sale', '', 'postback', '{outcome}', '{status}', '{reason}', 1, {amount}, {commission},
                     '{currency}', '{country}', '{sub1}', fromUnixTimestamp64Milli({click_at}), 9 + bitShiftLeft(toUInt64(5), 20), 7,
                     {click_seq}",
                sub1 = conversion.sub1,
                click_at = conversion.click.0,
                click_seq = conversion.click.1,
                affiliate = conversion.link.div_ceil(2),
                link = conversion.link,
                program = 2 - conversion.link % 2,
                at = conversion.at_ms,
                outcome = if refused { "refused" } else { "accepted" },
                status = if refused { "invalid" } else { "pending" },
                reason = conversion.reason,
                amount = conversion.amount_units,
                commission = conversion.commission_units,
                currency = conversion.currency,
                country = conversion.country,
            );
            self.ch.query(&statement).execute().await.unwrap();
        }
    }

    /// The printed id of a click of journal 9, shard 7.
    pub(crate) fn click_id(&self, at_ms: i64, seq: u64, link: u32) -> String {
        let id = ClickId { key_version: 1, time_ms: at_ms as u64, shard: 7, journal: 9, seq, link };
        self.app.keys.click_ids().reprint(&id).unwrap().to_string()
    }
}

/// A click's row; link n is of affiliate ⌈n/2⌉ and of program 1 for odd n, 2 for even n.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Click {
    pub(crate) site: u32,
    pub(crate) at_ms: i64,
    pub(crate) link: u32,
    pub(crate) outcome: &'static str,
    pub(crate) reason: &'static str,
    pub(crate) kind: &'static str,
    pub(crate) country: &'static str,
    pub(crate) sub1: &'static str,
    /// By its place in the list unless said.
    pub(crate) seq: Option<u64>,
}

impl Click {
    pub(crate) const UNIQUE: Self = Self {
        site: 1,
        at_ms: FRIDAY_MS,
        link: 1,
        outcome: "unique",
        reason: "",
        kind: "click",
        country: "FR",
        sub1: "",
        seq: None,
    };
    pub(crate) const DUPLICATE: Self = Self { outcome: "duplicate", ..Self::UNIQUE };
    pub(crate) const BOT: Self = Self { reason: "bot", ..Self::UNIQUE };
    pub(crate) const IMPRESSION: Self = Self { kind: "impression", ..Self::UNIQUE };
    pub(crate) const ORPHAN: Self = Self { link: 0, reason: "orphan", ..Self::UNIQUE };
}

#[derive(Debug, Clone, Copy)]
pub(crate) struct Conversion {
    pub(crate) at_ms: i64,
    pub(crate) link: u32,
    pub(crate) reason: &'static str,
    pub(crate) amount_units: i64,
    pub(crate) commission_units: i64,
    pub(crate) currency: &'static str,
    pub(crate) country: &'static str,
    pub(crate) sub1: &'static str,
    /// When its click was, and the click's place in its journal; zeros without one.
    pub(crate) click: (i64, u64),
}

impl Conversion {
    pub(crate) const SALE: Self = Self {
        at_ms: FRIDAY_MS,
        link: 1,
        reason: "",
        amount_units: 100_000_000,
        commission_units: 5_000_000,
        currency: "EUR",
        country: "FR",
        sub1: "",
        click: (0, 0),
    };
    pub(crate) const REFUSED: Self =
        Self { reason: "duplicate_txn", commission_units: 0, ..Self::SALE };
}

pub(crate) fn request(method: &str, path: &str) -> axum::http::request::Builder {
    Request::builder().method(method).uri(path).header(header::HOST, "localhost:8080")
}

/// The day of a moment in UTC, the site's zone in tests.
fn chrono_day(at_ms: i64) -> String {
    let at = chrono::DateTime::from_timestamp_millis(at_ms).unwrap();
    at.date_naive().to_string()
}

/// Now, for limits and codes of a while ago.
pub(crate) fn now_ms() -> i64 {
    std::time::UNIX_EPOCH.elapsed().unwrap().as_millis().try_into().unwrap()
}
