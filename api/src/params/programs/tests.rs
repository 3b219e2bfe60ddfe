//! Tables of programs and terms that are taken and refused.

use chrono::{DateTime, Utc};

use super::*;
use crate::queries::programs::{NewPlan, PlanKind};

fn fields(error: Error) -> Vec<(String, &'static str)> {
    match error {
        Error::Invalid(fields) => fields.into_iter().map(|f| (f.field, f.code)).collect(),
        error => panic!("{error}"),
    }
}

fn now() -> DateTime<Utc> {
    DateTime::parse_from_rfc3339("2026-11-23T12:00:00Z").unwrap().to_utc()
}

fn plan(json: &str) -> Result<NewPlan, Vec<(String, &'static str)>> {
    serde_json::from_str::<PlanBody>(json).unwrap().read(now()).map_err(fields)
}

#[test]
fn a_program_has_usual_terms_and_a_slug_of_its_name() {
    let json = r#"{"name":"Acme – Winter Sale 50 %","destination":"https://acme.example/"}"#;
    let program = serde_json::from_str::<ProgramBody>(json).unwrap().read("EUR").unwrap();
    assert_eq!((program.slug.as_str(), program.currency.as_str()), ("acme-winter-sale-50", "EUR"));
    assert_eq!(program.terms, Terms::default());
}

#[test]
fn everything_wrong_with_a_program_is_said_at_once() {
    let json = r#"{"name":"a\u0000b","slug":"-x","destination":"ftp://x","currency":"XXX","click_window_ms":0,
        "unique_window_ms":999999999999,"hold_ms":-1,"too_fast_ms":0,"velocity_per_hour":0,
        "postback_networks":["10.0.0.0/33"]}"#;
    let wrong = serde_json::from_str::<ProgramBody>(json).unwrap().read("EUR").unwrap_err();
    let names: Vec<String> = fields(wrong).into_iter().map(|(field, _)| field).collect();
    assert_eq!(
        names,
        [
            "name",
            "slug",
            "destination",
            "currency",
            "click_window_ms",
            "unique_window_ms",
            "hold_ms",
            "too_fast_ms",
            "velocity_per_hour",
            "postback_networks[0]",
        ]
    );
}

#[test]
fn a_currency_is_one_people_are_paid_in() {
    for code in ["EUR", "JPY", "KWD"] {
        assert!(check_currency(code).is_ok(), "{code}");
    }
    for code in ["", "eur", "XXX", "XAU", "EURO", "€"] {
        assert!(check_currency(code).is_err(), "{code}");
    }
}

#[test]
fn a_network_is_an_address_with_at_most_its_bits() {
    for network in ["203.0.113.7", "10.0.0.0/8", "2001:db8::/32", "::1/128"] {
        assert!(is_network(network), "{network}");
    }
    for network in
        ["", "10.0.0.0/33", "10.0.0/8", "::1/129", "10.0.0.0/", "10.0.0.0/+8", "0x7f000001"]
    {
        assert!(!is_network(network), "{network}");
    }
}

#[test]
fn a_plan_pays_one_thing() {
    let cases = [
        (r#"{"event":"sale","kind":"flat","amount_minor":500}"#, PlanKind::Flat(5_000_000)),
        (r#"{"event":"sale","kind":"percent","rate_ppm":50000}"#, PlanKind::Percent(50_000)),
        (r#"{"event":"sale","kind":"none"}"#, PlanKind::Nothing),
    ];
    for (json, kind) in cases {
        assert_eq!(plan(json).unwrap().kind, kind, "{json}");
    }
    let cases = [
        (r#"{"event":"sale","kind":"flat"}"#, "amount_minor"),
        (r#"{"event":"sale","kind":"flat","amount_minor":0}"#, "amount_minor"),
        (r#"{"event":"sale","kind":"flat","amount_minor":-5}"#, "amount_minor"),
        (r#"{"event":"sale","kind":"flat","amount_minor":9223372036854775807}"#, "amount_minor"),
        (r#"{"event":"sale","kind":"flat","amount_minor":1,"rate_ppm":1}"#, "rate_ppm"),
        (r#"{"event":"sale","kind":"percent","rate_ppm":1000001}"#, "rate_ppm"),
        (r#"{"event":"sale","kind":"tiered"}"#, "kind"),
        (r#"{"event":"Sale!","kind":"none"}"#, "event"),
        (r#"{"event":"sale","kind":"none","valid_from":"2026-11-23T11:59:59Z"}"#, "valid_from"),
        (r#"{"event":"sale","kind":"none","valid_from":"infinity"}"#, "valid_from"),
    ];
    for (json, field) in cases {
        assert_eq!(plan(json).unwrap_err()[0].0, field, "{json}");
    }
}
