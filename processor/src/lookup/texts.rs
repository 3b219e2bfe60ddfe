//! What a visitor's texts shrink to: the referrer to its host, the language to its primary subtag.
//!
//! The host stands alone, in lower case, without `www.`, port, user and path: what groups visits and
//! names nobody. Whole hosts are kept, since what belongs together under a public suffix changes.

use quick_cache::unsync::Cache;

use super::words::{Word, Words};

/// Referrers kept, whole.
const KEPT: usize = 1 << 16;
/// Longer texts are read each time, so that memory has its bound.
const LONGEST: usize = 1 << 10;
/// The longest name of a host.
const LONGEST_HOST: usize = 253;

/// Referrers and languages met before.
pub(crate) struct Texts {
    referrers: Cache<Box<str>, Word>,
    languages: Cache<Box<str>, Word>,
}

impl Texts {
    pub(crate) fn new() -> Self {
        Self { referrers: Cache::new(KEPT), languages: Cache::new(KEPT) }
    }

    /// The host of a referrer.
    pub(crate) fn referrer(&mut self, referrer: &str, words: &mut Words) -> Word {
        of(&mut self.referrers, referrer, words, host)
    }

    /// The primary subtag of the language preferred.
    pub(crate) fn language(&mut self, header: &str, words: &mut Words) -> Word {
        of(&mut self.languages, header, words, primary_subtag)
    }

    /// Forgets all, since words got other numbers.
    pub(crate) fn forget(&mut self) {
        self.referrers.clear();
        self.languages.clear();
    }
}

fn of(
    cache: &mut Cache<Box<str>, Word>,
    text: &str,
    words: &mut Words,
    read: fn(&str) -> Option<String>,
) -> Word {
    if text.is_empty() {
        return Word::EMPTY;
    }
    if let Some(word) = cache.get(text) {
        return *word;
    }
    let word = words.intern(&read(text).unwrap_or_default());
    if text.len() <= LONGEST {
        cache.insert(text.into(), word);
    }
    word
}

/// `https://user@WWW.Example.com:8443/path?query` → `example.com`; `android-app://com.example` →
/// `com.example`; `None` for what is no URL with a host.
fn host(referrer: &str) -> Option<String> {
    let (scheme, rest) = referrer.split_once("://")?;
    let plain = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'-' | b'.');
    if scheme.is_empty() || !scheme.bytes().all(plain) {
        return None;
    }
    let authority = rest.split(['/', '?', '#', '\\']).next()?;
    let authority = authority.rsplit('@').next()?;
    let host = match authority.strip_prefix('[') {
        Some(v6) => v6.split(']').next()?,
        None => authority.split(':').next()?,
    };
    let host = host.trim_end_matches('.').to_lowercase();
    let host = host.strip_prefix("www.").filter(|rest| rest.contains('.')).unwrap_or(&host);
    let clean = |c: char| c.is_alphanumeric() || matches!(c, '-' | '.' | '_' | ':');
    let fits = !host.is_empty() && host.len() <= LONGEST_HOST && host.chars().all(clean);
    fits.then(|| host.to_owned())
}

/// `de-CH,de;q=0.9` → `de`; `None` where the first is no language (`*`, or longer than eight).
fn primary_subtag(header: &str) -> Option<String> {
    let first = header.split([',', ';']).next()?.trim();
    let subtag = first.split(['-', '_']).next()?;
    let fits = (2..=8).contains(&subtag.len()) && subtag.bytes().all(|b| b.is_ascii_alphabetic());
    fits.then(|| subtag.to_ascii_lowercase())
}

#[cfg(test)]
mod tests;
