-- A page of ids in either direction, each walked along the index (site_id, id) …
WITH page AS (
    (SELECT m.id FROM affiliate_commission m
     WHERE m.site_id = $1 AND $3::bigint IS NULL AND ($2::bigint IS NULL OR m.id < $2)
       AND ($5::bigint IS NULL OR m.id = $5) AND ($6::bigint IS NULL OR m.conversion_id = $6)
       AND ($7::bigint IS NULL OR m.affiliate_id = $7) AND ($8::bigint IS NULL OR m.program_id = $8)
       AND ($9::text IS NULL OR m.status = $9) AND ($10::timestamptz IS NULL OR m.occurred_at >= $10)
       AND ($11::timestamptz IS NULL OR m.occurred_at < $11)
     ORDER BY m.id DESC LIMIT $4)
    UNION ALL
    (SELECT m.id FROM affiliate_commission m
     WHERE m.site_id = $1 AND m.id > $3
       AND ($5::bigint IS NULL OR m.id = $5) AND ($6::bigint IS NULL OR m.conversion_id = $6)
       AND ($7::bigint IS NULL OR m.affiliate_id = $7) AND ($8::bigint IS NULL OR m.program_id = $8)
       AND ($9::text IS NULL OR m.status = $9) AND ($10::timestamptz IS NULL OR m.occurred_at >= $10)
       AND ($11::timestamptz IS NULL OR m.occurred_at < $11)
     ORDER BY m.id LIMIT $4)
)
-- … then the rows with the names beside them.
SELECT m.id, m.conversion_id, c.event, c.txn_id, m.affiliate_id, a.name AS affiliate_name, m.program_id,
    p.name AS program_name, m.link_id, coalesce(l.code, '') AS "code!", m.plan_id, m.amount_units, m.currency,
    m.status, m.occurred_at, m.hold_until, m.created_at
FROM page
JOIN affiliate_commission m ON m.site_id = $1 AND m.id = page.id
JOIN affiliate_conversion c ON c.site_id = m.site_id AND c.id = m.conversion_id
JOIN affiliate_affiliate a ON a.site_id = m.site_id AND a.id = m.affiliate_id
JOIN affiliate_program p ON p.site_id = m.site_id AND p.id = m.program_id
LEFT JOIN affiliate_affiliatelink l ON l.site_id = m.site_id AND l.id = m.link_id
ORDER BY m.id DESC
