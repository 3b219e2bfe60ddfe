//! Codes of an app (RFC 6238): six figures, thirty seconds, one step of patience; and the codes for the day the app
//! is gone.

use totp_rs::{Builder, Secret, Totp};

use super::secret::{Hash, hash};

/// Bytes of a secret: what RFC 4226 recommends.
const SECRET: usize = 20;
/// Recovery codes made at once.
pub const CODES: usize = 10;
/// Bytes of one: 160 bits, so that its SHA-256 may be kept (ASVS 6.5.2, 11.5.1).
const CODE: usize = 20;

/// A new secret.
///
/// # Errors
/// When the machine has no randomness.
pub fn new_secret() -> Result<Vec<u8>, getrandom::Error> {
    let mut secret = vec![0; SECRET];
    getrandom::fill(&mut secret)?;
    Ok(secret)
}

/// The secret as an app takes it typed, and as a picture says it (`otpauth://…`).
pub fn invitation(secret: &[u8], site: &str, account: &str) -> (String, String) {
    // A colon parts the two in the URL.
    let plain = |text: &str| text.replace(':', " ");
    let totp = totp(secret, &plain(site), &plain(account));
    (Secret::from(secret.to_vec()).to_base32(), totp.to_url().unwrap_or_default())
}

/// The step a code is of, if it is one of now.
pub fn check(secret: &[u8], code: &str, now_s: u64) -> Option<i64> {
    let figures: String = code.chars().filter(|c| !c.is_whitespace()).collect();
    let six = figures.len() == 6 && figures.bytes().all(|b| b.is_ascii_digit());
    let step = six.then(|| totp(secret, "", "x").check(&figures, now_s))??;
    i64::try_from(step).ok()
}

/// The code of a moment, as an app shows it: for tests.
pub fn code_at(secret: &[u8], now_s: u64) -> String {
    totp(secret, "", "x").generate(now_s).to_string()
}

fn totp(secret: &[u8], site: &str, account: &str) -> Totp {
    let issuer = (!site.is_empty()).then_some(site);
    Builder::new()
        .with_secret(secret.to_vec())
        .with_issuer(issuer)
        .with_account_name(account)
        .build_noncompliant()
}

/// New recovery codes, as they are shown: once.
///
/// # Errors
/// When the machine has no randomness.
pub fn new_recovery_codes() -> Result<Vec<String>, getrandom::Error> {
    (0..CODES)
        .map(|_| {
            let mut bytes = [0; CODE];
            getrandom::fill(&mut bytes)?;
            let text = data_encoding::BASE32_NOPAD.encode(&bytes).to_lowercase();
            let groups: Vec<&str> =
                (0..text.len()).step_by(8).map(|at| &text[at..at + 8]).collect();
            Ok(groups.join("-"))
        })
        .collect()
}

/// What is kept of a recovery code, as somebody typed it; `None` for what cannot be one.
pub fn recovery_hash(typed: &str) -> Option<Hash> {
    let plain: String =
        typed.chars().filter(|c| !matches!(c, '-' | ' ')).map(|c| c.to_ascii_uppercase()).collect();
    let bytes = data_encoding::BASE32_NOPAD.decode(plain.as_bytes()).ok()?;
    (bytes.len() == CODE).then(|| hash(&[b"recovery code", &bytes]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_of_rfc_6238_are_known_with_one_step_of_patience() {
        let secret = b"12345678901234567890";
        // Appendix B: at 59 s the eight figures are 94287082.
        assert_eq!(code_at(secret, 59), "287082");
        for (now, step) in [(29, Some(1)), (30, Some(1)), (59, Some(1)), (89, Some(1)), (90, None)]
        {
            assert_eq!(check(secret, "287082", now), step, "{now}");
        }
        assert_eq!(check(secret, " 287 082 ", 59), Some(1));
        for code in ["", "287083", "28708", "2870822", "94287082", "abcdef", "28708２"] {
            assert_eq!(check(secret, code, 59), None, "{code}");
        }
    }

    #[test]
    fn an_app_is_told_who_and_where() {
        let (typed, url) =
            invitation(b"12345678901234567890", "Shop: Partners", "anna@example.org");
        assert_eq!(typed, "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ");
        assert!(
            url.starts_with("otpauth://totp/Shop") && url.contains("anna%40example.org"),
            "{url}"
        );
    }

    #[test]
    fn a_recovery_code_is_read_as_it_is_typed_off() {
        let codes = new_recovery_codes().unwrap();
        assert_eq!(codes.len(), 10);
        let first = recovery_hash(&codes[0]).unwrap();
        assert_eq!(recovery_hash(&codes[0].to_uppercase().replace('-', " ")), Some(first));
        assert_ne!(recovery_hash(&codes[1]), Some(first));
        assert_eq!(codes[0].replace('-', "").len(), 32);
        for typed in ["", "abc", "287082", &codes[0][..34], "0".repeat(32).as_str()] {
            assert_eq!(recovery_hash(typed), None, "{typed}");
        }
    }
}
