-- More partitions (docs/scaling.md): claims say which shards they are of, so that whoever owns a partition under
-- another number finds them. A blob holds claims of shards that leave `partition` when divided by `layout`; layout 1
-- is every shard.
ALTER TABLE pipeline_claims ADD layout integer;
UPDATE pipeline_claims SET layout = (SELECT CASE WHEN min(partitions) = max(partitions) THEN min(partitions) ELSE 1 END
    FROM pipeline_journal);
-- Claims without any journal are nobody's.
UPDATE pipeline_claims SET layout = 1 WHERE layout IS NULL;
ALTER TABLE pipeline_claims ALTER layout SET NOT NULL, ADD CHECK (layout BETWEEN 1 AND 4096);
DROP INDEX pipeline_claims_partition;
CREATE INDEX pipeline_claims_layout ON pipeline_claims (layout, partition, id);
