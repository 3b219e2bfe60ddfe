//! Requests at a steady rate, whatever the answers take.

use std::{sync::Arc, time::Duration};

use anyhow::{Context, Result, ensure};
use load_tests::system::System;
use reqwest::{Client, StatusCode, header, redirect::Policy};
use rustix::process::Pid;
use tokio::{
    process::Command,
    task::JoinSet,
    time::{Instant, MissedTickBehavior, interval},
};

/// How fast, and how long.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Rate {
    pub(crate) per_second: u64,
    pub(crate) seconds: u64,
}

/// All threads of some processes on the first core.
pub(crate) async fn keep_to_one_core(pids: &[Pid]) -> Result<()> {
    for pid in pids {
        let pid = pid.as_raw_nonzero().to_string();
        let done = Command::new("taskset").args(["-a", "-p", "-c", "0", &pid]).output().await?;
        ensure!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    }
    Ok(())
}

/// How long each answer took, as the asker sees it: more than the server's own time.
pub(crate) async fn asked(
    system: &System,
    paths: &[&str],
    cookies: &[String],
    rate: Rate,
) -> Result<Vec<Duration>> {
    let client = client()?;
    let mut running = JoinSet::new();
    let mut ticks = ticks(rate.per_second);
    for n in 0..rate.per_second * rate.seconds {
        ticks.tick().await;
        let n = usize::try_from(n)?;
        let url = format!("{}{}", system.api, paths[n % paths.len()]);
        let cookie = cookies[n % cookies.len()].clone();
        let client = client.clone();
        running.spawn(async move {
            let begun = Instant::now();
            let asked = client.get(&url).header(header::COOKIE, cookie);
            let answer = asked.header(header::ACCEPT, "text/html, application/json").send().await?;
            let status = answer.status();
            answer.bytes().await?;
            ensure!(status == StatusCode::OK, "{url}: {status}");
            Ok(begun.elapsed())
        });
    }
    let mut times = Vec::new();
    while let Some(one) = running.join_next().await {
        times.push(one??);
    }
    Ok(times)
}

/// Wrong passwords of somebody known; how many were judged, and how many told to come back.
pub(crate) async fn sign_ins(system: &System, rate: Rate) -> Result<(u64, u64)> {
    let client = client()?;
    let url = Arc::new(format!("{}/api/v1/auth/login/", system.api));
    let mut running = JoinSet::new();
    let mut ticks = ticks(rate.per_second);
    for n in 0..rate.per_second * rate.seconds {
        ticks.tick().await;
        let (client, url) = (client.clone(), Arc::clone(&url));
        running.spawn(async move {
            let body = format!(r#"{{"username": "nobody-{n}", "password": "wrong {n}"}}"#);
            let asked = client.post(url.as_str()).header(header::CONTENT_TYPE, "application/json");
            let answer = asked.body(body).send().await?;
            anyhow::Ok(answer.status())
        });
    }
    let (mut judged, mut busy) = (0, 0);
    while let Some(one) = running.join_next().await {
        match one?? {
            StatusCode::UNAUTHORIZED => judged += 1,
            StatusCode::SERVICE_UNAVAILABLE => busy += 1,
            other => anyhow::bail!("a sign-in is answered {other}"),
        }
    }
    Ok((judged, busy))
}

fn client() -> Result<Client> {
    let client = Client::builder().redirect(Policy::none()).timeout(Duration::from_secs(60));
    client.build().context("no client")
}

fn ticks(per_second: u64) -> tokio::time::Interval {
    let mut ticks = interval(Duration::from_nanos(1_000_000_000 / per_second.max(1)));
    ticks.set_missed_tick_behavior(MissedTickBehavior::Burst);
    ticks
}
