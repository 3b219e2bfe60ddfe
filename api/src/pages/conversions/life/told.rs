//! A conversion's life as a timeline: what happened, when, and what the rules saw (`docs/trace.md`).

use crate::{
    i18n::Text,
    pages::{
        parts::{Chip, Fact, Moment, Timeline},
        words::outcome_chip,
    },
    queries::{
        clicks::Click,
        conversions::{self, Life},
    },
};
use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use serde_json::Value;

/// Everything that happened, the earliest first.
pub(super) fn timeline(t: Text, life: &Life, zone: Tz) -> Timeline {
    let mut day = String::new();
    let mut last: Option<DateTime<Utc>> = None;
    let moments = life.moments.iter().map(|moment| {
        let mut told = tell(t, life, moment, zone);
        let this_day = t.day(moment.at.with_timezone(&zone).date_naive());
        if this_day != day {
            told.day = this_day.clone();
            day = this_day;
        }
        told.gap = match last {
            Some(last) if moment.at > last => {
                let length = t.duration((moment.at - last).num_milliseconds());
                t.say1("told-later", "time", &length)
            }
            _ => String::new(),
        };
        last = Some(moment.at);
        told
    });
    Timeline { moments: moments.collect() }
}

fn tell(t: Text, life: &Life, moment: &conversions::Moment, zone: Tz) -> Moment {
    let one = &life.conversion;
    let (title, chip, facts) = match moment.kind.as_str() {
        "click" => {
            let click = life.click.as_ref();
            let chip = click.map(|click| outcome_chip(t, &click.outcome, "reason", &click.reason));
            (
                t.say("told-click"),
                chip,
                click.map(|click| click_facts(t, click, life)).unwrap_or_default(),
            )
        }
        "received" => (t.say("told-conversion"), None, received(t, life)),
        "decided" => {
            let title = if one.reason.is_empty() { "told-attributed" } else { "told-refused" };
            (t.say(title), Some(super::chip(t, one)), decided(t, life))
        }
        "accrued" => (t.say("told-commission"), None, accrued(t, life)),
        "hold_ends" => (t.say("told-hold"), None, Vec::new()),
        kind => (t.word("told", kind), None, Vec::new()),
    };
    Moment {
        day: String::new(),
        time: t.instant(moment.at, zone),
        iso: moment.at.to_rfc3339(),
        title,
        chip: chip as Option<Chip>,
        facts,
        gap: String::new(),
    }
}

fn fact(name: String, value: String, href: String) -> Option<Fact> {
    (!value.is_empty()).then_some(Fact { name, value, href })
}

fn click_facts(t: Text, click: &Click, life: &Life) -> Vec<Fact> {
    let traits = &click.traits;
    let one = &life.conversion;
    let plain = |key: &str, value: &str| fact(t.say(key), value.to_owned(), String::new());
    let country =
        if traits.country.is_empty() { String::new() } else { t.word("country", &traits.country) };
    let device =
        if traits.device.is_empty() { String::new() } else { t.word("device", &traits.device) };
    let link = format!("/affiliate/stats/?range=30d&link={}", click.link);
    let mut facts = vec![
        fact(t.say("dim-link"), one.code.clone(), link),
        plain("dim-affiliate", &one.affiliate_name),
        plain("dim-country", &country),
        plain("dim-device", &device),
        plain("dim-browser", &[traits.browser.as_str(), traits.os.as_str()].join(" ")),
        plain("dim-referrer", &traits.referrer),
        plain("dim-source", &traits.source),
    ];
    for (n, sub) in (1..).zip(&click.subs) {
        facts.push(plain(&format!("dim-sub{n}"), sub));
    }
    facts.into_iter().flatten().collect()
}

fn received(t: Text, life: &Life) -> Vec<Fact> {
    let one = &life.conversion;
    let plain = |key: &str, value: String| fact(t.say(key), value, String::new());
    let amount = match one.currency.as_str() {
        "" => String::new(),
        currency => t.money(one.amount_units, currency).to_string(),
    };
    let facts = [
        plain("event", one.event.clone()),
        plain("txn-id", one.txn_id.clone()),
        plain("amount", amount),
        plain("fact-via", t.word("via", &one.via)),
        plain("fact-trusted", t.say(if one.trusted { "yes" } else { "no" })),
    ];
    facts.into_iter().flatten().collect()
}

fn decided(t: Text, life: &Life) -> Vec<Fact> {
    let (one, trace) = (&life.conversion, &life.conversion.trace);
    let plain = |key: &str, value: String| fact(t.say(key), value, String::new());
    let span = |value: &Value| value.as_i64().map(|ms| t.duration(ms)).unwrap_or_default();
    let reason = if one.reason.is_empty() { String::new() } else { t.word("refusal", &one.reason) };
    let program = fact(
        t.say("dim-program"),
        one.program_name.clone(),
        format!("/affiliate/programs/{}/", one.program),
    );
    let signals: Vec<String> =
        trace["signals"].as_array().into_iter().flatten().map(words).collect();
    let rules = trace["rules"].as_u64().map(|rules| rules.to_string()).unwrap_or_default();
    let facts = [
        plain("fact-reason", reason),
        program.filter(|_| one.program.get() > 0),
        plain("fact-window", span(&trace["window"]["length_ms"])),
        plain("fact-elapsed", span(&trace["window"]["age_ms"])),
        plain("fact-plan", plan(t, &trace["plan"])),
        plain("fact-signals", signals.join(", ")),
        plain("fact-rules", rules),
    ];
    facts.into_iter().flatten().collect()
}

fn plan(t: Text, plan: &Value) -> String {
    let currency = plan["currency"].as_str().unwrap_or_default();
    match (plan["kind"].as_str(), plan["amount_units"].as_i64(), plan["rate_ppm"].as_i64()) {
        (Some("flat"), Some(units), _) => {
            t.say1("pays-each", "amount", &t.money(units, currency).to_string())
        }
        (Some("percent"), _, Some(ppm)) => t.say1("pays-share", "share", &t.percent_ppm(ppm)),
        (Some("none"), ..) => t.say("pays-nothing"),
        _ => String::new(),
    }
}

fn accrued(t: Text, life: &Life) -> Vec<Fact> {
    let Some(commission) = &life.commission else { return Vec::new() };
    let amount = t.money(commission.amount_units, &commission.currency).to_string();
    let facts = [
        fact(t.say("commission"), amount, String::new()),
        fact(t.say("dim-affiliate"), commission.affiliate_name.clone(), String::new()),
    ];
    facts.into_iter().flatten().collect()
}

/// A signal as it stands, without quotes.
fn words(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}
