-- A block is deleted from the outbox once its insert has answered: what answered must be on the disk,
-- the rows of the materialized views too. A part's folder is synced with it.
ALTER TABLE clicks MODIFY SETTING fsync_after_insert = 1, fsync_part_directory = 1;
ALTER TABLE conversions MODIFY SETTING fsync_after_insert = 1, fsync_part_directory = 1;
ALTER TABLE clicks_by_day_link MODIFY SETTING fsync_after_insert = 1, fsync_part_directory = 1;
ALTER TABLE clicks_by_day_country MODIFY SETTING fsync_after_insert = 1, fsync_part_directory = 1;
ALTER TABLE conversions_by_day_link MODIFY SETTING fsync_after_insert = 1, fsync_part_directory = 1;
