//! `/accounts/…`: coming in, and what a person sets for themselves.

pub(super) mod sign_in;
pub(super) mod setup;
mod fields;

use axum::{
    http::{HeaderValue, header},
    response::{IntoResponse, Redirect, Response},
};

use crate::{
    accounts::{flows::Visit, secret::Secret, session},
    error::Error,
};

/// Goes to a path of ours with a session's cookie.
fn enter(
    visit: &Visit,
    secret: &Secret,
    is_remembered: bool,
    path: &str,
) -> Result<Response, Error> {
    let cookie = session::cookie(secret, visit.place.is_secure, is_remembered);
    with_cookie(Redirect::to(path).into_response(), &cookie)
}

fn with_cookie(mut response: Response, cookie: &str) -> Result<Response, Error> {
    let value = HeaderValue::from_str(cookie).map_err(|error| Error::Fault(error.to_string()))?;
    response.headers_mut().append(header::SET_COOKIE, value);
    Ok(response)
}
