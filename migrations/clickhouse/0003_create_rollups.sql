-- Sums by day of the site's reporting time zone, exact when an insert is repeated: the targets have
-- the same deduplication window as the raw tables, and the processor sends every block with
-- deduplicate_blocks_in_dependent_materialized_views = 1.

CREATE TABLE IF NOT EXISTS clicks_by_day_link
(
    site UInt32,
    affiliate UInt32,
    day Date,
    link UInt32,
    program UInt32,
    kind Enum8('click' = 1, 'impression' = 2),
    gross Int64,
    uniques Int64,
    duplicates Int64,
    invalid Int64
)
ENGINE = SummingMergeTree
PARTITION BY toYear(day)
ORDER BY (site, affiliate, day, link, program, kind)
SETTINGS default_compression_codec = 'ZSTD(1)', non_replicated_deduplication_window = 10000, fsync_after_insert = 1, fsync_part_directory = 1;

CREATE MATERIALIZED VIEW IF NOT EXISTS clicks_by_day_link_mv TO clicks_by_day_link AS
SELECT site, affiliate, day, link, program, kind,
    sum(toInt64(count)) AS gross,
    sum(toInt64(count) * (outcome = 'unique')) AS uniques,
    sum(toInt64(count) * (outcome = 'duplicate')) AS duplicates,
    sum(toInt64(count) * (outcome = 'invalid')) AS invalid
FROM clicks
GROUP BY site, affiliate, day, link, program, kind;

CREATE TABLE IF NOT EXISTS clicks_by_day_country
(
    site UInt32,
    program UInt32,
    day Date,
    country LowCardinality(String),
    device LowCardinality(String),
    reason LowCardinality(String),
    kind Enum8('click' = 1, 'impression' = 2),
    gross Int64,
    uniques Int64,
    duplicates Int64,
    invalid Int64
)
ENGINE = SummingMergeTree
PARTITION BY toYear(day)
ORDER BY (site, program, day, country, device, reason, kind)
SETTINGS default_compression_codec = 'ZSTD(1)', non_replicated_deduplication_window = 10000, fsync_after_insert = 1, fsync_part_directory = 1;

CREATE MATERIALIZED VIEW IF NOT EXISTS clicks_by_day_country_mv TO clicks_by_day_country AS
SELECT site, program, day, country, device, reason, kind,
    sum(toInt64(count)) AS gross,
    sum(toInt64(count) * (outcome = 'unique')) AS uniques,
    sum(toInt64(count) * (outcome = 'duplicate')) AS duplicates,
    sum(toInt64(count) * (outcome = 'invalid')) AS invalid
FROM clicks
GROUP BY site, program, day, country, device, reason, kind;

CREATE TABLE IF NOT EXISTS conversions_by_day_link
(
    site UInt32,
    affiliate UInt32,
    day Date,
    link UInt32,
    program UInt32,
    event LowCardinality(String),
    reason LowCardinality(String),
    currency LowCardinality(String),
    conversions Int64,
    refused Int64,
    amount Int64,
    commission Int64
)
ENGINE = SummingMergeTree
PARTITION BY toYear(day)
ORDER BY (site, affiliate, day, link, program, event, reason, currency)
SETTINGS default_compression_codec = 'ZSTD(1)', non_replicated_deduplication_window = 10000, fsync_after_insert = 1, fsync_part_directory = 1;

CREATE MATERIALIZED VIEW IF NOT EXISTS conversions_by_day_link_mv TO conversions_by_day_link AS
SELECT site, affiliate, day, link, program, event, reason, currency,
    sum(toInt64(count) * (outcome = 'accepted')) AS conversions,
    sum(toInt64(count) * (outcome = 'refused')) AS refused,
    sum(toInt64(count) * amount * (outcome = 'accepted')) AS amount,
    sum(toInt64(count) * commission * (outcome = 'accepted')) AS commission
FROM conversions
GROUP BY site, affiliate, day, link, program, event, reason, currency;
