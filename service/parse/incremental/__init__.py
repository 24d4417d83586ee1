"""Entries that were there the last time are not parsed again."""
