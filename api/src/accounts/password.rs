//! What a password may be (ASVS 6.2): its length, that nobody guesses it, and that it stands in no published breach. No
//! rule about its characters.
//!
//! Of the 44,150 breached passwords that are long enough, four bytes of a hash are kept and no password: 44,150 of the
//! 2^32 values are refused, so that one new password in 97,281 is refused by chance. Nobody outside is asked.

use sha2::{Digest, Sha256};
use zxcvbn::zxcvbn;

/// The fewest characters.
pub const LEAST: usize = 12;
/// The most bytes: nobody is made to hash a megabyte.
pub const MOST_BYTES: usize = 1024;
/// What zxcvbn must think of it, of 4: at least 10^8 guesses.
const LEAST_SCORE: u8 = 3;

/// The fewest letters beside such words.
const LEFT: usize = 6;

/// Words that everybody tries here first.
pub const OURS: [&str; 8] = [
    "tributary",
    "affiliate",
    "affiliates",
    "tracking",
    "commission",
    "payout",
    "campaign",
    "partner",
];

/// Of each password of a list of breached ones that is long enough, four bytes of its SHA-256, sorted
/// (`deploy/make-breached.py`).
static BREACHED: &[u8] = include_bytes!("breached.bin");

/// Why a password is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Weak {
    /// Fewer than [`LEAST`] characters.
    Short,
    /// More than [`MOST_BYTES`].
    Long,
    /// With a NUL: what is behind it would not count everywhere.
    Nul,
    /// Easily guessed, or in a published breach.
    Guessable,
}

impl Weak {
    /// The word for it in problems.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Short => "too_short",
            Self::Long => "too_long",
            Self::Nul => "control_character",
            Self::Guessable => "guessable",
        }
    }

    /// A sentence for people.
    pub const fn detail(self) -> &'static str {
        match self {
            Self::Short => "at least 12 characters",
            Self::Long => "at most 1024 bytes",
            Self::Nul => "a NUL cannot be part of it",
            Self::Guessable => "easily guessed: add a few words that do not belong together",
        }
    }
}

/// Judges a new password. `known` is what is known of its owner: name, address, the site's name.
///
/// # Errors
/// The first thing that is wrong with it.
pub fn check(password: &str, known: &[&str]) -> Result<(), Weak> {
    if password.len() > MOST_BYTES {
        return Err(Weak::Long);
    }
    if password.contains('\0') {
        return Err(Weak::Nul);
    }
    if password.chars().count() < LEAST {
        return Err(Weak::Short);
    }
    let parts = known.iter().flat_map(|text| text.split(['@', '.', ' ', '-', '_', '+']));
    let words: Vec<&str> = known
        .iter()
        .copied()
        .chain(parts)
        .chain(OURS)
        .filter(|word| word.chars().count() >= 3)
        .collect();
    let guessable = u8::from(zxcvbn(password, &words).score()) < LEAST_SCORE;
    let guessable = guessable || left_of(password, &words) < LEFT || is_breached(password);
    if guessable { Err(Weak::Guessable) } else { Ok(()) }
}

/// Whether everybody who guesses has it on a list.
fn is_breached(password: &str) -> bool {
    let hash: [u8; 32] = Sha256::digest(password.as_bytes()).into();
    let (all, _) = BREACHED.as_chunks::<4>();
    all.binary_search(&[hash[0], hash[1], hash[2], hash[3]]).is_ok()
}

/// How many letters and figures stand beside the words that are tried first.
fn left_of(password: &str, words: &[&str]) -> usize {
    let mut left = password.to_lowercase();
    for word in words {
        left = left.replace(&word.to_lowercase(), "");
    }
    left.chars().filter(|c| !c.is_whitespace() && !c.is_ascii_punctuation()).count()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_is_long_and_not_guessed() {
        let long = "a long story ".repeat(100);
        let cases = [
            ("1234567", Err(Weak::Short)),
            ("elevenchars", Err(Weak::Short)),
            (long.as_str(), Err(Weak::Long)),
            ("affiliate2026", Err(Weak::Guessable)),
            ("passwordpassword", Err(Weak::Guessable)),
            ("tributary-commission", Err(Weak::Guessable)),
            ("anna.smith@shop.example", Err(Weak::Guessable)),
            ("AnnaSmith1234", Err(Weak::Guessable)),
            ("aaaaaaaaaaaaaaaa", Err(Weak::Guessable)),
            ("correct\0horse battery", Err(Weak::Nul)),
            ("plum kettle orbit seven", Ok(())),
            ("👩‍🚀🛶🌵🦉🪁🧭🎷🪵🐙🧂🪐🥝", Ok(())),
            (" spaces  are kept as they are ", Ok(())),
            ("Grünes Fahrrad am Kanal", Ok(())),
            (
                "seven orbits of a plum kettle, told at length to nobody in particular by the canal",
                Ok(()),
            ),
        ];
        for (password, expected) in cases {
            let known = ["anna.smith@shop.example", "Anna Smith", "Shop"];
            assert_eq!(check(password, &known), expected, "{password}");
        }
    }

    #[test]
    fn a_password_of_a_breach_is_refused_however_strange_it_looks() {
        for password in
            ["badiman28200", "ghjatccbjyfk", "ytpfdbcbvjcnm", "6215mila6215", "q80661658441"]
        {
            assert_eq!(check(password, &[]), Err(Weak::Guessable), "{password}");
        }
        assert_eq!(check("badiman28200 by the canal", &[]), Ok(()));
        let (all, rest) = BREACHED.as_chunks::<4>();
        assert!(all.len() == 44_150 && rest.is_empty() && all.is_sorted());
    }

    #[test]
    fn the_longest_is_judged_quickly_enough_to_be_judged_at_all() {
        assert_eq!(check(&"ab1".repeat(341), &[]), Err(Weak::Guessable));
    }
}
