//! What a visitor or a partner sent is shown as text, on pages and in sheets (threats 24, 26, 42).

use super::{SPAN, assert_page};
use crate::world::World;

const SCRIPT: &str = "<script>alert(1)</script>";
const NASTY: [&str; 5] = [
    SCRIPT,
    "\"onx=\"1\" x='",
    "{{7*7}}",
    "\u{202e}txet desrever\u{202c}",
    "𝒳 =cmd()|' /C calc'!A0",
];

async fn nasty() -> World {
    let world = World::new().await.with_links().await;
    for (n, text) in (0_i64..).zip(NASTY) {
        sqlx::query("INSERT INTO affiliate_affiliate (site_id, name, email) VALUES (1, $1, $1)")
            .bind(text)
            .execute(&world.owner)
            .await
            .unwrap();
        sqlx::query(
            "INSERT INTO affiliate_program (site_id, slug, name, destination)
             VALUES (1, 'p' || $2::text, $1, 'https://shop.example/?' || $1)",
        )
        .bind(text)
        .bind(n.to_string())
        .execute(&world.owner)
        .await
        .unwrap();
        world
            .ch
            .query(
                "INSERT INTO clicks (site, affiliate, link, program, time, journal, shard, seq, day, kind, outcome,
                     reason, rules, key_version, country, device, referrer, source, sub1, browser, code)
                 SELECT 1, toUInt32(?), 0, toUInt32(?), toDateTime64('2026-11-20 10:00:00', 3, 'UTC'), 9, 7, toUInt64(?),
                     '2026-11-20', 'click', 'invalid', 'orphan', 1, 1, ?, ?, ?, ?, ?, ?, ?",
            )
            .bind(3 + n)
            .bind(3 + n)
            .bind(n)
            .bind(text)
            .bind(text)
            .bind(text)
            .bind(text)
            .bind(text)
            .bind(text)
            .bind(text)
            .execute()
            .await
            .unwrap();
    }
    world
}

#[tokio::test]
async fn what_others_sent_is_text_on_every_page() {
    let world = nasty().await;
    for path in [
        format!("/dashboard/?{SPAN}"),
        format!("/affiliate/stats/?group_by=program,affiliate,referrer,sub1,source,code&{SPAN}"),
        format!("/affiliate/stats/?sub1=%3Cscript%3Ealert(1)%3C/script%3E&{SPAN}"),
        format!("/affiliate/clicks/?{SPAN}"),
        "/affiliate/affiliates/?edit=aff_3".to_owned(),
        "/affiliate/programs/".to_owned(),
        "/affiliate/programs/prg_3/".to_owned(),
        "/affiliate/links/?edit=new&q=%3Cscript%3Ealert(1)%3C/script%3E".to_owned(),
        "/search/?q=%3Cscript%3Ealert(1)%3C/script%3E".to_owned(),
        "/search/?q=txet".to_owned(),
    ] {
        let answer = world.page(&path, "en").await;
        assert_page(&path, "en", &answer);
        let html = &answer.text;
        assert!(!html.contains("<script>alert") && !html.contains("\"onx="), "{path}");
        assert!(
            !path.contains("group_by") || html.contains("{{7*7}}"),
            "{path}: a template was run"
        );
        assert!(
            path.contains("links") || html.contains("alert(1)") || html.contains("txet"),
            "{path}"
        );
        // A text that turns its direction stays inside its own element.
        for around in html.split('\u{202e}').collect::<Vec<_>>().windows(2) {
            let before = around[0];
            // Between two of them in one text there is no tag.
            let Some(start) = before.rfind('<') else { continue };
            let tag = &before[start..];
            // An attribute's value, or the text of an element that keeps directions to itself: by
            // its kind, or since it is a block of its own (a line read aloud only, a choice).
            let isolated = [
                "<bdi",
                "<title>",
                "<code",
                "<option",
                "<button type=\"button\"",
                "<span class=\"sr\">",
            ];
            let inside = !tag.contains('>') || isolated.iter().any(|mark| tag.starts_with(mark));
            assert!(inside, "{path}: {tag}");
        }
    }
}

#[tokio::test]
async fn a_sheet_holds_no_formula() {
    let world = nasty().await;
    for (n, text) in ["=cmd()", "+1", "-1", "@SUM(A1)"].iter().enumerate() {
        world
            .ch
            .query(
                "INSERT INTO clicks (site, affiliate, link, program, time, journal, shard, seq, day, kind, outcome,
                     reason, rules, key_version, sub1)
                 SELECT 1, 1, 1, 1, toDateTime64('2026-11-20 10:00:00', 3, 'UTC'), 9, 7, toUInt64(?), '2026-11-20', 'click',
                     'unique', '', 1, 1, ?",
            )
            .bind(100 + n as u64)
            .bind(text)
            .execute()
            .await
            .unwrap();
    }
    let path = format!("/affiliate/stats/export.csv?group_by=sub1&{SPAN}");
    let sheet = world.page(&path, "en").await;
    assert!(sheet.headers["content-type"].to_str().unwrap().starts_with("text/csv"));
    assert!(
        sheet.headers["content-disposition"]
            .to_str()
            .unwrap()
            .contains("2026-11-19-2026-11-21.csv")
    );
    for line in sheet.text.trim_start_matches('\u{feff}').lines() {
        assert!(!line.starts_with(['=', '+', '-', '@']), "{line}");
    }
    for cell in ["'=cmd()", "'+1", "'-1", "'@SUM(A1)"] {
        assert!(sheet.text.contains(cell), "{cell}: {}", sheet.text);
    }
}
