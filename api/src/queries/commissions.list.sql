-- Put into each half below, so that both walk the index (site_id, id).
WITH wanted AS NOT MATERIALIZED (
    SELECT m.id FROM affiliate_commission m
    WHERE m.site_id = $1 AND ($5::bigint IS NULL OR m.id = $5)
      AND ($6::bigint IS NULL OR m.conversion_id = $6)
      AND ($7::bigint[] IS NULL OR m.affiliate_id = ANY($7)) AND m.affiliate_id <> ALL($8::bigint[])
      AND ($9::bigint[] IS NULL OR m.program_id = ANY($9)) AND m.program_id <> ALL($10::bigint[])
      AND ($11::bigint[] IS NULL OR m.link_id = ANY($11)) AND m.link_id <> ALL($12::bigint[])
      AND ($13::text[] IS NULL OR m.status = ANY($13)) AND m.status <> ALL($14::text[])
      AND ($15::text[] IS NULL OR m.currency = ANY($15)) AND m.currency <> ALL($16::text[])
      -- The newest days are younger than what the planner last looked at, which takes them for empty: it would read the
      -- whole table for them. Of a sum it assumes something, and walks the index.
      AND ($17::timestamptz IS NULL OR m.occurred_at + interval '0' >= $17)
      AND ($18::timestamptz IS NULL OR m.occurred_at + interval '0' < $18)
),
-- A page of ids in either direction …
page AS (
    (SELECT id FROM wanted WHERE $3::bigint IS NULL AND ($2::bigint IS NULL OR id < $2)
     ORDER BY id DESC LIMIT $4)
    UNION ALL
    (SELECT id FROM wanted WHERE $3::bigint IS NOT NULL AND id > $3 ORDER BY id LIMIT $4)
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
