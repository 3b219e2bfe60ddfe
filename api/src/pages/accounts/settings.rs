//! `/accounts/settings/`: language, time zone, currency, look, and what is told by mail.

use axum::{
    extract::State,
    response::{IntoResponse, Redirect, Response},
};
use schemas::money::Currency;

use super::own;
use crate::{
    app::App,
    auth::Viewer,
    error::Error,
    i18n::{Lang, Text},
    pages::{
        address::Address,
        parts::{Check, Choice, Field, OwnCard, OwnForm},
        request::Asked,
        typed::{Typed, Wrong, mendable},
    },
    queries::accounts::users::{self, Settings},
};

/// `GET /accounts/settings/`
pub(in crate::pages) async fn form(
    State(app): State<App>,
    viewer: Viewer,
    asked: Asked,
    address: Address,
) -> Result<Response, Error> {
    let kept = users::settings(&app.db, viewer.user).await?;
    let typed = Typed::default()
        .with("language", kept.language)
        .with("time_zone", kept.time_zone)
        .with("currency", kept.currency)
        .with("theme", kept.theme)
        .with("new_device", if kept.tells_new_device { "on" } else { "" });
    let said = (address.get("done") == "saved").then(|| (asked.t.say("done-saved"), false));
    page(&asked, &typed, &Wrong::default(), said)
}

/// `POST /accounts/settings/`
pub(in crate::pages) async fn save(
    State(app): State<App>,
    viewer: Viewer,
    asked: Asked,
    typed: Typed,
) -> Result<Response, Error> {
    match mendable(read(&typed))? {
        Ok(settings) => {
            users::set_settings(&app.db, viewer.user, &settings).await?;
            Ok(Redirect::to("/accounts/settings/?done=saved").into_response())
        }
        Err(wrong) => page(&asked, &typed, &wrong, None),
    }
}

fn read(typed: &Typed) -> Result<Settings, Error> {
    let get = |name: &str| typed.get(name).trim().to_owned();
    let settings = Settings {
        language: get("language"),
        time_zone: get("time_zone"),
        currency: get("currency").to_ascii_uppercase(),
        theme: get("theme"),
        tells_new_device: typed.get("new_device") == "on",
    };
    let empty_or = |text: &str, good: bool| text.is_empty() || good;
    let checks = [
        ("language", empty_or(&settings.language, Lang::from_tag(&settings.language).is_some())),
        (
            "time_zone",
            empty_or(&settings.time_zone, settings.time_zone.parse::<chrono_tz::Tz>().is_ok()),
        ),
        ("currency", empty_or(&settings.currency, settings.currency.parse::<Currency>().is_ok())),
        ("theme", empty_or(&settings.theme, matches!(settings.theme.as_str(), "light" | "dark"))),
    ];
    match checks.iter().find(|(_, good)| !good) {
        None => Ok(settings),
        Some((field, _)) => Err(Error::field(*field, "unknown", "this is not known here")),
    }
}

fn page(
    asked: &Asked,
    typed: &Typed,
    wrong: &Wrong,
    said: Option<(String, bool)>,
) -> Result<Response, Error> {
    let t = asked.t;
    let form = OwnForm {
        checks: vec![Check {
            name: "new_device",
            value: "on",
            label: t.say("tell-new-device"),
            is_on: typed.get("new_device") == "on",
        }],
        ..OwnForm::new("/accounts/settings/", fields(t, typed, wrong), t.say("save"))
    };
    let card = OwnCard {
        said,
        forms: vec![form],
        ..OwnCard::new(t, t.say("account-settings"), t.say("settings-text"))
    };
    own(asked, "account-settings", vec![card])
}

fn fields(t: Text, typed: &Typed, wrong: &Wrong) -> Vec<Field> {
    let choice = |value: &str, label: String| Choice { value: value.to_owned(), label };
    let mut languages = vec![choice("", t.say("language-auto"))];
    languages.extend(Lang::ALL.map(|lang| choice(lang.tag(), lang.name().to_owned())));
    let themes = vec![
        choice("", t.say("theme-auto")),
        choice("light", t.say("theme-light")),
        choice("dark", t.say("theme-dark")),
    ];
    vec![
        Field::select("language", t.say("language"), typed.get("language"), languages)
            .error(wrong.say(t, "language")),
        Field::line("time_zone", t.say("zone"), typed.get("time_zone"))
            .hint(t.say("hint-zone"))
            .error(wrong.say(t, "time_zone")),
        Field::line("currency", t.say("field-currency"), typed.get("currency"))
            .hint(t.say("hint-own-currency"))
            .error(wrong.say(t, "currency")),
        Field::select("theme", t.say("theme"), typed.get("theme"), themes)
            .error(wrong.say(t, "theme")),
    ]
}
