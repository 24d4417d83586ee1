"""feedparser's strict parser driven straight from expat: the same answer in less time."""
