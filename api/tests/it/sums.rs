//! Sums and the rows they are of say the same, whatever is asked.

use api::{
    params::range::Range,
    queries::stats::{self, Clicks, Dimension, Filter, Metric, Order, Query, Row, Side},
};
use chrono_tz::Tz;
use serde_json::{Value, json};

use crate::world::World;

const STATS: &str = "/api/v1/affiliate/stats/";
/// Every row has nothing there, and no sums keep it: who asks for that is answered from rows.
const FROM_ROWS: &str = "&sub10=(none)";

/// Three days of clicks of every kind, five minutes apart, and some conversions.
async fn filled() -> World {
    let world = World::new().await.with_links().await;
    let clicks = "INSERT INTO clicks (site, affiliate, link, program, time, journal, shard, seq, day, kind, count, outcome,
            reason, rules, key_version, country, region, city, device, os, browser, language, referrer, source, code,
            sub1, sub2, sub3, sub4, sub5, sub6)
        SELECT if(number % 50 = 49, 2, 1), intDiv(number, 7) % 3, number % 4, number % 3,
            toDateTime64('2026-11-19 22:01:02.345', 3, 'UTC') + number * 300, 9, 7, number,
            toDate(toDateTime64('2026-11-19 22:01:02.345', 3, 'UTC') + number * 300, 'UTC'),
            if(number % 11 = 10, 'impression', 'click'), if(number % 97 = 96, -1, 1),
            ['unique', 'duplicate', 'invalid'][1 + number % 3], ['', '', 'bot'][1 + number % 3], 1, 1,
            ['FR', 'DE', ''][1 + number % 3], ['Bretagne', '', ''][1 + number % 3], ['Rennes', '', ''][1 + number % 3],
            ['mobile', 'desktop'][1 + number % 2], ['iOS', 'Linux'][1 + number % 2], ['Safari', ''][1 + number % 2],
            ['fr', 'de', ''][1 + number % 3], ['a.example', ''][1 + number % 2], ['', 'news'][1 + number % 2],
            if(number % 4 = 0, concat('gone', toString(number % 5)), ''),
            ['', 'x', 'y'][1 + number % 3], ['', 'x'][1 + number % 2], '', if(number % 9 = 0, 'z', ''), 'always', 'six'
        FROM numbers(700)";
    let conversions = "INSERT INTO conversions (site, affiliate, link, program, time, journal, shard, seq, day, conversion,
            event, via, outcome, status, reason, rules, amount, commission, currency, click_time, click_journal,
            click_shard, click_seq)
        SELECT site, affiliate, link, program, time + 600, 9, 7, seq, toDate(time + 600, 'UTC'), seq,
            ['sale', 'lead'][1 + seq % 2], 'postback', if(seq % 5 = 0, 'refused', 'accepted'),
            if(seq % 5 = 0, 'invalid', 'pending'), if(seq % 5 = 0, 'duplicate_txn', ''), 1, seq * 10000, seq * 100,
            ['EUR', 'USD'][1 + seq % 2], time, 9, 7, seq
        FROM clicks WHERE seq % 7 = 3 AND kind = 'click' AND count = 1";
    for statement in [clicks, conversions] {
        world.ch.query(statement).execute().await.unwrap();
    }
    world
}

async fn ask(world: &World, query: &str) -> Value {
    let answer = world.get(&format!("{STATS}?limit=5000&{query}")).await;
    assert_eq!(answer.status, 200, "{query}: {}", answer.text);
    answer.json()
}

/// The answer's sources, having said the same as the rows.
async fn same(world: &World, query: &str) -> Vec<String> {
    let (sums, rows) = (ask(world, query).await, ask(world, &format!("{query}{FROM_ROWS}")).await);
    for source in rows["sources"].as_array().unwrap() {
        assert!(source == "clicks" || source == "conversions_by_click", "{query}: {source}");
    }
    assert_eq!(sums["totals"], rows["totals"], "{query}");
    assert_eq!(sums["data"], rows["data"], "{query}");
    sums["sources"].as_array().unwrap().iter().map(|one| one.as_str().unwrap().to_owned()).collect()
}

/// Whole days; days, hours and minutes; less than an hour; days and hours of other zones.
const SPANS: [&str; 6] = [
    "from=2026-11-19&to=2026-11-22&tz=UTC",
    "from=2026-11-19T22:30:00Z&to=2026-11-21T17:12:13Z&tz=UTC",
    "from=2026-11-20T05:10:00Z&to=2026-11-20T05:40:00Z&tz=UTC",
    "from=2026-11-20&to=2026-11-21&tz=America/New_York",
    "from=2026-11-20&to=2026-11-21&tz=Asia/Kolkata",
    "from=2026-11-20T01:00:00Z&to=2026-11-20T23:00:00Z&tz=UTC",
];

#[tokio::test]
async fn every_dimension_says_the_same_by_sums_and_by_rows() {
    let world = filled().await;
    for span in SPANS {
        same(&world, span).await;
    }
    for span in [SPANS[1], SPANS[3], SPANS[4]] {
        for by in Dimension::all() {
            let name = by.name();
            // Groups of equal numbers come in one order: their keys'.
            same(&world, &format!("{span}&group_by={name}&order={name}")).await;
        }
    }
}

#[tokio::test]
async fn filters_say_the_same_by_sums_and_by_rows() {
    let world = filled().await;
    let span = SPANS[1];
    for filter in [
        "outcome=invalid",
        "outcome=-unique",
        "reason=bot",
        "program=prg_1",
        "affiliate=aff_2",
        "link=-lnk_1",
        "link=lnk_1,lnk_2",
        "link=lnk_1&affiliate=aff_2",
        "affiliate=-aff_2",
        "country=FR",
        "country=-FR",
        "country=(none)",
        "country=FR&outcome=unique",
        "language=fr",
        "currency=EUR",
        "currency=EUR&country=FR",
        "sub1=x",
        "sub1=-x",
        "sub1=(none)",
        "sub1=-(none)",
        "sub1=x,(none)",
        "city=-(none)",
        "code=gone0",
        "code=(none)",
        "referrer=a.example",
    ] {
        for by in ["day", "outcome", "country", "sub1", "hour"] {
            same(&world, &format!("{span}&{filter}&group_by={by}&order={by}")).await;
        }
    }
}

#[tokio::test]
async fn the_smallest_sums_answer() {
    let world = filled().await;
    for (by, expected) in [
        ("day", "clicks_by_day_program"),
        ("week", "clicks_by_day_program"),
        ("month,program,reason,outcome", "clicks_by_day_program"),
        ("affiliate", "clicks_by_day_site"),
        ("affiliate,program", "clicks_by_day_affiliate"),
        ("country,week,outcome", "clicks_by_day_site"),
        ("day&country=-FR", "clicks_by_day_site"),
        ("day&affiliate=-aff_1", "clicks_by_day_site"),
        ("affiliate,link", "clicks_by_day_link"),
        ("affiliate&affiliate=aff_1", "clicks_by_day_link"),
        ("country,device", "clicks_by_day_country"),
        ("device,os,browser", "clicks_by_day_agent"),
        ("language", "clicks_by_day_language"),
        ("region,city", "clicks_by_day_place"),
        ("referrer,source", "clicks_by_day_referrer"),
        ("code", "clicks_by_day_code"),
        ("affiliate,sub2,day", "clicks_by_day_sub2"),
        ("hour", "clicks_by_hour_program"),
        ("hour,program&outcome=unique", "clicks_by_hour_program"),
        ("minute", "clicks"),
        ("sub1,sub2", "clicks"),
        ("country,sub1", "clicks"),
    ] {
        let order = by.split([',', '&']).next().unwrap();
        let sources = same(&world, &format!("{}&group_by={by}&order={order}", SPANS[0])).await;
        assert_eq!(sources[0], expected, "{by}");
    }
    let answer = ask(&world, SPANS[1]).await;
    assert_eq!(
        answer["sources"],
        json!([
            "clicks_by_day_program",
            "clicks_by_hour_program",
            "clicks",
            "conversions_by_day_program",
            "conversions_by_click"
        ])
    );
    // Days are the site's; hours are everybody's who counts in whole ones.
    for (zone, source) in
        [("America/New_York", "clicks_by_hour_program"), ("Asia/Kolkata", "clicks")]
    {
        let span = format!("from=2026-11-20&to=2026-11-21&tz={zone}&group_by=day");
        assert_eq!(ask(&world, &span).await["sources"][0], source, "{zone}");
    }
}

#[tokio::test]
async fn sums_that_came_later_leave_the_days_before_to_others() {
    let world = filled().await;
    // As a migrator that made them on that day left them, with the events before gone.
    let since_ms = 1_795_132_800_000_i64;
    for sums in ["clicks_by_day_site", "conversions_by_day_site"] {
        for change in [
            format!("ALTER TABLE {sums} DELETE WHERE day < '2026-11-20'"),
            format!("ALTER TABLE {sums} MODIFY COMMENT 'since {since_ms}'"),
        ] {
            world.ch.query(&change).with_setting("mutations_sync", "2").execute().await.unwrap();
        }
    }
    let span = SPANS[0];
    let mut answered = Vec::new();
    for by in ["country", "affiliate", "device", "country&country=FR", "day&country=-FR"] {
        let order = by.split(['&']).next().unwrap();
        answered = same(&world, &format!("{span}&group_by={by}&order={order}")).await;
    }
    assert_eq!(
        answered,
        [
            "clicks_by_day_site",
            "clicks_by_day_country",
            "conversions_by_day_site",
            "conversions_by_click"
        ]
    );
}

/// Every dimension over some spans, with and without a filter: what a page could ask at once.
fn many_questions() -> Vec<Query> {
    let whole = Range { from_ms: 1_795_132_800_000, to_ms: 1_795_305_600_000, zone: Tz::UTC };
    let cut = Range { from_ms: whole.from_ms + 5_000_000, to_ms: whole.to_ms - 7_000_123, ..whole };
    let filter = |dimension, value: &str| {
        vec![Filter { dimension, values: vec![value.to_owned()], exclude: false }]
    };
    let filters =
        [Vec::new(), filter(Dimension::Program, "1"), filter(Dimension::Outcome, "invalid")];
    let of = |range, by: Option<Dimension>, filters: &Vec<Filter>| Query {
        range,
        site_zone: Tz::UTC,
        group_by: by.into_iter().collect(),
        filters: filters.clone(),
        order: (Order::Key(0), false),
        limit: 500,
    };
    let mut all = Vec::new();
    for range in [whole, cut, Range { zone: Tz::Asia__Kolkata, ..cut }] {
        for filters in &filters {
            all.push(of(range, None, filters));
            all.extend(Dimension::all().map(|by| of(range, Some(by), filters)));
            // The first of them, which are asked for in another way.
            all.extend(Dimension::all().map(|by| Query {
                order: (Order::Metric(Metric::Gross), true),
                limit: 2,
                ..of(range, Some(by), filters)
            }));
        }
    }
    all
}

#[tokio::test]
async fn questions_asked_at_once_say_the_same_as_alone() {
    let world = filled().await;
    let queries = many_questions();
    let mut together = Vec::new();
    // Those of one span and filter at once.
    for queries in queries.chunks(1 + 2 * Dimension::all().count()) {
        together.extend(stats::reports(&world.ctx(), queries).await.unwrap());
    }
    assert_eq!(together.len(), queries.len());
    let mut counted = 0;
    for (query, report) in queries.iter().zip(&together) {
        let alone = stats::report(&world.ctx(), query).await.unwrap();
        assert_eq!(*report, alone, "{query:?}");
        counted += report.totals.clicks.map_or(0, |clicks| clicks.gross);
    }
    assert!(counted > 10_000, "{counted}");
    assert_eq!(stats::reports(&world.ctx(), &[]).await.unwrap(), []);
}

/// A number of clicks.
type Count = fn(&Clicks) -> i64;

/// Orders by a number of clicks, and that number.
const LEADS: [(Metric, Count); 4] = [
    (Metric::Gross, |clicks| clicks.gross),
    (Metric::Unique, |clicks| clicks.unique),
    (Metric::Invalid, |clicks| clicks.invalid),
    (Metric::Impressions, |clicks| clicks.impressions),
];

#[tokio::test]
async fn the_first_groups_are_the_first_of_all_groups() {
    let world = filled().await;
    let range = Range { from_ms: 1_795_132_800_000, to_ms: 1_795_305_600_000, zone: Tz::UTC };
    let filter = |dimension, value: &str| {
        vec![Filter { dimension, values: vec![value.to_owned()], exclude: false }]
    };
    let filters = [
        Vec::new(),
        filter(Dimension::Program, "1"),
        filter(Dimension::Sub(1), "x"),
        filter(Dimension::Outcome, "invalid"),
        filter(Dimension::Code, "gone0"),
    ];
    let (mut asked, mut counted) = (0, 0);
    for by in Dimension::all().filter(|by| !by.is_time() && by.side() != Side::OfConversions) {
        for filters in &filters {
            let all = Query {
                range,
                site_zone: Tz::UTC,
                group_by: vec![by],
                filters: filters.clone(),
                order: (Order::Key(0), false),
                limit: 5000,
            };
            let whole = stats::report(&world.ctx(), &all).await.unwrap();
            for (metric, number) in LEADS {
                let mut expected = whole.rows.clone();
                let count = |row: &Row| row.clicks.as_ref().map_or(0, number);
                expected.sort_by_key(|row| std::cmp::Reverse(count(row)));
                for limit in [2, 5000] {
                    let first =
                        Query { order: (Order::Metric(metric), true), limit, ..all.clone() };
                    let first = stats::report(&world.ctx(), &first).await.unwrap();
                    let what = format!("{by:?} {filters:?} {metric:?} {limit}");
                    assert_eq!(first.totals, whole.totals, "{what}");
                    let limit = limit as usize;
                    assert_eq!(first.has_more, expected.len() > limit, "{what}");
                    assert_eq!(first.rows, expected[..limit.min(expected.len())], "{what}");
                    (asked, counted) = (asked + 1, counted + first.rows.len());
                }
            }
        }
    }
    assert!(counted > asked, "{asked} questions with {counted} rows");
}
