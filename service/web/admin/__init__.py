"""Pages for the admin, and the key that opens them."""
