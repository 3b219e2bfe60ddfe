-- What a row of money points at is looked up once for a whole statement instead of by a trigger for each row and key
-- (ADR 14): a batch writes thousands of rows that name a handful of affiliates, programs and plans. What is refused
-- stays the same, with the same codes. From here on a transaction and its postings come by one statement.

-- The same order as the unique index on (site_id, id), read backwards.
DROP INDEX affiliate_conversion_newest;
DROP INDEX affiliate_commission_newest;

CREATE FUNCTION refuse_stranger(of_table text, of_row bigint, names text) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'row % of % names %', of_row, of_table, names
        USING ERRCODE = 'foreign_key_violation';
END $$;

CREATE FUNCTION refuse_rows_of_no_site() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE wrong bigint;
BEGIN
    SELECT min(a.id) INTO wrong FROM added a
        GROUP BY a.site_id HAVING (SELECT count(*) FROM whitelabel_whitelabelsite s WHERE s.id = a.site_id) = 0 LIMIT 1;
    IF FOUND THEN
        PERFORM refuse_stranger(TG_TABLE_NAME, wrong, 'a site that does not exist');
    END IF;
    RETURN NULL;
END $$;

-- Whoever deletes or renumbers what money may point at waits for the writers under way and holds the next ones up, so
-- that neither sees the other half done. Arguments: the table that points here, and its column.
CREATE FUNCTION keep_what_money_names() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE is_named boolean;
BEGIN
    -- Another isolation would look at the table as it was before the lock.
    IF current_setting('transaction_isolation') <> 'read committed' THEN
        RAISE EXCEPTION 'delete and renumber rows of % in a transaction that reads what is committed', TG_TABLE_NAME
            USING ERRCODE = 'object_not_in_prerequisite_state';
    END IF;
    EXECUTE format('LOCK TABLE %I IN SHARE ROW EXCLUSIVE MODE', TG_ARGV[0]);
    EXECUTE format('SELECT EXISTS (SELECT FROM %I WHERE %I = $1)', TG_ARGV[0], TG_ARGV[1]) INTO is_named USING OLD.id;
    IF is_named THEN
        RAISE EXCEPTION 'row % of % is named by %', OLD.id, TG_TABLE_NAME, TG_ARGV[0] USING ERRCODE = 'foreign_key_violation';
    END IF;
    RETURN CASE TG_OP WHEN 'DELETE' THEN OLD ELSE NEW END;
END $$;

-- The ledger.
ALTER TABLE ledger_posting DROP CONSTRAINT ledger_posting_site_id_tx_id_fkey;
ALTER TABLE affiliate_commission DROP CONSTRAINT affiliate_commission_site_id_ledger_tx_id_fkey;
ALTER TABLE ledger_tx DROP CONSTRAINT ledger_tx_site_id_fkey,
    DROP CONSTRAINT ledger_tx_site_id_reverses_tx_fkey,
    DROP CONSTRAINT ledger_tx_site_id_id_key;
DROP TRIGGER filled ON ledger_tx;
DROP FUNCTION ledger_refuse_empty();
-- Ids are drawn before the statement that writes them twice.
GRANT USAGE ON SEQUENCE ledger_tx_id_seq TO tributary_processor;

-- By key, whatever the planner believed of a table that was empty when this was planned: a subquery of one value is asked
-- row by row, and without sequential scans by its index.
CREATE FUNCTION ledger_refuse_empty() RETURNS trigger LANGUAGE plpgsql SET enable_seqscan = off AS $$
DECLARE wrong bigint;
BEGIN
    SELECT a.id INTO wrong FROM added a
        WHERE (SELECT count(*) FROM ledger_posting p WHERE p.tx_id = a.id) = 0 LIMIT 1;
    IF FOUND THEN
        -- No fault of the data: whoever writes so (an older processor) stops, instead of refusing the conversion.
        RAISE EXCEPTION 'ledger transaction % has no postings', wrong USING ERRCODE = 'object_not_in_prerequisite_state';
    END IF;
    SELECT a.id INTO wrong FROM added a
        WHERE a.reverses_tx IS NOT NULL
            AND a.site_id IS DISTINCT FROM (SELECT r.site_id FROM ledger_tx r WHERE r.id = a.reverses_tx) LIMIT 1;
    IF FOUND THEN
        PERFORM refuse_stranger('ledger_tx', wrong, 'a transaction to reverse that its site does not have');
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER filled AFTER INSERT ON ledger_tx
    REFERENCING NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION ledger_refuse_empty();
CREATE TRIGGER of_a_site AFTER INSERT ON ledger_tx
    REFERENCING NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION refuse_rows_of_no_site();
CREATE TRIGGER named_by_ledger BEFORE DELETE OR UPDATE OF id ON whitelabel_whitelabelsite
    FOR EACH ROW EXECUTE FUNCTION keep_what_money_names('ledger_tx', 'site_id');

-- Postings of a transaction are numbered from 1 on, so that the key itself refuses further ones.
CREATE OR REPLACE FUNCTION ledger_refuse_unbalanced() RETURNS trigger LANGUAGE plpgsql SET enable_seqscan = off AS $$
DECLARE wrong record;
BEGIN
    SELECT t.* INTO wrong
        FROM (SELECT c.tx_id, min(c.site_id) AS site_id, min(c.site_id) = max(c.site_id) AS is_of_one_site,
                  sum(c.lines) AS lines, min(c.first) AS first, max(c.last) AS last, bool_and(c.total = 0) AS is_balanced
              FROM (SELECT tx_id, site_id, count(*) AS lines, min(n) AS first, max(n) AS last, sum(amount) AS total
                    FROM added GROUP BY tx_id, site_id, currency) c
              GROUP BY c.tx_id) t
        WHERE NOT t.is_balanced OR NOT t.is_of_one_site OR t.lines < 2 OR t.first <> 1 OR t.last <> t.lines
            OR t.site_id IS DISTINCT FROM (SELECT x.site_id FROM ledger_tx x WHERE x.id = t.tx_id)
        LIMIT 1;
    IF NOT FOUND THEN
        RETURN NULL;
    END IF;
    IF NOT wrong.is_balanced THEN
        RAISE EXCEPTION 'ledger transaction % does not sum to zero', wrong.tx_id USING ERRCODE = 'check_violation';
    ELSIF wrong.lines < 2 THEN
        RAISE EXCEPTION 'ledger transaction % has fewer than two postings', wrong.tx_id USING ERRCODE = 'check_violation';
    ELSIF wrong.first <> 1 OR wrong.last <> wrong.lines THEN
        RAISE EXCEPTION 'the postings of ledger transaction % are not numbered from 1: one that has its postings gets no more',
            wrong.tx_id USING ERRCODE = 'check_violation';
    END IF;
    PERFORM refuse_stranger('ledger_posting', wrong.tx_id, 'a transaction that its site does not have');
    RETURN NULL;
END $$;

-- Conversions.
ALTER TABLE affiliate_conversion DROP CONSTRAINT affiliate_conversion_site_id_fkey;
CREATE TRIGGER of_a_site AFTER INSERT ON affiliate_conversion
    REFERENCING NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION refuse_rows_of_no_site();
CREATE TRIGGER of_a_site_still AFTER UPDATE ON affiliate_conversion
    REFERENCING NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION refuse_rows_of_no_site();
CREATE TRIGGER named_by_conversions BEFORE DELETE OR UPDATE OF id ON whitelabel_whitelabelsite
    FOR EACH ROW EXECUTE FUNCTION keep_what_money_names('affiliate_conversion', 'site_id');

-- Commissions.
ALTER TABLE affiliate_commission DROP CONSTRAINT affiliate_commission_site_id_affiliate_id_fkey,
    DROP CONSTRAINT affiliate_commission_site_id_program_id_fkey,
    DROP CONSTRAINT affiliate_commission_site_id_plan_id_fkey,
    DROP CONSTRAINT affiliate_commission_site_id_conversion_id_fkey;
CREATE FUNCTION commission_refuse_strangers() RETURNS trigger LANGUAGE plpgsql SET enable_seqscan = off AS $$
DECLARE wrong record;
BEGIN
    SELECT g.* INTO wrong
        FROM (SELECT min(id) AS id, site_id, affiliate_id, program_id, plan_id
              FROM added GROUP BY site_id, affiliate_id, program_id, plan_id) g
        WHERE (SELECT count(*) FROM affiliate_affiliate p WHERE p.site_id = g.site_id AND p.id = g.affiliate_id) = 0
            OR (SELECT count(*) FROM affiliate_program p WHERE p.site_id = g.site_id AND p.id = g.program_id) = 0
            OR (SELECT count(*) FROM affiliate_plan p WHERE p.site_id = g.site_id AND p.id = g.plan_id) = 0
        LIMIT 1;
    IF FOUND THEN
        PERFORM refuse_stranger('affiliate_commission', wrong.id, 'a program, plan or affiliate that its site does not have');
    END IF;
    SELECT a.id INTO wrong FROM added a
        WHERE a.site_id IS DISTINCT FROM (SELECT c.site_id FROM affiliate_conversion c WHERE c.id = a.conversion_id)
            OR (a.ledger_tx_id IS NOT NULL
                AND a.site_id IS DISTINCT FROM (SELECT t.site_id FROM ledger_tx t WHERE t.id = a.ledger_tx_id))
        LIMIT 1;
    IF FOUND THEN
        PERFORM refuse_stranger('affiliate_commission', wrong.id, 'a conversion or ledger transaction that its site does not have');
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER of_its_site AFTER INSERT ON affiliate_commission
    REFERENCING NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION commission_refuse_strangers();
CREATE TRIGGER of_its_site_still AFTER UPDATE ON affiliate_commission
    REFERENCING NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION commission_refuse_strangers();
CREATE TRIGGER named_by_commissions BEFORE DELETE OR UPDATE OF id, site_id ON affiliate_affiliate
    FOR EACH ROW EXECUTE FUNCTION keep_what_money_names('affiliate_commission', 'affiliate_id');
CREATE TRIGGER named_by_commissions BEFORE DELETE OR UPDATE OF id, site_id ON affiliate_program
    FOR EACH ROW EXECUTE FUNCTION keep_what_money_names('affiliate_commission', 'program_id');
CREATE TRIGGER named_by_commissions BEFORE DELETE OR UPDATE OF id, site_id ON affiliate_plan
    FOR EACH ROW EXECUTE FUNCTION keep_what_money_names('affiliate_commission', 'plan_id');
CREATE TRIGGER named_by_commissions BEFORE DELETE OR UPDATE OF id, site_id ON affiliate_conversion
    FOR EACH ROW EXECUTE FUNCTION keep_what_money_names('affiliate_commission', 'conversion_id');
