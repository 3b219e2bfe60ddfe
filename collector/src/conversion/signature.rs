//! Signed postbacks: the program's token stays at home, and the call can't be altered on its way.
//!
//! ```text
//! Tributary-Signature: t=SECONDS,v1=HEX
//! HEX = HMAC-SHA256(key: the program's postback token, message: SECONDS "." PATH?QUERY "." BODY)
//! ```
//! Refuses a signature more than five minutes old or ahead.

use data_encoding::HEXLOWER_PERMISSIVE;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

/// How far the caller's clock may be off.
const TOLERANCE_S: u64 = 300;

/// The header's name.
pub const HEADER: &str = "tributary-signature";

/// A signature as sent, and what it must be over.
#[derive(Debug, Clone)]
pub struct Signed<'a> {
    /// Seconds since 1970.
    time_s: &'a str,
    mac: Vec<u8>,
    /// Path and query as sent.
    target: &'a str,
    body: &'a [u8],
}

impl<'a> Signed<'a> {
    /// Reads the header; a header of another form signs nothing and is wrong.
    pub fn read(header: &'a [u8], target: &'a str, body: &'a [u8]) -> Self {
        let text = std::str::from_utf8(header).unwrap_or_default();
        let field = |name: &str| {
            text.split(',').find_map(|part| part.trim().strip_prefix(name)).unwrap_or_default()
        };
        let mac = HEXLOWER_PERMISSIVE.decode(field("v1=").as_bytes()).unwrap_or_default();
        Self { time_s: field("t="), mac, target, body }
    }

    /// Whether the holder of `token` signed this, about now.
    pub fn is_by(&self, token: &str, now_ms: u64) -> bool {
        let fresh = self
            .time_s
            .parse::<u64>()
            .is_ok_and(|time_s| time_s.abs_diff(now_ms / 1000) <= TOLERANCE_S);
        let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(token.as_bytes()) else { return false };
        for part in [self.time_s.as_bytes(), b".", self.target.as_bytes(), b".", self.body] {
            mac.update(part);
        }
        mac.verify_slice(&self.mac).is_ok() && fresh
    }
}

/// The header's value for a call, for callers and tests.
pub fn sign(token: &str, time_s: u64, target: &str, body: &[u8]) -> String {
    let mac = Hmac::<Sha256>::new_from_slice(token.as_bytes()).map(|mut mac| {
        for part in [time_s.to_string().as_bytes(), b".", target.as_bytes(), b".", body] {
            mac.update(part);
        }
        HEXLOWER_PERMISSIVE.encode(&mac.finalize().into_bytes())
    });
    format!("t={time_s},v1={}", mac.unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_signature_is_of_one_token_target_body_and_time() {
        let header = sign("secret", 1000, "/postback?a=b", b"body");
        let is_by = |token: &str, target: &str, body: &[u8], now_s: u64| {
            Signed::read(header.as_bytes(), target, body).is_by(token, now_s * 1000)
        };
        assert!(is_by("secret", "/postback?a=b", b"body", 1000));
        assert!(is_by("secret", "/postback?a=b", b"body", 1300));
        assert!(is_by("secret", "/postback?a=b", b"body", 700));
        assert!(!is_by("secret", "/postback?a=b", b"body", 1301));
        assert!(!is_by("other", "/postback?a=b", b"body", 1000));
        assert!(!is_by("secret", "/postback?a=c", b"body", 1000));
        assert!(!is_by("secret", "/postback?a=b", b"", 1000));
    }

    #[test]
    fn nonsense_is_nobodys() {
        for header in ["", "t=,v1=", "t=1000", "v1=00", "t=x,v1=zz", "\u{0}"] {
            assert!(
                !Signed::read(header.as_bytes(), "/", b"").is_by("secret", 1_000_000),
                "{header}"
            );
        }
    }
}
