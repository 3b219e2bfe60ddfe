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
use serde_json::{Value, json};

use super::{CONVERSION_STAGES, ClickFact, ConversionCase};
use crate::{facts::Pay, outcome::RULES};

/// Version of the shape.
pub const SHAPE: u32 = 1;

/// The trace of a case; `stopped` is the stage that refused it, and why.
pub(crate) fn of(case: &ConversionCase<'_>, stopped: Option<(&str, Refusal)>) -> String {
    let mut trace = value(case, stopped);
    clean(&mut trace);
    trace.to_string()
}

fn value(case: &ConversionCase<'_>, stopped: Option<(&str, Refusal)>) -> Value {
    let event = &case.record.event;
    json!({
        "shape": SHAPE,
        "rules": RULES,
        "decision": if stopped.is_some() { "refused" } else { "accepted" },
        "reason": stopped.map(|(_, reason)| reason.name()),
        "steps": steps(stopped),
        "time": time(event.time_ms),
        "via": Via::from_code(event.via).map(Via::name),
        "trusted": event.has(Flags::Trusted),
        "program": case.program.map(|program| ProgramId(program.id).to_string()),
        "affiliate": case.link.map(|link| AffiliateId(link.affiliate).to_string()),
        "click": click(case),
        "window": window(case),
        "plan": plan(case),
        "signals": case.signals(),
        "money": money(case),
        "hold_until": case.commission.map(|line| time(line.hold_until_ms)),
    })
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

/// PostgreSQL's JSON has no NUL.
fn clean(value: &mut Value) {
    match value {
        Value::String(text) if text.contains('\0') => *text = text.replace('\0', "\u{fffd}"),
        Value::Array(all) => all.iter_mut().for_each(clean),
        Value::Object(all) => all.values_mut().for_each(clean),
        _ => {}
    }
}

fn steps(stopped: Option<(&str, Refusal)>) -> Vec<Value> {
    let last = stopped.map(|(name, _)| name);
    let ran = CONVERSION_STAGES.iter().position(|(name, _)| Some(*name) == last);
    let ran = ran.map_or(CONVERSION_STAGES.len(), |place| place + 1);
    let result = |name: &str| match stopped {
        Some((last, reason)) if last == name => reason.name(),
        _ => "ok",
    };
    let names = CONVERSION_STAGES[..ran].iter().map(|(name, _)| *name);
    names.map(|name| json!({ "step": name, "result": result(name) })).collect()
}

/// The click named: its place in the log, and what was said of it.
fn click(case: &ConversionCase<'_>) -> Value {
    let Some(click) = case.record.event.click else { return Value::Null };
    let known = match case.click {
        ClickFact::Decided { .. } => "decided",
        ClickFact::DeadLettered => "dead_letter",
        ClickFact::Expired | ClickFact::None => "never_came",
    };
    json!({
        "time": time(click.time_ms),
        "journal": click.journal,
        "shard": click.shard,
        "seq": click.seq,
        "key_version": click.key_version,
        "link": (click.link != 0).then(|| LinkId(click.link).to_string()),
        "known": known,
        "label": case.label().map(Invalid::name),
        "evidence": "click_id",
    })
}

fn window(case: &ConversionCase<'_>) -> Value {
    let (Some(program), Some(click)) = (case.program, case.record.event.click) else {
        return Value::Null;
    };
    json!({
        "length_ms": program.click_window_ms,
        "age_ms": case.age_ms(),
        "until": time(click.time_ms.saturating_add(program.click_window_ms)),
        "too_fast_ms": program.too_fast_ms,
        "velocity_per_hour": program.velocity_per_hour,
    })
}

fn plan(case: &ConversionCase<'_>) -> Value {
    let Some(plan) = case.plan else { return Value::Null };
    let (kind, units, rate) = match plan.pay {
        Pay::Flat(amount) => ("flat", Some(amount.units()), None),
        Pay::Percent(rate) => ("percent", None, Some(rate.0)),
        Pay::Nothing => ("none", None, None),
    };
    json!({
        "id": plan.id,
        "kind": kind,
        "amount_units": units,
        "rate_ppm": rate,
        "currency": plan.currency.code(),
        "valid_from": (plan.valid_from_ms != 0).then(|| time(plan.valid_from_ms)),
    })
}

fn money(case: &ConversionCase<'_>) -> Vec<Value> {
    let order = case.amount.map(|amount| line("order", amount));
    let commission = case.commission.map(|commission| line("commission", commission.amount));
    order.into_iter().chain(commission).collect()
}

fn line(name: &str, amount: Money) -> Value {
    json!({
        "line": name,
        "amount_units": amount.units(),
        "units_per_minor": UNITS_PER_MINOR,
        "currency": amount.currency().code(),
        "shown": amount.to_string(),
    })
}

/// RFC 3339, UTC, to the millisecond; `null` beyond the calendar.
fn time(ms: u64) -> Option<String> {
    let moment = DateTime::from_timestamp_millis(i64::try_from(ms).ok()?)?;
    Some(moment.to_rfc3339_opts(SecondsFormat::Millis, true))
}

#[cfg(test)]
mod tests;
