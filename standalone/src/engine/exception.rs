//! What the engine says when it refuses: code, text, and the HTTP status a ClickHouse server would answer with.

use hyper::StatusCode;

/// An error as ClickHouse names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Exception {
    /// ClickHouse's number, as in `X-ClickHouse-Exception-Code`.
    pub(super) code: u32,
    /// The whole text, `Code: 60. DB::Exception: …`.
    pub(super) message: String,
}

/// Numbers this server uses itself; the rest comes from the engine.
pub(super) mod code {
    pub(crate) const CANNOT_READ_ALL_DATA: u32 = 33;
    pub(crate) const BAD_ARGUMENTS: u32 = 36;
    pub(crate) const LOGICAL_ERROR: u32 = 49;
    pub(crate) const SYNTAX_ERROR: u32 = 62;
    pub(crate) const TIMEOUT_EXCEEDED: u32 = 159;
    pub(crate) const READONLY: u32 = 164;
    pub(crate) const TOO_MANY_SIMULTANEOUS_QUERIES: u32 = 202;
    pub(crate) const QUERY_WAS_CANCELLED: u32 = 394;
    pub(crate) const UNKNOWN_COMPRESSION_METHOD: u32 = 89;
    pub(crate) const CHECKSUM_DOESNT_MATCH: u32 = 40;
    pub(crate) const TOO_LARGE_SIZE_COMPRESSED: u32 = 12;
    pub(crate) const ACCESS_DENIED: u32 = 497;
    pub(crate) const AUTHENTICATION_FAILED: u32 = 516;
}

impl Exception {
    /// One of this server's own, worded as ClickHouse words them.
    #[must_use]
    pub(super) fn new(code: u32, name: &str, text: &str) -> Self {
        Self { code, message: format!("Code: {code}. DB::Exception: {text}. ({name})") }
    }

    /// A failure that is nobody's input.
    #[must_use]
    pub(super) fn internal(text: &str) -> Self {
        Self::new(code::LOGICAL_ERROR, "LOGICAL_ERROR", text)
    }

    /// Reads the number out of the engine's text.
    #[must_use]
    pub(super) fn parse(message: String) -> Self {
        let code = message
            .strip_prefix("Error: ")
            .unwrap_or(&message)
            .strip_prefix("Code: ")
            .and_then(|rest| rest.split('.').next())
            .and_then(|digits| digits.trim().parse().ok());
        Self { code: code.unwrap_or(code::LOGICAL_ERROR), message }
    }

    /// The status of a ClickHouse server for this code.
    #[must_use]
    pub(super) fn status(&self) -> StatusCode {
        match self.code {
            194 => StatusCode::UNAUTHORIZED,
            192 | 193 | 497 | 516 | 164 => StatusCode::FORBIDDEN,
            6 | 26 | 27 | 33 | 36 | 38 | 41 | 42 | 43 | 44 | 53 | 62 | 63 | 69 | 70 | 72 | 85
            | 117 | 130 | 131 | 320 | 321 => StatusCode::BAD_REQUEST,
            16 | 45 | 46 | 47 | 50 | 56 | 60 | 73 | 81 | 115 => StatusCode::NOT_FOUND,
            159 => StatusCode::REQUEST_TIMEOUT,
            223 => StatusCode::PAYLOAD_TOO_LARGE,
            48 => StatusCode::NOT_IMPLEMENTED,
            202 => StatusCode::SERVICE_UNAVAILABLE,
            _ => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn code_and_status_come_from_the_text() {
        let check = |text: &str, code, status| {
            let exception = Exception::parse(text.to_owned());
            assert_eq!((exception.code, exception.status().as_u16()), (code, status), "{text}");
        };
        check("Code: 60. DB::Exception: Table default.t does not exist. (UNKNOWN_TABLE)", 60, 404);
        check("Error: Code: 62. DB::Exception: Syntax error. (SYNTAX_ERROR)", 62, 400);
        check("Code: 164. DB::Exception: readonly. (READONLY)", 164, 403);
        check("something else", 49, 500);
    }
}
