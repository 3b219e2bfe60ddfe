//! `/accounts/invitation/?token=…`: somebody was asked to be something on the site.

use axum::{
    extract::State,
    response::{IntoResponse, Redirect, Response},
};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};

use super::{alone, enter, fields};
use crate::{
    accounts::flows::{Visit, people as flow, sign_in},
    app::App,
    auth::{SIGN_IN, Viewer},
    error::Error,
    pages::{
        address::Address,
        parts::{Field, OwnCard, OwnForm},
        request::Asked,
        typed::{Typed, Wrong, mendable},
    },
    queries::accounts::people::Invitation,
};

const HOME: &str = "/accounts/invitation/";

/// `GET /accounts/invitation/`
pub(in crate::pages) async fn look(
    State(app): State<App>,
    visit: Visit,
    asked: Asked,
    address: Address,
) -> Result<Response, Error> {
    let token = address.get("token");
    let (invitation, user) = flow::look(&app, &visit, token).await?;
    page(&asked, (token, &invitation, user.is_some()), (&Typed::default(), &Wrong::default()))
}

/// `POST /accounts/invitation/`
pub(in crate::pages) async fn accept(
    State(app): State<App>,
    visit: Visit,
    asked: Asked,
    typed: Typed,
) -> Result<Response, Error> {
    let token = typed.get("token");
    let (invitation, user) = flow::look(&app, &visit, token).await?;
    if let Some(viewer) = of(&asked, &invitation) {
        flow::accept(&app, &visit, viewer, token).await?;
        return Ok(Redirect::to("/dashboard/").into_response());
    }
    let new = (typed.get("name"), typed.get("password"));
    match mendable(flow::accept_as_new(&app, &visit, token, new).await)? {
        Ok(user) => {
            let secret = sign_in::begin(&app, &visit, &user, (1, &["password"]), false).await?;
            enter(&visit, &secret, false, "/dashboard/")
        }
        Err(wrong) => page(&asked, (token, &invitation, user.is_some()), (&typed, &wrong)),
    }
}

/// Who reads, if it is who was asked.
fn of<'a>(asked: &'a Asked, invitation: &Invitation) -> Option<&'a Viewer> {
    asked.viewer.as_ref().filter(|viewer| viewer.email.eq_ignore_ascii_case(&invitation.email))
}

fn page(
    asked: &Asked,
    (token, invitation, has_account): (&str, &Invitation, bool),
    (typed, wrong): (&Typed, &Wrong),
) -> Result<Response, Error> {
    let t = asked.t;
    let role = t.word("role", &invitation.role);
    let values = [
        ("by", invitation.invited_by.as_str()),
        ("role", &role),
        ("site", &asked.site),
        ("email", &invitation.email),
    ];
    let hidden = || vec![("token", token.to_owned())];
    let mut card =
        OwnCard::new(t, t.say("invitation-title"), t.say_all("invitation-text", &values));
    let next = format!("{HOME}?token={token}");
    let sign_in = format!("{SIGN_IN}?next={}", utf8_percent_encode(&next, NON_ALPHANUMERIC));
    if of(asked, invitation).is_some() {
        let form = OwnForm::new(HOME, Vec::new(), t.say("accept"));
        card.forms.push(OwnForm { hidden: hidden(), ..form });
    } else if has_account {
        card.link = Some((t.say("sign-in"), sign_in.clone()));
    } else {
        let name = Field::line("name", t.say("field-your-name"), typed.get("name"))
            .filled_by("name")
            .error(wrong.say(t, "name"));
        let form = OwnForm::new(HOME, vec![name, fields::new_password(t, wrong)], t.say("accept"));
        card.forms.push(OwnForm { hidden: hidden(), ..form });
    }
    alone(asked, t.say("invitation-title"), vec![card], (t.say("have-account"), sign_in))
}
