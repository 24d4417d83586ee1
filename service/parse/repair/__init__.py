"""Broken documents are repaired before they are parsed, each repair by its name."""
