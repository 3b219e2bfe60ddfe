//! Conversions have the country, device, referrer, … of the click they are attributed to.

use api::queries::stats::Dimension;
use serde_json::{Value, json};

use crate::world::{Click, Conversion, FRIDAY_MS, World};

const STATS: &str = "/api/v1/affiliate/stats/";
const DAY_MS: i64 = 24 * 3_600_000;
/// The day of the conversions; their clicks were on earlier ones.
const SPAN: &str = "from=2026-11-21&to=2026-11-21&tz=UTC";

/// Sales of Saturday: two of French clicks of Friday, one of a German click of October, one refused of
/// a French click, one without a click that came from a Belgian browser, and one whose click never
/// came.
async fn filled() -> World {
    let world = World::new().await.with_links().await;
    let october = FRIDAY_MS - 30 * DAY_MS;
    world
        .clicks(&[
            Click { sub1: "blog", ..Click::UNIQUE },
            Click { link: 3, ..Click::UNIQUE },
            Click { at_ms: october, country: "DE", ..Click::UNIQUE },
            // The same moment, link and shard, another place in the journal.
            Click { country: "IT", ..Click::UNIQUE },
        ])
        .await;
    let sale = Conversion { at_ms: FRIDAY_MS + DAY_MS, country: "", ..Conversion::SALE };
    world
        .conversions(&[
            Conversion { click: (FRIDAY_MS, 1), ..sale },
            Conversion { click: (FRIDAY_MS, 2), link: 3, sub1: "own", ..sale },
            Conversion { click: (october, 3), ..sale },
            Conversion { click: (FRIDAY_MS, 1), reason: "duplicate_txn", ..sale },
            Conversion { country: "BE", ..sale },
            Conversion { click: (FRIDAY_MS, 99), ..sale },
        ])
        .await;
    world
}

async fn ask(world: &World, query: &str) -> Value {
    let answer = world.get(&format!("{STATS}?{query}")).await;
    assert_eq!(answer.status, 200, "{query}: {}", answer.text);
    answer.json()
}

/// Key, accepted, refused.
fn conversions(answer: &Value, by: &str) -> Vec<Value> {
    let rows = answer["data"].as_array().unwrap().iter();
    rows.map(|row| json!([row[by], row["conversions"], row["refused"]])).collect()
}

#[tokio::test]
async fn a_conversion_counts_for_the_country_of_its_click() {
    let world = filled().await;
    let answer = ask(&world, &format!("{SPAN}&group_by=country&order=country")).await;
    assert_eq!(
        conversions(&answer, "country"),
        [json!([null, 1, 0]), json!(["BE", 1, 0]), json!(["DE", 1, 0]), json!(["FR", 2, 1])]
    );
    assert_eq!(answer["sources"], json!(["clicks_by_day_site", "conversions_by_day_site"]));
    let answer = ask(&world, &format!("{SPAN}&group_by=region&order=-region")).await;
    assert_eq!(conversions(&answer, "region"), [json!(["Bretagne", 2, 1]), json!([null, 3, 0])]);
}

#[tokio::test]
async fn a_sub_id_that_came_with_the_conversion_is_its_own() {
    let world = filled().await;
    let answer = ask(&world, &format!("{SPAN}&group_by=sub1&order=sub1")).await;
    assert_eq!(
        conversions(&answer, "sub1"),
        [json!([null, 3, 0]), json!(["blog", 1, 1]), json!(["own", 1, 0])]
    );
}

#[tokio::test]
async fn conversions_by_any_dimension_sum_to_all_of_them() {
    let world = filled().await;
    for by in Dimension::all() {
        let answer = ask(&world, &format!("{SPAN}&group_by={}", by.name())).await;
        let rows = answer["data"].as_array().unwrap();
        let sum: i64 = rows.iter().filter_map(|row| row["conversions"].as_i64()).sum();
        if !answer["totals"]["conversions"].is_null() {
            assert_eq!((sum, &answer["totals"]["conversions"]), (5, &json!(5)), "{}", by.name());
        }
    }
}

#[tokio::test]
async fn what_a_repair_took_back_is_no_row() {
    let world = filled().await;
    for count in [1, -1] {
        let statement = format!(
            "INSERT INTO conversions_by_click (site, time, day, country, conversions, amount)
             SELECT site, time, day, 'XX', {count}, {count} FROM conversions_by_click WHERE country = 'FR' LIMIT 1"
        );
        world.clickhouse.client().query(&statement).execute().await.unwrap();
    }
    let answer = ask(&world, &format!("{SPAN}&group_by=country&order=country")).await;
    assert!(conversions(&answer, "country").iter().all(|row| row[0] != "XX"));
}

#[tokio::test]
async fn a_filter_looks_at_the_click_of_a_conversion() {
    let world = filled().await;
    for (filter, accepted) in [
        ("country=FR", 2),
        ("country=-FR", 3),
        ("country=(none)", 1),
        ("country=DE,BE", 2),
        ("region=Bretagne", 2),
        ("sub1=own", 1),
        ("device=mobile&affiliate=aff_2", 1),
    ] {
        let answer = ask(&world, &format!("{SPAN}&{filter}")).await;
        assert_eq!(answer["totals"]["conversions"], accepted, "{filter}");
    }
}

#[tokio::test]
async fn any_two_dimensions_can_be_asked_together() {
    let world = filled().await;
    let all: Vec<Dimension> = Dimension::all().collect();
    for (n, first) in all.iter().enumerate() {
        // The ten sub-ids are read alike: two of them stand for all.
        let numbered = |by: &Dimension| matches!(by, Dimension::Sub(3..));
        for second in all[n + 1..].iter().filter(|by| !numbered(by) && !numbered(first)) {
            let pair = format!("{},{}", first.name(), second.name());
            let answer = ask(&world, &format!("{SPAN}&group_by={pair}")).await;
            assert!(answer["totals"].is_object(), "{pair}");
        }
    }
    let answer = ask(&world, &format!("{SPAN}&group_by=reason,refusal")).await;
    assert_eq!((&answer["data"], &answer["has_more"]), (&json!([]), &json!(false)));
    assert_eq!(
        (&answer["totals"]["gross"], &answer["totals"]["conversions"], &answer["totals"]["cvr"]),
        (&Value::Null, &Value::Null, &Value::Null)
    );
    for page in
        ["/dashboard/?reason=bot&status=pending", "/affiliate/stats/?group_by=reason,refusal"]
    {
        let answer = world.page(&format!("{page}&{SPAN}"), "en").await;
        assert_eq!(answer.status, 200, "{page}: {}", answer.text);
    }
}
