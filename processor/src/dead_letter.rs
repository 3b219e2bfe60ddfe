//! Dead letters for a person: list them, look at one, have one decided after all. The processor
//! decides; this only writes the wish and reads the answer.

use chrono::{DateTime, Utc};
use schemas::{event::Message, topic::Topic};
use serde::Serialize;
use sqlx::PgPool;

use crate::{
    config::Stores,
    error::{Error, Result},
    stores::server,
};

/// A record that could not be decoded.
#[derive(Debug, Clone, Serialize)]
pub struct Letter {
    pub id: i64,
    /// 16 hex digits.
    pub journal: String,
    /// `clicks`, `conversions`; `header` for a journal that is not ours.
    pub topic: &'static str,
    pub partition: i32,
    pub seq: i64,
    /// Why.
    pub reason: String,
    pub created_at: DateTime<Utc>,
    /// Length of the record.
    pub size: i64,
    /// The commit that decided it after all.
    pub resolved_by: Option<i64>,
}

/// A letter with its bytes and every wish that was made about it.
#[derive(Debug, Clone, Serialize)]
pub struct Opened {
    pub letter: Letter,
    /// The record in hex.
    pub hex: String,
    /// (when asked, answer; empty while there is none).
    pub wishes: Vec<(DateTime<Utc>, String)>,
}

/// A connection for these commands.
///
/// # Errors
/// `Postgres`.
pub async fn connect(stores: &Stores) -> Result<PgPool> {
    Ok(server::connect(&stores.database_url).await?.0)
}

fn topic(id: i16) -> &'static str {
    u8::try_from(id).ok().and_then(Topic::from_id).map_or("header", Topic::name)
}

/// The oldest letters from `after` on; those decided too with `all`.
///
/// # Errors
/// `Postgres`.
pub async fn list(db: &PgPool, after: i64, most: i64, all: bool) -> Result<Vec<Letter>> {
    let rows = sqlx::query!(
        r#"SELECT id, journal, topic, partition, seq, reason, created_at,
               octet_length(bytes)::bigint AS "size!", resolved_by
           FROM pipeline_dead_letter WHERE id > $1 AND ($3 OR resolved_by IS NULL) ORDER BY id LIMIT $2"#,
        after,
        most,
        all,
    )
    .fetch_all(db)
    .await?;
    let letters = rows.into_iter().map(|row| Letter {
        id: row.id,
        journal: format!("{:016x}", row.journal),
        topic: topic(row.topic),
        partition: row.partition,
        seq: row.seq,
        reason: row.reason,
        created_at: row.created_at,
        size: row.size,
        resolved_by: row.resolved_by,
    });
    Ok(letters.collect())
}

/// One letter; `None` when there is none of this id.
///
/// # Errors
/// `Postgres`.
pub async fn show(db: &PgPool, id: i64) -> Result<Option<Opened>> {
    let Some(letter) = list(db, id - 1, 1, true).await?.into_iter().find(|letter| letter.id == id)
    else {
        return Ok(None);
    };
    let row = sqlx::query!("SELECT bytes FROM pipeline_dead_letter WHERE id = $1", id)
        .fetch_one(db)
        .await?;
    let wishes = sqlx::query!(
        "SELECT asked_at, answer FROM pipeline_resend WHERE dead_letter = $1 ORDER BY id",
        id
    )
    .fetch_all(db)
    .await?;
    let hex = row.bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    let wishes = wishes.into_iter().map(|row| (row.asked_at, row.answer)).collect();
    Ok(Some(Opened { letter, hex, wishes }))
}

/// Asks that a letter be decided: as it is, by the processor's present version, or with `bytes` in
/// its place. Gives the wish's id, for `answer`.
///
/// # Errors
/// `Postgres`; `Config` with what is wrong with the letter or the bytes.
pub async fn resend(db: &PgPool, id: i64, bytes: Option<&[u8]>, actor: &str) -> Result<i64> {
    let row = sqlx::query!(
        r#"SELECT topic, resolved_by, bytes = '' AS "blank!" FROM pipeline_dead_letter WHERE id = $1"#,
        id
    )
    .fetch_optional(db)
    .await?
    .ok_or_else(|| Error::Config(format!("there is no dead letter {id}")))?;
    let topic = u8::try_from(row.topic).ok().and_then(Topic::from_id);
    let Some(topic) = topic else {
        return Err(Error::Config(format!("dead letter {id} is no event: it cannot be decided")));
    };
    if row.resolved_by.is_some() {
        return Err(Error::Config(format!("dead letter {id} is decided already")));
    }
    if row.blank && bytes.is_none_or(<[u8]>::is_empty) {
        return Err(Error::Config(format!(
            "the record of dead letter {id} is not kept any more: give one in its place"
        )));
    }
    if let Some(bytes) = bytes {
        let read = match topic {
            Topic::Clicks => schemas::event::Click::decode(bytes).map(drop),
            Topic::Conversions => schemas::event::Conversion::decode(bytes).map(drop),
        };
        read.map_err(|error| {
            Error::Config(format!("these bytes are no {}: {error}", topic.name()))
        })?;
    }
    let row = sqlx::query!(
        "INSERT INTO pipeline_resend (dead_letter, bytes, actor) VALUES ($1, $2, $3) RETURNING id",
        id,
        bytes,
        actor,
    )
    .fetch_one(db)
    .await?;
    Ok(row.id)
}

/// What the processor answered to a wish; `None` while it has not.
///
/// # Errors
/// `Postgres`.
pub async fn answer(db: &PgPool, wish: i64) -> Result<Option<String>> {
    let row = sqlx::query!("SELECT done_at, answer FROM pipeline_resend WHERE id = $1", wish)
        .fetch_optional(db)
        .await?;
    Ok(row.filter(|row| row.done_at.is_some()).map(|row| row.answer))
}
