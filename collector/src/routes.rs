//! Every URL of the collector, on one screen.
//!
//! Refuses everything else with a page that tells nothing.

use hyper::{Method, Request, StatusCode, body::Incoming};
use std::net::IpAddr;

use crate::{
    answer::{self, Answer},
    clicks::{self, Kind},
    conversions,
    core::Core,
    request,
};

/// Longest path and query taken.
const MOST_TARGET_BYTES: usize = 8192;

/// What a URL is for.
#[derive(Debug, PartialEq, Eq)]
enum Route<'a> {
    /// `/c/{code}`, and `/{code}` on a tracking domain.
    Click(&'a str),
    /// `/i/{code}.gif`.
    Impression(&'a str),
    /// `/postback`.
    Postback,
    /// `/pixel.gif`.
    Pixel,
    Nothing,
}

impl<'a> Route<'a> {
    fn of(path: &'a str, is_tracking: impl FnOnce() -> bool) -> Self {
        let code = |rest: &'a str| {
            let code = rest.strip_suffix('/').unwrap_or(rest);
            (!code.is_empty() && code.bytes().all(|byte| byte != b'/')).then_some(code)
        };
        // What nearly all ask for comes first.
        if let Some(rest) = path.strip_prefix("/c/") {
            return code(rest).map_or(Self::Nothing, Self::Click);
        }
        if let Some(rest) = path.strip_prefix("/i/") {
            return rest
                .strip_suffix(".gif")
                .and_then(code)
                .map_or(Self::Nothing, Self::Impression);
        }
        match path {
            "/postback" => return Self::Postback,
            "/pixel.gif" => return Self::Pixel,
            _ => {}
        }
        match path.strip_prefix('/').and_then(code) {
            Some(code) if is_tracking() => Self::Click(code),
            _ => Self::Nothing,
        }
    }
}

/// Answers one request.
pub(crate) async fn answer(core: &Core, request: Request<Incoming>, peer: IpAddr) -> Answer {
    let uri = request.uri();
    if uri.path_and_query().is_some_and(|target| target.as_str().len() > MOST_TARGET_BYTES) {
        return answer::failed(StatusCode::URI_TOO_LONG, "too_long", "the URL is too long");
    }
    let is_tracking = || core.links.load().host(&request::host(uri, request.headers())).is_tracking;
    let visiting = matches!(*request.method(), Method::GET | Method::HEAD);
    match (Route::of(uri.path(), is_tracking), request.method()) {
        (Route::Click(_), _) if visiting => clicks::answer(core, request, peer, Kind::Click).await,
        (Route::Impression(_), _) if visiting => {
            clicks::answer(core, request, peer, Kind::Impression).await
        }
        (Route::Click(_) | Route::Impression(_), _) => answer::wrong_method("GET, HEAD"),
        (Route::Postback, &Method::GET | &Method::POST) => {
            conversions::postback(core, request, peer).await
        }
        (Route::Postback, _) => answer::wrong_method("GET, POST"),
        (Route::Pixel, &Method::GET) => conversions::pixel(core, request, peer).await,
        (Route::Pixel, _) => answer::wrong_method("GET"),
        (Route::Nothing, _) => answer::not_found(),
    }
}

/// The code in the path of a click, still encoded; `None` for every other URL, and where only the host
/// says what it is.
pub(crate) fn plain_code(path: &str) -> Option<&str> {
    match Route::of(path, || false) {
        Route::Click(code) => Some(code),
        _ => None,
    }
}

/// The code in the path of a click or an impression, still encoded.
pub(crate) fn code(path: &str) -> &str {
    match Route::of(path, || true) {
        Route::Click(code) | Route::Impression(code) => code,
        Route::Postback | Route::Pixel | Route::Nothing => "",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_url_has_its_meaning() {
        for (path, tracking, route) in [
            ("/c/x", false, Route::Click("x")),
            ("/c/x/", false, Route::Click("x")),
            ("/c/", false, Route::Nothing),
            ("/c/x/y", false, Route::Nothing),
            ("/i/x.gif", false, Route::Impression("x")),
            ("/i/x", false, Route::Nothing),
            ("/i/.gif", false, Route::Nothing),
            ("/x", true, Route::Click("x")),
            ("/x", false, Route::Nothing),
            ("/", true, Route::Nothing),
            ("/postback", true, Route::Postback),
            ("/pixel.gif", true, Route::Pixel),
            ("*", true, Route::Nothing),
            ("", true, Route::Nothing),
        ] {
            assert_eq!(Route::of(path, || tracking), route, "{path}");
        }
    }
}
