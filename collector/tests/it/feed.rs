//! Links made, changed and switched off in PostgreSQL, and PostgreSQL away.

use crate::{
    harness::{Collector, until},
    process::Process,
};

#[test]
fn what_changes_in_postgresql_is_served_without_a_restart() {
    let collector = Collector::start();
    assert_eq!(collector.get("/c/new").status, 404);
    collector.execute(
        "INSERT INTO affiliate_affiliatelink (site_id, affiliate_id, program_id, code) VALUES (1, 7, 3, 'new')",
    );
    until("a new link works", || collector.get("/c/new").status == 302);
    collector.execute("UPDATE affiliate_affiliatelink SET code = 'renamed' WHERE code = 'new'");
    until("a renamed link works", || collector.get("/c/renamed").status == 302);
    assert_eq!(collector.get("/c/new").status, 404);
    collector.execute("UPDATE affiliate_affiliate SET is_active = false WHERE id = 7");
    until("an affiliate is switched off", || collector.get("/c/renamed").status == 404);
    collector.execute("UPDATE affiliate_affiliate SET is_active = true WHERE id = 7");
    until("an affiliate is switched on", || collector.get("/c/renamed").status == 302);
    collector.execute("UPDATE affiliate_program SET status = 'paused' WHERE id = 3");
    until("a program is paused", || collector.get("/c/renamed").status == 404);
    collector.execute("UPDATE affiliate_program SET status = 'active', destination = 'https://new.example/' WHERE id = 3");
    until("a program's destination changes", || {
        collector.get("/c/renamed").header("location") == "https://new.example/"
    });
    let token = collector.token(3);
    let postback = format!("/postback?program=3&token={token}");
    assert_eq!(collector.get(&postback).status, 202);
    collector.execute("UPDATE affiliate_program SET token_version = 2 WHERE id = 3");
    until("an old token is worthless", || collector.get(&postback).status == 401);
}

#[test]
fn a_change_committed_late_is_not_missed() {
    let collector = Collector::start();
    let pool = collector.owner();
    let insert = |code: &str| {
        format!(
            "INSERT INTO affiliate_affiliatelink (site_id, affiliate_id, program_id, code) VALUES (1, 7, 3, '{code}')"
        )
    };
    let late = collector.runtime.block_on(async {
        let mut late = pool.begin().await.unwrap();
        sqlx::query(sqlx::AssertSqlSafe(insert("late"))).execute(&mut *late).await.unwrap();
        late
    });
    collector.execute(&insert("early"));
    until("the later transaction's link works", || collector.get("/c/early").status == 302);
    assert_eq!(collector.get("/c/late").status, 404);
    collector.runtime.block_on(late.commit()).unwrap();
    until("the earlier transaction's link works", || collector.get("/c/late").status == 302);
}

#[test]
fn a_transaction_held_open_and_many_changes_are_read_once() {
    let collector = Collector::start();
    let pool = collector.owner();
    let open = collector.runtime.block_on(async {
        let mut open = pool.begin().await.unwrap();
        let write = "UPDATE affiliate_affiliate SET name = 'Anna' WHERE id = 7";
        sqlx::query(write).execute(&mut *open).await.unwrap();
        open
    });
    collector.execute(
        "INSERT INTO affiliate_affiliatelink (id, site_id, affiliate_id, program_id, code)
         SELECT 1000 + n, 1, 7, 3, 'many' || n FROM generate_series(1, 60000) n",
    );
    until("the last of many works", || collector.get("/c/many60000").status == 302);
    for code in ["a", "b", "c"] {
        collector.execute(&format!(
            "INSERT INTO affiliate_affiliatelink (site_id, affiliate_id, program_id, code) VALUES (1, 7, 3, '{code}')"
        ));
        until("one more works", || collector.get(&format!("/c/{code}")).status == 302);
    }
    assert_eq!(collector.get("/c/many1").status, 302);
    assert_eq!(collector.metric("tributary_collector_feed_loads_total"), 1);
    assert_eq!(collector.metric("tributary_collector_links"), 60_010);
    collector.runtime.block_on(open.commit()).unwrap();
}

#[test]
fn what_is_served_never_vanishes_while_everything_is_read_again() {
    let collector = Collector::with(&["--links-reload-s", "1"]);
    let loads = || collector.metric("tributary_collector_feed_loads_total");
    for code in ["a", "b", "c"] {
        let before = loads();
        collector.execute(&format!(
            "INSERT INTO affiliate_affiliatelink (site_id, affiliate_id, program_id, code) VALUES (1, 7, 3, '{code}')"
        ));
        until("a new link works", || collector.get(&format!("/c/{code}")).status == 302);
        until("everything was read again", || {
            assert_eq!(collector.get(&format!("/c/{code}")).status, 302);
            loads() > before
        });
    }
}

#[test]
fn each_outage_of_postgresql_and_its_end_are_told() {
    let collector = Collector::start();
    let process = Process::start(&collector, "");
    for _ in 0..2 {
        collector.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity
             WHERE datname = current_database() AND pid <> pg_backend_pid()",
        );
        process.says("PostgreSQL does not answer");
        process.says("PostgreSQL answers again");
    }
    process.terminate();
}

#[test]
fn deleted_links_are_noticed_at_the_next_full_reading() {
    let collector = Collector::with(&["--links-reload-s", "1"]);
    assert_eq!(collector.get("/c/go").status, 302);
    collector.execute("DELETE FROM affiliate_affiliatelink WHERE id = 42");
    until("a deleted link is gone", || collector.get("/c/go").status == 404);
}

#[test]
fn without_postgresql_the_copy_on_disk_serves() {
    let mut collector = Collector::start();
    assert_eq!(collector.get("/c/vanity").status, 404);
    collector.stop().unwrap();
    let copy = collector.folder.path().join("data/links.copy");
    assert!(copy.exists());
    let again = restart(collector, &["--database-url", "postgres://nobody@127.0.0.1:1/none"]);
    assert_eq!(again.get("/c/go").status, 302);
    assert_eq!(again.get("/c/own").header("location"), "https://own.example//?r=#f");
    assert_eq!(again.get("/c/off").status, 404);
    let token = again.token(3);
    assert_eq!(again.get(&format!("/postback?program=shop&token={token}")).status, 202);
    assert_eq!(again.metric("tributary_collector_feed_connected"), 0);
    // And when PostgreSQL is back, what changed meanwhile comes by the feed.
    let mut again = again;
    again.stop().unwrap();
    again.execute("UPDATE affiliate_affiliatelink SET is_active = true WHERE code = 'off'");
    let last = restart(again, &[]);
    until("the change is served", || last.get("/c/off").status == 302);
}

#[test]
fn a_spoilt_copy_is_of_no_use_and_does_no_harm() {
    let mut collector = Collector::start();
    collector.stop().unwrap();
    let copy = collector.folder.path().join("data/links.copy");
    let mut bytes = std::fs::read(&copy).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    std::fs::write(&copy, &bytes).unwrap();
    let again = restart(collector, &[]);
    assert_eq!(again.get("/c/go").status, 302);
}

#[test]
fn a_role_that_owns_tables_is_refused() {
    let mut collector = Collector::start();
    collector.stop().unwrap();
    std::fs::remove_file(collector.folder.path().join("data/links.copy")).unwrap();
    let url = collector.database.url(migrations::testing::Role::Owner);
    let bound = collector::bind(crate::harness::config(&collector.folder, &url, &[])).unwrap();
    let refused = bound.run(std::future::pending()).unwrap_err();
    assert!(matches!(refused, collector::Error::Role(_)), "{refused}");
}

fn restart(collector: Collector, arguments: &[&str]) -> Collector {
    let (runtime, database, folder) = collector.into_parts();
    Collector::over(runtime, database, folder, arguments)
}
