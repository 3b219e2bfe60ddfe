//! What each error code means: where `doc_url` leads.

use axum::{
    Json,
    extract::Path,
    http::{Method, Uri},
    response::{IntoResponse, Redirect, Response},
};
use serde_json::{Value, json};

use super::Answer;
use crate::error::{CODES, Code, Error};

/// All codes.
pub async fn list() -> Json<Value> {
    let data: Vec<Value> = CODES.iter().map(|code| row(code)).collect();
    Json(json!({ "object": "list", "data": data, "has_more": false }))
}

/// One of them.
pub async fn get(Path(name): Path<String>) -> Answer {
    Code::find(&name).map(|code| Json(row(code))).ok_or(Error::NotFound("code"))
}

/// For every URL that is none; one that only lacks its last slash is led there.
pub async fn no_such_route(method: Method, uri: Uri) -> Response {
    const OURS: [&str; 5] = ["/api/v1/", "/affiliate/", "/dashboard", "/accounts/", "/whitelabel/"];
    let path = uri.path();
    let lacks_slash = !path.ends_with('/') && OURS.iter().any(|ours| path.starts_with(ours));
    if method == Method::GET && lacks_slash && !path.contains("//") {
        let query = uri.query().map(|query| format!("?{query}")).unwrap_or_default();
        return Redirect::permanent(&format!("{path}/{query}")).into_response();
    }
    Error::NotFound("page").into_response()
}

fn row(code: &Code) -> Value {
    json!({
        "object": "error_code",
        "code": code.name,
        "status": code.status.as_u16(),
        "title": code.title,
        "help": code.help,
    })
}
