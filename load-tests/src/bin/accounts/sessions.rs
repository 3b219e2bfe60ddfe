//! Sessions: as many as are wished, what asking for one takes, and what they keep.

use std::{fs, time::Duration};

use anyhow::{Context, Result};
use load_tests::system::{Part, System};
use sqlx::Row;
use tokio::time::Instant;

use crate::load::{Rate, asked};

/// Questions of each kind.
const QUESTIONS: usize = 5000;

/// Makes sessions of an admin, and gives their cookies.
pub(crate) async fn make(system: &System, many: u32) -> Result<Vec<String>> {
    let mut owner = system.owner().await?;
    // The host as the requests name it; a session's secret is kept as its hash (`api::accounts::secret`).
    let host = system.api.trim_start_matches("http://").split(':').next().unwrap_or_default();
    sqlx::raw_sql(
        "INSERT INTO accounts_user (username, email, email_verified_at) VALUES ('load', 'load@localhost', now());
         INSERT INTO accounts_membership (site_id, user_id, role) SELECT 1, id, 'admin' FROM accounts_user WHERE username = 'load';",
    )
    .execute(&mut owner)
    .await?;
    sqlx::query(
        "INSERT INTO accounts_session (token_hash, user_id, host, level, methods, proved_at, created_at, seen_at, expires_at, network, agent)
         SELECT sha256(int8send(43) || convert_to(lpad(n::text, 43, '0'), 'UTF8')), u.id, $2, 2, '{password}', now(), now(), now(),
             now() + interval '10 hours', '', repeat('Mozilla/5.0 ', 10)
         FROM generate_series(1, $1) n, accounts_user u WHERE u.username = 'load'",
    )
    .bind(i32::try_from(many)?)
    .bind(host)
    .execute(&mut owner)
    .await?;
    sqlx::raw_sql("ANALYZE accounts_session").execute(&mut owner).await?;
    let cookie = |n: u32| format!("__Host-sid={n:0>43}; sid-insecure={n:0>43}");
    Ok((1..=many).map(cookie).collect())
}

/// The question of each request, and the least that PostgreSQL can be asked.
pub(crate) async fn question(
    system: &System,
    cookies: &[String],
) -> Result<(Vec<Duration>, Vec<Duration>)> {
    let mut owner = system.owner().await?;
    let host = system.api.trim_start_matches("http://").split(':').next().unwrap_or_default();
    let (mut control, mut question) = (Vec::new(), Vec::new());
    for n in 0..QUESTIONS {
        let begun = Instant::now();
        sqlx::query("SELECT 1").fetch_one(&mut owner).await?;
        control.push(begun.elapsed());
        let token = format!("{:0>43}", n % cookies.len() + 1);
        let begun = Instant::now();
        let found = sqlx::query(
            "SELECT user_id FROM accounts_session_find(sha256(int8send(43) || convert_to($1, 'UTF8')), $2, 1)",
        );
        found.bind(token).bind(host).fetch_one(&mut owner).await?;
        question.push(begun.elapsed());
    }
    Ok((control, question))
}

/// What the api's process and the table take, in kB: before and after each session was asked with.
pub(crate) async fn memory(system: &System, cookies: &[String]) -> Result<(u64, u64, u64)> {
    let before = resident(system).await?;
    let seconds = u64::try_from(cookies.len())? / 500 + 1;
    asked(system, &["/accounts/profile/"], cookies, Rate { per_second: 500, seconds }).await?;
    let after = resident(system).await?;
    let mut owner = system.owner().await?;
    let size = sqlx::query("SELECT pg_total_relation_size('accounts_session') / 1024");
    let table: i64 = size.fetch_one(&mut owner).await?.try_get(0)?;
    Ok((before, after, u64::try_from(table)?))
}

async fn resident(system: &System) -> Result<u64> {
    let mut sum = 0;
    for pid in system.pids(Part::Api).await? {
        let text = fs::read_to_string(format!("/proc/{}/status", pid.as_raw_nonzero()))?;
        let line = text.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        let number = line.and_then(|line| line.split_whitespace().next()).context("no VmRSS")?;
        sum += number.parse::<u64>()?;
    }
    Ok(sum)
}
