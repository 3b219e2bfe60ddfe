//! From hyper's request to what the rules ask: who, from where, with which flags.
//!
//! Refuses to read a cookie that is not ours, and to believe a header that no trusted proxy vouches for.

pub mod params;
pub mod text;

use hyper::{
    HeaderMap,
    header::{self, HeaderValue},
};
use schemas::event::Flags;
use std::{borrow::Cow, net::IpAddr};

use crate::{config::Privacy, visitor::cookie::Cookie};
use schemas::proxies::Proxies;

/// What a request's headers say of who sends it.
#[derive(Debug, Clone, Copy)]
pub struct Sender<'a> {
    /// The client, proxies taken off.
    pub address: IpAddr,
    /// Whether a trusted proxy says the client came by https.
    pub is_https: bool,
    /// Whether it came unencrypted from another machine, as far as we can tell: a proxy says so, or nobody vouches for
    /// a peer that is not this machine.
    pub is_exposed: bool,
    /// Whether a wish not to be followed is honoured.
    pub private: bool,
    /// `Flags` bits the headers say.
    pub flags: u32,
    /// The `Host` header as sent; empty when absent.
    pub host: &'a [u8],
    /// As sent; empty when absent.
    pub user_agent: &'a [u8],
    /// As sent; empty when absent.
    pub referrer: &'a [u8],
    /// `Accept-Language` as sent; empty when absent.
    pub language: &'a [u8],
    /// Ours, unless the visitor is not to be followed.
    pub cookie: Option<Cookie<'a>>,
}

impl<'a> Sender<'a> {
    /// Reads (name, value) in one pass: a dozen look-ups would cost a visitor more than all of them do.
    pub fn read(
        headers: impl Iterator<Item = (&'a [u8], &'a [u8])>,
        peer: IpAddr,
        proxies: &Proxies,
        privacy: Privacy,
    ) -> Self {
        let mut sender = Self {
            address: peer.to_canonical(),
            is_https: false,
            is_exposed: false,
            private: false,
            flags: 0,
            host: b"",
            user_agent: b"",
            referrer: b"",
            language: b"",
            cookie: None,
        };
        sender.is_exposed = !sender.address.is_loopback();
        let (mut forwarded, mut scheme) = (Vec::new(), &b""[..]);
        for (name, value) in headers {
            let is = |other: &str| name.eq_ignore_ascii_case(other.as_bytes());
            // Most names are told by their length alone.
            match name.len() {
                4 if is("host") && sender.host.is_empty() => sender.host = value,
                6 if is("cookie") && sender.cookie.is_none() => sender.cookie = Cookie::find(value),
                7 if is("referer") => sender.referrer = value,
                10 if is("user-agent") => sender.user_agent = value,
                15 if is("accept-language") => sender.language = value,
                15 if is("x-forwarded-for") => forwarded.push(value),
                17 if is("x-forwarded-proto") => scheme = value,
                3 | 7 if (is("dnt") || is("sec-gpc")) && value == b"1" => {
                    sender.flags |= Flags::Privacy as u32;
                }
                5 | 7 | 9 | 11
                    if ["x-moz", "purpose", "x-purpose", "sec-purpose"].into_iter().any(is)
                        && fetches_ahead(value) =>
                {
                    sender.flags |= Flags::Prefetch as u32;
                }
                _ => {}
            }
        }
        if (!forwarded.is_empty() || !scheme.is_empty()) && proxies.trusts(peer) {
            sender.address = proxies.client(peer, forwarded.into_iter());
            sender.is_https = scheme == b"https";
            // A proxy of this machine that does not say how the client came leaves it at that.
            sender.is_exposed = !sender.is_https && (sender.is_exposed || !scheme.is_empty());
        }
        sender.private = sender.flags & Flags::Privacy as u32 != 0 && privacy == Privacy::Honour;
        if sender.private {
            sender.cookie = None;
        }
        sender
    }
}

/// The headers as `Sender::read` takes them.
pub fn pairs(headers: &HeaderMap) -> impl Iterator<Item = (&[u8], &[u8])> {
    headers.iter().map(|(name, value)| (name.as_str().as_bytes(), value.as_bytes()))
}

fn fetches_ahead(value: &[u8]) -> bool {
    [&b"prefetch"[..], b"prerender", b"preview"]
        .iter()
        .any(|word| value.windows(word.len()).any(|part| part.eq_ignore_ascii_case(word)))
}

/// The host asked, lower case, without port and the root's dot.
pub fn host<'a>(uri: &'a hyper::Uri, headers: &'a HeaderMap) -> Cow<'a, str> {
    match uri.host() {
        Some(host) => plain_host(host),
        None => host_of(headers.get(header::HOST).map_or(b"", HeaderValue::as_bytes)),
    }
}

/// The host of a `Host` header, lower case, without port and the root's dot.
pub fn host_of(header: &[u8]) -> Cow<'_, str> {
    let host = std::str::from_utf8(header).unwrap_or_default();
    // Nearly all are as they should be; looked at as a whole, that costs a visitor less than each rule does.
    let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    if host.bytes().all(|byte| plain(byte) || byte == b'.') && !host.ends_with('.') {
        return Cow::Borrowed(host);
    }
    plain_host(without_port(host))
}

fn plain_host(asked: &str) -> Cow<'_, str> {
    let asked = asked.strip_suffix('.').unwrap_or(asked);
    if asked.bytes().any(|byte| byte.is_ascii_uppercase()) {
        Cow::Owned(asked.to_ascii_lowercase())
    } else {
        Cow::Borrowed(asked)
    }
}

fn without_port(host: &str) -> &str {
    match host.rsplit_once(':') {
        // `[::1]` has colons of its own.
        Some((name, port)) if !port.contains(']') => name,
        _ => host,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use hyper::header::HeaderName;

    fn sender(headers: &[(&'static str, &'static str)], privacy: Privacy) -> (u32, bool, bool) {
        let map = map(headers);
        let proxies = Proxies::new(vec!["127.0.0.0/8".parse().unwrap()]);
        let sender = Sender::read(pairs(&map), "127.0.0.1".parse().unwrap(), &proxies, privacy);
        (sender.flags, sender.private, sender.is_https)
    }

    fn map(headers: &[(&'static str, &'static str)]) -> HeaderMap {
        headers
            .iter()
            .map(|(name, value)| (HeaderName::from_static(name), value.parse().unwrap()))
            .collect()
    }

    #[test]
    fn fetching_ahead_is_told_by_four_headers() {
        for (name, value) in [
            ("sec-purpose", "prefetch;prerender"),
            ("purpose", "prefetch"),
            ("x-purpose", "preview"),
            ("x-moz", "Prefetch"),
        ] {
            assert_eq!(
                sender(&[(name, value)], Privacy::Honour).0,
                Flags::Prefetch as u32,
                "{name}"
            );
        }
        assert_eq!(sender(&[("sec-purpose", "none")], Privacy::Honour).0, 0);
    }

    #[test]
    fn a_wish_not_to_be_followed_is_noted_and_honoured_as_configured() {
        let wish = Flags::Privacy as u32;
        assert_eq!(sender(&[("sec-gpc", "1")], Privacy::Honour), (wish, true, false));
        assert_eq!(sender(&[("dnt", "1")], Privacy::Honour), (wish, true, false));
        assert_eq!(sender(&[("dnt", "1")], Privacy::Ignore), (wish, false, false));
        assert_eq!(sender(&[("dnt", "0")], Privacy::Honour), (0, false, false));
    }

    #[test]
    fn https_is_believed_of_a_trusted_proxy() {
        assert!(sender(&[("x-forwarded-proto", "https")], Privacy::Honour).2);
        let map = map(&[("x-forwarded-proto", "https"), ("x-forwarded-for", "192.0.2.9")]);
        let peer = "198.51.100.1".parse().unwrap();
        let stranger = Sender::read(pairs(&map), peer, &Proxies::default(), Privacy::Honour);
        assert!(!stranger.is_https && stranger.address == peer);
    }

    #[test]
    fn what_comes_unencrypted_from_elsewhere_is_exposed() {
        let proxies =
            Proxies::new(vec!["127.0.0.1/32".parse().unwrap(), "10.0.0.0/8".parse().unwrap()]);
        for (peer, scheme, exposed) in [
            ("127.0.0.1", "", false),
            ("::1", "", false),
            ("::ffff:127.0.0.1", "", false),
            ("127.0.0.1", "https", false),
            // The proxy is of this machine, and its client is not.
            ("127.0.0.1", "http", true),
            ("127.0.0.1", "HTTPS, http", true),
            // Not trusted: whatever it says, it is this machine.
            ("127.0.0.2", "http", false),
            ("10.0.0.1", "", true),
            ("10.0.0.1", "http", true),
            ("10.0.0.1", "https", false),
            ("::ffff:10.0.0.1", "https", false),
            ("198.51.100.1", "", true),
            ("198.51.100.1", "https", true),
            ("2001:db8::1", "https", true),
        ] {
            for forwarded in ["", "203.0.113.9"] {
                let map = map(&[("x-forwarded-proto", scheme), ("x-forwarded-for", forwarded)]);
                let peer = peer.parse().unwrap();
                let sender = Sender::read(pairs(&map), peer, &proxies, Privacy::Honour);
                assert_eq!(sender.is_exposed, exposed, "{peer} {scheme} {forwarded}");
                assert!(!(sender.is_https && sender.is_exposed));
            }
        }
    }

    #[test]
    fn a_host_has_no_port_and_one_case() {
        for (sent, expected) in [
            ("Go.Example", "go.example"),
            ("go.example:8081", "go.example"),
            ("go.example.", "go.example"),
            ("[::1]:8081", "[::1]"),
            ("[::1]", "[::1]"),
            ("", ""),
        ] {
            let headers = map(&[("host", sent)]);
            assert_eq!(host(&hyper::Uri::from_static("/x"), &headers), expected, "{sent}");
        }
        let absolute = hyper::Uri::from_static("http://other.example:1/x");
        assert_eq!(host(&absolute, &map(&[("host", "go.example")])), "other.example");
    }
}
