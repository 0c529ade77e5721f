-- Every batch moves its sessions' rows: room on the page lets an update stay there, without new index
-- entries.
ALTER TABLE device_session SET (fillfactor = 50);
