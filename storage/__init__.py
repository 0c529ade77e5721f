"""PostgreSQL and TimescaleDB: migrations, named queries, the COPY writer, the embedded server."""
