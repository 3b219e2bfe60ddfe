//! Error pages: what is wrong in a person's words, and a way on. The one place that turns a status
//! into a page; what broke is in the log under the number shown, never on the page.

use super::{
    request::Asked,
    shell::{Here, Shell},
};
use crate::{auth::Viewer, error::Problem};
use askama::Template;
use axum::http::{HeaderMap, Method};

#[derive(Template)]
#[template(path = "pages/problem.html")]
struct Page {
    shell: Shell,
    text: String,
    number: String,
    /// It comes back by itself: a store is away, and nothing was sent that must not be sent again.
    retry: bool,
    /// Where to do what is missing.
    way: Option<(String, &'static str)>,
}

/// The page of a problem; plain words where even that cannot be rendered.
pub(crate) fn problem(
    problem: &Problem,
    id: &str,
    (method, head, viewer): (&Method, &HeaderMap, Option<Viewer>),
) -> String {
    let asked = Asked::of(head, viewer);
    let t = asked.t;
    let status = problem.code.status.as_u16();
    let (title, text) = match status {
        _ if problem.code.name == "plain_http" => ("error-tls", "error-tls-text"),
        _ if problem.code.name == "forbidden" => ("error-forbidden", "error-forbidden-text"),
        _ if problem.code.name == "step_up_required" => ("error-step-up", "error-step-up-text"),
        429 => ("error-429", "error-429-text"),
        404 => ("error-404", "error-404-text"),
        401 | 403 => ("error-403", "error-403-text"),
        502 => ("error-502", "error-502-text"),
        503 => ("error-503", "error-503-text"),
        500..=599 => ("error-500", "error-500-text"),
        _ => ("error-400", "error-400-text"),
    };
    let shell = asked.shell(Here::Elsewhere, t.say(title));
    let number = if status == 500 { id.to_owned() } else { String::new() };
    let retry = status == 503 && method == Method::GET;
    let way = (problem.code.name == "step_up_required")
        .then(|| (t.say("proof-title"), "/accounts/reauthenticate/?next=/accounts/2fa/"));
    Page { shell, text: t.say(text), number, retry, way }.render().unwrap_or_else(|_| t.say(title))
}
