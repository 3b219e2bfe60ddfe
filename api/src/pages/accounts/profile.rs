//! `/accounts/profile/`: what a person tells of themselves.

use axum::{
    extract::State,
    response::{IntoResponse, Redirect, Response},
};

use super::{avatar, own};
use crate::{
    accounts::flows::Visit,
    app::App,
    auth::Viewer,
    error::{Error, Field as Wrongly},
    pages::{
        address::Address,
        parts::{Field, OwnCard, OwnForm},
        request::Asked,
        typed::{Typed, Wrong, mendable},
    },
    queries::accounts::users::{self, Profile},
};

const MOST_BIO: usize = 1000;
const MOST_NAME: usize = 200;

/// `GET /accounts/profile/`
pub(in crate::pages) async fn form(
    State(app): State<App>,
    viewer: Viewer,
    asked: Asked,
    address: Address,
) -> Result<Response, Error> {
    let profile = users::profile(&app.db, viewer.user).await?;
    let typed = Typed::default().with("name", profile.name).with("bio", profile.bio);
    let said = (address.get("done") == "saved").then(|| (asked.t.say("done-saved"), false));
    let card = avatar::card(&app, asked.t, &viewer, address.get("done")).await?;
    page(&asked, &viewer, (&typed, &Wrong::default()), (said, card))
}

/// `POST /accounts/profile/`
pub(in crate::pages) async fn save(
    State(app): State<App>,
    visit: Visit,
    viewer: Viewer,
    asked: Asked,
    typed: Typed,
) -> Result<Response, Error> {
    match mendable(read(&typed))? {
        Ok(profile) => {
            let mut tx = app.db.begin().await?;
            users::set_profile(&mut tx, viewer.user, &profile).await?;
            tx.commit().await?;
            visit.note(&app, viewer.user, "profile_changed").await?;
            Ok(Redirect::to("/accounts/profile/?done=saved").into_response())
        }
        Err(wrong) => {
            let card = avatar::card(&app, asked.t, &viewer, "").await?;
            page(&asked, &viewer, (&typed, &wrong), (None, card))
        }
    }
}

fn read(typed: &Typed) -> Result<Profile, Error> {
    let (name, bio) = (typed.get("name").trim(), typed.get("bio").trim());
    let mut wrong = Vec::new();
    if name.chars().count() > MOST_NAME || bio.chars().count() > MOST_BIO {
        let field = if name.chars().count() > MOST_NAME { "name" } else { "bio" };
        wrong.push(Wrongly::new(field, "too_long", "this is too long"));
    }
    for (field, text) in [("name", name), ("bio", bio)] {
        if text.chars().any(|c| c.is_control() && c != '\n' && c != '\r') {
            wrong.push(Wrongly::new(
                field,
                "control_character",
                "only characters that can be seen",
            ));
        }
    }
    match wrong.is_empty() {
        true => Ok(Profile { name: name.to_owned(), bio: bio.to_owned() }),
        false => Err(Error::Invalid(wrong)),
    }
}

fn page(
    asked: &Asked,
    viewer: &Viewer,
    (typed, wrong): (&Typed, &Wrong),
    (said, picture): (Option<(String, bool)>, OwnCard),
) -> Result<Response, Error> {
    let t = asked.t;
    let fields = vec![
        Field::line("name", t.say("field-your-name"), typed.get("name"))
            .filled_by("name")
            .error(wrong.say(t, "name")),
        Field::line("bio", t.say("field-bio"), typed.get("bio"))
            .hint(t.say("hint-bio"))
            .error(wrong.say(t, "bio")),
    ];
    let who = t.say_all("profile-who", &[("name", &viewer.username), ("email", &viewer.email)]);
    let card = OwnCard {
        said,
        forms: vec![OwnForm::new("/accounts/profile/", fields, t.say("save"))],
        ..OwnCard::new(t, t.say("account-profile"), who)
    };
    own(asked, "account-profile", vec![card, picture])
}
