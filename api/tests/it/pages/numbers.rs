//! A page's numbers are the API's, and the rows they open into are those they count.

use super::SPAN;
use crate::world::World;

/// The text of the first element behind `mark`.
fn after<'a>(html: &'a str, mark: &str) -> &'a str {
    let rest = html.split_once(mark).unwrap_or_else(|| panic!("no {mark}")).1;
    let text = rest.split_once('>').unwrap().1;
    text.split('<').next().unwrap().trim()
}

#[tokio::test]
async fn the_dashboard_says_what_the_api_says() {
    let world = World::new().await.with_a_little().await;
    let page = world.page(&format!("/dashboard/?{SPAN}"), "en").await.text;
    let api = world.get(&format!("/api/v1/affiliate/stats/?{SPAN}")).await.json();
    let card = |id: &str| {
        let card = page.split_once(&format!("id=\"card-{id}\"")).unwrap().1;
        after(card, "class=\"card-value").to_owned()
    };
    for (id, name) in [
        ("clicks", "gross"),
        ("uniques", "unique"),
        ("invalid", "invalid"),
        ("conversions", "conversions"),
    ] {
        assert_eq!(card(id), api["totals"][name].to_string(), "{id}: {api}");
    }
    assert_eq!(card("commissions"), "€5.00");
    let french = world.page(&format!("/dashboard/?{SPAN}"), "fr").await.text;
    assert!(
        french.contains("5,00\u{a0}€")
            && french.contains("Téléphone")
            && french.contains("Allemagne")
    );
}

#[tokio::test]
async fn a_number_opens_into_the_rows_it_counts() {
    let world = World::new().await.with_a_little().await;
    for (query, rows) in [
        ("", 5),
        ("&outcome=unique", 2),
        ("&outcome=invalid", 2),
        ("&reason=bot", 1),
        ("&country=DE", 1),
        ("&link=(none)", 1),
        ("&program=prg_1&country=-DE", 3),
    ] {
        let page = world.page(&format!("/affiliate/clicks/?{SPAN}{query}"), "en").await.text;
        assert_eq!(page.matches("<tr>").count() - 1, rows, "clicks{query}");
    }
    for (query, rows) in
        [("", 2), ("&status=-invalid", 1), ("&refusal=duplicate_txn", 1), ("&country=DE", 0)]
    {
        let page = world.page(&format!("/affiliate/conversions/?{SPAN}{query}"), "en").await.text;
        assert_eq!(page.matches("<tr>").count().saturating_sub(1), rows, "conversions{query}");
    }
    let life = world.page("/affiliate/conversions/cnv_2/", "fr").await.text;
    assert!(life.contains("Transaction déjà comptée"), "{life}");
    let commissions = world.page(&format!("/affiliate/commissions/?{SPAN}"), "en").await.text;
    assert!(
        commissions.contains("1 commission,") && commissions.contains("€5.00"),
        "{commissions}"
    );
}

#[tokio::test]
async fn the_export_is_the_table() {
    let world = World::new().await.with_a_little().await;
    let query = format!("group_by=country&order=-gross&{SPAN}");
    let sheet = world.page(&format!("/affiliate/stats/export.csv?{query}"), "en").await.text;
    let lines: Vec<&str> = sheet.trim_start_matches('\u{feff}').lines().collect();
    assert_eq!(
        lines[0],
        "Country,Clicks,Unique,Duplicate,Invalid,Conversions,Refused,Conversion rate,Sales EUR,Commission EUR,Per click EUR"
    );
    assert_eq!(lines[1], "France,4,1,1,2,1,1,0.500000,100.00,5.00,2.50");
    assert_eq!(lines[2], "Germany,1,1,0,0,0,0,0.000000,0.00,0.00,0.00");
    let table = world.page(&format!("/affiliate/stats/?{query}"), "en").await.text;
    for text in ["France", "Germany", "50.0%", "€100.00", "€2.50"] {
        assert!(table.contains(text), "{text}");
    }
}

#[tokio::test]
async fn any_id_opens_its_thing() {
    let world = World::new().await.with_a_little().await;
    for (q, place) in [
        ("cnv_1", "/affiliate/conversions/cnv_1/"),
        ("ord-1", "/affiliate/conversions/cnv_1/"),
        ("prg_2", "/affiliate/programs/prg_2/"),
        ("lnk_1", "/affiliate/links/?edit=lnk_1#lnk_1"),
        ("", "/dashboard/"),
    ] {
        let answer = world.page(&format!("/search/?q={q}"), "en").await;
        assert_eq!(answer.headers["location"], place, "{q}");
    }
    let id = world.click_id(crate::world::FRIDAY_MS, 1, 1);
    let answer = world.page(&format!("/search/?q={id}"), "en").await;
    let place = answer.headers["location"].to_str().unwrap().to_owned();
    assert!(world.page(&place, "en").await.text.contains(&id), "{place}");
    let found = world.page("/search/?q=three", "en").await.text;
    assert!(found.contains("link=lnk_3"), "{found}");
    let nothing = world.page("/search/?q=nothing-at-all", "fr").await.text;
    assert!(nothing.contains("Rien ne porte l’identifiant nothing-at-all."));
}
