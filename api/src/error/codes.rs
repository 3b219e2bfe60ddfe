//! The closed list of error codes, with what each means: what `doc_url` leads to.

use axum::http::StatusCode;

/// One kind of error, as it stands on the wire.
#[derive(Debug, PartialEq, Eq)]
pub struct Code {
    /// The word: `not_found`.
    pub name: &'static str,
    /// The HTTP status it comes with.
    pub status: StatusCode,
    /// A short title, the same every time.
    pub title: &'static str,
    /// What it means and what to do.
    pub help: &'static str,
}

impl Code {
    /// Where its explanation is.
    pub fn doc_url(&self) -> String {
        format!("/api/v1/errors/{}/", self.name)
    }

    /// By its word.
    pub fn find(name: &str) -> Option<&'static Self> {
        CODES.iter().copied().find(|code| code.name == name)
    }
}

macro_rules! codes {
    ($($constant:ident = $status:ident $name:literal $title:literal $help:literal;)+) => {
        $(pub(super) static $constant: Code =
            Code { name: $name, status: StatusCode::$status, title: $title, help: $help };)+
        /// All of them.
        pub static CODES: &[&Code] = &[$(&$constant),+];
    };
}

codes!(
    UNREADABLE = BAD_REQUEST "unreadable" "The request cannot be read"
        "Its encoding or its syntax is broken: percent-encoding that is no UTF-8, a control character, a key given twice, JSON that ends too early. `detail` says where.";
    UNAUTHORIZED = UNAUTHORIZED "unauthorized" "Not signed in"
        "Sign in at /accounts/login/, or send `Authorization: Bearer TOKEN` with a token made under /accounts/tokens/.";
    INVALID_TOKEN = UNAUTHORIZED "invalid_token" "The token is not valid"
        "It is unknown, revoked or expired, or it belongs to another site. Make a new one under Tokens.";
    WRONG_PASSWORD = UNAUTHORIZED "wrong_password" "Wrong name or password"
        "No account has this name with this password. Type both again, or ask for a new password.";
    RATE_LIMITED = TOO_MANY_REQUESTS "rate_limited" "Too often"
        "Wait as many seconds as `Retry-After` says.";
    CROSS_SITE = FORBIDDEN "cross_site" "A request from another site"
        "A browser's request that changes something must come from a page of this site. Programs send the token as `Authorization: Bearer` instead of a cookie.";
    FORBIDDEN = FORBIDDEN "forbidden" "Not for you"
        "Your role on this site, or your token, does not allow this. Ask the site's admin.";
    UNCONFIRMED = FORBIDDEN "unconfirmed" "The address is not confirmed"
        "Open the link in the mail that was sent, then sign in again.";
    STEP_UP = FORBIDDEN "step_up_required" "A second factor is needed"
        "Sign in with a second factor: set one up under /accounts/2fa/, then sign in again.";
    NOT_FOUND = NOT_FOUND "not_found" "Not found"
        "There is no such thing, or not for you. Ids have a prefix (`lnk_12`), and every URL ends with a slash.";
    METHOD = METHOD_NOT_ALLOWED "method_not_allowed" "Method not allowed"
        "The `Allow` header names the methods this URL takes.";
    TIMEOUT = REQUEST_TIMEOUT "timeout" "The request took too long"
        "The body did not arrive in time. Send it again.";
    TOO_LARGE = PAYLOAD_TOO_LARGE "too_large" "The body is too large"
        "A body has at most 64 KiB.";
    TOO_LONG = URI_TOO_LONG "uri_too_long" "The URL is too long"
        "A URL has at most 16 KiB. Use fewer filters.";
    MEDIA_TYPE = UNSUPPORTED_MEDIA_TYPE "media_type" "Unsupported media type"
        "Send `Content-Type: application/json`, not compressed.";
    MISDIRECTED = MISDIRECTED_REQUEST "misdirected" "Unknown host"
        "No site has this host. Sites answer under their own domain only; a name that leads here is not enough.";
    PLAIN_HTTP = FORBIDDEN "plain_http" "Put TLS in front"
        "A page or token that leaves this machine unencrypted can be read on the way. Put a proxy with TLS in front and name it in TRIBUTARY_TRUSTED_PROXIES; for a test network, start with TRIBUTARY_INSECURE_HTTP=true.";
    INVALID = UNPROCESSABLE_ENTITY "invalid" "Some fields are wrong"
        "`errors` names each field with a code and a sentence. Nothing was changed.";
    TOO_MANY = TOO_MANY_REQUESTS "too_many_listeners" "Too many listeners"
        "As many connections listen to the live stream as may. Close one, or ask again later.";
    FAULT = INTERNAL_SERVER_ERROR "fault" "Something broke here"
        "A fault of this server, written to its log under `request_id`.";
    DELAYED = SERVICE_UNAVAILABLE "delayed" "Numbers are delayed"
        "The analytics store does not answer now. Nothing is lost: events are kept and counted later. Ask again in a few seconds.";
    BUSY = SERVICE_UNAVAILABLE "busy" "Busy"
        "More people sign in than can be checked at once. Nothing was changed. Try again in a few seconds.";
    UNREACHABLE = BAD_GATEWAY "unreachable" "The other service does not answer"
        "The service to sign in with does not answer, or says something that cannot be believed. Try again, or sign in another way. Whoever runs this machine finds the reason in its log.";
    UNAVAILABLE = SERVICE_UNAVAILABLE "unavailable" "Not available now"
        "The database does not answer now. Nothing was changed. Ask again in a few seconds.";
);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_is_found_by_its_word() {
        for code in CODES {
            assert_eq!(Code::find(code.name), Some(*code));
        }
        assert_eq!(Code::find("nothing"), None);
    }
}
