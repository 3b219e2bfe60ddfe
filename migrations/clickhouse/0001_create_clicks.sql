-- A block is deleted from the outbox when ClickHouse has it: an insert is on the disk, not in its
-- cache, before it is answered (fsync_after_insert), or a power cut would lose it.
--
-- Every click and impression with its outcome. One row an event; what changes later is a further row
-- with a signed `count`, never an update.
-- Codecs are measured (docs/benchmarks.md): 22 bytes a click, 5.5 of them the address that expires and
-- 7.6 the visitor's key.
CREATE TABLE IF NOT EXISTS clicks
(
    site UInt32,
    affiliate UInt32,
    link UInt32,
    program UInt32,
    time DateTime64(3, 'UTC') CODEC(Delta, ZSTD(1)),
    -- The record's identity: (time, journal, shard, seq).
    journal UInt64,
    shard UInt16 CODEC(T64, ZSTD(1)),
    seq UInt64 CODEC(T64, ZSTD(1)),
    -- The day of `time` in the site's reporting time zone.
    day Date,
    kind Enum8('click' = 1, 'impression' = 2),
    -- 1, or -1 where an earlier row is taken back.
    count Int8 DEFAULT 1,
    -- unique | duplicate | invalid; gross is their sum.
    outcome LowCardinality(String),
    -- Why it is invalid (`schemas::reason::Invalid`), else empty.
    reason LowCardinality(String),
    -- Version of the rules that decided.
    rules UInt16,
    -- Key version of the click id, to print it again.
    key_version UInt8,
    visitor UInt64,
    country LowCardinality(String),
    region LowCardinality(String),
    city LowCardinality(String),
    device LowCardinality(String),
    os LowCardinality(String),
    browser LowCardinality(String),
    language LowCardinality(String),
    -- Domain of the referrer.
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
    -- As asked for, where no link has it.
    code LowCardinality(String),
    coupon LowCardinality(String),
    -- The affiliate's own id of the click, as sent.
    aff_click_id String,
    -- The address as text, emptied after the configured days.
    address String TTL toDateTime(time) + INTERVAL 30 DAY,
    -- The block it came with (outbox), and that block's place in the order of commits.
    block LowCardinality(String),
    commit UInt64 CODEC(Delta, ZSTD(1))
)
ENGINE = MergeTree
PARTITION BY toYYYYMM(time)
ORDER BY (site, affiliate, link, time)
SETTINGS index_granularity = 8192, default_compression_codec = 'ZSTD(1)', non_replicated_deduplication_window = 10000, fsync_after_insert = 1, fsync_part_directory = 1;
