//! Encryption at rest: what we must read again (TOTP secrets, payout details, mails on their way) and nobody
//! who has the database may.
//!
//! XChaCha20-Poly1305 under a key of the installation's file of keys, derived for this use alone. The text
//! begins with the version of its key, so that keys can be rotated; what it belongs to (table, column, row) is
//! authenticated with it, so that a sealed value moved elsewhere does not open.

use chacha20poly1305::{
    Key, XChaCha20Poly1305, XNonce,
    aead::{Aead, KeyInit, Payload},
};
use schemas::keys::Keys;
use std::fmt;

const NONCE: usize = 24;

/// The keys. One seals, all open.
#[derive(Clone)]
pub struct Seal {
    ciphers: Vec<(u8, XChaCha20Poly1305)>,
}

impl fmt::Debug for Seal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Seal")
    }
}

/// Why a sealed value does not open.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Broken {
    /// Sealed with a key that the file of keys does not have.
    #[error("sealed with key {0}, which the file of keys does not have")]
    UnknownKey(u8),
    /// Damaged, or it belongs to something else.
    #[error("the sealed value is damaged or belongs elsewhere")]
    Damaged,
}

impl Seal {
    /// With the keys of an installation.
    pub fn new(keys: &Keys) -> Self {
        let ciphers = keys.at_rest().into_iter();
        Self {
            ciphers: ciphers
                .map(|(version, key)| (version, XChaCha20Poly1305::new(&Key::from(key))))
                .collect(),
        }
    }

    /// The version of the key that seals now.
    pub fn version(&self) -> u8 {
        self.ciphers.last().map_or(0, |(version, _)| *version)
    }

    /// Seals a value that belongs to `whose`, as `accounts_totp.secret/12`.
    ///
    /// # Errors
    /// When the machine has no randomness.
    pub fn seal(&self, whose: &str, plain: &[u8]) -> Result<Vec<u8>, getrandom::Error> {
        let mut nonce = [0; NONCE];
        getrandom::fill(&mut nonce)?;
        let Some((version, cipher)) = self.ciphers.last() else { return Ok(Vec::new()) };
        let payload = Payload { msg: plain, aad: whose.as_bytes() };
        // It fails for messages of more than 256 GB alone.
        let sealed = cipher.encrypt(&XNonce::from(nonce), payload).unwrap_or_default();
        Ok([&[*version], &nonce[..], &sealed].concat())
    }

    /// Opens it again.
    ///
    /// # Errors
    /// See [`Broken`].
    pub fn open(&self, whose: &str, sealed: &[u8]) -> Result<Vec<u8>, Broken> {
        let (version, rest) = sealed.split_first().ok_or(Broken::Damaged)?;
        let (nonce, text) = rest.split_first_chunk::<NONCE>().ok_or(Broken::Damaged)?;
        let known = self.ciphers.iter().find(|(known, _)| known == version);
        let (_, cipher) = known.ok_or(Broken::UnknownKey(*version))?;
        let payload = Payload { msg: text, aad: whose.as_bytes() };
        cipher.decrypt(&XNonce::from(*nonce), payload).map_err(|_| Broken::Damaged)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn seal(text: &str) -> Seal {
        Seal::new(&Keys::parse(text).unwrap())
    }

    fn one() -> String {
        format!("1 {}", "11".repeat(32))
    }

    fn two() -> String {
        format!("{}\n2 {}", one(), "22".repeat(32))
    }

    proptest! {
        #[test]
        fn what_was_sealed_opens_where_it_belongs_and_nowhere_else(plain in prop::collection::vec(any::<u8>(), 0..200), at in 0_usize..300) {
            let seal = seal(&one());
            let sealed = seal.seal("t/1", &plain).unwrap();
            prop_assert_eq!(seal.open("t/1", &sealed), Ok(plain.clone()));
            prop_assert_eq!(seal.open("t/2", &sealed), Err(Broken::Damaged));
            let mut other = sealed.clone();
            let at = at % other.len();
            other[at] ^= 1;
            prop_assert!(seal.open("t/1", &other).is_err());
            prop_assert!(seal.open("t/1", &sealed[..at]).is_err());
        }
    }

    #[test]
    fn the_same_value_is_never_sealed_the_same() {
        let seal = seal(&one());
        assert_ne!(seal.seal("t/1", b"x").unwrap(), seal.seal("t/1", b"x").unwrap());
    }

    #[test]
    fn a_new_key_seals_and_the_old_one_still_opens() {
        let (old, new) = (seal(&one()), seal(&two()));
        let before = old.seal("t/1", b"x").unwrap();
        assert_eq!(new.open("t/1", &before), Ok(b"x".to_vec()));
        let after = new.seal("t/1", b"x").unwrap();
        assert_eq!((before[0], after[0], new.version()), (1, 2, 2));
        assert_eq!(old.open("t/1", &after), Err(Broken::UnknownKey(2)));
    }
}
