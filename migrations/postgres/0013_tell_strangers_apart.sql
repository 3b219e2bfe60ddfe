-- Records of journals that were never introduced lie in the dead letters too, but their numbers are in no set: when
-- the journal says who it is they may come once more, by themselves or out of the letter, whichever is first.
-- `received`: the number is in its set, and only this letter says what became of it.
ALTER TABLE pipeline_dead_letter ADD received boolean NOT NULL DEFAULT true;
UPDATE pipeline_dead_letter SET received = false
    WHERE topic IN (1, 2) AND (reason LIKE 'journal % was never introduced' OR reason LIKE 'journal % was not made with our keys');

-- As before, but for letters of strangers: no stage has counted those.
CREATE OR REPLACE VIEW pipeline_loss_ledger AS
WITH waiting AS (
    SELECT journal, 2::smallint AS topic, partition, count(*) AS records FROM pipeline_waiting GROUP BY journal, partition
),
dead AS (
    SELECT journal, topic, partition, count(*) AS records FROM pipeline_dead_letter
    WHERE resolved_by IS NULL AND received AND topic IN (1, 2) GROUP BY journal, topic, partition
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
