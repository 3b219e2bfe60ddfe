-- What is kept of a person, told to them; and forgotten when they wish so.

-- As `refuse_change`, but for `accounts_forget` below: it alone runs as the owner with this set.
CREATE FUNCTION refuse_change_but_forget() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'UPDATE' AND current_setting('app.forgetting', true) = 'on' AND current_user =
        (SELECT tableowner FROM pg_tables WHERE schemaname = TG_TABLE_SCHEMA AND tablename = TG_TABLE_NAME) THEN
        RETURN NULL;
    END IF;
    RAISE EXCEPTION '% is append-only', TG_TABLE_NAME USING ERRCODE = 'restrict_violation';
END $$;
DROP TRIGGER append_only ON accounts_securityevent;
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON accounts_securityevent
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change_but_forget();
DROP TRIGGER append_only ON audit_entry;
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON audit_entry
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change_but_forget();

-- The sites that somebody is something on: theirs to know, whichever site they ask at.
CREATE FUNCTION accounts_sites_of(person bigint)
    RETURNS TABLE (site_id bigint, domain text, name text, role text, is_active boolean, is_last_admin boolean)
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp
    AS $$
        SELECT w.id, w.domain, w.name, m.role, m.is_active, m.role = 'admin' AND m.is_active AND NOT EXISTS (
            SELECT FROM accounts_membership o JOIN accounts_user u ON u.id = o.user_id AND u.is_active AND u.password <> '!'
            WHERE o.site_id = m.site_id AND o.role = 'admin' AND o.is_active AND o.user_id <> person)
        FROM accounts_membership m JOIN whitelabel_whitelabelsite w ON w.id = m.site_id
        WHERE m.user_id = person ORDER BY w.id
    $$;
REVOKE ALL ON FUNCTION accounts_sites_of FROM PUBLIC;
GRANT EXECUTE ON FUNCTION accounts_sites_of TO tributary_api;

-- Everything that is kept of a person, as they may take it with them; no secret, and nothing of anybody else.
CREATE FUNCTION accounts_export(person bigint) RETURNS jsonb
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp
    AS $$
        WITH own AS (SELECT id FROM affiliate_affiliate WHERE user_id = person)
        SELECT jsonb_build_object(
            'account', (SELECT jsonb_build_object('id', 'usr_' || u.id, 'username', u.username, 'email', u.email,
                    'email_verified_at', u.email_verified_at, 'name', u.name, 'date_joined', u.date_joined,
                    'password_changed_at', u.password_changed_at)
                FROM accounts_user u WHERE u.id = person),
            'profile', (SELECT jsonb_build_object('bio', p.bio) FROM accounts_profile p WHERE p.user_id = person),
            'settings', (SELECT to_jsonb(s) - 'user_id' FROM accounts_usersettings s WHERE s.user_id = person),
            'further_addresses', (SELECT coalesce(jsonb_agg(jsonb_build_object('email', e.email, 'verified_at', e.verified_at)
                    ORDER BY e.id), '[]') FROM accounts_email e WHERE e.user_id = person),
            'identities', (SELECT coalesce(jsonb_agg(jsonb_build_object('provider', i.provider, 'subject', i.subject,
                    'called', i.called, 'created_at', i.created_at, 'used_at', i.used_at) ORDER BY i.id), '[]')
                FROM accounts_identity i WHERE i.user_id = person),
            'sites', (SELECT coalesce(jsonb_agg(jsonb_build_object('domain', w.domain, 'name', w.name, 'role', m.role,
                    'is_active', m.is_active, 'created_at', m.created_at) ORDER BY w.id), '[]')
                FROM accounts_membership m JOIN whitelabel_whitelabelsite w ON w.id = m.site_id WHERE m.user_id = person),
            'passkeys', (SELECT coalesce(jsonb_agg(jsonb_build_object('name', k.name, 'host', k.host,
                    'created_at', k.created_at, 'used_at', k.used_at) ORDER BY k.id), '[]')
                FROM accounts_passkey k WHERE k.user_id = person),
            'tokens', (SELECT coalesce(jsonb_agg(jsonb_build_object('name', t.name, 'prefix', t.prefix, 'scopes', t.scopes,
                    'created_at', t.created_at, 'expires_at', t.expires_at, 'used_at', t.used_at, 'revoked_at', t.revoked_at)
                    ORDER BY t.id), '[]') FROM accounts_token t WHERE t.user_id = person),
            'sessions', (SELECT coalesce(jsonb_agg(jsonb_build_object('host', s.host, 'network', s.network, 'agent', s.agent,
                    'created_at', s.created_at, 'seen_at', s.seen_at) ORDER BY s.id), '[]')
                FROM accounts_session s WHERE s.user_id = person AND s.impersonator_id IS NULL),
            'security_log', (SELECT coalesce(jsonb_agg(jsonb_build_object('at', v.at, 'kind', v.kind, 'host', v.host,
                    'network', v.network, 'agent', v.agent, 'details', v.details) ORDER BY v.id), '[]')
                FROM accounts_securityevent v WHERE v.user_id = person),
            'affiliates', (SELECT coalesce(jsonb_agg(jsonb_build_object('id', 'aff_' || a.id, 'name', a.name, 'email', a.email,
                    'created_at', a.created_at) ORDER BY a.id), '[]') FROM affiliate_affiliate a WHERE a.user_id = person),
            'links', (SELECT coalesce(jsonb_agg(jsonb_build_object('id', 'lnk_' || l.id, 'code', l.code,
                    'destination', l.destination, 'created_at', l.created_at) ORDER BY l.id), '[]')
                FROM affiliate_affiliatelink l WHERE l.affiliate_id IN (SELECT id FROM own)),
            'commissions', (SELECT coalesce(jsonb_agg(jsonb_build_object('id', 'cm_' || c.id, 'status', c.status,
                    'amount', c.amount::text, 'currency', c.currency, 'occurred_at', c.occurred_at) ORDER BY c.id), '[]')
                FROM affiliate_commission c WHERE c.affiliate_id IN (SELECT id FROM own)))
    $$;
REVOKE ALL ON FUNCTION accounts_export FROM PUBLIC;
GRANT EXECUTE ON FUNCTION accounts_export TO tributary_api;

-- Forgets a person. What ledger and audit log point at stays, as a pseudonym: nothing in it says who it was.
CREATE FUNCTION accounts_forget(person bigint, at timestamptz) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp
    AS $$
DECLARE
    addresses text[] := ARRAY(SELECT lower(email) FROM accounts_user WHERE id = person
        UNION SELECT lower(email) FROM accounts_email WHERE user_id = person);
BEGIN
    DELETE FROM accounts_session WHERE user_id = person OR impersonator_id = person;
    DELETE FROM accounts_code WHERE user_id = person;
    DELETE FROM accounts_pending WHERE user_id = person;
    DELETE FROM accounts_totp WHERE user_id = person;
    DELETE FROM accounts_recoverycode WHERE user_id = person;
    DELETE FROM accounts_passkey WHERE user_id = person;
    DELETE FROM accounts_identity WHERE user_id = person;
    DELETE FROM accounts_email WHERE user_id = person;
    DELETE FROM accounts_avatar WHERE user_id = person;
    DELETE FROM accounts_profile WHERE user_id = person;
    DELETE FROM accounts_usersettings WHERE user_id = person;
    UPDATE accounts_token SET revoked_at = coalesce(revoked_at, at), name = 'deleted' WHERE user_id = person;
    UPDATE accounts_membership SET is_active = false, changed_at = at WHERE user_id = person;
    UPDATE accounts_invitation SET email = '', revoked_at = coalesce(revoked_at, at) WHERE lower(email) = ANY (addresses);
    -- Its links lead to the fallback from now on.
    UPDATE affiliate_affiliate SET name = 'Deleted ' || id, email = '', is_active = false WHERE user_id = person;
    UPDATE accounts_user SET username = 'deleted-' || id, email = 'deleted-' || id || '@invalid', name = '', password = '!',
        is_active = false, email_verified_at = NULL, deleted_at = at WHERE id = person;
    DELETE FROM mail_message WHERE lower(address) = ANY (addresses);

    PERFORM set_config('app.forgetting', 'on', true);
    UPDATE accounts_securityevent SET network = '', agent = '', details = '{}' WHERE user_id = person;
    UPDATE audit_entry SET network = '' WHERE user_id = person;
    UPDATE audit_entry SET before = before - ARRAY['name', 'email'], after = after - ARRAY['name', 'email']
        WHERE thing = 'affiliate_affiliate' AND thing_id IN (SELECT id FROM affiliate_affiliate WHERE user_id = person)
           OR thing = 'accounts_invitation'
              AND (lower(before ->> 'email') = ANY (addresses) OR lower(after ->> 'email') = ANY (addresses));
    PERFORM set_config('app.forgetting', '', true);
END $$;
REVOKE ALL ON FUNCTION accounts_forget FROM PUBLIC;
GRANT EXECUTE ON FUNCTION accounts_forget TO tributary_api;
