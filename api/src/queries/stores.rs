//! Whether the stores answer at all.

use super::bind;
use crate::app::App;

/// PostgreSQL, ClickHouse.
pub async fn answer(app: &App) -> (bool, bool) {
    let postgres = sqlx::query("SELECT 1").execute(&app.db);
    let clickhouse = bind::in_time(app.ch.query("SELECT 1").fetch_one::<u8>());
    let (postgres, clickhouse) = tokio::join!(postgres, clickhouse);
    (postgres.is_ok(), clickhouse.is_ok())
}
