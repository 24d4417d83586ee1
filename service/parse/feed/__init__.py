"""RSS, Atom and JSON Feed: entries, their keys, their media, what a publisher hints."""
