//! Random secrets that we hand out and only keep the hash of: session ids, links in mails, tokens, codes.
//!
//! 256 bits of randomness need no slow hash: whoever has the database cannot guess them either.

use data_encoding::BASE64URL_NOPAD;
use sha2::{Digest, Sha256};
use std::fmt;

/// A secret of 256 bits as it is handed out. Never printed by `Debug`.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

/// What is kept of one: its SHA-256.
pub type Hash = [u8; 32];

impl Secret {
    /// A new one.
    ///
    /// # Errors
    /// When the machine has no randomness.
    pub fn new() -> Result<Self, getrandom::Error> {
        let mut bytes = [0; 32];
        getrandom::fill(&mut bytes)?;
        Ok(Self(BASE64URL_NOPAD.encode(&bytes)))
    }

    /// As somebody sent it; `None` for what cannot be one, which is not worth a question.
    pub fn read(text: &str) -> Option<Self> {
        let plain = |b: u8| b.is_ascii_alphanumeric() || b == b'-' || b == b'_';
        (text.len() == 43 && text.bytes().all(plain)).then(|| Self(text.to_owned()))
    }

    /// To hand out.
    pub fn text(&self) -> &str {
        &self.0
    }

    /// To keep.
    pub fn hash(&self) -> Hash {
        hash(&[self.0.as_bytes()])
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret")
    }
}

/// The hash of some parts, none of which can be mistaken for another.
pub fn hash(parts: &[&[u8]]) -> Hash {
    let mut digest = Sha256::new();
    for part in parts {
        digest.update((part.len() as u64).to_be_bytes());
        digest.update(part);
    }
    digest.finalize().into()
}

/// What codes are made of: no vowels, nothing that looks like something else (RFC 8628, 6.1).
const LETTERS: &[u8; 20] = b"BCDFGHJKLMNPQRSTVWXZ";
const LENGTH: usize = 8;

/// A code to type off a mail, as `WDJB-MJHT`: 34 bits, for a few tries only.
///
/// # Errors
/// When the machine has no randomness.
pub fn code() -> Result<String, getrandom::Error> {
    let mut code = String::with_capacity(LENGTH + 1);
    while code.len() < LENGTH {
        let mut byte = [0];
        getrandom::fill(&mut byte)?;
        // 240 is the largest multiple of 20 in a byte: every letter is as likely.
        if byte[0] < 240 {
            code.push(LETTERS[usize::from(byte[0] % 20)].into());
        }
    }
    code.insert(LENGTH / 2, '-');
    Ok(code)
}

/// A code as somebody typed it, in the form it was sent; `None` for what cannot be one.
pub fn read_code(typed: &str) -> Option<String> {
    let letters: String =
        typed.chars().filter(|c| !matches!(c, '-' | ' ')).map(|c| c.to_ascii_uppercase()).collect();
    let known = letters.bytes().all(|b| LETTERS.contains(&b));
    (known && letters.len() == LENGTH)
        .then(|| format!("{}-{}", &letters[..LENGTH / 2], &letters[LENGTH / 2..]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_read_as_it_was_handed_out_and_never_shown() {
        let secret = Secret::new().unwrap();
        assert_eq!(Secret::read(secret.text()), Some(secret.clone()));
        assert_ne!(secret, Secret::new().unwrap());
        assert!(!format!("{secret:?}").contains(secret.text()));
        for text in ["", "short", &"a".repeat(44), &"é".repeat(21), &format!("{}=", "a".repeat(42))]
        {
            assert_eq!(Secret::read(text), None, "{text}");
        }
    }

    #[test]
    fn parts_are_told_apart() {
        assert_ne!(hash(&[b"ab", b"c"]), hash(&[b"a", b"bc"]));
        assert_ne!(hash(&[b"a"]), hash(&[b"a", b""]));
    }

    #[test]
    fn a_code_is_read_as_people_type_it() {
        let code = code().unwrap();
        assert_eq!(read_code(&code), Some(code.clone()));
        assert_eq!(read_code(&code.to_lowercase().replace('-', " ")), Some(code.clone()));
        assert_eq!(read_code(" wdjbmjht ").as_deref(), Some("WDJB-MJHT"));
        for typed in ["", "WDJB-MJH", "WDJB-MJHTT", "WDJB-MJHA", "12345678", "ÉÉÉÉÉÉÉÉ"] {
            assert_eq!(read_code(typed), None, "{typed}");
        }
    }
}
