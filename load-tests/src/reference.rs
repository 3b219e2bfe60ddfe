//! The independent count, asked: runs `reference_count.py` and reads what it prints.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result, bail};
use serde::Deserialize;
use tokio::process::Command;

/// Sums under one heading; money in cents.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[expect(missing_docs, reason = "docs/counting.md says what each is")]
pub struct Sums {
    pub gross: i64,
    pub unique: i64,
    pub duplicate: i64,
    pub invalid: i64,
    pub conversions: i64,
    pub refused: i64,
    pub amount_minor: i64,
    pub commission_minor: i64,
    /// Clicks by `schemas::reason::Invalid`.
    pub invalid_by_reason: BTreeMap<String, i64>,
    /// Conversions by `schemas::reason::Refusal`.
    pub refused_by_reason: BTreeMap<String, i64>,
}

/// The whole count. Keys: slugs, codes, affiliates' numbers (0 to 11), days; empty for none.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[expect(missing_docs, reason = "named as in the JSON")]
pub struct Reference {
    pub total: Sums,
    pub program: BTreeMap<String, Sums>,
    pub link: BTreeMap<String, Sums>,
    pub affiliate: BTreeMap<String, Sums>,
    pub day: BTreeMap<String, Sums>,
}

/// Counts the bundled log; `options` as `reference_count.py --help` names them.
///
/// # Errors
/// When Python is missing or the count fails.
pub async fn count(options: &[&str]) -> Result<Reference> {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let bots: PathBuf = here.join("../processor/data/crawler-user-agents.json");
    let output = Command::new("python3")
        .arg(here.join("reference_count.py"))
        .arg(here.join("data/access.log.gz"))
        .arg("--bots")
        .arg(bots)
        .args(options)
        .output()
        .await
        .context("python3 can't be run")?;
    if !output.status.success() {
        bail!("reference_count.py: {}", String::from_utf8_lossy(&output.stderr));
    }
    Ok(serde_json::from_slice(&output.stdout)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_count_of_the_whole_log_adds_up() {
        let count = count(&[]).await.unwrap();
        assert_eq!(
            (count.total.gross, count.total.conversions, count.total.refused),
            (4400, 190, 143)
        );
        for by in [&count.program, &count.link, &count.affiliate, &count.day] {
            let sum = |of: &dyn Fn(&Sums) -> i64| by.values().map(of).sum::<i64>();
            assert_eq!(sum(&|sums| sums.gross), count.total.gross);
            assert_eq!(sum(&|sums| sums.unique), count.total.unique);
            assert_eq!(sum(&|sums| sums.amount_minor), count.total.amount_minor);
        }
        let total = &count.total;
        assert_eq!(total.gross, total.unique + total.duplicate + total.invalid);
        assert_eq!(total.invalid, total.invalid_by_reason.values().sum::<i64>());
    }
}
