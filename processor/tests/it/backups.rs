//! PostgreSQL backed up and restored: what a world knew goes back to what it knew then.

use migrations::testing::Role;
use sqlx::{Connection, PgConnection, postgres::PgConnectOptions};

use crate::world::World;

impl World {
    /// Copies PostgreSQL as it is now: a backup's name. Whoever is connected loses its connection, and may come again.
    pub(crate) async fn back_up(&mut self) -> String {
        let mut admin = self.admin().await;
        let name = self.database().await;
        self.owner.close().await;
        let backup = format!("{name}_backup");
        for statement in [
            format!("DROP DATABASE IF EXISTS {backup} WITH (FORCE)"),
            format!("ALTER DATABASE {name} ALLOW_CONNECTIONS false"),
            format!(
                "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE datname = '{name}'"
            ),
            format!("CREATE DATABASE {backup} TEMPLATE {name}"),
            format!("ALTER DATABASE {name} ALLOW_CONNECTIONS true"),
        ] {
            sqlx::raw_sql(sqlx::AssertSqlSafe(statement)).execute(&mut admin).await.unwrap();
        }
        self.owner = self.postgres.pool(Role::Owner).await;
        backup
    }

    /// Puts the backup in the database's place, on what looks like another server.
    pub(crate) async fn restore(&mut self, backup: String) {
        let name = self.database().await;
        self.owner.close().await;
        let mut admin = self.admin().await;
        // Before anybody can connect to it by the name they know.
        let url = std::env::var("TRIBUTARY_TEST_DATABASE_URL").unwrap();
        let there: PgConnectOptions = url.parse().unwrap();
        let mut there = PgConnection::connect_with(&there.database(&backup)).await.unwrap();
        let other = "UPDATE pipeline_store SET system_identifier = system_identifier + 1";
        sqlx::query(other).execute(&mut there).await.unwrap();
        there.close().await.unwrap();
        for statement in [
            format!("DROP DATABASE {name} WITH (FORCE)"),
            format!("ALTER DATABASE {backup} RENAME TO {name}"),
        ] {
            sqlx::raw_sql(sqlx::AssertSqlSafe(statement)).execute(&mut admin).await.unwrap();
        }
        self.owner = self.postgres.pool(Role::Owner).await;
    }

    async fn database(&self) -> String {
        let name = "SELECT current_database()::text";
        sqlx::query_scalar(name).fetch_one(&self.owner).await.unwrap()
    }

    async fn admin(&self) -> PgConnection {
        let url = std::env::var("TRIBUTARY_TEST_DATABASE_URL").unwrap();
        PgConnection::connect(&url).await.unwrap()
    }
}
