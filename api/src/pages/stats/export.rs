//! `GET /affiliate/stats/export.csv`: exactly what the table shows, for a sheet (RFC 4180).
//!
//! What a sheet would take for a formula stands behind an apostrophe: visitors choose referrers and
//! sub-ids.

use super::{columns::Column, question};
use crate::{
    error::Error,
    i18n::Text,
    pages::{
        address::Address,
        request::Asked,
        view::View,
        words::{self, Words},
    },
    queries::stats::{self, Query, Report},
    tenant::TenantCtx,
};
use axum::{
    http::header,
    response::{IntoResponse, Response},
};

/// The table of the page with the same query.
pub(in crate::pages) async fn export(
    ctx: TenantCtx,
    asked: Asked,
    address: Address,
) -> Result<Response, Error> {
    let view = View::read(&ctx, address, &[]).await?;
    let query = question(&view);
    let report = stats::report(&ctx, &query).await?;
    let mentioned = [(query.group_by.as_slice(), &report)];
    let words = Words::load(&ctx, asked.t, mentioned.into_iter(), &[]).await?;
    let range = view.range();
    let (from, to) = (range.day(range.from_ms), range.day(range.to_ms - 1));
    let name = format!("attachment; filename=\"tributary-{from}-{to}.csv\"");
    let kind = "text/csv; charset=utf-8";
    let body = sheet(asked.t, &words, &query, &report);
    Ok(([(header::CONTENT_TYPE, kind), (header::CONTENT_DISPOSITION, name.as_str())], body)
        .into_response())
}

fn sheet(t: Text, words: &Words, query: &Query, report: &Report) -> String {
    let columns = Column::of(report);
    // The mark by which spreadsheets know UTF-8.
    let mut out = String::from('\u{feff}');
    let keys = query.group_by.iter().map(|by| cell(&words::dimension(t, *by)));
    let headings = columns.iter().map(|column| cell(&column.heading(t, true)));
    line(&mut out, keys.chain(headings));
    for row in &report.rows {
        let keys = query.group_by.iter().zip(&row.keys).map(|(by, key)| match by.is_time() {
            true => cell(key),
            false => cell(&words.value(*by, key)),
        });
        line(&mut out, keys.chain(columns.iter().map(|column| column.plain(row))));
    }
    out
}

fn line(out: &mut String, cells: impl Iterator<Item = String>) {
    out.push_str(&cells.collect::<Vec<_>>().join(","));
    out.push_str("\r\n");
}

/// A text as one cell that is no formula; nor is any part of it, should a sheet of another country
/// part cells by a semicolon or a tab.
fn cell(text: &str) -> String {
    const SIGNS: [char; 8] = ['=', '+', '-', '@', '＝', '＋', '－', '＠'];
    let mut guarded = String::with_capacity(text.len());
    let mut first = true;
    for c in text.chars() {
        let control = guarded.is_empty() && matches!(c, '\t' | '\r' | '\n');
        if control || (first && SIGNS.contains(&c)) {
            guarded.push('\'');
        }
        guarded.push(c);
        // Spaces and quotes before a sign do not keep a sheet from calculating.
        first =
            matches!(c, ',' | ';' | '\t' | '|' | '\r' | '\n') || (first && matches!(c, ' ' | '"'));
    }
    match guarded.contains([',', '"', '\r', '\n', ';']) {
        true => format!("\"{}\"", guarded.replace('"', "\"\"")),
        false => guarded,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cell_is_never_a_formula_and_never_two_cells() {
        for (text, expected) in [
            ("plain", "plain"),
            ("=cmd()", "'=cmd()"),
            ("+1", "'+1"),
            ("-1", "'-1"),
            ("@SUM(A1)", "'@SUM(A1)"),
            ("\t=1", "'\t'=1"),
            (" =1", " '=1"),
            ("a;=cmd()", "\"a;'=cmd()\""),
            ("a, @b", "\"a, '@b\""),
            ("2026-11-25", "2026-11-25"),
            ("a,b", "\"a,b\""),
            ("=\"a\",b", "\"'=\"\"a\"\",b\""),
            ("two\nlines", "\"two\nlines\""),
        ] {
            assert_eq!(cell(text), expected);
        }
    }
}
