//! One click or impression, from what was asked to the record in the journal and the URL to go to.
//!
//! The way for HTTP and for imports alike: `decide` looks up and judges what memory can judge,
//! `Decided::write` gives the record its id, fills the destination and encodes both. Refuses to judge
//! more: bots, duplicates and everything about money are the processor's.

use schemas::{
    click_id::{ClickId, ClickKey, Token},
    event::Flags,
    ids::{LinkId, SiteId},
    reason::Invalid,
};
use std::{borrow::Cow, net::IpAddr};

use crate::{
    links::{Destination, Link, Links},
    request::{
        params::{ClickParams, Slot},
        text::{self, AGENT_BYTES, REFERRER_BYTES},
    },
    target::{self, Facts, Visit},
    visitor::{Marks, Salts, Visitor, cookie::Cookie},
    wire,
};

/// Longest code a link can have; of longer ones asked for this much is kept.
pub const CODE_BYTES: usize = 128;
const HOST_BYTES: usize = 253;

/// A request for a link, wherever it came from.
#[derive(Debug, Clone, Copy)]
pub struct Asked<'a> {
    /// Lower case, without port.
    pub host: &'a str,
    /// Decoded; anything.
    pub code: &'a str,
    /// Raw, without `?`.
    pub query: &'a str,
    /// The client's, proxies taken off.
    pub address: IpAddr,
    /// Header as sent.
    pub user_agent: &'a [u8],
    /// Header as sent.
    pub referrer: &'a [u8],
    /// `Accept-Language` as sent.
    pub language: &'a [u8],
    /// Ours, where one was brought and may be read.
    pub cookie: Option<Cookie<'a>>,
    /// `Flags` bits the request itself says: HEAD, prefetch, privacy, impression, cookie minted.
    pub flags: u32,
    /// Whether a wish not to be followed is honoured for this request.
    pub private: bool,
    /// Milliseconds since 1970.
    pub time_ms: u64,
    /// Another number for every request.
    pub random: u64,
}

/// A click looked up and judged.
#[derive(Debug)]
pub struct Decided<'a> {
    asked: &'a Asked<'a>,
    site: SiteId,
    link: Option<Link<'a>>,
    /// What memory knows against it.
    pub verdict: Option<Invalid>,
    /// Who, and where the record goes.
    pub visitor: Visitor,
    /// Flags of the record.
    pub flags: u32,
    /// Where to send the visitor: the link's template, or the site's fallback. `None`: a 404 page.
    target: Option<&'a [u8]>,
    fallback: Option<&'a [u8]>,
    params: ClickParams<'a>,
    user_agent: Cow<'a, [u8]>,
    referrer: Cow<'a, [u8]>,
    language: Cow<'a, [u8]>,
    visit: Visit,
}

/// Who gives a record its id.
#[derive(Debug, Clone, Copy)]
pub struct Identity<'a> {
    /// Signs.
    pub key: &'a ClickKey,
    /// The journal's id; its lower 20 bits go into the click id.
    pub journal: u64,
}

impl Identity<'_> {
    /// The signed id of a record.
    pub fn token(&self, id: ClickId) -> Option<Token> {
        self.key.sign(&ClickId { journal: (self.journal & 0xf_ffff) as u32, ..id }).ok()
    }

    /// The version of the key that signs.
    pub fn version(&self) -> u8 {
        self.key.version()
    }
}

/// Looks a request up and judges it. `visit` is asked where the destination needs to know more.
pub fn decide<'a>(
    links: &'a Links,
    salts: &Salts,
    asked: &'a Asked<'a>,
    visit: impl FnOnce(IpAddr, &[u8]) -> Visit,
) -> Decided<'a> {
    let host = links.host(asked.host);
    let link = links.find(host.scope, asked.code);
    let site = link.as_ref().map_or(host.site, |link| links.site_of(link));
    let marks = Marks {
        address: asked.address,
        user_agent: asked.user_agent,
        cookie: asked.cookie,
        private: asked.private,
    };
    let fallback =
        links.site(site).and_then(|site| site.fallback.as_ref()).map(target::Template::as_bytes);
    let (verdict, target) = match &link {
        None => (Some(Invalid::Orphan), fallback),
        Some(link) => match standing(links, link, asked.time_ms) {
            Ok(target) => (None, Some(target)),
            Err(verdict) => (Some(verdict), fallback),
        },
    };
    let wants_visit = target.is_some_and(target::asks_for_visit);
    Decided {
        asked,
        site,
        link,
        verdict,
        visitor: salts.visitor(site, &marks, asked.time_ms),
        flags: asked.flags,
        target,
        fallback,
        params: ClickParams::read(asked.query),
        user_agent: text::clean(asked.user_agent.into(), AGENT_BYTES),
        referrer: text::clean(asked.referrer.into(), REFERRER_BYTES),
        language: language(asked.language),
        visit: if wants_visit { visit(asked.address, asked.user_agent) } else { Visit::default() },
    }
}

/// Where a link leads now, or why nowhere.
fn standing<'a>(links: &'a Links, link: &Link<'a>, now_ms: u64) -> Result<&'a [u8], Invalid> {
    if link.expires_ms != 0 && link.expires_ms <= now_ms {
        return Err(Invalid::Expired);
    }
    let program = links
        .program(link.program)
        .filter(|program| program.is_active())
        .ok_or(Invalid::Disabled)?;
    if !link.is_active || links.is_inactive(link.affiliate) {
        return Err(Invalid::Disabled);
    }
    match link.destination {
        Destination::Own(template) => Ok(template),
        Destination::Programs => {
            program.destination.as_ref().map(target::Template::as_bytes).ok_or(Invalid::Disabled)
        }
        // Saved before the rules for destinations were checked: as good as switched off.
        Destination::Broken => Err(Invalid::Disabled),
    }
}

impl Decided<'_> {
    /// Encodes the record with the id it gets into `out`, and where the visitor goes into
    /// `destination` (empty: the 404 page).
    pub fn write(
        &mut self,
        identity: &Identity<'_>,
        seq: u64,
        destination: &mut Vec<u8>,
        out: &mut Vec<u8>,
    ) -> Option<Token> {
        let token = identity.token(ClickId {
            key_version: 0,
            time_ms: self.asked.time_ms,
            shard: self.visitor.shard.get(),
            journal: 0,
            seq,
            link: self.link.map_or(0, |link| link.id.get()),
        })?;
        if !self.fill(token.as_str(), destination) {
            self.flags |= Flags::Unfit as u32;
        }
        self.encode(identity.version(), destination, out);
        Some(token)
    }

    /// Where the visitor goes without being recorded: no click id travels.
    pub fn fill_uncounted(&self, destination: &mut Vec<u8>) {
        self.fill("", destination);
    }

    /// Whether the visitor goes where they should; else to the fallback, or nowhere (empty).
    fn fill(&self, click_id: &str, destination: &mut Vec<u8>) -> bool {
        destination.clear();
        if self.has(Flags::Impression) {
            return true;
        }
        let facts = Facts {
            click_id,
            link: self.link.map_or(LinkId(0), |link| link.id),
            affiliate: self.link.map_or_else(Default::default, |link| link.affiliate),
            program: self.link.map_or_else(Default::default, |link| link.program),
            params: &self.params,
            query: self.asked.query,
            referrer: &self.referrer,
            language: &self.language,
            time_ms: self.asked.time_ms,
            random: self.asked.random,
            visit: &self.visit,
        };
        let mut fits = |template: Option<&[u8]>| {
            template.is_some_and(|template| target::fill(template, &facts, destination).is_ok())
        };
        if fits(self.target) {
            return true;
        }
        if !fits(self.fallback) {
            destination.clear();
        }
        self.target.is_none()
    }

    /// The record as `schemas::event::Click` reads it.
    fn encode(&self, key_version: u8, destination: &[u8], out: &mut Vec<u8>) {
        let (asked, visitor) = (self.asked, &self.visitor);
        wire::number(out, 1, self.site.get().into());
        if let Some(link) = &self.link {
            wire::number(out, 2, link.id.get().into());
            wire::number(out, 3, link.program.get().into());
            wire::number(out, 4, link.affiliate.get().into());
        }
        wire::number(out, 5, asked.time_ms);
        wire::number(out, 6, visitor.shard.get().into());
        wire::number(out, 7, self.verdict_code().into());
        wire::number(out, 8, self.flags.into());
        wire::fixed(out, 9, visitor.network);
        wire::fixed(out, 10, visitor.network_previous);
        wire::fixed(out, 11, visitor.cookie);
        wire::address(out, 12, visitor.address);
        wire::text(out, 13, &self.user_agent);
        wire::text(out, 14, &self.referrer);
        wire::text(out, 15, &self.language);
        if self.link.is_none() {
            wire::text(out, 16, &text::clean(asked.code.as_bytes().into(), CODE_BYTES));
        }
        wire::text(out, 17, &text::clean(asked.host.as_bytes().into(), HOST_BYTES));
        if !asked.query.is_empty() {
            wire::texts(out, 18, self.params.sub.iter().map(Slot::bytes));
            wire::text(out, 19, self.params.source.bytes());
            wire::text(out, 20, self.params.aff_click_id.bytes());
            wire::text(out, 21, self.params.coupon.bytes());
        }
        wire::text(out, 22, destination);
        wire::number(out, 24, self.link.map_or(0, |link| link.version).into());
        wire::number(out, 25, key_version.into());
    }

    /// The code of the verdict, 0 for none.
    pub fn verdict_code(&self) -> u8 {
        self.verdict.map_or(0, Invalid::code)
    }

    /// Whether a flag is set.
    pub fn has(&self, flag: Flags) -> bool {
        self.flags & flag as u32 != 0
    }
}

/// The primary subtag of the language asked for first, lower case; empty where there is none.
fn language(header: &[u8]) -> Cow<'_, [u8]> {
    let first = header
        .split(|byte| matches!(byte, b',' | b';' | b'-' | b' ' | b'_'))
        .next()
        .unwrap_or_default();
    if !(2..=8).contains(&first.len()) || !first.iter().all(u8::is_ascii_alphabetic) {
        return Cow::Borrowed(b"");
    }
    if first.iter().all(u8::is_ascii_lowercase) {
        Cow::Borrowed(first)
    } else {
        Cow::Owned(first.to_ascii_lowercase())
    }
}

#[cfg(test)]
mod tests;
