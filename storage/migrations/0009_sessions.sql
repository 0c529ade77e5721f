-- Every batch moves its sessions' rows: room on the page lets an update stay there, without new index
-- entries.
ALTER TABLE device_session SET (fillfactor = 50);

-- A device whose numbers leave gaps without end would make its row grow without end. All but the
-- newest gaps are closed: what comes that late counts as known.
CREATE FUNCTION bridged(seen int8multirange) RETURNS int8multirange
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN seen + int8multirange(int8range(
    lower(seen), (SELECT lower(part) FROM unnest(seen) AS part ORDER BY part DESC OFFSET 499 LIMIT 1)));
