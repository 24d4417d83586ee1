"""Source -> Entries: politeness, fetching, repair, parsing, and one pass that ties them."""
