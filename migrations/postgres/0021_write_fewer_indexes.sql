-- Each index costs every conversion: here those that others can do the work of.

-- The key by which a transaction counts once also finds it; only refused conversions, which take no key, have an index
-- of their own to be found by.
DROP INDEX affiliate_conversion_find_txn;
DROP INDEX affiliate_conversion_txn;
CREATE UNIQUE INDEX affiliate_conversion_txn ON affiliate_conversion (site_id, txn_id, program_id, event, revision)
    WHERE status <> 'invalid' AND txn_id <> '';
CREATE INDEX affiliate_conversion_refused_txn ON affiliate_conversion (site_id, txn_id)
    WHERE status = 'invalid' AND txn_id <> '';

-- A commission is named with its site everywhere.
ALTER TABLE affiliate_commission DROP CONSTRAINT affiliate_commission_pkey,
    DROP CONSTRAINT affiliate_commission_site_id_id_key,
    ADD PRIMARY KEY (site_id, id);
