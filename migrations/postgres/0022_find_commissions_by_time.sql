-- Rows lie in the order they came in, which is nearly that of their time: where a span's rows are takes a few bytes for
-- every 32 pages to know, and nothing to write. The sums of some days of commissions read all of them before.
CREATE INDEX affiliate_commission_occurred ON affiliate_commission USING brin (occurred_at)
    WITH (pages_per_range = 32, autosummarize = on);
CREATE INDEX affiliate_conversion_occurred ON affiliate_conversion USING brin (occurred_at)
    WITH (pages_per_range = 32, autosummarize = on);
