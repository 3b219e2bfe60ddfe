//! A JSON body, strictly: its content type, its size, its depth, its fields and their types.

use axum::{
    body::Bytes,
    extract::{FromRequest, Request},
    http::{HeaderMap, header},
    response::IntoResponse,
};
use serde::de::DeserializeOwned;
use serde_json::error::Category;

use crate::error::{Error, Field};

/// A body of the shape asked for. Unknown fields are refused where the shape says so (all do).
#[derive(Debug)]
pub struct Json<T>(pub T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequest<S> for Json<T> {
    type Rejection = Error;

    async fn from_request(request: Request, state: &S) -> Result<Self, Error> {
        if !is_plain_json(request.headers()) {
            return Err(Error::MediaType);
        }
        let bytes =
            Bytes::from_request(request, state).await.map_err(|rejection| {
                match rejection.into_response().status() {
                    axum::http::StatusCode::PAYLOAD_TOO_LARGE => Error::TooLarge,
                    _ => Error::Unreadable("the body did not arrive whole".to_owned()),
                }
            })?;
        parse(&bytes).map(Self)
    }
}

fn is_plain_json(headers: &HeaderMap) -> bool {
    let kind = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let kind = kind.map(|kind| kind.split(';').next().unwrap_or_default().trim());
    kind.is_some_and(|kind| kind.eq_ignore_ascii_case("application/json"))
        && !headers.contains_key(header::CONTENT_ENCODING)
}

fn parse<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Error> {
    // serde reads a list as a struct, too, by the place of its fields and past the refusal of unknown ones.
    if bytes.iter().find(|byte| !byte.is_ascii_whitespace()) == Some(&b'[') {
        return Err(Error::Invalid(vec![Field::new("", "invalid_type", "an object, not a list")]));
    }
    let mut reader = serde_json::Deserializer::from_slice(bytes);
    let value = serde_path_to_error::deserialize(&mut reader).map_err(|error| {
        let path = error.path().to_string();
        let error = error.into_inner();
        match error.classify() {
            Category::Data => Error::Invalid(vec![field(&path, &error.to_string())]),
            // A number of the right shape, and larger than any: `1e400`.
            _ if error.to_string().starts_with("number out of range") => {
                Error::Invalid(vec![field(&path, &error.to_string())])
            }
            _ => Error::Unreadable(format!("the body is no JSON: {error}")),
        }
    })?;
    reader.end().map_err(|_| Error::Unreadable("something stands behind the JSON".to_owned()))?;
    Ok(value)
}

/// serde's words with the field they are about, which it names in different places.
fn field(path: &str, words: &str) -> Field {
    let quoted = words.split('`').nth(1).unwrap_or_default();
    let inside = match path {
        "." | "" => quoted.to_owned(),
        path if path == quoted || path.ends_with(&format!(".{quoted}")) => path.to_owned(),
        path => format!("{path}.{quoted}"),
    };
    if words.starts_with("unknown field") {
        Field::new(inside, "unknown", "there is no such field")
    } else if words.starts_with("missing field") {
        Field::new(inside, "required", "this is needed")
    } else if words.starts_with("duplicate field") {
        Field::new(inside, "twice", "given twice")
    } else {
        Field::new(if path == "." { "" } else { path }, "invalid_type", awaited(words))
    }
}

/// What was awaited, in serde's words, without what was sent: a password that is a number does not
/// come back.
fn awaited(words: &str) -> &str {
    let words = words.rsplit_once(" at line ").map_or(words, |(words, _)| words);
    match words.rsplit_once(", expected ") {
        Some((_, awaited)) => awaited,
        None if words.starts_with("number out of range") => "a number that is not out of range",
        None => "something else is expected here",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde::Deserialize;

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Line {
        #[serde(rename = "amount_minor")]
        _amount: i64,
    }

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Body {
        #[serde(rename = "lines")]
        _lines: Vec<Line>,
    }

    fn wrong(body: &str) -> (String, &'static str) {
        match parse::<Body>(body.as_bytes()).unwrap_err() {
            Error::Invalid(fields) => (fields[0].field.clone(), fields[0].code),
            Error::Unreadable(_) => (String::new(), "unreadable"),
            error => panic!("{error}"),
        }
    }

    #[test]
    fn every_wrong_field_is_named_by_its_path() {
        assert!(parse::<Body>(br#"{"lines":[{"amount_minor":-5}]}"#).is_ok());
        let cases = [
            (r#"{"lines":[{"amount_minor":-0}]}"#, ("lines[0].amount_minor", "invalid_type")),
            (r#"{"lines":[{"amount_minor":1.5}]}"#, ("lines[0].amount_minor", "invalid_type")),
            (r#"{"lines":[{"amount_minor":1.0}]}"#, ("lines[0].amount_minor", "invalid_type")),
            (r#"{"lines":[{"amount_minor":"100"}]}"#, ("lines[0].amount_minor", "invalid_type")),
            (r#"{"lines":[{"amount_minor":1e2}]}"#, ("lines[0].amount_minor", "invalid_type")),
            (
                r#"{"lines":[{"amount_minor":99999999999999999999}]}"#,
                ("lines[0].amount_minor", "invalid_type"),
            ),
            (r#"{"lines":[{}]}"#, ("lines[0].amount_minor", "required")),
            (r#"{"lines":[],"site_id":2}"#, ("site_id", "unknown")),
            (r#"{"lines":[{"amount_minor":1,"status":"paid"}]}"#, ("lines[0].status", "unknown")),
            (r#"{"lines":[],"lines":[]}"#, ("lines", "twice")),
            (r#"[]"#, ("", "invalid_type")),
            (r#"{"lines":[{"amount_minor":NaN}]}"#, ("", "unreadable")),
            (r#"{"lines":[{"amount_minor":1e400}]}"#, ("lines[0].amount_minor", "invalid_type")),
            (r#"{"lines":[]"#, ("", "unreadable")),
            (r#"{"lines":[]} x"#, ("", "unreadable")),
            ("", ("", "unreadable")),
        ];
        for (body, (path, code)) in cases {
            assert_eq!(wrong(body), (path.to_owned(), code), "{body}");
        }
        assert_eq!(wrong(&"[".repeat(10_000)).1, "invalid_type");
    }

    #[test]
    fn what_was_sent_is_not_repeated() {
        #[derive(Debug, Deserialize)]
        struct Form {
            #[serde(rename = "password")]
            _password: String,
        }
        for (body, says) in [
            (r#"{"password":4711471147}"#, "a string"),
            (r#"{"password":[4711471147]}"#, "a string"),
            (r#""4711471147""#, "struct Form"),
            (r#""4711471147, expected 4711471147 at line 4711471147""#, "struct Form"),
            (r#""4711471147`4711471147`""#, "struct Form"),
        ] {
            let told = parse::<Form>(body.as_bytes()).unwrap_err();
            assert!(!format!("{told:?}").contains("4711471147"), "{told:?}");
            assert!(matches!(told, Error::Invalid(fields) if fields[0].detail == says), "{body}");
        }
    }

    #[test]
    fn depth_is_bounded() {
        let deep = format!(r#"{{"lines":{}"#, "[".repeat(10_000));
        assert!(parse::<serde_json::Value>(deep.as_bytes()).is_err());
    }
}
