-- Every conversion with its outcome, refused ones too.
CREATE TABLE IF NOT EXISTS conversions
(
    site UInt32,
    affiliate UInt32,
    link UInt32,
    program UInt32,
    time DateTime64(3, 'UTC') CODEC(Delta, ZSTD(1)),
    journal UInt64,
    shard UInt16 CODEC(T64, ZSTD(1)),
    seq UInt64 CODEC(T64, ZSTD(1)),
    day Date,
    count Int8 DEFAULT 1,
    -- Id in PostgreSQL's affiliate_conversion.
    conversion UInt64,
    event LowCardinality(String),
    txn_id String,
    via LowCardinality(String),
    -- accepted | refused
    outcome LowCardinality(String),
    -- pending | approved | rejected | invalid
    status LowCardinality(String),
    -- Why it is refused (`schemas::reason::Refusal`), else empty.
    reason LowCardinality(String),
    rules UInt16,
    -- Units of 1/10,000 minor unit: value of the order, and the affiliate's commission.
    amount Int64,
    commission Int64,
    currency LowCardinality(String),
    click_time DateTime64(3, 'UTC'),
    click_journal UInt64,
    click_shard UInt16,
    click_seq UInt64,
    country LowCardinality(String),
    device LowCardinality(String),
    os LowCardinality(String),
    browser LowCardinality(String),
    referrer LowCardinality(String),
    source LowCardinality(String),
    sub1 LowCardinality(String),
    sub2 LowCardinality(String),
    sub3 LowCardinality(String),
    sub4 LowCardinality(String),
    sub5 LowCardinality(String),
    sub6 LowCardinality(String),
    sub7 LowCardinality(String),
    sub8 LowCardinality(String),
    sub9 LowCardinality(String),
    sub10 LowCardinality(String),
    coupon LowCardinality(String),
    adv1 LowCardinality(String),
    adv2 LowCardinality(String),
    adv3 LowCardinality(String),
    adv4 LowCardinality(String),
    adv5 LowCardinality(String),
    adv6 LowCardinality(String),
    adv7 LowCardinality(String),
    adv8 LowCardinality(String),
    adv9 LowCardinality(String),
    adv10 LowCardinality(String),
    address String TTL toDateTime(time) + INTERVAL 30 DAY,
    block LowCardinality(String),
    commit UInt64 CODEC(Delta, ZSTD(1))
)
ENGINE = MergeTree
PARTITION BY toYYYYMM(time)
ORDER BY (site, affiliate, link, time)
SETTINGS index_granularity = 8192, default_compression_codec = 'ZSTD(1)', non_replicated_deduplication_window = 10000, fsync_after_insert = 1, fsync_part_directory = 1;
