//! Who promotes what: asking to, deciding, and that a link is made for what one promotes.
//!
//! A program takes whoever wishes (`open`), whoever is approved (`approval`), or whom its people take (`invitation`).

use schemas::ids::{AffiliateId, EnrolmentId, LinkId, ProgramId};
use serde_json::json;

use crate::{
    accounts::{
        flows::{Visit, notices},
        role::Permission,
    },
    auth::Viewer,
    clock,
    error::Error,
    queries::{
        enrolments::{self, NewEnrolment, Standing},
        links::{self, NewLink},
    },
    tenant::{TenantCtx, Tx},
};

/// What asking comes to, by the program's rule and how the affiliate stands already; `None`: it stays as it is.
fn comes_to(standing: &Standing, by_people: bool) -> Result<Option<&'static str>, Error> {
    let state = standing.enrolment.as_ref().map(|(_, status)| status.as_str());
    match (state, standing.admission.as_str(), by_people) {
        (Some("approved"), ..) => Ok(None),
        (_, _, true) | (None, "open", _) => Ok(Some("approved")),
        // Once refused, whatever the rule is now: people decide.
        (Some("rejected"), ..) => {
            Err(Error::field("program", "rejected", "you were refused; write to whoever runs it"))
        }
        (Some(_), "open", _) => Ok(Some("approved")),
        (Some(_), ..) => Ok(None),
        (None, "approval", _) => Ok(Some("pending")),
        (None, ..) => {
            Err(Error::field("program", "by_invitation", "this program takes whom it asks"))
        }
    }
}

/// Makes a link. Whoever makes it for themselves promotes the program already, or does from now on where anybody may;
/// people of the site take the affiliate with it.
///
/// # Errors
/// `Invalid` where the program has to agree first, and as `links::insert`.
pub async fn make_link(ctx: &TenantCtx, link: &NewLink) -> Result<LinkId, Error> {
    let by_people = ctx.may(Permission::ChangePrograms);
    let mut tx = ctx.db.begin().await?;
    let standing = enrolments::standing(&mut tx, link.program, link.affiliate).await?;
    match comes_to(&standing, by_people)? {
        Some("approved") => {
            let who = (link.program, link.affiliate);
            put(&mut tx, ctx, who, ("approved", "")).await?;
        }
        None if standing.enrolment.as_ref().is_some_and(|(_, state)| state == "approved") => {}
        _ => {
            let detail = "ask to promote this program first: its people have to agree";
            return Err(Error::field("program", "not_enrolled", detail));
        }
    }
    let id = links::insert(&mut tx, link).await?;
    tx.commit().await?;
    Ok(id)
}

/// Asks to promote a program; the enrolment that there is then.
///
/// # Errors
/// `Invalid` where it takes nobody who asks, `NotFound`, `Sql`.
pub async fn ask(
    ctx: &TenantCtx,
    (program, affiliate): (ProgramId, AffiliateId),
    message: &str,
) -> Result<EnrolmentId, Error> {
    let by_people = ctx.may(Permission::ChangePrograms);
    let mut tx = ctx.db.begin().await?;
    let standing = enrolments::standing(&mut tx, program, affiliate).await?;
    let id = match (comes_to(&standing, by_people)?, standing.enrolment) {
        (None, Some((id, _))) => id,
        (state, _) => {
            put(&mut tx, ctx, (program, affiliate), (state.unwrap_or("pending"), message)).await?
        }
    };
    tx.commit().await?;
    Ok(id)
}

async fn put(
    tx: &mut Tx,
    ctx: &TenantCtx,
    (program, affiliate): (ProgramId, AffiliateId),
    (status, message): (&str, &str),
) -> Result<EnrolmentId, Error> {
    let by_people = status == "approved" && ctx.may(Permission::ChangePrograms);
    let decided_by = if by_people { ctx.user() } else { None };
    let now = clock::now();
    let new = NewEnrolment { program, affiliate, status, message, decided_by, now };
    enrolments::put(tx, &new).await
}

/// Approves or refuses, and tells the affiliate. Links that are there stay as they are: they are switched off by hand.
///
/// # Errors
/// `Invalid` for another word, `NotFound`, `Sql`.
pub async fn decide(
    ctx: &TenantCtx,
    visit: &Visit,
    viewer: &Viewer,
    (id, status, answer): (EnrolmentId, &str, &str),
) -> Result<(), Error> {
    if !["approved", "rejected"].contains(&status) {
        return Err(Error::field("status", "unknown", "approved or rejected"));
    }
    let before = enrolments::get(&ctx.db, id).await?;
    let mut tx = ctx.db.begin().await?;
    enrolments::decide(&mut tx, id, (status, answer), (viewer.user, visit.now)).await?;
    let account = enrolments::account_of(&mut tx, before.affiliate).await?;
    tx.commit().await?;
    let Some(user) = account.filter(|_| before.status != status) else { return Ok(()) };
    let details = json!({ "program": before.program_name, "status": status });
    visit.tell(ctx.db.of_no_site(), Some(user), "enrolment_decided", details).await?;
    notices::enrolment(ctx, visit, user, (&before.program_name, status, answer)).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_asking_comes_to() {
        let cases = [
            ("open", "", false, Ok(Some("approved"))),
            ("approval", "", false, Ok(Some("pending"))),
            ("invitation", "", false, Err(())),
            ("open", "pending", false, Ok(Some("approved"))),
            ("approval", "pending", false, Ok(None)),
            ("approval", "approved", false, Ok(None)),
            ("invitation", "approved", false, Ok(None)),
            ("open", "rejected", false, Err(())),
            ("approval", "rejected", false, Err(())),
            ("invitation", "", true, Ok(Some("approved"))),
            ("approval", "rejected", true, Ok(Some("approved"))),
            ("open", "approved", true, Ok(None)),
        ];
        for (admission, state, by_people, expected) in cases {
            let enrolment = (!state.is_empty()).then(|| (EnrolmentId(1), state.to_owned()));
            let standing = Standing { admission: admission.to_owned(), enrolment };
            let found = comes_to(&standing, by_people).map_err(drop);
            assert_eq!(found, expected, "{admission} {state} {by_people}");
        }
    }
}
