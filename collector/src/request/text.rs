//! From bytes of a request to text that can be stored: decoded, cut, without control characters.
//!
//! Refuses nothing and never panics: what is no text becomes U+FFFD. Who wants to refuse instead
//! asks `is_text` first.

use std::borrow::Cow;

/// Most bytes kept of a parameter.
pub const PARAMETER_BYTES: usize = 255;
/// Most bytes kept of a user agent.
pub const AGENT_BYTES: usize = 512;
/// Most bytes kept of a referrer.
pub const REFERRER_BYTES: usize = 1024;
/// A secret shorter than this is no secret: taking it out would only spoil what is kept.
pub const SECRET_BYTES: usize = 8;

/// Decodes `%XX` and `+` of a query's or form's key or value. A `%` that begins no code stays as it is.
pub fn decode(text: &str) -> Cow<'_, [u8]> {
    decode_bytes(text, true)
}

/// Decodes `%XX` of a path, where `+` is a plus.
///
/// What is no UTF-8 then becomes U+FFFD.
pub fn decode_path(text: &str) -> Cow<'_, str> {
    match decode_bytes(text, false) {
        Cow::Borrowed(_) => Cow::Borrowed(text),
        Cow::Owned(decoded) => String::from_utf8_lossy(&decoded).into_owned().into(),
    }
}

fn decode_bytes(text: &str, plus_is_space: bool) -> Cow<'_, [u8]> {
    let bytes = text.as_bytes();
    let coded = |byte: &u8| *byte == b'%' || (plus_is_space && *byte == b'+');
    let Some(first) = bytes.iter().position(coded) else {
        return Cow::Borrowed(bytes);
    };
    let mut decoded = Vec::with_capacity(bytes.len());
    decoded.extend_from_slice(&bytes[..first]);
    let mut rest = &bytes[first..];
    while let Some((&byte, after)) = rest.split_first() {
        rest = after;
        match byte {
            b'%' => match hex_pair(after) {
                Some(value) => {
                    decoded.push(value);
                    rest = &after[2..];
                }
                None => decoded.push(b'%'),
            },
            b'+' if plus_is_space => decoded.push(b' '),
            _ => decoded.push(byte),
        }
    }
    Cow::Owned(decoded)
}

/// Whether every `%` of a raw text begins a code.
pub fn is_well_encoded(raw: &str) -> bool {
    let mut parts = raw.as_bytes().split(|byte| *byte == b'%');
    parts.next();
    parts.all(|after| hex_pair(after).is_some())
}

/// Whether decoded bytes can be kept exactly: UTF-8 without control characters, at most `most` bytes.
pub fn is_text(bytes: &[u8], most: usize) -> bool {
    bytes.len() <= most
        && std::str::from_utf8(bytes).is_ok_and(|text| !text.chars().any(char::is_control))
}

/// As text of at most `most` bytes, always UTF-8: what is none and every control character becomes U+FFFD.
pub fn clean(bytes: Cow<'_, [u8]>, most: usize) -> Cow<'_, [u8]> {
    // The usual text is short and printable ASCII: one look and it is passed on.
    if bytes.len() <= most && is_plain(&bytes) {
        return bytes;
    }
    let seen = &bytes[..bytes.len().min(4 * most)];
    let text = String::from_utf8_lossy(seen).replace(char::is_control, "\u{fffd}");
    let end = (0..=most.min(text.len())).rev().find(|&at| text.is_char_boundary(at)).unwrap_or(0);
    let mut kept = text.into_bytes();
    kept.truncate(end);
    Cow::Owned(kept)
}

/// Whether all is printable ASCII. Looks at every byte, so that the compiler looks at many at once.
fn is_plain(bytes: &[u8]) -> bool {
    bytes.iter().fold(true, |plain, byte| plain & (0x20..0x7f).contains(byte))
}

/// `clean` as a string, for those who need one.
pub fn clean_text(bytes: Cow<'_, [u8]>, most: usize) -> String {
    String::from_utf8_lossy(&clean(bytes, most)).into_owned()
}

fn hex_pair(bytes: &[u8]) -> Option<u8> {
    let digit = |byte: &u8| char::from(*byte).to_digit(16);
    let (high, low) = (digit(bytes.first()?)?, digit(bytes.get(1)?)?);
    u8::try_from(high * 16 + low).ok()
}

/// A text without a secret, and without the beginning of one at its end, where it was cut to its longest;
/// `None` where there is nothing to take out.
pub fn without(text: &str, secret: &str) -> Option<String> {
    let begins = |n: &usize| secret.get(..*n).is_some_and(|part| text.ends_with(part));
    let cut = (SECRET_BYTES..secret.len()).rev().find(begins);
    if secret.is_empty() || (cut.is_none() && !text.contains(secret)) {
        return None;
    }
    let mut rest = text.replace(secret, "");
    // What ends like a secret's beginning may have been a part of one taken out.
    if let Some(part) = cut.and_then(|n| secret.get(..n))
        && rest.ends_with(part)
    {
        rest.truncate(rest.len() - part.len());
    }
    Some(rest)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cleaned(raw: &str, most: usize) -> String {
        clean_text(decode(raw), most)
    }

    #[test]
    fn codes_and_plus_are_decoded_and_broken_codes_stay() {
        for (raw, text) in [
            ("plain", "plain"),
            ("a+b%20c", "a b c"),
            ("%41%4a%4A", "AJJ"),
            ("100%", "100%"),
            ("%zz%4", "%zz%4"),
            ("%C3%A9", "é"),
        ] {
            assert_eq!(cleaned(raw, 99), text, "{raw}");
        }
        assert_eq!(decode_path("a+b"), "a+b");
    }

    #[test]
    fn what_is_no_text_becomes_a_replacement() {
        for (raw, text) in [
            ("a%00b", "a\u{fffd}b"),
            ("a%0d%0ab", "a\u{fffd}\u{fffd}b"),
            ("%ff", "\u{fffd}"),
            ("%c2%85", "\u{fffd}"),
            ("a\u{1}", "a\u{fffd}"),
        ] {
            assert_eq!(cleaned(raw, 99), text, "{raw}");
        }
    }

    #[test]
    fn long_text_is_cut_between_characters() {
        assert_eq!(cleaned("abcdef", 3), "abc");
        assert_eq!(cleaned("aéé", 4), "aé");
        assert_eq!(cleaned("%C3%A9%C3%A9", 3), "é");
    }

    #[test]
    fn bad_encoding_can_be_told() {
        assert!(is_well_encoded("a%20b") && is_well_encoded("ab") && is_well_encoded("%41%42"));
        assert!(!is_well_encoded("a%2") && !is_well_encoded("%") && !is_well_encoded("%g0x"));
        assert!(is_text("é".as_bytes(), 2));
        assert!(!is_text("é".as_bytes(), 1) && !is_text(b"\0", 9) && !is_text(b"\xff", 9));
    }

    #[test]
    fn a_secret_is_taken_out_whole_and_where_it_was_cut() {
        let secret = "abcdefghij";
        for (text, rest) in [
            ("xabcdefghijy", Some("xy")),
            ("abcdefghijabcdefghij", Some("")),
            ("xabcdefghi", Some("x")),
            ("xabcdefgh", Some("x")),
            ("xabcdefg", None),
            ("abcdefghijx abcdefghi", Some("x ")),
            ("", None),
            ("\u{e9}", None),
        ] {
            assert_eq!(without(text, secret).as_deref(), rest, "{text}");
        }
        assert_eq!(without("x", ""), None);
    }
}
