-- What the processor keeps beside the money, so that nothing is lost or decided twice (pipeline.md
-- §5 and §6). One batch is one transaction over these tables; 64-bit journal ids stand as signed
-- bigint, the same bits.

-- The PostgreSQL server the outbox was last known to be on. Another one (a restored backup, a
-- replica promoted, a restart) is reconciled with ClickHouse before anything is committed or sent.
CREATE TABLE pipeline_store (
    id boolean PRIMARY KEY DEFAULT true CHECK (id),
    system_identifier bigint NOT NULL,
    started_at timestamptz NOT NULL,
    -- Rises when a replica is promoted, or a backup is rolled forward.
    timeline bigint NOT NULL
);

-- Days whose rollups must be rebuilt, since a reconciliation removes rows of them from ClickHouse:
-- written before the first is removed, so that one cut short goes on where it was.
CREATE TABLE pipeline_touched_day (
    day date PRIMARY KEY
);

-- Who may commit, and the number of the last commit. A processor raises `epoch` when it takes over;
-- one that still holds the old epoch updates no row here, and gives up.
CREATE TABLE pipeline_owner (
    id boolean PRIMARY KEY DEFAULT true CHECK (id),
    epoch bigint NOT NULL DEFAULT 0,
    commit bigint NOT NULL DEFAULT 0
);
INSERT INTO pipeline_owner DEFAULT VALUES;

-- The collector slots that are expected to write: `as_of` waits for each of them.
CREATE TABLE pipeline_slot (
    slot text PRIMARY KEY CHECK (slot ~ '^[a-z0-9_-][a-z0-9._-]{0,63}$'),
    declared_at timestamptz NOT NULL DEFAULT now()
);

-- Genuine incarnations of journals. `live` until its END record is read.
CREATE TABLE pipeline_journal (
    journal bigint PRIMARY KEY,
    slot text NOT NULL,
    kind text NOT NULL CHECK (kind IN ('collector', 'import')),
    partitions integer NOT NULL CHECK (partitions BETWEEN 1 AND 4096),
    started_at timestamptz NOT NULL,
    state text NOT NULL DEFAULT 'live' CHECK (state IN ('live', 'sealed', 'retired')),
    -- Of its END record: when it ended, who comes after.
    ended_at timestamptz,
    successor bigint,
    -- Why a journal that never ended is not waited for any more.
    retired_because text NOT NULL DEFAULT '',
    registered_at timestamptz NOT NULL DEFAULT now(),
    CHECK ((state = 'live') = (ended_at IS NULL))
);
CREATE INDEX pipeline_journal_slot ON pipeline_journal (slot);

-- Where to read on: segment of the journal and byte in it.
CREATE TABLE pipeline_position (
    journal bigint PRIMARY KEY REFERENCES pipeline_journal,
    owner_epoch bigint NOT NULL,
    next_segment bigint NOT NULL,
    next_offset bigint NOT NULL
) WITH (fillfactor = 50);

-- Which records are in, by (partition, journal, topic): a record whose seq is in `covered` was
-- delivered before and is dropped. Everything a record can become is counted beside it:
-- received = decided + dead letters not yet repaired + conversions that wait.
CREATE TABLE pipeline_seqs (
    partition integer NOT NULL,
    journal bigint NOT NULL REFERENCES pipeline_journal,
    topic smallint NOT NULL CHECK (topic IN (1, 2)),
    covered int8multirange NOT NULL DEFAULT '{}',
    -- The last seq the journal said it had written.
    announced bigint NOT NULL DEFAULT 0,
    received bigint NOT NULL DEFAULT 0,
    -- Numbers an import left out.
    skipped bigint NOT NULL DEFAULT 0,
    -- Numbers declared lost, by a person.
    lost bigint NOT NULL DEFAULT 0,
    -- Deliveries dropped since their seq was in.
    repeated bigint NOT NULL DEFAULT 0,
    decided bigint NOT NULL DEFAULT 0,
    PRIMARY KEY (partition, journal, topic)
) WITH (fillfactor = 50);

-- What each journal said of its time, and with which commit everything up to there was in.
-- Pruned to what `pipeline_as_of` can still need.
CREATE TABLE pipeline_heartbeat (
    journal bigint NOT NULL REFERENCES pipeline_journal,
    commit bigint NOT NULL,
    at timestamptz NOT NULL,
    PRIMARY KEY (journal, commit)
);

-- New claims of a batch, one blob a partition; `max_ms` is the newest event time in it.
CREATE TABLE pipeline_claims (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    partition integer NOT NULL,
    commit bigint NOT NULL,
    min_ms bigint NOT NULL,
    max_ms bigint NOT NULL,
    bytes bytea NOT NULL
);
ALTER TABLE pipeline_claims ALTER bytes SET STORAGE EXTERNAL;
CREATE INDEX pipeline_claims_partition ON pipeline_claims (partition, id);
CREATE INDEX pipeline_claims_max ON pipeline_claims (max_ms);

-- Invalid clicks of a batch, (seq, reason) packed: what a conversion asks of its click.
CREATE TABLE pipeline_label (
    journal bigint NOT NULL,
    partition integer NOT NULL,
    first_seq bigint NOT NULL,
    last_seq bigint NOT NULL,
    commit bigint NOT NULL,
    max_ms bigint NOT NULL,
    bytes bytea NOT NULL,
    PRIMARY KEY (journal, partition, last_seq, commit)
);
ALTER TABLE pipeline_label ALTER bytes SET STORAGE EXTERNAL;
CREATE INDEX pipeline_label_max ON pipeline_label (max_ms);
-- A conversion asks for the blobs around its click's seq: a few, however many came later.
CREATE EXTENSION IF NOT EXISTS btree_gist;
CREATE INDEX pipeline_label_seqs ON pipeline_label USING gist (journal, partition, int8range(first_seq, last_seq, '[]'));

-- Conversions whose click is not decided yet, as received.
CREATE TABLE pipeline_waiting (
    journal bigint NOT NULL,
    partition integer NOT NULL,
    seq bigint NOT NULL,
    occurred_at timestamptz NOT NULL,
    -- The end of the wait, in event time.
    expires_at timestamptz NOT NULL,
    commit bigint NOT NULL,
    record bytea NOT NULL,
    PRIMARY KEY (journal, partition, seq)
);
CREATE INDEX pipeline_waiting_occurred ON pipeline_waiting (occurred_at);

-- Waits that ended without their click: recorded, since no rule reads a clock. `watermark` is how
-- far both topics were read to their end.
CREATE TABLE pipeline_expiry (
    journal bigint NOT NULL,
    partition integer NOT NULL,
    seq bigint NOT NULL,
    expires_at timestamptz NOT NULL,
    watermark timestamptz NOT NULL,
    commit bigint NOT NULL,
    PRIMARY KEY (journal, partition, seq)
);

-- Records that could not be decoded, and headers of journals that are not ours (topic 0).
CREATE TABLE pipeline_dead_letter (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    journal bigint NOT NULL,
    topic smallint NOT NULL CHECK (topic BETWEEN 0 AND 255),
    partition integer NOT NULL,
    seq bigint NOT NULL,
    reason text NOT NULL,
    -- Emptied after the days that addresses are kept.
    bytes bytea NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    commit bigint NOT NULL,
    -- The commit that decided it after all.
    resolved_by bigint,
    UNIQUE (journal, topic, partition, seq)
);
CREATE INDEX pipeline_dead_letter_open ON pipeline_dead_letter (id) WHERE resolved_by IS NULL;
CREATE INDEX pipeline_dead_letter_kept ON pipeline_dead_letter (created_at) WHERE bytes <> '';

-- A person's wish to have a dead letter decided: as it is, or with these bytes in its place.
CREATE TABLE pipeline_resend (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    dead_letter bigint NOT NULL REFERENCES pipeline_dead_letter,
    bytes bytea,
    actor text NOT NULL,
    asked_at timestamptz NOT NULL DEFAULT now(),
    done_at timestamptz,
    answer text NOT NULL DEFAULT ''
);
CREATE INDEX pipeline_resend_open ON pipeline_resend (id) WHERE done_at IS NULL;
CREATE INDEX pipeline_resend_kept ON pipeline_resend (done_at) WHERE bytes <> '';

-- A person's wish to declare announced records lost, so that nothing waits for them any more; without
-- a range, that a whole journal is gone with its files. The processor answers; `lost` is how many records
-- it took, null while it has not, or has refused.
CREATE TABLE pipeline_lost (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    journal bigint NOT NULL,
    topic smallint CHECK (topic IN (1, 2)),
    partition integer,
    first_seq bigint CHECK (first_seq > 0),
    last_seq bigint CHECK (last_seq >= first_seq),
    why text NOT NULL CHECK (why <> ''),
    actor text NOT NULL,
    asked_at timestamptz NOT NULL DEFAULT now(),
    done_at timestamptz,
    answer text NOT NULL DEFAULT '',
    lost bigint,
    CHECK (num_nulls(topic, partition, first_seq, last_seq) IN (0, 4))
);
CREATE INDEX pipeline_lost_open ON pipeline_lost (id) WHERE done_at IS NULL;

-- Blocks on their way to ClickHouse: encoded once, compressed, the same bytes on every try.
CREATE TABLE outbox_block (
    -- Random, never from a sequence: a restored database repeats those.
    id bytea PRIMARY KEY CHECK (octet_length(id) = 16),
    commit bigint NOT NULL,
    table_name text NOT NULL CHECK (table_name IN ('clicks', 'conversions')),
    columns text NOT NULL,
    rows bigint NOT NULL CHECK (rows > 0),
    bytes bytea NOT NULL
) WITH (
    autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 200,
    toast.autovacuum_vacuum_scale_factor = 0, toast.autovacuum_vacuum_threshold = 2000
);
-- The bytes are compressed already.
ALTER TABLE outbox_block ALTER bytes SET STORAGE EXTERNAL;
CREATE INDEX outbox_block_commit ON outbox_block (commit, table_name);

-- Ids of every block ever committed, kept as long as the backups: what ClickHouse may hold.
-- `ranges` names the records in it: (journal, topic, partition, first seq, last seq, rows, checksum).
CREATE TABLE pipeline_block (
    id bytea PRIMARY KEY CHECK (octet_length(id) = 16),
    commit bigint NOT NULL,
    table_name text NOT NULL,
    rows bigint NOT NULL,
    ranges jsonb NOT NULL,
    -- Its oldest event: with it, whether retention may have taken rows of it.
    oldest timestamptz NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX pipeline_block_commit ON pipeline_block (commit);

-- Until when the numbers are complete: the smallest heartbeat over every declared slot whose records
-- are all in (or declared lost) and whose blocks are in ClickHouse, bounded by the oldest conversion not
-- yet decided. A journal that has ended holds it too while announced records of it are missing.
-- `as_of` is null while a declared slot was never heard of; `note` says what holds it.
CREATE VIEW pipeline_as_of AS
WITH done AS (
    SELECT coalesce(min(commit), 9223372036854775807) AS before FROM outbox_block
),
journals AS (
    SELECT j.slot, j.journal, j.state, j.ended_at,
        (SELECT max(h.at) FROM pipeline_heartbeat h WHERE h.journal = j.journal AND h.commit < done.before) AS at,
        j.started_at,
        j.state <> 'live' AND NOT holed.holed AND NOT EXISTS (
            SELECT FROM pipeline_heartbeat h WHERE h.journal = j.journal AND h.commit >= done.before) AS over,
        holed.holed
    FROM pipeline_journal j CROSS JOIN done
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
