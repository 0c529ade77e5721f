-- Customers, sites and engineers, as administrators keep them.

-- name: customers
SELECT c.id, c.key, c.name, c.disabled_at, c.version,
       (SELECT count(*) FROM site WHERE site.customer_id = c.id) AS sites
  FROM customer c ORDER BY c.disabled_at IS NOT NULL, c.name, c.id

-- name: sites
SELECT s.id, s.key, s.name, s.city, s.region_class, s.time_zone, s.phone, s.disabled_at, s.version,
       c.key AS customer, c.name AS customer_name, coalesce(e.key, '') AS engineer,
       e.name AS engineer_name,
       (SELECT count(*) FROM device d WHERE d.site_id = s.id AND d.adopted_at IS NOT NULL)
           AS devices
  FROM site s
  JOIN customer c ON c.id = s.customer_id
  LEFT JOIN engineer e ON e.id = s.engineer_id
 ORDER BY s.disabled_at IS NOT NULL, s.name, s.id

-- name: engineers
SELECT e.id, e.key, e.name, e.region, e.skills, e.shift_days, e.shift_from, e.shift_until,
       e.time_zone, e.disabled_at, e.version, coalesce(above.key, '') AS reports_to,
       above.name AS reports_to_name,
       (SELECT count(*) FROM ticket t WHERE t.assignee_id = e.id AND t.closed_at IS NULL)
           AS open_tickets
  FROM engineer e LEFT JOIN engineer above ON above.id = e.reports_to
 ORDER BY e.disabled_at IS NOT NULL, e.name, e.id

-- name: version_of_customer
SELECT version FROM customer WHERE key = %(key)s

-- name: version_of_site
SELECT version FROM site WHERE key = %(key)s

-- name: version_of_engineer
SELECT version FROM engineer WHERE key = %(key)s

-- name: add_customer
INSERT INTO customer (key, name, disabled_at) VALUES (%(key)s, %(name)s, %(disabled_at)s)
ON CONFLICT (key) DO NOTHING
RETURNING id

-- name: change_customer
UPDATE customer
   SET name = %(name)s, version = version + 1,
       disabled_at = CASE WHEN %(disabled_at)s::timestamptz IS NOT NULL
                          THEN coalesce(disabled_at, %(disabled_at)s) END
 WHERE key = %(key)s AND version = %(version)s
RETURNING id

-- name: add_site
INSERT INTO site (key, name, customer_id, engineer_id, city, region_class, time_zone, phone,
                  disabled_at)
VALUES (%(key)s, %(name)s, (SELECT id FROM customer WHERE key = %(customer)s),
        (SELECT id FROM engineer WHERE key = %(engineer)s), %(city)s, %(region_class)s,
        %(time_zone)s, %(phone)s, %(disabled_at)s)
ON CONFLICT (key) DO NOTHING
RETURNING id

-- A site that changes hands says since when: reports go by whose it was.
-- name: change_site
UPDATE site
   SET name = %(name)s, city = %(city)s, region_class = %(region_class)s,
       time_zone = %(time_zone)s, phone = %(phone)s, version = site.version + 1,
       customer_id = (SELECT id FROM customer WHERE key = %(customer)s),
       engineer_id = wanted.engineer_id,
       engineer_since = CASE WHEN site.engineer_id IS DISTINCT FROM wanted.engineer_id
                             THEN %(now)s ELSE site.engineer_since END,
       disabled_at = CASE WHEN %(disabled_at)s::timestamptz IS NOT NULL
                          THEN coalesce(site.disabled_at, %(disabled_at)s) END
  FROM (SELECT (SELECT id FROM engineer WHERE key = %(engineer)s) AS engineer_id) AS wanted
 WHERE site.key = %(key)s AND site.version = %(version)s
RETURNING site.id

-- name: add_engineer
INSERT INTO engineer (key, name, region, skills, shift_days, shift_from, shift_until, time_zone,
                      reports_to, disabled_at)
VALUES (%(key)s, %(name)s, %(region)s, %(skills)s, %(shift_days)s, %(shift_from)s,
        %(shift_until)s, %(time_zone)s, (SELECT id FROM engineer WHERE key = %(reports_to)s),
        %(disabled_at)s)
ON CONFLICT (key) DO NOTHING
RETURNING id

-- name: change_engineer
UPDATE engineer
   SET name = %(name)s, region = %(region)s, skills = %(skills)s, shift_days = %(shift_days)s,
       shift_from = %(shift_from)s, shift_until = %(shift_until)s, time_zone = %(time_zone)s,
       reports_to = (SELECT above.id FROM engineer above WHERE above.key = %(reports_to)s),
       version = version + 1,
       disabled_at = CASE WHEN %(disabled_at)s::timestamptz IS NOT NULL
                          THEN coalesce(disabled_at, %(disabled_at)s) END
 WHERE key = %(key)s AND version = %(version)s
RETURNING id
