//! Clicks at a steady rate over few connections, for next to nothing of the machine: requests written as bytes,
//! several at once, answers told apart and nothing more.

use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::{Instant, MissedTickBehavior, interval},
};

use crate::generate::Visit;

/// Between two turns of a connection.
const TICK: Duration = Duration::from_millis(5);
/// Connections for each thousand clicks a second.
const PER_THOUSAND: u64 = 2;

/// How fast, and how long.
#[derive(Debug, Clone, Copy)]
pub struct Pace {
    /// Clicks a second, all connections together.
    pub per_second: u64,
    /// How many.
    pub clicks: u64,
}

/// A click as it is asked for.
#[derive(Debug, Clone)]
pub struct Request {
    /// The request, whole.
    pub bytes: Vec<u8>,
    /// Who wants to know when it was answered.
    pub mark: Option<String>,
}

impl Request {
    /// A visit's click on a link.
    pub fn click(path: &str, visit: &Visit, mark: Option<String>) -> Self {
        let query = mark.as_ref().map(|mark| format!("?sub10={mark}")).unwrap_or_default();
        let text = format!(
            "GET {path}{query} HTTP/1.1\r\nhost: localhost\r\nx-forwarded-for: {}\r\nuser-agent: {}\r\nreferer: {}\r\n\r\n",
            visit.address, visit.user_agent, visit.referrer
        );
        Self { bytes: text.into_bytes(), mark }
    }
}

/// Sends requests at a pace; tells each mark when its click was answered. Gives how many were answered.
///
/// # Errors
/// An answer that is no redirect, or a connection that ends.
pub async fn send(
    address: &str,
    pace: Pace,
    requests: impl Iterator<Item = Request>,
    answered: impl Fn(String, Instant) + Clone + Send + 'static,
) -> Result<u64> {
    let connections = (pace.per_second * PER_THOUSAND / 1000).clamp(2, 64);
    let mut lanes = Vec::new();
    let mut running = Vec::new();
    for _ in 0..connections {
        let (lane, requests) = tokio::sync::mpsc::channel(64);
        lanes.push(lane);
        let socket = TcpStream::connect(address).await?;
        socket.set_nodelay(true)?;
        running.push(tokio::spawn(connection(socket, requests, answered.clone())));
    }
    let mut ticks = interval(TICK);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Burst);
    let (begun, mut sent, mut turn) = (Instant::now(), 0, 0);
    let mut requests = requests.take(usize::try_from(pace.clicks)?).peekable();
    while requests.peek().is_some() {
        ticks.tick().await;
        let due = (begun.elapsed().as_secs_f64() * pace.per_second as f64) as u64;
        let due = due.saturating_sub(sent);
        let each = usize::try_from(due.div_ceil(connections))?.max(1);
        let mut left = due;
        while left > 0 && requests.peek().is_some() {
            let batch: Vec<Request> = requests.by_ref().take(each.min(left as usize)).collect();
            left -= batch.len() as u64;
            sent += batch.len() as u64;
            let lane = &lanes[turn % lanes.len()];
            turn += 1;
            lane.send(batch).await.ok().context("a connection ended")?;
        }
    }
    drop(lanes);
    let mut done = 0;
    for one in running {
        done += one.await??;
    }
    Ok(done)
}

/// Writes what it is given at once, and reads as many answers.
async fn connection(
    mut socket: TcpStream,
    mut requests: tokio::sync::mpsc::Receiver<Vec<Request>>,
    answered: impl Fn(String, Instant),
) -> Result<u64> {
    let (mut input, mut done) = (Vec::with_capacity(64 << 10), 0);
    while let Some(batch) = requests.recv().await {
        let bytes: Vec<u8> =
            batch.iter().flat_map(|request| request.bytes.iter().copied()).collect();
        socket.write_all(&bytes).await?;
        for request in batch {
            answer(&mut socket, &mut input).await?;
            done += 1;
            if let Some(mark) = request.mark {
                answered(mark, Instant::now());
            }
        }
    }
    Ok(done)
}

/// Takes one redirect off what was read, reading on as it must.
async fn answer(socket: &mut TcpStream, input: &mut Vec<u8>) -> Result<()> {
    loop {
        if let Some(end) = input.windows(4).position(|four| four == b"\r\n\r\n") {
            let first = String::from_utf8_lossy(&input[..end.min(32)]).into_owned();
            ensure!(first.starts_with("HTTP/1.1 302"), "a click is answered {first:?}");
            input.drain(..end + 4);
            return Ok(());
        }
        if socket.read_buf(input).await? == 0 {
            bail!("the collector closed a connection");
        }
    }
}
