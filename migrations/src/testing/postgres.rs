//! PostgreSQL: migrated once into a template, copied for each test.

use sha2::{Digest, Sha256};
use sqlx::{AssertSqlSafe, Connection, Executor, PgConnection, PgPool};
use std::{
    path::Path,
    sync::atomic::{AtomicBool, Ordering},
};
use url::Url;

use super::{finish, name, variable};
use crate::postgres::{FILES, migrate};

/// Who connects. Services run with the roles of `0009_create_roles.sql`, never as the owner.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// Owns the tables: for arranging a test.
    Owner,
    /// Reads links and terms.
    Collector,
    /// The only writer of money.
    Processor,
    /// Accounts, links, programs; reads the rest.
    Api,
    /// Mail and expiry, of all sites.
    Jobs,
    /// Reads.
    Analyst,
}

/// A fresh migrated database. Dropped with this value.
#[derive(Debug)]
pub struct Postgres {
    name: String,
    cluster: Url,
}

impl Postgres {
    /// Makes one.
    ///
    /// # Panics
    /// Without `TRIBUTARY_TEST_DATABASE_URL`, or when the cluster refuses.
    pub async fn fresh() -> Self {
        let cluster = variable("TRIBUTARY_TEST_DATABASE_URL");
        let cluster = Url::parse(&cluster).expect("TRIBUTARY_TEST_DATABASE_URL is a URL");
        let name = name();
        let mut admin = PgConnection::connect(cluster.as_str())
            .await
            .expect("the cluster of TRIBUTARY_TEST_DATABASE_URL answers");
        // Held while the template is made and copied, by all test processes of the cluster.
        run(&mut admin, "SELECT pg_advisory_lock(7227)".to_owned()).await;
        sweep(&mut admin).await;
        let template = template(&mut admin, &cluster).await;
        run(&mut admin, format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)")).await;
        run(&mut admin, format!("CREATE DATABASE {name} TEMPLATE {template}")).await;
        drop(admin.close().await);
        Self { name, cluster }
    }

    /// The database's URL for a role.
    ///
    /// # Panics
    /// Never with a cluster URL that has a host.
    pub fn url(&self, role: Role) -> String {
        let mut url = self.cluster.clone();
        url.set_path(&self.name);
        let user = match role {
            Role::Owner => return url.into(),
            Role::Collector => "tributary_collector",
            Role::Processor => "tributary_processor",
            Role::Api => "tributary_api",
            Role::Jobs => "tributary_jobs",
            Role::Analyst => "tributary_analyst",
        };
        url.set_username(user).expect("the cluster's URL has a host");
        url.into()
    }

    /// A pool for a role.
    ///
    /// # Panics
    /// When the cluster refuses.
    pub async fn pool(&self, role: Role) -> PgPool {
        PgPool::connect(&self.url(role)).await.expect("the test database takes connections")
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        let (name, cluster) = (self.name.clone(), self.cluster.clone());
        finish(async move {
            if let Ok(mut admin) = PgConnection::connect(cluster.as_str()).await {
                run(&mut admin, format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)")).await;
            }
        });
    }
}

/// The database to copy, named after all files' checksums: a changed file makes a new one.
async fn template(admin: &mut PgConnection, cluster: &Url) -> String {
    let mut digest = Sha256::new();
    FILES.iter().for_each(|file| digest.update(&file.checksum));
    let hash: String = digest.finalize().iter().take(6).map(|byte| format!("{byte:02x}")).collect();
    let template = format!("tributary_template_{hash}");
    if exists(admin, &template).await {
        return template;
    }
    let draft = format!("{template}_draft");
    run(admin, format!("DROP DATABASE IF EXISTS {draft} WITH (FORCE)")).await;
    let mut url = cluster.clone();
    url.set_path(&draft);
    migrate(url.as_str()).await.unwrap_or_else(|error| panic!("migrating the template: {error}"));
    if let Some(password) = cluster.password() {
        // A cluster that wants passwords: its roles get the one we know.
        for role in ["collector", "processor", "api", "jobs", "analyst"] {
            run(admin, format!("ALTER ROLE tributary_{role} PASSWORD '{password}'")).await;
        }
    }
    run(admin, format!("ALTER DATABASE {draft} RENAME TO {template}")).await;
    template
}

/// Drops what test processes that were killed left behind, once per process. One that is in use
/// refuses, and stays.
async fn sweep(admin: &mut PgConnection) {
    static SWEPT: AtomicBool = AtomicBool::new(false);
    if SWEPT.swap(true, Ordering::Relaxed) {
        return;
    }
    let names: Vec<String> = sqlx::query_scalar(
        "SELECT datname FROM pg_database WHERE datname ~ '^tributary_t_[0-9]+_[0-9]+$'",
    )
    .fetch_all(&mut *admin)
    .await
    .expect("the cluster lists its databases");
    for name in names {
        let process = name.split('_').nth(2).unwrap_or_default();
        if !Path::new("/proc").join(process).exists() {
            let _ = admin.execute(AssertSqlSafe(format!("DROP DATABASE IF EXISTS {name}"))).await;
        }
    }
}

async fn exists(admin: &mut PgConnection, name: &str) -> bool {
    sqlx::query_scalar("SELECT EXISTS (SELECT FROM pg_database WHERE datname = $1)")
        .bind(name)
        .fetch_one(admin)
        .await
        .expect("the cluster lists its databases")
}

/// Runs a statement made of names this module chose.
async fn run(admin: &mut PgConnection, statement: String) {
    let done = admin.execute(AssertSqlSafe(statement.clone())).await;
    done.unwrap_or_else(|error| panic!("{statement}: {error}"));
}
