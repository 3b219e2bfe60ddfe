-- The ledger: append-only, double-entry (money.md). Amounts are units of 1/10,000 minor unit.

CREATE TABLE ledger_tx (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    site_id bigint NOT NULL REFERENCES whitelabel_whitelabelsite,
    kind text NOT NULL CHECK (kind IN ('accrued', 'released', 'rejected', 'refunded')),
    -- What makes it unrepeatable, such as `accrued/cnv_12`.
    idem text NOT NULL,
    event_at timestamptz NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    actor text NOT NULL,
    reason text NOT NULL DEFAULT '',
    ref_type text NOT NULL,
    ref_id bigint NOT NULL,
    reverses_tx bigint,
    UNIQUE (site_id, idem),
    UNIQUE (site_id, id),
    FOREIGN KEY (site_id, reverses_tx) REFERENCES ledger_tx (site_id, id)
);

-- Accounts are words: `affiliate:12:pending`, `program:3:commission_expense`.
-- A debit is positive, a credit negative.
CREATE TABLE ledger_posting (
    tx_id bigint NOT NULL,
    n smallint NOT NULL CHECK (n > 0),
    site_id bigint NOT NULL,
    account text NOT NULL CHECK (account ~ '^[a-z]+(:[a-z0-9_]+)+$'),
    currency text NOT NULL CHECK (currency ~ '^[A-Z]{3}$'),
    amount bigint NOT NULL CHECK (amount <> 0),
    PRIMARY KEY (tx_id, n),
    FOREIGN KEY (site_id, tx_id) REFERENCES ledger_tx (site_id, id) DEFERRABLE INITIALLY DEFERRED
);
CREATE INDEX ledger_posting_account ON ledger_posting (site_id, account, currency);

-- All postings of a transaction come by one statement, and sum to zero per currency.
CREATE FUNCTION ledger_refuse_unbalanced() RETURNS trigger LANGUAGE plpgsql AS $$
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
    SELECT added.tx_id INTO wrong
        FROM (SELECT tx_id, count(*) AS lines FROM added GROUP BY tx_id) added
        JOIN (SELECT tx_id, count(*) AS lines FROM ledger_posting
              WHERE tx_id IN (SELECT tx_id FROM added) GROUP BY tx_id) present USING (tx_id)
        WHERE present.lines <> added.lines LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION 'ledger transaction % already has its postings', wrong USING ERRCODE = 'check_violation';
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER balanced AFTER INSERT ON ledger_posting
    REFERENCING NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION ledger_refuse_unbalanced();

-- A transaction without postings is refused at commit.
CREATE FUNCTION ledger_refuse_empty() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NOT EXISTS (SELECT FROM ledger_posting WHERE tx_id = NEW.id) THEN
        RAISE EXCEPTION 'ledger transaction % has no postings', NEW.id USING ERRCODE = 'check_violation';
    END IF;
    RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER filled AFTER INSERT ON ledger_tx
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION ledger_refuse_empty();

CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% is append-only: post a new transaction instead', TG_TABLE_NAME USING ERRCODE = 'restrict_violation';
END $$;
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON ledger_tx
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON ledger_posting
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
