-- Visitors whose data was deleted on request (`tributary visitor forget`): who asked for it, why, how many rows it was
-- about. Never whose they were: what would say so is what was deleted.
CREATE TABLE pipeline_forget (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    site_id bigint NOT NULL REFERENCES whitelabel_whitelabelsite,
    why text NOT NULL CHECK (why <> ''),
    actor text NOT NULL,
    asked_at timestamptz NOT NULL DEFAULT now(),
    -- Rows that told something.
    conversions bigint NOT NULL,
    clicks bigint NOT NULL,
    -- Null where it was cut short: the same wish again does the rest, as an entry of its own.
    done_at timestamptz
);
GRANT SELECT, INSERT, UPDATE ON pipeline_forget TO tributary_processor;
