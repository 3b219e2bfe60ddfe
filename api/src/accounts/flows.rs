//! What people do with their accounts, step by step; pages and JSON go the same way.

pub mod sign_in;
pub mod first;
pub mod second;
pub mod passkeys;
pub mod proof;
pub mod factors;
pub mod password;
pub mod tokens;
pub mod api;
pub mod sign_up;
pub mod reset;
pub mod emails;
pub mod mailed;
pub mod own;
pub mod provider;
pub mod notices;
pub mod people;

use axum::{extract::FromRequestParts, http::request::Parts};
use chrono::{DateTime, Utc};
use serde_json::{Value, json};

use crate::{
    accounts::{secret::Secret, session},
    app::App,
    auth, clock,
    error::Error,
    place::Place,
    queries::accounts::events,
};

/// From where something is asked: the site and the client, the browser, the session it shows.
#[derive(Debug, Clone)]
pub struct Visit {
    /// The site and the client.
    pub place: Place,
    /// What the browser calls itself.
    pub agent: String,
    /// The secret of its session's cookie, good or not.
    pub cookie: Option<Secret>,
    /// The secret of a step it began.
    pub flow: Option<Secret>,
    /// The secret of one's own session, while one looks through another's eyes.
    pub own: Option<Secret>,
    /// Now.
    pub now: DateTime<Utc>,
}

impl Visit {
    /// The client's network.
    pub fn network(&self) -> String {
        self.place.network()
    }

    /// Now, for limits.
    pub fn now_ms(&self) -> i64 {
        self.now.timestamp_millis()
    }

    /// Writes down what happened to an account.
    ///
    /// # Errors
    /// `sqlx::Error` when PostgreSQL does not answer.
    pub async fn tell(
        &self,
        db: impl sqlx::PgExecutor<'_>,
        user: Option<i64>,
        kind: &str,
        details: Value,
    ) -> Result<(), sqlx::Error> {
        let network = self.network();
        let from = events::Origin { host: &self.place.host, network: &network, agent: &self.agent };
        events::insert(db, user, (kind, details), from, self.now).await
    }

    /// The same, with nothing more to say.
    ///
    /// # Errors
    /// `sqlx::Error` when PostgreSQL does not answer.
    pub async fn note(&self, app: &App, user: i64, kind: &str) -> Result<(), sqlx::Error> {
        self.tell(&app.db, Some(user), kind, json!({})).await
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Visit {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Error> {
        let place = Place::from_request_parts(parts, state).await?;
        let name = session::cookie_name(place.is_secure);
        let cookie = auth::cookie(&parts.headers, name).and_then(Secret::read);
        let flow = auth::cookie(&parts.headers, session::flow_name(place.is_secure));
        let flow = flow.and_then(Secret::read);
        let own = auth::cookie(&parts.headers, session::own_name(place.is_secure));
        let own = own.and_then(Secret::read);
        let agent = auth::agent(&parts.headers);
        Ok(Self { place, agent, cookie, flow, own, now: clock::now() })
    }
}
