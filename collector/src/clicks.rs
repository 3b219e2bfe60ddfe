//! Handlers of clicks and impressions: parse, stage, wait for the tick's append, answer.

use bytes::Bytes;
use hyper::{
    Method, Request,
    body::Incoming,
    header::{self, HeaderValue},
};
use schemas::{
    event::Flags,
    reason::Invalid,
    topic::{Shard, Topic},
};
use std::net::IpAddr;

use crate::{
    answer::{self, Answer},
    batch::{Ticket, Unrecorded},
    click::{self, Asked, Decided, Identity},
    config::{self, Cookies},
    core::Core,
    metrics::Event,
    request::{self, Sender, text},
    routes,
    visitor::cookie,
};

/// What was asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A redirect.
    Click,
    /// A pixel that says a link was shown.
    Impression,
}

/// What a request gets once its record is kept.
struct Staged {
    /// `None`: the 404 page, or the pixel of an impression.
    location: Option<HeaderValue>,
    cookie: Option<HeaderValue>,
    /// `None`: not to be recorded, only counted.
    ticket: Option<Ticket>,
    /// `location` without a click id, for a record that is lost; only where that is the setting.
    uncounted: Option<HeaderValue>,
}

/// Answers a request for a link.
pub(crate) async fn answer(
    core: &Core,
    request: Request<Incoming>,
    peer: IpAddr,
    kind: Kind,
) -> Answer {
    let staged = stage(core, &request, peer, kind);
    // The request's memory serves again: its buffer for the next read, its map for the answer.
    let mut headers = request.into_parts().0.headers;
    headers.clear();
    let mut staged = match staged {
        Ok(staged) => staged,
        Err(why) => return unrecorded(core, why),
    };
    if let Some(ticket) = staged.ticket.take()
        && let Err(why) = core.batch.kept(ticket, core.acks.click_ack).await
    {
        if !redirects_uncounted(core) {
            return unrecorded(core, why);
        }
        core.counts.event(Event::RedirectUncounted);
        staged.location = staged.uncounted.take();
    }
    let mut answer = match (kind, staged.location) {
        (Kind::Impression, _) => answer::gif(),
        (Kind::Click, Some(location)) => answer::redirect(location, headers),
        (Kind::Click, None) => answer::not_found(),
    };
    if let Some(cookie) = staged.cookie {
        answer.headers_mut().insert(header::SET_COOKIE, cookie);
    }
    answer
}

fn unrecorded(core: &Core, why: Unrecorded) -> Answer {
    core.counts.event(Event::ClickUnrecorded);
    answer::unrecorded(why)
}

/// Whether a visitor whose click cannot be recorded goes on all the same.
fn redirects_uncounted(core: &Core) -> bool {
    core.acks.unrecorded == config::Unrecorded::RedirectUncounted
}

fn stage(
    core: &Core,
    request: &Request<Incoming>,
    peer: IpAddr,
    kind: Kind,
) -> Result<Staged, Unrecorded> {
    let (uri, headers) = (request.uri(), request.headers());
    let sender = Sender::read(headers, peer, &core.proxies, core.privacy);
    let host = request::host(uri, headers);
    let code = text::decode_path(routes::code(uri.path()));
    let code = String::from_utf8_lossy(&code);
    let cookie = sender.cookie();
    let head = request.method() == Method::HEAD;
    let mints = cookie.is_none() && !sender.private && !head && core.cookies != Cookies::Off;
    let flag = |set: bool, flag: Flags| if set { flag as u32 } else { 0 };
    let asked = Asked {
        host: &host,
        code: &code,
        query: uri.query().unwrap_or_default(),
        address: sender.address,
        user_agent: sender.user_agent,
        referrer: sender.referrer,
        language: sender.language,
        cookie,
        flags: sender.flags
            | flag(head, Flags::Head)
            | flag(mints, Flags::CookieMinted)
            | flag(kind == Kind::Impression, Flags::Impression),
        private: sender.private,
        time_ms: core.clock.stamp_ms(),
        random: core.random(),
    };
    let links = core.links.load();
    let mut decided =
        click::decide(&links, &core.salts, &asked, |address, agent| core.visits.of(address, agent));
    let cookie = mints.then(|| mint(core, decided.visitor.shard, sender.is_https));
    spread(core, &mut decided, asked.time_ms);
    let staged = record(core, &mut decided, &asked)?;
    Ok(Staged { cookie, ..staged })
}

/// Stages the record, unless it is one orphan too many.
fn record(core: &Core, decided: &mut Decided<'_>, asked: &Asked<'_>) -> Result<Staged, Unrecorded> {
    let orphan = decided.verdict == Some(Invalid::Orphan);
    if orphan && !core.orphans.admits(asked.address, asked.time_ms) {
        core.counts.event(Event::OrphanUnstored);
        let location = uncounted(core, decided);
        return Ok(Staged { location, cookie: None, ticket: None, uncounted: None });
    }
    let identity = Identity { key: core.salts.keys().click_ids().signer(), journal: core.journal };
    let (shard, code) = (decided.visitor.shard, decided.verdict_code());
    let staged = core.batch.stage(Topic::Clicks, shard, code, |seq, out| {
        decided.write(&identity, seq, &mut core.scratch.borrow_mut(), out)
    });
    let ticket = match staged {
        Ok((_, ticket)) => ticket,
        Err(_) if redirects_uncounted(core) => {
            core.counts.event(Event::RedirectUncounted);
            let location = uncounted(core, decided);
            return Ok(Staged { location, cookie: None, ticket: None, uncounted: None });
        }
        Err(why) => return Err(why),
    };
    if decided.has(Flags::Unfit) {
        core.counts.event(Event::Unfit);
    }
    let location = location(&core.scratch.borrow());
    // Filled again, since what the id became on its way (a hash, say) cannot be taken out.
    let uncounted = redirects_uncounted(core).then(|| uncounted(core, decided)).flatten();
    Ok(Staged { location, cookie: None, ticket: Some(ticket), uncounted })
}

/// Where a visitor goes whose click is not recorded: its seq will be another's.
fn uncounted(core: &Core, decided: &Decided<'_>) -> Option<HeaderValue> {
    let mut destination = core.scratch.borrow_mut();
    decided.fill_uncounted(&mut destination);
    location(&destination)
}

fn location(destination: &[u8]) -> Option<HeaderValue> {
    if destination.is_empty() {
        return None;
    }
    HeaderValue::from_bytes(destination).ok()
}

/// A visitor who sends more than the limit is flagged and goes to any shard: one partition can't be
/// flooded by one visitor.
fn spread(core: &Core, decided: &mut Decided<'_>, time_ms: u64) {
    let visitor = &decided.visitor;
    let key = if visitor.network == 0 { u64::from(visitor.shard.get()) } else { visitor.network };
    if !core.busy.count(key, time_ms) {
        core.counts.event(Event::Spread);
        decided.flags |= Flags::Spread as u32;
        decided.visitor.shard = Shard::from_hash(core.random());
    }
}

fn mint(core: &Core, shard: Shard, is_https: bool) -> HeaderValue {
    let mut random = [0; 16];
    random[..8].copy_from_slice(&core.random().to_le_bytes());
    random[8..].copy_from_slice(&core.random().to_le_bytes());
    let secure = is_https || core.cookies == Cookies::Secure;
    let text = Bytes::from(cookie::header(&cookie::mint(shard, random), secure));
    HeaderValue::from_maybe_shared(text).unwrap_or(HeaderValue::from_static(""))
}
