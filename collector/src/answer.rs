//! Every answer the collector gives, and nothing about when.
//!
//! Refuses hints: a visitor of an unknown link learns nothing but that it leads nowhere.

use bytes::Bytes;
use http_body_util::{BodyExt, Collected, Full};
use hyper::{
    HeaderMap, Response, StatusCode,
    header::{self, HeaderName, HeaderValue},
};
use schemas::reason::Refusal;

use crate::batch::Unrecorded;

/// An answer's body is whole and small.
pub(crate) type Answer = Response<Full<Bytes>>;

/// A transparent GIF of one pixel, 43 bytes.
const GIF: &[u8; 43] = b"GIF89a\x01\x00\x01\x00\x80\x00\x00\x00\x00\x00\x00\x00\x00!\xf9\x04\x01\x00\x00\x00\x00,\x00\x00\x00\x00\x01\x00\x01\x00\x00\x02\x02D\x01\x00;";
const NOT_FOUND: &str = include_str!("answer/404.html");
const NO_STORE: HeaderValue = HeaderValue::from_static("private, no-store");
const ROBOTS: HeaderName = HeaderName::from_static("x-robots-tag");
const NOINDEX: HeaderValue = HeaderValue::from_static("noindex");
const NOSNIFF: HeaderValue = HeaderValue::from_static("nosniff");
/// In every answer, whichever way its request came: over plain HTTP browsers pass it over, what ends TLS in front may
/// not say so, and forty bytes cost a redirect less than knowing would. Without subdomains: hosts are customers'.
const TLS_ONLY: HeaderValue = HeaderValue::from_static("max-age=63072000");
/// Of a page: nothing but its own style, in nobody's frame.
const POLICY: HeaderValue = HeaderValue::from_static(
    "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'; base-uri 'none'",
);
/// Where the codes are explained: a page of this project's repository, a heading for each.
const DOCS: &str = "/docs/postbacks.md#";
const RETRY_AFTER_S: HeaderValue = HeaderValue::from_static("2");

/// A redirect. `headers` is an emptied map whose memory serves again.
pub(crate) fn redirect(location: HeaderValue, mut headers: HeaderMap) -> Answer {
    headers.insert(header::LOCATION, location);
    put_common(&mut headers);
    let mut answer = Response::new(Full::default());
    *answer.status_mut() = StatusCode::FOUND;
    *answer.headers_mut() = headers;
    answer
}

/// The page of a link that leads nowhere.
pub(crate) fn not_found() -> Answer {
    let mut answer = body(
        StatusCode::NOT_FOUND,
        "text/html; charset=utf-8",
        Bytes::from_static(NOT_FOUND.as_bytes()),
    );
    answer.headers_mut().insert(header::CONTENT_SECURITY_POLICY, POLICY);
    answer
}

/// The pixel.
pub(crate) fn gif() -> Answer {
    body(StatusCode::OK, "image/gif", Bytes::from_static(GIF))
}

/// A conversion taken.
pub(crate) fn accepted(receipt: &str) -> Answer {
    let json = serde_json::json!({ "receipt_id": receipt });
    body(StatusCode::ACCEPTED, "application/json", json.to_string().into())
}

/// A conversion refused; the receipt names its record, where there is one.
pub(crate) fn refused(refusal: Refusal, receipt: Option<&str>) -> Answer {
    let (status, title, detail) = explain(refusal);
    let mut json = serde_json::json!({
        "type": format!("{DOCS}{refusal}"),
        "title": title,
        "status": status.as_u16(),
        "code": refusal.name(),
        "detail": detail,
        "doc_url": format!("{DOCS}{refusal}"),
    });
    if let Some(receipt) = receipt {
        json["receipt_id"] = receipt.into();
    }
    problem(status, &json)
}

/// A request that could not be taken to anybody: its status, a code of its own, a sentence.
pub(crate) fn failed(status: StatusCode, code: &str, detail: &str) -> Answer {
    let json = serde_json::json!({
        "type": "about:blank",
        "title": status.canonical_reason().unwrap_or_default(),
        "status": status.as_u16(),
        "code": code,
        "detail": detail,
        "doc_url": format!("{DOCS}{code}"),
    });
    problem(status, &json)
}

/// The event was not kept, or not as surely as it should be.
pub(crate) fn unrecorded(why: Unrecorded) -> Answer {
    let (code, detail) = match why {
        Unrecorded::NotStored => {
            ("not_stored", "the event could not be stored; it was not counted, send it again")
        }
        Unrecorded::MaybeStored => (
            "maybe_stored",
            "the event may not have been stored; send it again, the same txn_id counts once",
        ),
    };
    let mut answer = failed(StatusCode::SERVICE_UNAVAILABLE, code, detail);
    answer.headers_mut().insert(header::RETRY_AFTER, RETRY_AFTER_S);
    answer
}

/// Another method than the URL's.
pub(crate) fn wrong_method(allow: &'static str) -> Answer {
    let detail = "this URL does not take that method";
    let mut answer = failed(StatusCode::METHOD_NOT_ALLOWED, "method_not_allowed", detail);
    answer.headers_mut().insert(header::ALLOW, HeaderValue::from_static(allow));
    answer
}

/// An answer as bytes, as hyper would write it.
pub(crate) async fn put(answer: Answer, date: &[u8], is_last: bool, out: &mut Vec<u8>) {
    let (head, body) = answer.into_parts();
    let status = head.status;
    // `Full` has it all at once.
    let Ok(body) = body.collect().await.map(Collected::to_bytes);
    let reason = status.canonical_reason().unwrap_or_default();
    let mut line = |parts: [&[u8]; 3]| {
        parts.iter().for_each(|part| out.extend_from_slice(part));
        out.extend_from_slice(b"\r\n");
    };
    line([b"HTTP/1.1 ", status.as_str().as_bytes(), format!(" {reason}").as_bytes()]);
    for (name, value) in &head.headers {
        line([name.as_str().as_bytes(), b": ", value.as_bytes()]);
    }
    if is_last {
        line([b"connection", b": ", b"close"]);
    }
    line([b"content-length", b": ", body.len().to_string().as_bytes()]);
    line([b"date", b": ", date]);
    line([b"", b"", b""]);
    out.extend_from_slice(&body);
}

fn problem(status: StatusCode, json: &serde_json::Value) -> Answer {
    body(status, "application/problem+json", json.to_string().into())
}

fn body(status: StatusCode, kind: &'static str, bytes: Bytes) -> Answer {
    let mut answer = Response::new(Full::new(bytes));
    *answer.status_mut() = status;
    let headers = answer.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
    put_common(headers);
    answer
}

/// What every answer says, in the order of the plain way's redirect.
fn put_common(headers: &mut HeaderMap) {
    headers.insert(header::CACHE_CONTROL, NO_STORE);
    headers.insert(ROBOTS, NOINDEX);
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, NOSNIFF);
    headers.insert(header::STRICT_TRANSPORT_SECURITY, TLS_ONLY);
}

/// The only place that picks a refusal's status.
fn explain(refusal: Refusal) -> (StatusCode, &'static str, &'static str) {
    match refusal {
        Refusal::PlainHttp => (
            StatusCode::FORBIDDEN,
            "Call over https",
            "the call came over plain HTTP, where its token can be read on the way: call https:// and have the token replaced; where TLS is ended in front, that proxy belongs in TRIBUTARY_TRUSTED_PROXIES and says X-Forwarded-Proto: https",
        ),
        Refusal::Malformed => (
            StatusCode::BAD_REQUEST,
            "The call could not be read",
            "a parameter has broken percent-encoding, control characters, no UTF-8 or more than 255 bytes, or the body is no form",
        ),
        Refusal::UnknownProgram => (
            StatusCode::BAD_REQUEST,
            "No program",
            "`program` names none of ours, and no click id says whose conversion this is",
        ),
        Refusal::BadToken => (
            StatusCode::UNAUTHORIZED,
            "Not the program's token",
            "`token` is missing or not the program's, or the signature does not fit",
        ),
        Refusal::IpNotAllowed => (
            StatusCode::FORBIDDEN,
            "Address not allowed",
            "the program takes postbacks from listed addresses only",
        ),
        Refusal::BadClickId => (
            StatusCode::BAD_REQUEST,
            "Not our click id",
            "`click_id` was not issued here: it is cut, altered or another tracker's",
        ),
        Refusal::BadAmount => (
            StatusCode::BAD_REQUEST,
            "No amount of money",
            "an amount is written 12.50 with no more decimals than its currency has, and the currency as in ISO 4217",
        ),
        other => (StatusCode::UNPROCESSABLE_ENTITY, "Refused", other.name()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use http_body_util::BodyExt;

    const PAGE: &str = include_str!("../../docs/postbacks.md");

    fn has_heading(code: &str) -> bool {
        PAGE.lines().any(|line| line.strip_prefix("### ") == Some(code))
    }

    #[tokio::test]
    async fn every_code_is_explained_where_its_answer_points() {
        let mut answers: Vec<Answer> =
            Refusal::ALL.iter().map(|refusal| refused(*refusal, None)).collect();
        answers.extend([Unrecorded::NotStored, Unrecorded::MaybeStored].map(unrecorded));
        answers.push(wrong_method("GET"));
        for answer in answers {
            let body = answer.into_body().collect().await.unwrap().to_bytes();
            let json: serde_json::Value = serde_json::from_slice(&body).unwrap();
            let code = json["code"].as_str().unwrap();
            assert_eq!(json["doc_url"], format!("/docs/postbacks.md#{code}"));
            assert!(has_heading(code), "{code}");
        }
        for code in ["too_long", "too_large", "timeout", "unsupported_media_type", "malformed"] {
            assert!(has_heading(code), "{code}");
        }
    }
}
