//! `/accounts/sessions/`: where somebody is signed in, and ending it.

use axum::{
    extract::{Path, State},
    response::{Redirect, Response},
};

use super::own;
use crate::{
    accounts::flows::Visit,
    app::App,
    auth::Viewer,
    error::Error,
    i18n::Text,
    pages::{
        address::Address,
        parts::{Chip, OwnCard, OwnForm, OwnRow, Tone},
        request::Asked,
    },
    queries::accounts::sessions::{self, Session},
};

/// `GET /accounts/sessions/`
pub(in crate::pages) async fn show(
    State(app): State<App>,
    visit: Visit,
    viewer: Viewer,
    asked: Asked,
    address: Address,
) -> Result<Response, Error> {
    let t = asked.t;
    let list = sessions::list(&app.db, viewer.user, visit.now).await?;
    let others = list.iter().any(|one| Some(one.id) != viewer.session());
    let end_others = OwnForm::button("/accounts/sessions/end-others/", t.say("end-other-sessions"));
    let said = (address.get("done") == "ended").then(|| (t.say("done-ended"), false));
    let card = OwnCard {
        said,
        rows: list.iter().map(|one| row(t, &visit, one, viewer.session())).collect(),
        forms: if others { vec![end_others] } else { Vec::new() },
        ..OwnCard::new(t, t.say("account-sessions"), t.say("sessions-text"))
    };
    own(&asked, "account-sessions", vec![card])
}

/// `POST /accounts/sessions/{id}/end/`
pub(in crate::pages) async fn end(
    State(app): State<App>,
    visit: Visit,
    viewer: Viewer,
    Path(id): Path<String>,
) -> Result<Redirect, Error> {
    let id = id.parse().map_err(|_| Error::NotFound("session"))?;
    if !sessions::delete_one(&app.db, viewer.user, id).await? {
        return Err(Error::NotFound("session"));
    }
    visit.note(&app, viewer.user, "session_ended").await?;
    Ok(Redirect::to("/accounts/sessions/?done=ended"))
}

/// `POST /accounts/sessions/end-others/`
pub(in crate::pages) async fn end_others(
    State(app): State<App>,
    visit: Visit,
    viewer: Viewer,
) -> Result<Redirect, Error> {
    let ended = sessions::delete_others(&app.db, viewer.user, viewer.session()).await?;
    let details = serde_json::json!({ "sessions": ended });
    visit.tell(&app.db, Some(viewer.user), "sessions_ended", details).await?;
    Ok(Redirect::to("/accounts/sessions/?done=ended"))
}

fn row(t: Text, visit: &Visit, one: &Session, own: Option<i64>) -> OwnRow {
    let is_own = Some(one.id) == own;
    let chip = match (is_own, one.is_impersonated) {
        (true, _) => Some(Chip { text: t.say("this-session"), tone: Tone::Good }),
        (false, true) => Some(Chip { text: t.say("impersonated"), tone: Tone::Wait }),
        _ => None,
    };
    let seen = t.near(one.seen_at, visit.now, chrono_tz::Tz::UTC);
    let sub = t
        .say_all("session-sub", &[("host", &one.host), ("network", &one.network), ("seen", &seen)]);
    OwnRow {
        title: device(t, &one.agent),
        sub,
        lines: Vec::new(),
        chip,
        actions: match is_own {
            true => Vec::new(),
            false => vec![(format!("/accounts/sessions/{}/end/", one.id), t.say("end-session"))],
        },
        href: String::new(),
    }
}

/// A browser in a few words: what it is, and on what.
pub(super) fn device(t: Text, agent: &str) -> String {
    let find = |names: &[(&str, &'static str)]| {
        names.iter().find(|(part, _)| agent.contains(part)).map(|(_, name)| *name)
    };
    // In this order: most of them say that they are others as well.
    let browser = find(&[
        ("Edg/", "Edge"),
        ("OPR/", "Opera"),
        ("Firefox/", "Firefox"),
        ("Chrome/", "Chrome"),
        ("Safari/", "Safari"),
        ("curl/", "curl"),
    ]);
    let system = find(&[
        ("Android", "Android"),
        ("iPhone", "iPhone"),
        ("iPad", "iPad"),
        ("Windows", "Windows"),
        ("Mac OS", "macOS"),
        ("CrOS", "ChromeOS"),
        ("Linux", "Linux"),
    ]);
    match (browser, system) {
        (Some(browser), Some(system)) => format!("{browser} · {system}"),
        (Some(one), None) | (None, Some(one)) => one.to_owned(),
        (None, None) => t.say("unknown-device"),
    }
}
