//! What can go wrong while answering, and the only place that picks a status.
//!
//! Every error leaves as a [`Problem`] (RFC 9457), which the outermost layer writes as
//! `application/problem+json`, or as a page for whoever asked for one. Nothing of a store's own words
//! goes out: a fault of ours is a request id, and the rest is in the log.

mod codes;
mod layer;

pub use codes::{CODES, Code};
pub(crate) use layer::wants_page;
pub use layer::{RequestId, answer};

use axum::{
    http::StatusCode,
    response::{IntoResponse, Response},
};
use serde::Serialize;

/// Why a request is not answered as asked.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Nobody we know asks.
    #[error("not signed in")]
    Unauthorized,
    /// A token that is none, or none any more.
    #[error("invalid token")]
    InvalidToken,
    /// Wrong name or wrong password, and nobody is told which.
    #[error("wrong name or password")]
    WrongPassword,
    /// The right password of an address nobody has confirmed yet.
    #[error("address not confirmed")]
    Unconfirmed,
    /// Not for this viewer.
    #[error("forbidden")]
    Forbidden,
    /// A second factor, or a fresh proof, would let this viewer.
    #[error("step up")]
    StepUp,
    /// Too often: again after so many seconds.
    #[error("again in {0} s")]
    TooOften(u64),
    /// A form or script of another site, or one that hides where it comes from.
    #[error("a request from another site")]
    CrossSite,
    /// A host that is not ours.
    #[error("unknown host")]
    Misdirected,
    /// Plain HTTP from another machine.
    #[error("plain http")]
    PlainHttp,
    /// There is no such thing, or not for this viewer.
    #[error("no such {0}")]
    NotFound(&'static str),
    /// The request cannot be read: its encoding or its syntax.
    #[error("{0}")]
    Unreadable(String),
    /// The request can be read, and some of its fields are wrong.
    #[error("{} wrong fields", .0.len())]
    Invalid(Vec<Field>),
    /// The body is no JSON by its content type, or is compressed.
    #[error("unsupported media type")]
    MediaType,
    /// The body is over the limit.
    #[error("body too large")]
    TooLarge,
    /// As many listen to the live stream as may.
    #[error("too many listeners")]
    TooManyListeners,
    /// As much is being done of what costs much as may.
    #[error("busy")]
    Busy,
    /// Another house does not answer, or says what cannot be believed.
    #[error("another house does not answer")]
    Unreachable,
    /// PostgreSQL.
    #[error("postgres: {0}")]
    Sql(#[from] sqlx::Error),
    /// ClickHouse.
    #[error("clickhouse: {0}")]
    Clickhouse(#[from] clickhouse::error::Error),
    /// A template.
    #[error("template: {0}")]
    Render(#[from] askama::Error),
    /// A handler panicked, or a fault of ours of another kind.
    #[error("{0}")]
    Fault(String),
}

/// A field that is wrong, and why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Field {
    /// Its path, as `destination` or `plans[0].amount_minor`.
    pub field: String,
    /// A word for programs and translations, as `taken` or `required`.
    pub code: &'static str,
    /// A sentence for people.
    pub detail: String,
}

impl Field {
    /// A field, a word and a sentence.
    pub fn new(field: impl Into<String>, code: &'static str, detail: impl Into<String>) -> Self {
        Self { field: field.into(), code, detail: detail.into() }
    }
}

/// What the outermost layer writes, as JSON or as a page. Lies in the response's extensions.
#[derive(Debug, Clone)]
pub struct Problem {
    /// The status and the word for it.
    pub code: &'static Code,
    /// A sentence about this one occurrence; may be empty.
    pub detail: String,
    /// What is wrong with which field.
    pub errors: Vec<Field>,
    /// When to come again, in seconds.
    pub after_s: Option<u64>,
}

impl Error {
    /// One wrong field.
    pub fn field(field: impl Into<String>, code: &'static str, detail: impl Into<String>) -> Self {
        Self::Invalid(vec![Field::new(field, code, detail)])
    }

    /// A unique index that refused, as an error of the field it guards; anything else as it is.
    pub(crate) fn on_constraint(error: sqlx::Error, constraint: &str, field: Field) -> Self {
        match &error {
            sqlx::Error::Database(found) if found.constraint() == Some(constraint) => {
                Self::Invalid(vec![field])
            }
            _ => Self::Sql(error),
        }
    }

    /// The one place that picks a status.
    fn problem(self) -> Problem {
        let after_s = match &self {
            Self::TooOften(after_s) => Some(*after_s),
            _ => None,
        };
        let (code, detail, errors) = match self {
            Self::Unauthorized => (&codes::UNAUTHORIZED, String::new(), Vec::new()),
            Self::InvalidToken => (&codes::INVALID_TOKEN, String::new(), Vec::new()),
            Self::WrongPassword => (&codes::WRONG_PASSWORD, String::new(), Vec::new()),
            Self::Unconfirmed => (&codes::UNCONFIRMED, String::new(), Vec::new()),
            Self::Forbidden => (&codes::FORBIDDEN, String::new(), Vec::new()),
            Self::StepUp => (&codes::STEP_UP, String::new(), Vec::new()),
            Self::TooOften(after_s) => {
                (&codes::RATE_LIMITED, format!("again in {after_s} s"), Vec::new())
            }
            Self::CrossSite => (&codes::CROSS_SITE, String::new(), Vec::new()),
            Self::Misdirected => (&codes::MISDIRECTED, String::new(), Vec::new()),
            Self::PlainHttp => (&codes::PLAIN_HTTP, String::new(), Vec::new()),
            Self::NotFound(_) => (&codes::NOT_FOUND, self.to_string(), Vec::new()),
            Self::Unreadable(detail) => (&codes::UNREADABLE, detail, Vec::new()),
            Self::Invalid(errors) => (&codes::INVALID, String::new(), errors),
            Self::MediaType => (&codes::MEDIA_TYPE, String::new(), Vec::new()),
            Self::TooLarge => (&codes::TOO_LARGE, String::new(), Vec::new()),
            Self::Unreachable => (&codes::UNREACHABLE, String::new(), Vec::new()),
            Self::Busy => (&codes::BUSY, String::new(), Vec::new()),
            Self::TooManyListeners => (&codes::TOO_MANY, String::new(), Vec::new()),
            Self::Clickhouse(error) => {
                tracing::warn!(%error, "clickhouse did not answer");
                (&codes::DELAYED, String::new(), Vec::new())
            }
            // What a query forgot, the second net caught: to the viewer there is no such thing.
            Self::Sql(error) if is_out_of_reach(&error) => {
                tracing::error!(%error, "row-level security refused what a query would have done");
                (&codes::NOT_FOUND, String::new(), Vec::new())
            }
            Self::Sql(error) if is_outage(&error) => {
                tracing::warn!(%error, "postgres did not answer");
                (&codes::UNAVAILABLE, String::new(), Vec::new())
            }
            Self::Sql(_) | Self::Render(_) | Self::Fault(_) => {
                tracing::error!(error = %self, "request failed");
                (&codes::FAULT, String::new(), Vec::new())
            }
        };
        Problem { code, detail, errors, after_s }
    }
}

/// Whether a row was another site's, or none of the viewer's.
fn is_out_of_reach(error: &sqlx::Error) -> bool {
    const INSUFFICIENT_PRIVILEGE: &str = "42501";
    let code = error.as_database_error().and_then(|error| error.code());
    code.as_deref() == Some(INSUFFICIENT_PRIVILEGE)
}

/// Whether the database is away, or too busy to be asked: no fault of a statement of ours.
fn is_outage(error: &sqlx::Error) -> bool {
    // Connection exceptions, out of resources, an operator's shutdown, a statement that took too long.
    const CLASSES: [&str; 4] = ["08", "53", "57", "55"];
    match error {
        sqlx::Error::Io(_) | sqlx::Error::PoolTimedOut | sqlx::Error::PoolClosed => true,
        sqlx::Error::Database(error) => {
            error.code().is_some_and(|code| CLASSES.iter().any(|class| code.starts_with(class)))
        }
        _ => false,
    }
}

impl From<getrandom::Error> for Error {
    fn from(error: getrandom::Error) -> Self {
        Self::Fault(format!("no randomness: {error}"))
    }
}

impl IntoResponse for Error {
    fn into_response(self) -> Response {
        self.problem().into_response()
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let mut response = self.code.status.into_response();
        response.extensions_mut().insert(self);
        response
    }
}

impl Problem {
    /// For a status that came without a problem of ours (no such route, method not allowed, …).
    fn of_status(status: StatusCode) -> Self {
        let known = CODES.iter().find(|code| code.status == status);
        let code = known.copied().unwrap_or(match status.is_client_error() {
            true => &codes::UNREADABLE,
            false => &codes::FAULT,
        });
        Self { code, detail: String::new(), errors: Vec::new(), after_s: None }
    }
}
