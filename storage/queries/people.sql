-- Accounts as administrators see them, keys of programs, links of customers.

-- name: accounts
SELECT a.id, a.name, a.role, a.locale, a.created_at, a.disabled_at, a.version, a.engineer_id,
       e.name AS engineer,
       (SELECT max(s.created_at) FROM account_session s WHERE s.account_id = a.id) AS logged_in_at
  FROM account a LEFT JOIN engineer e ON e.id = a.engineer_id
 ORDER BY a.disabled_at IS NOT NULL, lower(a.name)

-- name: lock_account
SELECT id, name, role, engineer_id, disabled_at, version FROM account
 WHERE id = %(id)s FOR UPDATE

-- name: lock_administrators
SELECT id FROM account WHERE role = 'administrator' AND disabled_at IS NULL FOR UPDATE

-- name: change_account
UPDATE account
   SET role = %(role)s, engineer_id = %(engineer_id)s, disabled_at = %(disabled_at)s,
       version = version + 1
 WHERE id = %(id)s

-- name: make_token
INSERT INTO api_token (name, token_sha256, scopes, made_by, made_at, expires_at)
VALUES (%(name)s, %(token_sha256)s, %(scopes)s, %(actor)s, %(at)s, %(expires_at)s)
ON CONFLICT (name) DO NOTHING
RETURNING id

-- name: use_token
WITH used AS (
    UPDATE api_token SET last_used_at = %(at)s
     WHERE token_sha256 = %(token_sha256)s
       AND (last_used_at IS NULL OR last_used_at < %(stale)s)
)
SELECT name, scopes FROM api_token
 WHERE token_sha256 = %(token_sha256)s AND revoked_at IS NULL AND expires_at > %(at)s

-- name: revoke_token
UPDATE api_token SET revoked_at = %(at)s
 WHERE name = %(name)s AND revoked_at IS NULL
RETURNING id

-- name: tokens
SELECT id, name, scopes, made_by, made_at, expires_at, last_used_at, revoked_at,
       revoked_at IS NULL AND expires_at > %(at)s AS good
  FROM api_token ORDER BY id DESC LIMIT 500

-- name: make_link
INSERT INTO customer_link (device_id, name, token_sha256, made_by, made_at, expires_at)
SELECT id, %(name)s, %(token_sha256)s, %(actor)s, %(at)s, %(expires_at)s
  FROM device WHERE key = %(key)s AND adopted_at IS NOT NULL
RETURNING id

-- name: use_link
WITH used AS (
    UPDATE customer_link SET last_used_at = %(at)s
     WHERE token_sha256 = %(token_sha256)s
       AND (last_used_at IS NULL OR last_used_at < %(stale)s)
)
SELECT id, name, device_id FROM customer_link
 WHERE token_sha256 = %(token_sha256)s AND revoked_at IS NULL
   AND (expires_at IS NULL OR expires_at > %(at)s)

-- name: revoke_link
UPDATE customer_link SET revoked_at = %(at)s
  FROM device d
 WHERE customer_link.id = %(id)s AND customer_link.device_id = d.id AND d.key = %(key)s
   AND revoked_at IS NULL
RETURNING customer_link.name

-- name: links
SELECT id, name, made_by, made_at, expires_at, last_used_at FROM customer_link
 WHERE device_id = %(device_id)s AND revoked_at IS NULL
   AND (expires_at IS NULL OR expires_at > %(at)s)
 ORDER BY id DESC

-- name: linked_device
SELECT d.key, d.kind, d.model, coalesce(s.state, 'unwatched') AS state, s.since,
       si.name AS site_name
  FROM device d
  LEFT JOIN device_status s ON s.device_id = d.id
  LEFT JOIN site si ON si.id = d.site_id
 WHERE d.id = %(device_id)s

-- What a customer is told: how their fault stands, never who works on it or what is foretold.
-- name: linked_cases
SELECT id, state, component, opened_at FROM ticket
 WHERE device_id = %(device_id)s AND closed_at IS NULL
   AND (failed_at IS NOT NULL OR origin IN ('phone', 'portal', 'api', 'device'))
 ORDER BY id DESC

-- name: engineer_id
SELECT id FROM engineer WHERE key = %(key)s AND disabled_at IS NULL
