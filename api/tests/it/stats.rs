//! Every statement of the report, on the real engine.

use api::queries::stats::Dimension;
use serde_json::{Value, json};

use crate::world::{Click, Conversion, FRIDAY_MS, World};

const STATS: &str = "/api/v1/affiliate/stats/";
const HOUR_MS: i64 = 3_600_000;
const SPAN: &str = "from=2026-11-20&to=2026-11-21&tz=UTC";

async fn filled() -> World {
    let world = World::new().await.with_links().await;
    let next_day = FRIDAY_MS + 24 * HOUR_MS;
    world
        .clicks(&[
            Click::UNIQUE,
            Click { at_ms: FRIDAY_MS + HOUR_MS, ..Click::DUPLICATE },
            Click { country: "DE", ..Click::UNIQUE },
            Click { link: 2, ..Click::UNIQUE },
            Click { at_ms: next_day, link: 3, sub1: "it's, \\ 100%?", ..Click::UNIQUE },
            Click::BOT,
            Click::ORPHAN,
            Click::IMPRESSION,
            // Another site's, and one outside the span.
            Click { site: 2, ..Click::UNIQUE },
            Click { at_ms: FRIDAY_MS - 24 * HOUR_MS, ..Click::UNIQUE },
        ])
        .await;
    world
        .conversions(&[
            Conversion::SALE,
            Conversion { at_ms: next_day, link: 3, ..Conversion::SALE },
            Conversion { link: 2, currency: "USD", commission_units: 12_345, ..Conversion::SALE },
            Conversion::REFUSED,
        ])
        .await;
    world
}

async fn ask(world: &World, query: &str) -> Value {
    let answer = world.get(&format!("{STATS}?{query}")).await;
    assert_eq!(answer.status, 200, "{query}: {}", answer.text);
    answer.json()
}

/// (keys…, gross, unique, duplicate, invalid, conversions, refused) of each row.
fn rows(answer: &Value, by: &[&str]) -> Vec<Value> {
    let numbers = ["gross", "unique", "duplicate", "invalid", "conversions", "refused"];
    let row = |row: &Value| by.iter().chain(&numbers).map(|name| row[name].clone()).collect();
    answer["data"].as_array().unwrap().iter().map(row).collect()
}

#[tokio::test]
async fn totals_are_of_the_site_and_the_span_alone() {
    let world = filled().await;
    let answer = ask(&world, SPAN).await;
    let totals = &answer["totals"];
    let expected = [
        ("gross", 7),
        ("unique", 4),
        ("duplicate", 1),
        ("invalid", 2),
        ("clicks", 5),
        ("impressions", 1),
        ("conversions", 3),
        ("refused", 1),
    ];
    for (name, number) in expected {
        assert_eq!(totals[name], number, "{name}");
    }
    assert_eq!(totals["cvr"], 0.6);
    let eur = json!({ "currency": "EUR", "sales_minor": 20_000, "payout_minor": 1_000,
        "epc_units": 2_000_000, "cpc_units": 2_000_000, "cpa_units": 3_333_333 });
    let usd = json!({ "currency": "USD", "sales_minor": 10_000, "payout_minor": 1,
        "epc_units": 2_469, "cpc_units": 2_469, "cpa_units": 4_115 });
    assert_eq!(totals["money"], json!([eur, usd]));
    assert_eq!(answer["sources"], json!(["clicks_by_day_program", "conversions_by_day_program"]));
    assert_eq!(answer["complete"], false);
    assert_eq!(answer["note"], "no collector is declared");
    assert_eq!(answer["data"], json!([]));
}

#[tokio::test]
async fn groups_have_their_keys_and_numbers() {
    let world = filled().await;
    let answer = ask(&world, &format!("{SPAN}&group_by=day")).await;
    assert_eq!(
        rows(&answer, &["day"]),
        [json!(["2026-11-20", 6, 3, 1, 2, 2, 1]), json!(["2026-11-21", 1, 1, 0, 0, 1, 0])]
    );
    let answer = ask(&world, &format!("{SPAN}&group_by=program,link&order=link")).await;
    assert_eq!(
        rows(&answer, &["program", "link"]),
        [
            json!([null, null, 1, 0, 0, 1, 0, 0]),
            json!(["prg_1", "lnk_1", 4, 2, 1, 1, 1, 1]),
            json!(["prg_2", "lnk_2", 1, 1, 0, 0, 1, 0]),
            json!(["prg_1", "lnk_3", 1, 1, 0, 0, 1, 0]),
        ]
    );
    let answer = ask(&world, &format!("{SPAN}&group_by=hour")).await;
    assert_eq!(answer["data"][0]["hour"], "2026-11-20T10:00:00Z");
    let paris = "from=2026-11-20&to=2026-11-21&tz=Europe/Paris&group_by=minute";
    assert_eq!(ask(&world, paris).await["data"][1]["minute"], "2026-11-20T12:00:00+01:00");
}

#[tokio::test]
async fn a_reason_belongs_to_clicks_and_a_refusal_to_conversions() {
    let world = filled().await;
    let answer = ask(&world, &format!("{SPAN}&group_by=reason&order=reason")).await;
    assert_eq!(
        rows(&answer, &["reason"]),
        [
            json!([null, 5, 4, 1, 0, null, null]),
            json!(["bot", 1, 0, 0, 1, null, null]),
            json!(["orphan", 1, 0, 0, 1, null, null]),
        ]
    );
    let answer = ask(&world, &format!("{SPAN}&group_by=refusal&order=-conversions")).await;
    assert_eq!(
        rows(&answer, &["refusal"]),
        [
            json!([null, null, null, null, null, 3, 0]),
            json!(["duplicate_txn", null, null, null, null, 0, 1]),
        ]
    );
    assert_eq!(answer["totals"]["gross"], json!(null));
    // A filter that one side cannot have leaves that side unknown, rather than unfiltered.
    let answer = ask(&world, &format!("{SPAN}&reason=bot")).await;
    assert_eq!(
        (
            &answer["totals"]["invalid"],
            &answer["totals"]["conversions"],
            &answer["totals"]["money"]
        ),
        (&json!(1), &Value::Null, &Value::Null)
    );
    assert_eq!(answer["sources"], json!(["clicks_by_day_program"]));
}

#[tokio::test]
async fn filters_count_these_or_all_but_these() {
    let world = filled().await;
    let cases = [
        ("country=DE", json!(1), json!(0)),
        ("country=-DE", json!(6), json!(3)),
        ("country=FR,DE", json!(7), json!(3)),
        ("program=prg_1", json!(5), json!(2)),
        ("program=-prg_1", json!(2), json!(1)),
        ("link=(none)", json!(1), json!(0)),
        ("affiliate=aff_2&country=FR", json!(1), json!(1)),
        ("reason=-bot,-orphan", json!(5), Value::Null),
        ("reason=(none)", json!(5), Value::Null),
        ("outcome=invalid", json!(2), Value::Null),
        ("refusal=duplicate_txn", Value::Null, json!(0)),
        ("event=sale&country=FR", Value::Null, json!(3)),
        ("sub1=it's%5C, %5C%5C 100%25?", json!(1), json!(0)),
        ("sub1='; DROP TABLE clicks", json!(0), json!(0)),
        ("country=FR&country_=", json!(0), json!(0)),
    ];
    for (filter, gross, conversions) in cases {
        let query = format!("{SPAN}&{}", filter.replace(' ', "%20").replace('\'', "%27"));
        let answer = world.get(&format!("{STATS}?{query}")).await;
        if filter.contains("country_") {
            assert_eq!(
                (answer.status.as_u16(), answer.fields()),
                (422, vec!["country_".to_owned()])
            );
            continue;
        }
        let totals = &answer.json()["totals"];
        assert_eq!((&totals["gross"], &totals["conversions"]), (&gross, &conversions), "{filter}");
    }
}

#[tokio::test]
async fn every_dimension_can_be_asked_with_every_order() {
    let world = filled().await;
    for dimension in Dimension::all() {
        let name = dimension.name();
        let answer = ask(&world, &format!("{SPAN}&group_by={name}&order=-{name}")).await;
        assert!(!answer["data"].as_array().unwrap().is_empty(), "{name}");
        if !dimension.is_time() {
            let none = ask(&world, &format!("{SPAN}&{name}=(none)")).await;
            assert!(none["totals"].is_object(), "{name}");
        }
    }
    for metric in [
        "sales.USD",
        "payout.EUR",
        "gross",
        "unique",
        "duplicate",
        "invalid",
        "impressions",
        "conversions",
        "refused",
        "cvr",
        "sales",
        "payout",
    ] {
        ask(&world, &format!("{SPAN}&group_by=country&order=-{metric}")).await;
    }
    let ten = "minute,program,link,affiliate,country,device,os,browser,sub1,sub10";
    let answer = ask(&world, &format!("{SPAN}&group_by={ten}")).await;
    assert_eq!(answer["data"][0]["device"], "mobile");
}

#[tokio::test]
async fn a_limit_cuts_rows_and_not_totals() {
    let world = filled().await;
    let answer = ask(&world, &format!("{SPAN}&group_by=country,link&limit=2")).await;
    assert_eq!(answer["data"].as_array().unwrap().len(), 2);
    assert_eq!((&answer["has_more"], &answer["totals"]["gross"]), (&json!(true), &json!(7)));
    let answer = ask(&world, &format!("{SPAN}&group_by=country,link&limit=5")).await;
    assert_eq!(answer["has_more"], false);
}

#[tokio::test]
async fn a_row_taken_back_is_not_counted() {
    let world = filled().await;
    let statement = "INSERT INTO clicks SELECT * REPLACE(-1 AS count) FROM clicks WHERE country = 'DE' AND site = 1";
    world.ch.query(statement).execute().await.unwrap();
    for span in [SPAN, "from=2026-11-19T23:59:59Z&to=2026-11-22T00:00:01Z&tz=UTC"] {
        let answer = ask(&world, span).await;
        assert_eq!(
            (&answer["totals"]["gross"], &answer["totals"]["unique"]),
            (&json!(6), &json!(3))
        );
    }
}

#[tokio::test]
async fn an_empty_store_answers_zeros() {
    let world = World::new().await;
    let answer = ask(&world, "range=30d&group_by=day").await;
    assert_eq!(answer["totals"]["gross"], 0);
    assert_eq!(answer["totals"]["cvr"], json!(null));
    assert_eq!((&answer["data"], &answer["has_more"]), (&json!([]), &json!(false)));
}

#[tokio::test]
async fn a_number_opens_into_the_clicks_it_counts() {
    let world = filled().await;
    let clicks = "/api/v1/affiliate/clicks/";
    let page = world.get(&format!("{clicks}?{SPAN}&country=FR&reason=(none)&limit=2")).await.json();
    assert_eq!(page["has_more"], true);
    let first = &page["data"][0];
    assert_eq!((&first["link"], &first["sub1"]), (&json!("lnk_3"), &Value::Null));
    assert_eq!(first["subs"][0], "it's, \\ 100%?");
    assert_eq!(first["id"], world.click_id(FRIDAY_MS + 24 * HOUR_MS, 5, 3));
    let (mut seen, mut after) = (Vec::new(), String::new());
    loop {
        let page = world.get(&format!("{clicks}?{SPAN}&limit=2{after}")).await.json();
        for row in page["data"].as_array().unwrap() {
            seen.push(row["id"].as_str().unwrap().to_owned());
        }
        if page["has_more"] == false {
            break;
        }
        after = format!("&starting_after={}", seen.last().unwrap());
    }
    // Seven clicks, none twice; the impression is none of them.
    let distinct: std::collections::BTreeSet<&String> = seen.iter().collect();
    assert_eq!((seen.len(), distinct.len()), (7, 7));
    let shown = world.get(&format!("{clicks}?{SPAN}&kind=impression")).await.json();
    assert_eq!(shown["data"].as_array().unwrap().len(), 1);
    assert_eq!(world.get(&format!("{clicks}?kind=view")).await.fields(), ["kind"]);
    // What says nothing about clicks leaves none, as in a report.
    let none = world.get(&format!("{clicks}?{SPAN}&event=sale")).await.json();
    assert_eq!(none["data"], json!([]));
    let found = world.get(&format!("{clicks}{}/", seen[0])).await;
    assert_eq!((found.status.as_u16(), &found.json()["id"]), (200, &json!(seen[0])));
    let forged = format!("{}{}", &seen[0][..35], if seen[0].ends_with('A') { 'B' } else { 'A' });
    assert_eq!(world.get(&format!("{clicks}{forged}/")).await.status, 404);
    assert_eq!(
        world.get(&format!("{clicks}?starting_after={forged}")).await.fields(),
        ["starting_after"]
    );
    // Another site's click is not there, however genuine its id.
    let foreign = world.click_id(FRIDAY_MS, 9, 1);
    assert_eq!(world.get(&format!("{clicks}{foreign}/")).await.status, 404);
}
