//! What is sent for a line, and what its answer teaches: the click id in the redirect.

use http_body_util::Full;
use hyper::{
    Method,
    body::Bytes,
    header::{CONTENT_TYPE, HOST, HeaderValue, LOCATION, REFERER, USER_AGENT},
    http::{self, request::Builder},
};
use url::form_urlencoded::Serializer;

use super::{Options, Program};
use crate::traffic::{
    Error, Result,
    log::{CURRENCY, EVENT, Request},
};

/// A request with everything it needs to be sent.
pub(super) type Message = http::Request<Full<Bytes>>;

/// The latest click of a visitor.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Clicked {
    /// As the redirect said; none where it led nowhere (an orphan).
    pub(super) click_id: Option<String>,
    /// Place in `log::PROGRAMS`.
    pub(super) program: usize,
}

/// A click: the link's URL, asked for as the visitor did.
pub(super) fn click(options: &Options, request: &Request, code: &str) -> Result<Message> {
    let mut query = Serializer::new(String::new());
    query.append_pair("sub10", &request.line.to_string());
    if let Some(visit) = &options.visit {
        query.append_pair("sub9", visit);
    }
    let method = if request.method == "HEAD" { Method::HEAD } else { Method::GET };
    let target = format!("/c/{code}?{}", query.finish());
    let message = visited(options, request, http::Request::builder().method(method).uri(target));
    message.body(Full::default()).map_err(|_| Error::Message(request.line))
}

/// A conversion: the program's server calls, by GET or by POST as the line's number is even or odd.
pub(super) fn postback(
    options: &Options,
    request: &Request,
    sale: (u64, &str),
    click: &Clicked,
) -> Result<Message> {
    let query = parameters(options, request, sale, click);
    let builder = http::Request::builder().header(HOST, &options.collector);
    let builder = builder.header(USER_AGENT, "advertiser-server/1.0");
    let message = if request.line.is_multiple_of(2) {
        builder.method(Method::GET).uri(format!("/postback?{query}")).body(Full::default())
    } else {
        builder
            .method(Method::POST)
            .uri("/postback")
            .header(CONTENT_TYPE, "application/x-www-form-urlencoded")
            .body(Full::from(query))
    };
    message.map_err(|_| Error::Message(request.line))
}

/// The click id a redirect's target was given, if its macro stands there.
pub(super) fn click_id(headers: &http::HeaderMap) -> Option<String> {
    let location = headers.get(LOCATION)?.to_str().ok()?;
    let target = url::Url::parse(location).ok()?;
    let id = target.query_pairs().find(|(name, _)| name == "click_id")?.1;
    (!id.is_empty()).then(|| id.into_owned())
}

fn parameters(
    options: &Options,
    request: &Request,
    (amount_minor, txn_id): (u64, &str),
    click: &Clicked,
) -> String {
    let Program { id, token } = &options.programs[click.program];
    let mut query = Serializer::new(String::new());
    query
        .append_pair("program", &id.to_string())
        .append_pair("token", token)
        .append_pair("event", EVENT)
        .append_pair("amount", &format!("{}.{:02}", amount_minor / 100, amount_minor % 100))
        .append_pair("currency", CURRENCY)
        .append_pair("sub10", &request.line.to_string());
    match &options.visit {
        Some(visit) => {
            query.append_pair("txn_id", &format!("{txn_id}-{visit}")).append_pair("sub9", visit)
        }
        None => query.append_pair("txn_id", txn_id),
    };
    if let Some(click_id) = &click.click_id {
        query.append_pair("click_id", click_id);
    }
    query.finish()
}

/// What a visitor's browser sends, through the trusted proxy.
fn visited(options: &Options, request: &Request, builder: Builder) -> Builder {
    let mut builder = builder
        .header(HOST, &options.collector)
        .header("x-forwarded-for", request.address.to_string());
    let agent = match (request.sent_user_agent(), &options.visit) {
        ("", _) => String::new(),
        (agent, None) => agent.to_owned(),
        (agent, Some(visit)) => format!("{agent} visit/{visit}"),
    };
    for (name, value) in [(USER_AGENT, agent.as_str()), (REFERER, request.sent_referrer())] {
        // What a log can hold and a header can't (a control character) is not sent.
        if let Some(value) = HeaderValue::from_str(value).ok().filter(|value| !value.is_empty()) {
            builder = builder.header(name, value);
        }
    }
    builder
}
