//! `/styleguide`: every part, made by the same structs as the pages, with words that stretch it. Refuses to be there
//! outside of a demonstration.

use super::{
    html,
    parts::{
        Bar, Breakdown, Bucket, Card, Change, Chart, Chip, Choice, Code, Empty, Fact, Field,
        Moment, Pager, Pick, Picker, Row, Series, Spark, Timeline, Toast,
    },
    request::Asked,
    shell::{Here, Shell},
};
use crate::{app::App, error::Error, i18n::Text};
use askama::Template;
use axum::{extract::State, response::Html};
use chrono::DateTime;

#[derive(Template)]
#[template(path = "pages/styleguide.html")]
struct Styleguide {
    shell: Shell,
    as_of: String,
    cards: Vec<Card>,
    chart: Chart,
    breakdowns: Vec<Breakdown>,
    chips: Vec<Chip>,
    fields: Vec<Field>,
    codes: Vec<Code>,
    empty: Empty,
    toast: Toast,
    pager: Pager,
    picker: Picker,
    timeline: Timeline,
}

/// `GET /styleguide`: in a demonstration alone, for it is nobody's work there (ASVS 15.2.3).
pub(super) async fn show(State(app): State<App>, asked: Asked) -> Result<Html<String>, Error> {
    if !app.is_demo {
        return Err(Error::NotFound("page"));
    }
    let t = asked.t;
    html(&Styleguide {
        shell: asked.shell(Here::Elsewhere, t.say("styleguide")),
        as_of: as_of(t),
        cards: cards(t),
        chart: chart(t),
        breakdowns: vec![breakdown(t, true), breakdown(t, false)],
        chips: STATES.iter().map(|state| Chip::state(t, state)).collect(),
        fields: fields(t),
        codes: vec![code(t)],
        empty: empty(t),
        toast: toast(t),
        pager: Pager {
            t,
            first: "#pager".into(),
            next: "#pager".into(),
            count: t.plural("clicks-counted", 1_234_567),
        },
        picker: picker(t),
        timeline: timeline(t),
    })
}

/// 23 November 2026, 14:03:07.
fn as_of(t: Text) -> String {
    let at = DateTime::from_timestamp(1_795_442_587, 0).unwrap_or_default();
    t.say1("as-of", "time", &t.until(at, at, chrono_tz::Tz::UTC))
}

const STATES: [&str; 10] = [
    "unique",
    "duplicate",
    "invalid",
    "pending",
    "approved",
    "rejected",
    "hold",
    "paid",
    "active",
    "paused",
];

const LONG: &str = "Société générale d’affiliation internationale et de très longs noms réunis";

fn cards(t: Text) -> Vec<Card> {
    let course = [4, 9, 7, 12, 11, 18, 15, 21, 19, 24];
    let card = |id, key: &str, values: Vec<String>, change| Card {
        id,
        label: t.say(key),
        values,
        href: "#cards".into(),
        change,
        spark: Spark::over(&course),
        note: String::new(),
    };
    let change = |now, before| Some(Change::between(t, now, before, t.number(before)));
    vec![
        card("clicks", "metric-clicks", vec![t.number(1_234_567)], change(1_234_567, 1_100_000)),
        card("uniques", "metric-uniques", vec![t.number(431)], change(431, 512)),
        card("invalid", "metric-invalid", vec![t.number(0)], change(0, 0)),
        card("conversions", "metric-conversions", vec![t.number(12)], change(12, 0)),
        card(
            "commissions",
            "metric-commissions",
            vec![
                t.money(9_876_543_210_000, "EUR").to_string(),
                t.money(-12_340_000, "USD").to_string(),
            ],
            None,
        ),
    ]
}

fn chart(t: Text) -> Chart {
    let buckets = (0..24)
        .map(|hour: i64| {
            let values = [40 + hour * 7 % 31, 12 + hour * 5 % 13, 6 + hour * 3 % 7];
            Bucket {
                label: format!("{hour:02}:00"),
                short: format!("{hour:02}:00"),
                from: format!("2026-11-23T{hour:02}:00"),
                to: format!("2026-11-23T{hour:02}:59"),
                href: String::new(),
                values: values.iter().map(|&value| (value, t.number(value))).collect(),
                before: Some((50 + hour % 9, t.number(50 + hour % 9))),
                open: hour == 23,
            }
        })
        .collect();
    let series = |class, key: &str| Series { class, label: t.say(key) };
    Chart {
        t,
        assets: super::assets::root(),
        title: t.say("metric-clicks"),
        series: vec![
            series("unique", "state-unique"),
            series("duplicate", "state-duplicate"),
            series("invalid", "state-invalid"),
        ],
        before: t.say("compare-previous"),
        none: String::new(),
        buckets,
        zoom: String::new(),
        zone: "UTC".into(),
        lines: false,
    }
}

fn breakdown(t: Text, filled: bool) -> Breakdown {
    let row = |label: &str, sub: &str, n| Row {
        label: label.into(),
        sub: sub.into(),
        filter: "#breakdown".into(),
        bar: Bar::of(n, 1_234_567),
        numbers: vec![(t.number(n), "#breakdown".into()), (t.share(n, 2_000_000), String::new())],
    };
    let rows = vec![
        row(&t.word("country", "FR"), "", 1_234_567),
        row(LONG, "lnk_42", 431_000),
        row("<script>alert(1)</script>", "", 9_000),
        row("\u{202e}txet desrever", "", 12),
    ];
    let others = Row { filter: String::new(), ..row(&t.say("others"), "", 300_000) };
    Breakdown {
        t,
        id: if filled { "filled" } else { "empty" }.into(),
        title: t.say("dim-country"),
        columns: vec![t.say("metric-clicks"), t.say("share")],
        rows: if filled { rows } else { Vec::new() },
        others: filled.then_some(others),
        more: "#breakdown".into(),
        empty: t.say("nothing-range"),
    }
}

fn fields(t: Text) -> Vec<Field> {
    let programs = ["Aéroport", "Bureau"]
        .map(|name| Choice { value: name.into(), label: name.into() })
        .into_iter()
        .collect();
    vec![
        Field::line("code", t.say("field-code"), "summer").hint(t.say("hint-code")),
        Field::line("destination", t.say("field-destination"), "ftp://example.com")
            .error(t.say("problem-invalid-url"))
            .hint(t.say("hint-destination"))
            .required(),
        Field::select("program", t.say("field-program"), "Bureau", programs),
    ]
}

fn code(t: Text) -> Code {
    Code {
        t,
        label: t.say("tracking-url"),
        text: "https://go.example.com/c/summer?sub1=newsletter".into(),
        titled: true,
    }
}

fn empty(t: Text) -> Empty {
    Empty {
        title: t.say("empty-links"),
        text: t.say("empty-links-text"),
        action: (t.say("new-link"), "#empty".into()),
        code: Some(code(t)),
    }
}

fn toast(t: Text) -> Toast {
    Toast {
        t,
        text: t.say1("done-link-off", "name", "summer"),
        warnings: vec![t.say1("warning-unknown-macro", "name", "sub11")],
        undo: Some(("#toast".into(), Vec::new())),
    }
}

fn picker(t: Text) -> Picker {
    let pick = |key: &str, chosen| Pick { label: t.say(key), href: "#picker".into(), chosen };
    Picker {
        id: "picker",
        label: t.say("preset-7d"),
        title: t.say("range"),
        groups: vec![(
            String::new(),
            vec![pick("preset-today", false), pick("preset-7d", true), pick("preset-30d", false)],
        )],
    }
}

fn timeline(t: Text) -> Timeline {
    let moment = |day: &str, time: &str, title: String, state: &str, gap: String| Moment {
        day: day.into(),
        time: time.into(),
        iso: "2026-11-23".into(),
        title,
        chip: (!state.is_empty()).then(|| Chip::state(t, state)),
        facts: vec![
            Fact {
                name: t.say("dim-country"),
                value: t.word("country", "FR"),
                href: String::new(),
            },
            Fact { name: t.say("dim-link"), value: LONG.into(), href: "#timeline".into() },
        ],
        gap,
    };
    Timeline {
        moments: vec![
            moment("23 Nov 2026", "14:03:07.123", t.say("told-click"), "unique", String::new()),
            moment(
                "",
                "16:08:12.001",
                t.say("told-conversion"),
                "pending",
                t.say1("told-later", "time", &t.duration(7_504_878)),
            ),
        ],
    }
}
