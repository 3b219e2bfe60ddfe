//! The first screen while there is nothing to show: the steps to the first click, each done or open.

use crate::{
    accounts::role::Permission,
    error::Error,
    i18n::Text,
    pages::parts::{Code, Empty},
    queries::{Cursor, affiliates, links, programs, stats},
    tenant::TenantCtx,
};

/// The steps, or the link to open where all are done.
pub(super) struct Start {
    pub steps: Vec<Step>,
    pub ready: Option<Empty>,
}

/// One step.
pub(super) struct Step {
    pub title: String,
    pub text: String,
    pub href: &'static str,
    pub done: bool,
}

/// What is still missing; the latest link's address where nothing is. `None` once anything was ever
/// counted for a link that is there.
///
/// # Errors
/// PostgreSQL does not answer.
pub(super) async fn steps(ctx: &TenantCtx, t: Text) -> Result<Option<Start>, Error> {
    let first = Cursor { limit: 1, ..Cursor::default() };
    let (program, affiliate, link) = (Default::default(), Default::default(), Default::default());
    let (programs, affiliates, links) = tokio::try_join!(
        programs::list(&ctx.db, &program, first),
        affiliates::list(&ctx.db, &affiliate, first),
        links::list(&ctx.db, &link, first),
    )?;
    if !links.rows.is_empty() && stats::is_anything_counted(ctx).await? {
        return Ok(None);
    }
    let step = |key: &str, href, done| Step {
        title: t.say(key),
        text: t.say(&format!("{key}-text")),
        href,
        done,
    };
    let ready = links.rows.first().map(|link| Empty {
        title: t.say("dashboard-empty"),
        text: t.say("dashboard-empty-text"),
        action: (String::new(), String::new()),
        code: Some(Code {
            t,
            label: t.say("tracking-url"),
            text: format!("{}/c/{}", ctx.tracking_url, link.code),
            titled: false,
        }),
    });
    // Who may not take a step is not told to.
    let may = [Permission::ChangePrograms, Permission::ChangeAffiliates, Permission::ChangeLinks];
    let steps = [
        step("start-program", "/affiliate/programs/?edit=new", !programs.rows.is_empty()),
        step("start-affiliate", "/affiliate/affiliates/?edit=new", !affiliates.rows.is_empty()),
        step("start-link", "/affiliate/links/?edit=new", ready.is_some()),
    ];
    let own = steps.into_iter().zip(may).filter(|(_, what)| ctx.may(*what));
    Ok(Some(Start { steps: own.map(|(step, _)| step).collect(), ready }))
}
