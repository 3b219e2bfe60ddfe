-- A page of ids in either direction, each walked along the index (site_id, id) …
WITH page AS (
    (SELECT l.id FROM affiliate_affiliatelink l
     WHERE l.site_id = $1 AND $3::bigint IS NULL AND ($2::bigint IS NULL OR l.id < $2)
       AND ($5::bigint IS NULL OR l.id = $5) AND ($6::bigint IS NULL OR l.affiliate_id = $6)
       AND ($7::bigint IS NULL OR l.program_id = $7) AND ($8::boolean IS NULL OR l.is_active = $8)
       AND ($9::text IS NULL OR position(lower($9) IN lower(l.code || ' ' || l.destination)) > 0)
     ORDER BY l.id DESC LIMIT $4)
    UNION ALL
    (SELECT l.id FROM affiliate_affiliatelink l
     WHERE l.site_id = $1 AND $3::bigint IS NOT NULL AND l.id > $3
       AND ($5::bigint IS NULL OR l.id = $5) AND ($6::bigint IS NULL OR l.affiliate_id = $6)
       AND ($7::bigint IS NULL OR l.program_id = $7) AND ($8::boolean IS NULL OR l.is_active = $8)
       AND ($9::text IS NULL OR position(lower($9) IN lower(l.code || ' ' || l.destination)) > 0)
     ORDER BY l.id LIMIT $4)
)
-- … then the rows with the names beside them.
SELECT l.id, l.code, l.domain, l.affiliate_id, a.name AS affiliate_name, l.program_id,
    p.name AS program_name, p.destination AS program_destination, l.destination, l.is_active,
    l.expires_at, l.created_at, l.version
FROM page
JOIN affiliate_affiliatelink l ON l.site_id = $1 AND l.id = page.id
JOIN affiliate_affiliate a ON a.site_id = l.site_id AND a.id = l.affiliate_id
JOIN affiliate_program p ON p.site_id = l.site_id AND p.id = l.program_id
ORDER BY l.id DESC
