//! The trace of a conversion: why it was decided so, as the rules saw it. Its shape is published in
//! `docs/trace.md` and only ever grows.

use chrono::{DateTime, SecondsFormat};
use schemas::{
    event::Flags,
    ids::{AffiliateId, LinkId, ProgramId},
    money::{Money, UNITS_PER_MINOR},
    reason::{Invalid, Refusal},
    status::Via,
};
use serde::Serialize;
use serde_json::{Value, json};

use super::{CONVERSION_STAGES, ClickFact, ConversionCase};
use crate::{facts::Pay, outcome::RULES};

/// Version of the shape.
pub const SHAPE: u32 = 1;

/// The document. Its texts are names of closed lists, ids and times: nothing that a caller typed.
#[derive(Serialize)]
struct Trace {
    shape: u32,
    rules: u16,
    decision: &'static str,
    reason: Option<&'static str>,
    steps: Vec<Step>,
    time: Option<String>,
    via: Option<&'static str>,
    trusted: bool,
    program: Option<String>,
    affiliate: Option<String>,
    click: Option<Click>,
    window: Option<Window>,
    plan: Option<Plan>,
    signals: Vec<&'static str>,
    money: Vec<Line>,
    hold_until: Option<String>,
}

#[derive(Serialize)]
struct Step {
    step: &'static str,
    result: &'static str,
}

#[derive(Serialize)]
struct Click {
    time: Option<String>,
    journal: u32,
    shard: u32,
    seq: u64,
    key_version: u32,
    link: Option<String>,
    known: &'static str,
    label: Option<&'static str>,
    evidence: &'static str,
}

#[derive(Serialize)]
struct Window {
    length_ms: u64,
    age_ms: Option<u64>,
    until: Option<String>,
    too_fast_ms: Option<u64>,
    velocity_per_hour: Option<u32>,
}

#[derive(Serialize)]
struct Plan {
    id: i64,
    kind: &'static str,
    amount_units: Option<i64>,
    rate_ppm: Option<u32>,
    currency: &'static str,
    valid_from: Option<String>,
}

#[derive(Serialize)]
struct Line {
    line: &'static str,
    amount_units: i64,
    units_per_minor: i64,
    currency: &'static str,
    shown: String,
}

/// The trace of a case; `stopped` is the stage that refused it, and why.
pub(crate) fn of(case: &ConversionCase<'_>, stopped: Option<(&str, Refusal)>) -> String {
    // Written through types: as a tree of values it took half of a conversion's time.
    serde_json::to_string(&trace(case, stopped)).unwrap_or_default()
}

fn trace(case: &ConversionCase<'_>, stopped: Option<(&str, Refusal)>) -> Trace {
    let event = &case.record.event;
    Trace {
        shape: SHAPE,
        rules: RULES,
        decision: if stopped.is_some() { "refused" } else { "accepted" },
        reason: stopped.map(|(_, reason)| reason.name()),
        steps: steps(stopped),
        time: time(event.time_ms),
        via: Via::from_code(event.via).map(Via::name),
        trusted: event.has(Flags::Trusted),
        program: case.program.map(|program| ProgramId(program.id).to_string()),
        affiliate: case.link.map(|link| AffiliateId(link.affiliate).to_string()),
        click: click(case),
        window: window(case),
        plan: plan(case),
        signals: case.signals(),
        money: money(case),
        hold_until: case.commission.and_then(|line| time(line.hold_until_ms)),
    }
}

/// Records a refusal that came after the rules, from the store.
pub(crate) fn put_refusal(text: &mut String, reason: Refusal) {
    let Ok(mut trace) = serde_json::from_str::<Value>(text) else { return };
    trace["decision"] = "refused".into();
    trace["reason"] = reason.name().into();
    trace["hold_until"] = Value::Null;
    if let Some(steps) = trace["steps"].as_array_mut() {
        steps.push(json!({ "step": "store", "result": reason.name() }));
    }
    if let Some(lines) = trace["money"].as_array_mut() {
        lines.retain(|line| line["line"] != "commission");
    }
    *text = trace.to_string();
}

fn steps(stopped: Option<(&str, Refusal)>) -> Vec<Step> {
    let last = stopped.map(|(name, _)| name);
    let ran = CONVERSION_STAGES.iter().position(|(name, _)| Some(*name) == last);
    let ran = ran.map_or(CONVERSION_STAGES.len(), |place| place + 1);
    let result = |name: &str| match stopped {
        Some((last, reason)) if last == name => reason.name(),
        _ => "ok",
    };
    let names = CONVERSION_STAGES[..ran].iter().map(|(name, _)| *name);
    names.map(|step| Step { step, result: result(step) }).collect()
}

/// The click named: its place in the log, and what was said of it.
fn click(case: &ConversionCase<'_>) -> Option<Click> {
    let click = case.record.event.click?;
    let known = match case.click {
        ClickFact::Decided { .. } => "decided",
        ClickFact::DeadLettered => "dead_letter",
        ClickFact::Expired | ClickFact::None => "never_came",
    };
    Some(Click {
        time: time(click.time_ms),
        journal: click.journal,
        shard: click.shard,
        seq: click.seq,
        key_version: click.key_version,
        link: (click.link != 0).then(|| LinkId(click.link).to_string()),
        known,
        label: case.label().map(Invalid::name),
        evidence: "click_id",
    })
}

fn window(case: &ConversionCase<'_>) -> Option<Window> {
    let (program, click) = (case.program?, case.record.event.click?);
    Some(Window {
        length_ms: program.click_window_ms,
        age_ms: case.age_ms(),
        until: time(click.time_ms.saturating_add(program.click_window_ms)),
        too_fast_ms: program.too_fast_ms,
        velocity_per_hour: program.velocity_per_hour,
    })
}

fn plan(case: &ConversionCase<'_>) -> Option<Plan> {
    let plan = case.plan?;
    let (kind, amount_units, rate_ppm) = match plan.pay {
        Pay::Flat(amount) => ("flat", Some(amount.units()), None),
        Pay::Percent(rate) => ("percent", None, Some(rate.0)),
        Pay::Nothing => ("none", None, None),
    };
    Some(Plan {
        id: plan.id,
        kind,
        amount_units,
        rate_ppm,
        currency: plan.currency.code(),
        valid_from: (plan.valid_from_ms != 0).then(|| time(plan.valid_from_ms)).flatten(),
    })
}

fn money(case: &ConversionCase<'_>) -> Vec<Line> {
    let order = case.amount.map(|amount| line("order", amount));
    let commission = case.commission.map(|commission| line("commission", commission.amount));
    order.into_iter().chain(commission).collect()
}

fn line(line: &'static str, amount: Money) -> Line {
    Line {
        line,
        amount_units: amount.units(),
        units_per_minor: UNITS_PER_MINOR,
        currency: amount.currency().code(),
        shown: amount.to_string(),
    }
}

/// RFC 3339, UTC, to the millisecond; `null` beyond the calendar.
fn time(ms: u64) -> Option<String> {
    let moment = DateTime::from_timestamp_millis(i64::try_from(ms).ok()?)?;
    Some(moment.to_rfc3339_opts(SecondsFormat::Millis, true))
}

#[cfg(test)]
mod tests;
