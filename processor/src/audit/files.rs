//! The journals' side: every record that still lies in a file, before the place up to which it was
//! read, must be in the sets. Announcements too. Reads only.

use journal::{Body, Position, Reader};
use schemas::topic::Topic;
use std::{collections::BTreeMap, path::Path};

use super::{Discrepancy, postgres::Sets, range};
use crate::{
    ranges::Ranges,
    stores::seqs::{Key, Seqs},
};

/// What reading the files showed.
#[derive(Default)]
pub(super) struct Found {
    pub(super) records: u64,
    pub(super) wrong: Vec<Discrepancy>,
}

/// Reads every journal that is known.
pub(super) fn compare(root: &Path, key: &journal::Key, known: &Sets) -> Found {
    let mut found = Found::default();
    let sets: BTreeMap<Key, &Seqs> = known.seqs.iter().map(|(key, seqs)| (*key, seqs)).collect();
    let places = match journal::journals(root) {
        Ok(places) => places,
        Err(error) => {
            found.wrong.push(Discrepancy { what: "journal", range: error.to_string() });
            return found;
        }
    };
    for place in places {
        // One not taken in yet has nothing to compare.
        let Some(end) = known.positions.get(&place.journal.0) else { continue };
        let reader =
            Reader::open_any(&place.root, &place.slot, place.journal, Position::START, key);
        let read = reader.and_then(|reader| one(reader, *end, &sets, &mut found));
        // Read long ago, and removed since it was listed.
        if matches!(read, Err(journal::Error::NotFound(_))) {
            continue;
        }
        if let Err(error) = read {
            let range = format!("journal {}: {error}", place.journal);
            found.wrong.push(Discrepancy { what: "journal", range });
        }
    }
    found
}

fn one(
    mut reader: Reader,
    end: Position,
    sets: &BTreeMap<Key, &Seqs>,
    found: &mut Found,
) -> journal::Result<()> {
    let journal = reader.header().journal.0;
    let mut missing: BTreeMap<Key, Ranges> = BTreeMap::new();
    while let Some(entry) = reader.next()? {
        if entry.at >= end {
            break;
        }
        match entry.body {
            Body::Record { topic, partition, seq, .. } => {
                found.records += 1;
                let Some(topic) = Topic::from_id(topic.0) else { continue };
                let key = Key { journal, topic, partition: partition.0 };
                if !sets.get(&key).is_some_and(|set| set.covered.contains(seq)) {
                    missing.entry(key).or_default().insert(seq);
                }
            }
            Body::Heartbeat { last, .. } => {
                for (topic, partition, seq) in last.iter() {
                    let Some(topic) = Topic::from_id(topic.0) else { continue };
                    let key = Key { journal, topic, partition: partition.0 };
                    if sets.get(&key).is_none_or(|set| set.announced < seq) {
                        let range = format!("{}, announced {seq}", super::name(key));
                        found.wrong.push(Discrepancy { what: "announcement not taken in", range });
                    }
                }
            }
            Body::Skip { .. } | Body::End(_) | Body::Corrupt(_) => {}
        }
    }
    for (key, seqs) in missing {
        for (first, last) in seqs.spans() {
            let range = range(key, *first, *last);
            found.wrong.push(Discrepancy { what: "in the journal and not received", range });
        }
    }
    Ok(())
}
