//! An import cut short, repeated, or of another file.

use super::*;
use std::{collections::BTreeMap, sync::LazyLock};

use journal::{Body, Position, Reader};
use schemas::event::{Click, Conversion, Flags};

const LOG: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../load-tests/data/access.log.gz");
static KEYS: LazyLock<Keys> = LazyLock::new(|| Keys::parse(&Keys::line(1, &[7; 32])).unwrap());

fn some_places() -> Places {
    let link = |link| Link { link, program: 5, affiliate: 3, version: 1 };
    let links = [("home", 11), ("blog-tags", 12), ("projects-xdotool", 13)];
    Places {
        programs: vec![1, 2, 3, 4, 5],
        links: links.into_iter().map(|(code, id)| (code.to_owned(), link(id))).collect(),
    }
}

fn options(root: &Path) -> Options {
    Options {
        journals: root.to_owned(),
        partitions: 4,
        keys: KEYS.clone(),
        site: SiteId(1),
        now_ms: 1_800_000_000_000,
    }
}

/// The file's first lines.
fn part(of: &Path, lines: usize) -> PathBuf {
    let mut text = String::new();
    io::read_to_string(flate2::bufread::MultiGzDecoder::new(io::BufReader::new(
        File::open(LOG).unwrap(),
    )))
    .unwrap()
    .lines()
    .take(lines)
    .for_each(|line| text.extend([line, "\n"]));
    let path = of.join("part.log");
    std::fs::write(&path, text).unwrap();
    path
}

#[derive(Debug, Default, PartialEq)]
struct Found {
    clicks: BTreeMap<u64, Click>,
    conversions: BTreeMap<u64, Conversion>,
    ended: bool,
}

fn found(root: &Path, journal: JournalId) -> Found {
    let key = KEYS.journal();
    let mut reader = Reader::open(root, SLOT, journal, Position::START, &key).unwrap();
    let mut found = Found::default();
    let mut twice = 0;
    while reader
        .read_batch(1 << 20, |entry| match entry.body {
            Body::Record { topic, seq, payload, .. } if topic.0 == Topic::Clicks.id() => {
                let click = Click::decode(payload).unwrap();
                twice += usize::from(found.clicks.insert(seq, click).is_some());
            }
            Body::Record { seq, payload, .. } => {
                let conversion = Conversion::decode(payload).unwrap();
                twice += usize::from(found.conversions.insert(seq, conversion).is_some());
            }
            Body::End(_) => found.ended = true,
            _ => {}
        })
        .unwrap()
        > 0
    {}
    assert_eq!(twice, 0);
    found
}

#[test]
fn every_event_stands_under_its_line() {
    let root = tempfile::tempdir().unwrap();
    let imported = import(Path::new(LOG), some_places(), options(root.path()), |_| ()).unwrap();
    let counts = imported.counts;
    assert_eq!((counts.lines, counts.of, imported.repeated), (10_000, 10_000, false));
    assert_eq!((counts.clicks, counts.conversions), (4400, 333));
    assert_eq!((counts.skipped, counts.broken), (5266, 1));

    let found = found(root.path(), imported.journal);
    assert_eq!((found.clicks.len(), found.conversions.len(), found.ended), (4400, 333, true));
    assert!(found.clicks.iter().all(|(line, click)| click.sub[9] == line.to_string()));
    let times: Vec<u64> = found.clicks.values().map(|click| click.time_ms).collect();
    assert!(times.is_sorted());
    assert!(times[times.len() - 1] <= 1_800_000_000_000);
    let heads = found.clicks.values().filter(|click| click.has(Flags::Head)).count();
    assert_eq!(heads, 29);
    let orphan = found.clicks.values().find(|click| click.link == 0).unwrap();
    assert!(!orphan.code.is_empty());
}

#[test]
fn a_conversion_names_its_visitors_latest_click_in_its_shard() {
    let root = tempfile::tempdir().unwrap();
    let imported = import(Path::new(LOG), some_places(), options(root.path()), |_| ()).unwrap();
    let found = found(root.path(), imported.journal);
    let mut named = 0;
    for (line, conversion) in &found.conversions {
        let Some(reference) = &conversion.click else { continue };
        named += 1;
        let click = &found.clicks[&reference.seq];
        assert!(reference.seq < *line);
        assert_eq!(
            (reference.time_ms, reference.shard, reference.link, u64::from(reference.journal)),
            (click.time_ms, click.shard, click.link, imported.journal.0 & 0xF_FFFF)
        );
        assert_eq!(conversion.shard, click.shard);
    }
    assert!(named > 100);
}

#[test]
fn an_import_cut_short_goes_on_and_a_repeated_one_changes_nothing() {
    let whole = tempfile::tempdir().unwrap();
    let expected = import(Path::new(LOG), some_places(), options(whole.path()), |_| ()).unwrap();
    let expected = found(whole.path(), expected.journal);

    let root = tempfile::tempdir().unwrap();
    for stop in [2_000, 6_000] {
        // The journal as a kill leaves it: committed up to here, and no END.
        let cut = std::panic::catch_unwind(|| {
            import(Path::new(LOG), some_places(), options(root.path()), |progress| {
                assert!(progress.lines < stop, "killed");
            })
        });
        assert!(cut.is_err());
    }
    // Later, with other links and another clock: what was decided at the beginning holds.
    let later = Options { now_ms: 1_900_000_000_000, partitions: 9, ..options(root.path()) };
    let places = Places { links: BTreeMap::new(), ..some_places() };
    let done = import(Path::new(LOG), places.clone(), later, |_| ()).unwrap();
    assert!(!done.repeated);
    assert!(done.went_on_after.is_some_and(|line| (5_000..=6_000).contains(&line)));
    assert_eq!(found(root.path(), done.journal), expected);

    let again = import(Path::new(LOG), places, options(root.path()), |_| ()).unwrap();
    assert_eq!(again, Imported { repeated: true, went_on_after: None, ..done });
    assert_eq!(found(root.path(), done.journal), expected);
}

#[test]
fn an_import_whose_journal_was_removed_is_still_known() {
    let root = tempfile::tempdir().unwrap();
    let part = part(root.path(), 300);
    let done = import(&part, some_places(), options(root.path()), |_| ()).unwrap();
    let folder = root.path().join(SLOT).join(done.journal.to_string());
    std::fs::remove_dir_all(&folder).unwrap();
    let again = import(&part, some_places(), options(root.path()), |_| ()).unwrap();
    assert_eq!(again, Imported { repeated: true, ..done });
    assert!(!folder.exists());
}

#[test]
fn another_file_is_another_import() {
    let root = tempfile::tempdir().unwrap();
    let all = import(Path::new(LOG), some_places(), options(root.path()), |_| ()).unwrap();
    let part = part(root.path(), 300);
    let some = import(&part, some_places(), options(root.path()), |_| ()).unwrap();
    assert_ne!(some.journal, all.journal);
    assert_eq!((some.counts.lines, some.repeated), (300, false));
}
