"""How the service ran: what happened in a period, how it was handled, and what is coming."""
