"""From signs to alerts: rules, the identity of a fault, and one open alert for each."""
