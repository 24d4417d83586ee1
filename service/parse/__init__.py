"""Bytes in, values out: feeds, pages and sitemaps are read here, without network or clock."""
