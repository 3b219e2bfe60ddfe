//! `/accounts/email/`: the addresses of a person.

use axum::{
    extract::{Path, State},
    response::{IntoResponse, Redirect, Response},
};

use super::{own, with_cookie};
use crate::{
    accounts::{
        flows::{Visit, emails as flow},
        session,
    },
    app::App,
    auth::Viewer,
    error::Error,
    i18n::Text,
    pages::{
        address::Address,
        parts::{Chip, Field, OwnCard, OwnForm, OwnRow, Tone},
        request::Asked,
        typed::{Typed, Wrong, mendable},
    },
    queries::accounts::{emails, users},
};

const HOME: &str = "/accounts/email/";
const CONFIRM: &str = "/accounts/email/confirm/";

/// `GET /accounts/email/`
pub(in crate::pages) async fn show(
    State(app): State<App>,
    viewer: Viewer,
    asked: Asked,
    address: Address,
) -> Result<Response, Error> {
    let said = match address.get("done") {
        done @ ("added" | "first" | "removed") => {
            Some((asked.t.say(&format!("done-email-{done}")), false))
        }
        _ => None,
    };
    page(&app, &viewer, &asked, (&Typed::default(), &Wrong::default(), said)).await
}

/// `POST /accounts/email/`
pub(in crate::pages) async fn add(
    State(app): State<App>,
    visit: Visit,
    viewer: Viewer,
    asked: Asked,
    typed: Typed,
) -> Result<Response, Error> {
    let begun = flow::begin(&app, &visit, &viewer, (typed.get("email"), asked.t)).await;
    match mendable(begun)? {
        Ok(browser) => {
            let cookie = session::flow_cookie(Some(&browser), visit.place.is_secure);
            with_cookie(Redirect::to(CONFIRM).into_response(), &cookie)
        }
        Err(wrong) => page(&app, &viewer, &asked, (&typed, &wrong, None)).await,
    }
}

/// `GET /accounts/email/confirm/`: what a mail's link opens, or where its code is typed.
pub(in crate::pages) async fn look(
    State(app): State<App>,
    visit: Visit,
    viewer: Viewer,
    asked: Asked,
    address: Address,
) -> Result<Response, Error> {
    match address.get("token") {
        "" => code_page(&asked, String::new()),
        token => {
            let code = flow::look(&app, &visit, &viewer, token).await?;
            let form = OwnForm {
                hidden: vec![("token", token.to_owned())],
                ..OwnForm::new(CONFIRM, Vec::new(), asked.t.say("confirm"))
            };
            let text = asked.t.say1("confirm-own", "email", &code.email);
            confirm_page(&asked, form, text)
        }
    }
}

/// `POST /accounts/email/confirm/`
pub(in crate::pages) async fn confirm(
    State(app): State<App>,
    visit: Visit,
    viewer: Viewer,
    asked: Asked,
    typed: Typed,
) -> Result<Response, Error> {
    let added = match typed.get("token") {
        "" => flow::by_code(&app, &visit, &viewer, typed.get("code")).await,
        token => flow::by_link(&app, &visit, &viewer, token).await.map(Some),
    };
    match mendable(added)? {
        Ok(Some(_)) => {
            let away = Redirect::to("/accounts/email/?done=added").into_response();
            with_cookie(away, &session::flow_cookie(None, visit.place.is_secure))
        }
        Ok(None) => code_page(&asked, asked.t.say("mailed-code-wrong")),
        Err(wrong) => code_page(&asked, wrong.say(asked.t, "email")),
    }
}

/// `POST /accounts/email/{id}/first/`
pub(in crate::pages) async fn put_first(
    State(app): State<App>,
    visit: Visit,
    viewer: Viewer,
    Path(id): Path<String>,
) -> Result<Redirect, Error> {
    flow::put_first(&app, &visit, &viewer, number(&id)?).await?;
    Ok(Redirect::to("/accounts/email/?done=first"))
}

/// `POST /accounts/email/{id}/remove/`
pub(in crate::pages) async fn remove(
    State(app): State<App>,
    visit: Visit,
    viewer: Viewer,
    Path(id): Path<String>,
) -> Result<Redirect, Error> {
    flow::remove(&app, &visit, &viewer, number(&id)?).await?;
    Ok(Redirect::to("/accounts/email/?done=removed"))
}

fn number(id: &str) -> Result<i64, Error> {
    id.parse().map_err(|_| Error::NotFound("address"))
}

async fn page(
    app: &App,
    viewer: &Viewer,
    asked: &Asked,
    (typed, wrong, said): (&Typed, &Wrong, Option<(String, bool)>),
) -> Result<Response, Error> {
    let t = asked.t;
    let first = users::get(&app.db, viewer.user).await?.email;
    let mut rows = vec![OwnRow {
        title: first,
        sub: t.say("email-first-sub"),
        chip: Some(Chip { text: t.say("email-first"), tone: Tone::Good }),
        ..OwnRow::default()
    }];
    rows.extend(emails::list(&app.db, viewer.user).await?.into_iter().map(|one| row(t, one)));
    let field = Field::line("email", t.say("field-email"), typed.get("email"))
        .typed("email")
        .filled_by("email")
        .error(wrong.say(t, "email"))
        .required();
    let card = OwnCard {
        said,
        rows,
        forms: vec![OwnForm::new(HOME, vec![field], t.say("email-add"))],
        ..OwnCard::new(t, t.say("account-email"), t.say("email-text"))
    };
    own(asked, "account-email", vec![card])
}

fn row(t: Text, one: emails::Email) -> OwnRow {
    let home = format!("{HOME}{}/", one.id);
    OwnRow {
        title: one.email,
        actions: vec![
            (format!("{home}first/"), t.say("email-put-first")),
            (format!("{home}remove/"), t.say("remove")),
        ],
        ..OwnRow::default()
    }
}

fn code_page(asked: &Asked, error: String) -> Result<Response, Error> {
    let t = asked.t;
    let code = Field::line("code", t.say("field-mailed-code"), "").filled_by("one-time-code");
    let form = OwnForm::new(CONFIRM, vec![code.error(error).required()], t.say("confirm"));
    confirm_page(asked, form, t.say("email-sent"))
}

fn confirm_page(asked: &Asked, form: OwnForm, text: String) -> Result<Response, Error> {
    let t = asked.t;
    let card = OwnCard { forms: vec![form], ..OwnCard::new(t, t.say("confirm-title"), text) };
    own(asked, "account-email", vec![card])
}
