-- name: read
SELECT epoch, wall_epoch, speed FROM simulated_clock

-- name: write
INSERT INTO simulated_clock (epoch, wall_epoch, speed)
VALUES (%(epoch)s, %(wall_epoch)s, %(speed)s)
ON CONFLICT (singleton) DO UPDATE
SET epoch = excluded.epoch, wall_epoch = excluded.wall_epoch, speed = excluded.speed
