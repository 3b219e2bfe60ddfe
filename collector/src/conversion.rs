//! One conversion as a postback or pixel tells it: judged by what memory can judge, and recorded.
//!
//! How it came, syntax, whose it is, token or signature, address, the click id's MAC, money: a refusal of these is
//! told at once and recorded too. Everything later (duplicate, window, event, …) is the processor's.
//! Refuses to keep a secret: the token is taken out of every value before anything is encoded.

pub mod signature;

use schemas::{
    click_id::{ClickId, Token},
    event::{ClickRef, Flags, Message},
    ids::{LinkId, ProgramId, SiteId},
    keys::same_secret,
    money::{Currency, Money},
    reason::Refusal,
    status::Via,
    topic::Shard,
};
use std::{borrow::Cow, net::IpAddr};

use crate::{
    click::Identity,
    links::{Links, Program},
    request::{
        params::{ConversionParams, Slot},
        text::{self, AGENT_BYTES, REFERRER_BYTES, SECRET_BYTES},
    },
    visitor::{Marks, Salts},
    wire,
};
use signature::Signed;

/// A call that tells a conversion, wherever it came from.
#[derive(Debug)]
pub struct Asked<'a> {
    /// How it came.
    pub via: Via,
    /// Lower case, without port.
    pub host: &'a str,
    /// What it says.
    pub params: ConversionParams<'a>,
    /// It came unencrypted from another machine, and that is not put up with.
    pub exposed: bool,
    /// The body could not be read as a form.
    pub malformed: bool,
    /// The caller's, proxies taken off.
    pub address: IpAddr,
    /// Header as sent.
    pub user_agent: &'a [u8],
    /// Header as sent.
    pub referrer: &'a [u8],
    /// A signature, where one was sent.
    pub signed: Option<Signed<'a>>,
    /// `Flags` bits the request itself says.
    pub flags: u32,
    /// Whether a wish not to be followed is honoured for this request.
    pub private: bool,
    /// Milliseconds since 1970, as the record is stamped: never smaller than a stamp before.
    pub time_ms: u64,
    /// Milliseconds since 1970, as the clock says: what a caller's signature is held against.
    pub now_ms: u64,
}

/// A conversion judged.
#[derive(Debug)]
pub struct Judged<'a> {
    asked: Asked<'a>,
    site: SiteId,
    program: ProgramId,
    /// What memory knows against it.
    pub verdict: Option<Refusal>,
    /// The click it names, proven ours.
    pub click: Option<ClickId>,
    /// Where its record goes.
    pub shard: Shard,
    flags: u32,
    event: Cow<'a, str>,
    currency: String,
    address: IpAddr,
    user_agent: String,
    referrer: String,
}

/// Looks a call up and judges it.
pub fn judge<'a>(links: &'a Links, salts: &Salts, mut asked: Asked<'a>) -> Judged<'a> {
    let host = links.host(asked.host);
    let named = asked.params.program.get();
    let click = salts.keys().click_ids().verify(asked.params.click_id.get());
    let program = if named.is_empty() {
        click
            .ok()
            .and_then(|click| links.get(LinkId(click.link)))
            .and_then(|link| links.program(link.program))
    } else {
        find_program(links, host.site, named)
    };
    let proven = program.is_some_and(|program| is_proven(&asked, program));
    let told = currency(&asked.params, program);
    let verdict = verdict(&asked, program, proven, click.is_ok(), &told);
    let site = program.map_or(host.site, |program| program.site);
    // Before anything is copied for the record; what was judged above is what was sent.
    let (user_agent, referrer) = strip_secrets(&mut asked, program);
    let currency = currency(&asked.params, program);
    let event = match (asked.params.event.get(), program.and_then(Program::only_event)) {
        ("", Some(only)) => Cow::Borrowed(only),
        (event, _) => Cow::Owned(event.to_owned()),
    };
    let marks = Marks {
        address: asked.address,
        user_agent: asked.user_agent,
        cookie: None,
        private: asked.private,
    };
    let visitor = salts.visitor(site, &marks, asked.time_ms);
    let shard = match (&click, asked.params.txn_id.get()) {
        (Ok(click), _) => Shard::new(click.shard).unwrap_or_default(),
        // A transaction sent twice meets itself.
        (Err(_), txn) if !txn.is_empty() => salts.shard_of(site, txn.as_bytes()),
        _ => visitor.shard,
    };
    let trusted = if proven && !asked.via.is_public() { Flags::Trusted as u32 } else { 0 };
    Judged {
        flags: asked.flags | trusted,
        site,
        program: program.map_or(ProgramId(0), |program| program.id),
        verdict,
        click: click.ok(),
        shard,
        event,
        currency,
        address: visitor.address,
        user_agent,
        referrer,
        asked,
    }
}

/// By `prg_NUMBER`, its number or its slug. An id of another site's program names none of ours.
fn find_program<'a>(links: &'a Links, site: SiteId, named: &str) -> Option<&'a Program> {
    let number =
        named.parse().ok().or_else(|| format!("{}{named}", ProgramId::PREFIX).parse().ok());
    let by_id = number.and_then(|id| links.program(id)).filter(|program| program.site == site);
    by_id.or_else(|| links.program_by_slug(site, named))
}

/// Whether the caller showed the program's secret.
fn is_proven(asked: &Asked<'_>, program: &Program) -> bool {
    match (&asked.signed, asked.params.token.get()) {
        (Some(signed), _) => signed.is_by(&program.token, asked.now_ms),
        // An import's file is the operator's own.
        (None, _) if asked.via == Via::Import => true,
        (None, token) => same_secret(token, &program.token),
    }
}

/// The first of the published order that applies.
fn verdict(
    asked: &Asked<'_>,
    program: Option<&Program>,
    proven: bool,
    click_is_ours: bool,
    currency: &str,
) -> Option<Refusal> {
    let params = &asked.params;
    if asked.exposed {
        return Some(Refusal::PlainHttp);
    }
    if asked.malformed || params.malformed {
        return Some(Refusal::Malformed);
    }
    let bad_click = !params.click_id.get().is_empty() && !click_is_ours;
    let Some(program) = program else {
        let only_click = params.program.get().is_empty() && bad_click;
        return Some(if only_click { Refusal::BadClickId } else { Refusal::UnknownProgram });
    };
    if asked.via == Via::Postback && !proven {
        return Some(Refusal::BadToken);
    }
    if asked.via == Via::Postback && !program.admits(asked.address) {
        return Some(Refusal::IpNotAllowed);
    }
    if bad_click {
        return Some(Refusal::BadClickId);
    }
    if is_money(params, currency) { None } else { Some(Refusal::BadAmount) }
}

/// The currency named, upper case; the program's where an amount stands without one.
fn currency(params: &ConversionParams<'_>, program: Option<&Program>) -> String {
    let named = params.currency.get();
    let amounts = [&params.amount, &params.payout, &params.revenue];
    if named.is_empty() && amounts.iter().any(|slot| !slot.get().is_empty()) {
        return program.map_or_else(String::new, |program| program.currency().to_owned());
    }
    named.to_ascii_uppercase()
}

fn is_money(params: &ConversionParams<'_>, currency: &str) -> bool {
    let amounts = [&params.amount, &params.payout, &params.revenue];
    if currency.is_empty() {
        return amounts.iter().all(|slot| slot.get().is_empty());
    }
    let Ok(currency) = currency.parse::<Currency>() else { return false };
    let fits =
        |slot: &&Slot<'_>| slot.get().is_empty() || Money::parse(slot.get(), currency).is_ok();
    amounts.iter().all(fits)
}

/// Takes what was sent as a secret, and the program's own, out of everything kept. Of the referrer the
/// query goes altogether: an advertiser's page may carry anything there.
fn strip_secrets(asked: &mut Asked<'_>, program: Option<&Program>) -> (String, String) {
    let sent = asked.params.token.get().to_owned();
    let referrer = text::clean_text(asked.referrer.into(), REFERRER_BYTES);
    let page = referrer.split(['?', '#']).next().unwrap_or_default();
    let mut kept = (text::clean_text(asked.user_agent.into(), AGENT_BYTES), page.to_owned());
    for secret in
        [Some(sent.as_str()), program.map(|program| program.token.as_str())].into_iter().flatten()
    {
        if secret.len() >= SECRET_BYTES {
            asked.params.strip(secret);
            for one in [&mut kept.0, &mut kept.1] {
                if let Some(rest) = text::without(one, secret) {
                    *one = rest;
                }
            }
        }
    }
    kept
}

impl Judged<'_> {
    /// Encodes the record into `out`; gives its receipt without the prefix.
    pub fn write(&self, identity: &Identity<'_>, seq: u64, out: &mut Vec<u8>) -> Option<Token> {
        self.encode(out);
        identity.token(ClickId {
            key_version: 0,
            time_ms: self.asked.time_ms,
            shard: self.shard.get(),
            journal: 0,
            seq,
            link: 0,
        })
    }

    /// The record as `schemas::event::Conversion` reads it.
    fn encode(&self, out: &mut Vec<u8>) {
        let (asked, params) = (&self.asked, &self.asked.params);
        wire::number(out, 1, self.site.get().into());
        wire::number(out, 2, self.program.get().into());
        wire::number(out, 3, asked.time_ms);
        wire::number(out, 4, self.shard.get().into());
        wire::number(out, 5, asked.via as u64);
        wire::number(out, 6, self.verdict_code().into());
        wire::number(out, 7, self.flags.into());
        wire::text(out, 8, self.event.as_bytes());
        wire::text(out, 9, params.txn_id.get().as_bytes());
        wire::text(out, 10, params.amount.get().as_bytes());
        wire::text(out, 11, params.payout.get().as_bytes());
        wire::text(out, 12, params.revenue.get().as_bytes());
        wire::text(out, 13, self.currency.as_bytes());
        wire::text(out, 14, params.status.get().as_bytes());
        match self.click {
            Some(click) => wire::item(out, 15, &ClickRef::from(click).encode_to_vec()),
            None => wire::text(out, 16, params.click_id.get().as_bytes()),
        }
        wire::texts(out, 17, params.sub.iter().map(Slot::bytes));
        wire::texts(out, 18, params.adv.iter().map(Slot::bytes));
        wire::text(out, 19, params.source.get().as_bytes());
        wire::text(out, 20, params.coupon.get().as_bytes());
        wire::text(out, 21, params.customer_id.get().as_bytes());
        wire::address(out, 22, self.address);
        wire::text(out, 23, self.user_agent.as_bytes());
        wire::text(out, 24, self.referrer.as_bytes());
    }

    /// The code of the verdict, 0 for none.
    pub fn verdict_code(&self) -> u8 {
        self.verdict.map_or(0, Refusal::code)
    }

    /// Whether it may go unstored in a flood: refused, or sent by anybody without a word that another
    /// call would not say too.
    pub fn is_anybodys(&self) -> bool {
        let params = &self.asked.params;
        let says = [&params.txn_id, &params.coupon, &params.customer_id];
        let tells = self.click.is_some() || says.iter().any(|slot| !slot.get().is_empty());
        self.verdict.is_some() || (self.asked.via.is_public() && !tells)
    }
}

#[cfg(test)]
mod tests;
