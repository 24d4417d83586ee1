"""The database itself: how rows are read, written, leased and brought to the schema."""
