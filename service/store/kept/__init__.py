"""The store as a whole: backed up, restored, copied to the other database."""
