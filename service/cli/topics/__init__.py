"""`bantin topics` and its commands."""
