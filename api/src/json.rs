//! The JSON API: parse, ask, answer. Names are snake_case, ids have their prefix, money is an integer
//! of minor units with its currency beside it, lists say whether there is more.

pub mod auth;
pub mod stats;
pub mod clicks;
pub mod links;
pub mod programs;
pub mod affiliates;
pub mod enrolments;
pub mod commissions;
pub mod conversions;
pub mod events;
pub mod live;
pub mod errors;
pub mod health;

use axum::{Json, extract::FromRequestParts, http::request::Parts};
use chrono::{DateTime, SecondsFormat, Utc};
use schemas::ids::{AffiliateId, LinkId, ProgramId};
use serde_json::{Value, json};
use std::str::FromStr;

use crate::{
    error::Error,
    params::unknown_macros,
    queries::{Page, as_of::AsOf, minor},
};

/// An answer.
type Answer = Result<Json<Value>, Error>;

/// An id out of the path; whatever is none is simply not there.
#[derive(Debug)]
pub struct Id<T>(pub T);

impl<S: Send + Sync, T: FromStr + Send> FromRequestParts<S> for Id<T> {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Error> {
        let path = axum::extract::Path::<String>::from_request_parts(parts, state).await;
        let id = path.ok().and_then(|path| path.0.parse().ok());
        id.map(Self).ok_or(Error::NotFound("thing with this id"))
    }
}

/// A page of a list.
fn list<T>(page: &Page<T>, row: impl Fn(&T) -> Value) -> Value {
    let data: Vec<Value> = page.rows.iter().map(row).collect();
    json!({ "object": "list", "data": data, "has_more": page.has_more })
}

/// RFC 3339 with milliseconds, UTC.
fn time(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(SecondsFormat::Millis, true)
}

/// Units of 1/10,000 minor as they stand on the wire.
fn money(units: i64, currency: &str) -> Value {
    json!({ "amount_minor": minor(units), "currency": currency })
}

/// What whoever saved a destination should know.
fn warnings(destination: &str) -> Value {
    let unknown = unknown_macros(destination);
    unknown.iter().map(|name| format!("unknown macro {{{name}}}: it will be empty")).collect()
}

/// Puts what every number needs beside it into an answer.
fn put_as_of(answer: &mut Value, as_of: &AsOf) {
    answer["as_of"] = json!(as_of.at.map(time));
    answer["complete"] = json!(as_of.complete);
    answer["note"] = json!(as_of.note);
}

/// An id, or null where nothing is known.
fn program_id(id: ProgramId) -> Option<String> {
    (id.get() != 0).then(|| id.to_string())
}

fn affiliate_id(id: AffiliateId) -> Option<String> {
    (id.get() != 0).then(|| id.to_string())
}

fn link_id(id: LinkId) -> Option<String> {
    (id.get() != 0).then(|| id.to_string())
}
