//! A service with stores of its own, and rows to put into them.

use api::app::App;
use api::{
    auth::Secret,
    hosts::Hosts,
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

pub(crate) const TOKEN: &str = "a-token-for-tests-only";
const KEYS: &str = "1 000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f";

/// 2026-11-20T10:00:00Z, a Friday.
pub(crate) const FRIDAY_MS: i64 = 1_795_168_800_000;

pub(crate) struct World {
    pub(crate) app: App,
    /// With every right, to arrange a test.
    pub(crate) owner: PgPool,
    pub(crate) ch: clickhouse::Client,
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

impl World {
    pub(crate) async fn new() -> Self {
        let (postgres, clickhouse) = tokio::join!(Postgres::fresh(), Clickhouse::fresh());
        let app = App {
            db: postgres.pool(Role::Api).await,
            ch: clickhouse.client(),
            keys: Arc::new(Keys::parse(KEYS).unwrap()),
            hosts: Hosts::new("localhost"),
            proxies: Arc::new(Proxies::default()),
            allows_plain_http: false,
            url: Arc::new("http://localhost:8080".parse().unwrap()),
            tracking_url: "http://localhost:8081".into(),
            secret: Secret::new(TOKEN).unwrap(),
            kept: kept::Remembered::default(),
            live: live::Feed::default(),
            metrics: Metrics::new().unwrap(),
        };
        let owner = postgres.pool(Role::Owner).await;
        let (router, ch) = (routes::router(app.clone()), clickhouse.client());
        Self { app, owner, ch, router, postgres, clickhouse }
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

    pub(crate) async fn send(&self, request: Request<Body>) -> Answer {
        let response = self.router.clone().oneshot(request).await.unwrap();
        let (head, body) = response.into_parts();
        let bytes = to_bytes(body, 1 << 24).await.unwrap();
        let text = String::from_utf8_lossy(&bytes).into_owned();
        Answer { status: head.status, headers: head.headers, text }
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
