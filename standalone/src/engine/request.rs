//! What a request of the ClickHouse HTTP interface asks for: who, which statement, which settings and parameters.

use std::collections::BTreeMap;

use data_encoding::BASE64;
use hyper::HeaderMap;
use hyper::header::{AUTHORIZATION, HOST};
use subtle::ConstantTimeEq;

use super::exception::{Exception, code};
use super::{Access, User};

/// Names in the URL that are neither settings nor parameters.
const NOT_SETTINGS: [&str; 21] = [
    "query",
    "database",
    "default_format",
    "query_id",
    "compress",
    "decompress",
    "user",
    "password",
    "quota_key",
    "session_id",
    "session_timeout",
    "session_check",
    "close_session",
    "stacktrace",
    "role",
    "buffer_size",
    "wait_end_of_query",
    "client_protocol_version",
    "enable_http_compression",
    "http_zlib_compression_level",
    "send_progress_in_http_headers",
];

/// One statement and all that travels with it, its insert data excepted.
#[derive(Debug, Default, Clone)]
pub(super) struct Statement {
    /// From the `query` field of the URL or form; the body otherwise.
    pub sql: String,
    /// `default_format`, or `TabSeparated`.
    pub format: String,
    /// `database`.
    pub database: Option<String>,
    /// Every other URL field, to be set for this statement.
    pub settings: BTreeMap<String, String>,
    /// `param_*`, without the prefix.
    pub params: Vec<(String, String)>,
    /// `query_id`; echoed.
    pub query_id: Option<String>,
    /// The answer goes out in compressed frames.
    pub compress: bool,
    /// The body comes in compressed frames.
    pub decompress: bool,
}

impl Statement {
    /// Reads the fields of a URL.
    pub(super) fn from_url(query: &str) -> Result<Self, Exception> {
        let mut statement = Self { format: "TabSeparated".to_owned(), ..Self::default() };
        for (name, value) in url::form_urlencoded::parse(query.as_bytes()) {
            statement.put(&name, value.into_owned())?;
        }
        Ok(statement)
    }

    /// Adds a field of a URL or of a form.
    pub(super) fn put(&mut self, name: &str, value: String) -> Result<(), Exception> {
        match name {
            "query" => self.sql = value,
            "database" => self.database = Some(value),
            "default_format" => self.format = value,
            "query_id" => self.query_id = Some(value),
            "compress" => self.compress = value == "1",
            "decompress" => self.decompress = value == "1",
            _ if NOT_SETTINGS.contains(&name) => {}
            _ => match name.strip_prefix("param_") {
                Some(param) => self.params.push((param.to_owned(), value)),
                None if is_setting_name(name) => drop(self.settings.insert(name.to_owned(), value)),
                None => {
                    let text = format!("'{name}' is not the name of a setting");
                    return Err(Exception::new(115, "UNKNOWN_SETTING", &text));
                }
            },
        }
        Ok(())
    }
}

fn is_setting_name(name: &str) -> bool {
    name.starts_with(|first: char| first.is_ascii_alphabetic() || first == '_')
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
}

/// True when the request was sent to one of our names: a page of another site whose name was made to point at this
/// machine carries its own.
pub(super) fn host_is_ours(headers: &HeaderMap, own_names: &[String]) -> bool {
    let Some(host) = headers.get(HOST).and_then(|host| host.to_str().ok()) else { return false };
    let name = match host.strip_prefix('[') {
        Some(bracketed) => bracketed.split(']').next().unwrap_or_default(),
        None => host.split(':').next().unwrap_or_default(),
    };
    ["localhost", "127.0.0.1", "::1"].contains(&name)
        || own_names.iter().any(|own| own.eq_ignore_ascii_case(name))
}

/// Finds the user by `X-ClickHouse-User` and `-Key` or by Basic authorization. There is no user without a password.
pub(super) fn authenticate(headers: &HeaderMap, users: &[User]) -> Result<Access, Exception> {
    let header = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    let given = match (header("X-ClickHouse-User"), header("X-ClickHouse-Key")) {
        (Some(user), key) => Some((user.to_owned(), key.unwrap_or_default().to_owned())),
        (None, Some(key)) => Some(("default".to_owned(), key.to_owned())),
        (None, None) => basic(headers),
    };
    let Some((name, password)) = given else {
        return Err(Exception::new(
            194,
            "REQUIRED_PASSWORD",
            "Authentication failed: a user and a password are needed",
        ));
    };
    // Every user is compared, so that the time says nothing about the names.
    let mut found = None;
    for user in users {
        let same = user.name.as_bytes().ct_eq(name.as_bytes())
            & user.password.as_bytes().ct_eq(password.as_bytes());
        if bool::from(same) {
            found = Some(user.access);
        }
    }
    found.ok_or_else(|| {
        let text = format!("{name}: Authentication failed: password is incorrect, or there is no user with such name");
        Exception::new(code::AUTHENTICATION_FAILED, "AUTHENTICATION_FAILED", &text)
    })
}

fn basic(headers: &HeaderMap) -> Option<(String, String)> {
    let encoded = headers.get(AUTHORIZATION)?.to_str().ok()?.strip_prefix("Basic ")?;
    let decoded = String::from_utf8(BASE64.decode(encoded.trim().as_bytes()).ok()?).ok()?;
    let (user, password) = decoded.split_once(':')?;
    Some((user.to_owned(), password.to_owned()))
}

#[cfg(test)]
mod tests {
    use hyper::header::HeaderValue;

    use super::*;

    #[test]
    fn only_our_names_are_hosts() {
        let check = |host: &str, ours: bool| {
            let mut headers = HeaderMap::new();
            headers.insert(HOST, HeaderValue::from_str(host).unwrap());
            assert_eq!(host_is_ours(&headers, &["db.internal".to_owned()]), ours, "{host}");
        };
        check("localhost:8123", true);
        check("127.0.0.1", true);
        check("[::1]:8123", true);
        check("DB.internal:8123", true);
        check("evil.example:8123", false);
        check("localhost.evil.example", false);
        check("", false);
        assert!(!host_is_ours(&HeaderMap::new(), &[]));
    }

    #[test]
    fn fields_are_sorted_into_settings_and_params() {
        let url = "query=SELECT+1&param_a=%271&max_threads=1&database=d&compress=1&user=x";
        let statement = Statement::from_url(url).unwrap();
        assert_eq!(
            (statement.sql.as_str(), statement.database.as_deref()),
            ("SELECT 1", Some("d"))
        );
        assert_eq!(statement.params, [("a".to_owned(), "'1".to_owned())]);
        assert_eq!(
            statement.settings.into_iter().collect::<Vec<_>>(),
            [("max_threads".to_owned(), "1".to_owned())]
        );
        assert!(statement.compress && !statement.decompress);
        assert_eq!(Statement::from_url("a%3D1%2C%20b=2").unwrap_err().code, 115);
    }
}
