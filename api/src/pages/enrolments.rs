//! `/affiliate/enrolments/`: who promotes what, and who asks to.

use super::{
    address::Address,
    html,
    parts::{Chip, Empty, Pager},
    request::Asked,
    shell::{Here, Shell},
    typed::{Typed, mendable},
};
use crate::{
    accounts::flows::Visit,
    auth::Viewer,
    enrolments as rules,
    error::Error,
    i18n::Text,
    params::{
        Errors,
        enrolments::{self as params, DecisionBody, EnrolmentBody},
        pairs::Pairs,
    },
    queries::{
        Page,
        enrolments::{self, Enrolment},
    },
    tenant::TenantCtx,
};
use askama::Template;
use axum::{
    extract::Path,
    response::{IntoResponse, Redirect, Response},
};
use schemas::ids::{EnrolmentId, ProgramId};

const HOME: &str = "/affiliate/enrolments/";

#[derive(Template)]
#[template(path = "pages/enrolments.html")]
struct Enrolments {
    shell: Shell,
    tabs: Vec<(String, String, bool)>,
    rows: Vec<Row>,
    empty: Option<Empty>,
    pager: Pager,
}

struct Row {
    id: String,
    action: String,
    affiliate: String,
    program: String,
    program_href: String,
    chip: Chip,
    when: String,
    message: String,
    answer: String,
    /// For whoever decides: what is not so already.
    may: Vec<(&'static str, String)>,
}

/// `GET /affiliate/enrolments/`
pub(super) async fn show(
    ctx: TenantCtx,
    asked: Asked,
    address: Address,
) -> Result<Response, Error> {
    let t = asked.t;
    let known = ["status", "program", "affiliate", "starting_after", "ending_before", "limit"];
    let mut pairs = Pairs::parse(&address.only(|key| known.contains(&key)).query())?;
    let mut errors = Errors::default();
    let (find, cursor) = params::take(&mut pairs, &mut errors);
    errors.finish()?;
    let list = enrolments::list(&ctx.db, &find, cursor).await?;
    let shell = asked.shell(Here::Programs, t.say("enrolments"));
    let decides = shell.changes_affiliates();
    let tab = |status: &str| {
        let href =
            if status.is_empty() { HOME.to_owned() } else { format!("{HOME}?status={status}") };
        let label =
            if status.is_empty() { t.say("enrolments-all") } else { t.word("state", status) };
        (label, href, address.get("status") == status)
    };
    let page = Enrolments {
        tabs: ["", "pending", "approved", "rejected"].map(tab).into(),
        pager: pager(t, &address, &list),
        empty: list.rows.is_empty().then(|| Empty {
            title: t.say("enrolments-empty"),
            text: t.say("enrolments-empty-text"),
            action: (t.say("nav-programs"), "/affiliate/programs/".to_owned()),
            code: None,
        }),
        rows: list.rows.into_iter().map(|one| row(t, one, decides)).collect(),
        shell,
    };
    Ok(html(&page)?.into_response())
}

fn row(t: Text, one: Enrolment, decides: bool) -> Row {
    let both = [("approved", "approve"), ("rejected", "reject")];
    let open = both.into_iter().filter(|(status, _)| decides && *status != one.status);
    Row {
        id: one.id.to_string(),
        action: format!("{HOME}{}/", one.id),
        affiliate: one.affiliate_name,
        program_href: format!("/affiliate/programs/{}/", one.program),
        program: one.program_name,
        chip: Chip::state(t, &one.status),
        when: t.near(one.created_at, crate::clock::now(), chrono_tz::Tz::UTC),
        message: one.message,
        answer: one.answer,
        may: open.map(|(status, key)| (status, t.say(key))).collect(),
    }
}

/// `GET` of an address that only takes forms: all of them.
pub(super) async fn back() -> Redirect {
    Redirect::to(HOME)
}

/// `POST /affiliate/enrolments/{id}/`
pub(super) async fn decide(
    ctx: TenantCtx,
    visit: Visit,
    viewer: Viewer,
    Path(id): Path<String>,
    typed: Typed,
) -> Result<Redirect, Error> {
    let id: EnrolmentId = id.parse().map_err(|_| Error::NotFound("enrolment"))?;
    let body =
        DecisionBody { status: typed.get("status").to_owned(), answer: typed.given("answer") };
    let (status, answer) = body.read()?;
    rules::decide(&ctx, &visit, &viewer, (id, &status, &answer)).await?;
    Ok(Redirect::to(HOME))
}

/// `POST /affiliate/programs/{id}/join/`
pub(super) async fn join(
    ctx: TenantCtx,
    asked: Asked,
    Path(id): Path<String>,
    typed: Typed,
) -> Result<Response, Error> {
    let id: ProgramId = id.parse().map_err(|_| Error::NotFound("program"))?;
    let body = EnrolmentBody {
        program: id.to_string(),
        affiliate: typed.given("affiliate"),
        message: typed.given("message"),
    };
    let joined = async {
        let (who, message) = body.read(ctx.reach.affiliates.as_deref())?;
        rules::ask(&ctx, who, &message).await
    };
    match mendable(joined.await)? {
        Ok(_) => {
            Ok(Redirect::to(&format!("/affiliate/programs/{id}/?done=joined")).into_response())
        }
        Err(wrong) => super::programs::joined_wrong(&ctx, &asked, id, (typed, wrong)).await,
    }
}

fn pager(t: Text, address: &Address, list: &Page<Enrolment>) -> Pager {
    let last = list.rows.last().filter(|_| list.has_more);
    let after = |one: &Enrolment| address.with("starting_after", &one.id.to_string()).to_string();
    Pager {
        t,
        first: match address.get("starting_after") {
            "" => String::new(),
            _ => address.without(&["starting_after"]).to_string(),
        },
        next: last.map(after).unwrap_or_default(),
        count: t.plural("rows-shown", list.rows.len() as i64),
    }
}
