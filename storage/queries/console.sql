-- What the console reads. It writes only accounts and sessions; cases change through the desk.

-- name: create_account
INSERT INTO account (name, password_hash, role, locale, engineer_id, created_at)
VALUES (%(name)s, %(password_hash)s, %(role)s, %(locale)s, %(engineer_id)s, %(at)s)
ON CONFLICT (name) DO NOTHING
RETURNING id;

-- name: account_by_name
SELECT id, name, password_hash, role, locale, engineer_id FROM account
 WHERE name = %(name)s AND disabled_at IS NULL;

-- name: set_account_locale
UPDATE account SET locale = %(locale)s WHERE id = %(account_id)s;

-- name: set_password_hash
UPDATE account SET password_hash = %(password_hash)s WHERE id = %(account_id)s;

-- name: end_account_sessions
DELETE FROM account_session WHERE account_id = %(account_id)s;

-- name: open_session
INSERT INTO account_session (token_sha256, account_id, csrf_token, created_at, expires_at)
VALUES (%(token_sha256)s, %(account_id)s, %(csrf_token)s, %(at)s, %(expires_at)s);

-- name: session
SELECT a.id, a.name, a.role, a.locale, a.engineer_id, s.csrf_token
  FROM account_session s JOIN account a ON a.id = s.account_id
 WHERE s.token_sha256 = %(token_sha256)s AND s.expires_at > %(at)s AND a.disabled_at IS NULL;

-- name: close_session
DELETE FROM account_session WHERE token_sha256 = %(token_sha256)s;

-- name: drop_expired_sessions
DELETE FROM account_session WHERE expires_at <= %(at)s;

-- name: fleet_counts
SELECT count(*) FILTER (WHERE d.adopted_at IS NOT NULL AND s.state = 'up')   AS up,
       count(*) FILTER (WHERE d.adopted_at IS NOT NULL AND s.state = 'down') AS down,
       count(*) FILTER (WHERE d.adopted_at IS NOT NULL
                          AND coalesce(s.state, 'unwatched') = 'unwatched')  AS unwatched,
       count(*) FILTER (WHERE d.adopted_at IS NULL)                          AS found
  FROM device d LEFT JOIN device_status s ON s.device_id = d.id;

-- name: case_counts
SELECT (SELECT count(*) FROM alert WHERE closed_at IS NULL) AS alerts,
       (SELECT count(*) FROM alert WHERE closed_at IS NULL
           AND state IN ('unacknowledged', 'returned_unacknowledged')) AS unacknowledged,
       (SELECT count(*) FROM ticket WHERE closed_at IS NULL) AS tickets,
       (SELECT count(*) FROM ticket WHERE closed_at IS NULL
           AND predicted_at IS NOT NULL AND failed_at IS NULL
           AND returned_at IS NULL) AS predicted,
       (SELECT count(DISTINCT model_id) FROM (
            SELECT DISTINCT ON (model_id, kind) model_id, alarmed
              FROM model_check JOIN model ON model.id = model_id AND model.stage = 'champion'
             ORDER BY model_id, kind, at DESC, model_check.id DESC) newest
         WHERE alarmed) AS models_unfit;

-- name: marks
-- Numbers that grow when something is written: what changed since the last look.
SELECT (SELECT coalesce(max(id), 0) FROM device_transition) AS transition,
       (SELECT coalesce(max(id), 0) FROM alert) AS alert,
       (SELECT coalesce(max(id), 0) FROM alert_transition) AS alert_transition,
       (SELECT coalesce(sum(signs), 0) FROM alert WHERE closed_at IS NULL) AS sign,
       (SELECT coalesce(max(id), 0) FROM ticket_event) AS ticket_event,
       (SELECT max(at) FROM prediction WHERE at > %(recent)s) AS prediction;

-- name: board
SELECT d.key, d.kind, coalesce(s.state, 'unwatched') AS state,
       coalesce(si.key, '') AS site_key, coalesce(si.name, '') AS site_name,
       coalesce(si.city, '') AS city, coalesce(c.name, '') AS customer,
       EXISTS (SELECT FROM ticket t WHERE t.device_id = d.id AND t.closed_at IS NULL
                  AND t.predicted_at IS NOT NULL AND t.failed_at IS NULL
                  AND t.returned_at IS NULL) AS predicted
  FROM device d
  LEFT JOIN device_status s ON s.device_id = d.id
  LEFT JOIN site si ON si.id = d.site_id
  LEFT JOIN customer c ON c.id = si.customer_id
 WHERE d.adopted_at IS NOT NULL
 ORDER BY customer, site_name, d.key;

-- name: feed
-- The newest of what happened, of three kinds in one list. A down transition of a device that
-- already stands in the list as an event is kept: they are two facts.
SELECT feed.*, d.key AS device_key, coalesce(si.name, '') AS site_name
  FROM ((SELECT 'transition' AS kind, at, device_id, NULL::integer AS site_id, to_state AS word,
                cause AS code, component, detail, NULL::bigint AS ticket_id, NULL::jsonb AS title
           FROM device_transition
          ORDER BY id DESC LIMIT %(limit)s)
        UNION ALL
        (SELECT 'event', at, device_id, NULL, severity, code, component, '', NULL, NULL
           FROM device_event
          WHERE at > %(recent)s AND at <= %(now)s AND severity IN ('error', 'critical')
          ORDER BY at DESC LIMIT %(limit)s)
        UNION ALL
        (SELECT 'ticket', e.at, t.device_id, coalesce(t.site_id, b.site_id), e.kind, t.origin,
                t.component, '', t.id, t.title
           FROM ticket_event e JOIN ticket t ON t.id = e.ticket_id
           LEFT JOIN batch b ON b.id = t.batch_id
          WHERE e.kind IN ('opened', 'failed')
          ORDER BY e.id DESC LIMIT %(limit)s)) AS feed
  LEFT JOIN device d ON d.id = feed.device_id
  LEFT JOIN site si ON si.id = coalesce(d.site_id, feed.site_id)
 ORDER BY feed.at DESC, feed.kind, d.key
 LIMIT %(limit)s;

-- name: foretold
-- Open tickets of failures that are foretold still, and have not come.
SELECT t.id, t.component, t.predicted_at, t.title, d.key AS device_key,
       coalesce(si.name, '') AS site_name, p.probability, p.reasons, p.horizon_h
  FROM ticket t
  JOIN device d ON d.id = t.device_id
  LEFT JOIN site si ON si.id = d.site_id
  LEFT JOIN LATERAL (SELECT probability, reasons, horizon_h FROM prediction p
                      WHERE p.device_id = t.device_id AND p.component = t.component
                        AND p.at > %(recent)s
                      ORDER BY p.at DESC LIMIT 1) p ON true
 WHERE t.closed_at IS NULL AND t.predicted_at IS NOT NULL AND t.failed_at IS NULL
   AND t.returned_at IS NULL
 ORDER BY p.probability DESC NULLS LAST, t.id DESC
 LIMIT %(limit)s;

-- name: devices
SELECT d.id, d.key, d.kind, d.model, d.firmware, d.serial, d.adopted_at, d.simulated,
       coalesce(s.state, 'unwatched') AS state, s.since, s.last_seen_at, s.component,
       si.key AS site_key, si.name AS site_name, c.key AS customer_key, c.name AS customer,
       (SELECT count(*) FROM ticket t WHERE t.device_id = d.id AND t.closed_at IS NULL) AS tickets,
       count(*) OVER () AS total
  FROM device d
  LEFT JOIN device_status s ON s.device_id = d.id
  LEFT JOIN site si ON si.id = d.site_id
  LEFT JOIN customer c ON c.id = si.customer_id
 WHERE (%(state)s = '' OR (%(state)s = 'found' AND d.adopted_at IS NULL)
        OR (d.adopted_at IS NOT NULL AND coalesce(s.state, 'unwatched') = %(state)s))
   AND (%(kind)s = '' OR d.kind = %(kind)s)
   AND (%(customer)s = '' OR c.key = %(customer)s)
   AND (%(site)s = '' OR si.key = %(site)s)
   AND (%(search)s = '' OR concat_ws(' ', d.key, d.serial, d.model, si.name, c.name)
                           ILIKE '%%' || %(search)s || '%%')
 ORDER BY CASE %(sort)s WHEN 'site' THEN si.name WHEN 'model' THEN d.model
                        WHEN 'state' THEN CASE coalesce(s.state, '') WHEN 'down' THEN '1'
                             WHEN 'unwatched' THEN '2' WHEN 'up' THEN '3' ELSE '2' END END,
          CASE WHEN %(sort)s = 'since' THEN s.since END DESC NULLS LAST,
          CASE WHEN %(sort)s = 'seen' THEN s.last_seen_at END DESC NULLS LAST,
          d.key
 LIMIT %(limit)s OFFSET %(offset)s;

-- name: device
SELECT d.id, d.key, d.kind, d.model, d.firmware, d.serial, d.installed_on, d.simulated,
       d.adopted_at, coalesce(s.state, 'unwatched') AS state, s.since, s.reported, s.component,
       s.last_seen_at, s.due_at, s.interval_s, s.collector,
       si.key AS site_key, si.name AS site_name, si.city, si.time_zone, si.region_class,
       c.key AS customer_key, c.name AS customer, e.key AS engineer_key, e.name AS engineer,
       p.host, p.port, p.failures, p.last_error
  FROM device d
  LEFT JOIN device_status s ON s.device_id = d.id
  LEFT JOIN site si ON si.id = d.site_id
  LEFT JOIN customer c ON c.id = si.customer_id
  LEFT JOIN engineer e ON e.id = si.engineer_id
  LEFT JOIN clock_poll p ON p.device_id = d.id
 WHERE d.key = %(key)s;

-- name: device_transitions
SELECT at, from_state, to_state, cause, detail, component FROM device_transition
 WHERE device_id = %(device_id)s AND at >= %(start)s ORDER BY version;

-- name: device_metrics
SELECT m.name, m.kind FROM metric m
 WHERE EXISTS (SELECT FROM rollup_hourly r WHERE r.device_id = %(device_id)s
                  AND r.metric_id = m.id AND r.hour >= %(start)s)
 ORDER BY m.name;

-- The first reading of a counter says nothing of its growth.
-- name: device_series
SELECT r.hour, r.total / r.n AS mean, r.low, r.high, r.growth, m.kind
  FROM rollup_hourly r JOIN metric m ON m.id = r.metric_id
 WHERE r.device_id = %(device_id)s AND m.name = %(metric)s AND r.hour >= %(start)s
   AND NOT (m.kind = 'counter' AND r.n = 1 AND r.before = 'NaN')
 ORDER BY r.hour;

-- name: device_probability
SELECT at, probability FROM prediction
 WHERE device_id = %(device_id)s AND component = %(component)s AND at >= %(start)s
 ORDER BY at;

-- name: device_events
SELECT at, component, code, severity, dialect, raw_code FROM device_event
 WHERE device_id = %(device_id)s AND at >= %(start)s
 ORDER BY at DESC LIMIT %(limit)s;

-- name: device_predictions
-- A prediction says nothing of the time after its horizon.
SELECT DISTINCT ON (component) component, at, probability, threshold, horizon_h, reasons, curve
  FROM prediction
 WHERE device_id = %(device_id)s AND at >= %(start)s
   AND at + horizon_h * interval '1 hour' >= %(now)s
 ORDER BY component, at DESC;

-- name: ticket_curve
SELECT curve FROM prediction
 WHERE device_id = %(device_id)s AND component = %(component)s AND at <= %(until)s
   AND at > %(until)s - interval '3 days'
 ORDER BY at DESC LIMIT 1;

-- name: device_supplies
SELECT metric, at, level, edge, early, likely, late, visit FROM consumable
 WHERE device_id = %(device_id)s
 ORDER BY early NULLS LAST, metric;

-- name: alerts
-- A batch's members stand with it, not in the list; a batch has no device.
SELECT a.id, a.component, a.fault_class, a.state, a.severity, a.origin, a.rule, a.message,
       a.reasons, a.probability, a.active, a.opened_at, a.last_sign_at, a.signs, a.closed_at,
       a.flapping_since, a.batch_id, b.id IS NOT NULL AS is_batch, b.kind AS batch_kind,
       b.name AS batch_name, b.members, b.active AS members_active,
       d.key AS device_key, d.kind, si.name AS site_name, c.name AS customer, t.id AS ticket_id,
       count(*) OVER () AS total
  FROM alert a
  LEFT JOIN device d ON d.id = a.device_id
  LEFT JOIN batch b ON b.id = a.id
  LEFT JOIN site si ON si.id = coalesce(d.site_id, b.site_id)
  LEFT JOIN customer c ON c.id = si.customer_id
  LEFT JOIN LATERAL (SELECT id FROM ticket t WHERE t.alert_id = a.id ORDER BY id DESC LIMIT 1) t
         ON true
 WHERE (%(open)s = '' OR (a.closed_at IS NULL) = (%(open)s = 'open'))
   AND (%(state)s = '' OR a.state = %(state)s)
   AND (%(severity)s = '' OR a.severity = %(severity)s)
   AND (%(origin)s = '' OR a.origin = %(origin)s)
   AND (%(batch)s::bigint IS NULL OR a.batch_id = %(batch)s)
   AND (%(search)s = '' OR concat_ws(' ', d.key, a.component, si.name, c.name, b.name)
                           ILIKE '%%' || %(search)s || '%%')
 ORDER BY a.closed_at IS NOT NULL, a.opened_at DESC, a.id DESC
 LIMIT %(limit)s OFFSET %(offset)s;

-- name: alert
SELECT a.*, b.id IS NOT NULL AS is_batch, b.kind AS batch_kind, b.name AS batch_name, b.members,
       b.active AS members_active, b.evidence, b.first_at, b.ended_at, d.key AS device_key, d.kind,
       si.name AS site_name, c.name AS customer, t.id AS ticket_id, t.state AS ticket_state
  FROM alert a
  LEFT JOIN device d ON d.id = a.device_id
  LEFT JOIN batch b ON b.id = a.id
  LEFT JOIN site si ON si.id = coalesce(d.site_id, b.site_id)
  LEFT JOIN customer c ON c.id = si.customer_id
  LEFT JOIN LATERAL (SELECT id, state FROM ticket t WHERE t.alert_id = a.id
                      ORDER BY id DESC LIMIT 1) t ON true
 WHERE a.id = %(alert_id)s;

-- name: alert_transitions
SELECT name, from_state, to_state, at, actor, cause FROM alert_transition
 WHERE alert_id = %(alert_id)s ORDER BY id DESC LIMIT 100;

-- name: device_id
SELECT id FROM device WHERE key = %(key)s AND adopted_at IS NOT NULL;

-- name: site_id
SELECT id FROM site WHERE key = %(key)s;

-- name: customer_id
SELECT id FROM customer WHERE key = %(key)s;

-- name: tickets
-- `own`: of this engineer alone; null: of all.
SELECT t.id, t.component, t.fault_class, t.origin, t.state, t.severity, t.title, t.opened_at,
       t.predicted_at, t.failed_at, t.closed_at, t.repeat_of, t.level, t.finding, t.batch_id,
       d.key AS device_key, d.kind, si.name AS site_name, c.name AS customer, e.name AS assignee,
       b.kind AS batch_kind, b.name AS batch_name, b.members,
       (SELECT count(*) FROM call WHERE call.ticket_id = t.id) AS calls,
       count(*) OVER () AS total
  FROM ticket t
  LEFT JOIN device d ON d.id = t.device_id
  LEFT JOIN batch b ON b.id = t.batch_id
  LEFT JOIN site si ON si.id = coalesce(d.site_id, t.site_id, b.site_id)
  LEFT JOIN customer c ON c.id = si.customer_id
  LEFT JOIN engineer e ON e.id = t.assignee_id
  LEFT JOIN sla_watch w ON w.ticket_id = t.id
 WHERE (%(open)s = '' OR (t.closed_at IS NULL) = (%(open)s = 'open'))
   AND (%(own)s::integer IS NULL OR t.assignee_id = %(own)s)
   AND (%(state)s = '' OR t.state = %(state)s)
   AND (%(severity)s = '' OR t.severity = %(severity)s)
   AND (%(origin)s = '' OR t.origin = %(origin)s)
   AND (%(customer)s = '' OR c.key = %(customer)s)
   AND (%(engineer)s = '' OR e.key = %(engineer)s)
   AND (%(device)s = '' OR d.key = %(device)s)
   AND (%(search)s = '' OR concat_ws(' ', '#' || t.id, d.key, t.component, si.name, c.name, b.name)
                           ILIKE '%%' || %(search)s || '%%')
 ORDER BY t.closed_at IS NOT NULL, CASE WHEN %(sort)s = 'due' THEN w.due_at END NULLS LAST, t.id DESC
 LIMIT %(limit)s OFFSET %(offset)s;

-- name: ticket
SELECT t.*, d.key AS device_key, d.adopted_at IS NOT NULL AS adopted, d.kind, d.model, d.serial,
       si.key AS site_key,
       si.name AS site_name, si.city, si.region_class, si.time_zone, si.phone, c.name AS customer,
       e.key AS assignee_key, e.name AS assignee, coalesce(s.state, 'unwatched') AS device_state,
       a.state AS alert_state, a.reasons, a.probability, a.message, a.last_sign_at,
       a.foretold_until, b.kind AS batch_kind, b.name AS batch_name, b.members, b.active,
       coalesce(d.site_id, t.site_id, b.site_id) AS place_id
  FROM ticket t
  LEFT JOIN device d ON d.id = t.device_id
  LEFT JOIN device_status s ON s.device_id = d.id
  LEFT JOIN batch b ON b.id = t.batch_id
  LEFT JOIN site si ON si.id = coalesce(d.site_id, t.site_id, b.site_id)
  LEFT JOIN customer c ON c.id = si.customer_id
  LEFT JOIN engineer e ON e.id = t.assignee_id
  LEFT JOIN alert a ON a.id = t.alert_id
 WHERE t.id = %(ticket_id)s AND (%(own)s::integer IS NULL OR t.assignee_id = %(own)s);

-- name: is_own_ticket
SELECT FROM ticket WHERE id = %(ticket_id)s AND assignee_id = %(own)s;

-- name: site_devices
SELECT id, key, kind FROM device
 WHERE site_id = %(site_id)s AND adopted_at IS NOT NULL ORDER BY key LIMIT 200;

-- name: ticket_events
SELECT id, version, at, kind, actor, from_state, to_state, data FROM ticket_event
 WHERE ticket_id = %(ticket_id)s ORDER BY version;

-- name: customers
SELECT id, key, name FROM customer ORDER BY name;

-- name: sites
SELECT si.id, si.key, si.name, si.city, c.name AS customer FROM site si
  JOIN customer c ON c.id = si.customer_id ORDER BY si.name;

-- name: engineers
SELECT id, key, name, region FROM engineer ORDER BY name;

-- name: kinds
SELECT DISTINCT kind FROM device ORDER BY kind;

-- name: backlog
SELECT (SELECT count(*) FROM pending_sign) AS signs,
       (SELECT count(*) FROM rollup_touched) AS rollups;

-- name: api_devices
SELECT d.id, d.key, d.kind, d.model, d.firmware, d.serial, d.installed_on, d.simulated,
       d.adopted_at, coalesce(s.state, 'unwatched') AS state, s.since, s.last_seen_at,
       si.key AS site, c.key AS customer
  FROM device d
  LEFT JOIN device_status s ON s.device_id = d.id
  LEFT JOIN site si ON si.id = d.site_id
  LEFT JOIN customer c ON c.id = si.customer_id
 WHERE (%(after)s::bigint IS NULL OR d.id > %(after)s)
   AND (%(state)s::text IS NULL OR coalesce(s.state, 'unwatched') = %(state)s)
   AND (%(kind)s::text IS NULL OR d.kind = %(kind)s)
   AND (%(site)s::text IS NULL OR si.key = %(site)s)
   AND (%(customer)s::text IS NULL OR c.key = %(customer)s)
 ORDER BY d.id LIMIT %(limit)s;

-- name: api_sites
SELECT si.id, si.key, si.name, c.key AS customer, e.key AS engineer, si.city, si.region_class,
       si.time_zone,
       (SELECT count(*) FROM device d WHERE d.site_id = si.id AND d.adopted_at IS NOT NULL)
           AS devices
  FROM site si JOIN customer c ON c.id = si.customer_id LEFT JOIN engineer e ON e.id = si.engineer_id
 WHERE %(after)s::bigint IS NULL OR si.id > %(after)s
 ORDER BY si.id LIMIT %(limit)s;

-- name: api_engineers
SELECT e.id, e.key, e.name, e.region,
       (SELECT count(*) FROM site si WHERE si.engineer_id = e.id) AS sites,
       (SELECT count(*) FROM ticket t WHERE t.assignee_id = e.id AND t.closed_at IS NULL)
           AS open_tickets
  FROM engineer e
 WHERE %(after)s::bigint IS NULL OR e.id > %(after)s
 ORDER BY e.id LIMIT %(limit)s;

-- name: api_readings
SELECT r.at, r.received_at, d.key AS device, m.name AS metric, r.value
  FROM reading r JOIN device d ON d.id = r.device_id JOIN metric m ON m.id = r.metric_id
 WHERE d.key = %(device)s AND r.at >= %(start)s AND r.at < %(end)s
   AND (%(until)s::timestamptz IS NULL OR r.at <= %(until)s)
   AND (%(metric)s::text IS NULL OR m.name = %(metric)s)
 ORDER BY r.at DESC, r.metric_id, r.received_at, r.value
OFFSET %(seen)s LIMIT %(limit)s;

-- name: api_events
SELECT e.at, e.received_at, d.key AS device, e.component, e.code, e.severity, e.dialect, e.raw_code
  FROM device_event e JOIN device d ON d.id = e.device_id
 WHERE e.at >= %(start)s AND e.at < %(end)s
   AND (%(until)s::timestamptz IS NULL OR e.at <= %(until)s)
   AND (%(device)s::text IS NULL OR d.key = %(device)s)
   AND (%(severity)s::text IS NULL OR e.severity = %(severity)s)
 ORDER BY e.at DESC, e.device_id, e.component, e.code, e.received_at, e.raw_code
OFFSET %(seen)s LIMIT %(limit)s;

-- name: api_transitions
SELECT t.id, t.at, t.recorded_at, d.key AS device, t.from_state, t.to_state, t.cause, t.detail,
       t.component
  FROM device_transition t JOIN device d ON d.id = t.device_id
 WHERE (%(after)s::bigint IS NULL OR t.id < %(after)s)
   AND (%(device)s::text IS NULL OR d.key = %(device)s)
 ORDER BY t.id DESC LIMIT %(limit)s;

-- name: api_predictions
SELECT p.at, d.key AS device, p.component, p.model_id, p.horizon_h, p.probability, p.threshold,
       p.reasons,
       (SELECT coalesce(jsonb_agg(jsonb_build_object('days', days, 'probability', probability)
                                  ORDER BY days), '[]')
          FROM unnest(p.curve, ARRAY[1, 3, 7, 30]) AS point (probability, days)
         WHERE point.probability IS NOT NULL) AS within
  FROM prediction p JOIN device d ON d.id = p.device_id
 WHERE p.at >= %(start)s AND p.at < %(end)s
   AND (%(until)s::timestamptz IS NULL OR p.at <= %(until)s)
   AND (%(device)s::text IS NULL OR d.key = %(device)s)
   AND (%(component)s::text IS NULL OR p.component = %(component)s)
 ORDER BY p.at DESC, p.device_id, p.component, p.model_id
OFFSET %(seen)s LIMIT %(limit)s;

-- name: api_supplies
SELECT c.at, d.key AS device, c.component, c.metric, c.level, c.edge, c.early, c.likely, c.late,
       c.visit
  FROM consumable c JOIN device d ON d.id = c.device_id
 WHERE c.at >= %(start)s AND c.at < %(end)s
   AND (%(until)s::timestamptz IS NULL OR c.at <= %(until)s)
   AND (%(device)s::text IS NULL OR d.key = %(device)s)
   AND (%(component)s::text IS NULL OR c.component = %(component)s)
 ORDER BY c.at DESC, c.device_id, c.metric
OFFSET %(seen)s LIMIT %(limit)s;

-- name: api_anomalies
SELECT a.at, d.key AS device, a.component, a.score, a.chance, a.reasons
  FROM anomaly a JOIN device d ON d.id = a.device_id
 WHERE a.at >= %(start)s AND a.at < %(end)s
   AND (%(until)s::timestamptz IS NULL OR a.at <= %(until)s)
   AND (%(device)s::text IS NULL OR d.key = %(device)s)
   AND (%(component)s::text IS NULL OR a.component = %(component)s)
 ORDER BY a.at DESC, a.device_id, a.component
OFFSET %(seen)s LIMIT %(limit)s;

-- name: api_models
-- Without the long lists: what single devices did, and what fixes a model's columns.
SELECT id, task, stage, trained_at, promoted_at, scored_at, train_from, train_until, test_from,
       test_until, horizon_h, feature_schema, threshold, gate, artifact_sha256,
       metrics - 'failures' - 'episodes' AS metrics,
       settings - 'usual' - 'vocabulary' - 'forecast' AS settings,
       (SELECT coalesce(jsonb_agg(jsonb_build_object(
                   'kind', kind, 'at', at, 'value', value, 'bound', bound, 'alarmed', alarmed,
                   'said', detail -> 'said') ORDER BY kind), '[]')
          FROM (SELECT DISTINCT ON (kind) kind, at, value, bound, alarmed, detail
                  FROM model_check WHERE model_id = model.id
                 ORDER BY kind, at DESC, model_check.id DESC) newest) AS checks
  FROM model
 WHERE %(after)s::bigint IS NULL OR id < %(after)s
 ORDER BY id DESC LIMIT %(limit)s;

-- name: api_alerts
SELECT a.id, d.key AS device, a.component, a.fault_class, a.state, a.severity, a.origin, a.rule,
       a.message, a.reasons, a.probability, a.active, a.opened_at, a.last_sign_at, a.signs,
       a.closed_at, a.batch_id
  FROM alert a LEFT JOIN device d ON d.id = a.device_id
 WHERE (%(after)s::bigint IS NULL OR a.id < %(after)s)
   AND (%(device)s::text IS NULL OR d.key = %(device)s)
   AND (%(open)s::boolean IS NULL OR (a.closed_at IS NULL) = %(open)s)
 ORDER BY a.id DESC LIMIT %(limit)s;

-- name: api_tickets
SELECT t.id, d.key AS device, si.key AS site, t.batch_id, t.component, t.fault_class, t.alert_id,
       t.origin, t.state, t.severity, t.title, e.key AS assignee, t.repeat_of, t.opened_at,
       t.predicted_at, t.failed_at, t.closed_at, t.level, t.finding, t.caused_by, t.handling,
       t.grade, t.version,
       (SELECT count(*) FROM call WHERE call.ticket_id = t.id) AS calls
  FROM ticket t
  LEFT JOIN device d ON d.id = t.device_id
  LEFT JOIN batch b ON b.id = t.batch_id
  LEFT JOIN site si ON si.id = coalesce(d.site_id, t.site_id, b.site_id)
  LEFT JOIN engineer e ON e.id = t.assignee_id
 WHERE (%(after)s::bigint IS NULL OR t.id < %(after)s)
   AND (%(id)s::bigint IS NULL OR t.id = %(id)s)
   AND (%(own)s::integer IS NULL OR t.assignee_id = %(own)s)
   AND (%(device)s::text IS NULL OR d.key = %(device)s)
   AND (%(state)s::text IS NULL OR t.state = %(state)s)
   AND (%(origin)s::text IS NULL OR t.origin = %(origin)s)
   AND (%(open)s::boolean IS NULL OR (t.closed_at IS NULL) = %(open)s)
 ORDER BY t.id DESC LIMIT %(limit)s;

-- name: api_promises
SELECT t.id, (SELECT data -> 'coverage' FROM ticket_event
               WHERE ticket_id = t.id AND version = 1) AS coverage
  FROM ticket t
 WHERE (%(after)s::bigint IS NULL OR t.id < %(after)s)
   AND (%(id)s::bigint IS NULL OR t.id = %(id)s)
   AND (%(own)s::integer IS NULL OR t.assignee_id = %(own)s)
   AND (%(open)s::boolean IS NULL OR (t.closed_at IS NULL) = %(open)s)
 ORDER BY t.id DESC LIMIT %(limit)s;

-- name: audit_entries
SELECT id, at, actor, action, object, detail, count(*) OVER () AS total
  FROM audit_entry
 WHERE (%(action)s = '' OR action = %(action)s)
   AND (%(search)s = '' OR concat_ws(' ', actor, action, object, detail::text)
                           ILIKE '%%' || %(search)s || '%%')
 ORDER BY id DESC LIMIT %(limit)s OFFSET %(offset)s;

-- name: audit_actions
SELECT DISTINCT action FROM audit_entry ORDER BY action;

-- name: unknown_codes
SELECT u.dialect, u.raw_code, u.component, u.first_at, u.last_at, u.seen, d.key AS device_key,
       count(*) OVER () AS total
  FROM unknown_code u JOIN device d ON d.id = u.device_id
 WHERE (%(dialect)s = '' OR u.dialect = %(dialect)s)
   AND (%(search)s = '' OR concat_ws(' ', u.raw_code, u.component, d.key)
                           ILIKE '%%' || %(search)s || '%%')
 ORDER BY u.last_at DESC, u.dialect, u.raw_code, u.component
 LIMIT %(limit)s OFFSET %(offset)s;

-- name: unknown_dialects
SELECT DISTINCT dialect FROM unknown_code ORDER BY dialect;
