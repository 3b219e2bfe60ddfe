//! `/accounts/setup/?token=…`: the first admin of an installation.

use askama::Template;
use axum::{
    extract::State,
    response::{IntoResponse, Response},
};

use super::{enter, fields};
use crate::{
    accounts::flows::{
        Visit,
        first::{self, Wish},
        sign_in,
    },
    app::App,
    error::Error,
    pages::{
        address::Address,
        html,
        parts::Field,
        request::Asked,
        shell::{Here, Shell},
        typed::{Typed, Wrong, mendable},
    },
};

#[derive(Template)]
#[template(path = "pages/accounts/setup.html")]
struct Setup {
    shell: Shell,
    fields: Vec<Field>,
    token: String,
}

/// `GET /accounts/setup/`
pub(in crate::pages) async fn form(
    State(app): State<App>,
    visit: Visit,
    asked: Asked,
    address: Address,
) -> Result<Response, Error> {
    first::check(&app, &visit, address.get("token")).await?;
    let page = page(&asked, address.get("token"), &Typed::default(), &Wrong::default());
    Ok(html(&page)?.into_response())
}

/// `POST /accounts/setup/`
pub(in crate::pages) async fn make(
    State(app): State<App>,
    visit: Visit,
    asked: Asked,
    typed: Typed,
) -> Result<Response, Error> {
    let token = typed.get("token").to_owned();
    first::check(&app, &visit, &token).await?;
    let made = async {
        let wish = Wish::read(typed.get("email"), typed.get("name"), typed.get("password"))?;
        first::make(&app, &visit, &token, &wish).await
    };
    match mendable(made.await)? {
        Ok(user) => {
            let secret = sign_in::begin(&app, &visit, &user, (1, &["password"]), false).await?;
            enter(&visit, &secret, false, "/accounts/2fa/")
        }
        Err(wrong) => Ok(html(&page(&asked, &token, &typed, &wrong))?.into_response()),
    }
}

fn page(asked: &Asked, token: &str, typed: &Typed, wrong: &Wrong) -> Setup {
    let t = asked.t;
    Setup {
        shell: Shell { viewer: None, ..asked.shell(Here::Elsewhere, t.say("setup-title")) },
        fields: fields::of_new_account(t, typed, wrong),
        token: token.to_owned(),
    }
}
