"""Dates, times and zones as documents write them, in many languages. Pure."""
