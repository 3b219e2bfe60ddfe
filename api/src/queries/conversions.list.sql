-- Journals are many bits long and ids carry the lower 20: the few that end so. A click's journal may
-- stand in the table by those bits alone.
WITH click_journals AS MATERIALIZED (
    SELECT journal FROM pipeline_journal WHERE journal & 1048575 = $13 UNION SELECT $13::bigint
),
receipt_journals AS MATERIALIZED (
    SELECT journal FROM pipeline_journal WHERE journal & 1048575 = $16 UNION SELECT $16::bigint
),
-- A page of ids in either direction, each walked along the index (site_id, id) …
page AS (
    (SELECT c.id FROM affiliate_conversion c
     WHERE c.site_id = $1 AND $3::bigint IS NULL AND ($2::bigint IS NULL OR c.id < $2)
       AND ($5::bigint IS NULL OR c.id = $5) AND ($6::bigint IS NULL OR c.affiliate_id = $6)
       AND ($7::bigint IS NULL OR c.program_id = $7) AND ($8::bigint IS NULL OR c.link_id = $8)
       AND ($9::text IS NULL OR c.status = $9) AND ($10::text IS NULL OR c.reason = $10)
       AND ($11::text IS NULL OR c.event = $11) AND ($12::text IS NULL OR c.txn_id = $12)
       AND ($13::bigint IS NULL OR (c.click_journal IN (SELECT journal FROM click_journals)
            AND c.click_shard = $14 AND c.click_seq = $15))
       AND ($16::bigint IS NULL OR (c.journal IN (SELECT journal FROM receipt_journals)
            AND c.shard = $17 AND c.seq = $18))
       AND ($19::timestamptz IS NULL OR c.occurred_at >= $19)
       AND ($20::timestamptz IS NULL OR c.occurred_at < $20)
       AND ($21::bigint[] IS NULL OR c.id = ANY($21))
     ORDER BY c.id DESC LIMIT $4)
    UNION ALL
    (SELECT c.id FROM affiliate_conversion c
     WHERE c.site_id = $1 AND c.id > $3
       AND ($5::bigint IS NULL OR c.id = $5) AND ($6::bigint IS NULL OR c.affiliate_id = $6)
       AND ($7::bigint IS NULL OR c.program_id = $7) AND ($8::bigint IS NULL OR c.link_id = $8)
       AND ($9::text IS NULL OR c.status = $9) AND ($10::text IS NULL OR c.reason = $10)
       AND ($11::text IS NULL OR c.event = $11) AND ($12::text IS NULL OR c.txn_id = $12)
       AND ($13::bigint IS NULL OR (c.click_journal IN (SELECT journal FROM click_journals)
            AND c.click_shard = $14 AND c.click_seq = $15))
       AND ($16::bigint IS NULL OR (c.journal IN (SELECT journal FROM receipt_journals)
            AND c.shard = $17 AND c.seq = $18))
       AND ($19::timestamptz IS NULL OR c.occurred_at >= $19)
       AND ($20::timestamptz IS NULL OR c.occurred_at < $20)
       AND ($21::bigint[] IS NULL OR c.id = ANY($21))
     ORDER BY c.id LIMIT $4)
)
-- … then the rows with the names beside them, where there are any.
SELECT c.id, c.program_id, coalesce(p.name, '') AS "program_name!", c.affiliate_id,
    coalesce(a.name, '') AS "affiliate_name!", c.link_id, coalesce(l.code, '') AS "code!", c.event, c.txn_id,
    c.status, c.reason, c.amount_units, c.currency, m.amount_units AS "commission_units?",
    m.currency AS "commission_currency?", c.occurred_at, c.journal, c.shard, c.seq, c.via, c.trusted,
    c.click_at, c.click_journal, c.click_shard, c.click_seq, c.click_key_version, c.created_at, c.trace
FROM page
JOIN affiliate_conversion c ON c.site_id = $1 AND c.id = page.id
LEFT JOIN affiliate_program p ON p.site_id = c.site_id AND p.id = c.program_id
LEFT JOIN affiliate_affiliate a ON a.site_id = c.site_id AND a.id = c.affiliate_id
LEFT JOIN affiliate_affiliatelink l ON l.site_id = c.site_id AND l.id = c.link_id
LEFT JOIN affiliate_commission m ON m.site_id = c.site_id AND m.conversion_id = c.id
ORDER BY c.id DESC
