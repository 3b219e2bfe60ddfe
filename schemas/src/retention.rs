//! How long ClickHouse keeps rows, as its tables say it themselves: one question for everybody who must not take what
//! has expired for what never was.
//!
//! Rows go by whole parts where a table has parts by month or year: with the end of theirs, once that is as many days
//! ago as the table keeps.

/// Gives `name` (that of the table which stands for all of a cluster), `days` (0: for ever) and `since_ms`: from this
/// millisecond of 1970 on every row is there, and will be for another hour; sums that were made when events before were
/// gone have it in their comment. A question of ClickHouse, about the database it is asked in.
pub const KEPT: &str = "
    WITH arrayElement(splitByString(' TTL ', engine_full), 2) AS ttl,
        toDateTime(now() + INTERVAL 1 HOUR, 'UTC') - toIntervalDay(days) AS limit
    SELECT replaceRegexpOne(name, '_local$', '') AS name,
        toUInt32OrZero(extract(ttl, 'toIntervalDay\\\\(([0-9]+)\\\\)')) AS days,
        greatest(toInt64OrZero(extract(comment, '^since ([0-9]+)$')), toInt64(multiIf(
            days = 0, 0,
            position(ttl, 'toStartOfMonth') > 0, 1000 * toUnixTimestamp(toDateTime(toStartOfMonth(limit), 'UTC')),
            position(ttl, 'toStartOfYear') > 0, 1000 * toUnixTimestamp(toDateTime(toStartOfYear(limit), 'UTC')),
            1000 * toUnixTimestamp(limit)))) AS since_ms
    FROM system.tables WHERE database = currentDatabase() AND engine LIKE '%MergeTree'";
