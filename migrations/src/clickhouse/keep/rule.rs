//! What is kept how long, and how a table says it. Pure.

/// Days unless somebody says otherwise.
const ADDRESS_DAYS: u32 = 30;
const EVENT_DAYS: u32 = 400;
const HOUR_SUM_DAYS: u32 = 100;
const DAY_SUM_DAYS: u32 = 3650;

/// A table forgets that anything goes.
pub(super) const EVER: &str = "REMOVE TTL";

/// How long ClickHouse keeps what.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, clap::Args)]
pub struct Keep {
    /// Days after which ClickHouse empties visitors' raw addresses [default: 30]
    #[arg(long, env = "TRIBUTARY_ADDRESS_DAYS", value_name = "DAYS", value_parser = clap::value_parser!(u16).range(1..=3650))]
    pub address_days: Option<u16>,
    /// Days that ClickHouse keeps raw events at least; they go by whole months, and their sums stay. 0: for ever
    /// [default: 400]
    #[arg(long, env = "TRIBUTARY_EVENT_DAYS", value_name = "DAYS", value_parser = clap::value_parser!(u16).range(0..=36_500))]
    pub event_days: Option<u16>,
    /// Days that sums by hour are kept at least. 0: for ever [default: 100]
    #[arg(long, env = "TRIBUTARY_HOUR_SUM_DAYS", value_name = "DAYS", value_parser = clap::value_parser!(u16).range(0..=36_500))]
    pub hour_sum_days: Option<u16>,
    /// Days that sums by day are kept at least. 0: for ever [default: 3650]
    #[arg(long, env = "TRIBUTARY_DAY_SUM_DAYS", value_name = "DAYS", value_parser = clap::value_parser!(u16).range(0..=36_500))]
    pub day_sum_days: Option<u16>,
    /// Keep things for fewer days than until now where that is asked for: what is older goes, and nothing brings it back.
    /// Say it once, not always
    #[arg(long)]
    pub shorten_retention: bool,
}

impl Keep {
    /// Days of addresses, of dead letters' records too.
    #[must_use]
    pub fn address_days(&self) -> u16 {
        self.address_days.unwrap_or(ADDRESS_DAYS as u16)
    }

    /// Days of a kind, and whether somebody gave them.
    pub(super) fn wanted(&self, kind: Kind) -> Wanted {
        let (given, default) = match kind {
            Kind::Addresses => (self.address_days, ADDRESS_DAYS),
            Kind::Events => (self.event_days, EVENT_DAYS),
            Kind::HourSums => (self.hour_sum_days, HOUR_SUM_DAYS),
            Kind::DaySums => (self.day_sum_days, DAY_SUM_DAYS),
        };
        Wanted { days: given.map_or(default, u32::from), is_given: given.is_some() }
    }
}

/// Days asked for; 0: for ever.
#[derive(Debug, Clone, Copy)]
pub(super) struct Wanted {
    pub(super) days: u32,
    /// Not only the default.
    pub(super) is_given: bool,
}

/// What is kept for some time of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Raw addresses, in both raw tables.
    Addresses,
    /// Raw events.
    Events,
    /// Rollups by hour.
    HourSums,
    /// Rollups by day.
    DaySums,
}

/// The table whose rows another one holds once more, beside something else: it keeps them as long, and nothing is lost by
/// that which is not there already.
pub(super) fn follows(table: &str) -> Option<&'static str> {
    (table == "conversions_by_click").then_some("conversions")
}

impl Kind {
    /// What a table has of these; none where nothing ever goes.
    pub(super) fn of(table: &str) -> &'static [Self] {
        match table {
            "clicks" | "conversions" => &[Self::Events, Self::Addresses],
            beside if follows(beside).is_some() => &[Self::Events],
            sums if sums.contains("_by_hour") => &[Self::HourSums],
            sums if sums.contains("_by_day") => &[Self::DaySums],
            _ => &[],
        }
    }

    /// In words.
    #[must_use]
    pub const fn what(self) -> &'static str {
        match self {
            Self::Addresses => "addresses",
            Self::Events => "raw events",
            Self::HourSums => "sums by hour",
            Self::DaySums => "sums by day",
        }
    }

    /// What sets it.
    #[must_use]
    pub const fn variable(self) -> &'static str {
        match self {
            Self::Addresses => "TRIBUTARY_ADDRESS_DAYS",
            Self::Events => "TRIBUTARY_EVENT_DAYS",
            Self::HourSums => "TRIBUTARY_HOUR_SUM_DAYS",
            Self::DaySums => "TRIBUTARY_DAY_SUM_DAYS",
        }
    }

    /// What a table says when it keeps it so long; empty for ever. All rows of a part expire at once, so that parts go
    /// whole. Not by ttl_only_drop_parts: with it the addresses in a part would wait for its rows.
    pub(super) fn ttl(self, partition_key: &str, days: u32) -> String {
        let column = match self {
            _ if days == 0 => return String::new(),
            Self::Addresses => return format!("toDateTime(time) + toIntervalDay({days})"),
            Self::Events => "time",
            Self::HourSums | Self::DaySums => "day",
        };
        let end = if partition_key.starts_with("toYYYYMM(") {
            format!("toDateTime(toStartOfMonth({column}), 'UTC') + toIntervalMonth(1)")
        } else if partition_key.starts_with("toYear(") {
            format!("toDateTime(toStartOfYear({column}), 'UTC') + toIntervalYear(1)")
        } else {
            format!("toDateTime({column}, 'UTC')")
        };
        format!("{end} + toIntervalDay({days})")
    }

    /// How a table is made to say it.
    pub(super) fn change(self, ttl: &str) -> String {
        match (self, ttl) {
            (Self::Addresses, ttl) => format!("MODIFY COLUMN address String TTL {ttl}"),
            (_, "") => EVER.to_owned(),
            (_, ttl) => format!("MODIFY TTL {ttl}"),
        }
    }

    /// What a table says now.
    pub(super) fn stored(self, engine_full: &str, created: &str) -> String {
        let found = match self {
            Self::Addresses => {
                let column = created.split_once("`address` String").map_or("", |(_, rest)| rest);
                let column = column.split(", `").next().unwrap_or_default();
                column.split_once(" TTL ").map(|(_, ttl)| ttl)
            }
            _ => engine_full.split_once(" TTL ").map(|(_, ttl)| ttl),
        };
        let found = found.unwrap_or_default();
        found.split(" SETTINGS ").next().unwrap_or_default().trim().to_owned()
    }
}

/// The days of what a table says; 0: for ever.
pub(super) fn days(ttl: &str) -> u32 {
    let number = ttl.rsplit_once("toIntervalDay(").map(|(_, rest)| rest);
    number.and_then(|rest| rest.split(')').next()?.parse().ok()).unwrap_or(0)
}

/// Whether two texts say the same: ClickHouse writes parentheses of its own.
pub(super) fn is_same(one: &str, other: &str) -> bool {
    let plain = |text: &str| text.replace(['(', ')', ' '], "");
    plain(one) == plain(other)
}

/// Whether something would go earlier.
pub(super) const fn is_shorter(from: u32, to: u32) -> bool {
    to != 0 && (from == 0 || to < from)
}

/// What becomes of something that was kept for `from` days.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Change {
    /// It stays: nothing else is asked for, or a default that would be shorter.
    Nothing,
    To(u32),
    /// It would be shorter, and nobody said that it shall.
    Refused(u32),
}

pub(super) fn change(from: u32, wanted: Wanted, may_shorten: bool) -> Change {
    let Wanted { days, is_given } = wanted;
    if days == from {
        return Change::Nothing;
    }
    match (is_shorter(from, days) && !may_shorten, is_given) {
        (false, _) => Change::To(days),
        (true, true) => Change::Refused(days),
        (true, false) => Change::Nothing,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_word_makes_anything_shorter_and_a_default_never_does() {
        use Change::{Nothing, Refused, To};
        let given = |days| Wanted { days, is_given: true };
        let default = |days| Wanted { days, is_given: false };
        for (from, wanted, word, expected) in [
            (400, given(400), false, Nothing),
            (400, given(500), false, To(500)),
            (400, given(0), false, To(0)),
            (400, given(40), false, Refused(40)),
            (400, given(40), true, To(40)),
            (0, given(40), false, Refused(40)),
            (0, default(400), false, Nothing),
            (0, default(400), true, To(400)),
            (7, default(30), false, To(30)),
        ] {
            assert_eq!(change(from, wanted, word), expected, "{from} {wanted:?} {word}");
        }
    }

    #[test]
    fn what_a_table_says_is_read_as_it_is_written() {
        let engine = "MergeTree PARTITION BY toYYYYMM(time) ORDER BY site \
            TTL (toDateTime(toStartOfMonth(time), 'UTC') + toIntervalMonth(1)) + toIntervalDay(400) SETTINGS index_granularity = 8192";
        let stored = Kind::Events.stored(engine, "");
        assert_eq!(days(&stored), 400);
        assert!(is_same(&stored, &Kind::Events.ttl("toYYYYMM(time)", 400)));
        assert!(!is_same(&stored, &Kind::Events.ttl("toYYYYMM(time)", 40)));
        let created = "CREATE TABLE d.clicks (`x` UInt8, `address` String CODEC(ZSTD(3)) TTL toDateTime(time) + toIntervalDay(30), \
            `block` String) ENGINE = MergeTree TTL time + toIntervalDay(7) SETTINGS x = 1";
        let stored = Kind::Addresses.stored(engine, created);
        assert!(is_same(&stored, &Kind::Addresses.ttl("", 30)), "{stored}");
        for (kind, text) in
            [(Kind::DaySums, "MergeTree ORDER BY a SETTINGS b = 1"), (Kind::Events, "")]
        {
            assert_eq!(days(&kind.stored(text, "")), 0);
            assert_eq!(kind.stored(text, ""), "");
        }
    }

    #[test]
    fn each_table_has_what_its_name_says() {
        for (table, kinds) in [
            ("clicks", &[Kind::Events, Kind::Addresses][..]),
            ("clicks_by_hour_link", &[Kind::HourSums]),
            ("clicks_by_day_country", &[Kind::DaySums]),
            ("conversions_by_day_link", &[Kind::DaySums]),
            ("schema_migrations", &[]),
        ] {
            assert_eq!(Kind::of(table), kinds, "{table}");
        }
    }
}
