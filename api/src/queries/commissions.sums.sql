SELECT m.status, m.currency, sum(m.amount_units)::bigint AS "amount_units!", count(*) AS "count!"
FROM affiliate_commission m
WHERE m.site_id = $1 AND ($2::bigint IS NULL OR m.id = $2)
  AND ($3::bigint IS NULL OR m.conversion_id = $3)
  AND ($4::bigint[] IS NULL OR m.affiliate_id = ANY($4)) AND m.affiliate_id <> ALL($5::bigint[])
  AND ($6::bigint[] IS NULL OR m.program_id = ANY($6)) AND m.program_id <> ALL($7::bigint[])
  AND ($8::bigint[] IS NULL OR m.link_id = ANY($8)) AND m.link_id <> ALL($9::bigint[])
  AND ($10::text[] IS NULL OR m.status = ANY($10)) AND m.status <> ALL($11::text[])
  AND ($12::text[] IS NULL OR m.currency = ANY($12)) AND m.currency <> ALL($13::text[])
  AND ($14::timestamptz IS NULL OR m.occurred_at >= $14)
  AND ($15::timestamptz IS NULL OR m.occurred_at < $15)
GROUP BY m.status, m.currency ORDER BY m.currency, m.status
