-- Who may do what. Roles belong to the cluster, so they are created only where absent; rights belong
-- to this database. They log in as the cluster's own rules say (peer, certificate, or a password set
-- by whoever runs it): none is set here. The role that migrates owns the tables, and no service
-- starts with it (`refuse_owner_role`).

DO $$
DECLARE name text;
BEGIN
    FOREACH name IN ARRAY ARRAY['tributary_collector', 'tributary_processor', 'tributary_api', 'tributary_analyst'] LOOP
        IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = name) THEN
            BEGIN
                EXECUTE format('CREATE ROLE %I LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOBYPASSRLS', name);
            EXCEPTION
                -- Another database of the cluster is being migrated too.
                WHEN duplicate_object OR unique_violation THEN NULL;
            END;
        END IF;
    END LOOP;
END $$;

REVOKE CREATE ON SCHEMA public FROM PUBLIC;
GRANT USAGE ON SCHEMA public TO tributary_collector, tributary_processor, tributary_api, tributary_analyst;

-- collector: where a link leads, and how a postback proves itself.
GRANT SELECT ON whitelabel_whitelabelsite, affiliate_affiliate, affiliate_program, affiliate_plan, affiliate_affiliatelink
    TO tributary_collector;

-- processor: reads the terms, writes what it decided. Nobody else writes money.
GRANT SELECT ON whitelabel_whitelabelsite, affiliate_affiliate, affiliate_program, affiliate_plan, affiliate_affiliatelink
    TO tributary_processor;
GRANT SELECT, INSERT ON ledger_tx, ledger_posting TO tributary_processor;
GRANT SELECT, INSERT, UPDATE ON affiliate_conversion, affiliate_commission TO tributary_processor;
GRANT SELECT, INSERT, UPDATE, DELETE ON pipeline_store, pipeline_owner, pipeline_slot, pipeline_journal,
    pipeline_position, pipeline_seqs, pipeline_heartbeat, pipeline_claims, pipeline_label, pipeline_waiting,
    pipeline_expiry, pipeline_dead_letter, pipeline_resend, pipeline_lost, pipeline_touched_day, pipeline_block, outbox_block TO tributary_processor;
GRANT SELECT ON pipeline_as_of TO tributary_processor;

-- api: links and terms are its to write (terms only by a further row); what was decided it reads.
GRANT SELECT, INSERT, UPDATE ON affiliate_affiliate, affiliate_program, affiliate_affiliatelink TO tributary_api;
GRANT SELECT, INSERT ON affiliate_plan TO tributary_api;
GRANT SELECT ON whitelabel_whitelabelsite, affiliate_conversion, affiliate_commission, ledger_tx, ledger_posting,
    pipeline_as_of TO tributary_api;
-- Where a record is that is not decided yet; never its bytes.
GRANT SELECT (journal, partition, seq, occurred_at, expires_at) ON pipeline_waiting TO tributary_api;
GRANT SELECT (id, journal, topic, partition, seq, reason, created_at, resolved_by) ON pipeline_dead_letter
    TO tributary_api;
GRANT SELECT (journal, slot, kind, partitions, started_at, state) ON pipeline_journal TO tributary_api;

-- analyst: reads what was decided and under which terms; no accounts, no addresses of mail.
GRANT SELECT ON affiliate_program, affiliate_plan, affiliate_affiliatelink, affiliate_commission,
    ledger_tx, ledger_posting, pipeline_as_of TO tributary_analyst;
-- Not `parameters`: advertisers' names of their customers stand in it.
GRANT SELECT (id, site_id, program_id, affiliate_id, link_id, event, txn_id, revision, status, reason, amount_units,
    currency, occurred_at, journal, shard, seq, via, trusted, click_at, click_journal, click_shard, click_seq,
    click_key_version, trace, created_at) ON affiliate_conversion TO tributary_analyst;
GRANT SELECT (id, site_id, name, is_active, created_at) ON affiliate_affiliate TO tributary_analyst;
GRANT SELECT (id, name, domain, time_zone, currency, created_at) ON whitelabel_whitelabelsite TO tributary_analyst;

-- What every service asks first: `SELECT refuse_owner_role()`.
CREATE FUNCTION refuse_owner_role() RETURNS void LANGUAGE plpgsql STABLE AS $$
BEGIN
    IF EXISTS (SELECT FROM pg_roles WHERE rolname = current_user AND (rolsuper OR rolbypassrls)) THEN
        RAISE EXCEPTION 'the role % may pass by every rule of this database; give a service its own role, as tributary_api', current_user
            USING ERRCODE = 'insufficient_privilege';
    END IF;
    IF EXISTS (SELECT FROM pg_class
               WHERE relnamespace = 'public'::regnamespace AND pg_has_role(current_user, relowner, 'MEMBER')) THEN
        RAISE EXCEPTION 'the role % owns tables of this database; give a service its own role, as tributary_api', current_user
            USING ERRCODE = 'insufficient_privilege';
    END IF;
END $$;
