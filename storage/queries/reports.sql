-- Reports: their archive, and the turns of their schedule.

-- name: store_figures
INSERT INTO report_figures (sha256, figures) VALUES (%(sha256)s, %(figures)s)
ON CONFLICT (sha256) DO NOTHING;

-- name: store
INSERT INTO report (kind, period, time_zone, customer, language, format, made_at, made_by,
                    figures_sha256, file_sha256, size, file)
VALUES (%(kind)s, %(period)s, %(time_zone)s, %(customer)s, %(language)s, %(format)s, %(made_at)s,
        %(made_by)s, %(figures_sha256)s, %(file_sha256)s, %(size)s, %(file)s)
RETURNING id;

-- name: entries
-- Newest first; `after` the last id of the page before.
SELECT id, kind, period, time_zone, customer, language, format, made_at, made_by,
       figures_sha256, file_sha256, size
FROM report
WHERE (%(kind)s::text IS NULL OR kind = %(kind)s)
  AND (%(customer)s::text IS NULL OR customer = %(customer)s)
  AND (%(after)s::bigint IS NULL OR id < %(after)s)
ORDER BY id DESC
LIMIT %(limit)s;

-- name: entry
SELECT id, kind, period, time_zone, customer, language, format, made_at, made_by,
       figures_sha256, file_sha256, size
FROM report
WHERE id = %(id)s;

-- name: file
SELECT file FROM report WHERE id = %(id)s;

-- name: figures
SELECT figures FROM report_figures WHERE sha256 = %(sha256)s;

-- name: customers
SELECT key, name FROM customer ORDER BY name, key;

-- name: take_turn
-- Whoever gets the row back makes the report; another worker waits here until it is made, or not.
INSERT INTO report_turn (entry, period, customer, first, due_at, done_at)
VALUES (%(entry)s, %(period)s, %(customer)s, %(first)s, %(due_at)s, %(done_at)s)
ON CONFLICT (entry, period, customer) DO NOTHING
RETURNING entry;

-- name: turns
-- The first days of the periods that were made, by entry and customer.
SELECT entry, customer, array_agg(first) AS firsts FROM report_turn WHERE first > %(since)s
GROUP BY entry, customer;
