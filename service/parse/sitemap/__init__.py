"""Sitemaps, their indexes, and where sites keep them."""
