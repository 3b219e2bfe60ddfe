-- What a whole site has of one dimension alone. Sums by program or by affiliate are hundreds of thousands of rows for a
-- quarter, and conversions by what their clicks had were not summed at all, each a row of its own: the first screen read
-- all of them, to add up a hundred countries. `value` is the dimension's, and of affiliates `id`.
CREATE TABLE IF NOT EXISTS clicks_by_day_site
(
    site UInt32,
    dimension Enum8('affiliate' = 1, 'country' = 2),
    day Date,
    id UInt32,
    value LowCardinality(String),
    kind Enum8('click' = 1, 'impression' = 2),
    gross Int64 CODEC(T64, LZ4),
    uniques Int64 CODEC(T64, LZ4),
    duplicates Int64 CODEC(T64, LZ4),
    invalid Int64 CODEC(T64, LZ4)
)
ENGINE = SummingMergeTree
PARTITION BY toYear(day)
ORDER BY (site, dimension, day, id, value, kind)
SETTINGS index_granularity = 1024, default_compression_codec = 'LZ4', non_replicated_deduplication_window = 10000, fsync_after_insert = 1, fsync_part_directory = 1;

-- Not by more dimensions: each is a row more of every click to add up, ten of them as much again as all other sums
-- together (25 ms of CPU time for a block of 10,000).
CREATE MATERIALIZED VIEW IF NOT EXISTS clicks_by_day_site_mv TO clicks_by_day_site AS
SELECT site, dimension, day, id, value, kind,
    sum(toInt64(count)) AS gross,
    sum(toInt64(count) * (outcome = 'unique')) AS uniques,
    sum(toInt64(count) * (outcome = 'duplicate')) AS duplicates,
    sum(toInt64(count) * (outcome = 'invalid')) AS invalid
FROM clicks
ARRAY JOIN
    CAST([1, 2], 'Array(Enum8(\'affiliate\' = 1, \'country\' = 2))') AS dimension,
    [affiliate, 0] AS id,
    [CAST('', 'LowCardinality(String)'), country] AS value
GROUP BY site, dimension, day, id, value, kind;

CREATE TABLE IF NOT EXISTS conversions_by_day_site
(
    site UInt32,
    dimension Enum8('affiliate' = 1, 'country' = 2, 'region' = 3, 'city' = 4, 'device' = 5, 'os' = 6, 'browser' = 7, 'language' = 8, 'referrer' = 9, 'source' = 10),
    day Date,
    id UInt32,
    value LowCardinality(String),
    currency LowCardinality(String),
    conversions Int64 CODEC(T64, LZ4),
    refused Int64 CODEC(T64, LZ4),
    amount Int64 CODEC(T64, LZ4),
    commission Int64 CODEC(T64, LZ4)
)
ENGINE = SummingMergeTree
PARTITION BY toYear(day)
ORDER BY (site, dimension, day, id, value, currency)
SETTINGS index_granularity = 1024, default_compression_codec = 'LZ4', non_replicated_deduplication_window = 10000, fsync_after_insert = 1, fsync_part_directory = 1;

-- Of conversions beside their clicks, whose places and languages they have.
CREATE MATERIALIZED VIEW IF NOT EXISTS conversions_by_day_site_mv TO conversions_by_day_site AS
SELECT site, dimension, day, id, value, currency,
    sum(conversions) AS conversions,
    sum(refused) AS refused,
    sum(amount) AS amount,
    sum(commission) AS commission
FROM conversions_by_click
ARRAY JOIN
    CAST(
        [1, 2, 3, 4, 5, 6, 7, 8, 9, 10],
        'Array(Enum8(\'affiliate\' = 1, \'country\' = 2, \'region\' = 3, \'city\' = 4, \'device\' = 5, \'os\' = 6, \'browser\' = 7, \'language\' = 8, \'referrer\' = 9, \'source\' = 10))'
    ) AS dimension,
    [affiliate, 0, 0, 0, 0, 0, 0, 0, 0, 0] AS id,
    [CAST('', 'LowCardinality(String)'), country, region, city, device, os, browser, language, referrer, source] AS value
GROUP BY site, dimension, day, id, value, currency;
