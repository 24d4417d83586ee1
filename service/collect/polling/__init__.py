"""One pass over sources and article pages: claimed, fetched, read, recorded."""
