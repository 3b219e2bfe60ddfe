//! `/dashboard/live`: says that more was counted; the page then asks for itself again. One poller
//! serves all who watch (`queries::live`).

use crate::{error::Error, queries::live::Latest, tenant::TenantCtx};
use axum::response::sse::{Event, KeepAlive, Sse};
use std::{convert::Infallible, time::Duration};
use tokio_stream::{Stream, StreamExt, wrappers::WatchStream};

/// An event `counted` whenever the numbers of today moved; `delayed` while a store is away.
pub(super) async fn follow(
    ctx: TenantCtx,
) -> Result<Sse<impl Stream<Item = Result<Event, Infallible>>>, Error> {
    let listener = ctx.live.listen(&ctx)?;
    // What stands there at the beginning is what the page shows already.
    let frames = WatchStream::from_changes(listener.frames.clone());
    let events = frames.map(move |latest| {
        let _seat = &listener;
        Ok(event(&latest))
    });
    Ok(Sse::new(events).keep_alive(KeepAlive::new().interval(Duration::from_secs(15))))
}

fn event(latest: &Latest) -> Event {
    let Some(frame) = latest else { return Event::default().event("delayed").data("-") };
    let at = frame.as_of.at.map_or("-".to_owned(), |at| at.to_rfc3339());
    Event::default().event("counted").data(at)
}
