//! The letters we write, each in the reader's language.

use super::Letter;
use crate::{
    accounts::{flows::Visit, role::Role},
    app::App,
    i18n::Text,
};

/// To whom, from where, in which voice.
#[derive(Debug, Clone, Copy)]
pub struct To<'a> {
    /// The service.
    pub app: &'a App,
    /// From where it was asked for.
    pub visit: &'a Visit,
    /// The reader's voice.
    pub t: Text,
    /// The reader's address.
    pub address: &'a str,
    /// As the reader is called.
    pub name: &'a str,
}

/// The letters, by the keys of their words.
#[cfg(test)]
pub(crate) const KEYS: [&str; 13] = [
    "invited",
    "confirm",
    "add-email",
    "already",
    "address-taken",
    "reset",
    "sign-in",
    "deleted",
    "enrolment-approved",
    "enrolment-rejected",
    "password-changed",
    "new-device",
    "factors-changed",
];

impl To<'_> {
    fn letter(&self, kind: &'static str, key: &str, values: &[(&'static str, &str)]) -> Letter {
        let site = self.visit.place.site_name.as_ref();
        let mut all = vec![("site", site), ("name", self.name)];
        all.extend_from_slice(values);
        Letter {
            kind,
            address: self.address.to_owned(),
            t: self.t,
            subject: self.t.say_all(&format!("mail-{key}-subject"), &all),
            paragraphs: vec![
                self.t.say_all("mail-hello", &all),
                self.t.say_all(&format!("mail-{key}-text"), &all),
            ],
            button: None,
            code: None,
            footer: self.t.say_all("mail-footer", &all),
        }
    }

    /// A page of the site, never by what a request said its host was.
    fn url(&self, path: &str) -> String {
        format!("{}{path}", self.app.base_url(&self.visit.place.host))
    }
}

/// That somebody reads this address: a link, and a code for the browser that asked.
pub fn confirm(to: To<'_>, token: &str, code: &str) -> Letter {
    let url = to.url(&format!("/accounts/confirm-email/?token={token}"));
    Letter {
        button: Some((to.t.say("mail-confirm-button"), url)),
        code: Some(code.to_owned()),
        ..to.letter("confirm", "confirm", &[])
    }
}

/// That somebody reads this further address.
pub fn add_email(to: To<'_>, token: &str, code: &str) -> Letter {
    let url = to.url(&format!("/accounts/email/confirm/?token={token}"));
    Letter {
        button: Some((to.t.say("mail-confirm-button"), url)),
        code: Some(code.to_owned()),
        ..to.letter("add_email", "add-email", &[])
    }
}

/// Somebody wished to add an address that an account has.
pub fn address_taken(to: To<'_>) -> Letter {
    to.letter("address_taken", "address-taken", &[])
}

/// Somebody asked for an account that is there.
pub fn already(to: To<'_>) -> Letter {
    let url = to.url("/accounts/password/reset/");
    Letter {
        button: Some((to.t.say("mail-already-button"), url)),
        ..to.letter("already", "already", &[])
    }
}

/// A new password.
pub fn reset(to: To<'_>, token: &str) -> Letter {
    let url = to.url(&format!("/accounts/password/reset/confirm/?token={token}"));
    Letter {
        button: Some((to.t.say("mail-reset-button"), url)),
        ..to.letter("reset", "reset", &[])
    }
}

/// A code beside the password.
pub fn sign_in(to: To<'_>, code: &str) -> Letter {
    Letter { code: Some(code.to_owned()), ..to.letter("sign_in", "sign-in", &[]) }
}

/// Somebody decided whether the reader promotes a program.
pub fn enrolment(to: To<'_>, (program, status, answer): (&str, &str, &str)) -> Letter {
    let key = if status == "approved" { "enrolment-approved" } else { "enrolment-rejected" };
    let url = to.url("/affiliate/programs/");
    let mut letter = to.letter("enrolment", key, &[("program", program)]);
    if !answer.is_empty() {
        letter.paragraphs.push(answer.to_owned());
    }
    Letter { button: Some((to.t.say("mail-enrolment-button"), url)), ..letter }
}

/// The account is gone.
pub fn deleted(to: To<'_>) -> Letter {
    to.letter("deleted", "deleted", &[])
}

/// Somebody is asked to be something on a site.
pub fn invited(to: To<'_>, (by, role): (&str, Role), token: &str) -> Letter {
    let url = to.url(&format!("/accounts/invitation/?token={token}"));
    let role = to.t.word("role", role.name());
    Letter {
        button: Some((to.t.say("mail-invited-button"), url)),
        ..to.letter("invited", "invited", &[("by", by), ("role", &role)])
    }
}

/// The password was changed.
pub fn password_changed(to: To<'_>) -> Letter {
    told(to, "password_changed", "password-changed", &[])
}

/// Somebody signed in from where nobody did before.
pub fn new_device(to: To<'_>, device: &str) -> Letter {
    let when = to.t.instant(to.visit.now, chrono_tz::Tz::UTC);
    let network = to.visit.network();
    told(
        to,
        "new_device",
        "new-device",
        &[("when", &when), ("network", &network), ("device", device)],
    )
}

/// What is shown beside a password was changed.
pub fn factors_changed(to: To<'_>, event: &str) -> Letter {
    let what = to.t.word("event", event);
    told(to, "factors_changed", "factors-changed", &[("what", &what)])
}

/// Something that happened, and where to look if it was somebody else.
fn told(to: To<'_>, kind: &'static str, key: &str, values: &[(&'static str, &str)]) -> Letter {
    let url = to.url("/accounts/security-log/");
    Letter { button: Some((to.t.say("mail-log-button"), url)), ..to.letter(kind, key, values) }
}
