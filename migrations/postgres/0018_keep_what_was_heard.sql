-- How far each lane was heard, where it is further than its owner's other lanes: a heartbeat lies in every lane, and
-- its owner may change between two of them. What was read before is not read again, so it must be kept.
ALTER TABLE pipeline_seqs ADD heard_ms bigint NOT NULL DEFAULT 0;
