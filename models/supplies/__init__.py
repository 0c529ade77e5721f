"""When a supply runs out or a store fills up."""
