"""The only way out to the web: a client with limits and a guard against private addresses."""
