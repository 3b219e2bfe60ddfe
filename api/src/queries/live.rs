//! Numbers that move: one poller for all who may watch the same, and none when nobody does.

use chrono::{DateTime, TimeDelta, Utc};
use chrono_tz::Tz;
use schemas::ids::SiteId;
use std::{
    collections::{HashMap, hash_map::Entry},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore, watch},
    task::AbortHandle,
};

use super::{
    as_of::AsOf,
    clicks::{self, Click},
    sites,
    stats::{self, Dimension, Order, Query, Row},
};
use crate::{
    clock,
    error::Error,
    params::range::Range,
    tenant::{Reach, TenantCtx},
};

/// Who may listen at once.
const MAX_LISTENERS: usize = 64;
/// How often the stores are asked.
const PERIOD: Duration = Duration::from_secs(1);
const RECENT: u16 = 20;
const MINUTES: i64 = 30;

/// What a listener sees.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Frame {
    /// Until when it is complete.
    pub as_of: AsOf,
    /// The site's today.
    pub today: Row,
    /// The last half hour; `keys[0]` is the minute.
    pub minutes: Vec<Row>,
    /// The newest clicks, newest first.
    pub recent: Vec<Click>,
}

/// A frame, or `None` while a store does not answer ("delayed").
pub type Latest = Option<Arc<Frame>>;

/// Where listeners meet the poller.
#[derive(Debug, Clone)]
pub struct Feed(Arc<Inner>);

/// Whose numbers: viewers who may see the same are told by one poller.
type Watched = (SiteId, Reach);

#[derive(Debug)]
struct Inner {
    seats: Arc<Semaphore>,
    /// The running pollers, and where each sends; one ends with its last listener.
    running: Mutex<HashMap<Watched, (watch::Sender<Latest>, AbortHandle)>>,
}

/// A seat at the feed. Dropping it gives the seat back.
#[derive(Debug)]
pub struct Listener {
    /// Changes with each frame.
    pub frames: watch::Receiver<Latest>,
    _seat: OwnedSemaphorePermit,
}

impl Default for Feed {
    fn default() -> Self {
        let seats = Arc::new(Semaphore::new(MAX_LISTENERS));
        Self(Arc::new(Inner { seats, running: Mutex::default() }))
    }
}

impl Feed {
    /// How many listen.
    pub(crate) fn listeners(&self) -> usize {
        MAX_LISTENERS.saturating_sub(self.0.seats.available_permits())
    }

    /// Takes a seat, and starts the poller for the first one.
    ///
    /// # Errors
    /// `TooManyListeners` when all seats are taken.
    pub fn listen(&self, ctx: &TenantCtx) -> Result<Listener, Error> {
        let seat = self.0.seats.clone().try_acquire_owned().map_err(|_| Error::TooManyListeners)?;
        let mut running = self.0.running.lock().unwrap_or_else(PoisonError::into_inner);
        let frames = match running.entry((ctx.site, ctx.reach.clone())) {
            Entry::Occupied(found) => found.get().0.subscribe(),
            Entry::Vacant(place) => {
                let (sender, frames) = watch::channel(None);
                let poller = tokio::spawn(poll(ctx.clone(), sender.clone()));
                place.insert((sender, poller.abort_handle()));
                frames
            }
        };
        Ok(Listener { frames, _seat: seat })
    }

    /// Ends every stream, and takes no listener any more: this process stops.
    pub fn close(&self) {
        self.0.seats.close();
        let mut running = self.0.running.lock().unwrap_or_else(PoisonError::into_inner);
        running.drain().for_each(|(_, (_, poller))| poller.abort());
    }

    /// Ends the poller if nobody listens any more; under the lock, so that nobody comes meanwhile.
    fn ends(&self, ctx: &TenantCtx, sender: &watch::Sender<Latest>) -> bool {
        let mut running = self.0.running.lock().unwrap_or_else(PoisonError::into_inner);
        let ends = sender.receiver_count() == 0;
        if ends {
            running.remove(&(ctx.site, ctx.reach.clone()));
        }
        ends
    }
}

async fn poll(ctx: TenantCtx, sender: watch::Sender<Latest>) {
    let mut tick = tokio::time::interval(PERIOD);
    tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        tick.tick().await;
        if ctx.live.ends(&ctx, &sender) {
            return;
        }
        let latest = match frame(&ctx, clock::now()).await {
            Ok(frame) => Some(Arc::new(frame)),
            Err(error) => {
                tracing::debug!(%error, "the live stream is delayed");
                None
            }
        };
        sender.send_if_modified(|seen| {
            let changed = *seen != latest;
            *seen = latest;
            changed
        });
    }
}

/// The numbers of a moment.
///
/// # Errors
/// When a store does not answer.
pub async fn frame(ctx: &TenantCtx, now: DateTime<Utc>) -> Result<Frame, Error> {
    let zone = sites::get(&ctx.db).await?.zone;
    let day = now.with_timezone(&zone).date_naive();
    let from = now - TimeDelta::minutes(MINUTES);
    let span = Range { from_ms: from.timestamp_millis(), to_ms: now.timestamp_millis() + 1, zone };
    let queries = [
        question(Range::days(day, day, zone), zone, Vec::new()),
        question(span, zone, vec![Dimension::Minute]),
    ];
    let [today, minutes]: [_; 2] = stats::reports(ctx, &queries)
        .await?
        .try_into()
        .map_err(|_| Error::Fault("a question without an answer".to_owned()))?;
    let recent = clicks::newest(ctx, from, RECENT).await?;
    Ok(Frame { as_of: today.as_of, today: today.totals, minutes: minutes.rows, recent })
}

fn question(range: Range, site_zone: Tz, group_by: Vec<Dimension>) -> Query {
    let limit = MINUTES as u32 + 2;
    Query { range, site_zone, group_by, filters: Vec::new(), order: (Order::Key(0), false), limit }
}
