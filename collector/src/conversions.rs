//! Handlers of postbacks and pixels: parse, judge, stage, wait until it is kept, answer.

use bytes::Bytes;
use http_body_util::{BodyExt, LengthLimitError, Limited};
use hyper::{
    Method, Request, StatusCode,
    body::{Body, Incoming},
    header,
    http::request::Parts,
};
use schemas::{reason::Refusal, status::Via, topic::Topic};
use std::{net::IpAddr, time::Duration};
use tokio::time::timeout;

use crate::{
    answer::{self, Answer},
    batch::{Ticket, Unrecorded},
    click::Identity,
    clock,
    config::Ack,
    conversion::{self, Asked, signature},
    core::Core,
    metrics::Event,
    request::{self, Sender, params::ConversionParams},
};

/// Largest body of a postback.
const MOST_BODY_BYTES: usize = 64 * 1024;
/// A body must be whole this long after its head.
const BODY_TIME: Duration = Duration::from_secs(30);

/// A judged conversion on its way into the journal.
struct Staged {
    verdict: Option<Refusal>,
    /// `None`: over its address's limit, only counted.
    record: Option<(String, Ticket)>,
}

/// `GET|POST /postback`: 202 with a receipt, or a problem with its reason.
pub(crate) async fn postback(core: &Core, request: Request<Incoming>, peer: IpAddr) -> Answer {
    let (parts, body) = request.into_parts();
    let body = match read_body(body).await {
        Ok(body) => body,
        Err(answer) => return answer,
    };
    let form = parts.method == Method::POST && !body.is_empty();
    if form && !is_form(&parts) {
        let detail = "a postback's body is application/x-www-form-urlencoded";
        return answer::failed(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "unsupported_media_type",
            detail,
        );
    }
    let staged = stage(core, &parts, peer, Via::Postback, if form { &body } else { &[] });
    drop(parts);
    match kept(core, staged).await {
        Ok((Some(refusal), receipt)) => answer::refused(refusal, receipt.as_deref()),
        Ok((None, Some(receipt))) => answer::accepted(&receipt),
        Ok((None, None)) => unrecorded(core, Unrecorded::NotStored),
        Err(why) => unrecorded(core, why),
    }
}

/// `GET /pixel.gif`: the pixel; what a browser says is public, and recorded with its verdict. Over plain HTTP a problem
/// instead: whoever put it on a page sees that it is broken.
pub(crate) async fn pixel(core: &Core, request: Request<Incoming>, peer: IpAddr) -> Answer {
    let (parts, _) = request.into_parts();
    let staged = stage(core, &parts, peer, Via::Pixel, &[]);
    drop(parts);
    match kept(core, staged).await {
        Ok((Some(refusal @ Refusal::PlainHttp), receipt)) => {
            answer::refused(refusal, receipt.as_deref())
        }
        // Nothing was against it, so that silence would be a lie.
        Ok((None, None)) => answer::unrecorded(Unrecorded::NotStored),
        Ok(_) => answer::gif(),
        Err(why) => unrecorded(core, why),
    }
}

/// Waits until the record is kept; what was against it, and its receipt, where it is not only counted.
async fn kept(
    core: &Core,
    staged: Result<Staged, Unrecorded>,
) -> Result<(Option<Refusal>, Option<String>), Unrecorded> {
    let Staged { verdict, record } = staged?;
    let Some((receipt, ticket)) = record else { return Ok((verdict, None)) };
    // Nobody waits for the disk to hear a refusal.
    let ack = if verdict.is_some() { Ack::PageCache } else { core.acks.conversion_ack };
    core.batch.kept(ticket, ack).await?;
    Ok((verdict, Some(receipt)))
}

fn unrecorded(core: &Core, why: Unrecorded) -> Answer {
    core.counts.event(Event::ConversionUnrecorded);
    answer::unrecorded(why)
}

/// The whole body, or why not.
async fn read_body(body: Incoming) -> Result<Bytes, Answer> {
    if body.is_end_stream() {
        return Ok(Bytes::new());
    }
    match timeout(BODY_TIME, Limited::new(body, MOST_BODY_BYTES).collect()).await {
        Ok(Ok(whole)) => Ok(whole.to_bytes()),
        Ok(Err(error)) if error.is::<LengthLimitError>() => {
            let detail = "a postback's body has at most 64 kB";
            Err(answer::failed(StatusCode::PAYLOAD_TOO_LARGE, "too_large", detail))
        }
        Ok(Err(_)) => {
            Err(answer::failed(StatusCode::BAD_REQUEST, "malformed", "the body broke off"))
        }
        Err(_) => {
            let detail = "the body did not come within 30 seconds";
            Err(answer::failed(StatusCode::REQUEST_TIMEOUT, "timeout", detail))
        }
    }
}

/// Forms only; a body that says nothing about itself is taken for one.
fn is_form(parts: &Parts) -> bool {
    let Some(kind) = parts.headers.get(header::CONTENT_TYPE) else { return true };
    let kind = kind.as_bytes().split(|byte| *byte == b';').next().unwrap_or_default();
    kind.trim_ascii().eq_ignore_ascii_case(b"application/x-www-form-urlencoded")
}

fn stage(
    core: &Core,
    parts: &Parts,
    peer: IpAddr,
    via: Via,
    body: &[u8],
) -> Result<Staged, Unrecorded> {
    let sender = Sender::read(request::pairs(&parts.headers), peer, &core.proxies, core.privacy);
    let host = request::host(&parts.uri, &parts.headers);
    let form = std::str::from_utf8(body);
    let mut params = ConversionParams::default();
    params.read(parts.uri.query().unwrap_or_default());
    params.read(form.unwrap_or_default());
    let signature = parts.headers.get(signature::HEADER).map(|header| {
        let target = parts.uri.path_and_query().map_or("", |target| target.as_str());
        signature::Signed::read(header.as_bytes(), target, body)
    });
    let links = core.links.load();
    let time_ms = core.clock.stamp_ms();
    let judged = conversion::judge(
        &links,
        &core.salts,
        Asked {
            via,
            host: &host,
            params,
            exposed: core.is_exposed(&sender),
            malformed: form.is_err(),
            address: sender.address,
            user_agent: sender.user_agent,
            referrer: sender.referrer,
            signed: signature,
            flags: sender.flags,
            private: sender.private,
            time_ms,
            now_ms: clock::now_ms(),
        },
    );
    let verdict = judged.verdict;
    if judged.is_anybodys() && !core.refusals.admits(sender.address, time_ms) {
        let refused = verdict.is_some();
        let event = if refused { Event::RefusalUnstored } else { Event::ConversionUnstored };
        core.counts.event(event);
        return Ok(Staged { verdict, record: None });
    }
    let identity = Identity { key: core.salts.keys().click_ids().signer(), journal: core.journal };
    let (shard, code) = (judged.shard, judged.verdict_code());
    let write = |seq, out: &mut Vec<u8>| judged.write(&identity, seq, out);
    let (token, ticket) = core.batch.stage(Topic::Conversions, shard, code, write)?;
    Ok(Staged { verdict, record: Some((format!("evt_{token}"), ticket)) })
}
