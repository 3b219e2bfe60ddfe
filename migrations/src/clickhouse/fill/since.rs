//! Sums that came later than events before had gone: they say since when they have everything, and who asks for more gets
//! it of other sums.

use clickhouse::Client;
use schemas::retention::KEPT;

use super::run;
use crate::Error;

const DAY_MS: i64 = 86_400_000;

/// Writes it where reports look for it, with how long tables keep their rows.
pub(super) async fn note(client: &Client, sums: &str, source: &str) -> Result<(), Error> {
    let asked = client.query(&format!("SELECT max(since_ms) FROM ({KEPT}) WHERE name = ?"));
    let since_ms: i64 = asked.bind(source).fetch_one().await?;
    if since_ms == 0 {
        return Ok(());
    }
    // The first day of a zone east of UTC begins before the first event that is there.
    let since_ms = since_ms + DAY_MS;
    run(client, &format!("ALTER TABLE {sums} MODIFY COMMENT 'since {since_ms}'")).await
}
