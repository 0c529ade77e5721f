-- name: lock
SELECT watching_since, beat_at FROM collector_watch WHERE collector = %(collector)s FOR UPDATE

-- name: begin
INSERT INTO collector_watch (collector, watching_since, beat_at)
VALUES (%(collector)s, %(now)s, %(now)s)
ON CONFLICT (collector) DO UPDATE
SET watching_since = excluded.watching_since, beat_at = excluded.beat_at

-- name: beat
UPDATE collector_watch
SET beat_at = greatest(beat_at, %(now)s)
WHERE collector = %(collector)s AND beat_at >= %(heard_after)s AND beat_at <= %(heard_before)s

-- name: away
SELECT collector, beat_at FROM collector_watch WHERE beat_at < %(heard_after)s FOR UPDATE SKIP LOCKED

-- name: end
DELETE FROM collector_watch WHERE collector = %(collector)s RETURNING beat_at

-- name: end_all
DELETE FROM collector_watch RETURNING collector, beat_at

-- name: flow
UPDATE collector_watch
SET in_flight = %(in_flight)s, oldest_s = %(oldest_s)s, wait_s = %(wait_s)s, age_s = %(age_s)s
WHERE collector = %(collector)s

-- name: flows
SELECT collector, watch.beat_at, watch.in_flight, watch.oldest_s, watch.wait_s, watch.age_s,
       coalesce(intake.stored, 0) AS stored, coalesce(intake.duplicate, 0) AS duplicate,
       coalesce(intake.rejected, 0) AS rejected
FROM collector_watch AS watch FULL JOIN intake_count AS intake USING (collector)
ORDER BY collector

-- name: clocks_off
SELECT count(DISTINCT device_id) AS devices
FROM device_event
WHERE code = 'x.ClockOff' AND at > %(after)s
