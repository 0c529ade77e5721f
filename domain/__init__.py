"""The words of the field, as frozen types without I/O. Every other room speaks in them."""
