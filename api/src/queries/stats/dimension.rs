//! What numbers can be broken down by and filtered by: the published list.

use chrono::{DateTime, SecondsFormat};
use chrono_tz::Tz;
use schemas::{
    ids::{AffiliateId, LinkId, ProgramId},
    reason::{Invalid, Refusal},
};

/// One of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "named as in the URL")]
pub enum Dimension {
    Minute,
    Hour,
    Day,
    Week,
    Month,
    Program,
    Link,
    Affiliate,
    Country,
    Region,
    City,
    Device,
    Os,
    Browser,
    Language,
    Referrer,
    Source,
    /// `sub1` to `sub10`.
    Sub(u8),
    /// The code asked for, where no link has it.
    Code,
    /// Of a click: `unique`, `duplicate`, `invalid`.
    Outcome,
    /// Why a click is invalid.
    Reason,
    /// Why a conversion is refused.
    Refusal,
    Event,
    /// Of a conversion: `pending`, `approved`, `rejected`, `invalid`.
    Status,
    /// How a conversion came in.
    Via,
    Currency,
}

/// Which rows have a dimension.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    /// Clicks and conversions, which have that of their click.
    Both,
    /// Clicks; it says nothing about conversions.
    OfClicks,
    /// Conversions; it says nothing about clicks.
    OfConversions,
}

const NAMED: [(Dimension, &str); 26] = [
    (Dimension::Minute, "minute"),
    (Dimension::Hour, "hour"),
    (Dimension::Day, "day"),
    (Dimension::Week, "week"),
    (Dimension::Month, "month"),
    (Dimension::Program, "program"),
    (Dimension::Link, "link"),
    (Dimension::Affiliate, "affiliate"),
    (Dimension::Country, "country"),
    (Dimension::Region, "region"),
    (Dimension::City, "city"),
    (Dimension::Device, "device"),
    (Dimension::Os, "os"),
    (Dimension::Browser, "browser"),
    (Dimension::Language, "language"),
    (Dimension::Referrer, "referrer"),
    (Dimension::Source, "source"),
    (Dimension::Code, "code"),
    (Dimension::Outcome, "outcome"),
    (Dimension::Reason, "reason"),
    (Dimension::Refusal, "refusal"),
    (Dimension::Event, "event"),
    (Dimension::Status, "status"),
    (Dimension::Via, "via"),
    (Dimension::Currency, "currency"),
    (Dimension::Sub(1), "sub1"),
];

const SUBS: [&str; 10] =
    ["sub1", "sub2", "sub3", "sub4", "sub5", "sub6", "sub7", "sub8", "sub9", "sub10"];

impl Dimension {
    /// Every one, in the order a page offers them.
    pub fn all() -> impl Iterator<Item = Self> {
        let named = NAMED.iter().map(|(dimension, _)| *dimension);
        named.chain((2..=10).map(Self::Sub))
    }

    /// The word in URLs and answers.
    pub fn name(self) -> &'static str {
        match self {
            Self::Sub(n) => SUBS.get(usize::from(n).wrapping_sub(1)).copied().unwrap_or("sub1"),
            _ => NAMED.iter().find(|(one, _)| *one == self).map_or("", |(_, name)| name),
        }
    }

    /// From its word.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::all().find(|dimension| dimension.name() == name)
    }

    /// Whether it cuts time into pieces.
    pub const fn is_time(self) -> bool {
        matches!(self, Self::Minute | Self::Hour | Self::Day | Self::Week | Self::Month)
    }

    /// Whether whole days suffice to answer it.
    pub(super) const fn is_days(self) -> bool {
        matches!(self, Self::Day | Self::Week | Self::Month)
    }

    /// Whether its values are ids.
    pub const fn is_id(self) -> bool {
        matches!(self, Self::Program | Self::Link | Self::Affiliate)
    }

    /// Whether the stores' keys are numbers in text.
    pub(super) const fn is_number(self) -> bool {
        self.is_id() || matches!(self, Self::Minute | Self::Hour)
    }

    /// Which rows have it.
    pub const fn side(self) -> Side {
        match self {
            Self::Code | Self::Outcome | Self::Reason => Side::OfClicks,
            Self::Refusal | Self::Event | Self::Status | Self::Via | Self::Currency => {
                Side::OfConversions
            }
            _ => Side::Both,
        }
    }

    /// A filter's value as the stores keep it, or `None` for one that cannot be: an id without its
    /// prefix, a reason that is on no list. `(none)` is "none known".
    pub fn store_value(self, value: &str) -> Option<String> {
        let id = |number: u32| Some(number.to_string());
        match self {
            _ if value == "(none)" => Some(if self.is_id() { "0" } else { "" }.to_owned()),
            Self::Program => id(value.parse::<ProgramId>().ok()?.get()),
            Self::Link => id(value.parse::<LinkId>().ok()?.get()),
            Self::Affiliate => id(value.parse::<AffiliateId>().ok()?.get()),
            Self::Reason => Some(Invalid::from_name(value)?.name().to_owned()),
            Self::Refusal => Some(Refusal::from_name(value)?.name().to_owned()),
            _ if self.is_time() || value.is_empty() || value.chars().count() > 512 => None,
            _ => Some(value.to_owned()),
        }
    }

    /// A key of the stores as it stands on the wire.
    pub(super) fn wire(self, key: &str, zone: Tz) -> String {
        let id = |prefix: &str| if key == "0" { String::new() } else { format!("{prefix}{key}") };
        match self {
            Self::Program => id(ProgramId::PREFIX),
            Self::Link => id(LinkId::PREFIX),
            Self::Affiliate => id(AffiliateId::PREFIX),
            Self::Minute | Self::Hour => {
                let at = key.parse().ok().and_then(|at| DateTime::from_timestamp(at, 0));
                let text = |at: DateTime<_>| {
                    at.with_timezone(&zone).to_rfc3339_opts(SecondsFormat::Secs, true)
                };
                at.map(text).unwrap_or_default()
            }
            _ => key.to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_dimension_reads_back_from_its_name() {
        let all: Vec<Dimension> = Dimension::all().collect();
        assert_eq!(all.len(), 35);
        for dimension in all {
            assert_eq!(Dimension::from_name(dimension.name()), Some(dimension));
        }
        assert_eq!(Dimension::from_name("id;drop"), None);
        assert_eq!(Dimension::from_name("sub11"), None);
    }

    #[test]
    fn filter_values_are_ids_with_prefix_and_listed_reasons() {
        let cases = [
            (Dimension::Program, "prg_3", Some("3")),
            (Dimension::Program, "3", None),
            (Dimension::Program, "lnk_3", None),
            (Dimension::Link, "(none)", Some("0")),
            (Dimension::Reason, "bot", Some("bot")),
            (Dimension::Reason, "robot", None),
            (Dimension::Country, "(none)", Some("")),
            (Dimension::Sub(3), "a'b\\", Some("a'b\\")),
            (Dimension::Day, "2026-11-23", None),
        ];
        for (dimension, value, expected) in cases {
            assert_eq!(dimension.store_value(value).as_deref(), expected, "{value}");
        }
    }

    #[test]
    fn an_hour_is_written_in_its_zone() {
        // The hour that the end of summer time repeats, told apart by its offset.
        for (at, expected) in [
            ("1792886400", "2026-10-25T02:00:00+02:00"),
            ("1792890000", "2026-10-25T02:00:00+01:00"),
        ] {
            assert_eq!(Dimension::Hour.wire(at, Tz::Europe__Paris), expected);
        }
    }
}
