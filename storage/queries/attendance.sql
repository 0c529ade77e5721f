-- name: incoming
CREATE TEMPORARY TABLE IF NOT EXISTS attendance_incoming (
    user_ref text, at timestamptz, local_time timestamp, status smallint, punch smallint, nth integer
) ON COMMIT DELETE ROWS

-- A record that is stored already is the same record, read again. What came is gone afterwards: the
-- next clock of the same transaction begins with an empty table.
-- name: take_in
WITH came AS (DELETE FROM attendance_incoming RETURNING *)
INSERT INTO attendance_record
    (device_id, site_id, serial, user_ref, at, local_time, status, punch, nth, stored_at)
SELECT device.id, device.site_id, %(serial)s, user_ref, at, local_time, status, punch, nth, %(now)s
FROM came JOIN device ON device.id = %(device_id)s
ORDER BY user_ref, local_time, status, punch, nth
ON CONFLICT (serial, user_ref, local_time, status, punch, nth) DO NOTHING
