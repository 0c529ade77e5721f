-- Roles are the whole server's: one of this name may be somebody else's.
-- name: role
SELECT rolsuper OR rolcreaterole OR rolcreatedb OR rolreplication OR rolbypassrls
       OR EXISTS (SELECT FROM pg_class WHERE relowner = pg_roles.oid)
       OR EXISTS (SELECT FROM pg_auth_members WHERE member = pg_roles.oid) AS powerful
FROM pg_roles WHERE rolname = %(name)s
