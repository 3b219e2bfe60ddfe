-- Clicks in the order of time, beside that of links: the last hundred, an hour, a day by anything. It keeps what lists
-- and reports show, and nothing of the visitor. Parts that are there already get it by and by.
ALTER TABLE clicks ADD PROJECTION IF NOT EXISTS by_time
(
    SELECT site, time, journal, shard, seq, day, kind, count, outcome, reason, rules, key_version, affiliate, link,
        program, country, region, city, device, os, browser, language, referrer, source, code, sub1, sub2, sub3, sub4,
        sub5, sub6, sub7, sub8, sub9, sub10
    ORDER BY site, time
);
ALTER TABLE clicks MATERIALIZE PROJECTION IF EXISTS by_time;
-- Links lie below their affiliates: who asks for a link alone finds it by what each granule holds.
ALTER TABLE clicks ADD INDEX IF NOT EXISTS links link TYPE set(0) GRANULARITY 1;
ALTER TABLE clicks MATERIALIZE INDEX IF EXISTS links;
ALTER TABLE clicks_by_day_link ADD INDEX IF NOT EXISTS links link TYPE set(0) GRANULARITY 1;
ALTER TABLE clicks_by_day_link MATERIALIZE INDEX IF EXISTS links;
