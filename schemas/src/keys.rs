//! Key material: one secret per version, everything else derived from it (HKDF-SHA256, RFC 5869).
//!
//! Refuses to read files or to make random numbers: the text comes in as an argument. The text is
//! one line per version, `VERSION HEX64`; the highest version signs, all verify. `Debug` never shows
//! a secret.

use data_encoding::{BASE64URL_NOPAD, HEXLOWER_PERMISSIVE};
use hkdf::Hkdf;
use sha2::Sha256;
use std::fmt;
use subtle::ConstantTimeEq;

use crate::{
    click_id::{ClickKey, ClickKeys},
    ids::{ProgramId, SiteId},
    visitor::VisitorKey,
};

/// The highest key version a click id can carry.
pub const MAX_VERSION: u8 = 63;

/// Why a text holds no keys.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidKeys {
    /// A line that is not `VERSION HEX64`; lines count from 1.
    #[error("line {0} of the keys is not `VERSION HEX64` with a version of 1 to 63")]
    Line(usize),
    /// The same version twice.
    #[error("version {0} stands twice in the keys")]
    Twice(u8),
    /// No line at all.
    #[error("there is no key")]
    Empty,
}

/// The installation's secrets.
#[derive(Clone)]
pub struct Keys {
    /// (version, secret), sorted, at least one.
    secrets: Vec<(u8, [u8; 32])>,
    click_ids: ClickKeys,
}

impl fmt::Debug for Keys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let versions: Vec<u8> = self.secrets.iter().map(|(version, _)| *version).collect();
        f.debug_struct("Keys").field("versions", &versions).finish_non_exhaustive()
    }
}

impl Keys {
    /// Reads `VERSION HEX64` lines; empty lines and lines beginning with `#` are passed over.
    ///
    /// # Errors
    /// `InvalidKeys` names the line; the secret itself is never shown.
    pub fn parse(text: &str) -> Result<Self, InvalidKeys> {
        let mut secrets = Vec::new();
        for (n, line) in text.lines().enumerate() {
            let line = line.trim();
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            let (version, secret) = parse_line(line).ok_or(InvalidKeys::Line(n + 1))?;
            if secrets.iter().any(|(other, _)| *other == version) {
                return Err(InvalidKeys::Twice(version));
            }
            secrets.push((version, secret));
        }
        secrets.sort_by_key(|(version, _)| *version);
        let click_ids =
            secrets.iter().map(|(version, secret)| click_key(*version, secret)).collect();
        let click_ids = ClickKeys::new(click_ids).ok_or(InvalidKeys::Empty)?;
        Ok(Self { secrets, click_ids })
    }

    /// A line of the keys file for a fresh secret.
    pub fn line(version: u8, secret: &[u8; 32]) -> String {
        format!("{version} {}\n", HEXLOWER_PERMISSIVE.encode(secret))
    }

    /// The keys of click ids.
    pub const fn click_ids(&self) -> &ClickKeys {
        &self.click_ids
    }

    /// The key of journal headers' MACs. Of the first version for ever: an old journal must verify.
    pub fn journal(&self) -> [u8; 32] {
        derive(self.first(), &[b"journal header"])
    }

    /// The key of shards. Never rotates, or a visitor's clicks would part.
    pub fn shards(&self) -> VisitorKey {
        VisitorKey::new(derive(self.first(), &[b"shard"]))
    }

    /// The salt of visitor keys in a period (`visitor::period`).
    pub fn visitors(&self, period: u64) -> VisitorKey {
        VisitorKey::new(derive(self.first(), &[b"visitor", &period.to_be_bytes()]))
    }

    /// The token a program's server sends with its postbacks: derived, so that no database holds it.
    /// Raising `version` (the program's `token_version`) makes the earlier one worthless.
    pub fn postback_token(&self, site: SiteId, program: ProgramId, version: u32) -> String {
        let scope = [site.get().to_be_bytes(), program.get().to_be_bytes(), version.to_be_bytes()];
        let secret = derive::<16>(self.first(), &[b"postback token", scope.as_flattened()]);
        BASE64URL_NOPAD.encode(&secret)
    }

    /// The keys of what is sealed at rest, by their version; the last one seals, the others still open.
    pub fn at_rest(&self) -> Vec<(u8, [u8; 32])> {
        let derived =
            |(version, secret): &(u8, [u8; 32])| (*version, derive(secret, &[b"at rest"]));
        self.secrets.iter().map(derived).collect()
    }

    /// The seeds of what signs access tokens (Ed25519), by their version; the last one signs.
    pub fn signing(&self) -> Vec<(u8, [u8; 32])> {
        let derived =
            |(version, secret): &(u8, [u8; 32])| (*version, derive(secret, &[b"signing"]));
        self.secrets.iter().map(derived).collect()
    }

    fn first(&self) -> &[u8; 32] {
        &self.secrets[0].1
    }
}

/// Whether two secrets are equal, in a time that does not tell where they part.
pub fn same_secret(one: &str, other: &str) -> bool {
    one.as_bytes().ct_eq(other.as_bytes()).into()
}

fn parse_line(line: &str) -> Option<(u8, [u8; 32])> {
    let (version, hex) = line.split_once(' ')?;
    let version = version.parse().ok().filter(|version| (1..=MAX_VERSION).contains(version))?;
    let secret = HEXLOWER_PERMISSIVE.decode(hex.trim().as_bytes()).ok()?;
    Some((version, secret.try_into().ok()?))
}

fn click_key(version: u8, secret: &[u8; 32]) -> ClickKey {
    ClickKey::new(
        version,
        derive(secret, &[b"click id mac"]),
        derive(secret, &[b"click id whitening"]),
    )
}

fn derive<const N: usize>(secret: &[u8; 32], purpose: &[&[u8]]) -> [u8; N] {
    let mut key = [0; N];
    let expanded =
        Hkdf::<Sha256>::new(Some(b"tributary v1"), secret).expand_multi_info(purpose, &mut key);
    debug_assert!(expanded.is_ok(), "HKDF-SHA256 gives up to 8160 bytes");
    key
}

#[cfg(test)]
mod tests {
    use super::*;

    const ONE: &str = "1 000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f";

    #[test]
    fn keys_read_from_their_own_lines() {
        let text = format!("# keys\n\n{}{}", Keys::line(2, &[7; 32]), ONE);
        let keys = Keys::parse(&text).unwrap();
        assert_eq!(keys.click_ids().signer().version(), 2);
        assert_eq!(format!("{keys:?}"), "Keys { versions: [1, 2], .. }");
    }

    #[test]
    fn a_bad_line_is_named_and_not_shown() {
        let cases = [
            ("", InvalidKeys::Empty),
            ("1 00ff", InvalidKeys::Line(1)),
            (
                "0 000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f",
                InvalidKeys::Line(1),
            ),
            (
                "64 000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f",
                InvalidKeys::Line(1),
            ),
            ("secret", InvalidKeys::Line(1)),
        ];
        for (text, error) in cases {
            assert_eq!(Keys::parse(text).err(), Some(error), "{text}");
        }
        assert_eq!(Keys::parse(&format!("{ONE}\n{ONE}")).err(), Some(InvalidKeys::Twice(1)));
    }

    #[test]
    fn a_new_key_version_changes_no_token_shard_or_journal_key() {
        let one = Keys::parse(ONE).unwrap();
        let two = Keys::parse(&format!("{ONE}\n{}", Keys::line(2, &[7; 32]))).unwrap();
        assert_eq!(one.journal(), two.journal());
        let token = |keys: &Keys| keys.postback_token(SiteId(1), ProgramId(2), 1);
        assert_eq!(token(&one), token(&two));
    }

    #[test]
    fn a_postback_token_is_of_one_site_program_and_version() {
        let keys = Keys::parse(ONE).unwrap();
        let tokens =
            [(1, 2, 1), (2, 2, 1), (1, 3, 1), (1, 2, 2)].map(|(site, program, version)| {
                keys.postback_token(SiteId(site), ProgramId(program), version)
            });
        for (n, token) in tokens.iter().enumerate() {
            assert_eq!(token.len(), 22);
            assert!(!tokens[..n].contains(token));
        }
    }
}
