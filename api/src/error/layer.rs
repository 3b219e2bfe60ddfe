//! The outermost layer: a request id for everybody, security headers on everything, and every error
//! as a problem in the form asked for.

use axum::{
    body::Body,
    extract::{MatchedPath, Request},
    http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header},
    middleware::Next,
    response::Response,
};
use data_encoding::HEXLOWER;
use serde_json::json;
use tracing::Instrument;

use super::{Code, Problem, codes};
use crate::{
    auth::Viewer,
    place::{Client, network},
};

/// What a page may do: everything from here, nothing inline, nothing from elsewhere.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; \
    font-src 'self'; connect-src 'self'; form-action 'self'; base-uri 'none'; object-src 'none'; \
    frame-ancestors 'none'";

const JSON: &str = "application/json";

const HEADERS: [(HeaderName, &str); 6] = [
    (header::CONTENT_SECURITY_POLICY, POLICY),
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (header::REFERRER_POLICY, "strict-origin-when-cross-origin"),
    (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
    (
        HeaderName::from_static("permissions-policy"),
        "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
    ),
    (header::STRICT_TRANSPORT_SECURITY, "max-age=63072000"),
];

/// The number of a request, in its answer and in the log.
#[derive(Debug, Clone)]
pub struct RequestId(pub String);

/// Wraps the whole router.
pub async fn answer(mut request: Request, next: Next) -> Response {
    let id = request_id();
    request.extensions_mut().insert(RequestId(id.clone()));
    let wants_page = wants_page(request.uri().path(), request.headers());
    let (method, head) = (request.method().clone(), request.headers().clone());
    let span = tracing::info_span!("request", id = %id, method = %request.method());
    let route = request.extensions().get::<MatchedPath>().cloned();
    let mut response = next.run(request).instrument(span).await;
    let status = response.status();
    // A handler's own JSON says what it has to say (`/ready`).
    let is_json = response.headers().get(header::CONTENT_TYPE).is_some_and(|kind| kind == JSON);
    if (status.is_client_error() || status.is_server_error()) && !is_json {
        let problem = response.extensions_mut().remove::<Problem>();
        let problem = problem.unwrap_or_else(|| Problem::of_status(status));
        tell(&problem, &response, (&id, &method, route.as_ref()));
        // A host that is nobody's is shown nobody's page.
        match wants_page && *problem.code != codes::MISDIRECTED {
            true => {
                let viewer = response.extensions_mut().remove::<Viewer>();
                write_page(&mut response, &problem, &id, (&method, &head, viewer));
            }
            false => write_json(&mut response, &problem, &id),
        }
    }
    let headers = response.headers_mut();
    for (name, value) in HEADERS {
        headers.entry(name).or_insert(HeaderValue::from_static(value));
    }
    // What is signed in belongs to nobody's cache; assets set their own.
    headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    if let Ok(id) = HeaderValue::from_str(&id) {
        headers.insert("x-request-id", id);
    }
    response
}

/// Every refusal leaves a line: of whom, from where, of what (ASVS 16.3.2, 16.3.3). The route's template and never the
/// path, which may hold what somebody typed; the network and never the address. Its target of its own lets `RUST_LOG`
/// choose it apart from everything else.
fn tell(
    problem: &Problem,
    response: &Response,
    (id, method, route): (&str, &Method, Option<&MatchedPath>),
) {
    let Code { name, status, .. } = problem.code;
    let is_refusal = *problem.code == codes::INVALID_TOKEN
        || [StatusCode::FORBIDDEN, StatusCode::MISDIRECTED_REQUEST, StatusCode::TOO_MANY_REQUESTS]
            .contains(status);
    if !is_refusal {
        return;
    }
    let known = response.extensions();
    let user = known.get::<Viewer>().map(|viewer| viewer.user);
    let network = known.get::<Client>().map(|client| network(client.0));
    let route = route.map_or("none", MatchedPath::as_str);
    tracing::info!(
        target: "refused",
        id,
        code = name,
        user,
        network,
        %method,
        route,
        "refused"
    );
}

/// Whether a person's browser asks: the API never answers with a page.
pub(crate) fn wants_page(path: &str, headers: &HeaderMap) -> bool {
    let accept = headers.get(header::ACCEPT).and_then(|value| value.to_str().ok());
    !path.starts_with("/api/") && accept.is_some_and(|accept| accept.contains("text/html"))
}

fn write_json(response: &mut Response, problem: &Problem, id: &str) {
    let code = problem.code;
    let mut body = json!({
        "type": code.doc_url(),
        "title": code.title,
        "status": code.status.as_u16(),
        "code": code.name,
        "doc_url": code.doc_url(),
        "request_id": id,
    });
    if !problem.detail.is_empty() {
        body["detail"] = json!(problem.detail);
    }
    if !problem.errors.is_empty() {
        body["errors"] = json!(problem.errors);
    }
    finish(response, problem, "application/problem+json", body.to_string());
}

fn write_page(
    response: &mut Response,
    problem: &Problem,
    id: &str,
    asked: (&Method, &HeaderMap, Option<Viewer>),
) {
    let page = crate::pages::problem(problem, id, asked);
    finish(response, problem, "text/html; charset=utf-8", page);
}

fn finish(response: &mut Response, problem: &Problem, kind: &'static str, body: String) {
    *response.status_mut() = problem.code.status;
    *response.body_mut() = Body::from(body);
    let headers = response.headers_mut();
    headers.remove(header::CONTENT_LENGTH);
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
    let add = |headers: &mut HeaderMap, name, value| {
        headers.insert(name, HeaderValue::from_static(value));
    };
    if let Some(after_s) = problem.after_s {
        headers.insert(header::RETRY_AFTER, HeaderValue::from(after_s));
    }
    if *problem.code == codes::UNAUTHORIZED {
        add(headers, header::WWW_AUTHENTICATE, "Bearer");
    } else if *problem.code == codes::INVALID_TOKEN {
        add(headers, header::WWW_AUTHENTICATE, "Bearer error=\"invalid_token\"");
    } else if [&codes::DELAYED, &codes::BUSY, &codes::UNAVAILABLE, &codes::TOO_MANY]
        .contains(&problem.code)
    {
        add(headers, header::RETRY_AFTER, "5");
    }
}

fn request_id() -> String {
    let mut bytes = [0; 8];
    match getrandom::fill(&mut bytes) {
        Ok(()) => format!("req_{}", HEXLOWER.encode(&bytes)),
        Err(_) => "req_".to_owned(),
    }
}
