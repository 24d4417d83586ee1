"""The page of one article: title, lead, time, authors, text."""
