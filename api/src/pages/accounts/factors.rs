//! `/accounts/2fa/…`: codes of an app, recovery codes; passkeys beside them.

use axum::{
    extract::State,
    response::{IntoResponse, Redirect, Response},
};
use data_encoding::BASE64;
use qrcode::{QrCode, render::svg};

use super::{own, with_cookie};
use crate::{
    accounts::{
        flows::{Visit, factors as flow},
        session,
    },
    app::App,
    auth::Viewer,
    error::Error,
    i18n::Text,
    pages::{
        address::Address,
        parts::{Chip, Code, Field, OwnCard, OwnForm, OwnRow, Tone},
        request::Asked,
        typed::Typed,
    },
    queries::accounts::{
        factors::{self, Factors},
        passkeys::{self, Passkey},
    },
};

const HOME: &str = "/accounts/2fa/";

/// `GET /accounts/2fa/`
pub(in crate::pages) async fn show(
    State(app): State<App>,
    visit: Visit,
    viewer: Viewer,
    asked: Asked,
    address: Address,
) -> Result<Response, Error> {
    let t = asked.t;
    let has = factors::of(&app.db, viewer.user, &visit.place.host).await?;
    let keys = passkeys::list(&app.db, viewer.user, &visit.place.host).await?;
    let said = match address.get("done") {
        "totp-removed" => Some((t.say("done-totp-removed"), false)),
        "passkey" => Some((t.say("done-passkey"), false)),
        "passkey-removed" => Some((t.say("done-passkey-removed"), false)),
        _ => None,
    };
    let mut cards = vec![app_card(t, has), passkey_card(t, &visit, &keys)];
    if has.any() {
        cards.push(recovery_card(t, has));
    }
    if said.is_some() {
        cards[0].forms.push(end_others(t));
    }
    cards[0].said = said;
    own(&asked, "account-two-factors", cards)
}

/// `GET` of an address that only takes forms.
pub(in crate::pages) async fn back() -> Redirect {
    Redirect::to(HOME)
}

/// `GET /accounts/2fa/totp/`
pub(in crate::pages) async fn totp(
    State(app): State<App>,
    visit: Visit,
    viewer: Viewer,
    asked: Asked,
) -> Result<Response, Error> {
    if factors::of(&app.db, viewer.user, &visit.place.host).await?.has_totp {
        return Ok(Redirect::to(HOME).into_response());
    }
    offer(&app, &visit, &viewer, &asked, String::new()).await
}

/// `POST /accounts/2fa/totp/`: the first code of the app.
pub(in crate::pages) async fn confirm(
    State(app): State<App>,
    visit: Visit,
    viewer: Viewer,
    asked: Asked,
    typed: Typed,
) -> Result<Response, Error> {
    match flow::confirm_totp(&app, &visit, &viewer, typed.get("code")).await? {
        Some((secret, codes)) => {
            let remembered = viewer.is_remembered();
            let cookie = session::cookie(&secret, visit.place.is_secure, remembered);
            with_cookie(shown_once(&asked, codes, "done-totp")?, &cookie)
        }
        None => offer(&app, &visit, &viewer, &asked, asked.t.say("second-wrong")).await,
    }
}

/// `POST /accounts/2fa/totp/remove/`
pub(in crate::pages) async fn remove(
    State(app): State<App>,
    visit: Visit,
    viewer: Viewer,
) -> Result<Redirect, Error> {
    flow::remove_totp(&app, &visit, &viewer).await?;
    Ok(Redirect::to("/accounts/2fa/?done=totp-removed"))
}

/// `POST /accounts/2fa/recovery-codes/`
pub(in crate::pages) async fn new_codes(
    State(app): State<App>,
    visit: Visit,
    viewer: Viewer,
    asked: Asked,
) -> Result<Response, Error> {
    let codes = flow::new_codes(&app, &visit, &viewer).await?;
    shown_once(&asked, codes, "done-codes")
}

fn shown_once(asked: &Asked, codes: Vec<String>, done: &str) -> Result<Response, Error> {
    let t = asked.t;
    let card = OwnCard {
        said: Some((t.say(done), false)),
        codes,
        forms: vec![end_others(t)],
        ..OwnCard::new(t, t.say("recovery-codes"), t.say("recovery-codes-once"))
    };
    own(asked, "account-two-factors", vec![card])
}

/// What lets somebody in was changed: whoever is in by what it was before may go (ASVS 7.4.3).
fn end_others(t: Text) -> OwnForm {
    OwnForm::button("/accounts/sessions/end-others/", t.say("end-other-sessions"))
}

async fn offer(
    app: &App,
    visit: &Visit,
    viewer: &Viewer,
    asked: &Asked,
    wrong: String,
) -> Result<Response, Error> {
    let t = asked.t;
    let (typed, url) = flow::offer_totp(app, visit, viewer).await?;
    let code =
        Field::line("code", t.say("field-factor-code"), "").filled_by("one-time-code").error(wrong);
    let form = OwnForm::new("/accounts/2fa/totp/", vec![code.required()], t.say("switch-on"));
    let card = OwnCard {
        picture: Some((picture(&url), t.say("qr-shows"))),
        code: Some(Code { t, label: t.say("totp-typed"), text: typed, titled: true }),
        forms: vec![form],
        ..OwnCard::new(t, t.say("totp"), t.say("totp-how"))
    };
    own(asked, "account-two-factors", vec![card])
}

/// A QR code as a picture that needs no style and no script.
fn picture(text: &str) -> String {
    let Ok(code) = QrCode::new(text) else { return String::new() };
    let drawn = code.render::<svg::Color<'_>>().min_dimensions(208, 208).build();
    format!("data:image/svg+xml;base64,{}", BASE64.encode(drawn.as_bytes()))
}

fn app_card(t: Text, has: Factors) -> OwnCard {
    let (forms, link) = match has.has_totp {
        true => (vec![OwnForm::button("/accounts/2fa/totp/remove/", t.say("remove"))], None),
        false => (Vec::new(), Some((t.say("set-up-totp"), "/accounts/2fa/totp/".to_owned()))),
    };
    OwnCard {
        chip: Some(on(t, has.has_totp)),
        link,
        forms,
        ..OwnCard::new(t, t.say("totp"), t.say("totp-text"))
    }
}

fn on(t: Text, is_on: bool) -> Chip {
    match is_on {
        true => Chip { text: t.say("state-on"), tone: Tone::Good },
        false => Chip { text: t.say("state-off"), tone: Tone::Quiet },
    }
}

fn passkey_card(t: Text, visit: &Visit, keys: &[Passkey]) -> OwnCard {
    let row = |key: &Passkey| OwnRow {
        title: key.name.clone(),
        sub: match key.used_at {
            Some(at) => t.say1("used-last", "time", &t.near(at, visit.now, chrono_tz::Tz::UTC)),
            None => t.say("used-never"),
        },
        lines: Vec::new(),
        chip: None,
        actions: vec![(format!("/accounts/2fa/passkeys/{}/remove/", key.id), t.say("remove"))],
        href: String::new(),
    };
    let name = Field::line("name", t.say("field-passkey-name"), "").within("passkey");
    let form = OwnForm {
        passkey: Some(("make", "/accounts/2fa/passkeys/ask/", "/accounts/2fa/passkeys/")),
        is_primary: false,
        ..OwnForm::new(HOME, vec![name.hint(t.say("hint-passkey-name"))], t.say("add-passkey"))
    };
    OwnCard {
        chip: Some(on(t, !keys.is_empty())),
        rows: keys.iter().map(row).collect(),
        forms: vec![form],
        ..OwnCard::new(t, t.say("passkeys"), t.say("passkeys-text"))
    }
}

fn recovery_card(t: Text, has: Factors) -> OwnCard {
    let form = OwnForm::button("/accounts/2fa/recovery-codes/", t.say("new-codes"));
    let text = t.plural("recovery-codes-left", has.recovery_codes);
    OwnCard { forms: vec![form], ..OwnCard::new(t, t.say("recovery-codes"), text) }
}
