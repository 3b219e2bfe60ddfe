//! Number card: value, change with direction and words, sparkline.

use super::part;
use crate::i18n::Text;
use askama::Template;

/// One number that answers a question, and leads to the rows it counts.
#[derive(Template)]
#[template(path = "parts/card.html")]
pub(crate) struct Card {
    /// Names the card for live updates: `clicks`.
    pub id: &'static str,
    /// What the number is.
    pub label: String,
    /// The number as written; several where several currencies stand beside each other.
    pub values: Vec<String>,
    /// The rows it counts.
    pub href: String,
    /// Against the period compared with.
    pub change: Option<Change>,
    /// Its course over the range.
    pub spark: Option<Spark>,
    /// A word more, such as the share of the whole.
    pub note: String,
}

/// A change in words and direction.
pub(crate) struct Change {
    /// `up`, `down` or `same`: the class that chooses the arrow.
    pub direction: &'static str,
    /// `12.3% more`.
    pub words: String,
    /// The number before, as written.
    pub before: String,
}

impl Change {
    /// From the number now and the number before, the latter as written.
    pub(crate) fn between(t: Text, now: i64, before: i64, written: String) -> Self {
        let (direction, key) = match now.cmp(&before) {
            std::cmp::Ordering::Greater => ("up", "change-more"),
            std::cmp::Ordering::Less => ("down", "change-less"),
            std::cmp::Ordering::Equal => ("same", "change-same"),
        };
        let words = match before {
            0 if now == 0 => t.say("change-same"),
            0 => t.say("change-new"),
            _ => t.say1(key, "share", &t.share((now - before).abs(), before.abs())),
        };
        Self { direction, words, before: t.say1("change-before", "number", &written) }
    }
}

/// A line without axes: the course, not the values.
#[derive(Template)]
#[template(path = "parts/spark.html")]
pub(crate) struct Spark {
    line: String,
    area: String,
}

impl Spark {
    /// From at least two values; `None` where there is no course to show.
    pub(crate) fn over(values: &[i64]) -> Option<Self> {
        let top = values.iter().copied().max().filter(|&top| top > 0)?;
        let steps = i64::try_from(values.len()).ok()? - 1;
        if steps < 1 {
            return None;
        }
        // A box of 1000 × 100: whole numbers are fine enough for 120 pixels.
        let line: Vec<String> = (0..)
            .zip(values)
            .map(|(n, &value)| {
                let height = i128::from(value.max(0)) * 96 / i128::from(top);
                format!("{},{}", n * 1000 / steps, 98 - height)
            })
            .collect();
        let line = line.join(" ");
        Some(Self { area: format!("0,100 {line} 1000,100"), line })
    }
}

part!(Card, Spark);
