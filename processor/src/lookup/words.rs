//! Words: texts that stand in many rows, kept once and named by a number.
//!
//! A row then carries four bytes for its country or browser, and a block turns them into its own
//! dictionary without hashing. Visitors choose some of these texts (referrer, language), so the
//! number of words is bounded: `Lookups::begin_batch` starts anew beyond it, under a new generation.

use std::hash::BuildHasher;

use hashbrown::{DefaultHashBuilder, HashTable};

/// A text's number in `Words`; only of meaning in the generation that gave it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Word(pub(crate) u32);

impl Word {
    /// The empty text, in every generation.
    pub const EMPTY: Self = Self(0);

    /// The place in a table by word.
    pub const fn index(self) -> usize {
        self.0 as usize
    }
}

/// All words of a generation.
#[derive(Debug)]
pub struct Words {
    generation: u64,
    hasher: DefaultHashBuilder,
    table: HashTable<u32>,
    texts: Vec<Box<str>>,
}

impl Default for Words {
    fn default() -> Self {
        let mut words = Self {
            generation: 0,
            hasher: DefaultHashBuilder::default(),
            table: HashTable::new(),
            texts: Vec::new(),
        };
        words.restart();
        words
    }
}

impl Words {
    /// The word of a text.
    pub fn intern(&mut self, text: &str) -> Word {
        if text.is_empty() {
            return Word::EMPTY;
        }
        let hash = self.hasher.hash_one(text);
        if let Some(&number) = self.table.find(hash, |&n| &*self.texts[n as usize] == text) {
            return Word(number);
        }
        let number = self.texts.len() as u32;
        self.texts.push(text.into());
        let (texts, hasher) = (&self.texts, &self.hasher);
        self.table.insert_unique(hash, number, |&n| hasher.hash_one(&*texts[n as usize]));
        Word(number)
    }

    /// The text of a word of this generation.
    pub fn text(&self, word: Word) -> &str {
        self.texts.get(word.index()).map_or("", |text| text)
    }

    /// How many there are, the empty one included.
    pub fn count(&self) -> usize {
        self.texts.len()
    }

    /// Changes whenever words get other numbers.
    pub const fn generation(&self) -> u64 {
        self.generation
    }

    /// Forgets all words but the empty one.
    pub fn restart(&mut self) {
        self.generation += 1;
        self.table.clear();
        self.texts.clear();
        self.texts.push("".into());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_keeps_its_number_until_the_next_generation() {
        let mut words = Words::default();
        let first = words.generation();
        let paris = words.intern("Paris");
        assert_eq!(words.intern("Paris"), paris);
        assert_eq!(words.text(paris), "Paris");
        assert_eq!(words.intern(""), Word::EMPTY);
        assert_eq!(words.count(), 2);
        words.restart();
        assert_ne!(words.generation(), first);
        assert_eq!((words.count(), words.text(Word::EMPTY)), (1, ""));
    }
}
