//! The pages, as a browser gets them: every one renders in both languages with nothing, a little and
//! much; nothing inline; everything escaped; every link leads somewhere; their numbers are the API's.

mod crawl;
mod escaping;
mod forms;
mod mended;
mod numbers;
mod shell;

use axum::{
    body::Body,
    http::{StatusCode, header},
};

use crate::world::{Answer, Click, Conversion, FRIDAY_MS, World, request};

/// Every page without an id, and what it shows of the little that the tests put in.
pub(crate) const PAGES: [(&str, &str); 26] = [
    ("/dashboard/?", "€5.00"),
    ("/dashboard/?compare=year", "€5.00"),
    ("/affiliate/stats/?", "20\u{a0}Nov, 10:00"),
    ("/affiliate/stats/?group_by=program,country,day&order=-gross&compare=none", "Germany"),
    ("/affiliate/clicks/?", "5 clicks"),
    ("/affiliate/links/?", "€5.00"),
    ("/affiliate/links/?edit=new", "A new link"),
    ("/affiliate/conversions/?", "1 conversion, 1 refused"),
    ("/affiliate/commissions/?", "€5.00"),
    ("/affiliate/programs/?", "Shop"),
    ("/affiliate/programs/?edit=new", "A new program"),
    ("/affiliate/affiliates/?edit=new", "Anna"),
    ("/affiliate/enrolments/?", "Nobody asked yet"),
    ("/accounts/people/?", "root@example.org"),
    ("/accounts/audit/?", "Audit log"),
    ("/accounts/profile/?", "root@example.org"),
    ("/accounts/settings/?", "Time zone"),
    ("/accounts/email/?", "root@example.org"),
    ("/accounts/password/?", "New password"),
    ("/accounts/2fa/?", "Passkeys"),
    ("/accounts/sessions/?", "This one"),
    ("/accounts/tokens/?", "test"),
    ("/accounts/security-log/?", "Security log"),
    ("/accounts/sites/?", "Tributary"),
    ("/accounts/data/?", "Type root to be sure"),
    ("/styleguide?", "as of 14:03:07"),
];

/// The span that holds everything the tests put in.
pub(crate) const SPAN: &str = "from=2026-11-19&to=2026-11-21";

impl World {
    /// As a browser that speaks `lang` and is signed in.
    pub(crate) async fn page(&self, path: &str, lang: &str) -> Answer {
        let request = request("GET", path)
            .header(header::COOKIE, &self.cookie)
            .header(header::ACCEPT, "text/html")
            .header(header::ACCEPT_LANGUAGE, lang);
        self.send(request.body(Body::empty()).unwrap()).await
    }

    /// A form, sent.
    pub(crate) async fn submit(&self, path: &str, fields: &[(&str, &str)]) -> Answer {
        let body =
            url::form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
        let request = request("POST", path)
            .header(header::COOKIE, &self.cookie)
            .header("sec-fetch-site", "same-origin")
            .header(header::ACCEPT, "text/html")
            .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded");
        self.send(request.body(Body::from(body)).unwrap()).await
    }

    /// A few clicks and conversions of each kind.
    pub(crate) async fn with_a_little(self) -> Self {
        let world = self.with_links().await;
        let german = Click { country: "DE", link: 2, ..Click::UNIQUE };
        world.clicks(&[Click::UNIQUE, Click::DUPLICATE, Click::BOT, Click::ORPHAN, german]).await;
        // The first has the number 0, which no conversion has: it lies outside of every span asked for.
        let long_ago = Conversion { at_ms: FRIDAY_MS - 900 * 86_400_000, ..Conversion::REFUSED };
        world.conversions(&[long_ago, Conversion::SALE, Conversion::REFUSED]).await;
        world.decided().await;
        world
    }

    /// The conversions of `with_a_little` as PostgreSQL has them.
    async fn decided(&self) {
        self.sql(
            "INSERT INTO affiliate_conversion (id, site_id, program_id, affiliate_id, link_id, event, txn_id, status,
                 reason, amount_units, currency, occurred_at, journal, shard, seq, via, trusted, trace)
             SELECT n, 1, 1, 1, 1, 'sale', 'ord-' || n, CASE n WHEN 1 THEN 'pending' ELSE 'invalid' END,
                 CASE n WHEN 1 THEN '' ELSE 'duplicate_txn' END, 100000000, 'EUR',
                 '2026-11-20T10:00:00Z', 9, 7, n, 'postback', true, '{\"rules\": 1}'
             FROM generate_series(1, 2) n;
             INSERT INTO affiliate_commission (affiliate_id, amount, status, site_id, program_id, link_id,
                 conversion_id, plan_id, amount_units, currency, occurred_at, hold_until)
             VALUES (1, 5, 'pending', 1, 1, 1, 1, 1, 5000000, 'EUR', '2026-11-20T10:00:00Z', '2026-12-20T10:00:00Z');",
        )
        .await;
    }
}

/// What no page may carry: the policy refuses it, and so would a person's browser.
pub(crate) fn assert_nothing_inline(path: &str, html: &str) {
    for tag in html.split('<').skip(1) {
        let tag = tag.split('>').next().unwrap_or_default();
        assert!(!tag.contains(" style="), "{path}: inline style in <{tag}>");
        assert!(!tag.starts_with("style"), "{path}: a style element");
        assert!(!tag.starts_with("script") || tag.contains(" src=\"/static/"), "{path}: <{tag}>");
        let runs =
            ["href", "src", "action", "formaction"].map(|name| format!(" {name}=\"javascript:"));
        assert!(!runs.iter().any(|run| tag.contains(run)), "{path}: <{tag}>");
        let handler =
            tag.split_whitespace().skip(1).any(|word| word.starts_with("on") && word.contains('='));
        assert!(!handler, "{path}: a handler in <{tag}>");
    }
}

/// A page that is whole, in its language, and inside the policy.
pub(crate) fn assert_page(path: &str, lang: &str, answer: &Answer) {
    assert_eq!(answer.status, StatusCode::OK, "{path}: {}", answer.text);
    assert!(answer.text.contains(&format!("<html lang=\"{lang}\"")), "{path}");
    assert!(answer.text.trim_end().ends_with("</html>"), "{path}");
    let policy = answer.headers["content-security-policy"].to_str().unwrap();
    assert!(
        policy.contains("script-src 'self'") && policy.contains("style-src 'self'"),
        "{policy}"
    );
    assert_nothing_inline(path, &answer.text);
    let mut ids = std::collections::BTreeSet::new();
    for id in answer.text.split(" id=\"").skip(1).map(|rest| rest.split('"').next().unwrap()) {
        assert!(ids.insert(id), "{path}: the id {id} stands twice");
    }
}

#[tokio::test]
async fn every_page_renders_with_nothing_and_with_a_little() {
    let mut world = World::new().await.with_app(|app| app.is_demo = true);
    for round in 0..2 {
        for (path, known) in PAGES {
            // The days are named: what the tests put in does not grow old.
            let path = format!("{path}&{SPAN}");
            for lang in ["en", "fr"] {
                let answer = world.page(&path, lang).await;
                assert_page(&path, lang, &answer);
                if lang == "en" && round == 1 {
                    assert!(answer.text.contains(known), "{path}: no {known}: {}", answer.text);
                }
            }
        }
        if round == 0 {
            let nothing = world.page("/dashboard/", "en").await.text;
            assert!(nothing.contains("On the way to the first click"), "{nothing}");
            world = world.with_a_little().await;
        }
    }
}

#[tokio::test]
async fn every_page_renders_with_much() {
    let world = World::new().await.with_a_little().await;
    world
        .sql(
            "INSERT INTO affiliate_affiliate (site_id, name) SELECT 1, repeat('Long name ', 19) || n FROM generate_series(1, 600) n;
             INSERT INTO affiliate_affiliatelink (site_id, affiliate_id, program_id, code) SELECT 1, 1, 1, repeat('c', 120) || n FROM generate_series(1, 600) n;",
        )
        .await;
    let many = format!(
        "INSERT INTO clicks (site, affiliate, link, program, time, journal, shard, seq, day, kind, outcome, reason,
             rules, key_version, country, referrer, sub1)
         SELECT 1, 1, 1 + number % 600, 1, fromUnixTimestamp64Milli({FRIDAY_MS} + number), 9, 7, 100 + number,
             '2026-11-20', 'click', 'unique', '', 1, 1, 'FR', concat('host-', toString(number % 3000), '.example'),
             toString(number % 5000) FROM numbers(20000)"
    );
    world.ch.query(&many).execute().await.unwrap();
    for path in [
        "/dashboard/",
        "/affiliate/stats/?group_by=referrer,sub1&limit=500",
        "/affiliate/clicks/",
        "/affiliate/links/",
        "/affiliate/affiliates/",
    ] {
        let joint = if path.contains('?') { '&' } else { '?' };
        let path = match path {
            "/affiliate/links/" | "/affiliate/affiliates/" => path.to_owned(),
            path => format!("{path}{joint}{SPAN}"),
        };
        let answer = world.page(&path, "fr").await;
        assert_page(&path, "fr", &answer);
        assert!(answer.text.len() < 1_500_000, "{path}: {} bytes", answer.text.len());
        let goes_on =
            answer.text.contains("starting_after=") || answer.text.contains("premières lignes");
        assert!(goes_on || path.starts_with("/dashboard/"), "{path} says nothing of more rows");
    }
}
