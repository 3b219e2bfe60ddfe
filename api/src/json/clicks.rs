//! `GET /api/v1/affiliate/clicks/`: the rows a number counts, one by one. Impressions by `kind=impression`.

use axum::{Json, extract::Path};
use schemas::click_id::ClickId;
use serde_json::{Value, json};

use super::{Answer, affiliate_id, link_id, list as envelope, program_id, put_as_of, time};
use crate::{
    clock,
    error::{Error, Field},
    params::{self, Errors, cursor, pairs::Pairs},
    queries::{
        as_of,
        clicks::{self, Click, Kind},
        kept, sites,
    },
    tenant::TenantCtx,
};

/// Newest first, with the filters of a report; `starting_after` is a click id.
pub async fn list(ctx: TenantCtx, mut pairs: Pairs) -> Answer {
    let site = sites::get(&ctx.db).await?;
    let mut errors = Errors::default();
    let after = pairs.take("starting_after").map(|text| proven(&ctx, "starting_after", &text));
    let after = after.and_then(|after| errors.take(after));
    let kind = pairs.take("kind").map(|text| {
        let wrong = || Field::new("kind", "unknown", "click or impression");
        Kind::from_name(&text).ok_or_else(wrong)
    });
    let kind = kind.and_then(|kind| errors.take(kind)).unwrap_or_default();
    let limit = cursor::limit(&mut pairs, &mut errors);
    let query = params::stats::take(&mut pairs, &mut errors, &site, clock::now());
    params::done(pairs, errors)?;
    let as_of = as_of::get(&ctx.db).await?;
    let page = clicks::list(&ctx, (kind, &query), after.as_ref(), limit).await?;
    let mut answer = envelope(&page, row);
    answer["expired_before"] = json!(kept::rows_left_out(&ctx, query.range).await?.map(time));
    put_as_of(&mut answer, &as_of);
    Ok(Json(answer))
}

/// One by its id.
pub async fn find(ctx: TenantCtx, Path(id): Path<String>) -> Answer {
    let id = proven(&ctx, "id", &id).map_err(|_| Error::NotFound("click"))?;
    let as_of = as_of::get(&ctx.db).await?;
    let click = clicks::find(&ctx, &id).await?.ok_or(Error::NotFound("click"))?;
    let mut answer = row(&click);
    put_as_of(&mut answer, &as_of);
    Ok(Json(answer))
}

/// A click as it stands on the wire.
pub(super) fn row(click: &Click) -> Value {
    let traits = &click.traits;
    json!({
        "object": "click",
        "id": click.id,
        "at": time(click.at),
        "kind": click.kind,
        "outcome": click.outcome,
        "reason": click.reason,
        "rules": click.rules,
        "link": link_id(click.link),
        "program": program_id(click.program),
        "affiliate": affiliate_id(click.affiliate),
        "code": click.code,
        "country": traits.country,
        "region": traits.region,
        "city": traits.city,
        "device": traits.device,
        "os": traits.os,
        "browser": traits.browser,
        "language": traits.language,
        "referrer": traits.referrer,
        "source": traits.source,
        "subs": click.subs,
    })
}

fn proven(ctx: &TenantCtx, field: &str, text: &str) -> Result<ClickId, Field> {
    let proven = ctx.keys.click_ids().verify(text);
    proven.map_err(|error| Field::new(field, "not_ours", error.to_string()))
}
