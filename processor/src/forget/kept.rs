//! Where a visitor's data may be beside the tables, and until when.

use chrono::{DateTime, Days, TimeDelta, Utc};
use sqlx::PgPool;

use super::Kept;
use crate::{
    clock,
    config::Config,
    error::Result,
    stores::{
        forgets::{self, Place},
        timestamp,
    },
};

/// A segment is closed after a day at the latest (`journal::WriterConfig`), and kept from then on.
const SEGMENT: TimeDelta = TimeDelta::hours(24);
/// The longest window of uniqueness, and a day until the claims of a day go together.
const CLAIMS: Days = Days::new(8);

/// All of them.
pub(super) async fn of(config: &Config, pool: &PgPool, places: &[Place]) -> Result<Vec<Kept>> {
    let now = timestamp(clock::now_ms());
    let mut all = Vec::new();
    let waiting = forgets::waiting(pool, places).await?;
    if waiting > 0 {
        let until = format!("{waiting} wait for their decision: run this again afterwards");
        all.push(Kept { what: "conversions that wait", until });
    }
    let hours = TimeDelta::hours(i64::try_from(config.source.keep_hours).unwrap_or(i64::MAX >> 24));
    all.push(Kept {
        what: "journals",
        until: format!(
            "records as they came, until {} at the latest",
            day(now + SEGMENT.checked_add(&hours).unwrap_or(SEGMENT))
        ),
    });
    if config.kafka.is_set() {
        let until = "messages as they came, as long as the topics keep them (migrate --kafka-keep-hours, 168 by default)";
        all.push(Kept { what: "kafka", until: until.to_owned() });
    }
    let claims = now.checked_add_days(CLAIMS).unwrap_or(now);
    all.push(Kept {
        what: "claims",
        until: format!(
            "hashes by which a visit is told from a repeated one, until {} at the latest",
            day(claims)
        ),
    });
    all.extend(letters(config, pool).await?);
    let until = "for as long as you keep them: after a restore, run this again".to_owned();
    all.push(Kept { what: "backups and exports", until });
    Ok(all)
}

/// Nobody can say whose a record is that cannot be read.
async fn letters(config: &Config, pool: &PgPool) -> Result<Option<Kept>> {
    let (letters, newest) = forgets::letters(pool).await?;
    let days = Days::new(config.source.address_days.into());
    let Some(until) = newest.and_then(|at| at.checked_add_days(days)) else { return Ok(None) };
    let until = format!(
        "{letters} records that could not be read, anybody's, until {} at the latest",
        day(until)
    );
    Ok(Some(Kept { what: "dead letters", until }))
}

fn day(at: DateTime<Utc>) -> String {
    at.format("%Y-%m-%d %H:%M UTC").to_string()
}
