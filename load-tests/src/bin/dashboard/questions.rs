//! What is asked: everything that the pages and the JSON ask of the stores, with values that change each time.

use anyhow::Result;
use chrono::{Days, NaiveDate};
use load_tests::generate::Random;

use crate::{
    place::Place,
    seed::{AFFILIATES, LINKS, PROGRAMS},
};

/// An answer of the dashboard should be there before one notices, …
pub(crate) const DASHBOARD_MS: f64 = 100.0;
/// … and one that no sums are kept for while one waits.
const RAW_MS: f64 = 1000.0;

/// Spans of a report that every dimension is asked over.
const SPANS: [&str; 4] = ["today", "7d", "30d", "90d"];
/// What there is to break numbers down by, but for pieces of a day.
const DIMENSIONS: [&str; 26] = [
    "day",
    "program",
    "affiliate",
    "link",
    "country",
    "region",
    "city",
    "device",
    "os",
    "browser",
    "language",
    "referrer",
    "source",
    "sub1",
    "sub2",
    "sub3",
    "sub10",
    "code",
    "outcome",
    "reason",
    "refusal",
    "event",
    "status",
    "via",
    "currency",
    "week",
];
const STATS: &str = "/api/v1/affiliate/stats/";
const CLICKS: &str = "/api/v1/affiliate/clicks/";
const CONVERSIONS: &str = "/api/v1/affiliate/conversions/";

/// Something that is asked again and again.
pub(crate) struct Question {
    /// Its name in the table.
    pub(crate) name: String,
    /// How soon 95 of 100 answers should be there.
    pub(crate) reach_ms: f64,
    /// The path of one asking; values differ each time.
    pub(crate) path: Box<Ask>,
}

/// Makes a path of values.
type Ask = dyn Fn(&Known, &mut Random) -> String;

/// Values to ask with.
pub(crate) struct Known {
    /// All that have clicks, the oldest first.
    days: Vec<NaiveDate>,
    countries: Vec<String>,
    referrers: Vec<String>,
    conversions: u64,
}

impl Known {
    /// What stands in the stores.
    pub(crate) async fn of(place: &Place) -> Result<Self> {
        let days: Vec<u16> = place
            .client
            .query("SELECT DISTINCT toUInt16(day) AS day FROM clicks_by_day_link ORDER BY day")
            .fetch_all()
            .await?;
        let epoch = NaiveDate::default();
        let day = |days: &u16| epoch.checked_add_days(Days::new(u64::from(*days))).unwrap_or(epoch);
        let texts = async |column: &str| -> Result<Vec<String>> {
            let sql = format!(
                "SELECT toString({column}) AS value FROM clicks WHERE time > now() - INTERVAL 1 DAY AND value != ''
                 GROUP BY value ORDER BY count() DESC LIMIT 20"
            );
            Ok(place.client.query(&sql).fetch_all().await?)
        };
        let conversions: i64 =
            sqlx::query_scalar("SELECT coalesce(max(id), 0) FROM affiliate_conversion")
                .fetch_one(&place.owner)
                .await?;
        Ok(Self {
            days: days.iter().map(day).collect(),
            countries: texts("country").await?,
            referrers: texts("referrer").await?,
            conversions: conversions.unsigned_abs(),
        })
    }

    fn day(&self, random: &mut Random) -> NaiveDate {
        // The first day is there in part.
        let day = self.days.get(1 + random.below(self.days.len().saturating_sub(1).max(1)));
        day.copied().unwrap_or_default()
    }
}

/// All of them.
pub(crate) fn all() -> Vec<Question> {
    let mut all = pages();
    all.extend(breakdowns());
    all.extend(narrowed());
    all.extend(lists());
    all.extend(raw());
    all
}

fn question(
    name: impl Into<String>,
    reach_ms: f64,
    path: impl Fn(&Known, &mut Random) -> String + 'static,
) -> Question {
    Question { name: name.into(), reach_ms, path: Box::new(path) }
}

fn ask(name: &str, path: &'static str) -> Question {
    question(name, DASHBOARD_MS, move |known, random| filled(path, known, random))
}

/// Puts values in the place of their names.
fn filled(path: &str, known: &Known, random: &mut Random) -> String {
    let one = |values: &[String], random: &mut Random| match values.len() {
        0 => "(none)".to_owned(),
        n => values[random.below(n)].clone(),
    };
    let mut path = path.to_owned();
    for (name, value) in [
        // Anybody, not the most popular.
        ("{affiliate}", format!("aff_{}", 1 + random.below(AFFILIATES as usize))),
        ("{program}", format!("prg_{}", 1 + random.below(PROGRAMS as usize))),
        ("{link}", format!("lnk_{}", 1 + random.below(LINKS as usize))),
        ("{popular}", format!("lnk_{}", 1 + random.below(10))),
        ("{country}", one(&known.countries, random)),
        ("{referrer}", one(&known.referrers, random)),
        ("{sub1}", format!("campaign-{}-1", 1 + random.below(AFFILIATES as usize))),
        ("{day}", known.day(random).to_string()),
        ("{hour}", format!("{:02}", random.below(23))),
        ("{minute}", format!("{:02}", random.below(60))),
        ("{number}", (1 + random.below(known.conversions.max(1) as usize)).to_string()),
    ] {
        path = path.replace(name, &value);
    }
    path
}

fn pages() -> Vec<Question> {
    [
        ("page: dashboard, today", "/dashboard/?range=today"),
        ("page: dashboard, 7 days", "/dashboard/"),
        ("page: dashboard, 30 days", "/dashboard/?range=30d"),
        ("page: dashboard, 90 days", "/dashboard/?range=90d"),
        ("page: dashboard, a day", "/dashboard/?from={day}&to={day}"),
        ("page: dashboard of a program, 7 days", "/dashboard/?program={program}"),
        ("page: dashboard of an affiliate, 7 days", "/dashboard/?affiliate={affiliate}"),
        ("page: dashboard of a link, 7 days", "/dashboard/?link={link}"),
        ("page: dashboard of a country, 7 days", "/dashboard/?country={country}"),
        ("page: stats, 7 days", "/affiliate/stats/"),
        (
            "page: stats of an affiliate, 30 days",
            "/affiliate/stats/?range=30d&affiliate={affiliate}",
        ),
        ("page: stats by country, 30 days", "/affiliate/stats/?range=30d&group_by=country"),
        ("page: stats by link, 30 days", "/affiliate/stats/?range=30d&group_by=link"),
        ("page: stats by referrer, 30 days", "/affiliate/stats/?range=30d&group_by=referrer"),
        ("page: clicks, 7 days", "/affiliate/clicks/"),
        ("page: clicks of an affiliate, 7 days", "/affiliate/clicks/?affiliate={affiliate}"),
        ("page: clicks of a link, 7 days", "/affiliate/clicks/?link={link}"),
        ("page: clicks of a program, 7 days", "/affiliate/clicks/?program={program}"),
        ("page: invalid clicks, 7 days", "/affiliate/clicks/?outcome=invalid"),
        ("page: clicks of a country, 7 days", "/affiliate/clicks/?country={country}"),
        ("page: clicks, a day", "/affiliate/clicks/?from={day}&to={day}"),
        ("page: conversions, 7 days", "/affiliate/conversions/"),
        (
            "page: conversions of an affiliate, 30 days",
            "/affiliate/conversions/?range=30d&affiliate={affiliate}",
        ),
        ("page: conversions of a country, 7 days", "/affiliate/conversions/?country={country}"),
        ("page: a conversion", "/affiliate/conversions/cnv_{number}/"),
        ("page: commissions, 30 days", "/affiliate/commissions/?range=30d"),
        (
            "page: commissions of an affiliate, 90 days",
            "/affiliate/commissions/?range=90d&affiliate={affiliate}",
        ),
        ("page: links", "/affiliate/links/"),
        (
            "page: links of an affiliate, 30 days",
            "/affiliate/links/?range=30d&affiliate={affiliate}",
        ),
        ("page: affiliates", "/affiliate/affiliates/"),
        ("page: a program", "/affiliate/programs/{program}/"),
        ("page: search for a transaction", "/search/?q=order-{number}"),
    ]
    .map(|(name, path)| ask(name, path))
    .into()
}

/// Every dimension over every span.
fn breakdowns() -> Vec<Question> {
    let mut all = vec![
        ask("stats by hour, today", "/api/v1/affiliate/stats/?range=today&group_by=hour"),
        ask("stats by hour, a day", "/api/v1/affiliate/stats/?from={day}&to={day}&group_by=hour"),
        ask(
            "stats by hour of a program, a day",
            "/api/v1/affiliate/stats/?from={day}&to={day}&group_by=hour&program={program}",
        ),
        ask(
            "stats by hour of an affiliate, a day",
            "/api/v1/affiliate/stats/?from={day}&to={day}&group_by=hour&affiliate={affiliate}",
        ),
        ask(
            "stats by minute, an hour",
            "/api/v1/affiliate/stats/?from={day}T{hour}:00:00Z&to={day}T{hour}:59:59Z&group_by=minute",
        ),
        ask(
            "stats, 7 days to a moment",
            "/api/v1/affiliate/stats/?from={day}&to={day}T{hour}:{minute}:00Z",
        ),
    ];
    for by in DIMENSIONS {
        for span in SPANS {
            let path = format!("{STATS}?range={span}&group_by={by}");
            let reach_ms = if has_millions(by, span) { RAW_MS } else { DASHBOARD_MS };
            all.push(question(format!("stats by {by}, {span}"), reach_ms, move |_, _| {
                path.clone()
            }));
        }
    }
    all
}

/// A sub-id of all affiliates together has hundreds of thousands of values a week, and no block of the dashboard shows
/// them; an affiliate's own are asked below.
fn has_millions(by: &str, span: &str) -> bool {
    by.starts_with("sub") && span != "today"
}

/// Any dimension of something.
fn narrowed() -> Vec<Question> {
    let of = |name: &str, filter: &'static str, span: &'static str, reach_ms| {
        question(format!("stats by any of {name}, {span}"), reach_ms, move |known, random| {
            // As with all programs together, a program's sub-ids are no question of the dashboard's.
            let fits = |by: &str| !filter.starts_with("program") || !has_millions(by, span);
            let by = loop {
                let by = DIMENSIONS[random.below(DIMENSIONS.len())];
                if fits(by) {
                    break by;
                }
            };
            filled(&format!("{STATS}?range={span}&group_by={by}&{filter}"), known, random)
        })
    };
    vec![
        of("a program", "program={program}", "7d", DASHBOARD_MS),
        of("a program", "program={program}", "90d", DASHBOARD_MS),
        of("an affiliate", "affiliate={affiliate}", "7d", DASHBOARD_MS),
        of("an affiliate", "affiliate={affiliate}", "90d", DASHBOARD_MS),
        of("a link", "link={link}", "7d", DASHBOARD_MS),
        of("a link", "link={link}", "90d", DASHBOARD_MS),
        of("a popular link", "link={popular}", "30d", RAW_MS),
        of("a country", "country={country}", "7d", RAW_MS),
        of("a referrer", "referrer={referrer}", "7d", RAW_MS),
    ]
}

fn lists() -> Vec<Question> {
    let list = |name: &str, base: &'static str, more: &'static str| {
        question(name, DASHBOARD_MS, move |known, random| {
            filled(&format!("{base}?limit=100{more}"), known, random)
        })
    };
    vec![
        list("last 100 clicks, today", CLICKS, "&range=today"),
        list("last 100 clicks, 7 days", CLICKS, ""),
        list("last 100 clicks, 90 days", CLICKS, "&range=90d"),
        list("last 100 clicks of a day", CLICKS, "&from={day}&to={day}"),
        list("last 100 clicks of a program, 7 days", CLICKS, "&program={program}"),
        list(
            "last 100 clicks of an affiliate, 90 days",
            CLICKS,
            "&range=90d&affiliate={affiliate}",
        ),
        list("last 100 clicks of a link, 90 days", CLICKS, "&range=90d&link={link}"),
        list("last 100 clicks of a country, 7 days", CLICKS, "&country={country}"),
        list("last 100 clicks of a campaign, 7 days", CLICKS, "&sub1={sub1}"),
        list("last 100 impressions, 7 days (none)", CLICKS, "&kind=impression"),
        list("last 100 conversions", CONVERSIONS, ""),
        list("last 100 conversions of an affiliate", CONVERSIONS, "&affiliate={affiliate}"),
        list(
            "last 100 conversions of a country, 7 days",
            CONVERSIONS,
            "&range=7d&country={country}",
        ),
        ask("a conversion's life", "/api/v1/affiliate/conversions/cnv_{number}/"),
        ask("last 100 commissions", "/api/v1/affiliate/commissions/?limit=100"),
        ask("live: the first frame", "/api/v1/live/"),
    ]
}

/// What no sums are kept for: a day, by any three.
fn raw() -> Vec<Question> {
    let three = |name, more: &'static str| {
        question(name, RAW_MS, move |known: &Known, random: &mut Random| {
            let mut by: Vec<&str> = Vec::new();
            while by.len() < 3 {
                // Those that both sides have, or else only half is asked.
                let one = DIMENSIONS[1 + random.below(16)];
                if !by.contains(&one) {
                    by.push(one);
                }
            }
            filled(
                &format!("{STATS}?from={{day}}&to={{day}}&group_by={}{more}", by.join(",")),
                known,
                random,
            )
        })
    };
    vec![
        three("raw: a day by any three dimensions", ""),
        three("raw: a day by any three dimensions of a country", "&country={country}"),
    ]
}
