//! What is kept of a person: taken along, and forgotten; and the sites they are on.

use axum::http::{StatusCode, header};
use serde_json::Value;

use crate::{
    browser::form,
    world::{TOKEN, World, request},
};

/// An affiliate with an account, further things of theirs, and their session.
async fn zoe(world: &World) -> String {
    world.user(2, "zoe", (1, "affiliate")).await;
    world
        .sql(
            "UPDATE affiliate_affiliate SET user_id = 2, name = 'Zoe Canary', email = 'zoe@example.org' WHERE id = 1;
             INSERT INTO accounts_profile (user_id, bio) VALUES (2, 'canary of a bio');
             INSERT INTO accounts_email (user_id, email, verified_at) VALUES (2, 'canary@home.example', now());
             INSERT INTO accounts_securityevent (user_id, at, kind, host, network, agent, details)
                 VALUES (2, now(), 'signed_in', 'localhost', '203.0.113.0/24', 'CanaryBrowser/1', '{\"email\": \"canary@home.example\"}');
             BEGIN; SET LOCAL app.site = '1'; SET LOCAL app.actor = '2'; SET LOCAL app.network = '203.0.113.0/24';
             UPDATE affiliate_affiliate SET name = 'Zoe Canary the Second' WHERE id = 1; COMMIT;",
        )
        .await;
    world.session(2, ("localhost", 1)).await
}

#[tokio::test]
async fn everything_that_is_kept_is_taken_along_and_nothing_of_anybody_else() {
    let world = World::new().await.with_a_little().await;
    let zoe = zoe(&world).await;
    let answer = world.open_as(&zoe, "/accounts/data/export/").await;
    assert_eq!(
        answer.headers[header::CONTENT_DISPOSITION],
        "attachment; filename=\"account.json\""
    );
    let all: Value = serde_json::from_str(&answer.text).unwrap();
    assert_eq!(all["account"]["username"], "zoe");
    assert_eq!(all["profile"]["bio"], "canary of a bio");
    assert_eq!(all["further_addresses"][0]["email"], "canary@home.example");
    assert_eq!(all["links"].as_array().unwrap().len(), 2);
    assert_eq!(all["commissions"][0]["amount"], "5.0000");
    for secret in ["argon2", "token_hash", "three", "root@example.org"] {
        assert!(!answer.text.contains(secret), "{secret}: {}", answer.text);
    }
}

#[tokio::test]
async fn who_is_forgotten_leaves_a_pseudonym_in_ledger_and_audit_log() {
    let world = World::new().await.with_a_little().await;
    let zoe = zoe(&world).await;
    let delete = async |name: &str| {
        world.submit_as(&zoe, "/accounts/data/delete/", &form(&[("username", name)])).await
    };
    let other = delete("Zoe").await;
    assert!(other.status == 200 && other.text.contains("This is not the name"), "{}", other.text);
    assert_eq!(delete("zoe").await.headers[header::LOCATION], "/accounts/login/?done=deleted");
    assert_eq!(world.open_as(&zoe, "/affiliate/links/").await.status, StatusCode::SEE_OTHER);
    let left: Vec<String> = sqlx::query_scalar(
        "SELECT to_jsonb(t)::text FROM accounts_user t UNION ALL SELECT to_jsonb(t)::text FROM accounts_securityevent t
         UNION ALL SELECT to_jsonb(t)::text FROM audit_entry t UNION ALL SELECT to_jsonb(t)::text FROM affiliate_affiliate t
         UNION ALL SELECT to_jsonb(t)::text FROM accounts_email t UNION ALL SELECT to_jsonb(t)::text FROM accounts_profile t
         UNION ALL SELECT to_jsonb(t)::text FROM accounts_session t",
    )
    .fetch_all(&world.owner)
    .await
    .unwrap();
    let left = left.join("\n");
    for canary in ["anary", "zoe", "Zoe", "203.0.113"] {
        assert!(!left.contains(canary), "{canary} in {left}");
    }
    assert!(left.contains("deleted-2") && left.contains("Deleted 1"), "{left}");
    // The books stay as they were.
    let commissions =
        world.get("/api/v1/affiliate/commissions/?from=2026-11-19&to=2026-11-21").await.json();
    assert_eq!(commissions["data"][0]["amount_minor"], 500, "{commissions}");
    let told = world.letters("zoe@example.org").await;
    assert!(told.len() == 1 && told[0].contains("your account is deleted"), "{told:?}");
    // The name and the address are free again.
    let fields = form(&[
        ("email", "zoe@example.org"),
        ("name", "Zoe"),
        ("password", "grape violin under eleven"),
    ]);
    world.app.limits.forget();
    world.submit_as("", "/accounts/signup/", &fields).await;
    assert!(
        world.letters("zoe@example.org").await.pop().unwrap().contains("confirm that this address")
    );
}

#[tokio::test]
async fn nobody_leaves_a_site_without_an_admin_nor_changes_the_logs() {
    let world = World::new().await;
    let root = world.submit_as(&world.cookie, "/accounts/data/delete/", "username=root").await;
    assert!(root.status == 200 && root.text.contains("only admin of a site"), "{}", root.text);
    world.user(2, "ben", (1, "admin")).await;
    assert_eq!(
        world.submit_as(&world.cookie, "/accounts/data/delete/", "username=root").await.status,
        StatusCode::SEE_OTHER
    );
    let gone = request("GET", "/api/v1/auth/user/")
        .header(header::AUTHORIZATION, format!("Bearer {TOKEN}"));
    assert_eq!(world.send(gone.body(axum::body::Body::empty()).unwrap()).await.status, 401);
    // What forgets is a function: the role that serves cannot say that it forgets.
    let api = sqlx::PgPool::connect(&world.url(migrations::testing::Role::Api)).await.unwrap();
    for table in ["accounts_securityevent SET network = ''", "audit_entry SET network = ''"] {
        let statement = format!("BEGIN; SET LOCAL app.forgetting = 'on'; UPDATE {table}; COMMIT");
        assert!(
            sqlx::raw_sql(sqlx::AssertSqlSafe(statement)).execute(&api).await.is_err(),
            "{table}"
        );
    }
    // Nor does the owner by itself.
    assert!(
        sqlx::query("UPDATE audit_entry SET network = ''").execute(&world.owner).await.is_err()
    );
}

#[tokio::test]
async fn somebody_of_two_sites_finds_the_way_to_the_other() {
    let world = World::new().await;
    world
        .sql("INSERT INTO whitelabel_whitelabelsite (domain, name) VALUES ('partner.localhost', 'Partner Place'), ('third.localhost', 'Third')")
        .await;
    world.user(2, "ben", (1, "manager")).await;
    world
        .sql("INSERT INTO accounts_membership (site_id, user_id, role) VALUES (2, 2, 'finance')")
        .await;
    let ben = world.session(2, ("localhost", 1)).await;
    let page = world.open_as(&ben, "/accounts/sites/").await.text;
    assert!(page.contains("href=\"http://partner.localhost:8080/dashboard/\""), "{page}");
    assert!(page.contains("Partner Place") && !page.contains("Third"), "{page}");
}
