//! Where a request comes from and which site it is for: decided here once, before anything else.
//!
//! Refuses an unknown host without a word of branding, whatever other headers say of it; believes the client's
//! address and the scheme only where a trusted proxy says them; and serves nothing over plain HTTP that leaves
//! this machine, unless the operator said so.

use axum::{
    extract::{FromRequestParts, Request, State},
    http::{HeaderMap, Uri, header, request::Parts},
    middleware::Next,
    response::{IntoResponse, Response},
};
use schemas::ids::SiteId;
use std::{
    net::{IpAddr, Ipv4Addr, SocketAddr},
    sync::Arc,
};

use crate::{
    app::App,
    error::Error,
    hosts::{host_of, is_this_machine},
};

/// Who is at the other end of the connection; the accept loop puts it into every request.
#[derive(Debug, Clone, Copy)]
pub struct Peer(pub SocketAddr);

/// Who asked, in the answer, for the log of what was refused.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Client(pub(crate) IpAddr);

/// What is known of every request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// The site of the host asked.
    pub site: SiteId,
    /// What the site is called.
    pub site_name: Arc<str>,
    /// The host asked: lower case, without port.
    pub host: String,
    /// `http` or `https`, host and port: what a browser calls the origin.
    pub origin: String,
    /// The client's address.
    pub address: IpAddr,
    /// Came by TLS, or never left this machine: cookies that are `Secure` come back.
    pub is_secure: bool,
}

impl Place {
    /// The client's network: what limits count by and logs may keep. /24 of IPv4, /56 of IPv6.
    pub fn network(&self) -> String {
        network(self.address)
    }
}

/// See [`Place::network`].
pub fn network(address: IpAddr) -> String {
    let length = if address.is_ipv4() { 24 } else { 56 };
    ipnet::IpNet::new(address, length).map_or_else(|_| String::new(), |net| net.trunc().to_string())
}

/// The outer layer: 421 for a host that is nobody's.
pub async fn find(State(app): State<App>, mut request: Request, next: Next) -> Response {
    match place(&app, &request) {
        Ok(place) => {
            let client = Client(place.address);
            request.extensions_mut().insert(place);
            let mut response = next.run(request).await;
            response.extensions_mut().insert(client);
            response
        }
        Err(error) => error.into_response(),
    }
}

fn place(app: &App, request: &Request) -> Result<Place, Error> {
    let (authority, host) = named(request.uri(), request.headers()).ok_or(Error::Misdirected)?;
    let known = app.hosts.find(&host).ok_or(Error::Misdirected)?;
    let peer = request.extensions().get::<Peer>();
    let peer = peer.map_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED), |peer| peer.0.ip());
    let headers = request.headers();
    let forwarded = headers.get_all("x-forwarded-for").iter().map(|value| value.as_bytes());
    let says_https = headers.get("x-forwarded-proto").is_some_and(|value| value == "https");
    let is_https = says_https && app.proxies.trusts(peer);
    let is_secure = is_https || is_this_machine(&host);
    if !is_secure && !app.allows_plain_http {
        return Err(Error::PlainHttp);
    }
    let scheme = if is_https { "https" } else { "http" };
    let origin = format!("{scheme}://{}", authority.to_ascii_lowercase());
    let address = app.proxies.client(peer, forwarded);
    Ok(Place { site: known.site, site_name: known.name, host, origin, address, is_secure })
}

/// The one host a request names, in its header and (where it is there) in its target.
fn named<'a>(uri: &Uri, headers: &'a HeaderMap) -> Option<(&'a str, String)> {
    let mut named = headers.get_all(header::HOST).iter();
    let authority = named.next()?.to_str().ok().filter(|_| named.next().is_none())?;
    let host = host_of(authority)?;
    match uri.authority() {
        Some(target) if host_of(target.as_str()).as_ref() != Some(&host) => None,
        _ => Some((authority, host)),
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Place {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Error> {
        parts.extensions.get().cloned().ok_or(Error::Misdirected)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::HeaderValue;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn whatever_a_request_says_its_host_is_one_plain_name_or_none(
            hosts in prop::collection::vec("[A-Za-z0-9.-]{1,12}(:[0-9]{1,5})?|\\PC{0,20}", 0..3),
            target in "/[a-z]{0,5}|http://[a-z0-9.:@-]{1,12}/x",
            is_same in any::<bool>(),
        ) {
            let same = hosts.first().filter(|_| is_same).map(|host| format!("http://{host}/x"));
            let Ok(uri) = same.unwrap_or(target).parse::<Uri>() else { return Ok(()) };
            let mut headers = HeaderMap::new();
            for host in &hosts {
                let Ok(value) = HeaderValue::from_bytes(host.as_bytes()) else { return Ok(()) };
                headers.append(header::HOST, value);
            }
            // One header that is a host, and a target that names no other.
            let alone = hosts.first().filter(|_| hosts.len() == 1).and_then(|host| host_of(host));
            let target = uri.authority().map(|target| host_of(target.as_str()));
            let expected = alone.filter(|host| match &target {
                Some(named) => named.as_ref() == Some(host),
                None => true,
            });
            let found = named(&uri, &headers).map(|(_, host)| host);
            prop_assert_eq!(&found, &expected);
            let plain = |b: u8| b.is_ascii_alphanumeric() || b"-.:[]".contains(&b);
            prop_assert!(found.is_none_or(|host| host.bytes().all(plain)));
        }
    }

    #[test]
    fn a_network_tells_neighbours_apart_and_nobody() {
        let check = |address: &str, net: &str| {
            assert_eq!(network(address.parse().unwrap()), net, "{address}");
        };
        check("198.51.100.77", "198.51.100.0/24");
        check("2001:db8:1:2ff::7", "2001:db8:1:200::/56");
    }
}
