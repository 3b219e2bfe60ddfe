//! Which columns tell about the visitor, and are emptied; every other one stays, and here is why.
//!
//! Emptied is what tells one person from another. What stays: place and time of the row (site, link, time, journal,
//! shard, seq, block: nothing could be proved without), outcome and reason, and every dimension of reports, which rollups
//! sum by and of which each is shared by many: country, region, city, device, os, browser, language, the referrer's
//! domain, source, `sub1` … `sub10` and coupon (the affiliate's and the advertiser's words for their campaigns, not the
//! visitor's). A conversion's `txn_id` is the advertiser's number of a sale, by which it counts
//! once and is paid; money keeps it.

/// Of `clicks`: the name, and what stands there afterwards. A visitor of 0 is none known, as of those who asked not to be
/// followed: never one visitor.
pub(super) const CLICKS: [(&str, &str); 3] = [
    ("visitor", "0"),
    ("address", "''"),
    // One click's number in the affiliate's own books.
    ("aff_click_id", "''"),
];

/// Of `conversions`. Advertisers name their customers in `adv1` … `adv10`.
pub(super) const CONVERSIONS: [(&str, &str); 11] = [
    ("address", "''"),
    ("adv1", "''"),
    ("adv2", "''"),
    ("adv3", "''"),
    ("adv4", "''"),
    ("adv5", "''"),
    ("adv6", "''"),
    ("adv7", "''"),
    ("adv8", "''"),
    ("adv9", "''"),
    ("adv10", "''"),
];

/// Of PostgreSQL's `affiliate_conversion.parameters`. Its `click_id` is one of another tracker; what it was worth, its
/// status and its coupon stay.
pub(super) const PARAMETERS: [&str; 12] = [
    "customer_id",
    "click_id",
    "adv1",
    "adv2",
    "adv3",
    "adv4",
    "adv5",
    "adv6",
    "adv7",
    "adv8",
    "adv9",
    "adv10",
];

/// A condition that a row still tells something.
pub(super) fn told(columns: &[(&str, &str)]) -> String {
    let each: Vec<String> =
        columns.iter().map(|(name, emptied)| format!("{name} != {emptied}")).collect();
    format!("({})", each.join(" OR "))
}

/// What an UPDATE sets.
pub(super) fn set(columns: &[(&str, &str)]) -> String {
    let each: Vec<String> =
        columns.iter().map(|(name, emptied)| format!("{name} = {emptied}")).collect();
    each.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_is_emptied_where_it_tells_something() {
        let two = &CLICKS[..2];
        assert_eq!(told(two), "(visitor != 0 OR address != '')");
        assert_eq!(set(two), "visitor = 0, address = ''");
    }
}
