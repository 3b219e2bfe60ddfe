//! The forms of a program: what people type (days, percent, 12,50) as the parameters' own bodies.

use super::HOME;
use crate::{
    error::Error,
    i18n::Text,
    pages::{
        parts::{Choice, Field},
        typed::{Typed, Wrong, figure},
    },
    params::programs::{PlanBody, ProgramBody, ProgramChangeBody},
    queries::programs::{NewPlan, NewProgram, Program, ProgramChange},
};
use chrono::{DateTime, Utc};
use schemas::money::Currency;

const DAY_MS: i64 = 86_400_000;

/// A form in its place.
pub(super) struct Form {
    pub action: String,
    pub fields: Vec<Field>,
    pub terms: Vec<Field>,
    pub cancel: String,
}

/// What a new program has before anybody types.
pub(super) fn fresh(currency: &str) -> Typed {
    Typed::default()
        .with("currency", currency)
        .with("window", "30")
        .with("hold", "30")
        .with("admission", "open")
        .with("event", "sale")
        .with("kind", "percent")
}

/// The words that stand for a program that is there.
pub(super) fn of(program: &Program) -> Typed {
    Typed::default()
        .with("name", program.name.as_str())
        .with("destination", program.destination.as_str())
        .with("window", days(program.terms.click_window_ms))
        .with("hold", days(program.terms.hold_ms))
        .with("admission", program.terms.admission.as_str())
}

/// Days as they are typed; a window that is no whole number of them has decimals.
fn days(ms: i64) -> String {
    let (whole, rest) = (ms / DAY_MS, ms % DAY_MS * 100 / DAY_MS);
    if rest == 0 { whole.to_string() } else { format!("{whole}.{rest:02}") }
}

/// The form of a new program with its first terms.
pub(super) fn new(t: Text, typed: &Typed, wrong: &Wrong) -> Form {
    let line =
        |name, key: &str| Field::line(name, t.say(key), typed.get(name)).error(wrong.say(t, name));
    let mut fields = vec![
        line("name", "field-name").required(),
        line("destination", "field-destination")
            .typed("url")
            .hint(t.say("hint-program-destination"))
            .required(),
        line("slug", "field-slug").hint(t.say("hint-slug")),
        line("currency", "field-currency"),
    ];
    fields.extend(spans(t, typed, wrong));
    Form { action: HOME.to_owned(), fields, terms: terms(t, typed, wrong), cancel: HOME.to_owned() }
}

/// The form of a program that is there.
pub(super) fn edit(t: Text, program: &Program, typed: &Typed, wrong: &Wrong) -> Form {
    let line =
        |name, key: &str| Field::line(name, t.say(key), typed.get(name)).error(wrong.say(t, name));
    let mut fields = vec![
        line("name", "field-name").required(),
        line("destination", "field-destination")
            .typed("url")
            .hint(t.say("hint-program-destination"))
            .required(),
    ];
    fields.extend(spans(t, typed, wrong));
    let home = format!("{HOME}{}/", program.id);
    Form { action: home.clone(), fields, terms: Vec::new(), cancel: home }
}

fn spans(t: Text, typed: &Typed, wrong: &Wrong) -> [Field; 3] {
    let admissions = ["open", "approval", "invitation"];
    let admissions =
        admissions.map(|one| Choice { value: one.to_owned(), label: t.word("admission", one) });
    [
        Field::line("window", t.say("field-window"), typed.get("window"))
            .hint(t.say("hint-window"))
            .error(wrong.say(t, "click_window_ms")),
        Field::line("hold", t.say("field-hold"), typed.get("hold"))
            .hint(t.say("hint-hold"))
            .error(wrong.say(t, "hold_ms")),
        Field::select(
            "admission",
            t.say("field-admission"),
            typed.get("admission"),
            admissions.into(),
        )
        .error(wrong.say(t, "admission")),
    ]
}

/// The fields of a line of terms.
pub(super) fn terms(t: Text, typed: &Typed, wrong: &Wrong) -> Vec<Field> {
    let kinds = ["percent", "flat", "none"];
    let kinds = kinds.map(|kind| Choice { value: kind.to_owned(), label: t.word("pays", kind) });
    let figure = ["figure", "amount_minor", "rate_ppm"].map(|name| wrong.say(t, name));
    vec![
        Field::line("event", t.say("field-event"), typed.get("event"))
            .hint(t.say("hint-event"))
            .error(wrong.say(t, "event"))
            .required(),
        Field::select("kind", t.say("field-pays"), typed.get("kind"), kinds.into())
            .error(wrong.say(t, "kind")),
        Field::line("figure", t.say("field-figure"), typed.get("figure"))
            .hint(t.say("hint-figure"))
            .error(figure.into_iter().find(|error| !error.is_empty()).unwrap_or_default()),
    ]
}

/// What was typed, as a program.
pub(super) fn program(typed: &Typed, currency: &str) -> Result<NewProgram, Error> {
    let body = ProgramBody {
        name: typed.get("name").to_owned(),
        slug: typed.given("slug"),
        destination: typed.get("destination").to_owned(),
        currency: typed.given("currency").map(|code| code.trim().to_uppercase()),
        click_window_ms: span("click_window_ms", typed.get("window"))?,
        hold_ms: span("hold_ms", typed.get("hold"))?,
        admission: typed.given("admission"),
        ..ProgramBody::default()
    };
    body.read(currency)
}

/// What was typed, as a change. A span that is no round number of days stands rounded in its field:
/// it is left alone unless its text was changed.
pub(super) fn change(program: &Program, typed: &Typed) -> Result<ProgramChange, Error> {
    let shown = of(program);
    let changed = |field, name: &str| match typed.get(name).trim() == shown.get(name) {
        true => Ok(None),
        false => span(field, typed.get(name)),
    };
    let body = ProgramChangeBody {
        name: typed.given("name"),
        destination: typed.given("destination"),
        click_window_ms: changed("click_window_ms", "window")?,
        hold_ms: changed("hold_ms", "hold")?,
        admission: typed.given("admission"),
        ..ProgramChangeBody::default()
    };
    body.read()
}

/// What was typed, as a line of terms in a currency.
pub(super) fn plan(typed: &Typed, currency: &str, now: DateTime<Utc>) -> Result<NewPlan, Error> {
    let (kind, text) = (typed.get("kind").to_owned(), typed.get("figure"));
    let decimals = currency.parse::<Currency>().map_or(2, Currency::exponent);
    let read = |text, decimals| {
        figure(text, decimals).map(Some).ok_or_else(|| Error::field("figure", "invalid_figure", ""))
    };
    let (amount_minor, rate_ppm) = match kind.as_str() {
        "flat" => (read(without_sign(text, &signs(currency))?, decimals)?, None),
        "percent" => (None, read(without_sign(text, &["%"])?, 4)?),
        _ => (None, None),
    };
    let event = typed.get("event").trim().to_lowercase();
    PlanBody { event, kind, amount_minor, rate_ppm, valid_from: None }.read(now)
}

/// How an amount of a currency is marked: by its code, or its sign.
fn signs(currency: &str) -> Vec<&str> {
    let sign = match currency {
        "EUR" => Some("€"),
        "USD" => Some("$"),
        "GBP" => Some("£"),
        "JPY" => Some("¥"),
        _ => None,
    };
    [currency].into_iter().chain(sign).collect()
}

/// A figure without the sign that goes with it; with another one it says something else than the
/// rest of the form.
fn without_sign<'a>(text: &'a str, own: &[&str]) -> Result<&'a str, Error> {
    let text = text.trim();
    let bare = own.iter().find_map(|sign| text.strip_suffix(sign).or(text.strip_prefix(sign)));
    let bare = bare.unwrap_or(text).trim();
    match bare.chars().any(|c| c.is_alphabetic() || "%€$£¥".contains(c)) {
        true => Err(Error::field("figure", "wrong_sign", "")),
        false => Ok(bare),
    }
}

fn span(field: &'static str, text: &str) -> Result<Option<i64>, Error> {
    if text.trim().is_empty() {
        return Ok(None);
    }
    let hundredths = figure(text, 2).and_then(|figure| figure.checked_mul(DAY_MS / 100));
    hundredths.map(Some).ok_or_else(|| Error::field(field, "invalid_days", ""))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::queries::programs::PlanKind;

    fn read(kind: &str, figure: &str) -> Option<PlanKind> {
        let typed =
            Typed::default().with("event", "sale").with("kind", kind).with("figure", figure);
        plan(&typed, "EUR", DateTime::default()).ok().map(|plan| plan.kind)
    }

    #[test]
    fn a_sign_must_say_what_the_rest_of_the_form_says() {
        for figure in ["12,5", "12,5 %", "12.5%"] {
            assert_eq!(read("percent", figure), Some(PlanKind::Percent(125_000)), "{figure}");
        }
        for figure in ["12,50", "12,50 €", "€12.50", "12.50 EUR"] {
            assert_eq!(read("flat", figure), Some(PlanKind::Flat(12_500_000)), "{figure}");
        }
        for (kind, figure) in [
            ("percent", "12,50 €"),
            ("percent", "12 EUR"),
            ("flat", "5 %"),
            ("flat", "$5"),
            ("flat", "5 USD"),
        ] {
            assert_eq!(read(kind, figure), None, "{figure} as {kind}");
        }
    }
}
