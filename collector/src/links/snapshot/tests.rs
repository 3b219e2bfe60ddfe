//! The picture against a plain map, whatever is changed in whatever order.

use proptest::prelude::*;
use std::collections::BTreeMap;

use super::*;

fn keys() -> Keys {
    Keys::parse(&Keys::line(1, &[7; 32])).unwrap()
}

fn row(id: u32, code: &str) -> LinkRow {
    LinkRow {
        id,
        site: 1,
        code: code.to_owned(),
        affiliate: 7,
        program: 3,
        is_active: true,
        version: 1,
        ..LinkRow::default()
    }
}

fn with(rows: Vec<LinkRow>) -> Links {
    let mut builder = Builder::new(9);
    rows.into_iter().for_each(|row| builder.link(row));
    builder.finish()
}

fn apply(links: &mut Links, rows: Vec<LinkRow>) -> bool {
    links.apply(Changes { links: rows, ..Changes::default() }, &keys())
}

#[test]
fn a_code_belongs_to_its_domain() {
    let tracking = LinkRow { domain: "go.example".into(), ..row(2, "a") };
    let links = with(vec![row(1, "a"), tracking]);
    let (own, other) = (links.host("anything"), links.host("go.example"));
    assert!(other.is_tracking && !own.is_tracking);
    assert_eq!(links.find(own.scope, "a").unwrap().id, LinkId(1));
    assert_eq!(links.find(other.scope, "a").unwrap().id, LinkId(2));
    assert_eq!(links.find(own.scope, "A"), None);
    assert_eq!(links.find(own.scope, ""), None);
}

#[test]
fn a_domain_stays_with_the_site_that_had_it_first() {
    let claim = |id, site| LinkRow { id, site, domain: "go.example".into(), ..row(id, "x") };
    let links = with(vec![claim(1, 1), claim(2, 2)]);
    assert_eq!(links.host("go.example").site, SiteId(1));
    assert_eq!(links.find(links.host("go.example").scope, "x").unwrap().id, LinkId(1));
}

#[test]
fn a_reader_of_the_picture_before_sees_nothing_of_a_change() {
    let mut links = with(vec![row(1, "a")]);
    let before = links.clone();
    assert!(apply(&mut links, vec![row(2, "b"), LinkRow { is_active: false, ..row(1, "a") }]));
    assert!(before.find(0, "a").unwrap().is_active && before.find(0, "b").is_none());
    assert!(!links.find(0, "a").unwrap().is_active && links.find(0, "b").is_some());
    assert!(!apply(&mut links, vec![row(2, "b")]), "the same again is no change");
}

#[test]
fn many_changes_are_put_side_by_side_again() {
    let mut links = with(vec![row(1, "a")]);
    let (before, code) = (links.clone(), |id: u32| format!("c{id}"));
    assert!(apply(&mut links, (1..9000).map(|id| row(id, &code(id))).collect()));
    assert_eq!(links.changed.iter().flatten().count(), 0);
    assert!(apply(&mut links, vec![row(7, "seven")]));
    assert_ne!(links.changed.iter().flatten().count(), 0);
    for id in (1..9000).filter(|id| *id != 7) {
        assert_eq!(links.find(0, &code(id)).unwrap().id, LinkId(id));
        assert_eq!(links.get(LinkId(id)).unwrap().code, code(id));
    }
    assert_eq!(links.find(0, "seven").unwrap().id, LinkId(7));
    assert!(links.find(0, "a").is_none() && links.find(0, "c7").is_none());
    assert_eq!(before.find(0, "a").unwrap().id, LinkId(1));
}

#[test]
fn a_destination_that_is_none_is_broken_and_not_the_programs() {
    let of = |destination: &str| LinkRow { destination: destination.into(), ..row(1, "a") };
    let found = |destination: &str| {
        with(vec![of(destination)]).find(0, "a").map(|link| match link.destination {
            Destination::Programs => "programs".to_owned(),
            Destination::Own(template) => target::Template::source(template),
            Destination::Broken => "broken".to_owned(),
        })
    };
    assert_eq!(found("").unwrap(), "programs");
    assert_eq!(
        found("https://s.example/{sub1:hash}?a#b").unwrap(),
        "https://s.example/{sub1:hash}?a#b"
    );
    assert_eq!(found("https://{sub1}.example/").unwrap(), "broken");
}

#[test]
fn small_tables_change_by_what_is_new_only() {
    let mut links = Links::empty(1);
    let site = |fallback: &str| SiteRow {
        id: 1,
        domain: "localhost".into(),
        fallback_url: fallback.into(),
    };
    let changes = |site, program| Changes {
        sites: vec![site],
        programs: vec![program],
        ..Changes::default()
    };
    let program = |slug: &str| ProgramRow {
        id: 3,
        site: 1,
        slug: slug.into(),
        is_active: true,
        ..ProgramRow::default()
    };
    assert!(links.apply(changes(site(""), program("one")), &keys()));
    assert!(!links.apply(changes(site(""), program("one")), &keys()));
    assert!(links.apply(changes(site("https://f.example/"), program("two")), &keys()));
    assert!(links.site(PLATFORM).unwrap().fallback.is_some());
    assert!(links.program_by_slug(PLATFORM, "one").is_none());
    assert_eq!(links.program_by_slug(PLATFORM, "two").unwrap().id, ProgramId(3));
    let off = Changes {
        affiliates: vec![(AffiliateId(7), false), (AffiliateId(8), true)],
        ..Changes::default()
    };
    assert!(links.apply(off, &keys()));
    assert!(links.is_inactive(AffiliateId(7)) && !links.is_inactive(AffiliateId(8)));
}

#[test]
fn a_list_of_addresses_without_a_readable_line_lets_nobody_in() {
    let mut links = Links::empty(1);
    let program = ProgramRow {
        id: 3,
        site: 1,
        slug: "p".into(),
        networks: vec!["nonsense".into()],
        ..ProgramRow::default()
    };
    links.apply(Changes { programs: vec![program], ..Changes::default() }, &keys());
    assert!(!links.program(ProgramId(3)).unwrap().admits("192.0.2.1".parse().unwrap()));
}

proptest! {
    #[test]
    fn the_picture_is_a_map(
        batches in proptest::collection::vec(
            proptest::collection::vec((1u32..40, "[a-d]{1,2}", 0u32..3, any::<bool>()), 0..12),
            1..8,
        ),
    ) {
        let mut links = Links::empty(5);
        let mut model: BTreeMap<u32, LinkRow> = BTreeMap::new();
        for batch in batches {
            let mut rows: BTreeMap<u32, LinkRow> = BTreeMap::new();
            for (id, code, domain, is_active) in batch {
                let domain = ["", "x.example", "y.example"][domain as usize].to_owned();
                let taken = |other: &LinkRow| other.id != id && other.code == code && other.domain == domain;
                // PostgreSQL keeps (site, domain, code) unique.
                if !model.values().any(taken) && !rows.values().any(taken) {
                    rows.insert(id, LinkRow { domain, is_active, ..row(id, &code) });
                }
            }
            model.extend(rows.clone());
            apply(&mut links, rows.into_values().collect());
            let mut found: Vec<LinkRow> = links.link_rows().collect();
            found.sort_by_key(|row| row.id);
            prop_assert_eq!(found, model.values().cloned().collect::<Vec<_>>());
            prop_assert_eq!(links.len(), model.len());
            for row in model.values() {
                let scope = if row.domain.is_empty() { 0 } else { links.host(&row.domain).scope };
                prop_assert_eq!(links.find(scope, &row.code).unwrap().id, LinkId(row.id));
                prop_assert_eq!(links.get(LinkId(row.id)).unwrap().code, row.code.as_str());
            }
        }
    }
}
