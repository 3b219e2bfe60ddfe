//! Statements by hand, and all of ours. Whether an engine reads them is asked in `tests/it`.

use super::*;
use crate::clickhouse::FILES;

fn cluster() -> Cluster {
    "eu-1".parse().unwrap()
}

fn made(sql: &str) -> Result<Vec<String>, String> {
    let known = ["clicks", "sums"].map(str::to_owned).into();
    cluster().file("shop", &known, sql)
}

fn one(sql: &str) -> String {
    let mut all = made(sql).unwrap();
    assert_eq!(all.len(), 1, "{all:?}");
    all.remove(0)
}

#[test]
fn a_table_becomes_a_replicated_one_of_each_shard_and_one_of_all() {
    let sql = "-- A remark.\nCREATE TABLE IF NOT EXISTS clicks\n(\n    shard UInt16,\n    day Date\n)\n\
        ENGINE = MergeTree\nORDER BY day\nSETTINGS non_replicated_deduplication_window = 7, fsync_after_insert = 1;\n";
    let all = made(sql).unwrap();
    assert_eq!(
        all[0],
        "CREATE TABLE IF NOT EXISTS shop.clicks_local ON CLUSTER 'eu-1'\n(\n    shard UInt16,\n    day Date\n)\n\
         ENGINE = ReplicatedMergeTree('/clickhouse/tables/{shard}/{database}/{table}', '{replica}')\nORDER BY day\n\
         SETTINGS replicated_deduplication_window = 7, replicated_deduplication_window_seconds = 2592000, fsync_after_insert = 1"
    );
    assert_eq!(
        all[1],
        "CREATE TABLE IF NOT EXISTS shop.clicks ON CLUSTER 'eu-1' AS shop.clicks_local\n\
         ENGINE = Distributed('eu-1', 'shop', 'clicks_local', shard)"
    );
    assert_eq!(all.len(), 2);
}

#[test]
fn sums_are_kept_where_their_rows_are_and_written_by_views_alone() {
    let sql = "CREATE TABLE IF NOT EXISTS sums (day Date, n Int64) ENGINE = SummingMergeTree(n) ORDER BY day;\n\
        CREATE MATERIALIZED VIEW IF NOT EXISTS sums_mv TO sums AS\nSELECT day, count() AS n FROM clicks GROUP BY day;\n";
    let all = made(sql).unwrap();
    let local = "ENGINE = ReplicatedSummingMergeTree('/clickhouse/tables/{shard}/{database}/{table}', '{replica}', n)";
    assert!(all[0].contains(local), "{}", all[0]);
    // No row of a sum says which shard it is of: whoever writes into all of them is refused.
    assert!(all[1].ends_with("Distributed('eu-1', 'shop', 'sums_local')"), "{}", all[1]);
    assert_eq!(
        all[2],
        "CREATE MATERIALIZED VIEW IF NOT EXISTS shop.sums_local_mv ON CLUSTER 'eu-1' TO shop.sums_local AS\n\
         SELECT day, count() AS n FROM shop.clicks_local GROUP BY day"
    );
}

#[test]
fn columns_change_in_both_and_everything_else_where_the_rows_are() {
    assert_eq!(
        one("ALTER TABLE clicks MODIFY SETTING non_replicated_deduplication_window = 9;\n"),
        "ALTER TABLE shop.clicks_local ON CLUSTER 'eu-1' MODIFY SETTING replicated_deduplication_window = 9, \
         replicated_deduplication_window_seconds = 2592000"
    );
    let index = one("ALTER TABLE clicks ADD INDEX IF NOT EXISTS i day TYPE minmax;\n");
    assert!(
        index.starts_with("ALTER TABLE shop.clicks_local ON CLUSTER 'eu-1' ADD INDEX"),
        "{index}"
    );
    let codec = "ALTER TABLE clicks MODIFY COLUMN day CODEC(T64, LZ4), MODIFY SETTING default_compression_codec = 'LZ4';\n";
    assert!(
        one(codec).starts_with("ALTER TABLE shop.clicks_local ON CLUSTER 'eu-1' MODIFY COLUMN day")
    );
    let column = made("ALTER TABLE clicks ADD COLUMN IF NOT EXISTS city String;\n").unwrap();
    let expected = ["clicks_local", "clicks"].map(|name| {
        format!("ALTER TABLE shop.{name} ON CLUSTER 'eu-1' ADD COLUMN IF NOT EXISTS city String")
    });
    assert_eq!(column, expected);
    let expected = ["clicks", "clicks_local"]
        .map(|name| format!("DROP TABLE IF EXISTS shop.{name} ON CLUSTER 'eu-1' SYNC"));
    assert_eq!(made("DROP TABLE IF EXISTS clicks;\n").unwrap(), expected);
    let view = one("DROP VIEW IF EXISTS sums_mv;\n");
    assert_eq!(view, "DROP VIEW IF EXISTS shop.sums_local_mv ON CLUSTER 'eu-1' SYNC");
}

#[test]
fn what_is_not_known_is_refused_and_never_run_on_one_server_only() {
    for sql in [
        "INSERT INTO clicks SELECT 1;\n",
        "CREATE TABLE IF NOT EXISTS logs (n Int8) ENGINE = Log;\n",
        "CREATE VIEW IF NOT EXISTS v AS SELECT 1;\n",
        "CREATE MATERIALIZED VIEW IF NOT EXISTS other_mv TO sums AS SELECT 1;\n",
        "CREATE DICTIONARY IF NOT EXISTS d (n UInt8) PRIMARY KEY n;\n",
        "ALTER TABLE strangers MODIFY SETTING index_granularity = 1;\n",
        "RENAME TABLE clicks TO others;\n",
    ] {
        let refused = made(&format!("-- A remark.\n{sql}")).unwrap_err();
        assert_eq!(format!("{refused};\n"), sql);
    }
    for name in ["", "a b", "a'b", "a`b", "a;b", "ä"] {
        assert!(name.parse::<Cluster>().is_err(), "{name}");
    }
    assert!("{cluster}".parse::<Cluster>().is_ok());
}

#[test]
fn every_file_is_one_for_a_cluster_too() {
    let known = tables(FILES.iter().map(|file| file.sql.as_str()));
    assert!(known.contains("clicks") && known.contains("clicks_by_day_link"), "{known:?}");
    for file in FILES.iter() {
        let all = cluster().file("shop", &known, file.sql.as_str());
        let all = all.unwrap_or_else(|head| panic!("{:04}: {head}", file.version));
        for statement in all {
            assert!(statement.contains(" ON CLUSTER 'eu-1'"), "{statement}");
            assert!(!statement.contains("non_replicated"), "{statement}");
        }
    }
}
