//! `GET /api/v1/live/`: numbers that move, by server-sent events.

use axum::response::sse::{Event, KeepAlive, Sse};
use serde_json::{Value, json};
use std::{convert::Infallible, time::Duration};
use tokio_stream::{Stream, StreamExt, wrappers::WatchStream};

use super::{clicks, put_as_of, stats::row};
use crate::{
    error::Error,
    params::range::Range,
    queries::{
        live::{Frame, Latest},
        stats::{Dimension, Order, Query},
    },
    tenant::TenantCtx,
};

/// An event `frame` with each change, an event `delayed` while a store does not answer.
pub async fn stream(
    ctx: TenantCtx,
) -> Result<Sse<impl Stream<Item = Result<Event, Infallible>>>, Error> {
    let listener = ctx.live.listen(&ctx)?;
    let frames = WatchStream::new(listener.frames.clone());
    // The seat is kept as long as the stream is.
    let events = frames.map(move |latest| {
        let _seat = &listener;
        Ok(event(&latest))
    });
    Ok(Sse::new(events).keep_alive(KeepAlive::new().interval(Duration::from_secs(15))))
}

fn event(latest: &Latest) -> Event {
    match latest {
        Some(frame) => Event::default().event("frame").data(body(frame).to_string()),
        None => Event::default().event("delayed").data("{}"),
    }
}

fn body(frame: &Frame) -> Value {
    let range = Range { from_ms: 0, to_ms: 0, zone: chrono_tz::Tz::UTC };
    let plain = |group_by| Query {
        range,
        site_zone: range.zone,
        group_by,
        filters: Vec::new(),
        order: (Order::Key(0), false),
        limit: 0,
    };
    let (totals, by_minute) = (plain(Vec::new()), plain(vec![Dimension::Minute]));
    let mut answer = json!({
        "object": "live",
        "today": row(&frame.today, &totals),
        "minutes": frame.minutes.iter().map(|minute| row(minute, &by_minute)).collect::<Vec<_>>(),
        "recent": frame.recent.iter().map(clicks::row).collect::<Vec<_>>(),
    });
    put_as_of(&mut answer, &frame.as_of);
    answer
}
