"""How a publisher's server is spared: gaps, rests, robots.txt, access."""
