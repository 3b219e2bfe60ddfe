//! Numbers that move: one poller for all who watch, and none when nobody does.

use chrono::{DateTime, TimeDelta, Utc};
use chrono_tz::Tz;
use std::{
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
use crate::{app::App, clock, error::Error, params::range::Range};

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

#[derive(Debug)]
struct Inner {
    seats: Arc<Semaphore>,
    /// The running poller, and where it sends; it ends with its last listener.
    running: Mutex<Option<(watch::Sender<Latest>, AbortHandle)>>,
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
        Self(Arc::new(Inner { seats, running: Mutex::new(None) }))
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
    pub fn listen(&self, app: &App) -> Result<Listener, Error> {
        let seat = self.0.seats.clone().try_acquire_owned().map_err(|_| Error::TooManyListeners)?;
        let mut running = self.0.running.lock().unwrap_or_else(PoisonError::into_inner);
        let frames = match running.as_ref() {
            Some((sender, _)) => sender.subscribe(),
            None => {
                let (sender, frames) = watch::channel(None);
                let poller = tokio::spawn(poll(app.clone(), sender.clone()));
                *running = Some((sender, poller.abort_handle()));
                frames
            }
        };
        Ok(Listener { frames, _seat: seat })
    }

    /// Ends every stream, and takes no listener any more: this process stops.
    pub fn close(&self) {
        self.0.seats.close();
        let running = self.0.running.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some((_, poller)) = running {
            poller.abort();
        }
    }

    /// Ends the poller if nobody listens any more; under the lock, so that nobody comes meanwhile.
    fn ends(&self, sender: &watch::Sender<Latest>) -> bool {
        let mut running = self.0.running.lock().unwrap_or_else(PoisonError::into_inner);
        let ends = sender.receiver_count() == 0;
        if ends {
            *running = None;
        }
        ends
    }
}

async fn poll(app: App, sender: watch::Sender<Latest>) {
    let mut tick = tokio::time::interval(PERIOD);
    tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        tick.tick().await;
        if app.live.ends(&sender) {
            return;
        }
        let latest = match frame(&app, clock::now()).await {
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
pub async fn frame(app: &App, now: DateTime<Utc>) -> Result<Frame, Error> {
    let zone = sites::get(&app.db, app.site).await?.zone;
    let day = now.with_timezone(&zone).date_naive();
    let from = now - TimeDelta::minutes(MINUTES);
    let span = Range { from_ms: from.timestamp_millis(), to_ms: now.timestamp_millis() + 1, zone };
    let queries = [
        question(Range::days(day, day, zone), zone, Vec::new()),
        question(span, zone, vec![Dimension::Minute]),
    ];
    let [today, minutes]: [_; 2] = stats::reports(app, &queries)
        .await?
        .try_into()
        .map_err(|_| Error::Fault("a question without an answer".to_owned()))?;
    let recent = clicks::newest(app, from, RECENT).await?;
    Ok(Frame { as_of: today.as_of, today: today.totals, minutes: minutes.rows, recent })
}

fn question(range: Range, site_zone: Tz, group_by: Vec<Dimension>) -> Query {
    let limit = MINUTES as u32 + 2;
    Query { range, site_zone, group_by, filters: Vec::new(), order: (Order::Key(0), false), limit }
}
