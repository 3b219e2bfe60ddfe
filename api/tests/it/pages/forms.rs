//! From an empty installation to a link that works, by forms; what is wrong stands at its field and
//! every word stays; what can be undone offers it.

use axum::http::{StatusCode, header};

use super::assert_page;
use crate::world::{Answer, World};

fn place(answer: &Answer) -> &str {
    assert_eq!(answer.status, StatusCode::SEE_OTHER, "{}", answer.text);
    answer.headers[header::LOCATION].to_str().unwrap()
}

const PROGRAM: [(&str, &str); 7] = [
    ("name", "Winter Shop"),
    ("destination", "https://shop.example/?c={click_id}"),
    ("currency", "eur"),
    ("window", "30"),
    ("event", "sale"),
    ("kind", "percent"),
    ("figure", "12,5"),
];

fn changed<'a>(name: &str, value: &'a str) -> Vec<(&'a str, &'a str)> {
    let put = |(key, old)| (key, if key == name { value } else { old });
    PROGRAM.into_iter().map(put).collect()
}

#[tokio::test]
async fn an_empty_installation_comes_to_a_link_by_forms() {
    let world = World::new().await;
    let made = world.submit("/affiliate/programs/", &PROGRAM).await;
    assert_eq!(place(&made), "/affiliate/programs/prg_1/?done=program-new");
    let page = world.page(place(&made), "en").await;
    assert_page("program", "en", &page);
    let token = world.app.keys.postback_token(schemas::ids::PLATFORM, "prg_1".parse().unwrap(), 1);
    assert!(
        page.text.contains(&format!("/postback?program=prg_1&#38;token={token}&#38;event=sale"))
    );
    assert!(page.text.contains("12.5% of the amount") && page.text.contains("is there"));

    let affiliate =
        world.submit("/affiliate/affiliates/", &[("name", "Anna"), ("email", "")]).await;
    assert_eq!(place(&affiliate), "/affiliate/affiliates/?done=affiliate-new&of=aff_1");
    let link = [
        ("affiliate", "aff_1"),
        ("program", "prg_1"),
        ("code", "one"),
        ("expires_at", "2027-01-31"),
    ];
    let link = world.submit("/affiliate/links/", &link).await;
    assert_eq!(place(&link), "/affiliate/links/?done=link-new&of=lnk_1");
    let dashboard = world.page("/dashboard/", "en").await;
    assert!(dashboard.text.contains("http://localhost:8081/c/one"));
    let until =
        sqlx::query_scalar::<_, String>("SELECT expires_at::text FROM affiliate_affiliatelink")
            .fetch_one(&world.owner)
            .await
            .unwrap();
    assert!(until.starts_with("2027-02-01 00:00:00"), "the last day is in: {until}");
    let form = world.page("/affiliate/links/?edit=lnk_1", "en").await;
    assert!(form.text.contains("value=\"2027-01-31\""));
}

#[tokio::test]
async fn what_is_wrong_stands_at_its_field_and_every_word_stays() {
    let world = World::new().await.with_links().await;
    for (field, value, says) in [
        ("destination", "javascript:alert(1)", "An address begins with"),
        ("name", "", "Something must stand here."),
        ("figure", "-5", "Digits with a point or comma"),
        ("figure", "150", "This is outside of what is possible."),
        ("currency", "ZZZ", "Three letters of ISO 4217"),
        ("window", "ten", "A whole number of days"),
        ("event", "a b", "Only a-z, 0-9, - and _."),
        ("name", "Shop", "This is taken already."),
    ] {
        let answer = world.submit("/affiliate/programs/", &changed(field, value)).await;
        assert_page(field, "en", &answer);
        assert!(answer.text.contains(says), "{field}={value}: {says}");
        assert!(
            answer.text.contains("value=\"https://shop.example/?c={click_id}\"")
                || field == "destination"
        );
        assert!(answer.text.contains("aria-invalid=\"true\""), "{field}");
    }
    let count = sqlx::query_scalar::<_, i64>("SELECT count(*) FROM affiliate_program")
        .fetch_one(&world.owner)
        .await
        .unwrap();
    assert_eq!(count, 2, "nothing was made");
    let taken = [
        ("affiliate", "aff_1"),
        ("program", "prg_1"),
        ("code", "one"),
        ("destination", "https://kept.example/"),
    ];
    let answer = world.submit("/affiliate/links/", &taken).await;
    assert!(
        answer.text.contains("This is taken already.")
            && answer.text.contains("https://kept.example/")
    );
    let nobody =
        world.submit("/affiliate/links/", &[("affiliate", "aff_99"), ("program", "prg_1")]).await;
    assert!(nobody.text.contains("Choose one of the list."));
}

#[tokio::test]
async fn an_unknown_macro_is_warned_of_in_both_languages() {
    let world = World::new().await.with_links().await;
    let answer = world
        .submit("/affiliate/links/lnk_1/", &[("destination", "https://a.example/{nope}")])
        .await;
    let page = world.page(place(&answer), "en").await;
    assert!(page.text.contains("Unknown macro {nope}: it will be empty."));
    let page = world.page("/affiliate/links/?done=link-saved&of=lnk_1", "fr").await;
    assert!(page.text.contains("Macro inconnue {nope}"));
    let page = world.page("/affiliate/links/?done=link-on&of=lnk_1", "en").await;
    assert!(!page.text.contains("nope}: it will"));
    world
        .submit("/affiliate/programs/prg_1/", &changed("destination", "https://a.example/{x}"))
        .await;
    let page = world.page("/affiliate/programs/prg_1/?done=program-saved", "en").await;
    assert!(page.text.contains("Unknown macro {x}: it will be empty."));
}

#[tokio::test]
async fn switching_off_offers_its_undoing() {
    let world = World::new().await.with_links().await;
    for (path, done) in [
        ("/affiliate/links/lnk_1/", "link"),
        ("/affiliate/affiliates/aff_1/", "affiliate"),
        ("/affiliate/programs/prg_1/", "program"),
    ] {
        let off = world.submit(path, &[("is_active", "false")]).await;
        assert!(place(&off).contains(&format!("done={done}-off")));
        let page = world.page(place(&off), "fr").await;
        assert!(
            page.text.contains("Annuler") && page.text.contains(&format!("action=\"{path}\"")),
            "{path}"
        );
        let on = world.submit(path, &[("is_active", "true")]).await;
        assert!(place(&on).contains(&format!("done={done}-on")));
    }
}

#[tokio::test]
async fn a_token_is_replaced_only_by_who_types_the_programs_name() {
    let world = World::new().await.with_links().await;
    let path = "/affiliate/programs/prg_1/token/";
    let refused = world.submit(path, &[("slug", "news")]).await;
    assert!(refused.text.contains("Type shop to replace the token."), "{}", refused.text);
    let token = |version| {
        world.app.keys.postback_token(schemas::ids::PLATFORM, "prg_1".parse().unwrap(), version)
    };
    assert!(world.page("/affiliate/programs/prg_1/", "en").await.text.contains(&token(1)));
    world.submit(path, &[("slug", "shop")]).await;
    let page = world.page("/affiliate/programs/prg_1/", "en").await.text;
    assert!(page.contains(&token(2)) && !page.contains(&token(1)));
}

#[tokio::test]
async fn another_sites_things_are_not_there() {
    let world = World::new().await.with_links().await;
    world
        .sql(
            "INSERT INTO whitelabel_whitelabelsite (id, domain) VALUES (2, 'other.example');
             INSERT INTO affiliate_program (id, site_id, slug, name, destination) VALUES (90, 2, 'other', 'Other', 'https://o.example/');
             INSERT INTO affiliate_affiliate (id, site_id, name) VALUES (90, 2, 'Other');
             INSERT INTO affiliate_affiliatelink (id, site_id, affiliate_id, program_id, code) VALUES (90, 2, 90, 90, 'other');",
        )
        .await;
    assert_eq!(world.page("/affiliate/programs/prg_90/", "en").await.status, 404);
    for path in
        ["/affiliate/programs/prg_90/", "/affiliate/links/lnk_90/", "/affiliate/affiliates/aff_90/"]
    {
        assert_eq!(world.submit(path, &[("is_active", "false")]).await.status, 404, "{path}");
    }
    for path in ["/affiliate/programs/", "/affiliate/links/", "/affiliate/affiliates/"] {
        assert!(!world.page(path, "en").await.text.contains("Other"), "{path}");
    }
}
