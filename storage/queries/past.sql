-- Cases that ended before they were kept here.

-- name: reserve
SELECT nextval(pg_get_serial_sequence(%(table)s, 'id')) AS id FROM generate_series(1, %(count)s)

-- name: keep
INSERT INTO ticket (id, device_id, component, fault_class, site_id, batch_id, alert_id, origin, state,
                    severity, title, assignee_id, repeat_of, opened_at, predicted_at, failed_at,
                    returned_at, closed_at, version, level, finding, caused_by, handling, grade)
OVERRIDING SYSTEM VALUE
SELECT id, device_id, component, fault_class, site_id, batch_id, alert_id, origin, state, severity, title,
       assignee_id, repeat_of, opened_at, predicted_at, failed_at, returned_at, closed_at, version, level,
       finding, caused_by, handling, grade
FROM json_to_recordset(%(rows)s::json)
     AS past (id bigint, device_id int, component text, fault_class text, site_id int, batch_id bigint,
              alert_id bigint, origin text, state text, severity text, title jsonb, assignee_id int,
              repeat_of bigint, opened_at timestamptz, predicted_at timestamptz,
              failed_at timestamptz, returned_at timestamptz, closed_at timestamptz, version int,
              level int, finding text, caused_by text, handling text, grade text)

-- name: keep_calls
INSERT INTO call (id, at, channel, words, site_id, device_id, ticket_id, repeat_of, taken_by)
OVERRIDING SYSTEM VALUE
SELECT id, at, channel, words, site_id, device_id, ticket_id, repeat_of, taken_by
FROM json_to_recordset(%(rows)s::json)
     AS past (id bigint, at timestamptz, channel text, words text, site_id int, device_id int,
              ticket_id bigint, repeat_of bigint, taken_by text)
