//! Main chart: stacked bars over time, the period before dotted, and a table that says the same.
//!
//! The table is the chart's data: `static/chart.js` reads it, so that what is drawn is what is
//! written, and without a script the table stands alone.

use super::part;
use crate::i18n::Text;
use askama::Template;

/// Numbers over time.
#[derive(Template)]
#[template(path = "parts/chart.html")]
pub(crate) struct Chart {
    /// The voice of the page.
    pub t: Text,
    /// Where the chart's modules and style lie.
    pub assets: &'static str,
    /// What it shows, for who cannot see it.
    pub title: String,
    /// From the bottom of the stack upwards.
    pub series: Vec<Series>,
    /// The period compared with, as a heading; empty without one.
    pub before: String,
    /// Why there is nothing to draw; empty where there is.
    pub none: String,
    /// In order of time.
    pub buckets: Vec<Bucket>,
    /// The page's URL without its range, for the zoom by dragging: `…?`.
    pub zoom: String,
    /// IANA name of the zone the buckets are cut in.
    pub zone: String,
    /// Draw lines instead of stacked bars.
    pub lines: bool,
}

/// One part of the stack.
pub(crate) struct Series {
    /// The class that colours it: `unique`, `duplicate`, `invalid`, `a` … `f`.
    pub class: &'static str,
    /// Its name.
    pub label: String,
}

/// One step of time.
pub(crate) struct Bucket {
    /// As written in the table.
    pub label: String,
    /// As written on the axis.
    pub short: String,
    /// Where it begins, in the page's own notation for zooming (`2026-11-23T14:00`).
    pub from: String,
    /// Where it ends.
    pub to: String,
    /// Zooms into it.
    pub href: String,
    /// One per series, with how it is written.
    pub values: Vec<(i64, String)>,
    /// The period before, at the same place.
    pub before: Option<(i64, String)>,
    /// Not over yet: still filling.
    pub open: bool,
}

part!(Chart);
