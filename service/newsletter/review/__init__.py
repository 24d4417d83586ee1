"""Editors look at an edition before it goes: they hold it, change it, or let it go."""
