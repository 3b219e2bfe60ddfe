-- A page of ids in either direction, each walked along the index (site_id, id).
WITH page AS (
    (SELECT a.id FROM affiliate_affiliate a
     WHERE a.site_id = $1 AND $3::bigint IS NULL AND ($2::bigint IS NULL OR a.id < $2)
       AND ($5::bigint IS NULL OR a.id = $5) AND ($6::boolean IS NULL OR a.is_active = $6)
       AND ($7::text IS NULL OR position(lower($7) IN lower(a.name || ' ' || a.email)) > 0)
     ORDER BY a.id DESC LIMIT $4)
    UNION ALL
    (SELECT a.id FROM affiliate_affiliate a
     WHERE a.site_id = $1 AND $3::bigint IS NOT NULL AND a.id > $3
       AND ($5::bigint IS NULL OR a.id = $5) AND ($6::boolean IS NULL OR a.is_active = $6)
       AND ($7::text IS NULL OR position(lower($7) IN lower(a.name || ' ' || a.email)) > 0)
     ORDER BY a.id LIMIT $4)
)
SELECT a.id, a.name, a.email, a.is_active, a.created_at, a.version
FROM page JOIN affiliate_affiliate a ON a.site_id = $1 AND a.id = page.id
ORDER BY a.id DESC
