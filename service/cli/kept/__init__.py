"""`bantin backup`, `restore`, `store copy` and `migrate`."""
