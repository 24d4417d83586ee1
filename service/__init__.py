"""Bantin: sources in, topic feeds and digests out. ARCHITECTURE.md is the map."""
