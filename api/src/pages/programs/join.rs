//! How an affiliate stands with a program, and asking to promote it.

use crate::{
    accounts::role::Permission,
    error::Error,
    i18n::Text,
    pages::{
        parts::{Chip, Field},
        typed::{Typed, Wrong},
    },
    queries::{
        Cursor,
        enrolments::{self, Find},
        programs::Program,
    },
    tenant::TenantCtx,
};

/// What stands on a program's page for whoever promotes, or may.
pub(super) struct Join {
    pub chip: Option<Chip>,
    pub text: String,
    /// What they were told.
    pub answer: String,
    /// Asking for it: what to write, and the button.
    pub ask: Option<(Field, String)>,
    /// Making a link for it.
    pub link: Option<String>,
}

/// For an affiliate; people of the site enrol with the link they make.
pub(super) async fn of(
    ctx: &TenantCtx,
    t: Text,
    program: &Program,
    again: Option<(Typed, Wrong)>,
) -> Result<Option<Join>, Error> {
    let [affiliate] = ctx.reach.affiliates.as_deref().unwrap_or_default() else { return Ok(None) };
    if !ctx.may(Permission::JoinPrograms) {
        return Ok(None);
    }
    let find = Find { program: Some(program.id), affiliate: Some(*affiliate), ..Find::default() };
    let found = enrolments::list(&ctx.db, &find, Cursor::default()).await?.rows.into_iter().next();
    let state = found.as_ref().map_or("", |one| one.status.as_str());
    let admission = program.terms.admission.as_str();
    let (typed, wrong) = again.unwrap_or_default();
    let message = Field::line("message", t.say("enrolment-message"), typed.get("message"))
        .hint(t.say("hint-enrolment-message"))
        .error(["message", "program"].map(|name| wrong.say(t, name)).concat());
    let text = match (state, admission) {
        ("", admission) => t.word("join", admission),
        (state, _) => t.word("joined", state),
    };
    Ok(Some(Join {
        chip: found.as_ref().map(|one| Chip::state(t, &one.status)),
        text,
        link: (state == "approved" || (state.is_empty() && admission == "open"))
            .then(|| format!("/affiliate/links/?edit=new&program={}", program.id)),
        ask: (state.is_empty() && admission == "approval")
            .then(|| (message, t.say("enrolment-ask"))),
        answer: found.map_or_else(String::new, |one| one.answer),
    }))
}
