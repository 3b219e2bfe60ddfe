//! How often programs may ask: by token, by person, or by address where nobody is known; and how often somebody may ask
//! for the pages that cost most. What is left stands in every answer (draft-ietf-httpapi-ratelimit-headers-10, and the
//! names of before it).

use axum::{
    http::{HeaderMap, HeaderName, HeaderValue, request::Parts},
    response::{IntoResponse, Response},
};

use super::{By, Viewer};
use crate::{
    app::App,
    clock,
    error::Error,
    limits::{API, API_ADDRESS, EXPORT, Left},
    place::Place,
};

/// Pages that look at everything there is.
const DEAR: [&str; 3] = ["/affiliate/stats/export.csv", "/accounts/data/export/", "/search/"];

/// Counts a question to the API, or for a page that costs much; an answer that refuses it, or what to write into the
/// one that comes.
pub(super) async fn count(
    app: &App,
    parts: &Parts,
    viewer: Option<&Viewer>,
) -> Result<Option<Left>, Response> {
    let path = parts.uri.path();
    let is_dear = DEAR.contains(&path);
    if !path.starts_with("/api/") && !is_dear {
        return Ok(None);
    }
    let now_ms = clock::now().timestamp_millis();
    let known = if is_dear { EXPORT } else { API };
    let (rule, key) = match viewer {
        Some(Viewer { by: By::Token { id, .. }, .. }) => (known, format!("token:{id}")),
        Some(viewer) => (known, format!("{}:{}", viewer.site.get(), viewer.user)),
        // To the sign-in page.
        None if is_dear => return Ok(None),
        None => {
            let place = parts.extensions.get::<Place>();
            (API_ADDRESS, place.map_or_else(String::new, |place| place.address.to_string()))
        }
    };
    match app.limits.spend(rule, &key, now_ms).await {
        Ok(left) => Ok(Some(left)),
        Err(error) => {
            let whole_in_s = if let Error::TooOften(seconds) = &error { *seconds } else { 0 };
            let mut answer = error.into_response();
            write(answer.headers_mut(), Left { rule, more: 0, whole_in_s });
            Err(answer)
        }
    }
}

/// Writes what is left into an answer.
pub(super) fn write(headers: &mut HeaderMap, left: Left) {
    let Left { rule, more, whole_in_s } = left;
    let (burst, window_s) = (rule.burst, rule.per_ms / 1000);
    let lines = [
        ("ratelimit-policy", format!("\"{}\";q={burst};w={window_s}", rule.name)),
        ("ratelimit", format!("\"{}\";r={more};t={whole_in_s}", rule.name)),
        ("x-ratelimit-limit", burst.to_string()),
        ("x-ratelimit-remaining", more.to_string()),
        ("x-ratelimit-reset", whole_in_s.to_string()),
    ];
    for (name, value) in lines {
        if let Ok(value) = HeaderValue::from_str(&value) {
            headers.insert(HeaderName::from_static(name), value);
        }
    }
}
