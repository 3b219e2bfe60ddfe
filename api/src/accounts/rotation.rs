//! Seals everything anew with the newest key, so that an older one can be taken out of the file.

use anyhow::{Context, bail};
use sqlx::PgConnection;

use super::seal::Seal;
use crate::queries::sealed::{self, Column};

/// As many at once: progress is kept whatever happens to the rest.
const MANY: i64 = 500;

/// Seals every value of every column that an older key sealed; how many there were of each. Services that run go on: what
/// they write meanwhile is sealed by the key they know, and a second call finds it.
///
/// # Errors
/// A value that does not open (its key is not in the file), or PostgreSQL does not answer.
pub async fn seal_anew(
    owner: &mut PgConnection,
    seal: &Seal,
) -> anyhow::Result<Vec<(Column, usize)>> {
    let mut all = Vec::new();
    for column in Column::ALL {
        let mut count = 0;
        loop {
            let found = sealed::others(owner, column, seal.version(), MANY).await?;
            if found.is_empty() {
                break;
            }
            let mut changed = 0;
            for one in &found {
                let plain = seal.open(&one.whose, &one.sealed);
                let plain =
                    plain.with_context(|| format!("{} of row {}", column.name(), one.id))?;
                let anew = seal.seal(&one.whose, &plain).context("no randomness")?;
                changed += usize::from(sealed::put(owner, column, one, &anew).await?);
            }
            if changed == 0 {
                bail!("{} change while they are sealed anew: call this again", column.name());
            }
            count += changed;
        }
        all.push((column, count));
    }
    Ok(all)
}
