-- The blobs around each click's seq, by the index on their ranges, each once; the latest commit last.
SELECT l.bytes, array_agg(c.n) AS "of!"
FROM unnest($1::int8[], $2::int4[], $3::int8[]) WITH ORDINALITY AS c (journal, partition, seq, n)
JOIN pipeline_label l ON l.journal = c.journal AND l.partition = c.partition
    AND int8range(l.first_seq, l.last_seq, '[]') @> c.seq
GROUP BY l.journal, l.partition, l.last_seq, l.commit
ORDER BY l.commit
