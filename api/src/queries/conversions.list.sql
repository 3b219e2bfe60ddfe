-- Journals are many bits long and ids carry the lower 20: the few that end so. A click's journal may
-- stand in the table by those bits alone.
WITH click_journals AS MATERIALIZED (
    SELECT journal FROM pipeline_journal WHERE journal & 1048575 = $23 UNION SELECT $23::bigint
),
receipt_journals AS MATERIALIZED (
    SELECT journal FROM pipeline_journal WHERE journal & 1048575 = $26 UNION SELECT $26::bigint
),
-- Put into each half below, so that both walk the index (site_id, id).
wanted AS NOT MATERIALIZED (
    SELECT c.id FROM affiliate_conversion c
    WHERE c.site_id = $1 AND ($5::bigint IS NULL OR c.id = $5)
      AND ($6::bigint[] IS NULL OR c.affiliate_id = ANY($6)) AND c.affiliate_id <> ALL($7::bigint[])
      AND ($8::bigint[] IS NULL OR c.program_id = ANY($8)) AND c.program_id <> ALL($9::bigint[])
      AND ($10::bigint[] IS NULL OR c.link_id = ANY($10)) AND c.link_id <> ALL($11::bigint[])
      AND ($12::text[] IS NULL OR c.status = ANY($12)) AND c.status <> ALL($13::text[])
      AND ($14::text[] IS NULL OR c.reason = ANY($14)) AND c.reason <> ALL($15::text[])
      AND ($16::text[] IS NULL OR c.event = ANY($16)) AND c.event <> ALL($17::text[])
      AND ($18::text[] IS NULL OR c.via = ANY($18)) AND c.via <> ALL($19::text[])
      AND ($20::text[] IS NULL OR c.currency = ANY($20)) AND c.currency <> ALL($21::text[])
      -- Both halves have an index, and no other is needed for each conversion that is written.
      AND ($22::text IS NULL OR c.txn_id = $22 AND (c.status <> 'invalid' OR c.status = 'invalid'))
      AND ($23::bigint IS NULL OR (c.click_journal IN (SELECT journal FROM click_journals)
           AND c.click_shard = $24 AND c.click_seq = $25))
      AND ($26::bigint IS NULL OR (c.journal IN (SELECT journal FROM receipt_journals)
           AND c.shard = $27 AND c.seq = $28))
      -- The newest days are younger than what the planner last looked at, which takes them for empty: it would read the
      -- whole table for them. Of a sum it assumes something, and walks the index.
      AND ($29::timestamptz IS NULL OR c.occurred_at + interval '0' >= $29)
      AND ($30::timestamptz IS NULL OR c.occurred_at + interval '0' < $30)
      AND ($31::bigint[] IS NULL OR c.id = ANY($31))
),
-- A page of ids in either direction …
page AS (
    (SELECT id FROM wanted WHERE $3::bigint IS NULL AND ($2::bigint IS NULL OR id < $2)
     ORDER BY id DESC LIMIT $4)
    UNION ALL
    (SELECT id FROM wanted WHERE $3::bigint IS NOT NULL AND id > $3 ORDER BY id LIMIT $4)
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
