-- The same sums, the weeks one behind the other: a report of some days reads those weeks, and not all years that are
-- kept, and one of an affiliate or a program still finds its rows of each week together. Smaller granules, since a week
-- of one of many is some rows. Sums that are there are copied (migrations/src/clickhouse/fill.rs): events of their days
-- may be gone.

DROP VIEW IF EXISTS clicks_by_day_link_mv;

DROP TABLE IF EXISTS clicks_by_day_link;

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
ORDER BY (site, toMonday(day), affiliate, day, link, program, kind)
SETTINGS index_granularity = 1024, default_compression_codec = 'ZSTD(1)', non_replicated_deduplication_window = 10000, fsync_after_insert = 1, fsync_part_directory = 1;

CREATE MATERIALIZED VIEW IF NOT EXISTS clicks_by_day_link_mv TO clicks_by_day_link AS
SELECT site, affiliate, day, link, program, kind,
    sum(toInt64(count)) AS gross,
    sum(toInt64(count) * (outcome = 'unique')) AS uniques,
    sum(toInt64(count) * (outcome = 'duplicate')) AS duplicates,
    sum(toInt64(count) * (outcome = 'invalid')) AS invalid
FROM clicks
GROUP BY site, affiliate, day, link, program, kind;

DROP VIEW IF EXISTS clicks_by_day_country_mv;

DROP TABLE IF EXISTS clicks_by_day_country;

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
ORDER BY (site, toMonday(day), program, day, country, device, reason, kind)
SETTINGS index_granularity = 1024, default_compression_codec = 'ZSTD(1)', non_replicated_deduplication_window = 10000, fsync_after_insert = 1, fsync_part_directory = 1;

CREATE MATERIALIZED VIEW IF NOT EXISTS clicks_by_day_country_mv TO clicks_by_day_country AS
SELECT site, program, day, country, device, reason, kind,
    sum(toInt64(count)) AS gross,
    sum(toInt64(count) * (outcome = 'unique')) AS uniques,
    sum(toInt64(count) * (outcome = 'duplicate')) AS duplicates,
    sum(toInt64(count) * (outcome = 'invalid')) AS invalid
FROM clicks
GROUP BY site, program, day, country, device, reason, kind;

DROP VIEW IF EXISTS clicks_by_day_agent_mv;

DROP TABLE IF EXISTS clicks_by_day_agent;

CREATE TABLE IF NOT EXISTS clicks_by_day_agent
(
    site UInt32,
    program UInt32,
    day Date,
    device LowCardinality(String),
    os LowCardinality(String),
    browser LowCardinality(String),
    kind Enum8('click' = 1, 'impression' = 2),
    gross Int64,
    uniques Int64,
    duplicates Int64,
    invalid Int64
)
ENGINE = SummingMergeTree
PARTITION BY toYear(day)
ORDER BY (site, toMonday(day), program, day, device, os, browser, kind)
SETTINGS index_granularity = 1024, default_compression_codec = 'ZSTD(1)', non_replicated_deduplication_window = 10000, fsync_after_insert = 1, fsync_part_directory = 1;

CREATE MATERIALIZED VIEW IF NOT EXISTS clicks_by_day_agent_mv TO clicks_by_day_agent AS
SELECT site, program, day, device, os, browser, kind,
    sum(toInt64(count)) AS gross,
    sum(toInt64(count) * (outcome = 'unique')) AS uniques,
    sum(toInt64(count) * (outcome = 'duplicate')) AS duplicates,
    sum(toInt64(count) * (outcome = 'invalid')) AS invalid
FROM clicks
GROUP BY site, program, day, device, os, browser, kind;

DROP VIEW IF EXISTS clicks_by_day_language_mv;

DROP TABLE IF EXISTS clicks_by_day_language;

CREATE TABLE IF NOT EXISTS clicks_by_day_language
(
    site UInt32,
    program UInt32,
    day Date,
    language LowCardinality(String),
    kind Enum8('click' = 1, 'impression' = 2),
    gross Int64,
    uniques Int64,
    duplicates Int64,
    invalid Int64
)
ENGINE = SummingMergeTree
PARTITION BY toYear(day)
ORDER BY (site, toMonday(day), program, day, language, kind)
SETTINGS index_granularity = 1024, default_compression_codec = 'ZSTD(1)', non_replicated_deduplication_window = 10000, fsync_after_insert = 1, fsync_part_directory = 1;

CREATE MATERIALIZED VIEW IF NOT EXISTS clicks_by_day_language_mv TO clicks_by_day_language AS
SELECT site, program, day, language, kind,
    sum(toInt64(count)) AS gross,
    sum(toInt64(count) * (outcome = 'unique')) AS uniques,
    sum(toInt64(count) * (outcome = 'duplicate')) AS duplicates,
    sum(toInt64(count) * (outcome = 'invalid')) AS invalid
FROM clicks
GROUP BY site, program, day, language, kind;

DROP VIEW IF EXISTS clicks_by_day_referrer_mv;

DROP TABLE IF EXISTS clicks_by_day_referrer;

CREATE TABLE IF NOT EXISTS clicks_by_day_referrer
(
    site UInt32,
    program UInt32,
    day Date,
    referrer LowCardinality(String),
    source LowCardinality(String),
    kind Enum8('click' = 1, 'impression' = 2),
    gross Int64,
    uniques Int64,
    duplicates Int64,
    invalid Int64
)
ENGINE = SummingMergeTree
PARTITION BY toYear(day)
ORDER BY (site, toMonday(day), program, day, referrer, source, kind)
SETTINGS index_granularity = 1024, default_compression_codec = 'ZSTD(1)', non_replicated_deduplication_window = 10000, fsync_after_insert = 1, fsync_part_directory = 1;

CREATE MATERIALIZED VIEW IF NOT EXISTS clicks_by_day_referrer_mv TO clicks_by_day_referrer AS
SELECT site, program, day, referrer, source, kind,
    sum(toInt64(count)) AS gross,
    sum(toInt64(count) * (outcome = 'unique')) AS uniques,
    sum(toInt64(count) * (outcome = 'duplicate')) AS duplicates,
    sum(toInt64(count) * (outcome = 'invalid')) AS invalid
FROM clicks
GROUP BY site, program, day, referrer, source, kind;

DROP VIEW IF EXISTS clicks_by_day_place_mv;

DROP TABLE IF EXISTS clicks_by_day_place;

CREATE TABLE IF NOT EXISTS clicks_by_day_place
(
    site UInt32,
    program UInt32,
    day Date,
    country LowCardinality(String),
    region LowCardinality(String),
    city LowCardinality(String),
    kind Enum8('click' = 1, 'impression' = 2),
    gross Int64,
    uniques Int64,
    duplicates Int64,
    invalid Int64
)
ENGINE = SummingMergeTree
PARTITION BY toYear(day)
ORDER BY (site, toMonday(day), program, day, country, region, city, kind)
SETTINGS index_granularity = 1024, default_compression_codec = 'ZSTD(1)', non_replicated_deduplication_window = 10000, fsync_after_insert = 1, fsync_part_directory = 1;

CREATE MATERIALIZED VIEW IF NOT EXISTS clicks_by_day_place_mv TO clicks_by_day_place AS
SELECT site, program, day, country, region, city, kind,
    sum(toInt64(count)) AS gross,
    sum(toInt64(count) * (outcome = 'unique')) AS uniques,
    sum(toInt64(count) * (outcome = 'duplicate')) AS duplicates,
    sum(toInt64(count) * (outcome = 'invalid')) AS invalid
FROM clicks
WHERE region != '' OR city != ''
GROUP BY site, program, day, country, region, city, kind;

DROP VIEW IF EXISTS clicks_by_day_sub1_mv;

DROP TABLE IF EXISTS clicks_by_day_sub1;

CREATE TABLE IF NOT EXISTS clicks_by_day_sub1
(
    site UInt32,
    affiliate UInt32,
    day Date,
    sub1 LowCardinality(String),
    program UInt32,
    kind Enum8('click' = 1, 'impression' = 2),
    gross Int64,
    uniques Int64,
    duplicates Int64,
    invalid Int64
)
ENGINE = SummingMergeTree
PARTITION BY toYear(day)
ORDER BY (site, toMonday(day), affiliate, day, sub1, program, kind)
SETTINGS index_granularity = 1024, default_compression_codec = 'ZSTD(1)', non_replicated_deduplication_window = 10000, fsync_after_insert = 1, fsync_part_directory = 1;

CREATE MATERIALIZED VIEW IF NOT EXISTS clicks_by_day_sub1_mv TO clicks_by_day_sub1 AS
SELECT site, affiliate, day, sub1, program, kind,
    sum(toInt64(count)) AS gross,
    sum(toInt64(count) * (outcome = 'unique')) AS uniques,
    sum(toInt64(count) * (outcome = 'duplicate')) AS duplicates,
    sum(toInt64(count) * (outcome = 'invalid')) AS invalid
FROM clicks
WHERE sub1 != ''
GROUP BY site, affiliate, day, sub1, program, kind;

DROP VIEW IF EXISTS clicks_by_day_sub2_mv;

DROP TABLE IF EXISTS clicks_by_day_sub2;

CREATE TABLE IF NOT EXISTS clicks_by_day_sub2
(
    site UInt32,
    affiliate UInt32,
    day Date,
    sub2 LowCardinality(String),
    program UInt32,
    kind Enum8('click' = 1, 'impression' = 2),
    gross Int64,
    uniques Int64,
    duplicates Int64,
    invalid Int64
)
ENGINE = SummingMergeTree
PARTITION BY toYear(day)
ORDER BY (site, toMonday(day), affiliate, day, sub2, program, kind)
SETTINGS index_granularity = 1024, default_compression_codec = 'ZSTD(1)', non_replicated_deduplication_window = 10000, fsync_after_insert = 1, fsync_part_directory = 1;

CREATE MATERIALIZED VIEW IF NOT EXISTS clicks_by_day_sub2_mv TO clicks_by_day_sub2 AS
SELECT site, affiliate, day, sub2, program, kind,
    sum(toInt64(count)) AS gross,
    sum(toInt64(count) * (outcome = 'unique')) AS uniques,
    sum(toInt64(count) * (outcome = 'duplicate')) AS duplicates,
    sum(toInt64(count) * (outcome = 'invalid')) AS invalid
FROM clicks
WHERE sub2 != ''
GROUP BY site, affiliate, day, sub2, program, kind;

DROP VIEW IF EXISTS clicks_by_day_sub3_mv;

DROP TABLE IF EXISTS clicks_by_day_sub3;

CREATE TABLE IF NOT EXISTS clicks_by_day_sub3
(
    site UInt32,
    affiliate UInt32,
    day Date,
    sub3 LowCardinality(String),
    program UInt32,
    kind Enum8('click' = 1, 'impression' = 2),
    gross Int64,
    uniques Int64,
    duplicates Int64,
    invalid Int64
)
ENGINE = SummingMergeTree
PARTITION BY toYear(day)
ORDER BY (site, toMonday(day), affiliate, day, sub3, program, kind)
SETTINGS index_granularity = 1024, default_compression_codec = 'ZSTD(1)', non_replicated_deduplication_window = 10000, fsync_after_insert = 1, fsync_part_directory = 1;

CREATE MATERIALIZED VIEW IF NOT EXISTS clicks_by_day_sub3_mv TO clicks_by_day_sub3 AS
SELECT site, affiliate, day, sub3, program, kind,
    sum(toInt64(count)) AS gross,
    sum(toInt64(count) * (outcome = 'unique')) AS uniques,
    sum(toInt64(count) * (outcome = 'duplicate')) AS duplicates,
    sum(toInt64(count) * (outcome = 'invalid')) AS invalid
FROM clicks
WHERE sub3 != ''
GROUP BY site, affiliate, day, sub3, program, kind;

DROP VIEW IF EXISTS clicks_by_day_sub4_mv;

DROP TABLE IF EXISTS clicks_by_day_sub4;

CREATE TABLE IF NOT EXISTS clicks_by_day_sub4
(
    site UInt32,
    affiliate UInt32,
    day Date,
    sub4 LowCardinality(String),
    program UInt32,
    kind Enum8('click' = 1, 'impression' = 2),
    gross Int64,
    uniques Int64,
    duplicates Int64,
    invalid Int64
)
ENGINE = SummingMergeTree
PARTITION BY toYear(day)
ORDER BY (site, toMonday(day), affiliate, day, sub4, program, kind)
SETTINGS index_granularity = 1024, default_compression_codec = 'ZSTD(1)', non_replicated_deduplication_window = 10000, fsync_after_insert = 1, fsync_part_directory = 1;

CREATE MATERIALIZED VIEW IF NOT EXISTS clicks_by_day_sub4_mv TO clicks_by_day_sub4 AS
SELECT site, affiliate, day, sub4, program, kind,
    sum(toInt64(count)) AS gross,
    sum(toInt64(count) * (outcome = 'unique')) AS uniques,
    sum(toInt64(count) * (outcome = 'duplicate')) AS duplicates,
    sum(toInt64(count) * (outcome = 'invalid')) AS invalid
FROM clicks
WHERE sub4 != ''
GROUP BY site, affiliate, day, sub4, program, kind;

DROP VIEW IF EXISTS clicks_by_day_sub5_mv;

DROP TABLE IF EXISTS clicks_by_day_sub5;

CREATE TABLE IF NOT EXISTS clicks_by_day_sub5
(
    site UInt32,
    affiliate UInt32,
    day Date,
    sub5 LowCardinality(String),
    program UInt32,
    kind Enum8('click' = 1, 'impression' = 2),
    gross Int64,
    uniques Int64,
    duplicates Int64,
    invalid Int64
)
ENGINE = SummingMergeTree
PARTITION BY toYear(day)
ORDER BY (site, toMonday(day), affiliate, day, sub5, program, kind)
SETTINGS index_granularity = 1024, default_compression_codec = 'ZSTD(1)', non_replicated_deduplication_window = 10000, fsync_after_insert = 1, fsync_part_directory = 1;

CREATE MATERIALIZED VIEW IF NOT EXISTS clicks_by_day_sub5_mv TO clicks_by_day_sub5 AS
SELECT site, affiliate, day, sub5, program, kind,
    sum(toInt64(count)) AS gross,
    sum(toInt64(count) * (outcome = 'unique')) AS uniques,
    sum(toInt64(count) * (outcome = 'duplicate')) AS duplicates,
    sum(toInt64(count) * (outcome = 'invalid')) AS invalid
FROM clicks
WHERE sub5 != ''
GROUP BY site, affiliate, day, sub5, program, kind;

DROP VIEW IF EXISTS conversions_by_day_link_mv;

DROP TABLE IF EXISTS conversions_by_day_link;

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
ORDER BY (site, toMonday(day), affiliate, day, link, program, event, reason, currency)
SETTINGS index_granularity = 1024, default_compression_codec = 'ZSTD(1)', non_replicated_deduplication_window = 10000, fsync_after_insert = 1, fsync_part_directory = 1;

CREATE MATERIALIZED VIEW IF NOT EXISTS conversions_by_day_link_mv TO conversions_by_day_link AS
SELECT site, affiliate, day, link, program, event, reason, currency,
    sum(toInt64(count) * (outcome = 'accepted')) AS conversions,
    sum(toInt64(count) * (outcome = 'refused')) AS refused,
    sum(toInt64(count) * amount * (outcome = 'accepted')) AS amount,
    sum(toInt64(count) * commission * (outcome = 'accepted')) AS commission
FROM conversions
GROUP BY site, affiliate, day, link, program, event, reason, currency;
