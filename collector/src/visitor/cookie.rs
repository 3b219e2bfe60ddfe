//! The visitor's first-party cookie: a version, the shard of the first click, 16 random bytes.
//!
//! Over TLS its name begins with `__Host-`: a browser takes such a cookie of its own host and over TLS only, so that
//! no neighbour under the same domain and nobody on the way plants one. Both names are read, that one first.
//!
//! Refuses to read any cookie but its own, and to believe a value that is not of its form. It says
//! "the same browser", never who; its random part is hashed before it is kept.

use data_encoding::BASE64URL_NOPAD;
use schemas::topic::Shard;

/// The cookie's name.
pub const NAME: &str = "tributary_visitor";
/// Before the name, where the cookie is bound to its host.
const BOUND: &str = "__Host-";
/// `1`, three hexadecimal digits of the shard, 22 characters of randomness.
pub const CHARS: usize = 1 + 3 + 22;
/// For a year, first party, out of scripts' reach.
const ATTRIBUTES: &[u8] = b"; Path=/; Max-Age=31536000; HttpOnly; SameSite=Lax";

/// A cookie a visitor brought.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cookie<'a> {
    /// Of the first click.
    pub shard: Shard,
    /// What tells browsers apart.
    pub random: &'a str,
}

impl<'a> Cookie<'a> {
    /// Finds ours in the value of a `Cookie` header; the one that is bound to its host, where both are there.
    pub fn find(header: &'a [u8]) -> Option<Self> {
        let mut unbound = None;
        for pair in header.split(|byte| *byte == b';').map(<[u8]>::trim_ascii) {
            match pair.strip_prefix(BOUND.as_bytes()).map(Self::of_pair) {
                Some(Some(bound)) => return Some(bound),
                Some(None) => {}
                None => unbound = unbound.or_else(|| Self::of_pair(pair)),
            }
        }
        unbound
    }

    fn of_pair(pair: &'a [u8]) -> Option<Self> {
        let value = pair.strip_prefix(NAME.as_bytes())?.strip_prefix(b"=")?;
        Self::parse(std::str::from_utf8(value).ok()?)
    }

    /// Reads a value of our form.
    pub fn parse(value: &'a str) -> Option<Self> {
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
        if value.len() != CHARS || !value.bytes().all(plain) {
            return None;
        }
        let (shard, random) = value.strip_prefix('1')?.split_at(3);
        let shard = Shard::new(u16::from_str_radix(shard, 16).ok()?)?;
        Some(Self { shard, random })
    }
}

/// A value for a browser that brought none.
pub fn mint(shard: Shard, random: [u8; 16]) -> [u8; CHARS] {
    const HEX: &[u8; 16] = b"0123456789abcdef";
    let mut value = [b'1'; CHARS];
    for (n, digit) in value[1..4].iter_mut().enumerate() {
        *digit = HEX[usize::from(shard.get() >> (8 - 4 * n) & 15)];
    }
    BASE64URL_NOPAD.encode_mut(&random, &mut value[4..]);
    value
}

const SECURE: &[u8] = b"; Secure";

/// A cookie for a browser that brought none: small, since it waits with its click for the record.
#[derive(Debug, Clone, Copy)]
pub struct Minted {
    /// Its value.
    pub value: [u8; CHARS],
    /// Where the visitor came by https: a browser drops a secure cookie that comes by plain http, except from
    /// localhost. Such a one is bound to its host.
    pub secure: bool,
}

impl Minted {
    /// Appends the value of the `Set-Cookie` header.
    pub fn put(&self, out: &mut Vec<u8>) {
        if self.secure {
            out.extend_from_slice(BOUND.as_bytes());
        }
        out.extend_from_slice(NAME.as_bytes());
        out.push(b'=');
        out.extend_from_slice(&self.value);
        out.extend_from_slice(ATTRIBUTES);
        if self.secure {
            out.extend_from_slice(SECURE);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(header: &str) -> Option<u16> {
        Cookie::find(header.as_bytes()).map(|cookie| cookie.shard.get())
    }

    fn minted(shard: u16) -> String {
        String::from_utf8(mint(Shard::new(shard).unwrap(), [9; 16]).to_vec()).unwrap()
    }

    #[test]
    fn a_minted_cookie_is_found_again_among_others() {
        let value = minted(0xabc);
        assert_eq!(found(&format!("a=b; {NAME}={value};c=d")), Some(0xabc));
        assert_eq!(found(&format!("{NAME}={value}")), Some(0xabc));
        assert_eq!(Cookie::parse(&value).unwrap().random.len(), 22);
    }

    #[test]
    fn what_is_bound_to_its_host_is_read_before_what_is_not() {
        let (bound, unbound) = (format!("{BOUND}{NAME}"), NAME);
        let (one, other) = (minted(1), minted(2));
        for (header, shard) in [
            (format!("{bound}={one}"), 1),
            (format!("{unbound}={other}; a=b; {bound}={one}"), 1),
            (format!("{bound}={one};{unbound}={other}"), 1),
            (format!("{bound}=nonsense; {unbound}={other}"), 2),
            (format!("{unbound}={other}; {unbound}={one}"), 2),
        ] {
            assert_eq!(found(&header), Some(shard), "{header}");
        }
    }

    #[test]
    fn only_our_name_and_form_are_read() {
        let value = minted(1);
        for header in [
            String::new(),
            format!("x{NAME}={value}"),
            format!("{NAME}x={value}"),
            format!("__Host-x{NAME}={value}"),
            format!("__Secure-{NAME}={value}"),
            format!("{BOUND}{BOUND}{NAME}={value}"),
            format!("{NAME}={value}x"),
            format!("{NAME}=2{}", &value[1..]),
            format!("{NAME}=1+bc{}", &value[4..]),
            format!("{NAME}=1xyz{}", &value[4..]),
            format!("{NAME}=\"{value}\""),
            "\u{0}=;;==;".into(),
        ] {
            assert_eq!(found(&header), None, "{header}");
        }
    }

    #[test]
    fn a_cookie_is_first_party_and_out_of_scripts_reach() {
        let text = |secure| {
            let mut header = Vec::new();
            Minted { value: [b'v'; CHARS], secure }.put(&mut header);
            String::from_utf8(header).unwrap()
        };
        let plain = "tributary_visitor=vvvvvvvvvvvvvvvvvvvvvvvvvv; Path=/; Max-Age=31536000; HttpOnly; SameSite=Lax";
        assert_eq!(text(false), plain);
        assert_eq!(text(true), format!("__Host-{plain}; Secure"));
    }
}
