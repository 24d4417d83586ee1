"""Editions under review: how they stand, who did what, and what was taken out."""
