-- Up to which commit: of the oldest blocks, those old enough, and none that is still to be sent or behind one.
WITH bound AS (
    SELECT max(commit) AS commit FROM (SELECT commit, created_at FROM pipeline_block ORDER BY commit LIMIT $2) AS oldest
    WHERE created_at < now() - make_interval(days => $1)
        AND commit < coalesce((SELECT min(commit) FROM outbox_block), 9223372036854775807)
),
old AS (
    DELETE FROM pipeline_block b USING bound WHERE b.commit <= bound.commit
    RETURNING b.table_name, b.ranges, b.oldest, b.newest
)
INSERT INTO pipeline_block_sum (first_commit, last_commit, table_name, journal, topic, partition, rows, checksum,
    first_seq, last_seq, oldest, newest)
SELECT (SELECT coalesce(max(last_commit), 0) + 1 FROM pipeline_block_sum), bound.commit, old.table_name,
    ('x' || (held ->> 0))::bit(64)::bigint AS journal, (held ->> 1)::smallint AS topic, (held ->> 2)::integer AS partition,
    sum((held ->> 5)::bigint), sum((held ->> 6)::numeric) % 18446744073709551616,
    min((held ->> 3)::bigint), max((held ->> 4)::bigint), min(old.oldest), max(old.newest)
FROM bound, old, jsonb_array_elements(old.ranges) AS of_block (held)
GROUP BY bound.commit, old.table_name, 4, 5, 6
