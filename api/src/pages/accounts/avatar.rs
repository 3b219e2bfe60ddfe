//! `/accounts/profile/avatar/`, `/accounts/avatars/{name}/`: a person's picture.

use axum::{
    extract::{Multipart, Path, State},
    http::{HeaderValue, header},
    response::{IntoResponse, Redirect, Response},
};

use crate::{
    accounts::{
        avatar::{self, Refused},
        flows::Visit,
    },
    app::App,
    auth::Viewer,
    error::Error,
    i18n::Text,
    pages::parts::{Field, OwnCard, OwnForm},
    queries::accounts::avatars,
};

/// `POST /accounts/profile/avatar/`: a file, or nothing to take it away.
pub(in crate::pages) async fn put(
    State(app): State<App>,
    visit: Visit,
    viewer: Viewer,
    mut form: Multipart,
) -> Result<Redirect, Error> {
    let mut file = None;
    while let Some(field) = form.next_field().await.map_err(unreadable)? {
        if field.name() == Some("picture") {
            file = Some(field.bytes().await.map_err(unreadable)?);
        }
    }
    let file = file.filter(|bytes| !bytes.is_empty());
    let Some(file) = file else { return Ok(Redirect::to("/accounts/profile/?done=no-picture")) };
    // As many as passwords at once: both take a processor for a while.
    let drawn = app.hashing.work(move || avatar::redraw(&file)).await.map_err(|_| Error::Busy)?;
    let drawn = match drawn {
        Ok(drawn) => drawn,
        Err(Refused::Unknown) => return Ok(Redirect::to("/accounts/profile/?done=not-a-picture")),
        Err(Refused::TooLarge) => {
            return Ok(Redirect::to("/accounts/profile/?done=picture-too-large"));
        }
    };
    let mut name = [0; 16];
    getrandom::fill(&mut name)?;
    let name = data_encoding::HEXLOWER.encode(&name);
    let mut tx = app.db.begin().await?;
    avatars::put(&mut tx, viewer.user, (&name, &drawn)).await?;
    tx.commit().await?;
    visit.note(&app, viewer.user, "avatar_changed").await?;
    Ok(Redirect::to("/accounts/profile/?done=picture"))
}

/// `POST /accounts/profile/avatar/remove/`
pub(in crate::pages) async fn remove(
    State(app): State<App>,
    visit: Visit,
    viewer: Viewer,
) -> Result<Redirect, Error> {
    let mut tx = app.db.begin().await?;
    avatars::delete(&mut tx, viewer.user).await?;
    tx.commit().await?;
    visit.note(&app, viewer.user, "avatar_changed").await?;
    Ok(Redirect::to("/accounts/profile/?done=picture-removed"))
}

/// `GET /accounts/avatars/{name}/`
pub(in crate::pages) async fn show(
    State(app): State<App>,
    Path(name): Path<String>,
) -> Result<Response, Error> {
    let plain = name.len() == 32 && name.bytes().all(|b| b.is_ascii_alphanumeric());
    let found = match plain {
        true => avatars::find(&app.db, &name).await?,
        false => None,
    };
    let image = found.ok_or(Error::NotFound("picture"))?;
    let kind = HeaderValue::from_static("image/jpeg");
    // Its name changes with it; what is shared between people keeps nothing.
    let kept = HeaderValue::from_static("private, max-age=31536000, immutable");
    Ok(([(header::CONTENT_TYPE, kind), (header::CACHE_CONTROL, kept)], image).into_response())
}

/// The picture there is, and the forms that change it.
pub(super) async fn card(
    app: &App,
    t: Text,
    viewer: &Viewer,
    done: &str,
) -> Result<OwnCard, Error> {
    let name = avatars::name_of(&app.db, viewer.user).await?;
    let said = match done {
        "picture" | "picture-removed" => Some((t.say(&format!("done-{done}")), false)),
        "no-picture" | "not-a-picture" | "picture-too-large" => {
            Some((t.say(&format!("problem-{done}")), true))
        }
        _ => None,
    };
    let file = Field::line("picture", t.say("field-picture"), "").typed("file");
    let file = file.hint(t.say("hint-picture")).required();
    let mut forms = vec![OwnForm {
        is_upload: true,
        is_primary: name.is_empty(),
        ..OwnForm::new("/accounts/profile/avatar/", vec![file], t.say("picture-put"))
    }];
    if !name.is_empty() {
        forms.push(OwnForm::button("/accounts/profile/avatar/remove/", t.say("picture-remove")));
    }
    let shown = (!name.is_empty()).then(|| {
        (format!("/accounts/avatars/{name}/"), t.say1("picture-of", "name", viewer.called()))
    });
    Ok(OwnCard {
        said,
        picture: shown,
        forms,
        ..OwnCard::new(t, t.say("picture"), t.say("picture-text"))
    })
}

fn unreadable(error: axum::extract::multipart::MultipartError) -> Error {
    match error.status().as_u16() {
        413 => Error::TooLarge,
        _ => Error::Unreadable("the form cannot be read".to_owned()),
    }
}
