"""The same messages from the same broker into the same tables, in four ways."""
