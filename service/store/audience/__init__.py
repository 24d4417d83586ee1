"""Subscribers, subscriptions, their windows, and who must not be written to."""
