"""Bantin: sources in, topic feeds and digests out. ARCHITECTURE.md shows the house."""
