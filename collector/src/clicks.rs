//! Handlers of clicks and impressions: parse, stage, wait for the tick's append, answer.

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

/// A request for a link, whichever way it was read.
pub(crate) struct Wanted<'a> {
    pub(crate) kind: Kind,
    /// HEAD.
    pub(crate) head: bool,
    /// As in the path, encoded.
    pub(crate) code: &'a str,
    /// Raw, without `?`.
    pub(crate) query: &'a str,
    /// Lower case, without port.
    pub(crate) host: &'a str,
    pub(crate) sender: Sender<'a>,
}

/// A click on its way into the journal. Where its visitor goes stands in `core.scratch` until the next one
/// is staged; empty: the 404 page.
pub(crate) struct Staged {
    /// For `Set-Cookie`.
    pub(crate) cookie: Option<cookie::Minted>,
    /// `None`: not to be recorded, only counted.
    pub(crate) ticket: Option<Ticket>,
    /// Where the visitor goes without a click id, for a record that is lost; only where that is the setting.
    uncounted: Option<Vec<u8>>,
}

/// Answers a request for a link.
pub(crate) async fn answer(
    core: &Core,
    request: Request<Incoming>,
    peer: IpAddr,
    kind: Kind,
) -> Answer {
    let (staged, location) = {
        let (uri, headers) = (request.uri(), request.headers());
        let wanted = Wanted {
            kind,
            head: request.method() == Method::HEAD,
            code: routes::code(uri.path()),
            query: uri.query().unwrap_or_default(),
            host: &request::host(uri, headers),
            sender: Sender::read(request::pairs(headers), peer, &core.proxies, core.privacy),
        };
        let staged = stage(core, &wanted);
        (staged, to_location(&core.scratch.borrow()))
    };
    // The request's memory serves again: its buffer for the next read, its map for the answer.
    let mut headers = request.into_parts().0.headers;
    headers.clear();
    let mut staged = match staged {
        Ok(staged) => staged,
        Err(why) => return unrecorded(core, why),
    };
    let location = match staged.kept(core).await {
        Kept::Whole => location,
        Kept::Uncounted(destination) => to_location(&destination),
        Kept::Not(why) => return unrecorded(core, why),
    };
    let mut answer = match (kind, location) {
        (Kind::Impression, _) => answer::gif(),
        (Kind::Click, Some(location)) => answer::redirect(location, headers),
        (Kind::Click, None) => answer::not_found(),
    };
    put_cookie(&mut answer, staged.cookie);
    answer
}

/// Gives a visitor the cookie minted for them.
pub(crate) fn put_cookie(answer: &mut Answer, cookie: Option<cookie::Minted>) {
    let Some(cookie) = cookie else { return };
    let mut value = Vec::new();
    cookie.put(&mut value);
    if let Ok(value) = HeaderValue::from_bytes(&value) {
        answer.headers_mut().insert(header::SET_COOKIE, value);
    }
}

/// What became of a staged click.
pub(crate) enum Kept {
    /// It is recorded, or one too many and only counted.
    Whole,
    /// It is not recorded; its visitor goes on to this destination, which has no id.
    Uncounted(Vec<u8>),
    /// It is not recorded: the visitor is told to come again.
    Not(Unrecorded),
}

impl Staged {
    /// Waits until the record is kept.
    pub(crate) async fn kept(&mut self, core: &Core) -> Kept {
        let Some(ticket) = self.ticket.take() else { return Kept::Whole };
        let Err(why) = core.batch.kept(ticket, core.acks.click_ack).await else {
            return Kept::Whole;
        };
        match self.uncounted.take() {
            Some(destination) => {
                core.counts.event(Event::RedirectUncounted);
                Kept::Uncounted(destination)
            }
            None => Kept::Not(why),
        }
    }
}

/// The answer to a click that is not recorded.
pub(crate) fn unrecorded(core: &Core, why: Unrecorded) -> Answer {
    core.counts.event(Event::ClickUnrecorded);
    answer::unrecorded(why)
}

/// Whether a visitor whose click cannot be recorded goes on all the same.
fn redirects_uncounted(core: &Core) -> bool {
    core.acks.unrecorded == config::Unrecorded::RedirectUncounted
}

/// Judges a request for a link and stages its record.
pub(crate) fn stage(core: &Core, wanted: &Wanted<'_>) -> Result<Staged, Unrecorded> {
    let Wanted { kind, head, sender, .. } = *wanted;
    let code = text::decode_path(wanted.code);
    let mints = sender.cookie.is_none() && !sender.private && !head && gives_cookies(core, &sender);
    let flag = |set: bool, flag: Flags| if set { flag as u32 } else { 0 };
    let asked = Asked {
        host: wanted.host,
        code: &code,
        query: wanted.query,
        address: sender.address,
        user_agent: sender.user_agent,
        referrer: sender.referrer,
        language: sender.language,
        cookie: sender.cookie,
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

/// Whether visitors who come like this one are given a cookie. Not in the open, where anybody reads it and plants
/// another: the link leads all the same.
fn gives_cookies(core: &Core, sender: &Sender<'_>) -> bool {
    match core.cookies {
        Cookies::Auto => !core.is_exposed(sender),
        Cookies::Secure => true,
        Cookies::Off => false,
    }
}

/// Stages the record, unless it is one orphan too many.
fn record(core: &Core, decided: &mut Decided<'_>, asked: &Asked<'_>) -> Result<Staged, Unrecorded> {
    let orphan = decided.verdict == Some(Invalid::Orphan);
    if orphan && !core.orphans.admits(asked.address, asked.time_ms) {
        core.counts.event(Event::OrphanUnstored);
        decided.fill_uncounted(&mut core.scratch.borrow_mut());
        return Ok(Staged { cookie: None, ticket: None, uncounted: None });
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
            decided.fill_uncounted(&mut core.scratch.borrow_mut());
            return Ok(Staged { cookie: None, ticket: None, uncounted: None });
        }
        Err(why) => return Err(why),
    };
    if decided.has(Flags::Unfit) {
        core.counts.event(Event::Unfit);
    }
    // Filled again, since what the id became on its way (a hash, say) cannot be taken out.
    let uncounted = redirects_uncounted(core).then(|| {
        let mut destination = Vec::new();
        decided.fill_uncounted(&mut destination);
        destination
    });
    Ok(Staged { cookie: None, ticket: Some(ticket), uncounted })
}

fn to_location(destination: &[u8]) -> Option<HeaderValue> {
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

fn mint(core: &Core, shard: Shard, is_https: bool) -> cookie::Minted {
    let mut random = [0; 16];
    random[..8].copy_from_slice(&core.random().to_le_bytes());
    random[8..].copy_from_slice(&core.random().to_le_bytes());
    let secure = is_https || core.cookies == Cookies::Secure;
    cookie::Minted { value: cookie::mint(shard, random), secure }
}
