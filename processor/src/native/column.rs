//! Columns of a block in ClickHouse's Native format, gathered row by row.
//!
//! `Fixed` holds numbers, `Texts` plain strings, `Dictionary` `LowCardinality(String)`: the distinct
//! texts of the block and an index for each row. Number 0 of a dictionary is the empty text, and rows
//! are only written down from the first one that is not empty on: an unused column costs nothing.

use std::hash::BuildHasher;

use hashbrown::{DefaultHashBuilder, HashTable};

use super::frames::Frames;
use crate::lookup::words::{Word, Words};

/// Numbers of one width, little endian.
#[derive(Debug, Default)]
pub(crate) struct Fixed(Vec<u8>);

impl Fixed {
    pub(crate) fn put<const N: usize>(&mut self, bytes: [u8; N]) {
        self.0.extend_from_slice(&bytes);
    }

    pub(crate) fn write(&mut self, out: &mut Frames) {
        out.put(&self.0);
        self.0.clear();
    }
}

/// Plain strings.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Texts(Vec<u8>);

impl Texts {
    pub(crate) fn put(&mut self, text: &[u8]) {
        put_text(&mut self.0, text);
    }

    pub(crate) fn write(&mut self, out: &mut Frames) {
        out.put(&self.0);
        self.0.clear();
    }
}

/// Texts that repeat.
#[derive(Debug)]
pub(crate) struct Dictionary {
    /// Each behind its length; the first is empty.
    keys: Vec<u8>,
    /// Where each begins in `keys`, behind its length, and its length.
    places: Vec<(u32, u32)>,
    /// An index for each row so far; rows missing at the end are empty.
    rows: Vec<u32>,
    /// Keys by their text, for texts that are no words.
    by_text: HashTable<u32>,
    hasher: DefaultHashBuilder,
    /// Keys by word, 0 where the word has none yet.
    by_word: Vec<u32>,
    words_used: Vec<Word>,
}

/// Version of the serialization: shared dictionaries with additional keys.
const KEYS_VERSION: u64 = 1;
/// The block brings its own keys, and replaces those of a block before.
const OWN_KEYS: u64 = 0x200 | 0x400;

impl Default for Dictionary {
    fn default() -> Self {
        let mut dictionary = Self {
            keys: Vec::new(),
            places: Vec::new(),
            rows: Vec::new(),
            by_text: HashTable::new(),
            hasher: DefaultHashBuilder::default(),
            by_word: Vec::new(),
            words_used: Vec::new(),
        };
        dictionary.restart();
        dictionary
    }
}

impl Dictionary {
    /// Row `row` has this text; rows passed over are empty.
    pub(crate) fn put(&mut self, row: usize, text: &str) {
        if text.is_empty() {
            return;
        }
        let hash = self.hasher.hash_one(text.as_bytes());
        let found = self.by_text.find(hash, |&key| self.key(key) == text.as_bytes()).copied();
        let key = found.unwrap_or_else(|| {
            let key = self.add(text);
            let (keys, places, hasher) = (&self.keys, &self.places, &self.hasher);
            self.by_text.insert_unique(hash, key, |&key| {
                let (start, size) = places[key as usize];
                hasher.hash_one(&keys[start as usize..(start + size) as usize])
            });
            key
        });
        self.put_key(row, key);
    }

    /// Row `row` has this word.
    pub(crate) fn put_word(&mut self, row: usize, word: Word, words: &Words) {
        if word == Word::EMPTY {
            return;
        }
        let key = match self.by_word.get(word.index()) {
            Some(&key) if key != 0 => key,
            _ => self.add_word(word, words),
        };
        self.put_key(row, key);
    }

    /// Row `row` has the key of this number, of a closed list given to `add` in order.
    pub(crate) fn put_key(&mut self, row: usize, key: u32) {
        if self.rows.len() < row {
            self.rows.resize(row, 0);
        }
        self.rows.push(key);
    }

    /// A further key; its number.
    pub(crate) fn add(&mut self, text: &str) -> u32 {
        let key = self.places.len() as u32;
        put_text(&mut self.keys, text.as_bytes());
        self.places.push(((self.keys.len() - text.len()) as u32, text.len() as u32));
        key
    }

    /// Words are numbered anew: what was known of them is void, the keys stay.
    pub(crate) fn forget_words(&mut self) {
        for word in self.words_used.drain(..) {
            self.by_word[word.index()] = 0;
        }
    }

    /// Writes prefix, keys and indices of `rows` rows, and begins anew.
    pub(crate) fn write(&mut self, rows: usize, out: &mut Frames) {
        out.put(&KEYS_VERSION.to_le_bytes());
        if rows > 0 {
            self.rows.resize(rows, 0);
            let width = match self.places.len() {
                0..=0x100 => 0,
                0x101..=0x1_0000 => 1,
                _ => 2,
            };
            out.put(&(OWN_KEYS | width).to_le_bytes());
            out.put(&(self.places.len() as u64).to_le_bytes());
            out.put(&self.keys);
            out.put(&(rows as u64).to_le_bytes());
            self.write_rows(width, out);
        }
        self.restart();
    }

    fn write_rows(&self, width: u64, out: &mut Frames) {
        const CHUNK: usize = 1024;
        let mut bytes = [0; 4 * CHUNK];
        for rows in self.rows.chunks(CHUNK) {
            let size = match width {
                0 => narrow(rows, &mut bytes, |row| [row as u8]),
                1 => narrow(rows, &mut bytes, |row| (row as u16).to_le_bytes()),
                _ => narrow(rows, &mut bytes, u32::to_le_bytes),
            };
            out.put(&bytes[..size]);
        }
    }

    fn add_word(&mut self, word: Word, words: &Words) -> u32 {
        let key = self.add(words.text(word));
        if self.by_word.len() <= word.index() {
            self.by_word.resize(words.count().max(word.index() + 1), 0);
        }
        self.by_word[word.index()] = key;
        self.words_used.push(word);
        key
    }

    fn key(&self, key: u32) -> &[u8] {
        let (start, size) = self.places[key as usize];
        &self.keys[start as usize..(start + size) as usize]
    }

    fn restart(&mut self) {
        self.forget_words();
        self.by_text.clear();
        self.keys.clear();
        self.places.clear();
        self.rows.clear();
        self.add("");
    }
}

fn narrow<const N: usize>(rows: &[u32], bytes: &mut [u8], cut: fn(u32) -> [u8; N]) -> usize {
    for (place, &row) in bytes.chunks_exact_mut(N).zip(rows) {
        place.copy_from_slice(&cut(row));
    }
    N * rows.len()
}

fn put_text(out: &mut Vec<u8>, text: &[u8]) {
    let mut size = text.len();
    while size >= 0x80 {
        out.push(size as u8 | 0x80);
        size >>= 7;
    }
    out.push(size as u8);
    out.extend_from_slice(text);
}
