//! The body of a request as plain bytes: chunked or not, framed or not, never longer in coming than it may be.

use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http_body_util::BodyExt;
use hyper::body::Incoming;
use tokio::time::{Instant, timeout_at};

use super::compress::FrameDecoder;
use super::exception::{Exception, code};

/// A client that sends nothing for this long in the middle of a body is let go.
const IDLE: Duration = Duration::from_secs(20);

/// Reads a body, taking compressed frames apart where it comes in them.
pub(super) struct Body {
    incoming: Incoming,
    frames: Option<FrameDecoder>,
    deadline: Instant,
}

impl Body {
    pub(super) fn new(incoming: Incoming, decompress: bool, deadline: Instant) -> Self {
        Self { incoming, frames: decompress.then(FrameDecoder::default), deadline }
    }

    /// The next bytes; `None` only when the body ended as its sender meant it to.
    pub(super) async fn next(&mut self) -> Result<Option<Bytes>, Exception> {
        loop {
            if let Some(frames) = &mut self.frames
                && let Some(plain) = frames.next_frame()?
            {
                return Ok(Some(plain));
            }
            let limit = self.deadline.min(Instant::now() + IDLE);
            let frame = match timeout_at(limit, self.incoming.frame()).await {
                Err(_) => {
                    return Err(Exception::new(
                        code::TIMEOUT_EXCEEDED,
                        "TIMEOUT_EXCEEDED",
                        "The body came too slowly",
                    ));
                }
                Ok(Some(Err(error))) => return Err(cut_short(&error.to_string())),
                Ok(Some(Ok(frame))) => frame,
                Ok(None) if self.frames.as_ref().is_some_and(|frames| !frames.is_empty()) => {
                    return Err(cut_short("the last compressed frame is not whole"));
                }
                Ok(None) => return Ok(None),
            };
            match (frame.into_data(), &mut self.frames) {
                (Ok(data), Some(frames)) => frames.push(&data),
                (Ok(data), None) if !data.is_empty() => return Ok(Some(data)),
                _ => {}
            }
        }
    }

    /// Reads up to a little over `limit` bytes; the flag is true when the body ended there.
    pub(super) async fn read_up_to(&mut self, limit: usize) -> Result<(BytesMut, bool), Exception> {
        let mut read = BytesMut::new();
        while read.len() < limit {
            match self.next().await? {
                Some(bytes) => read.extend_from_slice(&bytes),
                None => return Ok((read, true)),
            }
        }
        Ok((read, false))
    }
}

fn cut_short(why: &str) -> Exception {
    let text = format!("Cannot read all data: {why}");
    Exception::new(code::CANNOT_READ_ALL_DATA, "CANNOT_READ_ALL_DATA", &text)
}
