"""Our tickets in other people's ticket systems: two-way, by key, behind the outbox."""
