"""The service desk: one ticket a fault, its life, its clocks, and what people do with it."""
