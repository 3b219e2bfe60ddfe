//! The API, asked as a program does: with the bearer token, in its own words.

use std::{collections::BTreeMap, time::Duration};

use anyhow::{Context, Result, bail};
use chrono::{DateTime, SecondsFormat};
use reqwest::Client;
use serde_json::Value;
use tokio::time::{Instant, sleep};

use crate::{reference::Sums, system::System};

/// Between two questions while waiting.
const PAUSE: Duration = Duration::from_millis(100);

/// One API.
#[derive(Debug, Clone)]
pub struct Api {
    client: Client,
    base: String,
    token: String,
}

impl Api {
    /// Of a running system.
    pub fn of(system: &System) -> Self {
        Self { client: Client::new(), base: system.api.clone(), token: system.token.clone() }
    }

    /// Asks; `path` begins with `/api/v1/`.
    ///
    /// # Errors
    /// When it does not answer, or not with 200.
    pub async fn get(&self, path: &str) -> Result<Value> {
        let url = format!("{}{path}", self.base);
        let response = self.client.get(&url).bearer_auth(&self.token).send().await?;
        let status = response.status();
        let body = response.text().await?;
        if !status.is_success() {
            bail!("{path}: {status}: {body}");
        }
        serde_json::from_str(&body).with_context(|| format!("{path}: no JSON"))
    }

    /// The statistics of the last week (UTC) by some dimensions: sums by the values' names, joined by
    /// `/`; `more` are further parameters.
    ///
    /// # Errors
    /// As `get`; when there are more rows than one answer holds.
    pub async fn stats(&self, group_by: &[&str], more: &str) -> Result<BTreeMap<String, Sums>> {
        self.stats_of("range=7d", group_by, more).await
    }

    /// The same of what came since a moment, in milliseconds since 1970.
    ///
    /// # Errors
    /// As `stats`.
    pub async fn stats_since(
        &self,
        since_ms: i64,
        group_by: &[&str],
        more: &str,
    ) -> Result<BTreeMap<String, Sums>> {
        let since = DateTime::from_timestamp_millis(since_ms).context("no moment")?;
        let since = since.to_rfc3339_opts(SecondsFormat::Millis, true);
        self.stats_of(&format!("from={since}"), group_by, more).await
    }

    async fn stats_of(
        &self,
        span: &str,
        group_by: &[&str],
        more: &str,
    ) -> Result<BTreeMap<String, Sums>> {
        let by = group_by.join(",");
        let path = format!("/api/v1/affiliate/stats/?{span}&tz=UTC&limit=5000&group_by={by}{more}");
        let answer = self.get(&path).await?;
        if answer["has_more"].as_bool() != Some(false) {
            bail!("{path}: more rows than one answer holds");
        }
        let rows = answer["data"].as_array().with_context(|| format!("{path}: no data"))?;
        rows.iter().map(|row| Ok((key(row, group_by)?, sums(row)))).collect()
    }

    /// The sums over everything of the last week (UTC).
    ///
    /// # Errors
    /// As `get`.
    pub async fn totals(&self) -> Result<Sums> {
        let answer = self.get("/api/v1/affiliate/stats/?range=7d&tz=UTC").await?;
        Ok(sums(&answer["totals"]))
    }

    /// Until when every number is complete, in milliseconds since 1970; `None` while nobody knows.
    ///
    /// # Errors
    /// As `get`.
    pub async fn as_of_ms(&self) -> Result<Option<i64>> {
        let answer = self.get("/api/v1/affiliate/stats/?range=today").await?;
        let Some(at) = answer["as_of"].as_str() else { return Ok(None) };
        Ok(Some(DateTime::parse_from_rfc3339(at)?.timestamp_millis()))
    }

    /// Waits until the numbers are complete up to a time. What is being restarted meanwhile may fail
    /// to answer.
    ///
    /// # Errors
    /// When they come no nearer for the limit.
    pub async fn complete_to(&self, at_ms: i64, limit: Duration) -> Result<()> {
        let (mut deadline, mut best) = (Instant::now() + limit, None);
        loop {
            let said = self.as_of_ms().await;
            if let Ok(Some(as_of)) = said {
                if as_of >= at_ms {
                    return Ok(());
                }
                if best.is_none_or(|best| as_of > best) {
                    (deadline, best) = (Instant::now() + limit, Some(as_of));
                }
            }
            if Instant::now() > deadline {
                bail!("not complete to {at_ms}, and no nearer for {limit:?}: {said:?}");
            }
            sleep(PAUSE).await;
        }
    }
}

/// Null stands for none known.
fn key(row: &Value, group_by: &[&str]) -> Result<String> {
    let part = |name: &&str| match &row[*name] {
        Value::Null => Ok(String::new()),
        Value::String(text) => Ok(text.clone()),
        other => bail!("{name} is {other}"),
    };
    Ok(group_by.iter().map(part).collect::<Result<Vec<_>>>()?.join("/"))
}

/// A number that a side does not have is null, and counts as 0. Money is of the one currency there is.
fn sums(row: &Value) -> Sums {
    let number = |name: &str| row[name].as_i64().unwrap_or(0);
    let minor = |name: &str| {
        let lines = row["money"].as_array().into_iter().flatten();
        lines.map(|line| line[name].as_i64().unwrap_or(0)).sum()
    };
    Sums {
        gross: number("gross"),
        unique: number("unique"),
        duplicate: number("duplicate"),
        invalid: number("invalid"),
        conversions: number("conversions"),
        refused: number("refused"),
        amount_minor: minor("sales_minor"),
        commission_minor: minor("payout_minor"),
        ..Sums::default()
    }
}
