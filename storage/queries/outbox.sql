-- name: announce
INSERT INTO announcement (kind, subject, at, data)
SELECT kind, subject, at, data
FROM unnest(%(kinds)s::text[], %(subjects)s::text[], %(ats)s::timestamptz[], %(data)s::jsonb[])
     WITH ORDINALITY AS told (kind, subject, at, data, place)
ORDER BY place
