"""Who gets what: subscribers, subscriptions, their windows, and who must not be written to."""
