//! The statements for a cluster, by the engine itself: it reads every one of them, and makes what they say as far as
//! one server without a keeper can. No cluster is started here.

use migrations::{
    Error,
    clickhouse::{Cluster, Database, Keep, print},
    testing::Clickhouse,
};
use std::process::Command;

fn cluster() -> Cluster {
    "eu-1".parse().unwrap()
}

fn statements(database: &str) -> Vec<String> {
    print(database, &cluster(), &Keep::default()).unwrap()
}

/// What the engine answers, or its error.
async fn ask(db: &Clickhouse, statement: &str) -> Result<(), String> {
    let escaped = statement.replace('?', "??");
    db.client().query(&escaped).execute().await.map_err(|error| error.to_string())
}

async fn number(db: &Clickhouse, query: &str) -> u64 {
    db.client().query(query).fetch_one().await.unwrap()
}

#[tokio::test]
async fn the_engines_parser_reads_every_statement_for_a_cluster() {
    let db = Clickhouse::fresh().await;
    let all = statements("shop");
    assert!(all.len() > 10, "{}", all.len());
    let kept = "ALTER TABLE shop.clicks_local ON CLUSTER 'eu-1' MODIFY TTL toDateTime(toStartOfMonth(time), 'UTC')";
    assert!(all.iter().any(|one| one.starts_with(kept)), "{all:?}");
    for statement in &all {
        let read = ask(&db, &format!("EXPLAIN AST {statement}")).await;
        assert_eq!(read, Ok(()), "{statement}");
        let broken = statement.replacen("ON CLUSTER", "ON CLUTTER", 1);
        assert!(ask(&db, &format!("EXPLAIN AST {broken}")).await.is_err(), "{broken}");
    }
}

/// Without a keeper and a cluster a statement comes as far as the error that says so: columns, keys, settings and the
/// engine's arguments are checked before.
#[tokio::test]
async fn one_server_takes_everything_of_them_but_the_cluster() {
    let db = Clickhouse::fresh().await;
    let name = db.database();
    let mut views = 0;
    for statement in statements(name).into_iter().skip(1) {
        let here = statement.replacen(" ON CLUSTER 'eu-1'", "", 1);
        assert_ne!(here, statement);
        // What each server's own configuration says of it.
        let here = here.replace("{shard}", "1").replace("{replica}", "a");
        if here.contains("ENGINE = Replicated") {
            let here = here.replacen("schema_migrations", "other_migrations", 1);
            let refused = ask(&db, &here).await.unwrap_err();
            assert!(refused.contains("NO_ZOOKEEPER"), "{refused}\n{here}");
            let wrong = here.replacen("replicated_deduplication_window =", "no_such_window =", 1);
            let refused = ask(&db, &wrong).await.unwrap_err();
            let expected = if wrong == here { "NO_ZOOKEEPER" } else { "no_such_window" };
            assert!(refused.contains(expected), "{refused}");
            let plain = without_replicas(&here);
            assert_eq!(ask(&db, &plain).await, Ok(()), "{plain}");
        } else if here.contains("ENGINE = Distributed") {
            // Beside the tables of one server, which have these names.
            let here = here.replacen(" AS ", "_all AS ", 1);
            let refused = ask(&db, &here).await.unwrap_err();
            assert!(refused.contains("CLUSTER_DOESNT_EXIST"), "{refused}\n{here}");
        } else if here.starts_with("DROP TABLE") && !here.contains("_local") {
            // Likewise: there is none of all shards here.
        } else {
            views += usize::from(here.contains("MATERIALIZED VIEW"));
            // One that a later file makes anew.
            views -= usize::from(here.contains("DROP VIEW"));
            assert_eq!(ask(&db, &here).await, Ok(()), "{here}");
        }
    }
    // What is written into a local table is in its local sums, and in no others.
    let row = "INSERT INTO clicks_local (site, link, time, day, kind, outcome) SELECT 1, 7, now64(3), today(), 'click', 'unique'";
    assert_eq!(ask(&db, row).await, Ok(()));
    let sum = |table: &str| format!("SELECT toUInt64(sum(gross)) FROM {table}");
    for (table, expected) in [
        ("clicks_by_day_link_local", 1),
        ("clicks_by_day_country_local", 1),
        ("clicks_by_day_link", 0),
        ("clicks_by_day_country", 0),
    ] {
        assert_eq!(number(&db, &sum(table)).await, expected, "{table}");
    }
    let known = "SELECT count() FROM system.tables WHERE database = currentDatabase() AND name LIKE '%_local_mv'";
    assert_eq!(number(&db, known).await as usize, views);
}

/// The same table on a server alone.
fn without_replicas(statement: &str) -> String {
    let (before, rest) = statement.split_once("ENGINE = Replicated").unwrap();
    let (engine, rest) = rest.split_once('(').unwrap();
    let (_, after) = rest.split_once(')').unwrap();
    format!("{before}ENGINE = {engine}{after}")
}

#[tokio::test]
async fn a_database_of_one_server_is_never_made_a_clusters_half_way() {
    let db = Clickhouse::fresh().await;
    let cluster = cluster();
    let (url, name, cluster) = (db.url(), db.database(), Some(&cluster));
    let database = Database { url, name, cluster, outbox: None };
    let refused = [database.migrate().await, database.plan().await];
    for refused in refused {
        assert!(matches!(refused, Err(Error::OneServer)), "{refused:?}");
    }
    let made = "SELECT count() FROM system.tables WHERE database = currentDatabase() AND name LIKE '%_local%'";
    assert_eq!(number(&db, made).await, 0);
}

#[test]
fn the_command_prints_them_and_asks_nobody() {
    let printed = |arguments: &[&str]| {
        let mut migrate = Command::new(env!("CARGO_BIN_EXE_migrate"));
        migrate.env_remove("DATABASE_URL").env_remove("TRIBUTARY_CLICKHOUSE_URL");
        migrate.args(arguments).output().unwrap()
    };
    let done =
        printed(&["--clickhouse-cluster", "eu-1", "--clickhouse-database", "shop", "--print"]);
    assert!(done.status.success(), "{done:?}");
    let expected: String =
        statements("shop").iter().map(|statement| format!("{statement};\n\n")).collect();
    assert_eq!(String::from_utf8(done.stdout).unwrap(), expected);
    let refused = printed(&["--clickhouse-cluster", "eu'1", "--print"]);
    assert!(!refused.status.success());
}
