-- A second net behind the queries that name their site: a service sees the rows of one site, and within it
-- those of some programs or affiliates, as its transaction says (`app.site`, `app.programs`, `app.affiliates`;
-- lists by comma, empty for no limit). Without a site it sees nothing.
--
-- Forced for the owner of the tables too, who is let through by a policy of its own (a dump by an owner who is
-- no superuser needs `pg_dump --enable-row-security`). Whoever works for all sites (the collector, the
-- processor, jobs) has a role that says so, and the tables it needs.

-- Empty after a transaction that set it: '' is no number.
CREATE FUNCTION app_site() RETURNS bigint LANGUAGE sql STABLE PARALLEL SAFE
    AS $$ SELECT nullif(current_setting('app.site', true), '')::bigint $$;
-- Null for no limit.
CREATE FUNCTION app_programs() RETURNS bigint[] LANGUAGE sql STABLE PARALLEL SAFE
    AS $$ SELECT string_to_array(nullif(current_setting('app.programs', true), ''), ',')::bigint[] $$;
CREATE FUNCTION app_affiliates() RETURNS bigint[] LANGUAGE sql STABLE PARALLEL SAFE
    AS $$ SELECT string_to_array(nullif(current_setting('app.affiliates', true), ''), ',')::bigint[] $$;

-- Work that is for no site in particular (mail, expiry), by a process that serves all of them.
DO $$
BEGIN
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'tributary_jobs') THEN
        BEGIN
            CREATE ROLE tributary_jobs LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOBYPASSRLS;
        EXCEPTION
            WHEN duplicate_object OR unique_violation THEN NULL;
        END;
    END IF;
END $$;
GRANT USAGE ON SCHEMA public TO tributary_jobs;
GRANT SELECT ON whitelabel_whitelabelsite TO tributary_jobs;

-- Closes a table: `site` is its column with the site, the others those with a program and an affiliate, or null.
CREATE FUNCTION keep_sites_apart(name regclass, site text, program text DEFAULT NULL, affiliate text DEFAULT NULL)
    RETURNS void LANGUAGE plpgsql AS $$
DECLARE rule text := format('%I = (SELECT app_site())', site);
BEGIN
    IF program IS NOT NULL THEN
        rule := rule || format(
            ' AND ((SELECT app_programs()) IS NULL OR %I = ANY ((SELECT app_programs())::bigint[]))', program);
    END IF;
    IF affiliate IS NOT NULL THEN
        rule := rule || format(
            ' AND ((SELECT app_affiliates()) IS NULL OR %I = ANY ((SELECT app_affiliates())::bigint[]))', affiliate);
    END IF;
    EXECUTE format('ALTER TABLE %s ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY', name);
    EXECUTE format('CREATE POLICY of_its_site ON %s TO tributary_api USING (%s) WITH CHECK (%s)', name, rule, rule);
    EXECUTE format('CREATE POLICY of_all_sites ON %s TO tributary_collector, tributary_processor, tributary_analyst,
        tributary_jobs USING (true) WITH CHECK (true)', name);
    EXECUTE format('CREATE POLICY of_the_owner ON %s TO CURRENT_USER USING (true) WITH CHECK (true)', name);
END $$;
REVOKE ALL ON FUNCTION keep_sites_apart FROM PUBLIC;

SELECT keep_sites_apart('whitelabel_whitelabelsite', 'id');
SELECT keep_sites_apart('affiliate_affiliate', 'site_id', affiliate => 'id');
SELECT keep_sites_apart('affiliate_program', 'site_id', program => 'id');
SELECT keep_sites_apart('affiliate_plan', 'site_id', program => 'program_id');
SELECT keep_sites_apart('affiliate_affiliatelink', 'site_id', 'program_id', 'affiliate_id');
SELECT keep_sites_apart('affiliate_conversion', 'site_id', 'program_id', 'affiliate_id');
SELECT keep_sites_apart('affiliate_commission', 'site_id', 'program_id', 'affiliate_id');
SELECT keep_sites_apart('ledger_tx', 'site_id');
SELECT keep_sites_apart('ledger_posting', 'site_id');
SELECT keep_sites_apart('pipeline_forget', 'site_id');

-- Which host is which site's: for the map every request is looked up in, before anything is known of a site.
CREATE FUNCTION whitelabel_hosts() RETURNS TABLE (host text, site_id bigint, name text)
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp
    AS $$ SELECT domain, id, name FROM whitelabel_whitelabelsite $$;
REVOKE ALL ON FUNCTION whitelabel_hosts FROM PUBLIC;
GRANT EXECUTE ON FUNCTION whitelabel_hosts TO tributary_api;

CREATE FUNCTION notify_sites() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_notify('tributary_sites', '');
    RETURN NULL;
END $$;
CREATE TRIGGER notify AFTER INSERT OR UPDATE OR DELETE ON whitelabel_whitelabelsite
    FOR EACH STATEMENT EXECUTE FUNCTION notify_sites();
