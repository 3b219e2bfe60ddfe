-- As before, but for how a transaction's earlier postings are looked for: by its key, whatever the planner believed of a
-- table that was empty when the statement was planned. It read the whole ledger at each insert.
CREATE OR REPLACE FUNCTION ledger_refuse_unbalanced() RETURNS trigger LANGUAGE plpgsql SET enable_seqscan = off AS $$
DECLARE wrong bigint;
BEGIN
    SELECT tx_id INTO wrong FROM added GROUP BY tx_id, currency HAVING sum(amount) <> 0 LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION 'ledger transaction % does not sum to zero', wrong USING ERRCODE = 'check_violation';
    END IF;
    SELECT tx_id INTO wrong FROM added GROUP BY tx_id HAVING count(*) < 2 LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION 'ledger transaction % has fewer than two postings', wrong USING ERRCODE = 'check_violation';
    END IF;
    SELECT a.tx_id INTO wrong
        FROM (SELECT tx_id, count(*) AS lines FROM added GROUP BY tx_id) a
        CROSS JOIN LATERAL (SELECT count(*) AS lines FROM ledger_posting p WHERE p.tx_id = a.tx_id) present
        WHERE present.lines <> a.lines LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION 'ledger transaction % already has its postings', wrong USING ERRCODE = 'check_violation';
    END IF;
    RETURN NULL;
END $$;
