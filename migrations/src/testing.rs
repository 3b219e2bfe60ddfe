//! A fresh migrated database for each test, in either store, dropped when the test is over.
//!
//! The real stores, never a mock: `TRIBUTARY_TEST_DATABASE_URL` names a PostgreSQL cluster for tests
//! (a superuser's URL; its roles are created and its databases `tributary_t_…` come and go), and
//! `TRIBUTARY_TEST_CLICKHOUSE_URL` an engine. For tests only: everything here panics with a sentence
//! instead of giving an error.

mod postgres;
mod clickhouse;

pub use clickhouse::Clickhouse;
pub use postgres::{Postgres, Role};

use std::{
    future::Future,
    sync::atomic::{AtomicU32, Ordering},
};

fn variable(name: &str) -> String {
    std::env::var(name)
        .unwrap_or_else(|_| panic!("{name} is not set: run `make test`, which starts the stores"))
}

/// A name no other test of this machine uses now.
fn name() -> String {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    format!("tributary_t_{}_{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed))
}

/// Runs `work` to its end from a `drop`, which cannot wait: on a thread and runtime of its own.
fn finish(work: impl Future<Output = ()> + Send + 'static) {
    let run = move || {
        if let Ok(runtime) = tokio::runtime::Builder::new_current_thread().enable_all().build() {
            runtime.block_on(work);
        }
    };
    // A database left behind is no reason to fail a test that passed.
    let _ = std::thread::spawn(run).join();
}
