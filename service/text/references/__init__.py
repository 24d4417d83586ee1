"""Numbers of official documents in a text: laws, decrees, decisions, directives. Pure."""
