//! Plays a log against a collector over HTTP, as visitors and advertisers' servers would.
//!
//! Every visitor's requests go over one connection, in the file's order. A click's id is remembered
//! from the redirect and sent back with the visitor's downloads. Each request ends in exactly one
//! `Answer`; one whose answer was lost is never sent again (it may be stored), one that provably
//! never left is. Refuses to know what the pipeline makes of it.

mod lane;
mod message;

use std::{sync::Arc, time::Duration};

use schemas::{
    ids::{PLATFORM, ProgramId},
    visitor::{Network, VisitorKey},
};
use tokio::{sync::mpsc, task::JoinSet};

use super::{
    Error, Result,
    log::{Event, PROGRAMS, Request},
};

/// Requests that wait for their lane: more only delays seeing that the collector is away.
const WAITING: usize = 32;

/// A program a conversion can be sent to.
#[derive(Clone)]
pub struct Program {
    /// Its number.
    pub id: ProgramId,
    /// The token its server sends.
    pub token: String,
}

/// Secrets stay out of logs.
impl std::fmt::Debug for Program {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Program").field("id", &self.id).finish_non_exhaustive()
    }
}

/// How to play.
#[derive(Debug, Clone)]
pub struct Options {
    /// `host:port` of the collector.
    pub collector: String,
    /// By place in `log::PROGRAMS`.
    pub programs: Vec<Program>,
    /// Connections kept open; a visitor keeps to one.
    pub connections: usize,
    /// Events a second; as fast as they are answered without it.
    pub per_second: Option<f64>,
    /// How long a connection may be refused before it is an error: restarts take a while.
    pub patience: Duration,
    /// Makes further visits of the same log distinct: it goes into `sub9`, behind each
    /// user agent (so that nobody has been there before) and each transaction id.
    pub visit: Option<String>,
}

impl Options {
    /// Eight connections, as fast as possible, ten minutes of patience.
    pub fn new(collector: &str, programs: Vec<Program>) -> Self {
        Self {
            collector: collector.to_owned(),
            programs,
            connections: 8,
            per_second: None,
            patience: Duration::from_secs(600),
            visit: None,
        }
    }
}

/// What a line is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// A request for a link.
    Click,
    /// A postback.
    Conversion,
}

/// How a request ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Answer {
    /// Any status but 503. 302, 404 and 202 say that it is stored.
    Acknowledged(u16),
    /// 503: it is not stored.
    Unavailable,
    /// The connection broke after it was sent: nobody knows but the journal.
    Lost,
}

/// One line, played.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Played {
    /// Its number in the log.
    pub line: u64,
    /// Click or conversion.
    pub kind: Kind,
    /// How it ended.
    pub answer: Answer,
}

/// Told of every line, in no order.
pub type OnPlayed = Arc<dyn Fn(Played) + Send + Sync>;

/// Plays the lines in order and returns when each has its answer. Dropping it stops at once.
///
/// # Errors
/// When a line can't be read, or the collector stays away longer than the patience.
pub async fn play(
    options: Options,
    lines: impl Iterator<Item = std::io::Result<(u64, Option<Request>)>>,
    on_played: OnPlayed,
) -> Result<()> {
    if options.programs.len() != PROGRAMS.len() {
        return Err(Error::Programs);
    }
    let mut lanes = JoinSet::new();
    let mut senders = Vec::new();
    for _ in 0..options.connections.max(1) {
        let (sender, receiver) = mpsc::channel(WAITING);
        senders.push(sender);
        lanes.spawn(lane::run(options.clone(), receiver, Arc::clone(&on_played)));
    }
    let read = deal(&options, lines, senders).await;
    while let Some(ended) = lanes.join_next().await {
        ended.map_err(std::io::Error::other)??;
    }
    read
}

/// Deals the events out, each visitor to one lane, at the rate asked for.
async fn deal(
    options: &Options,
    lines: impl Iterator<Item = std::io::Result<(u64, Option<Request>)>>,
    senders: Vec<mpsc::Sender<(Request, Event)>>,
) -> Result<()> {
    let mut ticks = options.per_second.map(|rate| {
        let mut ticks = tokio::time::interval(Duration::from_secs_f64(1.0 / rate.max(0.001)));
        ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Burst);
        ticks
    });
    for line in lines {
        let (_, Some(request)) = line? else { continue };
        let event = request.event();
        if event == Event::Skipped {
            continue;
        }
        if let Some(ticks) = &mut ticks {
            ticks.tick().await;
        }
        let lane = lane_of(&request, senders.len());
        if senders[lane].send((request, event)).await.is_err() {
            // The lane gave up: its own error says why.
            return Ok(());
        }
    }
    Ok(())
}

/// The same lane for all that the system can take for one visitor (address prefix, user agent).
fn lane_of(request: &Request, lanes: usize) -> usize {
    const KEY: VisitorKey = VisitorKey::new([0; 16]);
    let visitor =
        KEY.network(PLATFORM, Network::of(request.address, request.sent_user_agent().as_bytes()));
    (visitor % lanes as u64) as usize
}

#[cfg(test)]
mod tests;
