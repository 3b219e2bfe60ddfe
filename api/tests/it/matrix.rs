//! The authorisation matrix: every route, asked by everybody, against `matrix.csv`.
//!
//! The routes are read from the sources, so that a new one without a row fails. A row says the status for each
//! principal; `MATRIX=write` writes the table anew, to be read before it is committed.

use axum::{
    body::Body,
    http::{Request, header},
};
use schemas::ids::{PLATFORM, ProgramId};
use std::{collections::BTreeMap, fmt::Write, path::Path};

use crate::world::{TOKEN, World};

/// Who asks. Anna's user is `affiliate`; `aal1` is an admin who showed one factor.
const PRINCIPALS: [&str; 16] = [
    "anon",
    "affiliate",
    "affiliate2",
    "advertiser",
    "manager",
    "other_manager",
    "finance",
    "analyst",
    "support",
    "admin",
    "read_key",
    "write_key",
    "suspended",
    "nobody",
    "aal1",
    "impersonator",
];

const READ_KEY: &str = "trb_reads67890123456789012345678901234567890abc";

/// Where routes stand.
const SOURCES: [&str; 3] = ["src/routes.rs", "src/pages.rs", "src/pages/accounts.rs"];

/// Every (method, path) of the sources.
fn routes() -> Vec<(&'static str, String)> {
    let mut found = Vec::new();
    for source in SOURCES {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(source);
        let text = std::fs::read_to_string(path).unwrap();
        for part in text.split(".route(").skip(1) {
            let path = part.split('"').nth(1).unwrap().to_owned();
            let rest: String = part
                .chars()
                .scan(1, |depth, c| {
                    *depth += i32::from(c == '(') - i32::from(c == ')');
                    (*depth > 0).then_some(c)
                })
                .collect();
            for (word, method) in
                [("get(", "GET"), ("post(", "POST"), ("patch(", "PATCH"), ("delete(", "DELETE")]
            {
                if rest.match_indices(word).any(|(at, _)| {
                    !rest[..at].ends_with(|c: char| c.is_alphanumeric() || c == '_' || c == ':')
                }) {
                    found.push((method, path.clone()));
                }
            }
        }
    }
    found.sort_by(|one, other| (&one.1, one.0).cmp(&(&other.1, other.0)));
    found
}

#[test]
fn routes_are_read_from_the_sources() {
    let routes = routes();
    for known in [
        ("GET", "/dashboard/"),
        ("PATCH", "/api/v1/affiliate/links/{id}/"),
        ("POST", "/accounts/login/"),
        ("DELETE", "/api/v1/auth/sessions/{id}/"),
    ] {
        assert!(routes.contains(&(known.0, known.1.to_owned())), "{known:?}");
    }
    assert!(routes.len() > 70, "{}", routes.len());
}

/// A thing of the first affiliate for each kind of id.
fn filled(path: &str) -> String {
    let id = match path {
        path if path.contains("/links/") => "lnk_1",
        path if path.contains("/programs/") => "prg_1",
        path if path.contains("/affiliates/") => "aff_1",
        path if path.contains("/conversions/") => "cnv_1",
        path if path.contains("/commissions/") => "cm_1",
        _ => "999",
    };
    path.replace("{id}", id).replace("{receipt_id}", "evt_x").replace("{code}", "not_found")
}

async fn world() -> World {
    let world = World::new().await.with_links().await;
    world
        .sql(
            "INSERT INTO whitelabel_whitelabelsite (id, domain) VALUES (2, 'partner.localhost');
             INSERT INTO affiliate_conversion (id, site_id, program_id, affiliate_id, link_id, event, status, occurred_at,
                 journal, shard, seq, via, trace) VALUES (1, 1, 1, 1, 1, 'sale', 'pending', now(), 9, 7, 1, 'postback', '{}');
             INSERT INTO affiliate_commission (id, site_id, affiliate_id, program_id, link_id, conversion_id, plan_id,
                 amount, amount_units, currency, status, occurred_at, hold_until) VALUES
                 (1, 1, 1, 1, 1, 1, 1, 5, 5, 'EUR', 'hold', now(), now())",
        )
        .await;
    world.app.hosts.load(&world.app.db).await.unwrap();
    for (n, name) in PRINCIPALS.iter().enumerate() {
        let id = 100 + n as i64;
        let (site, role) = match *name {
            "affiliate2" => (1, "affiliate"),
            "other_manager" => (2, "manager"),
            "read_key" | "write_key" | "suspended" | "impersonator" | "nobody" => (1, "manager"),
            "aal1" => (1, "admin"),
            "anon" => continue,
            role => (1, role),
        };
        world.user(id, name, (site, role)).await;
    }
    world
        .sql(
            "UPDATE accounts_membership SET affiliates = ARRAY[2] WHERE user_id = 102;
             UPDATE accounts_membership SET is_active = false WHERE user_id = 112;
             DELETE FROM accounts_membership WHERE user_id = 113",
        )
        .await;
    world.token(110, (1, &["read"]), READ_KEY).await;
    world
}

#[tokio::test]
async fn a_postback_token_is_shown_to_who_sends_postbacks_alone() {
    let world = World::new().await.with_links().await;
    let token = world.app.keys.postback_token(PLATFORM, ProgramId(1), 1);
    for (id, role, sees) in [
        (2, "manager", true),
        (3, "advertiser", true),
        (4, "finance", false),
        (5, "support", false),
        (6, "analyst", false),
        (7, "affiliate", false),
    ] {
        world.user(id, role, (1, role)).await;
        let session = world.session(id, ("localhost", 2)).await;
        for path in ["/api/v1/affiliate/programs/prg_1/", "/affiliate/programs/prg_1/"] {
            let answer = world.open_as(&session, path).await;
            let shown = answer.text.contains(&token);
            assert_eq!((answer.status.as_u16(), shown), (200, sees), "{role} {path}");
        }
        let list = world.open_as(&session, "/api/v1/affiliate/programs/").await.text;
        assert_eq!(list.contains("postback_networks"), sees, "{role}");
    }
}

async fn asked(world: &World, principal: usize, (method, path): (&str, &str)) -> u16 {
    let mut asked =
        Request::builder().method(method).uri(filled(path)).header(header::HOST, "localhost:8080");
    let is_api = path.starts_with("/api/");
    asked = asked.header(header::ACCEPT, if is_api { "application/json" } else { "text/html" });
    asked = asked.header("sec-fetch-site", "same-origin");
    let json = is_api || path.contains("passkey");
    let kind = if json { "application/json" } else { "application/x-www-form-urlencoded" };
    asked = asked.header(header::CONTENT_TYPE, kind);
    match PRINCIPALS[principal] {
        "anon" => {}
        "read_key" => asked = asked.header(header::AUTHORIZATION, format!("Bearer {READ_KEY}")),
        "write_key" => asked = asked.header(header::AUTHORIZATION, format!("Bearer {TOKEN}")),
        name => {
            // Each asks with a session of its own: some routes end it.
            let level = if name == "aal1" { 1 } else { 2 };
            let id = 100 + principal as i64;
            let cookie = world.session(id, ("localhost", level)).await;
            if name == "impersonator" {
                world
                    .sql("UPDATE accounts_session SET impersonator_id = 1 WHERE user_id = 115")
                    .await;
            }
            asked = asked.header(header::COOKIE, cookie);
        }
    }
    let body = if json && method != "GET" { Body::from("{}") } else { Body::empty() };
    world.status(asked.body(body).unwrap()).await
}

#[tokio::test]
async fn every_route_answers_everybody_as_the_table_says() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/matrix.csv");
    let committed = std::fs::read_to_string(&path).unwrap_or_default();
    let rows: BTreeMap<String, &str> = committed
        .lines()
        .skip(1)
        .map(|line| (line.splitn(3, ',').take(2).collect::<Vec<_>>().join(","), line))
        .collect();
    let world = world().await;
    let mut table = format!("method,path,{}\n", PRINCIPALS.join(","));
    let mut wrong = Vec::new();
    for (method, path) in routes() {
        let mut line = format!("{method},{path}");
        for principal in 0..PRINCIPALS.len() {
            // As much as there is of time between the tests: nobody is limited here.
            world.app.limits.forget();
            write!(line, ",{}", asked(&world, principal, (method, &path)).await).unwrap();
        }
        match rows.get(&format!("{method},{path}")) {
            Some(known) if **known == line => {}
            Some(known) => wrong.push(format!("the table says {known}\n  and it is  {line}")),
            None => wrong.push(format!("no row for {line}")),
        }
        table.push_str(&line);
        table.push('\n');
    }
    if std::env::var_os("MATRIX").is_some() {
        std::fs::write(&path, &table).unwrap();
        return;
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert_eq!(committed.lines().count(), table.lines().count(), "a row without a route");
}
