//! PostgreSQL: forward only, once, and never over a file that changed.

use migrations::{
    Error,
    postgres::{FILES, migrate, plan},
    testing::{Postgres, Role},
};
use sqlx::{AssertSqlSafe, PgPool};

/// A database of the test cluster that has nothing in it; dropped with the `Postgres`.
async fn empty() -> (Postgres, String) {
    let db = Postgres::fresh().await;
    let pool = db.pool(Role::Owner).await;
    sqlx::query("DROP SCHEMA public CASCADE").execute(&pool).await.unwrap();
    sqlx::query("CREATE SCHEMA public").execute(&pool).await.unwrap();
    pool.close().await;
    let url = db.url(Role::Owner);
    (db, url)
}

async fn tables(pool: &PgPool) -> i64 {
    sqlx::query_scalar("SELECT count(*) FROM pg_tables WHERE schemaname = 'public'")
        .fetch_one(pool)
        .await
        .unwrap()
}

#[tokio::test]
async fn a_second_run_finds_nothing_to_do() {
    let (_db, url) = empty().await;
    assert_eq!(migrate(&url).await.unwrap().len(), FILES.iter().count());
    assert_eq!(migrate(&url).await.unwrap(), []);
    assert_eq!(plan(&url).await.unwrap(), []);
}

#[tokio::test]
async fn a_dry_run_names_the_files_and_changes_nothing() {
    let (db, url) = empty().await;
    let steps = plan(&url).await.unwrap();
    assert_eq!((steps[0].version, steps[0].name.as_str()), (1, "create accounts"));
    assert_eq!(tables(&db.pool(Role::Owner).await).await, 0);
    assert_eq!(migrate(&url).await.unwrap(), steps);
}

#[tokio::test]
async fn a_database_that_is_absent_is_created() {
    let db = Postgres::fresh().await;
    let owner = db.pool(Role::Owner).await;
    let url = format!("{}_new", db.url(Role::Owner));
    let name = url.rsplit('/').next().unwrap().to_owned();
    assert_eq!(plan(&url).await.unwrap().len(), FILES.iter().count());
    assert_eq!(migrate(&url).await.unwrap().len(), FILES.iter().count());
    let drop = format!("DROP DATABASE {name} WITH (FORCE)");
    sqlx::query(AssertSqlSafe(drop)).execute(&owner).await.unwrap();
}

#[tokio::test]
async fn a_file_changed_after_it_was_applied_is_refused() {
    let db = Postgres::fresh().await;
    let owner = db.pool(Role::Owner).await;
    sqlx::query("UPDATE _sqlx_migrations SET checksum = '\\x00' WHERE version = 2")
        .execute(&owner)
        .await
        .unwrap();
    for refused in [migrate(&db.url(Role::Owner)).await, plan(&db.url(Role::Owner)).await] {
        assert!(matches!(refused, Err(Error::Changed { version: 2, .. })), "{refused:?}");
    }
}

#[tokio::test]
async fn a_database_of_a_newer_version_is_refused() {
    let db = Postgres::fresh().await;
    let owner = db.pool(Role::Owner).await;
    sqlx::query("INSERT INTO _sqlx_migrations VALUES (9999, 'later', now(), true, '\\x00', 1)")
        .execute(&owner)
        .await
        .unwrap();
    let refused = migrate(&db.url(Role::Owner)).await;
    assert!(matches!(refused, Err(Error::Newer { version: 9999, .. })), "{refused:?}");
}

#[tokio::test]
async fn a_file_before_one_already_applied_is_refused() {
    let db = Postgres::fresh().await;
    let owner = db.pool(Role::Owner).await;
    sqlx::query("DELETE FROM _sqlx_migrations WHERE version = 3").execute(&owner).await.unwrap();
    let refused = migrate(&db.url(Role::Owner)).await;
    assert!(matches!(refused, Err(Error::OutOfOrder { version: 3, .. })), "{refused:?}");
}

#[tokio::test]
async fn a_file_that_fails_leaves_nothing_behind_and_is_named() {
    let (db, url) = empty().await;
    let owner = db.pool(Role::Owner).await;
    // 0002 will meet this table of the same name, after it has made others.
    sqlx::query("CREATE TABLE affiliate_plan (id bigint)").execute(&owner).await.unwrap();
    let failed = migrate(&url).await;
    assert!(matches!(failed, Err(Error::Failed { version: 2, .. })), "{failed:?}");
    let half: Option<String> = sqlx::query_scalar("SELECT to_regclass('affiliate_program')::text")
        .fetch_one(&owner)
        .await
        .unwrap();
    assert_eq!(half, None);
    sqlx::query("DROP TABLE affiliate_plan").execute(&owner).await.unwrap();
    assert_eq!(migrate(&url).await.unwrap()[0].version, 2);
}

#[tokio::test]
async fn migrators_at_the_same_time_apply_each_file_once() {
    let (_db, url) = empty().await;
    let runs = (0..4).map(|_| {
        tokio::spawn({
            let url = url.clone();
            async move { migrate(&url).await.unwrap().len() }
        })
    });
    let mut applied = 0;
    for run in runs.collect::<Vec<_>>() {
        applied += run.await.unwrap();
    }
    assert_eq!(applied, FILES.iter().count());
}
