"""What sources said and what became of it: entries, articles, stories, topics, feeds."""
