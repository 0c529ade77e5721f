"""The service desk: one ticket a fault, its life, its clocks, and what people do with it.

`lifecycle`, `case`: a ticket as the fold of its events. `ledger`: the only writer of tickets.
`cases`, `upkeep`, `records`: what signs, time and records do to them. `actions`: what people do.
`calls`, `callers`, `identify`: customers who call. `assignment`, `escalation`: who gets it, who is
told. `sla`, `contracts`, `coverage`: what was promised, and who pays. `places`: customers, sites,
engineers. `sinks`: other ticket systems. Dispatch, parts, work orders and inspections each get a
module of their own beside these, and change a case through `ledger` alone.
"""
