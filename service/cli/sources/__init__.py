"""`bantin sources` and its commands."""
