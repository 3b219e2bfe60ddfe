-- Whom a program has to ask sees it once it did: the enrolments seen are those of whoever asks.
-- A page of ids in either direction, each walked along the index (site_id, id).
WITH page AS (
    (SELECT p.id FROM affiliate_program p
     WHERE p.site_id = $1 AND $3::bigint IS NULL AND ($2::bigint IS NULL OR p.id < $2)
       AND ($5::bigint IS NULL OR p.id = $5) AND ($6::boolean IS NULL OR (p.status = 'active') = $6)
       AND ($7::text IS NULL OR position(lower($7) IN lower(p.name || ' ' || p.slug)) > 0)
       AND (p.admission <> 'invitation' OR app_affiliates() IS NULL OR EXISTS (SELECT FROM affiliate_enrolment e
           WHERE e.site_id = p.site_id AND e.program_id = p.id AND e.status = 'approved'))
     ORDER BY p.id DESC LIMIT $4)
    UNION ALL
    (SELECT p.id FROM affiliate_program p
     WHERE p.site_id = $1 AND $3::bigint IS NOT NULL AND p.id > $3
       AND ($5::bigint IS NULL OR p.id = $5) AND ($6::boolean IS NULL OR (p.status = 'active') = $6)
       AND ($7::text IS NULL OR position(lower($7) IN lower(p.name || ' ' || p.slug)) > 0)
       AND (p.admission <> 'invitation' OR app_affiliates() IS NULL OR EXISTS (SELECT FROM affiliate_enrolment e
           WHERE e.site_id = p.site_id AND e.program_id = p.id AND e.status = 'approved'))
     ORDER BY p.id LIMIT $4)
)
SELECT p.id, p.slug, p.name, p.destination, p.currency, p.status, p.token_version, p.click_window_ms,
    p.unique_window_ms, p.hold_ms, p.too_fast_ms, p.velocity_per_hour, p.postback_networks, p.admission, p.created_at,
    p.version
FROM page JOIN affiliate_program p ON p.site_id = $1 AND p.id = page.id
ORDER BY p.id DESC
