-- Where somebody's rows are that only a link or a sub-id names: every 1,024 rows a few bytes that say which are not among
-- them (2 MB for 15 million sums by sub-id). Looking for a campaign's owner read all sums of those days before, 260 to
-- 400 ms for a week of 1.1 million clicks a day.

ALTER TABLE clicks_by_day_link ADD INDEX IF NOT EXISTS links link TYPE bloom_filter(0.01) GRANULARITY 1;
ALTER TABLE clicks_by_day_link MATERIALIZE INDEX IF EXISTS links;

ALTER TABLE conversions_by_day_link ADD INDEX IF NOT EXISTS links link TYPE bloom_filter(0.01) GRANULARITY 1;
ALTER TABLE conversions_by_day_link MATERIALIZE INDEX IF EXISTS links;

ALTER TABLE clicks_by_day_sub1 ADD INDEX IF NOT EXISTS subs sub1 TYPE bloom_filter(0.01) GRANULARITY 1;
ALTER TABLE clicks_by_day_sub1 MATERIALIZE INDEX IF EXISTS subs;

ALTER TABLE clicks_by_day_sub2 ADD INDEX IF NOT EXISTS subs sub2 TYPE bloom_filter(0.01) GRANULARITY 1;
ALTER TABLE clicks_by_day_sub2 MATERIALIZE INDEX IF EXISTS subs;

ALTER TABLE clicks_by_day_sub3 ADD INDEX IF NOT EXISTS subs sub3 TYPE bloom_filter(0.01) GRANULARITY 1;
ALTER TABLE clicks_by_day_sub3 MATERIALIZE INDEX IF EXISTS subs;

ALTER TABLE clicks_by_day_sub4 ADD INDEX IF NOT EXISTS subs sub4 TYPE bloom_filter(0.01) GRANULARITY 1;
ALTER TABLE clicks_by_day_sub4 MATERIALIZE INDEX IF EXISTS subs;

ALTER TABLE clicks_by_day_sub5 ADD INDEX IF NOT EXISTS subs sub5 TYPE bloom_filter(0.01) GRANULARITY 1;
ALTER TABLE clicks_by_day_sub5 MATERIALIZE INDEX IF EXISTS subs;
