"""`bantin stories` and its commands."""
