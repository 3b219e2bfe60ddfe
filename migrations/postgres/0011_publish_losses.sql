-- The loss ledger (pipeline.md §6): what every stage counted, by (journal, topic, partition), for anybody to
-- read without asking ClickHouse; and what the audits found that the processor makes by itself.

-- Its newest event: with `oldest`, which days a block tells of. Of blocks committed before this, a time that is
-- late enough.
ALTER TABLE pipeline_block ADD newest timestamptz;
UPDATE pipeline_block SET newest = greatest(oldest, created_at + interval '1 day');
ALTER TABLE pipeline_block ALTER newest SET NOT NULL;
CREATE INDEX pipeline_block_times ON pipeline_block USING gist (tstzrange(oldest, newest, '[]'));

-- The records of a block by lane, as `ranges` has them.
CREATE FUNCTION pipeline_block_lanes(ranges jsonb)
RETURNS TABLE (journal bigint, topic smallint, partition integer, rows bigint) LANGUAGE sql IMMUTABLE AS $$
    SELECT ('x' || (held ->> 0))::bit(64)::bigint, (held ->> 1)::smallint, (held ->> 2)::integer, (held ->> 5)::bigint
    FROM jsonb_array_elements(ranges) AS of_block (held)
$$;

-- Rows that senders have put into ClickHouse: written with the deletion of a block from the outbox.
CREATE TABLE pipeline_stored (
    journal bigint NOT NULL,
    topic smallint NOT NULL CHECK (topic IN (1, 2)),
    partition integer NOT NULL,
    rows bigint NOT NULL CHECK (rows >= 0),
    PRIMARY KEY (journal, topic, partition)
) WITH (fillfactor = 50);
INSERT INTO pipeline_stored (journal, topic, partition, rows)
    SELECT lanes.journal, lanes.topic, lanes.partition, sum(lanes.rows)
    FROM pipeline_block b, pipeline_block_lanes(b.ranges) AS lanes
    WHERE NOT EXISTS (SELECT FROM outbox_block o WHERE o.id = b.id)
    GROUP BY lanes.journal, lanes.topic, lanes.partition;

-- One row a lane: announced = received + skipped + lost + missing, received = decided + waiting + dead letters,
-- decided = stored + on the way. What is left over in the last two is unexplained, and is never right.
CREATE VIEW pipeline_loss_ledger AS
WITH waiting AS (
    SELECT journal, 2::smallint AS topic, partition, count(*) AS records FROM pipeline_waiting GROUP BY journal, partition
),
dead AS (
    SELECT journal, topic, partition, count(*) AS records FROM pipeline_dead_letter
    WHERE resolved_by IS NULL AND topic IN (1, 2) GROUP BY journal, topic, partition
),
on_the_way AS (
    SELECT lanes.journal, lanes.topic, lanes.partition, sum(lanes.rows)::bigint AS records
    FROM outbox_block o JOIN pipeline_block b USING (id), pipeline_block_lanes(b.ranges) AS lanes
    GROUP BY lanes.journal, lanes.topic, lanes.partition
),
lanes AS (
    SELECT q.journal, j.slot, q.topic, q.partition, q.announced,
        (SELECT coalesce(sum(upper(gap) - lower(gap)), 0)::bigint
         FROM unnest(int8multirange(int8range(1, q.announced + 1)) - q.covered) AS gap) AS missing,
        q.received, q.skipped, q.lost, q.repeated, q.decided,
        coalesce(w.records, 0) AS waiting, coalesce(d.records, 0) AS dead_letters,
        coalesce(o.records, 0) AS on_the_way, coalesce(s.rows, 0) AS stored
    FROM pipeline_seqs q JOIN pipeline_journal j USING (journal)
    LEFT JOIN waiting w USING (journal, topic, partition)
    LEFT JOIN dead d USING (journal, topic, partition)
    LEFT JOIN on_the_way o USING (journal, topic, partition)
    LEFT JOIN pipeline_stored s USING (journal, topic, partition)
)
SELECT *, abs(received - decided - waiting - dead_letters) + abs(decided - stored - on_the_way) AS unexplained
FROM lanes;

-- Audits the processor made by itself, kept for a year.
CREATE TABLE pipeline_audit (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    begun_at timestamptz NOT NULL,
    ended_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    -- Events from `since` until before `until` were compared; null: without a bound.
    since timestamptz,
    until timestamptz,
    commit bigint NOT NULL,
    blocks bigint NOT NULL,
    conversions bigint NOT NULL,
    -- How many things did not agree, and the first hundred: [{"what": …, "range": …}, …].
    discrepancies integer NOT NULL,
    found jsonb NOT NULL
);
CREATE INDEX pipeline_audit_begun ON pipeline_audit (begun_at);

GRANT SELECT, INSERT, UPDATE ON pipeline_stored TO tributary_processor;
GRANT SELECT, INSERT, DELETE ON pipeline_audit TO tributary_processor;
GRANT SELECT ON pipeline_loss_ledger TO tributary_processor, tributary_analyst;
