-- Sums for what else the dashboard asks, made as those of 0003 are. Where events are stored already the migrator fills
-- them from those, while nothing is sent (migrations/src/clickhouse/fill.rs).

-- The first screen: a few rows a day.
CREATE TABLE IF NOT EXISTS clicks_by_day_program
(
    site UInt32,
    day Date,
    program UInt32,
    reason LowCardinality(String),
    kind Enum8('click' = 1, 'impression' = 2),
    gross Int64,
    uniques Int64,
    duplicates Int64,
    invalid Int64
)
ENGINE = SummingMergeTree
PARTITION BY toYear(day)
ORDER BY (site, day, program, reason, kind)
SETTINGS default_compression_codec = 'ZSTD(1)', non_replicated_deduplication_window = 10000, fsync_after_insert = 1, fsync_part_directory = 1;

CREATE MATERIALIZED VIEW IF NOT EXISTS clicks_by_day_program_mv TO clicks_by_day_program AS
SELECT site, day, program, reason, kind,
    sum(toInt64(count)) AS gross,
    sum(toInt64(count) * (outcome = 'unique')) AS uniques,
    sum(toInt64(count) * (outcome = 'duplicate')) AS duplicates,
    sum(toInt64(count) * (outcome = 'invalid')) AS invalid
FROM clicks
GROUP BY site, day, program, reason, kind;

-- Hours are moments, so that every zone of whole hours can ask for them; `day` is the site's, as everywhere. Kept for
-- months, so parts are of months and go whole.
CREATE TABLE IF NOT EXISTS clicks_by_hour_program
(
    site UInt32,
    hour DateTime('UTC'),
    day Date,
    program UInt32,
    reason LowCardinality(String),
    kind Enum8('click' = 1, 'impression' = 2),
    gross Int64,
    uniques Int64,
    duplicates Int64,
    invalid Int64
)
ENGINE = SummingMergeTree
PARTITION BY toYYYYMM(day)
ORDER BY (site, hour, day, program, reason, kind)
SETTINGS default_compression_codec = 'ZSTD(1)', non_replicated_deduplication_window = 10000, fsync_after_insert = 1, fsync_part_directory = 1;

CREATE MATERIALIZED VIEW IF NOT EXISTS clicks_by_hour_program_mv TO clicks_by_hour_program AS
SELECT site, toStartOfHour(time) AS hour, day, program, reason, kind,
    sum(toInt64(count)) AS gross,
    sum(toInt64(count) * (outcome = 'unique')) AS uniques,
    sum(toInt64(count) * (outcome = 'duplicate')) AS duplicates,
    sum(toInt64(count) * (outcome = 'invalid')) AS invalid
FROM clicks
GROUP BY site, hour, day, program, reason, kind;

CREATE TABLE IF NOT EXISTS clicks_by_day_affiliate
(
    site UInt32,
    day Date,
    affiliate UInt32,
    program UInt32,
    kind Enum8('click' = 1, 'impression' = 2),
    gross Int64,
    uniques Int64,
    duplicates Int64,
    invalid Int64
)
ENGINE = SummingMergeTree
PARTITION BY toYear(day)
ORDER BY (site, day, affiliate, program, kind)
SETTINGS default_compression_codec = 'ZSTD(1)', non_replicated_deduplication_window = 10000, fsync_after_insert = 1, fsync_part_directory = 1;

CREATE MATERIALIZED VIEW IF NOT EXISTS clicks_by_day_affiliate_mv TO clicks_by_day_affiliate AS
SELECT site, day, affiliate, program, kind,
    sum(toInt64(count)) AS gross,
    sum(toInt64(count) * (outcome = 'unique')) AS uniques,
    sum(toInt64(count) * (outcome = 'duplicate')) AS duplicates,
    sum(toInt64(count) * (outcome = 'invalid')) AS invalid
FROM clicks
GROUP BY site, day, affiliate, program, kind;

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
ORDER BY (site, program, day, device, os, browser, kind)
SETTINGS default_compression_codec = 'ZSTD(1)', non_replicated_deduplication_window = 10000, fsync_after_insert = 1, fsync_part_directory = 1;

CREATE MATERIALIZED VIEW IF NOT EXISTS clicks_by_day_agent_mv TO clicks_by_day_agent AS
SELECT site, program, day, device, os, browser, kind,
    sum(toInt64(count)) AS gross,
    sum(toInt64(count) * (outcome = 'unique')) AS uniques,
    sum(toInt64(count) * (outcome = 'duplicate')) AS duplicates,
    sum(toInt64(count) * (outcome = 'invalid')) AS invalid
FROM clicks
GROUP BY site, program, day, device, os, browser, kind;

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
ORDER BY (site, program, day, language, kind)
SETTINGS default_compression_codec = 'ZSTD(1)', non_replicated_deduplication_window = 10000, fsync_after_insert = 1, fsync_part_directory = 1;

CREATE MATERIALIZED VIEW IF NOT EXISTS clicks_by_day_language_mv TO clicks_by_day_language AS
SELECT site, program, day, language, kind,
    sum(toInt64(count)) AS gross,
    sum(toInt64(count) * (outcome = 'unique')) AS uniques,
    sum(toInt64(count) * (outcome = 'duplicate')) AS duplicates,
    sum(toInt64(count) * (outcome = 'invalid')) AS invalid
FROM clicks
GROUP BY site, program, day, language, kind;

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
ORDER BY (site, program, day, referrer, source, kind)
SETTINGS default_compression_codec = 'ZSTD(1)', non_replicated_deduplication_window = 10000, fsync_after_insert = 1, fsync_part_directory = 1;

CREATE MATERIALIZED VIEW IF NOT EXISTS clicks_by_day_referrer_mv TO clicks_by_day_referrer AS
SELECT site, program, day, referrer, source, kind,
    sum(toInt64(count)) AS gross,
    sum(toInt64(count) * (outcome = 'unique')) AS uniques,
    sum(toInt64(count) * (outcome = 'duplicate')) AS duplicates,
    sum(toInt64(count) * (outcome = 'invalid')) AS invalid
FROM clicks
GROUP BY site, program, day, referrer, source, kind;

-- What most clicks do not have is kept of those that do; the others are the rest of another table's sums, and cost
-- an insert nothing: here of clicks_by_day_country, …
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
ORDER BY (site, program, day, country, region, city, kind)
SETTINGS default_compression_codec = 'ZSTD(1)', non_replicated_deduplication_window = 10000, fsync_after_insert = 1, fsync_part_directory = 1;

CREATE MATERIALIZED VIEW IF NOT EXISTS clicks_by_day_place_mv TO clicks_by_day_place AS
SELECT site, program, day, country, region, city, kind,
    sum(toInt64(count)) AS gross,
    sum(toInt64(count) * (outcome = 'unique')) AS uniques,
    sum(toInt64(count) * (outcome = 'duplicate')) AS duplicates,
    sum(toInt64(count) * (outcome = 'invalid')) AS invalid
FROM clicks
WHERE region != '' OR city != ''
GROUP BY site, program, day, country, region, city, kind;

-- … of clicks_by_day_program, …
CREATE TABLE IF NOT EXISTS clicks_by_day_code
(
    site UInt32,
    day Date,
    program UInt32,
    code LowCardinality(String),
    reason LowCardinality(String),
    kind Enum8('click' = 1, 'impression' = 2),
    gross Int64,
    uniques Int64,
    duplicates Int64,
    invalid Int64
)
ENGINE = SummingMergeTree
PARTITION BY toYear(day)
ORDER BY (site, day, program, code, reason, kind)
SETTINGS default_compression_codec = 'ZSTD(1)', non_replicated_deduplication_window = 10000, fsync_after_insert = 1, fsync_part_directory = 1;

CREATE MATERIALIZED VIEW IF NOT EXISTS clicks_by_day_code_mv TO clicks_by_day_code AS
SELECT site, day, program, code, reason, kind,
    sum(toInt64(count)) AS gross,
    sum(toInt64(count) * (outcome = 'unique')) AS uniques,
    sum(toInt64(count) * (outcome = 'duplicate')) AS duplicates,
    sum(toInt64(count) * (outcome = 'invalid')) AS invalid
FROM clicks
WHERE code != ''
GROUP BY site, day, program, code, reason, kind;

-- … and of clicks_by_day_affiliate.
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
ORDER BY (site, affiliate, day, sub1, program, kind)
SETTINGS default_compression_codec = 'ZSTD(1)', non_replicated_deduplication_window = 10000, fsync_after_insert = 1, fsync_part_directory = 1;

CREATE MATERIALIZED VIEW IF NOT EXISTS clicks_by_day_sub1_mv TO clicks_by_day_sub1 AS
SELECT site, affiliate, day, sub1, program, kind,
    sum(toInt64(count)) AS gross,
    sum(toInt64(count) * (outcome = 'unique')) AS uniques,
    sum(toInt64(count) * (outcome = 'duplicate')) AS duplicates,
    sum(toInt64(count) * (outcome = 'invalid')) AS invalid
FROM clicks
WHERE sub1 != ''
GROUP BY site, affiliate, day, sub1, program, kind;

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
ORDER BY (site, affiliate, day, sub2, program, kind)
SETTINGS default_compression_codec = 'ZSTD(1)', non_replicated_deduplication_window = 10000, fsync_after_insert = 1, fsync_part_directory = 1;

CREATE MATERIALIZED VIEW IF NOT EXISTS clicks_by_day_sub2_mv TO clicks_by_day_sub2 AS
SELECT site, affiliate, day, sub2, program, kind,
    sum(toInt64(count)) AS gross,
    sum(toInt64(count) * (outcome = 'unique')) AS uniques,
    sum(toInt64(count) * (outcome = 'duplicate')) AS duplicates,
    sum(toInt64(count) * (outcome = 'invalid')) AS invalid
FROM clicks
WHERE sub2 != ''
GROUP BY site, affiliate, day, sub2, program, kind;

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
ORDER BY (site, affiliate, day, sub3, program, kind)
SETTINGS default_compression_codec = 'ZSTD(1)', non_replicated_deduplication_window = 10000, fsync_after_insert = 1, fsync_part_directory = 1;

CREATE MATERIALIZED VIEW IF NOT EXISTS clicks_by_day_sub3_mv TO clicks_by_day_sub3 AS
SELECT site, affiliate, day, sub3, program, kind,
    sum(toInt64(count)) AS gross,
    sum(toInt64(count) * (outcome = 'unique')) AS uniques,
    sum(toInt64(count) * (outcome = 'duplicate')) AS duplicates,
    sum(toInt64(count) * (outcome = 'invalid')) AS invalid
FROM clicks
WHERE sub3 != ''
GROUP BY site, affiliate, day, sub3, program, kind;

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
ORDER BY (site, affiliate, day, sub4, program, kind)
SETTINGS default_compression_codec = 'ZSTD(1)', non_replicated_deduplication_window = 10000, fsync_after_insert = 1, fsync_part_directory = 1;

CREATE MATERIALIZED VIEW IF NOT EXISTS clicks_by_day_sub4_mv TO clicks_by_day_sub4 AS
SELECT site, affiliate, day, sub4, program, kind,
    sum(toInt64(count)) AS gross,
    sum(toInt64(count) * (outcome = 'unique')) AS uniques,
    sum(toInt64(count) * (outcome = 'duplicate')) AS duplicates,
    sum(toInt64(count) * (outcome = 'invalid')) AS invalid
FROM clicks
WHERE sub4 != ''
GROUP BY site, affiliate, day, sub4, program, kind;

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
ORDER BY (site, affiliate, day, sub5, program, kind)
SETTINGS default_compression_codec = 'ZSTD(1)', non_replicated_deduplication_window = 10000, fsync_after_insert = 1, fsync_part_directory = 1;

CREATE MATERIALIZED VIEW IF NOT EXISTS clicks_by_day_sub5_mv TO clicks_by_day_sub5 AS
SELECT site, affiliate, day, sub5, program, kind,
    sum(toInt64(count)) AS gross,
    sum(toInt64(count) * (outcome = 'unique')) AS uniques,
    sum(toInt64(count) * (outcome = 'duplicate')) AS duplicates,
    sum(toInt64(count) * (outcome = 'invalid')) AS invalid
FROM clicks
WHERE sub5 != ''
GROUP BY site, affiliate, day, sub5, program, kind;
