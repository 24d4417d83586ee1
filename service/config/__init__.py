"""TOML -> Settings: schema, loading and includes, overrides, secrets, lines of faults."""
