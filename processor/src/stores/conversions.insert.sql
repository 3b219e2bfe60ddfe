-- One row each, in the order given. Both unique indexes speak for accepted rows only: a key that is
-- taken drops the row silently, and the caller stores it again as refused.
INSERT INTO affiliate_conversion (
    site_id, program_id, affiliate_id, link_id, event, txn_id, revision, status, reason,
    amount_units, currency, occurred_at, journal, shard, seq, via, trusted,
    click_at, click_journal, click_shard, click_seq, click_key_version, trace, parameters
)
SELECT site, program, affiliate, link, event, txn, revision, status, reason,
    amount, currency, at, journal, shard, seq, via, trusted,
    click_at, click_journal, click_shard, click_seq, click_key, trace::jsonb, parameters::jsonb
FROM unnest(
    $1::int8[], $2::int8[], $3::int8[], $4::int8[], $5::text[], $6::text[], $7::int8[], $8::text[], $9::text[],
    $10::int8[], $11::text[], $12::timestamptz[], $13::int8[], $14::int4[], $15::int8[], $16::text[], $17::bool[],
    $18::timestamptz[], $19::int8[], $20::int4[], $21::int8[], $22::int2[], $23::text[], $24::text[]
) AS c (site, program, affiliate, link, event, txn, revision, status, reason, amount, currency, at, journal, shard, seq,
    via, trusted, click_at, click_journal, click_shard, click_seq, click_key, trace, parameters)
ON CONFLICT DO NOTHING
RETURNING id, journal, shard, seq
