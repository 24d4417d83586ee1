"""When a source is asked again, and what an answer means for that."""
