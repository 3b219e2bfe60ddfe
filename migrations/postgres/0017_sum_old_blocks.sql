-- Blocks committed longer ago than any backup reaches back are put together: the sums of a stretch of commits, by lane,
-- instead of a row a block. What a commit up to the last of them wrote into ClickHouse is known to be committed, whatever
-- is restored: a database knows its own stretches, and whatever it does not know has a later commit.
CREATE TABLE pipeline_block_sum (
    -- Stretches follow one another without a gap.
    first_commit bigint NOT NULL,
    last_commit bigint NOT NULL CHECK (last_commit >= first_commit),
    table_name text NOT NULL,
    journal bigint NOT NULL,
    topic smallint NOT NULL,
    partition integer NOT NULL,
    rows bigint NOT NULL,
    -- Of the records' places, modulo 2^64.
    checksum numeric(20) NOT NULL,
    first_seq bigint NOT NULL,
    last_seq bigint NOT NULL,
    oldest timestamptz NOT NULL,
    newest timestamptz NOT NULL,
    PRIMARY KEY (last_commit, table_name, journal, topic, partition)
);
GRANT SELECT, INSERT ON pipeline_block_sum TO tributary_processor;
