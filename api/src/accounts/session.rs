//! How long a session lives, and the cookie that carries it (ASVS 7). Pure: time comes in.

use chrono::{DateTime, TimeDelta, Utc};

use super::{role::Role, secret::Secret};

/// Bound to one host and to secure contexts (`localhost` is one).
pub const COOKIE: &str = "__Host-sid";
/// Where the operator allows plain HTTP: no browser would send the other back.
pub const INSECURE_COOKIE: &str = "sid-insecure";

/// Left alone for so long it ends: usually, and for who can change most.
pub const IDLE: TimeDelta = TimeDelta::hours(24);
/// See [`IDLE`].
pub const IDLE_ADMIN: TimeDelta = TimeDelta::minutes(30);
/// However it is used it ends after so long.
pub const WHOLE: TimeDelta = TimeDelta::days(14);
/// See [`WHOLE`].
pub const WHOLE_ADMIN: TimeDelta = TimeDelta::hours(12);
/// It is written down that a session was seen at most this often.
pub const SEEN_EVERY: TimeDelta = TimeDelta::minutes(1);

/// When a session that begins now ends at the latest.
pub fn expires(role: Option<Role>, now: DateTime<Utc>) -> DateTime<Utc> {
    now + whole(role)
}

/// Whether a session still stands. What somebody is may have changed since it began.
pub fn stands(
    role: Option<Role>,
    (created_at, seen_at, expires_at): (DateTime<Utc>, DateTime<Utc>, DateTime<Utc>),
    now: DateTime<Utc>,
) -> bool {
    let idle = if role == Some(Role::Admin) { IDLE_ADMIN } else { IDLE };
    now < expires_at && now < created_at + whole(role) && now < seen_at + idle
}

fn whole(role: Option<Role>) -> TimeDelta {
    if role == Some(Role::Admin) { WHOLE_ADMIN } else { WHOLE }
}

/// The cookie's name, by whether its browser came safely.
pub const fn cookie_name(is_secure: bool) -> &'static str {
    if is_secure { COOKIE } else { INSECURE_COOKIE }
}

/// The `Set-Cookie` of a session; one that is not remembered ends with the browser.
pub fn cookie(secret: &Secret, is_secure: bool, is_remembered: bool) -> String {
    let age = match is_remembered {
        true => format!("; Max-Age={}", WHOLE.num_seconds()),
        false => String::new(),
    };
    set(secret.text(), is_secure, &age)
}

/// The name of the cookie of a step that was begun: a second factor, a passkey, a code typed off a mail.
pub const fn flow_name(is_secure: bool) -> &'static str {
    if is_secure { "__Host-flow" } else { "flow-insecure" }
}

/// The `Set-Cookie` of such a step, for as long as anybody may take to end it; `None` takes it away.
pub fn flow_cookie(secret: Option<&Secret>, is_secure: bool) -> String {
    let (value, age) = secret.map_or(("", 0), |secret| (secret.text(), 3600));
    let secure = if is_secure { "; Secure" } else { "" };
    format!(
        "{}={value}; Path=/; HttpOnly; SameSite=Lax{secure}; Max-Age={age}",
        flow_name(is_secure)
    )
}

/// The name of the cookie with one's own session, while one looks through another's eyes.
pub const fn own_name(is_secure: bool) -> &'static str {
    if is_secure { "__Host-own" } else { "own-insecure" }
}

/// Its `Set-Cookie`; `None` takes it away.
pub fn own_cookie(secret: Option<&Secret>, is_secure: bool) -> String {
    let (value, age) = secret.map_or(("", 0), |secret| (secret.text(), 3600));
    let secure = if is_secure { "; Secure" } else { "" };
    format!(
        "{}={value}; Path=/; HttpOnly; SameSite=Lax{secure}; Max-Age={age}",
        own_name(is_secure)
    )
}

/// The `Set-Cookie` that takes it away.
pub fn no_cookie(is_secure: bool) -> String {
    set("", is_secure, "; Max-Age=0")
}

fn set(value: &str, is_secure: bool, age: &str) -> String {
    let secure = if is_secure { "; Secure" } else { "" };
    format!("{}={value}; Path=/; HttpOnly; SameSite=Lax{secure}{age}", cookie_name(is_secure))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_session_ends_when_left_alone_and_after_its_whole_time() {
        let start = DateTime::from_timestamp(1_795_168_800, 0).unwrap();
        let at = |hours: f64| start + TimeDelta::milliseconds((hours * 3_600_000.0) as i64);
        let check = |role, seen: f64, now: f64| {
            stands(role, (start, at(seen), expires(role, start)), at(now))
        };
        let (admin, other) = (Some(Role::Admin), Some(Role::Affiliate));
        for (role, seen, now, stands) in [
            (other, 0.0, 23.9, true),
            (other, 0.0, 24.0, false),
            (other, 300.0, 320.0, true),
            (other, 335.0, 336.0, false),
            (admin, 0.0, 0.4, true),
            (admin, 0.0, 0.5, false),
            (admin, 11.9, 11.95, true),
            (admin, 11.9, 12.0, false),
            (None, 0.0, 23.9, true),
        ] {
            assert_eq!(check(role, seen, now), stands, "{role:?} {seen} {now}");
        }
        // Made an admin meanwhile: the shorter limits hold at once.
        assert!(!stands(admin, (start, at(12.9), expires(other, start)), at(13.0)));
    }

    #[test]
    fn the_cookie_is_bound_to_its_host_and_closed_to_scripts() {
        let secret = Secret::new().unwrap();
        let cookie = cookie(&secret, true, true);
        assert_eq!(
            cookie,
            format!(
                "__Host-sid={}; Path=/; HttpOnly; SameSite=Lax; Secure; Max-Age=1209600",
                secret.text()
            )
        );
        let brief = super::cookie(&secret, true, false);
        assert!(!brief.contains("Max-Age") && !brief.contains("Domain"));
        let insecure = super::cookie(&secret, false, false);
        assert!(insecure.starts_with("sid-insecure=") && !insecure.contains("Secure;"));
        assert!(
            no_cookie(true).starts_with("__Host-sid=;") && no_cookie(true).contains("Max-Age=0")
        );
    }
}
