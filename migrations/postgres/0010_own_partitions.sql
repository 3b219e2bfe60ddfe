-- Several processors (pipeline.md §5): each owns partitions of both topics together, one row here each, and
-- commits only while its epoch stands in all of them. Partition -1 stands for the journals of this machine,
-- where they are read directly: whoever reads those owns everything.
CREATE TABLE pipeline_partition (
    partition integer PRIMARY KEY CHECK (partition BETWEEN -1 AND 4095),
    owner_epoch bigint NOT NULL,
    -- The next offsets to read in Kafka.
    clicks_offset bigint NOT NULL DEFAULT 0,
    conversions_offset bigint NOT NULL DEFAULT 0
) WITH (fillfactor = 50);
INSERT INTO pipeline_partition (partition, owner_epoch) SELECT -1, epoch FROM pipeline_owner;

-- Numbers of commits: for one partition they rise in the order of its commits; between partitions there is
-- no order. A sequence, so that no processor waits for another's transaction.
CREATE SEQUENCE pipeline_commit;
SELECT setval('pipeline_commit', commit + 1, false) FROM pipeline_owner;

-- A heartbeat is heard in each partition by its owner.
ALTER TABLE pipeline_heartbeat ADD partitions int4multirange NOT NULL DEFAULT '{[0,4096)}';

-- A journal has ended when its end was read in every topic and partition.
ALTER TABLE pipeline_seqs ADD ended boolean NOT NULL DEFAULT false;
ALTER TABLE pipeline_journal ADD ended_lanes integer NOT NULL DEFAULT 0;
UPDATE pipeline_journal SET ended_lanes = 2 * partitions WHERE state <> 'live';

GRANT SELECT, INSERT, UPDATE ON pipeline_partition TO tributary_processor;
GRANT USAGE, SELECT ON SEQUENCE pipeline_commit TO tributary_processor;

-- As before, but for what a journal said: its time is the smallest over its partitions of what was heard in
-- each, and nothing while one of them was never heard.
CREATE OR REPLACE VIEW pipeline_as_of AS
WITH done AS (
    SELECT coalesce(min(commit), 9223372036854775807) AS before FROM outbox_block
),
journals AS (
    SELECT j.slot, j.journal, j.state, j.ended_at, heard.at, j.started_at,
        j.state <> 'live' AND NOT holed.holed AND NOT EXISTS (
            SELECT FROM pipeline_heartbeat h WHERE h.journal = j.journal AND h.commit >= done.before) AS over,
        holed.holed
    FROM pipeline_journal j CROSS JOIN done
    CROSS JOIN LATERAL (
        SELECT CASE WHEN count(*) = count(latest.at) THEN min(latest.at) END AS at
        FROM generate_series(0, j.partitions - 1) AS p (partition)
        CROSS JOIN LATERAL (
            SELECT max(h.at) AS at FROM pipeline_heartbeat h
            WHERE h.journal = j.journal AND h.partitions @> p.partition AND h.commit < done.before) AS latest
    ) AS heard
    CROSS JOIN LATERAL (SELECT EXISTS (
        SELECT FROM pipeline_seqs q WHERE q.journal = j.journal
            AND NOT q.covered @> int8range(1, q.announced + 1)) AS holed) AS holed
    WHERE j.kind = 'collector'
),
slots AS (
    SELECT s.slot,
        CASE
            WHEN count(j.journal) = 0 THEN NULL
            WHEN bool_and(j.over) THEN max(j.ended_at)
            ELSE min(coalesce(j.at, j.started_at)) FILTER (WHERE NOT j.over)
        END AS at,
        coalesce(bool_or(j.holed), false) AS holed
    FROM pipeline_slot s LEFT JOIN journals j USING (slot)
    GROUP BY s.slot
),
-- Aggregates without GROUP BY: one row, whatever is declared.
total AS (
    SELECT count(*) AS declared, count(at) AS heard, min(at) AS at,
        string_agg(slot, ', ' ORDER BY slot) FILTER (WHERE at IS NULL) AS unheard,
        string_agg(slot, ', ' ORDER BY slot) FILTER (WHERE holed) AS holed,
        (SELECT min(occurred_at) FROM pipeline_waiting) AS waiting
    FROM slots
)
SELECT
    CASE WHEN declared = heard THEN least(at, waiting - interval '1 millisecond') END AS as_of,
    declared > 0 AND declared = heard AS complete,
    CASE
        WHEN declared = 0 THEN 'no collector is declared'
        WHEN declared > heard THEN 'never heard of: ' || unheard
        WHEN holed IS NOT NULL THEN 'announced and never received: ' || holed
        WHEN waiting <= at THEN 'a conversion waits for its click'
        ELSE ''
    END AS note
FROM total;
