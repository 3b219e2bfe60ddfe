//! What a person does on the pages ends where they meant it to.

use axum::http::{StatusCode, header};

use super::{SPAN, assert_page};
use crate::world::{Click, Conversion, FRIDAY_MS, World};

#[tokio::test]
async fn the_oldest_link_and_affiliate_can_be_changed() {
    let world = World::new().await.with_links().await;
    world
        .sql(
            "INSERT INTO affiliate_affiliate (site_id, name) SELECT 1, 'A' || n FROM generate_series(1, 60) n;
             INSERT INTO affiliate_affiliatelink (site_id, affiliate_id, program_id, code) SELECT 1, 1, 1, 'c' || n FROM generate_series(1, 60) n;",
        )
        .await;
    for (path, id, field) in [
        ("/affiliate/links/", "lnk_1", "name=\"expires_at\""),
        ("/affiliate/affiliates/", "aff_1", "name=\"email\""),
    ] {
        let page = world.page(&format!("{path}?edit={id}"), "en").await;
        assert_page(path, "en", &page);
        assert!(page.text.contains(&format!("action=\"{path}{id}/\"")), "{path}: no form");
        assert!(page.text.contains(field));
        assert_eq!(page.text.matches(&format!("<li id=\"{id}\"")).count(), 1);
        // A reload of the form's own address comes back to it.
        let again = world.page(&format!("{path}{id}/"), "en").await;
        assert_eq!(again.headers[header::LOCATION], format!("{path}?edit={id}#{id}"));
    }
    let typed = [("destination", "ftp://kept.example/"), ("expires_at", "2027-01-31")];
    let wrong = world.submit("/affiliate/links/lnk_1/", &typed).await;
    assert_page("links", "en", &wrong);
    assert!(wrong.text.contains("ftp://kept.example/") && wrong.text.contains("2027-01-31"));
    assert!(wrong.text.contains("aria-invalid"));
    let nothing = world.page("/search/?q=lnk_999", "en").await;
    assert!(nothing.text.contains("Nothing has the id lnk_999."), "{}", nothing.text);
}

#[tokio::test]
async fn addresses_that_only_take_forms_lead_to_their_page() {
    let world = World::new().await.with_links().await;
    for (path, place) in [
        ("/affiliate/programs/prg_1/plans/", "/affiliate/programs/prg_1/"),
        ("/affiliate/programs/prg_1/token/", "/affiliate/programs/prg_1/"),
        ("/accounts/logout/", "/dashboard/"),
        ("/preferences/", "/dashboard/"),
    ] {
        let answer = world.page(path, "en").await;
        assert_eq!(answer.headers[header::LOCATION], place, "{path}");
    }
}

#[tokio::test]
async fn a_new_name_leaves_a_programs_windows_alone() {
    let world = World::new().await.with_links().await;
    world.sql("UPDATE affiliate_program SET click_window_ms = 100000001, hold_ms = 7").await;
    let page = world.page("/affiliate/programs/prg_1/", "en").await.text;
    assert!(page.contains("name=\"window\" type=\"text\" value=\"1.15\""), "{page}");
    let typed = [
        ("name", "Renamed"),
        ("destination", "https://shop.example/"),
        ("window", "1.15"),
        ("hold", "2"),
    ];
    let saved = world.submit("/affiliate/programs/prg_1/", &typed).await;
    assert_eq!(saved.status, StatusCode::SEE_OTHER, "{}", saved.text);
    let spans: (String, i64, i64) =
        sqlx::query_as("SELECT name, click_window_ms, hold_ms FROM affiliate_program WHERE id = 1")
            .fetch_one(&world.owner)
            .await
            .unwrap();
    assert_eq!(spans, ("Renamed".to_owned(), 100_000_001, 2 * 86_400_000));
}

#[tokio::test]
async fn the_start_ends_with_the_first_event_and_does_not_come_back() {
    let world = World::new().await.with_links().await;
    let empty = world.page("/dashboard/", "en").await.text;
    assert!(empty.contains("No click yet") && empty.contains("data-live"), "{empty}");
    // What the first event renews is the whole of the page: its head stands in it once.
    let live = empty.split_once("id=\"live\"").unwrap().1;
    assert_eq!((empty.matches("<h1>").count(), live.matches("<h1>").count()), (1, 1));
    world.conversions(&[Conversion::SALE]).await;
    let shown = world.page(&format!("/dashboard/?{SPAN}"), "en").await.text;
    assert!(shown.contains("card-conversions") && shown.contains("€5.00"), "{shown}");
    let quiet = world.page("/dashboard/?from=2025-01-01&to=2025-01-02", "en").await.text;
    assert!(quiet.contains("card-clicks") && !quiet.contains("No click yet"), "{quiet}");
}

#[tokio::test]
async fn a_number_opens_into_no_more_than_it_counts() {
    let world = World::new().await.with_a_little().await;
    let page = async |path: &str| {
        let joint = if path.contains('?') { '&' } else { '?' };
        let answer = world.page(&format!("{path}{joint}{SPAN}"), "en").await;
        assert_page(path, "en", &answer);
        answer.text.replace("&#38;", "&")
    };
    let pending = page("/affiliate/stats/?group_by=program&status=pending").await;
    assert!(pending.contains("status=pending,-invalid"), "{pending}");
    let duplicate = page("/dashboard/?outcome=duplicate").await;
    assert!(duplicate.contains("outcome=unique,-unique"), "{duplicate}");
    // A number that is not known opens into nothing, and is no number.
    let conversions = duplicate.split_once("id=\"card-conversions\"").unwrap().1;
    assert!(conversions.split("</article>").next().unwrap().contains(">–</span>"));
    let links = page("/affiliate/links/").await;
    for href in [
        "/affiliate/commissions/?from=2026-11-19&to=2026-11-21&link=lnk_1",
        "/affiliate/conversions/?from=2026-11-19&to=2026-11-21&link=lnk_1&status=-invalid",
    ] {
        assert!(links.contains(href), "{href}: {links}");
    }
    let views = [Click { seq: Some(99), ..Click::IMPRESSION }];
    world.clicks(&views).await;
    let clicks = page("/affiliate/clicks/").await;
    assert!(clicks.contains("5 clicks") && !clicks.contains("Impression"), "{clicks}");
    assert!(page("/affiliate/clicks/?kind=impression").await.contains("1 impression"));
}

#[tokio::test]
async fn a_table_is_sorted_as_it_says() {
    let world = World::new().await.with_a_little().await;
    world.clicks(&[Click { at_ms: FRIDAY_MS + 86_400_000, seq: Some(50), ..Click::UNIQUE }]).await;
    let first_day = async |order: &str| {
        let path = format!("/affiliate/stats/?{SPAN}{order}");
        let page = world.page(&path, "en").await.text;
        let table = page.split_once("<table class=\"rows wide\">").unwrap().1.to_owned();
        let body = table.split_once("<tbody>").unwrap().1;
        let day = body.split("<span>").nth(1).unwrap().split('<').next().unwrap().to_owned();
        (table.split("</thead>").next().unwrap().to_owned(), day)
    };
    let (head, day) = first_day("").await;
    assert!(head.contains("aria-sort=\"ascending\"") && day.starts_with("20"), "{day} {head}");
    let (head, day) = first_day("&order=gross").await;
    assert!(head.contains("aria-sort=\"ascending\"") && day.starts_with("21"), "{day} {head}");
    assert!(head.contains("group_by=hour"), "{head}");
    let (head, day) = first_day("&group_by=day&order=-payout.EUR").await;
    assert!(head.contains("aria-sort=\"descending\"") && day.starts_with("20"), "{day} {head}");
}

#[tokio::test]
async fn what_is_wrong_with_a_choice_stands_at_its_field() {
    let world = World::new().await.with_a_little().await;
    let turned = world.page("/dashboard/?from=2026-11-21&to=2026-11-19", "en").await;
    assert_page("a span", "en", &turned);
    assert!(turned.text.contains("The last day is before the first."), "{}", turned.text);
    assert!(turned.text.contains("value=\"2026-11-21\""));
    let choose = world.page("/affiliate/stats/?filter_by=program", "en").await;
    assert_page("a filter", "en", &choose);
    assert!(choose.text.contains("<option value=\"prg_1\">Shop</option>"), "{}", choose.text);
    let wrong = world.page("/affiliate/stats/?filter_by=reason&filter_value=robot", "en").await;
    assert_page("a filter", "en", &wrong);
    assert!(wrong.text.contains("This is not known here."), "{}", wrong.text);
    let right = world.page("/affiliate/stats/?filter_by=reason&filter_value=bot", "en").await;
    assert_eq!(right.headers[header::LOCATION], "/affiliate/stats/?reason=bot");
}

#[tokio::test]
async fn a_list_of_programs_goes_on_and_a_chosen_one_stays_chosen() {
    let world = World::new().await.with_links().await;
    world
        .sql(
            "INSERT INTO affiliate_program (site_id, slug, name, destination)
             SELECT 1, 'p' || n, 'Program ' || n, 'https://p.example/' FROM generate_series(1, 600) n;",
        )
        .await;
    let first = world.page("/affiliate/programs/", "en").await.text;
    assert!(first.contains("Program 600") && first.contains("starting_after=prg_"), "{first}");
    let found = world.page("/affiliate/programs/?q=Program%207", "en").await.text;
    assert!(found.contains("Program 77") && !found.contains("Program 600"));
    let new = world.page("/affiliate/links/?edit=new&program=prg_1", "en").await.text;
    assert!(new.contains("<option value=\"prg_1\" selected>Shop</option>"), "{new}");
    assert!(new.contains("The newest 500 are listed."));
}
