//! Fields that several of these pages ask for.

use crate::{
    i18n::Text,
    pages::{
        parts::Field,
        typed::{Typed, Wrong},
    },
};

/// Address, name and a new password, as a new account asks for them.
pub(super) fn of_new_account(t: Text, typed: &Typed, wrong: &Wrong) -> Vec<Field> {
    vec![
        Field::line("email", t.say("field-email"), typed.get("email"))
            .typed("email")
            .filled_by("email")
            .error(wrong.say(t, "email"))
            .required(),
        Field::line("name", t.say("field-your-name"), typed.get("name"))
            .filled_by("name")
            .error(wrong.say(t, "name")),
        new_password(t, wrong),
    ]
}

/// A new password, and what makes a good one.
pub(super) fn new_password(t: Text, wrong: &Wrong) -> Field {
    Field::line("password", t.say("field-new-password"), "")
        .typed("password")
        .filled_by("new-password")
        .hint(t.say("hint-password"))
        .error(wrong.say(t, "password"))
        .required()
}
