"""How relays and destinations fare, and at which rates they may be sent to."""
