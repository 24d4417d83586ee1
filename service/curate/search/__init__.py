"""Search: a question as people write it, the index of stored articles, and what is found."""
