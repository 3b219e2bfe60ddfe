//! The rules: all of them on one screen.

use super::Lock;

/// So many at once, and as many again in a time. The generic cell rate algorithm: one number for each key, the time at
/// which it would be as if nothing had happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rule {
    /// Its name: keys of different rules never meet.
    pub name: &'static str,
    /// How many.
    pub burst: u32,
    /// In so many milliseconds.
    pub per_ms: i64,
}

const MINUTE_MS: i64 = 60_000;
const HOUR_MS: i64 = 60 * MINUTE_MS;

const fn rule(name: &'static str, burst: u32, per_ms: i64) -> Rule {
    Rule { name, burst, per_ms }
}

/// Attempts to sign in from an address.
pub const SIGN_IN_ADDRESS: Rule = rule("sign_in_address", 30, MINUTE_MS);
/// And from a network.
pub const SIGN_IN_NETWORK: Rule = rule("sign_in_network", 300, HOUR_MS);
/// Wrong passwords of an account from a network: five, then a lock of five minutes, of ten, of fifteen.
pub const WRONG_PASSWORD: Lock = Lock {
    name: "wrong_password",
    tries: 5,
    within_ms: 5 * MINUTE_MS,
    locked_ms: 5 * MINUTE_MS,
    longest_ms: 15 * MINUTE_MS,
    forgotten_ms: HOUR_MS,
};
/// Wrong passwords of an account from anywhere: over it the right one alone lets nobody in, and a mailed code is asked
/// for. No lock: whoever guesses keeps nobody out (ASVS 6.1.1).
pub const GUESSED: Rule = rule("guessed", 50, HOUR_MS);
/// Second factors of an account, right or wrong.
pub const SECOND_FACTOR: Rule = rule("second_factor", 5, 5 * MINUTE_MS);
/// Proofs of who is signed in already.
pub const REAUTHENTICATE: Rule = rule("reauthenticate", 5, 5 * MINUTE_MS);
/// New accounts from an address.
pub const SIGN_UP: Rule = rule("sign_up", 20, HOUR_MS);
/// Further addresses of an account.
pub const ADD_EMAIL: Rule = rule("add_email", 5, HOUR_MS);
/// Forgotten passwords from an address.
pub const RESET_ADDRESS: Rule = rule("reset_address", 10, HOUR_MS);
/// And of an account.
pub const RESET_ACCOUNT: Rule = rule("reset_account", 3, HOUR_MS);
/// Mails to somebody at once, and in an hour.
pub const MAIL_MINUTE: Rule = rule("mail_minute", 1, MINUTE_MS);
/// See [`MAIL_MINUTE`].
pub const MAIL_HOUR: Rule = rule("mail_hour", 5, HOUR_MS);
/// Codes typed from an address.
pub const CODE_ADDRESS: Rule = rule("code_address", 30, MINUTE_MS);

/// Questions and changes by a token, or by somebody's program.
pub const API: Rule = rule("api", 3000, MINUTE_MS);
/// And by nobody known, from an address.
pub const API_ADDRESS: Rule = rule("api_address", 300, MINUTE_MS);

/// Exports and searches of somebody.
pub const EXPORT: Rule = rule("export", 60, MINUTE_MS);

/// All of them, by whose names they are set otherwise.
pub const RULES: [Rule; 16] = [
    SIGN_IN_ADDRESS,
    SIGN_IN_NETWORK,
    GUESSED,
    SECOND_FACTOR,
    REAUTHENTICATE,
    SIGN_UP,
    ADD_EMAIL,
    RESET_ADDRESS,
    RESET_ACCOUNT,
    MAIL_MINUTE,
    MAIL_HOUR,
    CODE_ADDRESS,
    API,
    API_ADDRESS,
    EXPORT,
    Rule {
        name: WRONG_PASSWORD.name,
        burst: WRONG_PASSWORD.tries,
        per_ms: WRONG_PASSWORD.within_ms,
    },
];

impl Rule {
    /// The time that one more takes up.
    pub(super) const fn step_ms(self) -> i64 {
        self.per_ms / self.burst as i64
    }

    /// What one more at `now_ms` does to a key that is clear at `clear_ms`: until when it is not, or how long to wait.
    pub(super) fn take(self, clear_ms: i64, now_ms: i64) -> Result<i64, i64> {
        let next_ms = clear_ms.max(now_ms) + self.step_ms();
        let wait_ms = next_ms - now_ms - self.per_ms;
        if wait_ms > 0 { Err(wait_ms) } else { Ok(next_ms) }
    }

    /// One of `nodes` parts, one at least.
    pub(super) fn part(self, nodes: u32) -> Self {
        Self { burst: (self.burst / nodes.max(1)).max(1), ..self }
    }
}
