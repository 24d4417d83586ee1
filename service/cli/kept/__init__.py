"""`bantin backup`, `restore` and `store copy`."""
