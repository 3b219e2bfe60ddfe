//! What is written reads back; what is cut or altered is refused whole.

use super::*;

fn keys() -> Keys {
    Keys::parse(&Keys::line(1, &[7; 32])).unwrap()
}

fn picture() -> Links {
    let mut builder = Builder::new(3);
    builder.site(SiteRow {
        id: 1,
        domain: "localhost".into(),
        fallback_url: "https://f.example/{sub1}".into(),
    });
    let program = ProgramRow {
        id: 3,
        site: 1,
        slug: "shop".into(),
        destination: "https://s.example/".into(),
        is_active: true,
        networks: vec!["192.0.2.0/24".into()],
        events: vec!["sale".into()],
        ..ProgramRow::default()
    };
    builder.program(program, &keys());
    builder.inactive(AffiliateId(9));
    for id in 1..200 {
        builder.link(LinkRow {
            id,
            site: 1,
            domain: if id % 3 == 0 { "go.example".into() } else { String::new() },
            code: format!("code-{id}"),
            affiliate: id % 12,
            program: 3,
            destination: if id % 2 == 0 {
                "https://own.example/{click_id}?a=b#c".into()
            } else {
                String::new()
            },
            is_active: id % 5 != 0,
            expires_ms: u64::from(id) << 33,
            version: id.into(),
        });
    }
    builder.finish()
}

fn rows(links: &Links) -> Vec<LinkRow> {
    let mut rows: Vec<LinkRow> = links.link_rows().collect();
    rows.sort_by_key(|row| row.id);
    rows
}

#[test]
fn a_picture_reads_back_as_itself() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("deep/er/links.copy");
    let (links, position) = (picture(), Position { system: 5, xmin: 77 });
    Copy::new(path.clone()).write(&links, position).unwrap();
    // Another seed: what hashes to what is each process's own affair.
    let (again, found) = read(&path, 1234, &keys()).unwrap().unwrap();
    assert_eq!(found, position);
    assert_eq!(rows(&again), rows(&links));
    assert_eq!(again.small_rows(), links.small_rows());
    assert_eq!(again.find(0, "code-1").unwrap().id.get(), 1);
}

#[test]
fn no_file_is_no_copy() {
    let folder = tempfile::tempdir().unwrap();
    assert!(read(&folder.path().join("none"), 1, &keys()).unwrap().is_none());
}

#[test]
fn a_copy_cut_or_altered_anywhere_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("links.copy");
    Copy::new(path.clone()).write(&picture(), Position::default()).unwrap();
    let whole = fs::read(&path).unwrap();
    for at in (0..whole.len()).step_by(97).chain([whole.len() - 1]) {
        fs::write(&path, &whole[..at]).unwrap();
        assert!(read(&path, 1, &keys()).is_err(), "cut at {at}");
        let mut altered = whole.clone();
        altered[at] ^= 0x10;
        fs::write(&path, &altered).unwrap();
        assert!(read(&path, 1, &keys()).is_err(), "altered at {at}");
    }
}

#[test]
fn a_destination_as_long_as_may_be_is_served_after_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("links.copy");
    let mut builder = Builder::new(3);
    for (id, letters) in [(1, 679), (2, 680)] {
        builder.link(LinkRow {
            id,
            site: 1,
            code: format!("code-{id}"),
            destination: format!("https://a.example/{}", "\u{e9}".repeat(letters)),
            is_active: true,
            ..LinkRow::default()
        });
    }
    let before = builder.finish();
    Copy::new(path.clone()).write(&before, Position::default()).unwrap();
    let (after, _) = read(&path, 3, &keys()).unwrap().unwrap();
    let destination = |links: &Links, id| {
        format!("{:?}", links.get(schemas::ids::LinkId(id)).unwrap().destination)
    };
    for id in [1, 2] {
        assert_eq!(destination(&before, id), destination(&after, id));
    }
    assert!(destination(&after, 1).starts_with("Own") && destination(&after, 2) == "Broken");
}
