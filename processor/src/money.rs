//! Conversions and what they earn, into PostgreSQL.
//!
//! All of a batch at once. Where PostgreSQL refuses the data of one (a number or a text that a column
//! does not take, a key that points nowhere), the others must not wait for it: the batch is stored in
//! halves, and their halves, down to the one record, which is handed back with the reason.

use sqlx::{Connection, PgConnection};

use crate::{
    batch::Decided,
    error::{Error, Result},
    stores::{conversions, ledger},
};

/// What became of a batch's conversions.
#[derive(Default)]
pub(crate) struct Taken {
    /// With their ids.
    pub(crate) stored: Vec<(Decided, i64)>,
    /// With PostgreSQL's reason.
    pub(crate) refused: Vec<(Decided, String)>,
}

/// Stores what can be stored.
pub(crate) async fn store(db: &mut PgConnection, decided: Vec<Decided>) -> Result<Taken> {
    let mut taken = Taken::default();
    let mut parts = vec![decided];
    // From the front: the first in order wins a key.
    while let Some(mut part) = parts.pop() {
        let mut step = db.begin().await?;
        let mut before = Vec::new();
        match insert(&mut step, &mut part, &mut before).await {
            Ok(ids) => {
                step.commit().await?;
                taken.stored.extend(part.into_iter().zip(ids));
            }
            Err(Error::Postgres(sqlx::Error::Database(refused)))
                if is_of_data(refused.code().as_deref()) =>
            {
                step.rollback().await?;
                // What the refused part made duplicates of may be none without it.
                before.into_iter().for_each(|(n, outcome)| part[n].outcome = outcome);
                let rest = part.split_off(part.len().div_ceil(2));
                match (part.pop(), part.is_empty() && rest.is_empty()) {
                    (Some(one), true) => taken.refused.push((one, refused.message().to_owned())),
                    (last, _) => {
                        part.extend(last);
                        parts.push(rest);
                        parts.push(part);
                    }
                }
            }
            Err(other) => return Err(other),
        }
    }
    Ok(taken)
}

async fn insert(
    db: &mut PgConnection,
    decided: &mut [Decided],
    before: &mut Vec<(usize, crate::outcome::ConversionOutcome)>,
) -> Result<Vec<i64>> {
    let ids = conversions::insert(db, decided, before).await?;
    ledger::accrue(db, decided, &ids).await?;
    Ok(ids)
}

/// Class 22: a value no column takes; 23: a constraint.
fn is_of_data(code: Option<&str>) -> bool {
    code.is_some_and(|code| code.starts_with("22") || code.starts_with("23"))
}
