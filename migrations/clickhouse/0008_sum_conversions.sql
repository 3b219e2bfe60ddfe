-- Conversions of the first screen: a few rows a day. Made and filled as the sums of 0005 are.
CREATE TABLE IF NOT EXISTS conversions_by_day_program
(
    site UInt32,
    day Date,
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
ORDER BY (site, day, program, event, reason, currency)
SETTINGS default_compression_codec = 'ZSTD(1)', non_replicated_deduplication_window = 10000, fsync_after_insert = 1, fsync_part_directory = 1;

CREATE MATERIALIZED VIEW IF NOT EXISTS conversions_by_day_program_mv TO conversions_by_day_program AS
SELECT site, day, program, event, reason, currency,
    sum(toInt64(count) * (outcome = 'accepted')) AS conversions,
    sum(toInt64(count) * (outcome = 'refused')) AS refused,
    sum(toInt64(count) * amount * (outcome = 'accepted')) AS amount,
    sum(toInt64(count) * commission * (outcome = 'accepted')) AS commission
FROM conversions
GROUP BY site, day, program, event, reason, currency;
